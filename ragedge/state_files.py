"""Files with what a language model has read of documents: a head that says what it is of, and the state's bytes.

A file is there whole or not at all, and is used only where its sums are right and its head names the very engine that
asks; everything else is no state. Each file names the documents whose text went into it: where one of them is gone,
`forget` takes the file away, and a number that it changes keeps a process that still holds such a state in memory from
writing it later. Knows no model and no index; what a state means is llama.cpp's business.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import secrets
import shutil
import struct
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import msgspec

SUFFIX = ".state"
_PART = ".part"
_MAGIC = b"ragedge state 1\n"
_LENGTH = struct.Struct("<I")
_SUM_BYTES = 32  # sha256
_MAX_HEAD_BYTES = 64 * 2**20  # a head holds the tokens: five bytes each at most
_PIECE_BYTES = 1 << 20  # written between two looks at whether somebody waits
_LOCK_NAME = "lock"
_LEFT_BYTES = 256 * 2**20  # of a disk stay free of what nobody asked for yet: documents go before it
_LONG_AGO = 1_000  # makes a time of today one of early 1970
_LEFT_SECONDS = 3600  # a file is written in seconds, on an SD card beside much other work in minutes


class StateHead(msgspec.Struct, frozen=True):
    """What a state is of. `engine` names model, llama.cpp, context and key-value types; `scheme` how it was read.

    `tokens` are those it stands for, `before` how many at their beginning it needs but does not hold, `marks` where
    the batches of reading ended, `documents` the ids of those whose text is in it, `state_bytes` its size.
    """

    kind: str
    engine: str
    scheme: str
    tokens: tuple[int, ...]
    before: int
    marks: tuple[int, ...]
    documents: tuple[str, ...]
    state_bytes: int

    @property
    def name(self) -> str:
        """The file's name: a digest of all that a reader must agree with."""
        asked = (self.kind, self.engine, self.scheme, self.tokens, self.before)
        digest = hashlib.sha256(_ENCODER.encode(asked)).hexdigest()
        return f"{self.kind}-{digest[:40]}{SUFFIX}"


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(StateHead)


class StateFolder:
    """The states in one folder, within a budget of bytes per kind; a kind without a budget is neither read nor kept.

    May be used from several threads and processes. Nothing here raises for what a disk or a stranger did: a state that
    cannot be read or written is one that is not there.
    """

    def __init__(self, folder: Path, budgets: Mapping[str, int]) -> None:
        self.folder = folder
        self._budgets = dict(budgets)

    def epoch(self) -> int:
        """A number that changes when documents go; a state made under another one is not written any more."""
        try:
            return (self.folder / _LOCK_NAME).stat().st_mtime_ns  # a time, because that can be set on a full disk, too
        except OSError:
            return 0

    def make(self) -> None:
        """Make the folder: what goes before the first state is written must leave its mark there."""
        with contextlib.suppress(OSError):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            # not `touch`, which would set the time that is the epoch
            os.close(os.open(self.folder / _LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))

    def sweep(self) -> None:
        """Delete what a process left half written when it was killed, long enough ago that nobody is writing it."""
        for path in self.folder.glob(f".*{_PART}"):
            with contextlib.suppress(OSError):
                if time.time() - path.stat().st_mtime > _LEFT_SECONDS:
                    path.unlink(missing_ok=True)

    def heads(self, kind: str) -> list[StateHead]:
        """The heads of all states of a kind, the latest used first; their bytes are not looked at."""
        if not self._budgets.get(kind):
            return []
        found = []
        for path, _, _ in reversed(self._listed(kind)):
            head = read_head(path)
            if head is not None and head.name == path.name:
                found.append(head)
        return found

    def find(self, wanted: StateHead) -> StateHead | None:
        """The head of the state that is the same in all that a name is made of, or None where there is none."""
        found = read_head(self.folder / wanted.name) if self._budgets.get(wanted.kind) else None
        return found if found is not None and found.name == wanted.name else None

    def read(self, head: StateHead, into: Callable[[int], memoryview]) -> memoryview | None:
        """The bytes of a state in memory that `into` makes, or None where there is no whole one."""
        path = self.folder / head.name
        try:
            with path.open("rb") as file:
                found, summed = _head_of(file.read(len(_MAGIC) + _LENGTH.size), file.read)
                if found is None or found != head:
                    return None
                held = into(found.state_bytes)
                if file.readinto(held) != len(held):
                    return None
                is_right = file.read(_SUM_BYTES + 1) == _sum(summed, held)
            if not is_right:
                return None
            os.utime(path)  # the latest used
        except (OSError, msgspec.MsgspecError, MemoryError):
            return None
        return held

    def write(
        self, head: StateHead, state: memoryview, epoch: int, goes_on: Callable[[], bool], *, is_ahead: bool = False
    ) -> bool:
        """Keep a state, and let go of the longest unused ones beyond the budget; whether it is kept.

        `goes_on` is asked before every piece; it may wait, and False gives up. A state that was made before documents
        went (`epoch`) is not kept. One that nobody asked for yet (`is_ahead`) takes no other's place, and goes first.
        """
        budget, size = self._budgets.get(head.kind, 0), _size(head)
        if size > budget or len(state) != head.state_bytes:
            return False
        temporary = self.folder / f".{secrets.token_hex(8)}{_PART}"
        try:
            self.folder.mkdir(mode=0o700, exist_ok=True)
            try:
                if not _write(temporary, head, state, goes_on):
                    return False
                with self._locked():
                    if self.epoch() != epoch:
                        return False
                    if is_ahead and size > self.room(head.kind):
                        return False
                    self._make_room(head.kind, budget - size, head.name)
                    if is_ahead:  # before all that were used; of two the one that was thought of later
                        early = (2**62 - time.time_ns()) // _LONG_AGO
                        os.utime(temporary, ns=(early, early))
                    temporary.rename(self.folder / head.name)
                    _sync_folder(self.folder)
            finally:
                temporary.unlink(missing_ok=True)
        except OSError:  # no room, no right, or `forget` took it away meanwhile
            return False
        return True

    def forget(self, is_gone: Callable[[str], bool]) -> int:
        """Delete every state with a document that is gone, and what was half written; how many files went.

        Raises:
            OSError: a file cannot be deleted.
        """
        if not self.folder.is_dir():
            return 0
        with self._locked():
            now = max(time.time_ns(), self.epoch() + 1)
            os.utime(self.folder / _LOCK_NAME, ns=(now, now))  # first: what is made from now on knows of it
            gone = 0
            for path in sorted(self.folder.iterdir()):
                if path.name == _LOCK_NAME:
                    continue
                head = read_head(path) if path.suffix == SUFFIX else None
                if head is None or any(is_gone(document) for document in head.documents):
                    path.unlink(missing_ok=True)
                    gone += 1
            _sync_folder(self.folder)
            return gone

    def held_bytes(self, kind: str) -> int:
        """Bytes of the files of a kind."""
        return sum(size for _, size, _ in self._listed(kind))

    def room(self, kind: str) -> int:
        """Bytes that fit without anything else going; 0 where the disk itself is nearly full."""
        try:
            free = shutil.disk_usage(self.folder).free - _LEFT_BYTES
        except OSError:
            return 0
        return max(0, min(self._budgets.get(kind, 0) - self.held_bytes(kind), free))

    def _listed(self, kind: str) -> list[tuple[Path, int, int]]:
        """(file, bytes, time of the last use), longest unused first."""
        found = []
        with contextlib.suppress(OSError):
            for path in self.folder.glob(f"{kind}-*{SUFFIX}"):
                with contextlib.suppress(OSError):
                    status = path.lstat()
                    found.append((path, status.st_size, status.st_mtime_ns))
        return sorted(found, key=lambda one: (one[2], one[0].name))

    def _make_room(self, kind: str, budget: int, name: str) -> None:
        listed = [one for one in self._listed(kind) if one[0].name != name]
        held = sum(size for _, size, _ in listed)
        for path, size, _ in listed:
            if held <= budget:
                return
            path.unlink(missing_ok=True)
            held -= size

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        descriptor = os.open(self.folder / _LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)


