"""Reads the passages that are used most before anybody asks, while the service has nothing else to do.

Used are those that the language model would read for questions that are likely to come, the likeliest first; they are
searched for anew whenever the index has changed, and each is read by itself. Only the first of them are read, and none
takes the place of what somebody asked for. Whoever asks goes before at once. When all is read, nothing is done until
the index changes: a look at it every few seconds is what remains. Where passages are not joined, nothing is read.
"""

from __future__ import annotations

import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol

from ragedge.answer.ahead import Ahead, one_by_one
from ragedge.answer.conflict import find_conflict
from ragedge.answer.gate import decide
from ragedge.ask import Pipeline
from ragedge.checking import tidied
from ragedge.contracts import Prompt, Question
from ragedge.errors import BadQuestion, PromptTooLong, RagedgeError
from ragedge.model_prompt import model_prompt

_log = logging.getLogger("ragedge.answer")

IDLE_SECONDS = 10.0
"""Without a question, an upload or any other work: who reads an answer and asks again finds the box quiet."""

LOOK_SECONDS = 5.0
"""Between two looks at whether there is anything to do."""

_NICE = 10  # of the searching, as everything that may wait; the model's process has a lower one
_JOIN_SECONDS = 30.0
State = Literal["waiting", "reading", "done", "full", "off", "failed"]


class Reads(Protocol):
    """A language model that keeps passages: `ragedge.answer.process_generator.ProcessGenerator`."""

    @property
    def is_ready(self) -> bool: ...
    def epoch(self) -> int: ...
    def read_ahead(self, prompt: Prompt, is_cancelled: Callable[[], bool]) -> Ahead: ...


@dataclass(frozen=True, slots=True)
class Work:
    """What the service is doing: whether it is busy, and a number that grows with everything that was asked of it."""

    is_busy: bool
    asked: int


@dataclass(frozen=True, slots=True)
class AheadFigures:
    """Since the start: passages that were read ahead and how often somebody came in between; and how it stands now."""

    state: State = "waiting"
    read: int = 0
    interrupted: int = 0


