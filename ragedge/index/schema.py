"""The tables of catalog.db, how a connection to it is opened, and what SQLite's errors mean.

Every row that carries content has a digest over its values, compared on every read: a flipped bit is an error, never a
wrong text. Strings with lone surrogates (odd file names, odd PDFs) cannot be UTF-8, so they are kept as blobs, exactly.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ragedge.errors import IndexCorrupt, IndexFolderError, IndexLocked, IndexReadOnly
from ragedge.index.disk import disk_full
from ragedge.index.folding import fold

APPLICATION_ID = 0x52414745  # "RAGE", so that `file` and we can tell this database from any other
SCHEMA_VERSION = 1
HEADER_BYTES = 100  # of an SQLite database file (sqlite.org/fileformat2.html, section 1.3)
RESTORE_HINT = "restore catalog.db and files/ from a backup, or make the index anew: `ragedge ingest FOLDER --fresh`"
_BUSY_MS = 5_000  # readers of other processes hold locks for milliseconds; 5 s means something is wrong
_CACHE_KIB = 16_384  # holds the full-text index of about 20,000 chunks

TOKENIZER = "porter unicode61 remove_diacritics 2"

_TABLES = f"""
CREATE TABLE meta (key TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
CREATE TABLE documents (
    id TEXT PRIMARY KEY, path NOT NULL, title NOT NULL, media_type NOT NULL, size_bytes INTEGER NOT NULL, language,
    metadata NOT NULL, pages INTEGER NOT NULL, chunks INTEGER NOT NULL, added_at TEXT NOT NULL, problems NOT NULL,
    sha256 TEXT NOT NULL, has_source INTEGER NOT NULL, content BLOB NOT NULL, digest BLOB NOT NULL);
CREATE TABLE pages (
    document_id TEXT NOT NULL REFERENCES documents ON DELETE CASCADE, number INTEGER NOT NULL, label,
    origin TEXT NOT NULL, text NOT NULL, blocks TEXT NOT NULL, digest BLOB NOT NULL, UNIQUE (document_id, number));
CREATE TABLE chunks (
    rowid INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE,
    document_id TEXT NOT NULL REFERENCES documents ON DELETE CASCADE, ordinal INTEGER NOT NULL,
    text NOT NULL, spans TEXT NOT NULL, headings NOT NULL, tokens INTEGER NOT NULL,
    digest BLOB NOT NULL, UNIQUE (document_id, ordinal));
CREATE TABLE vectors (
    rowid INTEGER PRIMARY KEY REFERENCES chunks (rowid) ON DELETE CASCADE, vector BLOB NOT NULL, digest BLOB NOT NULL);
CREATE TABLE files (
    path PRIMARY KEY, size_bytes INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, sha256 TEXT NOT NULL,
    document_id TEXT REFERENCES documents DEFERRABLE INITIALLY DEFERRED, reason TEXT, detail NOT NULL,
    problems NOT NULL, digest BLOB NOT NULL);
CREATE INDEX files_by_document ON files (document_id);
CREATE VIEW searchable AS
    SELECT c.rowid AS rowid, fold(d.title) AS title, fold_headings(c.headings) AS headings, fold(c.text) AS text
    FROM chunks c JOIN documents d ON d.id = c.document_id;
CREATE VIRTUAL TABLE fts USING fts5(
    title, headings, text, content='searchable', content_rowid='rowid',
    tokenize='{TOKENIZER}');
"""


def to_sql(text: str) -> str | bytes:
    """`text` as SQLite can keep it: itself, or its bytes when it holds lone surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")
    return text


def from_sql(value: str | bytes) -> str:
    """The inverse of `to_sql`."""
    return value.decode("utf-8", "surrogatepass") if isinstance(value, bytes) else value


def row_digest(*values: object) -> bytes:
    """BLAKE2b-64 of the values of a row as they are stored, each with its type and length."""
    digest = hashlib.blake2b(digest_size=8)
    for value in values:
        data = value if isinstance(value, bytes) else str(value).encode()
        digest.update(f"{type(value).__name__}:{len(data)}:".encode())
        digest.update(data)
    return digest.digest()


def checked(row: Sequence[Any], what: str) -> Sequence[Any]:
    """`row` without its last value, which must be the digest of the others.

    Raises:
        IndexCorrupt: when it is not.
    """
    if row_digest(*row[:-1]) != row[-1]:
        raise IndexCorrupt(f"the catalog is damaged: {what} is not what was stored", RESTORE_HINT)
    return row[:-1]


def fold_headings(value: str | bytes) -> str:
    """The full-text form of a chunk's headings as stored (a JSON list)."""
    return fold(" \n".join(json.loads(from_sql(value))))


@contextlib.contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into ours, by their codes.

    All statements are our own, so that an unknown table or column means a damaged schema, not a mistake of a user.
    """
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        if code == sqlite3.SQLITE_FULL:
            raise disk_full(path.parent) from error
        if code == sqlite3.SQLITE_READONLY:
            raise IndexReadOnly(f'"{path}" cannot be written', "check the rights of its folder") from error
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise IndexLocked(f'another program is using "{path}"', "close it and try again") from error
        if code in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_NOMEM):
            raise IndexFolderError(f'"{path}" cannot be read or written: {error}', "check the disk") from error
        raise IndexCorrupt(f'the catalog "{path}" is damaged: {error}', RESTORE_HINT) from error


def connect(path: Path | None, query: str) -> sqlite3.Connection:
    """A connection with our functions and settings; `path` None: in memory; `query` is that of an SQLite file URI."""
    uri = ":memory:" if path is None else f"{path.absolute().as_uri()}?{query}"
    db = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False, timeout=_BUSY_MS / 1000)
    db.create_function("fold", 1, lambda value: fold(from_sql(value)), deterministic=True)
    db.create_function("fold_headings", 1, fold_headings, deterministic=True)
    for pragma in ("foreign_keys=ON", f"cache_size=-{_CACHE_KIB}", "temp_store=MEMORY", "cell_size_check=ON"):
        db.execute(f"PRAGMA {pragma}")
    return db


def make_durable(db: sqlite3.Connection) -> None:
    """Settings of a writing connection: write-ahead log, fsync at every commit, deleted content overwritten."""
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    db.execute("PRAGMA secure_delete=ON")


def create_tables(db: sqlite3.Connection) -> None:
    """Make the schema, all of it or nothing."""
    statements, part = [], ""
    for line in _TABLES.splitlines(keepends=True):
        part += line
        if sqlite3.complete_statement(part):
            statements.append(part)
            part = ""
    db.execute("BEGIN IMMEDIATE")
    with db:
        for statement in statements:
            db.execute(statement)
        if has_secure_fts(db):
            db.execute("INSERT INTO fts(fts, rank) VALUES ('secure-delete', 1)")
        db.execute(f"PRAGMA application_id={APPLICATION_ID}")
        db.execute(f"PRAGMA user_version={SCHEMA_VERSION}")


def has_secure_fts(db: sqlite3.Connection) -> bool:
    """Whether FTS5 can remove words at once (SQLite 3.42); older ones drop them when the index is merged."""
    major, minor = (int(part) for part in sqlite3.sqlite_version.split(".")[:2])
    return (major, minor) >= (3, 42)


def check_header(path: Path) -> None:
    """Compare a database file's size with its own header, without SQLite.

    Raises:
        IndexCorrupt: when the file is missing, empty, cut short or not a catalog.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            header = file.read(HEADER_BYTES)
    except FileNotFoundError as error:
        raise IndexCorrupt(f'the catalog "{path}" is missing', RESTORE_HINT) from error
    page = int.from_bytes(header[16:18], "big")
    page_bytes = 65_536 if page == 1 else page
    is_ours = header.startswith(b"SQLite format 3\x00") and int.from_bytes(header[68:72], "big") == APPLICATION_ID
    if not is_ours or page_bytes < 512 or page_bytes & (page_bytes - 1):
        raise IndexCorrupt(f'"{path}" is not a catalog of ragedge', RESTORE_HINT)
    # The page count of the header is stale while a write-ahead log waits to be copied back.
    wal = path.with_name(path.name + "-wal")
    has_wal = wal.exists() and wal.stat().st_size > 0
    pages = int.from_bytes(header[28:32], "big")
    if size % page_bytes or (not has_wal and pages * page_bytes != size):
        raise IndexCorrupt(f'the catalog "{path}" is cut short ({size} bytes)', RESTORE_HINT)
