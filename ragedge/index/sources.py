"""files/: a copy of every source file under its sha256, so that a citation can always be opened.

A copy has exactly the bytes its name says, or is not there. Links are not followed and only regular files are read: the
path of a source comes from a folder that others may write to.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
import stat
from collections.abc import Iterable
from pathlib import Path

from ragedge.index.disk import TEMPORARY_SUFFIX, file_digest, room_in, sync_folder

_COPY_BYTES = 1 << 20
_SHA256 = re.compile("[0-9a-f]{64}")


class SourceFiles:
    """The folder of copies."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, sha256: str) -> Path | None:
        """The copy with these bytes, or None when there is none."""
        path = self._folder / sha256
        return path if _SHA256.fullmatch(sha256) and path.is_file() else None

    def keep(self, source: Path, sha256: str) -> bool:
        """Copy `source`; False when it is not a regular file any more, or its bytes are not those of `sha256`.

        The name is durable after `sync`, so that one call serves many copies.

        Raises:
            DiskFull: when there is no room.
        """
        if not _SHA256.fullmatch(sha256):
            return False
        try:
            # O_NONBLOCK: a pipe put in the file's place must not make us wait for its writer.
            fd = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return False
        with open(fd, "rb", buffering=0) as file, room_in(self._folder):  # noqa: PTH123 - a descriptor, not a path
            status = os.fstat(fd)
            if not stat.S_ISREG(status.st_mode):
                return False
            target = self._folder / sha256
            if target.is_file() and target.stat().st_size == status.st_size:
                return True
            self._folder.mkdir(mode=0o700, exist_ok=True)
            temporary = self._folder / f".{secrets.token_hex(8)}{TEMPORARY_SUFFIX}"
            try:
                digest = hashlib.sha256()
                with temporary.open("xb") as copy:
                    while block := file.read(_COPY_BYTES):
                        digest.update(block)
                        copy.write(block)
                    copy.flush()
                    os.fsync(copy.fileno())
                if digest.hexdigest() != sha256:
                    return False
                temporary.replace(target)
                return True
            finally:
                temporary.unlink(missing_ok=True)

    def sync(self) -> None:
        """Make the names of all copies durable."""
        if self._folder.is_dir():
            sync_folder(self._folder)

    def remove(self, names: Iterable[str]) -> None:
        """Remove copies by sha256; missing ones are passed over."""
        for sha256 in names:
            if _SHA256.fullmatch(sha256):
                (self._folder / sha256).unlink(missing_ok=True)

    def sweep(self, known: set[str]) -> None:
        """Remove whatever is no copy of a known document: leavings of a kill, copies of removed documents."""
        if self._folder.is_dir():
            for path in self._folder.iterdir():
                if path.name not in known:
                    with contextlib.suppress(OSError):
                        path.unlink()

    def damaged(self, known: Iterable[str]) -> list[str]:
        """The sha256 of those copies whose bytes are not what their name says; a missing copy is not damaged."""
        found = []
        for sha256 in sorted(known):
            path = self.path(sha256)
            if path is not None and file_digest(path, "sha256") != sha256:
                found.append(sha256)
        return found
