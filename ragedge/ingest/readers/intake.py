"""The way in: opens only regular files, and says in plain words why a file gave nothing.

A path is opened once and judged by what was opened, so that nothing can be exchanged in between: no link is followed,
no pipe or device is waited on. Decisions are made by an exception's type and number, never by its text.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, TypeVar

from ragedge.errors import RagedgeError, UnreadableDocument
from ragedge.ingest.readers.parts import one_line

_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
_WHY = {
    errno.ELOOP: "is a link, and links are not followed",
    errno.ENOENT: "is not there",
    errno.EACCES: "may not be opened by this user",
    errno.EPERM: "may not be opened by this user",
    errno.ENXIO: "is no regular file",
    errno.EIO: "could not be read from the disk",
}
_Named = TypeVar("_Named", bound=RagedgeError)


@contextmanager
def open_regular(path: Path, max_bytes: int | None = None) -> Iterator[BinaryIO]:
    """The opened file at `path`, if it is a regular file of at most `max_bytes`.

    Raises:
        UnreadableDocument: "unreadable" for links, folders, pipes, devices and what cannot be opened; "too_large".
    """
    try:
        descriptor = os.open(path, _OPEN)
    except (OSError, ValueError) as error:
        number = error.errno if isinstance(error, OSError) else None
        why = _WHY.get(number or 0, "cannot be opened")
        raise UnreadableDocument("unreadable", f'"{one_line(path.name)}" {why}', f"ls -l '{path}'") from error
    try:
        _judge(os.fstat(descriptor), path, max_bytes)
        stream = os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise
    with stream:
        yield stream


def _judge(status: os.stat_result, path: Path, max_bytes: int | None) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise UnreadableDocument("unreadable", f'"{one_line(path.name)}" is no regular file')
    if max_bytes is not None and status.st_size > max_bytes:
        detail = f'"{one_line(path.name)}" has {status.st_size:,} bytes, more than the {max_bytes:,} that are read'
        raise UnreadableDocument("too_large", detail, "split it into smaller files")


def explain(error: BaseException) -> UnreadableDocument:
    """What a reader's exception means; the message is a predicate ("is damaged") without the file's name."""
    if isinstance(error, UnreadableDocument):
        return error
    if isinstance(error, MemoryError):
        return UnreadableDocument("out_of_memory", "needs more memory to read than a reader may use", "split the file")
    if isinstance(error, ModuleNotFoundError):
        missing = (error.name or "a package").partition(".")[0]
        return UnreadableDocument("unsupported", f"needs the package '{missing}'", f"pip install {missing}")
    if isinstance(error, OSError) and error.errno in _WHY:
        return UnreadableDocument("unreadable", _WHY[error.errno])
    return UnreadableDocument(
        "broken", f"is damaged and cannot be read ({type(error).__name__})", "save it anew, or repair it"
    )


def named(error: _Named, name: str) -> _Named:
    """The same error, its message starting with the file's name."""
    if error.message.startswith('"'):
        return error
    error.message = f'"{one_line(name)}" {error.message}'
    error.args = (error.message,)
    return error
