"""Rows of a catalog as the records they stand for; every row's digest is compared before it is believed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ragedge.contracts import GIVEN_DATE, GIVEN_EDITION, Block, Chunk, DocumentName, Page, PageProblem, PageSpan
from ragedge.errors import NotFound
from ragedge.index.catalog import Catalog, loads, vector_of
from ragedge.index.exact import ExactVectors
from ragedge.index.given import read_given
from ragedge.index.records import Counts, Details, DocumentInfo, FileRow
from ragedge.index.schema import checked, from_sql
from ragedge.index.writing import CHUNK_COLUMNS, DOCUMENT_COLUMNS, FILE_COLUMNS, PAGE_COLUMNS

_PART = 2_000  # vectors in memory at once: 3 MB of 384 floats

_CHUNKS = (
    "SELECT " + ", ".join(f"c.{name}" for name in CHUNK_COLUMNS.split(", ")) + ", c.digest, d.path"
    " FROM chunks c JOIN documents d ON d.id = c.document_id"
)


def chunks(catalog: Catalog, ids: Sequence[str]) -> dict[str, Chunk]:
    """Chunks by id; ids the catalog does not know are left out."""
    rows = catalog.rows_by_id(f"{_CHUNKS} WHERE c.id IN", list(dict.fromkeys(ids)))
    return {row[0]: _chunk(row) for row in rows}


def chunk_ids(catalog: Catalog, document_ids: Sequence[str]) -> list[str]:
    """Ids of all passages of some documents, in the order of ids."""
    rows = catalog.rows_by_id("SELECT id FROM chunks WHERE document_id IN", document_ids)
    return sorted(str(row[0]) for row in rows)


def neighbours(catalog: Catalog, chunk_id: str, before: int, after: int) -> list[Chunk]:
    """The chunk with those around it in its document, in order.

    Raises:
        NotFound: when there is no such chunk.
    """
    found = catalog.rows("SELECT document_id, ordinal FROM chunks WHERE id = ?", (chunk_id,))
    if not found:
        raise NotFound(f'no passage "{chunk_id}" in this index')
    document_id, ordinal = found[0]
    sql = f"{_CHUNKS} WHERE c.document_id = ? AND c.ordinal BETWEEN ? AND ? ORDER BY c.ordinal"
    return [_chunk(row) for row in catalog.rows(sql, (document_id, ordinal - before, ordinal + after))]


def _chunk(row: Sequence[Any]) -> Chunk:
    chunk_id, document_id, ordinal, text, spans, headings, tokens = checked(row[:-1], f'the passage "{row[0]}"')
    return Chunk(
        id=chunk_id,
        document_id=document_id,
        document_path=from_sql(row[-1]),
        ordinal=ordinal,
        text=from_sql(text),
        spans=tuple(PageSpan(*span) for span in loads(spans)),
        headings=tuple(loads(headings)),
        tokens=tokens,
    )


def chunk_vectors(catalog: Catalog, ids: Sequence[str], dimension: int) -> NDArray[np.float32]:
    """Unit vectors, float32 [len(ids), dimension], in the order of `ids`.

    Raises:
        NotFound: when an id is unknown.
    """
    sql = "SELECT c.id, v.vector, v.digest FROM chunks c JOIN vectors v ON v.rowid = c.rowid WHERE c.id IN"
    found = {row[0]: vector_of(row, dimension) for row in catalog.rows_by_id(sql, list(dict.fromkeys(ids)))}
    for chunk_id in ids:
        if chunk_id not in found:
            raise NotFound(f'no passage "{chunk_id}" in this index')
    return np.array([found[chunk_id] for chunk_id in ids], np.float32).reshape(len(ids), dimension)


def page(catalog: Catalog, document_id: str, number: int) -> Page:
    """One page of a document.

    Raises:
        NotFound: when there is no such document or page.
    """
    sql = f"SELECT {PAGE_COLUMNS}, digest FROM pages WHERE document_id = ? AND number = ?"
    found = catalog.rows(sql, (document_id, number))
    if not found:
        raise NotFound(f'no page {number} of a document "{document_id}" in this index')
    return page_of(found[0])


def page_of(row: Sequence[Any]) -> Page:
    """A page from its row, digest last."""
    _, number, label, origin, text, blocks = checked(row, f'page {row[1]} of "{row[0]}"')
    return Page(
        number=number,
        label=None if label is None else from_sql(label),
        text=from_sql(text),
        origin=origin,
        blocks=tuple(Block(kind, start, end, level, bool(head)) for kind, start, end, level, head in loads(blocks)),
    )


def documents(catalog: Catalog, document_id: str | None = None) -> list[DocumentInfo]:
    """All documents by path, or the one with an id.

    Raises:
        NotFound: when there is no document with that id.
    """
    where, parameters = ("", ()) if document_id is None else (" WHERE id = ?", (document_id,))
    rows = catalog.rows(f"SELECT {DOCUMENT_COLUMNS}, digest FROM documents{where}", parameters)
    if document_id is not None and not rows:
        raise NotFound(f'no document "{document_id}" in this index')
    paths: dict[str, list[str]] = {}
    held = "SELECT document_id, path FROM files WHERE document_id IS NOT NULL"
    for owner, path in catalog.rows(held + (" AND document_id = ?" if parameters else ""), parameters):
        paths.setdefault(owner, []).append(from_sql(path))
    given = read_given(catalog, document_id)
    found = (_document(row, paths.get(row[0], []), given.get(row[0], Details())) for row in rows)
    return sorted(found, key=lambda info: (info.path, info.id))


def _document(row: Sequence[Any], paths: Sequence[str], given: Details) -> DocumentInfo:
    values = checked(row, f'the document "{row[0]}"')
    path = from_sql(values[1])
    return DocumentInfo(
        id=values[0],
        path=path,
        title=from_sql(values[2]),
        media_type=from_sql(values[3]),
        size_bytes=values[4],
        language=given.language or (None if values[5] is None else from_sql(values[5])),
        pages=values[7],
        chunks=values[8],
        added_at=values[9],
        problems=_problems(values[10]),
        other_paths=tuple(sorted(other for other in paths if other != path)),
    )


def _problems(text: str) -> tuple[PageProblem, ...]:
    return tuple(PageProblem(**problem) for problem in loads(text))


def document_sha256(catalog: Catalog, document_id: str) -> str:
    """The sha256 of the file a document was read from.

    Raises:
        NotFound: when there is no such document.
    """
    found = catalog.rows("SELECT sha256 FROM documents WHERE id = ?", (document_id,))
    if not found:
        raise NotFound(f'no document "{document_id}" in this index')
    return str(found[0][0])


def names(catalog: Catalog) -> list[DocumentName]:
    """What all documents are called and when they are of, by path."""
    rows = catalog.rows("SELECT id, path, title, media_type, language, metadata, chunks FROM documents")
    given = read_given(catalog)
    found = [
        DocumentName(
            id=row[0],
            path=from_sql(row[1]),
            title=from_sql(row[2]),
            media_type=from_sql(row[3]),
            language=given.get(row[0], Details()).language or (None if row[4] is None else from_sql(row[4])),
            metadata=loads(row[5]) | _said(given.get(row[0], Details())),
            chunks=row[6],
        )
        for row in rows
    ]
    return sorted(found, key=lambda name: (name.path, name.id))


def _said(given: Details) -> dict[str, str]:
    said = {GIVEN_DATE: given.date, GIVEN_EDITION: given.edition}
    return {key: value for key, value in said.items() if value}


def nearest_within(
    catalog: Catalog, vector: NDArray[np.float32], limit: int, within: Sequence[str]
) -> list[tuple[str, float]]:
    """(chunk id, cosine), best first, of the chunks of the documents `within`; exact, holds no more than a part."""
    best: list[tuple[str, float]] = []
    sql = (
        "SELECT c.rowid, c.id, v.vector, v.digest FROM chunks c JOIN vectors v ON v.rowid = c.rowid"
        " WHERE c.document_id IN (SELECT value FROM json_each(?)) AND c.rowid > ? ORDER BY c.rowid LIMIT ?"
    )
    last = 0
    while rows := catalog.rows(sql, (json.dumps(list(within)), last, _PART)):
        last = rows[-1][0]
        ids = [row[1] for row in rows]
        matrix = np.stack([vector_of(row[1:], len(vector)) for row in rows])
        part = ExactVectors(len(vector), ids, matrix).search(vector, limit)
        best = sorted(best + part, key=lambda hit: (-hit[1], hit[0]))[:limit]
    return best


def titles(catalog: Catalog, document_ids: Sequence[str]) -> dict[str, str]:
    """Titles by document id; unknown ids are left out."""
    rows = catalog.rows_by_id("SELECT id, title FROM documents WHERE id IN", list(dict.fromkeys(document_ids)))
    return {row[0]: from_sql(row[1]) for row in rows}


def files(catalog: Catalog) -> dict[str, FileRow]:
    """Every file that was seen, by path."""
    found = (file_of(row) for row in catalog.rows(f"SELECT {FILE_COLUMNS}, digest FROM files"))
    return {row.path: row for row in sorted(found, key=lambda row: row.path)}


def file_of(row: Sequence[Any]) -> FileRow:
    """A file's row, digest last."""
    path, size, mtime, sha256, document_id, reason, detail, problems = checked(row, "the row of a file")
    return FileRow(from_sql(path), size, mtime, sha256, document_id, reason, from_sql(detail), _problems(problems))


def counts(catalog: Catalog) -> Counts:
    """How many rows of each kind."""
    tables = ("documents", "pages", "chunks", "files")
    return Counts(*catalog.rows("SELECT " + ", ".join(f"(SELECT count(*) FROM {t})" for t in tables))[0])
