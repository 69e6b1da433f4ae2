"""The statements that change a catalog, to be run inside one transaction; nothing here commits.

Each function says what became invisible, so that the parts derived from the catalog can follow.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field

from ragedge.contracts import PageProblem
from ragedge.errors import NotFound
from ragedge.index.given import drop_given
from ragedge.index.records import FileRow, NewDocument
from ragedge.index.schema import from_sql, row_digest, to_sql

DOCUMENT_COLUMNS = (
    "id, path, title, media_type, size_bytes, language, metadata, pages, chunks, added_at, problems, sha256,"
    " has_source, content"
)
PAGE_COLUMNS = "document_id, number, label, origin, text, blocks"
CHUNK_COLUMNS = "id, document_id, ordinal, text, spans, headings, tokens"
FILE_COLUMNS = "path, size_bytes, mtime_ns, sha256, document_id, reason, detail, problems"


@dataclass(slots=True)
class Change:
    """What a transaction removed: chunk ids, and the sha256 of documents whose source copy goes."""

    chunk_ids: list[str] = field(default_factory=list)
    sha256: set[str] = field(default_factory=set)
    has_vectors: bool = False
    is_visible: bool = False


def problems_json(problems: Sequence[PageProblem]) -> str:
    """Page problems as they are stored."""
    return json.dumps([asdict(problem) for problem in problems])


def _json(value: object) -> str | bytes:
    return to_sql(json.dumps(value, ensure_ascii=False))


def _page_values(new: NewDocument) -> list[tuple[object, ...]]:
    return [
        (
            new.document.id,
            page.number,
            None if page.label is None else to_sql(page.label),
            page.origin,
            to_sql(page.text),
            json.dumps([[b.kind, b.start, b.end, b.level, int(b.has_header)] for b in page.blocks]),
        )
        for page in new.document.pages
    ]


def _chunk_values(new: NewDocument) -> list[tuple[object, ...]]:
    return [
        (
            chunk.id,
            chunk.document_id,
            chunk.ordinal,
            to_sql(chunk.text),
            json.dumps([[span.page, span.start, span.end] for span in chunk.spans]),
            _json(chunk.headings),
            chunk.tokens,
        )
        for chunk in new.chunks
    ]


def content_digest(new: NewDocument) -> bytes:
    """BLAKE2b-128 over all that is stored of a document's pages, chunks and vectors: equal means nothing to write."""
    digest = hashlib.blake2b(digest_size=16)
    document = new.document
    head = (document.title, document.media_type, document.language, sorted(document.metadata.items()))
    digest.update(row_digest(repr(head)))
    for values in (*_page_values(new), *_chunk_values(new)):
        digest.update(row_digest(*values))
    digest.update(new.vectors.astype("<f4", copy=False).tobytes())
    return digest.digest()


@dataclass(frozen=True, slots=True)
class Prepared:
    """A document made ready before the transaction: its content digest, and whether a copy of its source was kept."""

    new: NewDocument
    content: bytes
    has_source: bool


def put_document(db: sqlite3.Connection, prepared: Prepared, added_at: str, change: Change) -> None:
    """Store a document and its file, and remove what was under the paths it takes over."""
    new = prepared.new
    document = new.document
    sql = "SELECT content, has_source, added_at FROM documents WHERE id = ?"
    stored = db.execute(sql, (document.id,)).fetchone()
    if stored is None or stored[:2] != (prepared.content, int(prepared.has_source)):
        if stored is not None:
            added_at = stored[2]
            remove_document(db, document.id, change)
        _insert_document(db, prepared, added_at)
        change.has_vectors = True
    for path in dict.fromkeys(path for path in (new.replaces, new.file.path) if path is not None):
        release_path(db, path, change, keep=document.id)
    insert_file(db, new.file)
    choose_path(db, document.id)
    change.is_visible = True


def _insert_document(db: sqlite3.Connection, prepared: Prepared, added_at: str) -> None:
    new = prepared.new
    document = new.document
    values = (
        document.id,
        to_sql(document.path),
        to_sql(document.title),
        to_sql(document.media_type),
        document.size_bytes,
        None if document.language is None else to_sql(document.language),
        _json(dict(document.metadata)),
        len(document.pages),
        len(new.chunks),
        added_at,
        problems_json(new.file.problems),
        new.file.sha256,
        int(prepared.has_source),
        prepared.content,
    )
    _insert(db, "INSERT INTO documents", DOCUMENT_COLUMNS, [values])
    _insert(db, "INSERT INTO pages", PAGE_COLUMNS, _page_values(new))
    first = db.execute("SELECT coalesce(max(rowid), 0) + 1 FROM chunks").fetchone()[0]
    _insert(db, "INSERT INTO chunks", CHUNK_COLUMNS, _chunk_values(new), first_rowid=first)
    blobs = [vector.astype("<f4", copy=False).tobytes() for vector in new.vectors]
    db.executemany(
        "INSERT INTO vectors (rowid, vector, digest) VALUES (?, ?, ?)",
        [(first + i, blob, row_digest(new.chunks[i].id, blob)) for i, blob in enumerate(blobs)],
    )
    db.execute(
        "INSERT INTO fts (rowid, title, headings, text) SELECT rowid, title, headings, text FROM searchable"
        " WHERE rowid >= ?",
        (first,),
    )


