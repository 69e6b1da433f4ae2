"""The process that reads files: one that stays and loads the readers once, and a fork of it per file.

The staying process (zygote) never opens a document. It takes a request, forks, watches the fork and the parent at
once, and reports how the fork ended; when the parent goes, it kills the fork and ends. A fork limits itself before it
opens the file: memory, processor time, no written files, few descriptors, no core dump, no new privileges. Linux
5.3 or later (pidfd).
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import os
import resource
import select
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from ragedge.errors import RagedgeError, UnreadableDocument, UnsupportedFile
from ragedge.ingest.readers import FORMATS, format_of, read_parts
from ragedge.ingest.readers.intake import explain, named, open_regular
from ragedge.ingest.readers.parts import Attachment, Part, clean_text
from ragedge.ingest.sandbox_wire import MAX_REQUEST_BYTES, READY, Done, Failure, Kind, Request, encode

EXIT_MEMORY = 86
"""Exit status of a fork that has not even the memory left to say so."""
OPEN_FILES = 64
"""Descriptors of a fork: the document, its pipe, and what Tesseract needs."""
MESSAGE_CHARS = 1_000
WRITE_BYTES = 65_536
_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
# loaded by the libraries only when a file needs them: once here instead of once per file
_LATE = (
    "fontTools.ttLib",
    "fontTools.cffLib",
    "cryptography.hazmat.primitives.ciphers.algorithms",
    "pypdf.filters",
    "email.parser",
    "encodings.charmap",
    "encodings.idna",
    "PIL.JpegImagePlugin",
    "PIL.PngImagePlugin",
    "PIL.PpmImagePlugin",
    "PIL.TiffImagePlugin",
)


def main(descriptor: int) -> None:
    """Serve requests from the socket `descriptor` until its other end is gone."""
    control = socket.socket(fileno=descriptor)
    os.chdir("/")
    _drop_network()
    _preload()
    control.send(READY)
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, MAX_REQUEST_BYTES, 1)
        if not message:
            return
        if not descriptors:
            continue  # a "stop" that came after its fork had ended
        status = _serve(control, message, descriptors[0])
        if status is None:
            return
        control.send(str(status).encode())


def _preload() -> None:
    sys.modules["numpy"] = None  # type: ignore[assignment]  # openpyxl would start OpenBLAS's threads; it does without
    modules = {entry.parser.partition(":")[0] for entry in FORMATS}
    for name in (*(f"ragedge.ingest.readers.{module}" for module in sorted(modules)), *_LATE):
        with contextlib.suppress(ImportError):  # a missing package costs its format, with its own message
            importlib.import_module(name)
    gc.collect()
    gc.set_threshold(100_000, 20, 100)  # parsers make many objects that live on: 8 % less time on long PDFs
    gc.freeze()  # keeps the loaded modules in pages that all forks share


def _drop_network() -> None:
    """An empty network of its own, for all forks, where the kernel allows it."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNET) != 0:
        libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET)


def _serve(control: socket.socket, message: bytes, pipe: int) -> int | None:
    """Fork for one request and wait; its wait status, or None where the parent is gone."""
    zygote = os.getpid()
    pid = os.fork()
    if pid == 0:
        try:
            control.close()
            _become_fork(zygote)
            os._exit(_read(message, pipe))
        except MemoryError:
            os._exit(EXIT_MEMORY)
        except BaseException:
            os._exit(1)
    os.close(pipe)
    with contextlib.suppress(OSError):
        os.setpgid(pid, pid)  # here as well as in the fork: whoever comes first
    return _watch(control, pid)


def _watch(control: socket.socket, pid: int) -> int | None:
    """Wait for the fork's end; kill it and all it started when told so, or when the parent is gone."""
    handle = os.pidfd_open(pid)
    is_orphan = False
    try:
        poller = select.poll()
        poller.register(handle, select.POLLIN)
        poller.register(control, select.POLLIN)
        while True:
            ready = dict(poller.poll())
            if handle in ready:
                break
            is_orphan = not control.recv(MAX_REQUEST_BYTES)
            _kill_group(pid)
            if is_orphan:
                break
        _kill_group(pid)  # before the wait: until then nobody else can get this number
        status = os.waitpid(pid, 0)[1]
    finally:
        os.close(handle)
    return None if is_orphan else status


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _become_fork(zygote: int) -> None:
    """Die with the zygote, in a process group of one's own."""
    os.setpgid(0, 0)
    libc = ctypes.CDLL(None)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if os.getppid() != zygote:
        os._exit(1)


def _limit(request: Request) -> None:
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("900")  # if the box runs out of memory, this process goes first
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, OPEN_FILES))
    resource.setrlimit(resource.RLIMIT_CPU, (request.cpu_seconds, request.cpu_seconds + 5))
    resource.setrlimit(resource.RLIMIT_AS, (request.memory_bytes, request.memory_bytes))


def _read(message: bytes, pipe: int) -> int:
    """Read one file and write its frames; the exit status."""
    request = msgspec.json.decode(message, type=Request)
    path = Path(os.fsdecode(bytes.fromhex(request.path)))
    _limit(request)
    try:
        for frame in _frames(request, path):
            _write(pipe, encode(frame))
        _write(pipe, encode(Done()))
    except UnsupportedFile as error:
        _write(pipe, encode(_failure("unsupported", "unsupported", error)))
    except UnreadableDocument as error:
        _write(pipe, encode(_failure("unreadable", error.reason, error)))
    except BrokenPipeError:
        return 0  # the parent has heard enough
    except Exception as error:
        failure = named(explain(error), path.name)
        _write(pipe, encode(_failure("unreadable", failure.reason, failure)))
    return 0


def _frames(request: Request, path: Path) -> Iterator[Any]:
    with open_regular(path, request.file_bytes) as stream:
        if request.reader:
            yield Kind("plain", "text/plain")
            yield from _injected(request.reader, stream, request)
            return
        entry = format_of(path.name, stream)
        yield Kind(entry.kind, entry.media_type)
        yield from read_parts(stream, path.name, request.options)


def _injected(reader: str, stream: Any, request: Request) -> Iterator[Part]:
    """A parser named by the caller in Python, never by a file: how tests bring readers that crash or hang."""
    module, _, function = reader.partition(":")
    for part in getattr(importlib.import_module(module), function)(stream, request.options):
        if not isinstance(part, Attachment):
            yield part


def _failure(error: Any, reason: Any, cause: RagedgeError) -> Failure:
    return Failure(error, reason, clean_text(cause.message)[:MESSAGE_CHARS], clean_text(cause.hint)[:MESSAGE_CHARS])


def _write(pipe: int, content: bytes) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(pipe, view[:WRITE_BYTES]) :]
