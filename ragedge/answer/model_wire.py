"""What goes through the socket between the service and the process that holds the language model.

A frame is a four-byte length and one msgpack record of a closed set of types; whatever does not fit one is refused, and
nothing is ever unpickled: the model's process runs C++ over a file of a stranger and must not be able to run anything
here. Knows no model and starts no process.
"""

from __future__ import annotations

import os
import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from ragedge.answer.ahead import Ahead
from ragedge.answer.state_settings import StateSettings
from ragedge.answer.tuning import Tuning
from ragedge.contracts import ModelStats, PassagePart, Prompt, Sampling
from ragedge.errors import ConfigError, ModelCorrupt, ModelError, ModelMissing, PromptTooLong, RagedgeError

_HEADER = struct.Struct(">I")
_MAX_FRAME_BYTES = 256 * 2**20  # a context of a million tokens has at most 64 MB of text
_READ_BYTES = 65_536
_ERRORS: dict[str, type[RagedgeError]] = {
    kind.__name__: kind for kind in (ConfigError, ModelCorrupt, ModelError, ModelMissing, PromptTooLong)
}


class Load(msgspec.Struct, frozen=True, tag=True):
    """First frame to the process: the model and how to run it; the chat format as its table has it."""

    path: bytes
    sha256: str
    context_tokens: int
    threads: int
    family: str
    template: str
    specials: tuple[str, ...]
    stops: tuple[str, ...]
    tuning: Tuning = Tuning()
    is_drafting: bool = False
    state_folder: bytes = b""
    prompt_state_bytes: int = 0
    prompt_disk_bytes: int = 0
    passage_disk_bytes: int = 0
    joins_passages: bool = False
    reread_tokens: int = 0


class Count(msgspec.Struct, frozen=True, tag=True):
    """Count the tokens of a text; answered also while a job runs."""

    number: int
    text: str


class Ask(msgspec.Struct, frozen=True, tag=True):
    """A job; `window` pieces may be on their way before the first `More`.

    `passages` are (document id, characters) of the passages at the beginning of `user`; `epoch` as of a `Prompt`.
    """

    number: int
    system: str
    user: str
    max_tokens: int
    temperature: float
    seed: int
    window: int
    passages: tuple[tuple[str, int], ...] = ()
    epoch: int | None = None


class Prepare(msgspec.Struct, frozen=True, tag=True):
    """Read the one passage of a prompt ahead; `passages` and `epoch` as of an `Ask`, cancelled like one."""

    number: int
    system: str
    user: str
    passages: tuple[tuple[str, int], ...]
    epoch: int | None


class More(msgspec.Struct, frozen=True, tag=True):
    """One piece of a job was taken: another one may follow."""

    number: int


class Cancel(msgspec.Struct, frozen=True, tag=True):
    """End a job now."""

    number: int


class Hold(msgspec.Struct, frozen=True, tag=True):
    """How much memory holds states of earlier prompts; answered also while a job runs."""

    number: int


class Ready(msgspec.Struct, frozen=True, tag=True):
    """First frame from the process: the model is loaded. `note`: what a person should know of it."""

    note: str = ""


class Counted(msgspec.Struct, frozen=True, tag=True):
    """The tokens of a `Count`."""

    number: int
    tokens: int


class Prepared(msgspec.Struct, frozen=True, tag=True):
    """What became of a `Prepare`."""

    number: int
    outcome: Ahead


class Held(msgspec.Struct, frozen=True, tag=True):
    """The bytes of a `Hold`."""

    number: int
    state_bytes: int


class Said(msgspec.Struct, frozen=True, tag=True):
    """A further piece of an answer."""

    number: int
    text: str


class Done(msgspec.Struct, frozen=True, tag=True):
    """The end of a job, with what it spent."""

    number: int
    stats: ModelStats


class Failed(msgspec.Struct, frozen=True, tag=True):
    """The end of a job, a count or (number 0) of loading, with one of our own errors."""

    number: int
    error: str
    message: str
    hint: str