def _insert(
    db: sqlite3.Connection, into: str, columns: str, rows: Iterable[Sequence[object]], first_rowid: int | None = None
) -> None:
    names = columns + ", digest"
    full = [(*row, row_digest(*row)) for row in rows]
    if first_rowid is not None:
        names = "rowid, " + names
        full = [(first_rowid + i, *row) for i, row in enumerate(full)]
    marks = ", ".join("?" * (names.count(",") + 1))
    db.executemany(f"{into} ({names}) VALUES ({marks})", full)


def insert_file(db: sqlite3.Connection, row: FileRow) -> None:
    """Store a file's row, in the place of the one with the same path."""
    values = (
        to_sql(row.path),
        row.size_bytes,
        row.mtime_ns,
        row.sha256,
        row.document_id,
        row.reason,
        to_sql(row.detail),
        problems_json(row.problems),
    )
    _insert(db, "INSERT OR REPLACE INTO files", FILE_COLUMNS, [values])


def release_path(db: sqlite3.Connection, path: str, change: Change, keep: str | None = None) -> bool:
    """Remove a file's row, and its document unless it is `keep` or another file holds it; False: no such row."""
    found = db.execute("SELECT document_id FROM files WHERE path = ?", (to_sql(path),)).fetchone()
    if found is None:
        return False
    db.execute("DELETE FROM files WHERE path = ?", (to_sql(path),))
    change.is_visible = True
    document_id = found[0]
    if document_id is not None and document_id != keep:
        if db.execute("SELECT 1 FROM files WHERE document_id = ? LIMIT 1", (document_id,)).fetchone():
            choose_path(db, document_id)
        else:
            remove_document(db, document_id, change)
    return True


def remove_document(db: sqlite3.Connection, document_id: str, change: Change) -> None:
    """Remove a document with its pages, chunks, vectors and words; rows of `files` are left to the caller."""
    found = db.execute("SELECT sha256 FROM documents WHERE id = ?", (document_id,)).fetchone()
    if found is None:
        return
    change.sha256.add(found[0])
    ids = db.execute("SELECT id FROM chunks WHERE document_id = ?", (document_id,))
    change.chunk_ids.extend(row[0] for row in ids)
    # FTS5 must be told the very words it was given; they come from the rows, so it goes before them.
    db.execute(
        "INSERT INTO fts (fts, rowid, title, headings, text) SELECT 'delete', s.rowid, s.title, s.headings, s.text"
        " FROM searchable s WHERE s.rowid IN (SELECT rowid FROM chunks WHERE document_id = ?)",
        (document_id,),
    )
    db.execute("DELETE FROM documents WHERE id = ?", (document_id,))
    change.has_vectors = True
    change.is_visible = True


def choose_path(db: sqlite3.Connection, document_id: str) -> None:
    """Keep a document's path if a file of that name still holds it; else the first of those that do."""
    rows = db.execute("SELECT path FROM files WHERE document_id = ?", (document_id,)).fetchall()
    paths = sorted(from_sql(row[0]) for row in rows)
    values = db.execute(f"SELECT {DOCUMENT_COLUMNS} FROM documents WHERE id = ?", (document_id,)).fetchone()
    if values is None:
        raise NotFound(f'no document "{document_id}" in this index')
    if paths and from_sql(values[1]) not in paths:
        path = to_sql(paths[0])
        digest = row_digest(values[0], path, *values[2:])
        db.execute("UPDATE documents SET path = ?, digest = ? WHERE id = ?", (path, digest, document_id))


def rename_file(db: sqlite3.Connection, old_path: str, row: FileRow, change: Change) -> None:
    """Move a file's row to a new path with the same document; what was at the new path goes."""
    found = db.execute("SELECT document_id FROM files WHERE path = ?", (to_sql(old_path),)).fetchone()
    if found is None:
        raise NotFound(f'no file "{old_path}" in this index')
    document_id = found[0] if row.document_id is None else row.document_id
    if row.path != old_path:
        release_path(db, row.path, change, keep=found[0])
    moved = FileRow(
        row.path, row.size_bytes, row.mtime_ns, row.sha256, document_id, row.reason, row.detail, row.problems
    )
    insert_file(db, moved)
    if row.path != old_path:
        release_path(db, old_path, change, keep=document_id)
    if document_id is not None:
        choose_path(db, document_id)
    change.is_visible = True


def settle(db: sqlite3.Connection, change: Change) -> None:
    """Take back from `change` what came in again within the same transaction."""
    stays = db.execute(
        "SELECT id FROM chunks WHERE id IN (SELECT value FROM json_each(?))", (json.dumps(change.chunk_ids),)
    )
    kept = {row[0] for row in stays}
    change.chunk_ids = [chunk_id for chunk_id in dict.fromkeys(change.chunk_ids) if chunk_id not in kept]
    held = db.execute(
        "SELECT sha256 FROM documents WHERE sha256 IN (SELECT value FROM json_each(?))",
        (json.dumps(sorted(change.sha256)),),
    )
    change.sha256 -= {row[0] for row in held}
    if change.sha256:
        drop_given(db)
