"""catalog.db: documents, pages, chunks, vectors and words in one SQLite file, the single source of truth of an index.

A change is one transaction: a document becomes visible whole, in the moment its old version goes. Reading has a
connection of its own, so that a question never waits for a write. It knows nothing of Chroma, models or folders.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
import tempfile
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ragedge.errors import DiskFull, IndexCorrupt, IndexFolderError, IndexReadOnly
from ragedge.index import schema
from ragedge.index.folding import match_expression
from ragedge.index.schema import translated
from ragedge.index.states import forget_states
from ragedge.index.writing import Change, settle

CATALOG_NAME = "catalog.db"
Access = Literal["write", "read", "beside", "frozen"]
# Words in a title say what a whole document is about and are repeated in each of its chunks: they count little more
# than words of the text; headings belong to the few chunks under them.
FTS_WEIGHTS = (1.0, 2.0, 1.0)  # title, headings, text
_FIRST_PAGE_BYTES = 4_096
_IDS_PER_QUERY = 500  # keeps statements short; SQLite's own limit here is 250,000 parameters


class Catalog:
    """A catalog file: to "write" or "read" for the owner of the lock, to read "beside" another owner, or "frozen".

    Frozen means: in a folder that cannot be written.
    """

    def __init__(self, path: Path, access: Access, *, create: bool = False) -> None:
        """Open the file, or make it with `create`.

        Raises:
            IndexCorrupt: when its header or schema is not that of a whole catalog.
            IndexFolderError: when it cannot be opened at all.
        """
        self.path = path
        self._lock = threading.RLock()
        self._write_lock = threading.RLock()
        self._writer: sqlite3.Connection | None = None
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        # A kill while it was being made leaves no more than its first page; nothing was ever stored in that.
        if not create or (path.exists() and path.stat().st_size > _FIRST_PAGE_BYTES):
            schema.check_header(path)
        with translated(path):
            if access == "write":
                self._writer = schema.connect(path, "mode=rwc" if create else "mode=rw")
                schema.make_durable(self._writer)
                if create and self._writer.execute("PRAGMA user_version").fetchone()[0] == 0:
                    schema.create_tables(self._writer)
            self._reader = self._open_reader(access)
        self._check_version()

    def _open_reader(self, access: Access) -> sqlite3.Connection:
        if access == "frozen":
            return self._open_frozen()
        db = schema.connect(self.path, "mode=ro" if access == "beside" else "mode=rw")
        db.execute("PRAGMA query_only=ON")
        return db

    def _open_frozen(self) -> sqlite3.Connection:
        """Open a catalog in a folder that cannot be written, where SQLite may not be able to make its -shm file."""
        wal = self.path.with_name(CATALOG_NAME + "-wal")
        if not wal.exists() or wal.stat().st_size == 0:
            return schema.connect(self.path, "mode=ro&immutable=1")
        if self.path.with_name(CATALOG_NAME + "-shm").exists():
            return schema.connect(self.path, "mode=ro")
        # Left by a kill and copied without its -shm file: only a copy can be read together with its log.
        self._temporary = tempfile.TemporaryDirectory(prefix="ragedge-")
        for source in (self.path, wal):
            shutil.copyfile(source, Path(self._temporary.name) / source.name)
        return schema.connect(Path(self._temporary.name) / CATALOG_NAME, "mode=rw")

    def _check_version(self) -> None:
        with translated(self.path):
            version = self._reader.execute("PRAGMA user_version").fetchone()[0]
            names = {row[0] for row in self._reader.execute("SELECT name FROM sqlite_schema")}
        wanted = {"meta", "documents", "pages", "chunks", "vectors", "files", "fts", "searchable"}
        if version != schema.SCHEMA_VERSION or not wanted <= names:
            self.close()
            raise IndexCorrupt(f'"{self.path}" lacks tables of a catalog', schema.RESTORE_HINT)

    # ------------------------------------------------------------------------------------------ transactions

    @contextlib.contextmanager
    def transaction(self) -> Iterator[tuple[sqlite3.Connection, Change]]:
        """One write transaction; leaving it normally commits (fsync included), an exception undoes everything.

        `generation` grows when the change is visible, `vectors_state` gets a new random name when vectors changed.
        """
        with self._write_lock:
            db = self._owned()
            change = Change()
            with translated(self.path):
                db.execute("BEGIN IMMEDIATE")
                try:
                    yield db, change
                    settle(db, change)
                    forget_states(self.path.parent, change.sha256)  # a stop between both costs nothing but time
                    self._note(db, change)
                    db.execute("COMMIT")
                except BaseException:
                    if db.in_transaction:
                        db.execute("ROLLBACK")
                    raise

    def _owned(self) -> sqlite3.Connection:
        if self._writer is None:
            raise IndexReadOnly(f'"{self.path}" was opened for reading', "open the index for writing")
        return self._writer

    def _note(self, db: sqlite3.Connection, change: Change) -> None:
        if change.is_visible:
            db.execute("INSERT INTO meta VALUES ('generation', 1) ON CONFLICT (key) DO UPDATE SET value = value + 1")
        if change.has_vectors:
            db.execute("INSERT OR REPLACE INTO meta VALUES ('vectors_state', hex(randomblob(8)))")
        if change.chunk_ids or change.sha256:
            db.execute("INSERT OR REPLACE INTO meta VALUES ('purge_pending', 1)")

    def purge(self) -> None:
        """Overwrite what was deleted: merge the word index, where it lingers before SQLite 3.42, and empty the log.

        Raises:
            DiskFull: when there is no room to do it; it stays noted and is done at the next opening.
        """
        with self._write_lock, translated(self.path):
            db = self._owned()
            if not self.meta("purge_pending", 0):
                return
            db.execute("BEGIN IMMEDIATE")
            with db:
                if not schema.has_secure_fts(db):
                    db.execute("INSERT INTO fts (fts) VALUES ('optimize')")
                db.execute("DELETE FROM meta WHERE key = 'purge_pending'")
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    @property
    def is_writable(self) -> bool:
        return self._writer is not None

    def check_words(self) -> None:
        """Compare the full-text index with the chunks.

        Raises:
            IndexCorrupt: when they differ.
        """
        with self._write_lock, translated(self.path):
            self._owned().execute("INSERT INTO fts (fts, rank) VALUES ('integrity-check', 1)")

    def check_words_in_copy(self) -> None:
        """The same for a catalog that cannot be written, in a copy in memory."""
        with self._lock, translated(self.path), contextlib.closing(schema.connect(None, "")) as copy:
            self._reader.backup(copy)
            copy.execute("INSERT INTO fts (fts, rank) VALUES ('integrity-check', 1)")

    def rebuild_words(self) -> None:
        """Make the full-text index anew from the chunks."""
        with self._write_lock, translated(self.path):
            db = self._owned()
            db.execute("BEGIN IMMEDIATE")
            with db:
                db.execute("INSERT INTO fts (fts) VALUES ('rebuild')")

    def close(self) -> None:
        """Purge, copy the log back and close; safe to call twice."""
        with self._write_lock, self._lock:
            if self._writer is not None:
                # Whatever cannot be done for lack of room stays noted; what was committed is safe either way.
                with contextlib.suppress(DiskFull, IndexFolderError):
                    self.purge()
                with contextlib.suppress(sqlite3.Error):
                    self._reader.close()
                    self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
                with contextlib.suppress(sqlite3.Error):
                    self._writer.close()
                self._writer = None
            with contextlib.suppress(sqlite3.Error):
                self._reader.close()
            if self._temporary is not None:
                self._temporary.cleanup()
                self._temporary = None

    # ------------------------------------------------------------------------------------------ reading

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query, on the reading connection."""
        with self._lock, translated(self.path):
            return self._reader.execute(sql, parameters).fetchall()

    def prepare(self, sql: str) -> None:
        """Run a statement that makes something temporary, seen by this connection alone, and changes no file."""
        with self._lock, translated(self.path):
            self._reader.execute("PRAGMA query_only=OFF")
            try:
                self._reader.execute(sql)
            finally:
                self._reader.execute("PRAGMA query_only=ON")

    def each(self, sql: str) -> Iterator[tuple[Any, ...]]:
        """Rows of a query one by one, for tables that are larger than memory should be."""
        with self._lock, translated(self.path):
            yield from self._reader.execute(sql)

    def rows_by_id(self, sql: str, ids: Sequence[str]) -> list[tuple[Any, ...]]:
        """Rows of a query that ends in `IN`, for any number of ids."""
        found: list[tuple[Any, ...]] = []
        for start in range(0, len(ids), _IDS_PER_QUERY):
            part = list(ids[start : start + _IDS_PER_QUERY])
            found += self.rows(f"{sql} ({', '.join('?' * len(part))})", part)
        return found

    def meta(self, key: str, default: Any) -> Any:
        """A value of the `meta` table."""
        found = self.rows("SELECT value FROM meta WHERE key = ?", (key,))
        return found[0][0] if found else default

    def search_text(
        self, words: Sequence[str], phrases: Sequence[str], limit: int, within: Sequence[str] | None = None
    ) -> list[tuple[str, float]]:
        """(chunk id, score) for any of the words or phrases, best first: BM25 (Robertson and Zaragoza, 2009) of FTS5,
        its sign turned so that higher is better; equal scores by id. Only in the documents `within` (None: in all)."""
        expression = match_expression(words, phrases)
        if not expression or limit <= 0:
            return []
        chosen, parameters = "", []
        if within is not None:
            # The plus keeps SQLite from asking FTS5 for every chosen passage by itself.
            chosen = " AND +rowid IN (SELECT rowid FROM chunks WHERE document_id IN (SELECT value FROM json_each(?)))"
            parameters = [json.dumps(list(within))]
        found = self.rows(
            "SELECT c.id, -f.score FROM (SELECT rowid, bm25(fts, ?, ?, ?) AS score FROM fts WHERE fts MATCH ?"
            f"{chosen} ORDER BY score, rowid LIMIT ?) f JOIN chunks c ON c.rowid = f.rowid",
            (*FTS_WEIGHTS, expression, *parameters, limit),
        )
        return sorted(((row[0], float(row[1])) for row in found), key=lambda hit: (-hit[1], hit[0]))

    def document_frequency(self, words: Sequence[str], within: Sequence[str] | None = None) -> dict[str, int]:
        """In how many chunks (of the documents `within`) each word occurs, title and headings included; one of several
        tokens is a phrase."""
        counts: dict[str, int] = {}
        sql, parameters = "SELECT count(*) FROM fts WHERE fts MATCH ?", []
        if within is not None:  # words first, then their chunks: the other way round all chunks would be listed
            sql = (
                "SELECT count(*) FROM fts CROSS JOIN chunks c ON c.rowid = fts.rowid WHERE fts MATCH ?"
                " AND c.document_id IN (SELECT value FROM json_each(?))"
            )
            parameters = [json.dumps(list(within))]
        for word in dict.fromkeys(words):
            expression = match_expression((), (word,))
            counts[word] = int(self.rows(sql, (expression, *parameters))[0][0]) if expression else 0
        return counts

    def all_vectors(self, dimension: int) -> tuple[list[str], NDArray[np.float32]]:
        """Ids and unit vectors, float32 [n, dimension], of all chunks, in the order they were stored."""
        sql = "SELECT c.id, v.vector, v.digest FROM chunks c LEFT JOIN vectors v ON v.rowid = c.rowid ORDER BY c.rowid"
        found = self.rows(sql)
        matrix = np.empty((len(found), dimension), np.float32)
        for row, values in enumerate(found):
            matrix[row] = vector_of(values, dimension)
        return [values[0] for values in found], matrix


def vector_of(row: tuple[Any, ...], dimension: int) -> NDArray[np.float32]:
    """The vector of a row (chunk id, blob, digest).

    Raises:
        IndexCorrupt: when it is missing or not what was stored.
    """
    chunk_id, blob = schema.checked(row, f'the vector of "{row[0]}"')
    if not isinstance(blob, bytes) or len(blob) != 4 * dimension:
        raise IndexCorrupt(f'the catalog is damaged: "{chunk_id}" has no vector', schema.RESTORE_HINT)
    return np.frombuffer(blob, "<f4").astype(np.float32, copy=False)


def loads(text: str | bytes) -> Any:
    """A stored JSON value."""
    return json.loads(schema.from_sql(text))
