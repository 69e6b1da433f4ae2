"""The `Generator` Protocol over a process of its own: the language model can crash, the service stays up.

Jobs wait their client's turn here and go to the process one by one; it is started at first use and again after every
end. A job that had not said anything when the process died is run once more, unseen; one that had ends with an error
that says how the process ended. Cancelled jobs are ended through llama.cpp's abort flag, and a process that does not
obey within seconds is killed. Knows neither index nor config and never loads llama.cpp itself.
"""

from __future__ import annotations

import logging
import os
import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from ragedge.answer.ahead import Ahead
from ragedge.answer.chat import check_length
from ragedge.answer.model_attempt import attempt, attempt_ahead
from ragedge.answer.model_process import ModelProcess
from ragedge.answer.model_wire import (
    Count,
    Counted,
    Failed,
    Held,
    Hold,
    Load,
    error_of,
    plain,
    state_fields,
)
from ragedge.answer.state_settings import StateSettings
from ragedge.answer.template import open_model
from ragedge.answer.tuning import Tuning
from ragedge.answer.turns import Turns
from ragedge.contracts import ModelStats, Piece, Prompt, Sampling
from ragedge.errors import ModelCrashed, ModelError
from ragedge.state_files import StateFolder
from ragedge.threads import default_threads

_log = logging.getLogger("ragedge.answer")
_PATIENCE_S = 10.0  # seconds a cancelled job may take to end; milliseconds are usual, one large layer on a slow board
_HOLD_S = 2.0  # seconds to wait for a figure that nobody needs badly
_ATTEMPTS = 2  # a second death with the same prompt is most likely its own doing


