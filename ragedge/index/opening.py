"""How an index folder begins and ends: making, recognising, refusing and removing it, and what may be put in."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ragedge.errors import IndexLocked, IndexMissing, IndexReadOnly, IndexStale
from ragedge.index.catalog import CATALOG_NAME, Catalog
from ragedge.index.disk import room_in
from ragedge.index.lock import FolderLock
from ragedge.index.manifest import (
    FRESH_HINT,
    MANIFEST_NAME,
    IndexSettings,
    read_manifest,
    settings_of,
    write_manifest,
)
from ragedge.index.records import NewDocument
from ragedge.index.states import forget_all_states

LOCK_NAME = "lock"
GATE_NAME = "gate.json"  # the gate fitted to this index, see `ragedge.gate_file`
_CATALOG_PARTS = (CATALOG_NAME, f"{CATALOG_NAME}-wal", f"{CATALOG_NAME}-shm", "catalog.seal")
# the last two are the folder that the index follows, and uploads on their way in
_PARTS = (MANIFEST_NAME, *_CATALOG_PARTS, "chroma", "files", "source.json", "incoming", GATE_NAME)
_NORM_TOLERANCE = 1e-3  # of a unit vector in float32; cosines are dot products only as long as this holds


def missing(folder: Path) -> IndexMissing:
    """The error for a folder without an index."""
    return IndexMissing(f'there is no index in "{folder}"', "make one: `ragedge ingest FOLDER`")


def refused(folder: Path, lock: FolderLock) -> IndexLocked | IndexReadOnly:
    """The error for an index that cannot be written now."""
    if lock.is_read_only:
        return IndexReadOnly(f'the index "{folder.name}" is in a folder that cannot be written', "check its rights")
    pid = lock.holder_pid()
    holder = "another process" if pid is None else f"process {pid}"
    return IndexLocked(f'the index "{folder.name}" is in use by {holder}', "stop it, or wait until it is done")


def make(folder: Path, settings: IndexSettings) -> None:
    """Make an empty index, unless there is one. The manifest comes last: before it, there is no index."""
    if (folder / MANIFEST_NAME).exists():
        return
    with room_in(folder):
        catalog = Catalog(folder / CATALOG_NAME, "write", create=True)
        is_empty = not catalog.rows("SELECT 1 FROM files UNION ALL SELECT 1 FROM documents LIMIT 1")
        catalog.close()
        if is_empty:
            write_manifest(folder, settings, generation=0, counts={})


def agree(folder: Path, wanted: IndexSettings | None) -> IndexSettings:
    """The settings of the index in `folder`.

    Raises:
        IndexMissing: when there is none.
        IndexStale: when they are not those `wanted`.
        IndexCorrupt: when a part of it is missing or damaged.
    """
    try:
        settings = settings_of(read_manifest(folder), folder.name, wanted)
    except FileNotFoundError as error:
        if not (folder / CATALOG_NAME).exists():
            raise missing(folder) from error
        raise IndexStale(f'the index "{folder.name}" has no manifest.json', FRESH_HINT) from error
    return settings


def remove_index(folder: Path) -> None:
    """Delete what ragedge made in `folder`, and the folder if nothing else is in it.

    Raises:
        IndexMissing: when there is no index.
        IndexLocked: when a process holds it.
    """
    if not (folder / MANIFEST_NAME).exists() and not (folder / CATALOG_NAME).exists():
        raise missing(folder)
    lock = FolderLock(folder / LOCK_NAME)
    if not lock.acquire():
        raise refused(folder, lock)
    try:
        forget_all_states(folder)
        for name in _PARTS:  # the manifest first: what a kill leaves of the rest is then no index
            path = folder / name
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        (folder / LOCK_NAME).unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            folder.rmdir()
    finally:
        lock.release()


def validate(new: NewDocument, dimension: int) -> None:
    """Check that a document, its chunks, vectors and file belong together.

    Raises:
        ValueError: naming what does not.
    """
    document, chunks, vectors = new.document, new.chunks, np.asarray(new.vectors)
    norms = np.linalg.norm(vectors, axis=1) if vectors.ndim == 2 and vectors.size else np.ones(0)
    rules: tuple[tuple[str, Callable[[], bool]], ...] = (
        ("the file names another document", lambda: new.file.document_id == document.id),
        ("the path of document and file differ", lambda: new.file.path == document.path),
        ("a chunk belongs to another document", lambda: all(chunk.document_id == document.id for chunk in chunks)),
        ("the id of a chunk is not its own", lambda: all(c.id == f"{document.id}-{c.ordinal:05d}" for c in chunks)),
        ("two chunks have one ordinal", lambda: len({chunk.ordinal for chunk in chunks}) == len(chunks)),
        ("two pages have one number", lambda: len({page.number for page in document.pages}) == len(document.pages)),
        ("vectors are not float32", lambda: vectors.dtype == np.float32),
        (f"vectors are not {len(chunks)} x {dimension}", lambda: vectors.shape == (len(chunks), dimension)),
        # Written so that a value that is not a number fails it too.
        ("a vector has not length 1", lambda: bool(np.all(np.abs(norms - 1.0) <= _NORM_TOLERANCE))),
    )
    for problem, holds in rules:
        if not holds():
            raise ValueError(f'document "{document.id}": {problem}')
