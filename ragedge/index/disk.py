"""Files that are written whole or not at all, digests of files, and what the operating system says about a disk.

A file appears under its name only after its bytes are on the disk: temporary name, fsync, rename, fsync of the folder.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from ragedge.errors import DiskFull

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_READ_BYTES = 1 << 20  # large enough that hashing, not system calls, is the cost
TEMPORARY_SUFFIX = ".part"


def disk_full(folder: Path) -> DiskFull:
    """The error for a disk without room, in plain words."""
    return DiskFull(
        f'no room left on the disk that holds "{folder}"',
        "free some space and run the command again; what was reported as done is safe",
    )


@contextlib.contextmanager
def room_in(folder: Path) -> Iterator[None]:
    """Translate an `OSError` for a full disk into `DiskFull`."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise disk_full(folder) from error
        raise


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` durable."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def write_whole(path: Path, data: bytes, *, mode: int = 0o666) -> None:
    """Write `data` under `path`, replacing what is there, atomically and durably; `mode` is cut by the umask.

    Raises:
        DiskFull: when there is no room; the old file is then untouched.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}{TEMPORARY_SUFFIX}")
    with room_in(path.parent):
        try:
            fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
            with os.fdopen(fd, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
            sync_folder(path.parent)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise


def file_digest(path: Path, kind: Literal["blake2b", "sha256"] = "blake2b") -> str:
    """The digest of a file's bytes in hex: BLAKE2b-128 (against damage, not against forgery) or SHA-256."""
    digest = hashlib.sha256() if kind == "sha256" else hashlib.blake2b(digest_size=16)
    with path.open("rb", buffering=0) as file:
        while block := file.read(_READ_BYTES):
            digest.update(block)
    return digest.hexdigest()


def boot_id() -> str:
    """A name of this start of the machine ("" where there is none): it tells a killed process from a power cut."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return ""