def read_head(path: Path) -> StateHead | None:
    """The head of a state's file where that is whole and the file has the size it says; else None."""
    try:
        with path.open("rb") as file:
            head, _ = _head_of(file.read(len(_MAGIC) + _LENGTH.size), file.read)
            return head if head is not None and os.fstat(file.fileno()).st_size == _size(head) else None
    except (OSError, msgspec.MsgspecError):
        return None


def _head_of(start: bytes, read: Callable[[int], bytes]) -> tuple[StateHead | None, bytes]:
    """The head, and the sum over it."""
    if len(start) != len(_MAGIC) + _LENGTH.size or not start.startswith(_MAGIC):
        return None, b""
    (length,) = _LENGTH.unpack_from(start, len(_MAGIC))
    if length > _MAX_HEAD_BYTES:
        return None, b""
    summed, encoded = read(_SUM_BYTES), read(length)
    if hashlib.sha256(start + encoded).digest() != summed:
        return None, b""
    head = _DECODER.decode(encoded)
    return (head, summed) if head.state_bytes >= 0 else (None, b"")


def _start(head: StateHead) -> tuple[bytes, bytes]:
    """What stands before the state, and the sum in it."""
    encoded = _ENCODER.encode(head)
    start = _MAGIC + _LENGTH.pack(len(encoded))
    summed = hashlib.sha256(start + encoded).digest()
    return start + summed + encoded, summed


def _size(head: StateHead) -> int:
    return len(_start(head)[0]) + head.state_bytes + _SUM_BYTES


def _sum(summed: bytes, state: memoryview) -> bytes:
    digest = hashlib.sha256(summed)
    digest.update(state)
    return digest.digest()


def _write(path: Path, head: StateHead, state: memoryview, goes_on: Callable[[], bool]) -> bool:
    start, summed = _start(head)
    digest = hashlib.sha256(summed)
    path.touch(mode=0o600, exist_ok=False)
    with path.open("wb", buffering=0) as file:
        file.write(start)
        for at in range(0, len(state), _PIECE_BYTES):
            if not goes_on():
                return False
            piece = state[at : at + _PIECE_BYTES]
            digest.update(piece)
            if file.write(piece) != len(piece):
                return False  # no room
        file.write(digest.digest())
        if not goes_on():
            return False
        os.fsync(file.fileno())
    return True


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
