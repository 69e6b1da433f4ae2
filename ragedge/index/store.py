"""Index: one folder with everything that is known of a collection of documents.

The catalog is the truth; Chroma's copy of the vectors and the copies of the source files follow it. Vectors reach
Chroma before the catalog's transaction and leave it after, so that a passage that is visible is always found, and
whatever Chroma knows beyond the catalog is passed over. One process holds the lock and uses Chroma; others read beside
it, exactly.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import numpy as np

from ragedge.errors import DiskFull, IndexCorrupt, IndexReadOnly
from ragedge.index import writing
from ragedge.index.catalog import CATALOG_NAME, Access, Catalog
from ragedge.index.check import catalog_problems, differs_from_seal, seal_catalog, unseal_catalog
from ragedge.index.derived import DerivedVectors
from ragedge.index.given import write_given
from ragedge.index.lock import FolderLock
from ragedge.index.manifest import IndexSettings, write_manifest
from ragedge.index.opening import LOCK_NAME, agree, make, missing, refused, remove_index, validate
from ragedge.index.records import Counts, Details, DocumentInfo, FileRow, NewDocument
from ragedge.index.schema import RESTORE_HINT
from ragedge.index.states import forget_states
from ragedge.index.view import IndexView

__all__ = ["Counts", "DocumentInfo", "FileRow", "Index", "IndexSettings", "NewDocument"]

# Up to here deleted words are merged away at once, beyond it, where that would be waited for, at closing.
_PURGE_AT_ONCE_CHUNKS = 20_000


class Index(IndexView):
    """An open index; see `open`. Every method may be called from several threads."""

    def __init__(
        self, folder: Path, settings: IndexSettings, lock: FolderLock, access: Access, *, is_writer: bool
    ) -> None:
        """For `open` alone."""
        super().__init__(folder, settings, Catalog(folder / CATALOG_NAME, access))
        self._lock = lock
        self._is_writer = is_writer
        self._write_lock = threading.RLock()
        self._has_written = False
        self._is_closed = False

    @classmethod
    def open(
        cls,
        folder: Path,
        settings: IndexSettings | None,
        *,
        mode: Literal["read", "write"] = "read",
        create: bool = False,
    ) -> Self:
        """Open the index in `folder`, or make one with `create`; what a kill or a power cut left is repaired.

        With "read" this process uses Chroma when nobody else holds the lock, and searches exactly otherwise.

        Raises:
            IndexMissing: when there is none.
            IndexLocked: when another process holds it and `mode` is "write".
            IndexReadOnly: when `mode` is "write" and the folder cannot be written.
            IndexStale: when it was made with other settings than `settings` (None: any).
            IndexCorrupt: when the catalog is damaged.
        """
        if create and settings is not None:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        elif not folder.is_dir():
            raise missing(folder)
        lock = FolderLock(folder / LOCK_NAME)
        is_held = lock.acquire()
        try:
            if mode == "write" and not is_held:
                raise refused(folder, lock)
            if create and settings is not None and is_held:
                make(folder, settings)
            agreed = agree(folder, settings)
            access: Access = "frozen" if lock.is_read_only else mode if is_held else "beside"
            index = cls(folder, agreed, lock, access, is_writer=mode == "write")
        except BaseException:
            lock.release()
            raise
        try:
            index._repair()
        except BaseException:
            index._catalog.close()
            lock.release()
            raise
        return index

    def _repair(self) -> None:
        if (self._lock.is_held or self._lock.is_read_only) and differs_from_seal(self.folder, is_opening=True):
            found = catalog_problems(self._catalog, self.settings.dimension)
            if found:
                raise IndexCorrupt(f'the catalog of "{self.folder.name}" is damaged: {found[0]}', RESTORE_HINT)
        if not self._lock.is_held:
            return
        if self._is_writer:
            if self._catalog.meta("purge_pending", 0):
                self._begin()
                with contextlib.suppress(DiskFull):
                    self._catalog.purge()
            self._sources.sweep({row[0] for row in self._catalog.rows("SELECT sha256 FROM documents")})
        derived = DerivedVectors(self.folder / "chroma", self._catalog, self.settings.dimension)
        derived.open()
        self._derived = derived

    def close(self) -> None:
        """Bring everything to rest on the disk and give the lock back; safe to call twice."""
        with self._write_lock:
            if self._is_closed:
                return
            self._is_closed = True
            if self._derived is not None:
                self._derived.close()
            if self._has_written:
                # Without room for it, the manifest keeps its older figures, which is harmless.
                with contextlib.suppress(DiskFull):
                    write_manifest(self.folder, self.settings, generation=self.generation, counts=asdict(self.counts()))
            self._catalog.close()
            if self._has_written:
                with contextlib.suppress(DiskFull, OSError):
                    seal_catalog(self.folder)
            self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @staticmethod
    def remove(folder: Path) -> None:
        """Delete the index in `folder`; see `opening.remove_index`."""
        remove_index(folder)

    def rebuild(self, progress: Callable[[int, int], None] | None = None) -> None:
        """Make the word index and Chroma's copy anew from the catalog; nothing is embedded. `progress(done, all)`.

        Raises:
            IndexLocked: when another process holds the index.
            IndexCorrupt: when the catalog itself is damaged.
        """
        with self._write_lock:
            self._begin()
            self._catalog.rebuild_words()
            if self._derived is not None:
                self._derived.rebuild(progress)

    # ------------------------------------------------------------------------------------------ changing

    def put(self, documents: Sequence[NewDocument]) -> None:
        """Store documents, all of them in one transaction; each takes the place of what was under its path.

        What is already there, unchanged, costs next to nothing.

        Raises:
            ValueError: when a document's chunks, vectors and file do not fit together.
            DiskFull: when there is no room; nothing of this call is then visible.
        """
        for new in documents:
            validate(new, self.settings.dimension)
        with self._write_lock:
            self._begin()
            prepared = self._prepare(documents)
            fresh = [one for one in prepared if not self._holds(one)]
            overwritten = self._upsert(fresh)
            now = datetime.now(UTC).isoformat(timespec="seconds")
            try:
                with self._catalog.transaction() as (db, change):
                    for one in prepared:
                        writing.put_document(db, one, now, change)
            except BaseException:
                self._undo(fresh, overwritten)
                raise
            self._follow(change)

    def _prepare(self, documents: Sequence[NewDocument]) -> list[writing.Prepared]:
        prepared = []
        for new in documents:
            kept = new.source is not None and self._sources.keep(new.source, new.file.sha256)
            prepared.append(writing.Prepared(new, writing.content_digest(new), kept))
        self._sources.sync()
        return prepared

    def _holds(self, one: writing.Prepared) -> bool:
        found = self._catalog.rows("SELECT content FROM documents WHERE id = ?", (one.new.document.id,))
        return bool(found) and found[0][0] == one.content

    def _upsert(self, fresh: Sequence[writing.Prepared]) -> bool:
        """Hand the vectors to Chroma; True when chunks that are visible now get other vectors by it."""
        ids = [chunk.id for one in fresh for chunk in one.new.chunks]
        if not ids:
            return False
        known = self._catalog.rows_by_id("SELECT id FROM chunks WHERE id IN", ids)
        if self._derived is not None:
            self._derived.upsert(ids, np.vstack([one.new.vectors for one in fresh if one.new.chunks]))
        return bool(known)

    def _undo(self, fresh: Sequence[writing.Prepared], overwritten: bool) -> None:
        if self._derived is not None:
            if overwritten:
                self._derived.distrust()
            else:
                self._derived.delete([chunk.id for one in fresh for chunk in one.new.chunks])
        held = {row[0] for row in self._catalog.rows("SELECT sha256 FROM documents")}
        self._sources.remove({one.new.file.sha256 for one in fresh} - held)

    def put_files(self, rows: Sequence[FileRow]) -> None:
        """Store rows of files that give no new document: rejected ones, duplicates, ones only touched.

        Raises:
            NotFound: when a row names a document that is not in the index.
        """
        with self._write_lock:
            self._begin()
            with self._catalog.transaction() as (db, change):
                for row in rows:
                    writing.release_path(db, row.path, change, keep=row.document_id)
                    writing.insert_file(db, row)
                    if row.document_id is not None:
                        writing.choose_path(db, row.document_id)
                    change.is_visible = True
            self._follow(change)

    def rename(self, old_path: str, new_row: FileRow) -> None:
        """Give a file, and its document, another path.

        Raises:
            NotFound: when there is no file `old_path`.
        """
        with self._write_lock:
            self._begin()
            with self._catalog.transaction() as (db, change):
                writing.rename_file(db, old_path, new_row, change)
            self._follow(change)

    def forget(self, paths: Sequence[str]) -> None:
        """Remove files, and each document that no other file holds: text, words, vectors and source. Unknown paths are
        passed over."""
        with self._write_lock:
            self._begin()
            with self._catalog.transaction() as (db, change):
                for path in paths:
                    writing.release_path(db, path, change)
            self._follow(change)

    def describe(self, document_id: str, details: Details) -> None:
        """Keep what people say of a document, in the place of what was said before; empty details are none.

        Raises:
            NotFound: when there is no such document.
        """
        self.document(document_id)
        with self._write_lock:
            self._begin()
            with self._catalog.transaction() as (db, change):
                write_given(db, document_id, details)
                change.is_visible = True

    def _begin(self) -> None:
        if self._is_closed or not self._is_writer:
            raise IndexReadOnly(f'the index "{self.folder.name}" was opened for reading', "open it for writing")
        if not self._has_written:
            unseal_catalog(self.folder)
            self._has_written = True

    def _follow(self, change: writing.Change) -> None:
        """After a commit: let Chroma, the copies and the deleted bytes follow."""
        if self._derived is not None:
            self._derived.delete(change.chunk_ids)
        self._sources.remove(change.sha256)
        forget_states(self.folder, change.sha256)  # once more: a question may have come in between
        if change.sha256 and self.counts().chunks <= _PURGE_AT_ONCE_CHUNKS:
            # The change itself is done and safe; without room, overwriting waits for the next opening.
            with contextlib.suppress(DiskFull):
                self._catalog.purge()