Request = Load | Count | Hold | Ask | Prepare | More | Cancel
Reply = Ready | Counted | Held | Said | Done | Prepared | Failed
_ENCODER = msgspec.msgpack.Encoder()
REQUESTS: msgspec.msgpack.Decoder[Request] = msgspec.msgpack.Decoder(Request)
REPLIES: msgspec.msgpack.Decoder[Reply] = msgspec.msgpack.Decoder(Reply)


class Garbled(Exception):
    """What came is no frame of ours."""


class Sender:
    """Writes whole frames into a socket, from any thread."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._lock = threading.Lock()

    def send(self, frame: Request | Reply) -> None:
        """Write one frame.

        Raises:
            OSError: the other end is gone, or does not read.
        """
        body = _ENCODER.encode(frame)
        with self._lock:
            self._connection.sendall(_HEADER.pack(len(body)) + body)


def frames(connection: socket.socket, decoder: msgspec.msgpack.Decoder[Any]) -> Iterator[Any]:
    """Frames as they come, until the other end is gone.

    Raises:
        Garbled: a frame is too long or none of the decoder's types.
    """
    buffer = bytearray()
    while True:
        try:
            piece = connection.recv(_READ_BYTES)
        except OSError:
            return
        if not piece:
            return
        buffer += piece
        at = 0
        while len(buffer) - at >= _HEADER.size:
            (length,) = _HEADER.unpack_from(buffer, at)
            if length > _MAX_FRAME_BYTES:
                raise Garbled(f"a frame of {length} bytes")
            if len(buffer) - at - _HEADER.size < length:
                break
            start = at + _HEADER.size
            at = start + length
            try:
                yield decoder.decode(memoryview(buffer)[start:at].tobytes())
            except msgspec.MsgspecError as error:
                raise Garbled(str(error)) from error
        del buffer[:at]


def plain(text: str) -> str:
    """`text` without halves of surrogate pairs, which no byte encoding holds; as the tokenizer would read it."""
    return text.encode("utf-8", "replace").decode("utf-8")


def state_fields(states: StateSettings | None) -> dict[str, Any]:
    """The fields of a `Load` that say what is kept."""
    if states is None:
        return {}
    return {
        "state_folder": os.fsencode(states.folder.absolute()) if states.folder is not None else b"",
        "prompt_state_bytes": states.prompt_bytes,
        "prompt_disk_bytes": states.prompt_disk_bytes,
        "passage_disk_bytes": states.passage_disk_bytes,
        "joins_passages": states.joins_passages,
        "reread_tokens": states.reread_tokens,
    }


def states_of(wanted: Load) -> StateSettings:
    """What is to be kept."""
    return StateSettings(
        Path(os.fsdecode(wanted.state_folder)) if wanted.state_folder else None,
        wanted.prompt_state_bytes,
        wanted.prompt_disk_bytes,
        wanted.passage_disk_bytes,
        wanted.joins_passages,
        wanted.reread_tokens,
    )


def ask(number: int, prompt: Prompt, sampling: Sampling, window: int) -> Ask:
    """The frame of a job."""
    picks = (sampling.max_tokens, sampling.temperature, sampling.seed)
    return Ask(number, plain(prompt.system), plain(prompt.user), *picks, window, _parts(prompt), prompt.epoch)


def prepare(number: int, prompt: Prompt) -> Prepare:
    """The frame of a passage that is read ahead."""
    return Prepare(number, plain(prompt.system), plain(prompt.user), _parts(prompt), prompt.epoch)


def _parts(prompt: Prompt) -> tuple[tuple[str, int], ...]:
    return tuple((part.document_id, part.chars) for part in prompt.passages)


def prompt_of(job: Ask | Prepare) -> Prompt:
    """The prompt in the frame of a job."""
    passages = tuple(PassagePart(*part) for part in job.passages)
    return Prompt(job.system, job.user, (), 0, passages=passages, epoch=job.epoch)


def failed(number: int, error: RagedgeError) -> Failed:
    """The frame of an error of ours."""
    name = next((kind.__name__ for kind in type(error).__mro__ if kind.__name__ in _ERRORS), "ModelError")
    return Failed(number, name, error.message, error.hint)


def error_of(frame: Failed) -> RagedgeError:
    """The error of a frame; a name that is not known is a `ModelError`."""
    return _ERRORS.get(frame.error, ModelError)(frame.message, frame.hint)
