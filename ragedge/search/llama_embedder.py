"""Texts to unit vectors with a sentence-transformers model, run by llama.cpp instead of torch.

The same folder, the same tokenizer and the same vectors (cosine >= 0.9999) as `embedder`, in a fraction of the memory
and without the seconds that importing torch takes. The folder's weights are checked against a sha256 and written once
as a GGUF file into `gguf_folder`. Takes BERT models with mean pooling; knows nothing of documents, chunks or the index.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ragedge.search.bert_native import NativeBert
from ragedge.search.folder_embedder import FolderEmbedder
from ragedge.search.gguf_file import ready_gguf
from ragedge.threads import usable_cores

_MAX_THREADS = 4  # more gains little for six small layers, and starves the rest of the box


class LlamaEmbedder(FolderEmbedder):
    """Runs the folder by llama.cpp; `threads` None = physical cores this process may use, at most 4.

    `gguf_folder` is where the converted model is kept; it is made when it is needed first. Arguments and errors are
    otherwise those of `FolderEmbedder`.
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
        super().__init__(
            folder,
            id=id,
            sha256=sha256,
            max_tokens=max_tokens,
            question_prefix=question_prefix,
            passage_prefix=passage_prefix,
            threads=threads,
        )
        self._gguf_folder = gguf_folder
        self._native: NativeBert | None = None

    def _vectors(self, rows: Sequence[list[int]]) -> NDArray[np.float32]:
        if self._native is None:
            self._native = NativeBert(
                ready_gguf(self._texts, self._gguf_folder),
                dimension=self.dimension,
                row_tokens=self._texts.max_row_tokens,
                threads=self._threads or min(usable_cores(), _MAX_THREADS),
            )
        return self._native.embed(rows)
