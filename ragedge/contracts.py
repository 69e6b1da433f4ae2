"""Every record that crosses a module border, and the Protocols behind which a part can be exchanged.

Records are frozen and slotted; sequences are tuples; units stand in the names. Pages and ranks count from 1, ordinals
and character offsets from 0, spans are half-open. Pages stay pages: the page of a citation is carried along from the
reader, never counted back from an offset. This module knows no file, no model and no index.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

BlockKind = Literal["heading", "text", "list", "table", "code"]
PageOrigin = Literal["text", "ocr"]
Outcome = Literal["answered", "unsure", "abstained", "truncated", "cancelled"]
Reason = Literal[
    "encrypted", "no_text", "broken", "too_large", "unsupported", "timed_out", "out_of_memory", "crashed", "unreadable"
]


# ---------------------------------------------------------------------------------------------- documents


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch `[start, end)` of a page's text with one role; `level` is a heading's depth (1 = top) or 0.

    A "list" block is one item, a "table" block one whole table: one row per line, its first line the header row when
    `has_header`. Blocks are in reading order and do not overlap; what lies between them is white space.
    """

    kind: BlockKind
    start: int
    end: int
    level: int = 0
    has_header: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """One page, slide, sheet or (for formats without pages) the whole file, as text in Unicode NFC.

    `number` counts from 1 by position; `label` is what is printed on the page (or a sheet's or slide's name), or None.
    """

    number: int
    label: str | None
    text: str
    origin: PageOrigin = "text"
    blocks: tuple[Block, ...] = ()


