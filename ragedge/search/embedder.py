"""Texts to unit vectors with a sentence-transformers model that lies in a folder on this box.

Knows nothing of documents, chunks or the index. The folder's weights are checked against a sha256 before torch reads
them; only safetensors are accepted, no code out of the folder is ever run and no network is asked. Counting tokens
needs the `tokenizers` package alone; torch and sentence-transformers (5 s, 400 MB) come with the first embed call.
Method: mean-pooled BERT embeddings (Reimers & Gurevych 2019), pooling and normalisation as the folder states them.
"""

from __future__ import annotations

import importlib
import logging
import os
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ragedge.errors import ModelCorrupt, PackageMissing
from ragedge.search.crew import Crew
from ragedge.search.folder_embedder import FolderEmbedder
from ragedge.threads import usable_cores

_MAX_THREADS = 4  # more gains little for six small layers, and starves the rest of the box
_BATCH_TEXTS = 32  # texts per forward pass; beyond this a CPU gains nothing and memory grows
_BATCH_TOKENS = 6_144  # padded tokens per forward pass: 24 full passages of 256, activations stay near the cache
_LEAST_BATCH_TOKENS = 48  # a forward pass costs some milliseconds whatever it computes


class SentenceTransformerEmbedder(FolderEmbedder):
    """Runs the folder by sentence-transformers; `threads` None = physical cores this process may use, at most 4.

    The first vectors wanted raise ModelCorrupt where the weights are not the ones they claim to be.
    """

    _model: Any = None
    _torch: Any = None
    _crew: Crew

    def _vectors(self, rows: Sequence[list[int]]) -> NDArray[np.float32]:
        self._load()
        vectors = np.empty((len(rows), self.dimension), dtype=np.float32)

        def compute(_: int, batch: list[int]) -> None:
            vectors[batch] = self._forward([rows[i] for i in batch])

        self._crew.run(_shared(rows, self._crew.size), compute)
        return vectors

    def _forward(self, rows: Sequence[list[int]]) -> NDArray[np.float32]:
        torch = self._torch
        width = max(len(row) for row in rows)
        ids = np.zeros((len(rows), width), dtype=np.int64)
        mask = np.zeros((len(rows), width), dtype=np.int64)
        for index, row in enumerate(rows):
            ids[index, : len(row)] = row
            mask[index, : len(row)] = 1
        with torch.inference_mode():
            features = {
                "input_ids": torch.from_numpy(ids),
                "attention_mask": torch.from_numpy(mask),
                "token_type_ids": torch.zeros(ids.shape, dtype=torch.long),
            }
            result: NDArray[np.float32] = self._model(features)["sentence_embedding"].float().numpy()
        return result

    def _load(self) -> None:
        """Import torch and load the model; called under the lock, works once."""
        if self._model is not None:
            return
        self._texts.check_weights()
        # Read by the Hugging Face packages at their import: without it a missing file is looked for on the network.
        os.environ["HF_HUB_OFFLINE"] = "1"
        os.environ["TRANSFORMERS_OFFLINE"] = "1"
        # Read by OpenMP when torch loads it: waiting threads sleep instead of spinning. With other work running on two
        # cores a question took 8 ms instead of 75-190; alone on the box both take 5 ms, and many passages 18 % more.
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        try:
            torch = importlib.import_module("torch")
            package = importlib.import_module("sentence_transformers")
        except ImportError as error:
            raise PackageMissing(
                f"the package '{error.name}' is not installed", "pip install sentence-transformers"
            ) from error
        for name in ("sentence_transformers", "transformers"):
            logging.getLogger(name).setLevel(logging.ERROR)
        importlib.import_module("transformers.utils.logging").disable_progress_bar()
        torch.set_num_threads(1)  # in each thread of the crew
        self._crew = Crew(self._threads or min(usable_cores(), _MAX_THREADS))
        try:
            model = package.SentenceTransformer(
                str(self._texts.folder),
                device="cpu",
                local_files_only=True,
                trust_remote_code=False,
                model_kwargs={"use_safetensors": True},
            )
        except (OSError, ValueError, RuntimeError, KeyError) as error:
            raise ModelCorrupt(
                f"the embedder in '{self._texts.folder}' does not load: {error}", "install the model again"
            ) from error
        self._torch, self._model = torch, model.eval()


def _shared(encoded: Sequence[list[int]], threads: int) -> list[list[int]]:
    """Batches as in `_batches`: one for each thread and about alike where that many are not too small or too large."""
    limit = max(_LEAST_BATCH_TOKENS, sum(len(row) for row in encoded) // threads)
    while limit < _BATCH_TOKENS:
        found = list(_batches(encoded, limit))
        if len(found) <= threads:
            return found
        limit += limit // 16
    return list(_batches(encoded, _BATCH_TOKENS))


def _batches(encoded: Sequence[list[int]], most_tokens: int) -> Iterator[list[int]]:
    """Indices of `encoded`, longest first, in groups that share one padded width and stay under both limits."""
    order = sorted(range(len(encoded)), key=lambda i: (-len(encoded[i]), i))
    batch: list[int] = []
    for index in order:
        width = len(encoded[batch[0]]) if batch else 0
        if batch and (len(batch) >= _BATCH_TEXTS or width * (len(batch) + 1) > most_tokens):
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch
