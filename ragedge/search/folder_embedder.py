"""What both embedders over a sentence-transformers folder share: everything but how vectors come out of token numbers.

Texts are tokenized, bounded and refused in one way, so that one index serves both. Runs no model.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ragedge.search.bert_folder import BertFolder, check_threads, unit_vectors


class FolderEmbedder(ABC):
    """The `Embedder` Protocol over a folder; safe to use from several threads.

    Args:
        folder: holds `config.json`, `tokenizer.json`, `modules.json` and `model.safetensors`.
        id: name under which vectors of this model are kept apart from others.
        sha256: hex digest that `model.safetensors` must have.
        max_tokens: longest passage, prefix included and special tokens not.
        question_prefix: put before every question, as the model was trained.
        passage_prefix: put before every passage.
        threads: of the native library; None = chosen for this box.

    Raises:
        ModelMissing: a file of the folder is absent.
        ModelCorrupt: a file of the folder is not what it must be.
        InputError: `max_tokens` or `threads` is out of range.
    """

    def __init__(
        self,
        folder: Path,
        *,
        id: str,
        sha256: str,
        max_tokens: int,
        question_prefix: str = "",
        passage_prefix: str = "",
        threads: int | None = None,
    ) -> None:
        check_threads(threads)
        self._id = id
        self._threads = threads
        self._texts = BertFolder(
            folder,
            sha256=sha256,
            max_tokens=max_tokens,
            question_prefix=question_prefix,
            passage_prefix=passage_prefix,
        )
        self._lock = threading.Lock()  # one native job at a time: two would fight over the same cores

    @property
    def id(self) -> str:
        """The model's name in an index."""
        return self._id

    @property
    def sha256(self) -> str:
        """Hex digest of the weights in the folder: they say which vectors fit, whatever is made of them."""
        return self._texts.sha256

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return self._texts.dimension

    @property
    def max_tokens(self) -> int:
        """Longest passage in tokens, prefix included, special tokens not."""
        return self._texts.max_tokens

    def token_spans(self, text: str) -> list[tuple[int, int]]:
        """Character spans of the tokens of `text`, special tokens left out; never cut, loads no model."""
        return self._texts.token_spans(text)

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors of `texts` in their order, float32 [len(texts), dimension].

        Raises:
            InputError: a text is longer than `max_tokens`; nothing is ever cut off unseen.
            ModelError: the model cannot be loaded or run, or is not the one it claims to be.
        """
        return self._embed(self._texts.passage_rows(texts))

    def embed_question(self, text: str) -> NDArray[np.float32]:
        """Unit vector of a question, float32 [dimension]; what exceeds the model's length is cut off at its end."""
        vector: NDArray[np.float32] = self._embed([self._texts.question_row(text)])[0]
        return vector

    def _embed(self, rows: Sequence[list[int]]) -> NDArray[np.float32]:
        if not rows:
            return np.zeros((0, self.dimension), dtype=np.float32)
        with self._lock:
            vectors = self._vectors(rows)
        return unit_vectors(vectors, self._id)

    @abstractmethod
    def _vectors(self, rows: Sequence[list[int]]) -> NDArray[np.float32]:
        """Vectors of token numbers, special ones included, float32 [len(rows), dimension]; called under the lock."""