class ReadingAhead:
    """Reads ahead in a thread of its own; close it before the model.

    Args:
        reader: keeps what is read.
        used: questions that are likely to come, the likeliest first, with those that visitors are shown among them.
        prompt_for: what the model would read for a question; None: it would not be asked.
        generation: of the index.
        most: passages that are kept ready.
        now: seconds, for measuring quiet.
    """

    def __init__(
        self,
        reader: Reads,
        used: Callable[[Sequence[str]], Iterable[str]],
        prompt_for: Callable[[str], Prompt | None],
        generation: Callable[[], int],
        most: int,
        *,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._reader = reader
        self._used = used
        self._prompt_for = prompt_for
        self._generation = generation
        self._most = most
        self._now = now
        self._work: Callable[[], Work] = lambda: Work(False, 0)
        self._shown: Callable[[], Sequence[str] | None] = tuple
        self._is_over = threading.Event()
        self._thread: threading.Thread | None = None
        self._seen: tuple[int, int] | None = None  # generation and number of questions, when it last was not quiet
        self._quiet_since = 0.0
        self._round = -1  # the generation that is being read for, and what is done for it
        self._asked: set[str] = set()
        self._passages: set[str] = set()
        self._is_done = False
        self._figures = AheadFigures()

    @property
    def figures(self) -> AheadFigures:
        """What was done, and how it stands."""
        return self._figures

    def watch(self, work: Callable[[], Work], shown: Callable[[], Sequence[str] | None]) -> None:
        """`work` says what the service is doing, `shown` which questions visitors are offered; None: not known yet."""
        self._work, self._shown = work, shown

    def start(self) -> None:
        """Begin to look."""
        self._thread = threading.Thread(target=self._run, name="reading-ahead", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop at once; returns when nothing is read any more."""
        self._is_over.set()
        if self._thread is not None:
            self._thread.join(_JOIN_SECONDS)

    def look(self) -> None:
        """One look: where it is quiet and something is left to read, read until that ends. Never raises."""
        try:
            if self._has_to_read():
                self._read()
        except RagedgeError as error:
            self._end("failed", f"passages are not read ahead: {error.message}")
        except Exception as error:  # the index was closed, or what nobody foresaw: the service goes on
            self._end("failed", "" if self._is_over.is_set() else f"passages are not read ahead: {error!r}")

    def _run(self) -> None:
        # a thread of its own priority: Linux keeps one for each; elsewhere it is left as it is
        with contextlib.suppress(OSError, AttributeError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
        while not self._is_over.wait(LOOK_SECONDS):
            self.look()

    def _has_to_read(self) -> bool:
        generation, work = self._generation(), self._work()
        if generation != self._round:
            self._round, self._is_done = generation, False
            self._asked, self._passages = set(), set()
            self._show("waiting")
        if self._is_done:
            return False
        if work.is_busy or self._seen != (generation, work.asked) or not self._reader.is_ready:
            self._seen, self._quiet_since = (generation, work.asked), self._now()
        return self._now() - self._quiet_since >= IDLE_SECONDS

    def _read(self) -> None:
        epoch = self._reader.epoch()  # before anything is searched for: what goes from now on makes it another one
        shown = self._shown()
        if shown is None:
            return
        self._show("reading")
        for question in self._used(shown):
            if self._has_to_stop():
                self._show("waiting", interrupted=not self._is_over.is_set())
                return
            if question in self._asked:
                continue
            if not self._read_for(question, epoch):
                return
            self._asked.add(question)
        self._end("done")

    def _read_for(self, question: str, epoch: int) -> bool:
        """Read what a question needs; False: that was all, for now or for good."""
        try:
            prompt = self._prompt_for(question)
        except (BadQuestion, PromptTooLong):
            return True
        for part in one_by_one(prompt) if prompt is not None else ():
            text = part.user[: part.passages[0].chars]
            if text in self._passages:
                continue
            if len(self._passages) >= self._most:
                self._end("done")
                return False
            outcome = self._reader.read_ahead(replace(part, epoch=epoch), self._has_to_stop)
            if outcome in ("read", "known"):
                self._passages.add(text)
                self._show("reading", read=outcome == "read")
            elif outcome == "full":
                self._end("full")
                return False
            elif outcome == "impossible":
                self._end("off")
                return False
            else:  # somebody asks, documents went, or the model did
                self._show("waiting", interrupted=self._has_to_stop() and not self._is_over.is_set())
                return False
        return True

    def _has_to_stop(self) -> bool:
        work = self._work()
        is_disturbed = work.is_busy or self._seen != (self._round, work.asked)
        return is_disturbed or self._is_over.is_set()

    def _end(self, state: State, problem: str = "") -> None:
        self._is_done = True
        self._show(state)
        if problem:
            _log.warning("%s", problem)
        elif state != "off":
            more = "; there is no room for more" if state == "full" else ""
            _log.info("%d passages are ready for those who ask next%s", len(self._passages), more)

    def _show(self, state: State, *, read: bool = False, interrupted: bool = False) -> None:
        now = self._figures
        self._figures = AheadFigures(state, now.read + read, now.interrupted + interrupted)


def prompt_ahead(pipeline: Pipeline, text: str) -> Prompt | None:
    """What the language model would read if somebody asked this; None where it would not be asked.

    Raises:
        BadQuestion, PromptTooLong: nobody could ask this.
        ModelError: the model cannot be loaded.
    """
    generator = pipeline.generator
    question = tidied(Question(text), pipeline.settings.max_question_chars)
    if generator is None or (pipeline.reviewed is not None and pipeline.reviewed.find(question.text) is not None):
        return None
    retrieval, _ = pipeline.retriever.retrieve(question)
    candidates = pipeline.weigher.candidates(retrieval)
    evidence, signals = pipeline.weigher.weigh(retrieval, candidates)
    is_quoted = find_conflict(candidates.asked, retrieval.hits, evidence) is not None
    if is_quoted or decide(signals, pipeline.settings.thresholds).outcome != "answered":
        return None
    return model_prompt(question, retrieval.hits, evidence, pipeline.settings, generator)
