"""The file of reviewed answers, changed while it is in use: one entry at a time, whole or not at all, live at once.

Whoever changes says which state of the file was looked at (its revision); after a change by somebody else, also one by
hand, nothing is written. What was written is read back before it takes the old file's place, and the source of a new
answer must stand in the index as quoted. Knows no server.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from ragedge.answer.pinned import PinnedAnswer, parse_pinned
from ragedge.errors import ConfigError, EditConflict, InputError, NotFound
from ragedge.index.disk import write_whole
from ragedge.pinned_text import with_added, with_changed, with_removed
from ragedge.reviewed import Reviewed


@dataclass(frozen=True, slots=True)
class PinnedState:
    """What the file holds: `revision` names this state of it, `problems` say by number what is wrong with a source.

    `fault` says why the file as it is now cannot be read; then the answers are those read last.
    """

    revision: str
    answers: tuple[PinnedAnswer, ...]
    problems: dict[int, str]
    fault: str = ""


class PinnedFile:
    """Reviewed answers in use and the file that they come from; safe to use from several threads and processes.

    Args:
        path: the file; it and its folder are made with the first answer.
        reviewed: gives the answers; told of every change.
        is_configured: whether the config names the file.
    """

    def __init__(self, path: Path, reviewed: Reviewed, *, is_configured: bool = True) -> None:
        self.path = path
        self.is_configured = is_configured
        self._reviewed = reviewed
        self._lock = threading.Lock()
        self._loaded: str | None = None

    def state(self) -> PinnedState:
        """What is in the file now; what somebody wrote into it by hand is given from here on."""
        with self._lock:
            text, revision = self._read()
            fault = ""
            if revision != self._loaded:
                try:
                    self._take(text, revision)
                except ConfigError as error:
                    fault = f"{error.message}: {error.hint}"
            answers = self._reviewed.answers.answers
        problems = {answer.number: problem for answer, problem in self._reviewed.problems()}
        return PinnedState(revision, answers, problems, fault)

    def add(self, answer: PinnedAnswer, revision: str) -> int:
        """Write one more answer; returns its number.

        Raises:
            EditConflict: the file is not as it was at this revision.
            InputError: the answer does not fit, or its source does not stand in the index as quoted.
            ConfigError: the file cannot be changed.
        """
        with self._changing(revision) as (text, answers):
            answer = replace(answer, number=len(answers) + 1)
            self._check_source(answer)
            self._put(lambda: with_added(text, answer), (*answers, answer))
            return answer.number

    def change(self, number: int, answer: PinnedAnswer, revision: str) -> None:
        """Write another text, source or time for the answer with this number.

        Raises:
            NotFound: there is none.
            EditConflict, InputError, ConfigError: as in `add`.
        """
        with self._changing(revision) as (text, answers):
            before = _numbered(answers, number)
            answer = replace(answer, number=number)
            self._check_source(answer)
            changed = (*answers[: number - 1], answer, *answers[number:])
            self._put(lambda: with_changed(text, before, answer), changed)

    def remove(self, number: int, revision: str) -> None:
        """Take an answer out of the file.

        Raises:
            NotFound: there is none.
            EditConflict, ConfigError: as in `add`.
        """
        with self._changing(revision) as (text, answers):
            gone = _numbered(answers, number)
            later = tuple(replace(other, number=other.number - 1) for other in answers[number:])
            self._put(lambda: with_removed(text, gone), (*answers[: number - 1], *later))

    def _check_source(self, answer: PinnedAnswer) -> None:
        problem = self._reviewed.grounds(answer).problem
        if problem:
            raise InputError(f"this answer cannot be written: {problem}", "choose the source again")

    @contextmanager
    def _changing(self, revision: str) -> Iterator[tuple[str, tuple[PinnedAnswer, ...]]]:
        """The file's text and answers, while nobody else changes it through this class."""
        with self._lock, _folder_lock(self.path.parent):
            text, now = self._read()
            if now != revision:
                raise EditConflict(
                    "the reviewed answers were changed meanwhile", "look at them as they are now, and change them again"
                )
            yield text, parse_pinned(text, str(self.path)).answers

    def _put(self, make: Callable[[], str], expected: tuple[PinnedAnswer, ...]) -> None:
        """Write a text that says exactly what is expected, and give these answers from now on."""
        found: tuple[PinnedAnswer, ...] | None = None
        with suppress(IndexError):  # the answers do not stand under lines of their own
            text = make()
            try:
                found = parse_pinned(text, self.path.name).answers
            except ConfigError as error:
                raise InputError(error.message, error.hint) from error
        if found != expected:
            hint = "write that answer into the file by hand, each one under a line [[answer]]"
            raise ConfigError(f'"{self.path.name}" cannot be changed without guessing', hint)
        target = self.path.resolve()  # a link stays one
        try:
            mode = target.stat().st_mode & 0o777 if target.exists() else 0o644
            write_whole(target, text.encode("utf-8"), mode=mode)
        except OSError as error:
            raise ConfigError(f'"{self.path}" cannot be written: {error.strerror}', "look at its rights") from error
        self._take(text, _revision(text.encode("utf-8")))

    def _take(self, text: str, revision: str) -> None:
        self._reviewed.answers.use(parse_pinned(text, str(self.path)))
        self._loaded = revision

    def _read(self) -> tuple[str, str]:
        try:
            content = self.path.read_bytes()
            return content.decode("utf-8"), _revision(content)
        except FileNotFoundError:
            return "", _revision(b"")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f'"{self.path}" cannot be read: {error}', "restore the file") from error


def _numbered(answers: tuple[PinnedAnswer, ...], number: int) -> PinnedAnswer:
    if not 1 <= number <= len(answers):
        raise NotFound(f"there is no reviewed answer {number}", "look at the list again")
    return answers[number - 1]


def _revision(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


@contextmanager
def _folder_lock(folder: Path) -> Iterator[None]:
    """Only one process at a time changes files of this folder this way; the lock leaves no file behind."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise ConfigError(f'"{folder}" cannot be used: {error.strerror}', "look at its rights") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
