"""Is a catalog sound? Every page of the file, every row's digest, every word of the full-text index.

Reading compares the rows it touches; this reads them all, and what no row covers too. A sealed catalog that is not
large is compared byte for byte when it is opened, so that most damage is known before anything is asked.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

from ragedge.errors import IndexCorrupt, IndexFolderError, RagedgeError
from ragedge.index.catalog import CATALOG_NAME, Catalog, vector_of
from ragedge.index.disk import file_digest
from ragedge.index.manifest import read_manifest
from ragedge.index.schema import checked, from_sql
from ragedge.index.seal import Seal, read_seal, write_seal
from ragedge.index.sources import SourceFiles
from ragedge.index.writing import CHUNK_COLUMNS, DOCUMENT_COLUMNS, FILE_COLUMNS, PAGE_COLUMNS

_SEAL_NAME = "catalog.seal"
# Read and digested in 0.07 s here, in about 1 s from the SD card of a small box; larger ones wait for `index check`.
_AT_OPENING_BYTES = 64 << 20
_MAX_PROBLEMS = 50  # of one kind: a list of more helps nobody
_MEMORY_COPY_BYTES = 256 << 20  # a catalog that cannot be written is checked in a copy, up to this size


def seal_catalog(folder: Path) -> None:
    """Note what the closed catalog looks like; nothing is noted while a reader keeps the log from being copied back."""
    path = folder / CATALOG_NAME
    wal = folder / f"{CATALOG_NAME}-wal"
    if not wal.exists() or wal.stat().st_size == 0:
        seal = Seal("", {CATALOG_NAME: (path.stat().st_size, file_digest(path))})
        write_seal(folder / _SEAL_NAME, seal)


def unseal_catalog(folder: Path) -> None:
    """To be called before the first change."""
    (folder / _SEAL_NAME).unlink(missing_ok=True)


def differs_from_seal(folder: Path, *, is_opening: bool = False) -> bool:
    """Whether the catalog is not what was sealed; False when there is no seal (or, at opening, it is large)."""
    seal = read_seal(folder / _SEAL_NAME)
    path = folder / CATALOG_NAME
    if seal is None or CATALOG_NAME not in seal.files:
        return False
    size, digest = seal.files[CATALOG_NAME]
    if path.stat().st_size != size:
        return True
    return not (is_opening and size > _AT_OPENING_BYTES) and file_digest(path) != digest


def catalog_problems(catalog: Catalog, dimension: int) -> list[str]:
    """All that is wrong inside a catalog, in plain words; [] when it is sound."""
    found: list[str] = []
    try:
        found += _structure(catalog)
        found += _rows(catalog, dimension)
        found += _sums(catalog)
        found += _words(catalog)
    except RagedgeError as error:  # so damaged that a query failed: what was found before still counts
        found.append(error.message)
    return found


def problems_of(catalog: Catalog, folder: Path, dimension: int) -> list[str]:
    """All that is wrong with a catalog, the copies of sources and the manifest beside it."""
    found = catalog_problems(catalog, dimension)
    try:
        return found + _sources(catalog, folder) + _surroundings(catalog, folder)
    except (RagedgeError, OSError) as error:
        return [*found, str(error)]


def _structure(catalog: Catalog) -> list[str]:
    rows = catalog.rows(f"PRAGMA integrity_check({_MAX_PROBLEMS})")
    found = [f"catalog.db: {row[0]}" for row in rows if row[0] != "ok"]
    return found + [f"catalog.db: a row of {row[0]} points nowhere" for row in catalog.rows("PRAGMA foreign_key_check")]


def _rows(catalog: Catalog, dimension: int) -> Iterator[str]:
    tables = {
        "documents": DOCUMENT_COLUMNS,
        "pages": PAGE_COLUMNS,
        "chunks": CHUNK_COLUMNS,
        "files": FILE_COLUMNS,
    }
    for table, columns in tables.items():
        for row in catalog.each(f"SELECT {columns}, digest FROM {table}"):
            try:
                checked(row, f'the row "{row[0]}" of {table}')
            except IndexCorrupt as error:
                yield error.message
    sql = "SELECT c.id, v.vector, v.digest FROM chunks c LEFT JOIN vectors v ON v.rowid = c.rowid"
    for row in catalog.each(sql):
        try:
            vector_of(row, dimension)
        except IndexCorrupt as error:
            yield error.message


def _sums(catalog: Catalog) -> list[str]:
    sql = (
        "SELECT path, pages, (SELECT count(*) FROM pages p WHERE p.document_id = d.id), chunks,"
        " (SELECT count(*) FROM chunks c WHERE c.document_id = d.id) FROM documents d"
    )
    wrong = [row for row in catalog.rows(sql) if row[1] != row[2] or row[3] != row[4]]
    found = [f'"{from_sql(row[0])}" has {row[2]} of {row[1]} pages and {row[4]} of {row[3]} passages' for row in wrong]
    lost = "SELECT path FROM documents d WHERE NOT EXISTS (SELECT 1 FROM files f WHERE f.document_id = d.id)"
    return found + [f'"{from_sql(row[0])}" belongs to no file' for row in catalog.rows(lost)]


def _words(catalog: Catalog) -> list[str]:
    """FTS5's own check compares its index with every word of the chunks; it is a write, if only in form."""
    try:
        if catalog.is_writable:
            catalog.check_words()
        elif catalog.path.stat().st_size <= _MEMORY_COPY_BYTES:
            catalog.check_words_in_copy()
    except (IndexFolderError, sqlite3.Error) as error:
        return [f"the word index does not fit the passages ({error}); `ragedge index rebuild` makes it anew"]
    return []


def _sources(catalog: Catalog, folder: Path) -> list[str]:
    sources = SourceFiles(folder / "files")
    rows = catalog.rows("SELECT sha256, path FROM documents WHERE has_source = 1")
    paths = {row[0]: from_sql(row[1]) for row in rows}
    found = [f'the copy of "{paths[sha256]}" is damaged' for sha256 in sources.damaged(paths)]
    return found + [f'the copy of "{path}" is missing' for key, path in paths.items() if sources.path(key) is None]


def _surroundings(catalog: Catalog, folder: Path) -> list[str]:
    found = []
    if differs_from_seal(folder):
        found.append("catalog.db was changed by another program, or is damaged where no row shows it")
    noted = read_manifest(folder).get("generation")
    if not isinstance(noted, int) or noted > catalog.meta("generation", 0):
        found.append("catalog.db is older than manifest.json says: it was put back from a backup, or lost changes")
    if catalog.meta("purge_pending", 0) and not catalog.is_writable:
        found.append("deleted text still waits to be overwritten; the next `ragedge ingest` does it")
    return found
