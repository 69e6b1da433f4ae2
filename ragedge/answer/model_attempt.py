"""One job in the language model's process: asked, followed piece by piece, cancelled when nobody wants it any more.

Knows neither queue nor restarts.
"""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Iterator

from ragedge.answer.ahead import Ahead
from ragedge.answer.model_process import Answer, Gone, ModelProcess
from ragedge.answer.model_wire import Cancel, Done, Failed, More, Prepared, Said, ask, error_of, prepare
from ragedge.contracts import ModelStats, Piece, Prompt, Sampling

_WATCH_S = 0.002  # seconds between two looks at the cancel flag, only while a job runs: under 1 % of a core
_WINDOW = 4  # pieces computed ahead of the reader: covers the way through the socket, wastes little on a cancel


def attempt(
    process: ModelProcess,
    prompt: Prompt,
    sampling: Sampling,
    is_cancelled: Callable[[], bool],
    patience_s: float,
) -> Iterator[Piece | ModelStats]:
    """Pieces, then the figures; closing the iterator ends the job. `patience_s`: what a cancelled job may take to end.

    Raises:
        ModelCrashed: the process died.
        ModelError and its kinds: what the model's process reports.
    """
    number = process.next_number()
    replies = process.open(number)
    process.send(ask(number, prompt, sampling, _WINDOW))
    is_over = False
    try:
        for reply in _until(is_cancelled, replies):
            is_over = not isinstance(reply, Said)
            if isinstance(reply, Said):
                yield Piece(reply.text)
                process.send(More(number))
                continue
            if isinstance(reply, Failed):
                raise error_of(reply)
            if isinstance(reply, Gone):
                raise process.crashed()
            if isinstance(reply, Done):
                yield reply.stats
            return
        is_over = True
        yield _cancel(process, number, replies, patience_s)
    finally:
        if not is_over:
            _cancel(process, number, replies, patience_s)
        process.forget(number)


def attempt_ahead(process: ModelProcess, prompt: Prompt, is_cancelled: Callable[[], bool], patience_s: float) -> Ahead:
    """Have the one passage of a prompt read for later; what became of it. `patience_s` as in `attempt`.

    Raises:
        ModelCrashed: the process died.
        ModelError and its kinds: what the model's process reports.
    """
    number = process.next_number()
    replies = process.open(number)
    process.send(prepare(number, prompt))
    try:
        for reply in _until(is_cancelled, replies):
            if isinstance(reply, Failed):
                raise error_of(reply)
            if isinstance(reply, Prepared):
                return reply.outcome
            raise process.crashed()
        _cancel(process, number, replies, patience_s)
        return "stopped"
    finally:
        process.forget(number)


def _until(is_cancelled: Callable[[], bool], replies: queue.SimpleQueue[Answer]) -> Iterator[Answer]:
    """What the model's process says of a job, until somebody cancels it."""
    while not is_cancelled():
        try:
            reply = replies.get(timeout=_WATCH_S)
        except queue.Empty:
            continue
        yield reply


def _cancel(process: ModelProcess, number: int, replies: queue.SimpleQueue[Answer], patience_s: float) -> ModelStats:
    """End a job and wait until the model is free; what it spent."""
    process.send(Cancel(number))
    deadline = time.monotonic() + patience_s
    while (left := deadline - time.monotonic()) > 0:
        try:
            reply = replies.get(timeout=left)
        except queue.Empty:
            break
        if isinstance(reply, Done):
            return reply.stats
        if not isinstance(reply, Said):
            return ModelStats()
    process.kill()  # it does not obey; the next job starts a new one
    return ModelStats()
