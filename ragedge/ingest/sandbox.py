"""Reads files in processes with limits, so that a crash, a bomb or a hang costs that file and nothing else.

One long-lived process loads the readers once and forks per file (`sandbox_child`); text comes back over a pipe in
frames that are counted, timed and checked (`sandbox_wire`). Works in its own session, so that Ctrl-C reaches the caller
first; when the caller dies, the others end with it. Linux only: it needs prctl, pidfd and O_NOFOLLOW.
"""

from __future__ import annotations

import os
import select
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import NoReturn

import msgspec

from ragedge.contracts import ParsedFile, ReadOptions
from ragedge.errors import UnreadableDocument, UnsupportedFile
from ragedge.ingest.readers.assembly import Assembly
from ragedge.ingest.readers.intake import named
from ragedge.ingest.sandbox_wire import HEADER, Done, Failure, Frame, Kind, Request, decode
from ragedge.ingest.sandbox_zygote import Zygote, ZygoteGone

__all__ = ["Limits", "Sandbox"]

READ_BYTES = 2**20
EXIT_MEMORY = 86
"""As in `sandbox_child`, which this process never imports."""
ATTEMPTS = 2
"""How often a file is tried when the reading process itself disappears: it may not have been this file's doing."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one file may cost. `stall_seconds` is the longest time between two pages."""

    stall_seconds: float = 60.0
    total_seconds: float = 1_800.0
    memory_bytes: int = 1_536 * 2**20
    output_bytes: int = 128 * 2**20
    file_bytes: int = 2**30


class Sandbox:
    """Reads one file at a time in another process; calls from several threads wait for each other."""

    def __init__(self, options: ReadOptions, limits: Limits | None = None) -> None:
        self._options = options
        self._limits = limits or Limits()
        self._lock = threading.Lock()
        self._zygote: Zygote | None = None
        self._is_closed = False

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the reading processes at once, also while another thread waits in `read`."""
        self._is_closed = True
        zygote = self._zygote
        if zygote is not None:
            zygote.kill()

    @property
    def pid(self) -> int | None:
        """Process id of the long-lived reading process, if it runs."""
        return self._zygote.pid if self._zygote is not None else None

    def read(self, path: Path, *, reader: str = "") -> ParsedFile:
        """Read the file at `path`; `reader` ("module:function") replaces the parser and is for tests.

        Raises:
            UnsupportedFile: no reader takes this kind of file.
            UnreadableDocument: with one of the documented reasons; limits: "timed_out", "out_of_memory", "too_large".
            PackageMissing: the reading process cannot start at all.
        """
        limits = self._limits
        request = msgspec.json.encode(
            Request(
                path=os.fsencode(os.path.abspath(path)).hex(),  # noqa: PTH100  (resolve() would follow links)
                options=self._options,
                memory_bytes=limits.memory_bytes,
                cpu_seconds=max(1, int(limits.total_seconds)),
                file_bytes=limits.file_bytes,
                reader=reader,
            )
        )
        with self._lock:
            for _ in range(ATTEMPTS):
                try:
                    return self._attempt(request, path.name)
                except ZygoteGone:
                    if self._zygote is not None:
                        self._zygote.kill()
                except UnreadableDocument as error:
                    raise named(error, path.name) from error.__cause__
        detail = "was being read when the reading process disappeared, twice"
        raise named(UnreadableDocument("crashed", detail), path.name)

    def _attempt(self, request: bytes, name: str) -> ParsedFile:
        self._refuse_closed()
        if self._zygote is None or not self._zygote.is_alive:
            if self._zygote is not None:
                self._zygote.kill()  # for its socket; it is dead
            self._zygote = Zygote()
            self._refuse_closed()
        zygote = self._zygote
        pipe = zygote.start(request)
        try:
            parsed = self._receive(pipe, name)
        except BaseException:
            zygote.stop()
            raise
        finally:
            os.close(pipe)
        try:
            status = zygote.finish()
        except BaseException:
            zygote.kill()  # an answer left behind would be taken for the next file's
            raise
        return parsed if parsed is not None else _explain_end(status)

    def _refuse_closed(self) -> None:
        if self._is_closed:
            if self._zygote is not None:
                self._zygote.kill()
            raise UnreadableDocument("unreadable", "was not read: reading was stopped")

    def _receive(self, pipe: int, name: str) -> ParsedFile | None:
        """What comes through the pipe as one file; None where it ends without a last frame."""
        assembly, media_type = Assembly(self._options.max_chars), "text/plain"
        for frame in self._frames(pipe):
            if isinstance(frame, Kind):
                media_type = frame.media_type
            elif isinstance(frame, Failure):
                if frame.error == "unsupported":
                    raise UnsupportedFile(frame.message, frame.hint)
                raise UnreadableDocument(frame.reason, frame.message, frame.hint)
            elif isinstance(frame, Done):
                return assembly.finish(name, media_type)
            else:
                assembly.add(frame)
        return None

    def _frames(self, pipe: int) -> Iterator[Frame]:
        """Frames as they come, within the limits of time and size."""
        limits, buffer, total = self._limits, bytearray(), 0
        deadline = time.monotonic() + limits.total_seconds
        poller = select.poll()
        poller.register(pipe, select.POLLIN)
        stall_end = time.monotonic() + limits.stall_seconds
        while True:
            wait = min(deadline, stall_end) - time.monotonic()
            if wait <= 0 or not poller.poll(wait * 1_000):
                raise _too_slow(limits, is_stall=stall_end < deadline)
            piece = os.read(pipe, READ_BYTES)
            if not piece:
                return
            total += len(piece)
            if total > limits.output_bytes:
                detail = f"gives more than the {limits.output_bytes:,} bytes of text that are taken"
                raise UnreadableDocument("too_large", detail, "split it into smaller files")
            buffer += piece
            for frame in _cut(buffer):
                stall_end = time.monotonic() + limits.stall_seconds
                yield frame


def _cut(buffer: bytearray) -> Iterator[Frame]:
    """Complete frames at the front of `buffer`, which they leave."""
    at = 0
    while len(buffer) - at >= HEADER.size:
        kind, length = HEADER.unpack_from(buffer, at)
        end = at + HEADER.size + length
        if len(buffer) < end:
            break
        try:
            yield decode(kind, bytes(buffer[at + HEADER.size : end]))
        except ValueError as error:
            raise UnreadableDocument("crashed", "made its reader answer with garbage") from error
        at = end
    del buffer[:at]


def _too_slow(limits: Limits, is_stall: bool) -> UnreadableDocument:
    if is_stall:
        detail = f"gave no further page within {limits.stall_seconds:g} s"
        return UnreadableDocument("timed_out", detail, "raise ingest.stall_seconds in the config, or split the file")
    detail = f"was not read within {limits.total_seconds:g} s"
    return UnreadableDocument("timed_out", detail, "raise ingest.total_seconds in the config, or split the file")


def _explain_end(status: int) -> NoReturn:
    """What it means that a reader ended without a word."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        if number == signal.SIGXCPU:
            raise UnreadableDocument("timed_out", "took more processor time than a reader may use")
        if number == signal.SIGKILL:
            raise UnreadableDocument(
                "out_of_memory", "made its reader use more memory than the box has", "split the file"
            )
        raise UnreadableDocument("crashed", f"made its reader crash ({signal.Signals(number).name})")
    if os.WEXITSTATUS(status) == EXIT_MEMORY:
        raise UnreadableDocument("out_of_memory", "needs more memory to read than a reader may use", "split the file")
    raise UnreadableDocument("crashed", f"made its reader end early (status {os.WEXITSTATUS(status)})")
