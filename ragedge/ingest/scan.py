"""A folder, and what is known of it -> what has to be done: added, changed, renamed, removed, duplicate, unchanged.

Identity is content (sha256). A file whose size and modification time are as recorded is not read again; a time so
fresh that a later write could carry the same one is not trusted. Links, sockets and hidden files are left out. Knows
no reader and no index, only rows.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ragedge.errors import IndexFolderError, InputError

RACY_NS = 2_000_000_000
"""A file written less than 2 s before it was looked at may change again within its clock's grain (FAT: 2 s)."""

UPLOADS = "@uploads/"
"""Paths of files that came through the page or the API; a folder's run never touches them."""

_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Known:
    """What an index remembers of a file: enough to see whether it is still the same."""

    size_bytes: int
    mtime_ns: int
    sha256: str
    is_rejected: bool


@dataclass(frozen=True, slots=True)
class Found:
    """A file as it lies there. `mtime_ns` is -1 where the time cannot be trusted."""

    path: str
    absolute: Path
    size_bytes: int
    mtime_ns: int
    sha256: str


@dataclass(slots=True)
class Plan:
    """What one run has to do; every path of the folder stands in exactly one of the lists."""

    new: list[Found] = field(default_factory=list)
    changed: list[Found] = field(default_factory=list)
    renamed: list[tuple[str, Found]] = field(default_factory=list)
    duplicates: list[tuple[str, Found]] = field(default_factory=list)
    touched: list[Found] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    unreadable: list[tuple[str, str]] = field(default_factory=list)


def check_folder(folder: Path) -> None:
    """Raise InputError where `folder` is no folder; before an index is made for it."""
    if not folder.is_dir():
        raise InputError(f'"{folder}" is not a folder', "give the folder that holds the documents")


def walk(folder: Path) -> Iterator[tuple[str, os.stat_result, Path]]:
    """Regular files below `folder` in a stable order, as (POSIX path relative to it, stat, path).

    Raises:
        InputError: `folder` is no folder or cannot be read.
    """
    check_folder(folder)
    pending = [folder]
    while pending:
        here = pending.pop()
        try:
            entries = sorted(os.scandir(here), key=lambda entry: entry.name)
        except OSError as error:
            if here == folder:
                raise InputError(f'the folder "{folder}" cannot be read: {error.strerror}') from error
            continue
        below: list[Path] = []
        for entry in entries:
            if entry.name.startswith((".", "~$")):
                continue
            if entry.is_dir(follow_symlinks=False):
                below.append(here / entry.name)
                continue
            try:
                status = entry.stat(follow_symlinks=False)
            except OSError:
                continue  # gone between listing and looking
            if stat.S_ISREG(status.st_mode):
                path = here / entry.name
                yield path.relative_to(folder).as_posix(), status, path
        pending.extend(reversed(below))


def digest(path: Path) -> str:
    """sha256 of a file as hex, read without following a link. Raises OSError."""
    sha = hashlib.sha256()
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(handle, "rb") as file:
        while block := file.read(_BLOCK_BYTES):
            sha.update(block)
    return sha.hexdigest()


def look(path: Path, name: str, status: os.stat_result | None = None) -> Found:
    """A file with its content's identity. Raises OSError."""
    status = status or path.stat(follow_symlinks=False)
    fresh = time.time_ns() - status.st_mtime_ns < RACY_NS
    return Found(name, path, status.st_size, -1 if fresh else status.st_mtime_ns, digest(path))


def plan(
    folder: Path,
    known: Mapping[str, Known],
    *,
    retry: bool = False,
    on_look: Callable[[int], None] | None = None,
) -> Plan:
    """Compare a folder with what is known of it.

    With `retry`, files that were rejected before count as new. `on_look` is told how many files were looked at.
    """
    result = Plan()
    pending: list[Found] = []
    seen: set[str] = set()
    for count, (name, status, path) in enumerate(walk(folder), start=1):
        seen.add(name)
        if on_look is not None:
            on_look(count)
        row = known.get(name)
        settled = row is not None and not (retry and row.is_rejected)
        if settled and row is not None and (row.size_bytes, row.mtime_ns) == (status.st_size, status.st_mtime_ns):
            result.unchanged.append(name)
            continue
        try:
            found = look(path, name, status)
        except OSError as error:
            result.unreadable.append((name, error.strerror or type(error).__name__))
            continue
        if settled and row is not None and row.sha256 == found.sha256:
            result.touched.append(found)
        else:
            pending.append(found)
    result.removed = [name for name in known if name not in seen and not name.startswith(UPLOADS)]
    _sort_new(result, pending, known, retry=retry)
    return result


def _sort_new(result: Plan, pending: list[Found], known: Mapping[str, Known], *, retry: bool) -> None:
    """Tell renamed files and duplicates from new content."""
    gone = set(result.removed)
    replaced = {found.path for found in pending}
    holders: dict[str, str] = {}
    vanished: dict[str, list[str]] = {}
    for name, row in known.items():
        if retry and row.is_rejected:
            continue
        if name in gone:
            vanished.setdefault(row.sha256, []).append(name)
        elif name not in replaced:
            holders.setdefault(row.sha256, name)
    for found in pending:
        if found.sha256 in holders:
            result.duplicates.append((holders[found.sha256], found))
            continue
        holders[found.sha256] = found.path
        old = vanished.get(found.sha256)
        if old and found.path not in known:
            name = old.pop(0)
            result.renamed.append((name, found))
            result.removed.remove(name)
        else:
            (result.changed if found.path in known else result.new).append(found)


def followed_folder(index_folder: Path) -> str | None:
    """The folder that an index follows, or None: it follows none, or nobody can say."""
    try:
        folder = json.loads((index_folder / "source.json").read_text(encoding="utf-8")).get("folder")
    except (OSError, ValueError, AttributeError):
        return None
    return folder if isinstance(folder, str) else None


def claim_folder(index_folder: Path, folder: Path) -> None:
    """Remember which folder an index follows; an index follows one folder only.

    Raises:
        IndexFolderError: it follows another one.
    """
    note = index_folder / "source.json"
    absolute = str(folder.resolve())
    if note.exists():
        owner = json.loads(note.read_text(encoding="utf-8")).get("folder")
        if owner != absolute:
            raise IndexFolderError(
                f'the index "{index_folder.name}" follows the folder "{owner}", not "{absolute}"',
                "give the other folder an index of its own: ragedge ingest FOLDER --index NAME",
            )
        return
    temporary = note.with_suffix(".tmp")
    temporary.write_text(json.dumps({"folder": absolute}), encoding="utf-8")
    temporary.replace(note)
