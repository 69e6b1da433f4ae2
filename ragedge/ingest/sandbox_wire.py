"""What goes over the pipe between the process that reads files and the one that asks for them.

A frame is one kind byte, a four-byte length and JSON; a page is a frame, so that each page is a sign of life. JSON and
never pickle: a file that takes the reader over must not be able to run anything in the parent. Every frame is decoded
into a fixed type; whatever does not fit it is refused.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from ragedge.contracts import Page, PageProblem, ReadOptions, Reason
from ragedge.ingest.readers.parts import About, Progress

HEADER = struct.Struct(">cI")
MAX_REQUEST_BYTES = 65_536
"""A path has at most 4,096 bytes; passwords take the rest."""
STOP = b"stop"
READY = b"ready"


@dataclass(frozen=True, slots=True)
class Request:
    """One file to read: its path as hex (names need not be UTF-8), and the limits that the reader sets itself."""

    path: str
    options: ReadOptions
    memory_bytes: int
    cpu_seconds: int
    file_bytes: int
    reader: str = ""


@dataclass(frozen=True, slots=True)
class Kind:
    """First frame: the format that was found."""

    kind: str
    media_type: str


@dataclass(frozen=True, slots=True)
class Failure:
    """Last frame where a file gave nothing."""

    error: Literal["unsupported", "unreadable"]
    reason: Reason
    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class Done:
    """Last frame where all went well."""


Frame = Kind | Page | PageProblem | About | Progress | Failure | Done
_TYPES: dict[bytes, Any] = {
    b"K": Kind,
    b"P": Page,
    b"B": PageProblem,
    b"A": About,
    b"T": Progress,
    b"F": Failure,
    b"D": Done,
}
_KINDS = {cls: kind for kind, cls in _TYPES.items()}
_DECODERS = {kind: msgspec.json.Decoder(cls) for kind, cls in _TYPES.items()}


def encode(frame: Frame) -> bytes:
    """One frame as bytes."""
    body = msgspec.json.encode(frame)
    return HEADER.pack(_KINDS[type(frame)], len(body)) + body


def decode(kind: bytes, body: bytes | bytearray | memoryview) -> Frame:
    """The frame in `body`.

    Raises:
        ValueError: it is not what its kind promises.
    """
    decoder = _DECODERS.get(kind)
    if decoder is None:
        raise ValueError("unknown kind of frame")
    try:
        frame: Frame = decoder.decode(body)
    except msgspec.MsgspecError as error:
        raise ValueError("a frame that cannot be decoded") from error
    return frame
