"""Chroma as a vector store: ids and our own unit vectors in one collection; the only user of chromadb.

Chroma here is a cache that can be made again: no text goes in, no embedding function is set (its default would download
a model), and only folders that this program made and verified are opened, for a stored configuration can name code to
load. `upsert`, because its `add` ignores known ids in silence; `sync_threshold` stays at its default, because lowering
it is what breaks collections when the process is killed.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import chromadb
import numpy as np
from chromadb.config import Settings
from numpy.typing import NDArray

from ragedge.errors import IndexFolderError
from ragedge.index.exact import as_matrix, best_first

_COLLECTION = "chunks"
# Chroma refuses more than 5,461 at once; at 1,000 a batch of 384 floats is 1.5 MB, and batches of 50-250 are no faster.
BATCH_ROWS = 1_000
# Chroma's defaults, 16 neighbours and 100 nodes looked at, miss 1-5 of 10,000 true neighbours (2,100 random vectors of
# 32 floats), and with 16 or 32 an index that grew in small steps has passages that no search reaches: 4 of 1,207 of a
# real manual, 1-4 of 220 notes that differ in a word. With 100 and 200 none is lost, at the same speed. One thread:
# several link nodes in an order of chance, so that the same passages would give other answers after a rebuild, and one
# is as fast (3 s for 10,000 x 384).
MAX_NEIGHBORS = 100
_HNSW = {"space": "cosine", "max_neighbors": MAX_NEIGHBORS, "ef_search": 200, "num_threads": 1}


@contextlib.contextmanager
def _translated(folder: Path) -> Iterator[None]:
    """Any failure inside Chroma, panics of its native part included, as one error of ours."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as error:  # a panic of the native part is no `Exception`
        raise IndexFolderError(f'the vector store "{folder}" failed: {error}', "run `ragedge index rebuild`") from error


class ChromaVectors:
    """A collection in `folder`; safe from several threads.

    Raises:
        IndexFolderError: when Chroma fails, at opening or later.
    """

    def __init__(self, folder: Path, dimension: int, *, create: bool = False) -> None:
        self._folder = folder
        self._dimension = dimension
        self._lock = threading.RLock()
        self._is_closed = False
        # Values given here win over environment variables, and no ".env" of the current folder is read.
        fixed: dict[str, Any] = {"_env_file": None, "chroma_api_impl": "chromadb.api.rust.RustBindingsAPI"}
        with _translated(folder):
            self._client = chromadb.PersistentClient(
                path=str(folder), settings=Settings(anonymized_telemetry=False, allow_reset=False, **fixed)
            )
            if create:
                self._collection = self._client.create_collection(
                    _COLLECTION,
                    embedding_function=None,
                    configuration={"hnsw": _HNSW},
                )
            else:
                self._collection = self._client.get_collection(_COLLECTION, embedding_function=None)

    def upsert(self, ids: Sequence[str], vectors: NDArray[np.float32]) -> None:
        """Add vectors, or replace those of ids already held; of an id given twice the last counts."""
        vectors = as_matrix(vectors, len(ids), self._dimension)
        latest = {chunk_id: row for row, chunk_id in enumerate(ids)}
        names, rows = list(latest), list(latest.values())
        with self._lock, _translated(self._folder):
            for start in range(0, len(names), BATCH_ROWS):
                part = slice(start, start + BATCH_ROWS)
                self._collection.upsert(ids=names[part], embeddings=vectors[rows[part]])

    def delete(self, ids: Sequence[str]) -> None:
        """Remove vectors; unknown ids are passed over."""
        names = list(dict.fromkeys(ids))
        with self._lock, _translated(self._folder):
            for start in range(0, len(names), BATCH_ROWS):
                self._collection.delete(ids=names[start : start + BATCH_ROWS])

    def search(self, vector: NDArray[np.float32], limit: int) -> list[tuple[str, float]]:
        """(id, cosine), best first; equal cosines by id. Approximate: now and then a neighbour is missed."""
        query = as_matrix(vector[np.newaxis], 1, self._dimension)
        with self._lock, _translated(self._folder):
            limit = min(limit, self._collection.count())
            if limit <= 0:
                return []
            answer = self._collection.query(query_embeddings=query, n_results=limit, include=["distances"])
            ids, distances = answer["ids"][0], (answer["distances"] or [[]])[0]
        return best_first(ids, [1.0 - float(distance) for distance in distances])

    def count(self) -> int:
        with self._lock, _translated(self._folder):
            return int(self._collection.count())

    def stored(self, offset: int, limit: int) -> tuple[list[str], NDArray[np.float32]]:
        """A part of what is held, in a stable order: ids and vectors, float32 [n, dimension]."""
        with self._lock, _translated(self._folder):
            part = self._collection.get(include=["embeddings"], offset=offset, limit=limit)
            vectors = np.asarray(part["embeddings"], np.float32).reshape(len(part["ids"]), self._dimension)
            return list(part["ids"]), vectors

    def close(self) -> None:
        """Let go of the folder; safe to call twice."""
        with self._lock:
            if not self._is_closed:
                self._is_closed = True
                with _translated(self._folder):
                    self._client.close()