class ProcessGenerator:
    """One GGUF file in a process of its own; started and loaded at first use."""

    def __init__(
        self,
        path: Path,
        *,
        context_tokens: int = 4096,
        threads: int | None = None,
        family: str = "auto",
        queue_limit: int = 4,
        sha256: str = "",
        patience_s: float = _PATIENCE_S,
        tuning: Tuning | None = None,
        is_drafting: bool = False,
        states: StateSettings | None = None,
    ) -> None:
        """Check the file's header; `sha256` (if given) is checked before every loading. `states`: what is kept of it.

        `tuning` is how the model runs (its `threads`, where `threads` is None); with `is_drafting` copied words are
        guessed where that pays.

        Raises:
            ModelMissing, ModelCorrupt, ModelError: as `read_header`.
            ConfigError: when `family` is unknown.
        """
        header, self._chat = open_model(path, family)
        self._path = path
        self._context_tokens = max(1, min(context_tokens, header.context_tokens))
        self._wanted = Load(
            path=os.fsencode(path.absolute()),
            sha256=sha256,
            context_tokens=self._context_tokens,
            threads=threads or (tuning.threads if tuning is not None else 0) or default_threads(),
            family=self._chat.family,
            template=self._chat.template,
            specials=self._chat.specials,
            stops=self._chat.stops,
            tuning=tuning or Tuning(),
            is_drafting=is_drafting,
            **state_fields(states),
        )
        self._folder = StateFolder(states.folder, {}) if states is not None and states.folder is not None else None
        self._patience_s = patience_s
        self._turns = Turns(queue_limit)
        self._starting = threading.Lock()
        self._process: ModelProcess | None = None
        self._load_ns = 0
        self._has_noted = False
        self._is_closed = False

    @property
    def name(self) -> str:
        """ "llama:" and the file's name without its suffix."""
        return f"llama:{self._path.stem}"

    @property
    def family(self) -> str:
        """The chat format in use."""
        return self._chat.family

    @property
    def context_tokens(self) -> int:
        """Tokens that prompt and answer may have together."""
        return self._context_tokens

    @property
    def identity(self) -> str | None:
        """Text that differs whenever answers could: for the store of answers. None where the file cannot be looked at.

        Without a sum, a file that was exchanged counts as another one, and so does each new process, which reads it.
        """
        if self._wanted.sha256:
            return repr(self._wanted)
        try:
            found = self._path.stat()
        except OSError:
            return None
        return repr((self._wanted, self.pid, found.st_ino, found.st_size, found.st_mtime_ns))

    @property
    def pid(self) -> int | None:
        """Process id of the model's process, if it runs."""
        process = self._process
        return process.pid if process is not None and not process.is_gone else None

    def count_tokens(self, text: str) -> int:
        """Tokens of `text` as part of a prompt; loads the model at first use.

        Raises:
            ModelCrashed: the process died twice over it.
            ModelError and its kinds: the model cannot be loaded.
        """
        crash: ModelCrashed | None = None
        for _ in range(_ATTEMPTS):
            try:
                process = self._ready()
            except ModelCrashed as error:
                crash = error
                continue
            number = process.next_number()
            replies = process.open(number)
            process.send(Count(number, plain(text)))
            reply = replies.get()
            if isinstance(reply, Counted):
                return reply.tokens
            if isinstance(reply, Failed):
                raise error_of(reply)
            crash = process.crashed()
        raise self._closed_or(crash)

    def stream(
        self, prompt: Prompt, sampling: Sampling, is_cancelled: Callable[[], bool], *, client: str = ""
    ) -> Iterator[Piece | ModelStats]:
        """Pieces of the answer, then its `ModelStats`; closing the iterator frees the model at once.

        Jobs of the same `client` wait for each other, those of others take turns. When `is_cancelled` is true the
        stream ends with the figures so far.

        Raises:
            Busy: when a job runs and the queue is full.
            PromptTooLong: when the prompt leaves no room for an answer.
            ModelCrashed: the process died after something was said, or twice.
            ModelCorrupt, ModelError: when the model cannot be loaded or fails.
        """
        started = time.monotonic_ns()
        prompt = self._dated(prompt)  # now, and not when its turn comes
        check_length(prompt.system, prompt.user, self._context_tokens)
        if not self._turns.take(is_cancelled, client):
            yield ModelStats(total_duration=time.monotonic_ns() - started)
            return
        try:
            for part in self._job(prompt, sampling, is_cancelled):
                if isinstance(part, ModelStats):
                    load_ns, self._load_ns = self._load_ns, 0
                    part = replace(part, total_duration=time.monotonic_ns() - started, load_duration=load_ns)
                yield part
        finally:
            self._turns.give()

    @property
    def joins_passages(self) -> bool:
        """Whether passages are to be joined, and their states kept: only then reading ahead serves."""
        return self._wanted.joins_passages and self._wanted.passage_disk_bytes > 0

    @property
    def is_ready(self) -> bool:
        """Whether the model is loaded, and its process lives."""
        process = self._process
        return process is not None and process.is_ready

    def epoch(self) -> int:
        """A number that changes when documents go; what is read ahead is of the number that was before searching."""
        if self._folder is None:
            return 0
        self._folder.make()
        return self._folder.epoch()

    def read_ahead(self, prompt: Prompt, is_cancelled: Callable[[], bool]) -> Ahead:
        """Have the first passage of a prompt read for whoever asks later; see `Ahead`. It loads no model.

        Whoever asks meanwhile goes before: it is given up within milliseconds, and takes no place in the queue.

        Raises:
            ModelCrashed: the process died of it.
            ModelError and its kinds: the model's process reports one.
        """
        process = self._process
        if process is None or not process.is_ready:
            return "absent"
        if not self._turns.borrow():
            return "stopped"
        try:
            prompt = self._dated(prompt)
            return attempt_ahead(process, prompt, lambda: self._turns.waiting > 0 or is_cancelled(), self._patience_s)
        finally:
            self._turns.give()

    def state_bytes(self) -> int:
        """Memory of the model's process that holds states of earlier prompts; 0 where it does not run."""
        process = self._process
        if process is None or process.is_gone:
            return 0
        number = process.next_number()
        replies = process.open(number)
        process.send(Hold(number))
        try:
            reply = replies.get(timeout=_HOLD_S)
        except queue.Empty:
            process.forget(number)
            return 0
        return reply.state_bytes if isinstance(reply, Held) else 0

    def close(self) -> None:
        """End the process, refuse further jobs. May be called more than once."""
        self._is_closed = True
        self._turns.close()
        process = self._process
        if process is not None:
            process.kill()
        with self._starting:  # one that was being started meanwhile
            if self._process is not None:
                self._process.kill()

    def _dated(self, prompt: Prompt) -> Prompt:
        return replace(prompt, epoch=self.epoch()) if prompt.epoch is None else prompt

    def _job(
        self, prompt: Prompt, sampling: Sampling, is_cancelled: Callable[[], bool]
    ) -> Iterator[Piece | ModelStats]:
        """A job, and once more where the process died before it said anything."""
        crash: ModelCrashed | None = None
        for _ in range(_ATTEMPTS):
            if is_cancelled():
                yield ModelStats()
                return
            is_silent = True
            try:
                process = self._ready()
                for part in attempt(process, prompt, sampling, is_cancelled, self._patience_s):
                    is_silent = False
                    yield part
                return
            except ModelCrashed as error:
                crash = error
                if not is_silent:
                    break
        raise self._closed_or(crash)

    def _ready(self) -> ModelProcess:
        """The process with its model loaded, started anew where it has ended."""
        with self._starting:
            if self._is_closed:
                raise ModelError("The language model has been closed.", "Start the program again.")
            process = self._process
            if process is None or process.is_gone:
                started = time.monotonic_ns()
                process = self._process = ModelProcess(self._wanted)  # known before it is ready: `close` may end it
                process.wait_ready()
                self._load_ns = time.monotonic_ns() - started
                if process.note and not self._has_noted:
                    _log.warning("%s", process.note)
                self._has_noted = True
            return process

    def _closed_or(self, crash: ModelCrashed | None) -> ModelError:
        if self._is_closed or crash is None:
            return ModelError("The language model has been closed.", "Start the program again.")
        return crash
