"""Texts to unit vectors with a sentence-transformers model, run by llama.cpp instead of torch.

The same folder, the same tokenizer and the same vectors (cosine >= 0.9999) as `embedder`, in a fraction of the memory
and without the seconds that importing torch takes. The folder's weights are checked against a sha256 and written once
as a GGUF file into `gguf_folder`. Takes BERT models with mean pooling; knows nothing of documents, chunks or the index.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ragedge.search.bert_folder import BertFolder, check_threads, unit_vectors
from ragedge.search.bert_native import NativeBert
from ragedge.search.gguf_file import ready_gguf
from ragedge.threads import default_threads

_MAX_THREADS = 4  # more gains little for six small layers, and starves the rest of the box


class LlamaEmbedder:
    """The `Embedder` Protocol over llama.cpp; safe to use from several threads.

    Args:
        folder: holds `config.json`, `tokenizer.json`, `modules.json`, `1_Pooling` and `model.safetensors`.
        gguf_folder: where the converted model is kept; made when needed.
        id: name under which vectors of this model are kept apart from others.
        sha256: hex digest that `model.safetensors` must have.
        max_tokens: longest passage, prefix included and special tokens not.
        question_prefix: put before every question, as the model was trained.
        passage_prefix: put before every passage.
        threads: of llama.cpp; None = physical cores this process may use less one, at most 4.

    Raises:
        ModelMissing: a file of the folder is absent.
        ModelCorrupt: a file of the folder is not what it must be.
        InputError: `max_tokens` or `threads` is out of range.
    """

    def __init__(
        self,
        folder: Path,
        gguf_folder: Path,
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
        self._gguf_folder = gguf_folder
        self._threads = threads
        self._texts = BertFolder(
            folder,
            sha256=sha256,
            max_tokens=max_tokens,
            question_prefix=question_prefix,
            passage_prefix=passage_prefix,
        )
        self._lock = threading.Lock()  # one native job at a time: two would fight over the same cores
        self._native: NativeBert | None = None

    @property
    def id(self) -> str:
        """The model's name in an index."""
        return self._id

    @property
    def sha256(self) -> str:
        """Hex digest of the weights in the folder: they, not the file made of them, say which vectors fit."""
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
        """Character spans of the tokens of `text`, special tokens left out; never cut."""
        return self._texts.token_spans(text)

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors of `texts` in their order, float32 [len(texts), dimension].

        Raises:
            InputError: a text is longer than `max_tokens`; nothing is ever cut off unseen.
            ModelError: the model cannot be converted, loaded or run.
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
            if self._native is None:
                self._native = NativeBert(
                    ready_gguf(self._texts, self._gguf_folder),
                    dimension=self.dimension,
                    row_tokens=self._texts.max_row_tokens,
                    threads=self._threads or min(default_threads(), _MAX_THREADS),
                )
            vectors = self._native.embed(rows)
        return unit_vectors(vectors, self._id)
