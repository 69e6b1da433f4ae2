"""BERT models run by llama.cpp: rows of token numbers in, mean-pooled vectors out.

The one module of the search that imports llama_cpp, its low-level layer only. Knows nothing of texts or files' origin;
serves one call at a time, the caller holds the lock. llama.cpp's own `embed()` is not used: it makes Python lists and
fills its batches to the brim.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from llama_cpp import llama_cpp as lib
from numpy.typing import NDArray

from ragedge import llama_log
from ragedge.errors import ModelCorrupt, ModelError
from ragedge.search.crew import Crew

BATCH_TOKENS = 256
"""Tokens per call of a thread, unless one text has more. One x86 core, flash attention, ms per text alone | packed to
256 | to 512 tokens: texts of 16 tokens 3.5 | 2.5 | 2.6, of 40: 11.4 | 6.7 | 6.9, of 200: 39.2 | 39.5 | 40.8. Without
flash attention packing costs more than it saves (16 tokens: 2.8 | 5.0 | 7.7; 200: 58.7 | 59.4 | 80.0), because every
text's attention then runs over the whole pack."""

_BLOCK = 256  # tokens of a context come in such blocks; llama.cpp aborts the process over another number
_LEAST_SHARE = 48  # tokens; so few are not divided among the threads
_BATCH_TEXTS = 32  # per call; each is a sequence of llama.cpp's, whose tables grow with their number
_MEAN_POOLING = 1  # llama_pooling_type
_NON_CAUSAL = 1  # llama_attention_type
_FLASH_ATTENTION = 1  # llama_flash_attn_type: enabled


class NativeBert:
    """One BERT model for texts of up to `row_tokens` tokens, `threads` batches at a time; freed with the object.

    Each thread computes alone in a context of its own: see `crew`.
    """

    def __init__(self, path: Path, *, dimension: int, row_tokens: int, threads: int) -> None:
        """Load the GGUF at `path`, memory-mapped.

        Raises:
            ModelCorrupt: llama.cpp refuses it, or its vectors have another length than `dimension`.
            ModelError: memory is short.
        """
        llama_log.listen()
        wanted = lib.llama_model_default_params()
        wanted.load_mode = lib.LLAMA_LOAD_MODE_MMAP
        wanted.n_gpu_layers = 0
        self._model: Any = lib.llama_model_load_from_file(os.fsencode(path), wanted)
        if not self._model:
            raise ModelCorrupt(
                f'llama.cpp cannot load the model "{path}": {llama_log.first_error() or "no reason was given"}',
                f'delete it, it is made again: rm "{path}"',
            )
        if lib.llama_model_n_embd(self._model) != dimension:
            lib.llama_model_free(self._model)
            raise ModelCorrupt(f'"{path}" is another model', f'delete it, it is made again: rm "{path}"')
        self._room = -(-max(BATCH_TOKENS, row_tokens) // _BLOCK) * _BLOCK
        self._dimension = dimension
        self._crew = Crew(threads)
        self._contexts: list[Any] = []
        self._batches: list[Any] = []
        # Not at exit: another thread may still compute, and the system frees everything anyway.
        weakref.finalize(self, _free, self._batches, self._contexts, self._model).atexit = False
        for _ in range(threads):
            context = self._new_context()
            if not context:
                raise ModelError("there is no memory for the embedder", "close other programs")
            self._contexts.append(context)
            self._batches.append(lib.llama_batch_init(self._room, 0, 1))

    def _new_context(self) -> Any:
        wanted = lib.llama_context_default_params()
        wanted.n_ctx = wanted.n_batch = wanted.n_ubatch = self._room
        wanted.n_seq_max = _BATCH_TEXTS
        wanted.n_threads = wanted.n_threads_batch = 1
        wanted.embeddings = True
        wanted.pooling_type = _MEAN_POOLING
        wanted.attention_type = _NON_CAUSAL
        wanted.flash_attn_type = _FLASH_ATTENTION
        wanted.no_perf = True
        return lib.llama_init_from_model(self._model, wanted)

    def embed(self, rows: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        """Mean-pooled vectors of `rows` (1 to `row_tokens` token numbers each), float32 [len(rows), dimension].

        Raises:
            ModelError: llama.cpp failed.
        """
        vectors = np.empty((len(rows), self._dimension), dtype=np.float32)

        def compute(worker: int, indices: list[int]) -> None:
            self._forward(worker, [rows[index] for index in indices])
            for place, index in enumerate(indices):
                found = lib.llama_get_embeddings_seq(self._contexts[worker], place)
                if not found:
                    raise _failed("no vector")
                vectors[index] = np.ctypeslib.as_array(found, (self._dimension,))

        lengths = [len(row) for row in rows]
        share = max(_LEAST_SHARE, -(-sum(lengths) // self._crew.size))
        self._crew.run(list(_batches(lengths, min(BATCH_TOKENS, share))), compute)
        return vectors

    def _forward(self, worker: int, rows: Sequence[Sequence[int]]) -> None:
        batch, count = self._batches[worker], 0
        if sum(map(len, rows)) > self._room or not all(rows):
            raise ModelError("a text for the embedder is empty or too long", "make the chunks smaller")
        for place, row in enumerate(rows):
            for position, token in enumerate(row):
                batch.token[count] = token
                batch.pos[count] = position
                batch.n_seq_id[count] = 1
                batch.seq_id[count][0] = place
                batch.logits[count] = True  # the mean is taken over these
                count += 1
        batch.n_tokens = count
        code = lib.llama_encode(self._contexts[worker], batch)
        if code != 0:
            raise _failed(f"code {code}")


def _failed(reason: str) -> ModelError:
    return ModelError(f"the embedder failed: {llama_log.last_error() or reason}", "check its files")


def _free(batches: Sequence[Any], contexts: Sequence[Any], model: Any) -> None:
    for batch in batches:
        lib.llama_batch_free(batch)
    for context in contexts:
        lib.llama_free(context)
    lib.llama_model_free(model)


def _batches(lengths: Sequence[int], most_tokens: int) -> Iterator[list[int]]:
    """Indices of texts with these lengths, longest first, in groups under both limits; a group is never empty."""
    batch: list[int] = []
    tokens = 0
    for index in sorted(range(len(lengths)), key=lambda i: (-lengths[i], i)):
        if batch and (len(batch) >= _BATCH_TEXTS or tokens + lengths[index] > most_tokens):
            yield batch
            batch, tokens = [], 0
        batch.append(index)
        tokens += lengths[index]
    if batch:
        yield batch
