"""Seals: what files looked like when they were last known to be right, so that damage is seen before they are opened.

A seal names the size and digest of every file of a folder. It is written after a clean end of writing and removed
before writing starts again; while it is missing, a note of this start of the machine tells a killed process (its files
are as it wrote them) from a power cut (they may hold anything).
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from ragedge.index.disk import boot_id, file_digest, sync_folder, write_whole

_MAX_BYTES = 1 << 20  # a seal names a handful of files


@dataclass(frozen=True, slots=True)
class Seal:
    """`state` names the content the files were made from; `files` are relative POSIX path -> [bytes, digest]."""

    state: str
    files: dict[str, tuple[int, str]]
    dead: int = 0  # entries deleted but still in the files


def take_seal(folder: Path, state: str, dead: int = 0) -> Seal:
    """The seal of everything in `folder`, made durable first: a power cut must not undo what a seal vouches for."""
    files = {}
    for path in _files(folder):
        fd = os.open(path, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
        files[path.relative_to(folder).as_posix()] = (path.stat().st_size, file_digest(path))
    for path in {file.parent for file in _files(folder)} | {folder}:
        sync_folder(path)
    return Seal(state, files, dead)


def marks(folder: Path) -> dict[str, tuple[int, int]]:
    """Size and time of change of every file: what tells, within one process, which ones were written to."""
    found = {}
    for path in _files(folder):
        status = path.stat()
        found[path.relative_to(folder).as_posix()] = (status.st_size, status.st_mtime_ns)
    return found


def retake(seal: Seal, folder: Path, before: dict[str, tuple[int, int]]) -> Seal:
    """`seal` with those files looked at again that are not as `marks` saw them `before`."""
    files = {}
    for name, mark in marks(folder).items():
        is_same = name in seal.files and before.get(name) == mark
        files[name] = seal.files[name] if is_same else (mark[0], file_digest(folder / name))
    return replace(seal, files=files)


def is_whole(seal: Seal, folder: Path) -> bool:
    """Whether `folder` holds exactly the files of the seal, byte for byte; sizes are compared before contents."""
    try:
        found = {path.relative_to(folder).as_posix(): path for path in _files(folder)}
        if found.keys() != seal.files.keys():
            return False
        if any(path.is_symlink() or path.stat().st_size != seal.files[name][0] for name, path in found.items()):
            return False
        return all(file_digest(path) == seal.files[name][1] for name, path in found.items())
    except OSError:
        return False


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if not path.is_dir() or path.is_symlink())


def read_seal(path: Path) -> Seal | None:
    """The seal in a file; None when there is none or it cannot be understood."""
    try:
        with path.open("rb") as file:
            data = json.loads(file.read(_MAX_BYTES))
        files = {str(name): (int(size), str(digest)) for name, (size, digest) in data["files"].items()}
        return Seal(str(data["state"]), files, int(data["dead"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def write_seal(path: Path, seal: Seal) -> None:
    """Put a seal in its file, whole or not at all."""
    write_whole(path, json.dumps(asdict(seal), sort_keys=True).encode())


def break_seal(path: Path) -> None:
    """Remove a seal durably, leaving beside it a note of this start of the machine."""
    if path.exists() or not was_broken_since_boot(path):
        write_whole(path.with_name(path.name + ".broken"), boot_id().encode())
        path.unlink(missing_ok=True)
        sync_folder(path.parent)


def was_broken_since_boot(path: Path) -> bool:
    """Whether the seal was broken since this machine was started, so that no power cut came between."""
    try:
        noted = path.with_name(path.name + ".broken").read_text("ascii")
    except (OSError, ValueError):
        return False
    return noted != "" and noted == boot_id()
