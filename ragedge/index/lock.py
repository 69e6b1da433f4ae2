"""One writer per index: an advisory lock (flock) on a file that holds the owner's process id.

The kernel drops the lock when the process ends, however it ends, so a lock is never left behind by a kill. It knows
nothing of what it protects.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import weakref
from pathlib import Path

_READ_ONLY = (errno.EACCES, errno.EPERM, errno.EROFS)
_PID_BYTES = 32  # a process id has at most 7 digits on Linux


class FolderLock:
    """The lock of one folder; `is_held` says whether this object has it.

    `is_read_only` is True when the lock's file could not be opened for writing, so nobody here can be a writer.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd: int | None = None
        self.is_read_only = False

    @property
    def is_held(self) -> bool:
        return self._fd is not None

    def acquire(self) -> bool:
        """Take the lock without waiting; False when another holder has it or the folder cannot be written."""
        try:
            fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            # A full disk cannot make the file either: then it is asked, not changed.
            self.is_read_only = error.errno in _READ_ONLY
            if self.is_read_only or error.errno in (errno.ENOSPC, errno.EDQUOT):
                return False
            raise
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(fd)
            if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
                return False
            raise
        with contextlib.suppress(OSError):  # no room for a few digits on a full disk: the lock itself still holds
            os.ftruncate(fd, 0)
            os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
        self._fd = fd
        _HELD.add(self)
        return True

    def holder_pid(self) -> int | None:
        """The process id written by the last owner; None when there is none to read."""
        try:
            with self._path.open("rb") as file:
                text = file.read(_PID_BYTES).strip()
        except OSError:
            return None
        return int(text) if text.isdigit() else None

    def release(self) -> None:
        """Give the lock back; harmless when it is not held."""
        if self._fd is not None:
            _HELD.discard(self)
            fcntl.flock(self._fd, fcntl.LOCK_UN)  # also for a child forked a moment ago that still shares the file
            os.close(self._fd)
            self._fd = None

    def _forget_in_child(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


_HELD: weakref.WeakSet[FolderLock] = weakref.WeakSet()


def _drop_inherited() -> None:
    for lock in list(_HELD):
        lock._forget_in_child()
    _HELD.clear()


# A forked child shares the open file: it would keep the lock alive after its parent was killed.
os.register_at_fork(after_in_child=_drop_inherited)
