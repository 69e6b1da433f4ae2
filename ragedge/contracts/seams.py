"""The Protocols behind which a part can be exchanged, and the settings that go through them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

from ragedge.contracts.asking import Answer, ModelStats, Piece, Prompt, Question
from ragedge.contracts.documents import ParsedFile
from ragedge.contracts.reading import WindowReading, WindowText

if TYPE_CHECKING:  # the readers' process and `--help` do without numpy
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How files are read. `passwords` are tried after the empty one; `ocr_languages` are Tesseract's codes."""

    passwords: tuple[str, ...] = ()
    ocr: Literal["auto", "off"] = "auto"
    ocr_languages: tuple[str, ...] = ("eng",)
    ocr_dpi: int = 200
    max_chars: int = 50_000_000


class Reader(Protocol):
    """Turns one file of its formats into text with pages and blocks; runs inside the sandbox."""

    suffixes: tuple[str, ...]

    def read(self, path: Path, options: ReadOptions) -> ParsedFile:
        """Read the file at `path`.

        Raises:
            UnreadableDocument: with one of the documented reasons.
        """
        ...


@runtime_checkable
class Embedder(Protocol):
    """Texts to unit vectors, and the tokenizer that goes with them."""

    @property
    def id(self) -> str: ...
    @property
    def sha256(self) -> str: ...
    @property
    def dimension(self) -> int: ...
    @property
    def max_tokens(self) -> int: ...

    def token_spans(self, text: str) -> list[tuple[int, int]]:
        """Character spans of the tokens of `text`, special tokens left out."""
        ...

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors, float32 [len(texts), dimension]."""
        ...

    def embed_question(self, text: str) -> NDArray[np.float32]:
        """Unit vector, float32 [dimension]."""
        ...


@runtime_checkable
class EvidenceReader(Protocol):
    """Reads question and passage together, and says of each unit how likely it answers."""

    @property
    def sha256(self) -> str: ...

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, special ones not counted."""
        ...

    def read(self, question: str, windows: Sequence[WindowText]) -> list[WindowReading]:
        """One reading per window, in order; what does not fit the model is cut off and has the lowest score."""
        ...


class Records(Protocol):
    """Keeps what was asked (`ragedge.journal.Journal`); must neither fail nor wait."""

    def record(
        self, question: Question, answer: Answer, question_id: str, passages_ms: float | None = None
    ) -> None: ...


class VectorStore(Protocol):
    """Nearest neighbours by cosine over ids and unit vectors; a derived part, never the only copy."""

    def upsert(self, ids: Sequence[str], vectors: NDArray[np.float32]) -> None: ...
    def delete(self, ids: Sequence[str]) -> None: ...
    def search(self, vector: NDArray[np.float32], limit: int) -> list[tuple[str, float]]:
        """(id, cosine), best first."""
        ...

    def count(self) -> int: ...
    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Sampling:
    """How a generator picks tokens; temperature 0 is greedy."""

    max_tokens: int = 256
    temperature: float = 0.0
    seed: int = 0


@runtime_checkable
class Generator(Protocol):
    """A language model that streams text for a prompt; one job at a time."""

    @property
    def name(self) -> str: ...
    @property
    def context_tokens(self) -> int: ...

    def count_tokens(self, text: str) -> int: ...

    def stream(
        self, prompt: Prompt, sampling: Sampling, is_cancelled: Callable[[], bool], *, client: str = ""
    ) -> Iterator[Piece | ModelStats]:
        """Pieces of text, then one `ModelStats`; `client` names who asks, for a fair queue.

        Raises:
            Busy: when another job runs and the queue is full.
            PromptTooLong: when prompt and answer do not fit the context.
        """
        ...

    def close(self) -> None: ...
