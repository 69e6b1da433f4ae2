"""Exact nearest neighbours by one matrix product: the vector store that needs no files of its own.

It serves whoever may not open Chroma (a second process, a read-only folder), and everyone while Chroma's copy cannot be
used. Its answers are the reference for the approximate ones. It knows nothing of where vectors come from.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_DIGITS = 6  # a sum of some hundred float32 products differs in the 7th digit with the order of its terms
_NOISE = 10.0**-_DIGITS


class ExactVectors:
    """Unit vectors float32 [n, dimension] and their ids, in memory; cosine is their dot product."""

    def __init__(self, dimension: int, ids: Sequence[str] = (), vectors: NDArray[np.float32] | None = None) -> None:
        self._ids = list(ids)
        self._rows = {chunk_id: row for row, chunk_id in enumerate(self._ids)}
        self._matrix = np.zeros((0, dimension), np.float32) if vectors is None else np.asarray(vectors, np.float32)
        if self._matrix.shape != (len(self._ids), dimension):
            raise ValueError(f"vectors of shape {self._matrix.shape} do not fit {len(self._ids)} ids of {dimension}")

    def upsert(self, ids: Sequence[str], vectors: NDArray[np.float32]) -> None:
        """Add vectors, or replace those of ids already held; of an id given twice the last counts."""
        vectors = as_matrix(vectors, len(ids), self._matrix.shape[1])
        latest = {chunk_id: row for row, chunk_id in enumerate(ids)}
        new = [chunk_id for chunk_id in latest if chunk_id not in self._rows]
        matrix = np.vstack((self._matrix, np.zeros((len(new), vectors.shape[1]), np.float32)))
        self._rows.update((chunk_id, len(self._ids) + i) for i, chunk_id in enumerate(new))
        self._ids.extend(new)
        for chunk_id, row in latest.items():
            matrix[self._rows[chunk_id]] = vectors[row]
        self._matrix = matrix

    def delete(self, ids: Sequence[str]) -> None:
        """Remove vectors; unknown ids are passed over."""
        gone = set(ids)
        keep = [row for row, chunk_id in enumerate(self._ids) if chunk_id not in gone]
        self._ids = [self._ids[row] for row in keep]
        self._matrix = self._matrix[keep]
        self._rows = {chunk_id: row for row, chunk_id in enumerate(self._ids)}

    def search(self, vector: NDArray[np.float32], limit: int) -> list[tuple[str, float]]:
        """(id, cosine), best first; equal cosines by id."""
        query = as_matrix(vector[np.newaxis], 1, self._matrix.shape[1])[0]
        ids, matrix = self._ids, self._matrix
        if limit <= 0 or not ids:
            return []
        scores = matrix @ query
        if limit < len(ids):
            # Everything that ties with the last place is kept until the ids decide: order never depends on luck.
            threshold = np.partition(scores, len(ids) - limit)[len(ids) - limit]
            rows = np.flatnonzero(scores >= threshold - _NOISE)
        else:
            rows = np.arange(len(ids))
        return best_first([ids[row] for row in rows], scores[rows])[:limit]

    def count(self) -> int:
        return len(self._ids)

    def close(self) -> None:
        """Let go of the matrix."""
        self._ids, self._rows = [], {}
        self._matrix = self._matrix[:0]


def best_first(ids: Sequence[str], cosines: Sequence[float] | NDArray[np.float32]) -> list[tuple[str, float]]:
    """(id, cosine) by falling cosine, in [-1, 1] and without the noise of float32; equal ones by id."""
    rounded = [max(-1.0, min(1.0, round(float(cosine), _DIGITS))) for cosine in cosines]
    return sorted(zip(ids, rounded, strict=True), key=lambda hit: (-hit[1], hit[0]))


def as_matrix(vectors: NDArray[np.float32], rows: int, dimension: int) -> NDArray[np.float32]:
    """`vectors` as float32 [rows, dimension].

    Raises:
        ValueError: when the shape is another or a value is not finite.
    """
    matrix = np.asarray(vectors, dtype=np.float32)
    if matrix.shape != (rows, dimension):
        raise ValueError(f"expected vectors of shape {(rows, dimension)}, got {matrix.shape}")
    if not np.isfinite(matrix).all():
        raise ValueError("a vector holds a value that is not finite")
    return matrix
