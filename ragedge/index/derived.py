"""The vectors in Chroma as a part derived from the catalog: opened only when right, made anew when not.

`chroma/<n>/` is one generation of it, `chroma/current` names the one in use. A folder whose seal fits is opened as it
is. One without a seal (the process was killed) is compared with the catalog by a child process and mended; one that
differs from its seal, or was left by a power cut, is made anew from the catalog, without embedding. While none of that
works (a full disk), `is_usable` is False and the caller searches exactly.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from ragedge.errors import DiskFull, IndexCorrupt, IndexFolderError
from ragedge.index.catalog import Catalog
from ragedge.index.disk import TEMPORARY_SUFFIX, write_whole
from ragedge.index.seal import (
    Seal,
    break_seal,
    is_whole,
    marks,
    read_seal,
    retake,
    take_seal,
    was_broken_since_boot,
    write_seal,
)

if TYPE_CHECKING:
    from ragedge.index.vectors import ChromaVectors

T = TypeVar("T")
Progress = Callable[[int, int], None]  # (rows done, rows in all)
# Up to here making the folder anew is quicker than the child that would check it, which has to start first.
SMALL_ROWS = 500
_BATCH_ROWS = 1_000
# Deleted entries stay in the graph until it is made anew: worth it when they outnumber the living, and are not few.
_DEAD_ROWS = 1_000
_PATIENCE_S = 0.25  # a search waits this long for a write to Chroma, then searches exactly
# An HNSW graph (Malkov & Yashunin 2016) cannot reach every one of many near-identical vectors: that is its nature, not
# damage, as long as what it stores is right; the more neighbours the graph has, the rarer it is.
_LOST_SHARE = 0.02
_POINTER = "current"


class DerivedVectors:
    """Chroma's copy of the catalog's vectors; for the holder of the index's lock only."""

    def __init__(self, folder: Path, catalog: Catalog, dimension: int, *, small_rows: int = SMALL_ROWS) -> None:
        self._folder = folder
        self._catalog = catalog
        self._dimension = dimension
        self._small_rows = small_rows
        self._lock = threading.RLock()
        self._store: ChromaVectors | None = None
        self._seal: Seal | None = None
        self._dead = 0
        self.is_usable = True
        self.repairs: list[str] = []

    # ------------------------------------------------------------------------------------------ opening

    def open(self) -> None:
        """Make sure that the current folder is right, mending or replacing it where it is not."""
        self._attempt(self._inspect)

    def _inspect(self) -> None:
        rows = self._rows()
        current = self._current()
        self._sweep(keep=current)
        if current is None and rows == 0:
            return
        seal = read_seal(self._seal_path)
        if current is None or (seal is not None and not is_whole(seal, current)):
            self._rebuild("the vector store was damaged or missing")
        elif seal is not None and seal.state == self._state():
            self._seal, self._dead = seal, seal.dead
            if self._dead > max(_DEAD_ROWS, rows):
                self._rebuild("the vector store held more deleted than living entries")
        elif rows <= self._small_rows or (seal is None and not was_broken_since_boot(self._seal_path)):
            self._rebuild("the vector store was not closed")
        else:
            self._mend(current, rows)

    def _mend(self, current: Path, rows: int) -> None:
        from ragedge.index.verify import verify_in_child  # chromadb: loaded where it is needed, not by `--help`

        break_seal(self._seal_path)  # the child's look at it changes the folder
        verdict = verify_in_child(self._catalog.path, current, rows, self._dimension)
        if not verdict.is_usable:
            self._rebuild("the vector store was left in a state that cannot be used")
            return
        store = self._writable()
        store.delete(verdict.delete)
        if verdict.upsert:
            ids, matrix = self._catalog.all_vectors(self._dimension)
            place = {chunk_id: row for row, chunk_id in enumerate(ids)}
            store.upsert(verdict.upsert, matrix[[place[chunk_id] for chunk_id in verdict.upsert]])
        if verdict.delete or verdict.upsert:
            self.repairs.append(f"{len(verdict.delete) + len(verdict.upsert)} entries of the vector store were mended")
        self._write_seal(current)

    def rebuild(self, progress: Progress | None = None) -> None:
        """Make the folder anew from the catalog.

        Raises:
            IndexFolderError: when that fails; answers then come from exact search.
        """
        with self._lock:
            try:
                self._rebuild("the vector store was made anew", progress)
            except BaseException:
                self.distrust()
                raise

    def _rebuild(self, reason: str, progress: Progress | None = None) -> None:
        from ragedge.index.vectors import ChromaVectors  # chromadb takes 0.4 s and more to import

        self._close_store()
        number = 1 + max((int(path.name) for path in self._generations()), default=0)
        break_seal(self._seal_path)
        self._sweep(keep=None)  # before the new one is made: both may not fit on the disk
        target = self._folder / str(number)
        target.mkdir(mode=0o700)
        try:
            store = self._store = ChromaVectors(target, self._dimension, create=True)
            ids, matrix = self._catalog.all_vectors(self._dimension)
            for start in range(0, len(ids), _BATCH_ROWS):
                store.upsert(ids[start : start + _BATCH_ROWS], matrix[start : start + _BATCH_ROWS])
                if progress is not None:
                    progress(min(start + _BATCH_ROWS, len(ids)), len(ids))
            write_whole(self._folder / _POINTER, str(number).encode())
        except BaseException:
            self._close_store()
            shutil.rmtree(target, ignore_errors=True)
            raise
        self._dead, self.is_usable = 0, True
        self.repairs.append(reason)
        self._write_seal(target)

    # ------------------------------------------------------------------------------------------ using

    def upsert(self, ids: Sequence[str], vectors: NDArray[np.float32]) -> None:
        """Add or replace vectors. A failure inside Chroma makes this part unusable, not the caller's work."""
        if ids:
            self._attempt(lambda: self._writable().upsert(ids, vectors))

    def delete(self, ids: Sequence[str]) -> None:
        """Remove vectors, and make the folder anew when most of it is dead weight."""
        if ids:
            self._attempt(lambda: self._delete(ids))

    def _delete(self, ids: Sequence[str]) -> None:
        store = self._writable()
        store.delete(ids)
        self._dead += len(ids)
        if self._dead > max(_DEAD_ROWS, store.count()):
            self._rebuild("the vector store held more deleted than living entries")

    def search(self, vector: NDArray[np.float32], limit: int) -> list[tuple[str, float]] | None:
        """(id, cosine), best first, perhaps of chunks that are coming or going; None when it cannot be used now."""
        if not self._lock.acquire(timeout=_PATIENCE_S):
            return None
        try:
            return self._attempt(lambda: [] if self._current() is None else self._opened().search(vector, limit))
        finally:
            self._lock.release()

    def differences(self) -> list[str]:
        """How Chroma's copy differs from the catalog, in plain words."""
        from ragedge.index.verify import compare

        if self._current() is None:
            return [] if self._rows() == 0 else ["the vector store is missing"]
        ids, matrix = self._catalog.all_vectors(self._dimension)
        verdict = self._attempt(lambda: compare(ids, matrix, self._opened()))
        if verdict is None or (not verdict.is_usable and verdict.lost_share == 0):
            return ["the vector store cannot be used; answers come from exact search"]
        if verdict.lost_share > _LOST_SHARE:
            return [
                f"the vector store does not find {verdict.lost_share:.1%} of its passages; run `ragedge index rebuild`"
            ]
        found = [f"the vector store lacks the passage {chunk_id}" for chunk_id in verdict.upsert]
        return found + [f"the vector store holds the unknown passage {chunk_id}" for chunk_id in verdict.delete]

    def distrust(self) -> None:
        """Give this part up until the index is opened again, which makes it anew, or is rebuilt."""
        with self._lock:
            self.is_usable = False
            with contextlib.suppress(OSError):  # the pointer goes first: without it no folder is ever opened
                (self._folder / _POINTER).unlink(missing_ok=True)
            self._close_store()

    def close(self) -> None:
        """Close Chroma and seal its folder, so that the next opening need not look inside."""
        with self._lock:
            current = self._current()
            if self._store is not None and self.is_usable and self._seal is None and current is not None:
                self._close_store()
                self._write_seal(current)
            self._close_store()

    # ------------------------------------------------------------------------------------------ inside

    def _attempt(self, action: Callable[[], T]) -> T | None:
        """Do something with Chroma; None when it is not usable, or is not any more after this."""
        with self._lock:
            if not self.is_usable:
                return None
            try:
                return action()
            except IndexCorrupt:  # the catalog itself, met while making Chroma's folder anew
                raise
            except (IndexFolderError, OSError) as error:
                self.repairs.append(f"the vector store is not in use: {error}")
                self.distrust()
                return None

    def _opened(self) -> ChromaVectors:
        from ragedge.index.vectors import ChromaVectors  # chromadb takes 0.4 s and more to import

        current = self._current()
        if self._store is None and current is not None:
            before = marks(current)
            break_seal(self._seal_path)
            self._store = ChromaVectors(current, self._dimension)
            if self._seal is not None:
                # Opening adds a row to a table of locks, and the first search may write the graph down. Sealed again
                # after both: a process that only asks leaves nothing to be checked when it is killed.
                self._store.search(np.eye(1, self._dimension, dtype=np.float32)[0], 1)
                self._seal = retake(self._seal, current, before)
                write_seal(self._seal_path, self._seal)
        if self._store is None:
            raise IndexFolderError("there is no vector store", "run `ragedge index rebuild`")
        return self._store

    def _writable(self) -> ChromaVectors:
        if self._current() is None:
            self._rebuild("the vector store was begun")
        store = self._opened()
        break_seal(self._seal_path)
        self._seal = None
        return store

    def _write_seal(self, current: Path) -> None:
        # Without room for a seal the next opening compares the folder with the catalog instead.
        with contextlib.suppress(DiskFull, OSError):
            self._seal = take_seal(current, self._state(), self._dead)
            write_seal(self._seal_path, self._seal)

    def _close_store(self) -> None:
        store, self._store = self._store, None
        if store is not None:
            with contextlib.suppress(IndexFolderError):
                store.close()

    @property
    def _seal_path(self) -> Path:
        return self._folder / "seal.json"

    def _state(self) -> str:
        return str(self._catalog.meta("vectors_state", ""))

    def _rows(self) -> int:
        return int(self._catalog.rows("SELECT count(*) FROM chunks")[0][0])

    def _current(self) -> Path | None:
        try:
            name = (self._folder / _POINTER).read_text("ascii")
        except (OSError, ValueError):
            return None
        path = self._folder / name
        return path if path in self._generations() else None

    def _generations(self) -> list[Path]:
        if not self._folder.is_dir():
            return []
        paths = (path for path in self._folder.iterdir() if re.fullmatch("[0-9]{1,9}", path.name))
        return [path for path in paths if path.is_dir() and not path.is_symlink()]

    def _sweep(self, keep: Path | None) -> None:
        """Remove every generation but `keep`, and what a kill left half-written."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        if keep is None:
            (self._folder / _POINTER).unlink(missing_ok=True)
        for path in self._generations():
            if path != keep:
                shutil.rmtree(path)
        for path in self._folder.glob(f".*{TEMPORARY_SUFFIX}"):
            path.unlink(missing_ok=True)