@dataclass(frozen=True, slots=True)
class PageProblem:
    """Why one page (or, with `page` None, some part of the file) gave less than it holds."""

    page: int | None
    reason: Reason
    detail: str


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """What a reader made of one file, before it has an identity in an index."""

    title: str
    media_type: str
    pages: tuple[Page, ...]
    language: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[PageProblem, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """One file of a corpus. `id` = the first 16 hex digits of the sha256 of its bytes; `path` POSIX, relative."""

    id: str
    path: str
    title: str
    media_type: str
    size_bytes: int
    language: str | None
    metadata: Mapping[str, str]
    pages: tuple[Page, ...]


@dataclass(frozen=True, slots=True)
class PageSpan:
    """Characters `[start, end)` of the text of page number `page`."""

    page: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Chunk:
    """What is embedded, found and cited. `text` is the spans' text, joined with one newline.

    `id` = "<document_id>-<ordinal, 5 digits>"; `headings` are the titles above it, outermost first; `tokens` counts
    what the embedder reads for it (headings included, special tokens not).
    """

    id: str
    document_id: str
    document_path: str
    ordinal: int
    text: str
    spans: tuple[PageSpan, ...]
    headings: tuple[str, ...]
    tokens: int


# ---------------------------------------------------------------------------------------------- asking


@dataclass(frozen=True, slots=True)
class Turn:
    """One earlier exchange of a conversation."""

    question: str
    answer: str


@dataclass(frozen=True, slots=True)
class Question:
    """What a person asks, and how. `None` means: as the config says."""

    text: str
    collection: str = ""
    history: tuple[Turn, ...] = ()
    filters: Mapping[str, str] = field(default_factory=dict)
    top_k: int | None = None
    max_answer_tokens: int | None = None
    temperature: float | None = None
    seed: int | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that was found: a chunk, or neighbouring chunks merged under the id of the best one.

    `score` is higher for better, always. `cosine` is the similarity of question and chunk in [-1, 1] (None: not
    computed); the ranks count from 1 in their own list (None: not in that list).
    """

    chunk: Chunk
    score: float
    title: str = ""
    lexical_rank: int | None = None
    vector_rank: int | None = None
    cosine: float | None = None
    rerank_score: float | None = None
    chunk_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Retrieval:
    """Hits, best first, for `search_text` (the question after rewriting)."""

    question: Question
    search_text: str
    hits: tuple[Hit, ...]


@dataclass(frozen=True, slots=True)
class Evidence:
    """A sentence, list item or table row that may answer the question: an exact part of one page.

    `text` == the page's text[start:end]; `score` in [0, 1], higher is better; `hit_index` points into `Retrieval.hits`.
    """

    hit_index: int
    text: str
    span: PageSpan
    score: float
    cosine: float | None = None
    coverage: float | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """The gate's decision, with the figure in [0, 1] it was made on and its reason in plain words."""

    outcome: Literal["answered", "unsure", "abstained"]
    confidence: float
    reason: str


@dataclass(frozen=True, slots=True)
class Source:
    """A passage as it stands in a prompt; source i of `Prompt.sources` is cited as number i+1."""

    chunk: Chunk
    title: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a generator reads. `tokens` counts the whole prompt, `dropped` the passages that did not fit."""

    system: str
    user: str
    sources: tuple[Source, ...]
    tokens: int
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class Citation:
    """A statement `[answer_start, answer_end)` of the answer, tied to an exact quote of a source.

    `quote` is a substring of the text of page `span.page`; `pages` are all pages the cited chunk touches;
    `page_label` is what is printed on the quoted page. `support` in [0, 1] is 1.0 for a literal quote.
    """

    number: int
    chunk_id: str
    document_id: str
    document_path: str
    title: str
    pages: tuple[int, ...]
    page_label: str | None
    span: PageSpan
    quote: str
    answer_start: int
    answer_end: int
    support: float


@dataclass(frozen=True, slots=True)
class AnswerSpan:
    """A sentence `[start, end)` of an answer that no source supports."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Timings:
    """Wall clock of our own stages in milliseconds; None where a stage did not run."""

    embed_ms: float | None = None
    lexical_ms: float | None = None
    vector_ms: float | None = None
    rerank_ms: float | None = None
    read_ms: float | None = None
    first_piece_ms: float | None = None
    total_ms: float | None = None


@dataclass(frozen=True, slots=True)
class ModelStats:
    """What the language model spent, in the names and units of Ollama: nanoseconds and token counts."""

    total_duration: int = 0
    load_duration: int = 0
    prompt_eval_count: int = 0
    prompt_eval_cached_count: int = 0
    prompt_eval_duration: int = 0
    eval_count: int = 0
    eval_duration: int = 0

    @property
    def prompt_tokens_per_second(self) -> float | None:
        """Prompt tokens read per second, cached ones not counted; None when nothing was read."""
        return _rate(self.prompt_eval_count - self.prompt_eval_cached_count, self.prompt_eval_duration)

    @property
    def tokens_per_second(self) -> float | None:
        """Tokens written per second; None when nothing was written."""
        return _rate(self.eval_count, self.eval_duration)


def _rate(count: int, duration_ns: int) -> float | None:
    return count / duration_ns * 1e9 if count > 0 and duration_ns > 0 else None


@dataclass(frozen=True, slots=True)
class Answer:
    """The end of the one read path. `engine` names who spoke: "extractive", "llama:<file>", "none"."""

    text: str
    outcome: Outcome
    citations: tuple[Citation, ...]
    unsupported: tuple[AnswerSpan, ...]
    hits: tuple[Hit, ...]
    engine: str
    confidence: float
    reason: str
    timings: Timings
    stats: ModelStats | None = None


@dataclass(frozen=True, slots=True)
class Passages:
    """First event of a stream: what was found, with its evidence, before any model speaks."""

    retrieval: Retrieval
    evidence: tuple[Evidence, ...]
    verdict: Verdict
    timings: Timings


@dataclass(frozen=True, slots=True)
class Piece:
    """A further bit of the answer's text."""

    text: str


Event = Passages | Piece | Answer


# ---------------------------------------------------------------------------------------------- seams


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
        self, prompt: Prompt, sampling: Sampling, is_cancelled: Callable[[], bool]
    ) -> Iterator[Piece | ModelStats]:
        """Pieces of text, then one `ModelStats`.

        Raises:
            Busy: when another job runs and the queue is full.
            PromptTooLong: when prompt and answer do not fit the context.
        """
        ...

    def close(self) -> None: ...
