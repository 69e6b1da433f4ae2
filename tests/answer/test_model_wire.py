"""Frames between service and model process: whole, typed, bounded; anything else is refused."""

from __future__ import annotations

import socket
import struct
import threading
from pathlib import Path

import pytest

from ragedge.answer.model_wire import (
    REPLIES,
    REQUESTS,
    Ask,
    Counted,
    Done,
    Failed,
    Garbled,
    Load,
    Said,
    Sender,
    ask,
    error_of,
    failed,
    frames,
    prepare,
    prompt_of,
    state_fields,
    states_of,
)
from ragedge.answer.state_settings import StateSettings
from ragedge.contracts import ModelStats, PassagePart, Prompt, Sampling
from ragedge.errors import ConfigError, ModelCorrupt, ModelError, PackageMissing, PromptTooLong


def received(data: bytes, decoder: object = REPLIES) -> list[object]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(data)
        ours.shutdown(socket.SHUT_WR)
        return list(frames(theirs, decoder))  # type: ignore[arg-type]


def test_frames_arrive_whole_and_in_order_however_they_are_cut() -> None:
    sent = [Said(1, "water 水"), Counted(2, 5), Done(1, ModelStats(1, 2, 3, 4, 5, 6, 7)), Said(3, "x" * 200_000)]
    ours, theirs = socket.socketpair()
    with ours, theirs:
        sender = Sender(ours)

        def send() -> None:
            for frame in sent:
                sender.send(frame)
            ours.shutdown(socket.SHUT_WR)

        thread = threading.Thread(target=send)
        thread.start()
        assert list(frames(theirs, REPLIES)) == sent
        thread.join()


def test_a_job_survives_the_way_with_halves_of_surrogate_pairs_replaced() -> None:
    frame = ask(7, Prompt("Be exact.", "\ud800?", (), 0), Sampling(9, 0.5, 3), 4)
    assert frame == Ask(7, "Be exact.", "??", 9, 0.5, 3, 4)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        Sender(ours).send(frame)
        assert next(frames(theirs, REQUESTS)) == frame


def test_passages_and_what_is_to_be_kept_survive_the_way() -> None:
    prompt = Prompt("Be exact.", "pump", (), 0, passages=(PassagePart("d1", 3), PassagePart("d2", 1)), epoch=5)
    assert prompt_of(ask(7, prompt, Sampling(9), 4)) == prompt
    assert prompt_of(prepare(7, prompt)) == prompt
    states = StateSettings(Path("/states"), 1, 2, 3, joins_passages=True, reread_tokens=4)
    load = Load(b"m", "", 256, 1, "plain", "", (), (), **state_fields(states))
    assert states_of(load) == states
    assert states_of(Load(b"m", "", 256, 1, "plain", "", (), (), **state_fields(None))) == StateSettings()


@pytest.mark.parametrize(
    "data",
    [
        struct.pack(">I", 3) + b"abc",
        struct.pack(">I", 2**31) + b"x",
        struct.pack(">I", 0),
        struct.pack(">I", 1) + b"\x80",  # an empty map: no type
    ],
)
def test_garbage_is_refused(data: bytes) -> None:
    with pytest.raises(Garbled):
        received(data)


def test_a_request_is_no_reply_and_a_cut_frame_is_none() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        Sender(ours).send(Ask(1, "", "", 1, 0.0, 0, 1))
        with pytest.raises(Garbled):
            next(frames(theirs, REPLIES))
    assert received(struct.pack(">I", 100) + b"half") == []


@pytest.mark.parametrize("kind", [ConfigError, ModelCorrupt, ModelError, PromptTooLong])
def test_errors_come_back_as_what_they_were(kind: type[Exception]) -> None:
    frame = failed(3, kind("what", "do this"))  # type: ignore[arg-type]
    error = error_of(frame)
    assert type(error) is kind and (error.message, error.hint) == ("what", "do this")


def test_an_error_of_another_kind_comes_back_as_its_nearest_known_one() -> None:
    assert type(error_of(failed(1, PackageMissing("what")))) is ModelError
    assert type(error_of(Failed(1, "SystemExit", "what", ""))) is ModelError
