"""The process that holds the language model: frames in, frames out, one job at a time by construction.

Two threads, both asleep while there is nothing to do. One receives: it counts tokens, lets jobs go on, and cancels
through llama.cpp's abort flag at once, in the middle of a long prompt, too. The main one loads the model and runs job
after job. When the service goes, this process ends with it. It gives up the network, core dumps and new privileges
before it opens the file, and offers itself to the kernel first when memory runs out, so that the service stays up.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import queue
import resource
import socket
import threading
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from ragedge.answer.chat import ChatFormat
from ragedge.answer.llama import LlamaGenerator
from ragedge.answer.model_wire import (
    REQUESTS,
    Ask,
    Cancel,
    Count,
    Counted,
    Done,
    Held,
    Hold,
    Load,
    More,
    Prepare,
    Prepared,
    Ready,
    Said,
    Sender,
    failed,
    frames,
    prompt_of,
    states_of,
)
from ragedge.contracts import ModelStats, Piece, Sampling
from ragedge.errors import RagedgeError

_PR_SET_NO_NEW_PRIVS = 38
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_NICE = 19  # for what nobody asked for yet
_OOM_SCORE = b"700"  # of 1,000: the kernel takes this process before the service, and not before a true glutton


def main(descriptor: int) -> None:
    """Serve frames from the socket `descriptor` until its other end is gone."""
    limit_self()
    connection = socket.socket(fileno=descriptor)
    received = frames(connection, REQUESTS)
    wanted = next(received, None)
    if not isinstance(wanted, Load):
        return
    sender = Sender(connection)
    try:
        chat = ChatFormat(wanted.family, wanted.template, wanted.specials, wanted.stops)
        generator = LlamaGenerator(
            Path(os.fsdecode(wanted.path)),
            context_tokens=wanted.context_tokens,
            threads=wanted.threads,
            chat=chat,
            queue_limit=0,
            sha256=wanted.sha256,
            tuning=wanted.tuning,
            is_drafting=wanted.is_drafting,
            states=states_of(wanted),
        )
        generator.count_tokens("")  # loads it
    except RagedgeError as error:
        sender.send(failed(0, error))
        return
    jobs = _Jobs(generator, sender)
    sender.send(Ready(generator.note))
    threading.Thread(target=_receive, args=(received, jobs), name="receive", daemon=True).start()
    jobs.run()


def _receive(received: Iterator[Any], jobs: _Jobs) -> None:
    """Hand on what comes; at the end of the connection the process ends, whatever it computes."""
    try:
        for frame in received:
            jobs.take(frame)
    except OSError:
        os._exit(0)  # the service went while it was being answered
    except BaseException:
        traceback.print_exc()  # the service reads the last line when we are dead
        os._exit(1)
    os._exit(0)


class _Jobs:
    """Jobs in the order they come; all but `run` may be called while one runs."""

    def __init__(self, generator: LlamaGenerator, sender: Sender) -> None:
        self._generator = generator
        self._sender = sender
        self._waiting: queue.SimpleQueue[Ask | Prepare] = queue.SimpleQueue()
        # a thread's priority can be lowered but not raised again: what may wait has one of its own
        self._patient = ThreadPoolExecutor(1, "ahead", initializer=_give_way)
        self._lock = threading.Lock()
        self._number = 0  # of the newest job
        self._is_cancelled = threading.Event()
        self._places = threading.Semaphore(0)  # pieces that may be sent before somebody takes one

    def take(self, frame: object) -> None:
        """One frame from the service."""
        if isinstance(frame, Ask | Prepare):
            with self._lock:
                self._number = frame.number
                self._is_cancelled = threading.Event()
                self._places = threading.Semaphore(frame.window if isinstance(frame, Ask) else 0)
            if self._generator.is_measuring:
                self._generator.stop()  # the job makes a new start of it
            self._waiting.put(frame)
        elif isinstance(frame, Count):
            try:
                self._sender.send(Counted(frame.number, self._generator.count_tokens(frame.text)))
            except RagedgeError as error:
                self._sender.send(failed(frame.number, error))
        elif isinstance(frame, Hold):
            self._sender.send(Held(frame.number, self._generator.state_bytes))
        elif isinstance(frame, More) and frame.number == self._number:
            self._places.release()
        elif isinstance(frame, Cancel) and frame.number == self._number:
            self._is_cancelled.set()
            self._generator.stop()
            self._places.release()

    def run(self) -> None:
        """Run job after job, for ever; in a pause what was read is put away."""
        while True:
            if self._waiting.empty():
                self._generator.rest()
            job = self._waiting.get()
            with self._lock:
                is_cancelled, places = self._is_cancelled, self._places
            try:
                if isinstance(job, Prepare):
                    self._prepare(job, is_cancelled)
                else:
                    self._sender.send(Done(job.number, self._answer(job, is_cancelled, places)))
            except RagedgeError as error:
                self._sender.send(failed(job.number, error))

    def _prepare(self, job: Prepare, is_cancelled: threading.Event) -> None:
        read = self._generator.read_ahead
        outcome = self._patient.submit(read, prompt_of(job), is_cancelled.is_set).result()
        self._sender.send(Prepared(job.number, outcome))

    def _answer(self, job: Ask, is_cancelled: threading.Event, places: threading.Semaphore) -> ModelStats:
        stats = ModelStats()
        prompt, sampling = prompt_of(job), Sampling(job.max_tokens, job.temperature, job.seed)
        for part in self._generator.stream(prompt, sampling, is_cancelled.is_set):
            if isinstance(part, Piece):
                places.acquire()
                if not is_cancelled.is_set():
                    self._sender.send(Said(job.number, part.text))
            else:
                stats = part
        return stats


def _give_way() -> None:
    """Let everything else go before this thread and those that it starts; the kernel keeps a priority for each."""
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)


def limit_self() -> None:
    """Give up what a process that reads a stranger's model file needs not; each where the kernel allows it."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_bytes(_OOM_SCORE)
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if libc.unshare(_CLONE_NEWNET) != 0:
        libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET)
