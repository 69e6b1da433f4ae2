"""Golden questions of one index, asked in the background while people are served: the desk's `ragedge eval`.

One run at a time, in one thread of low priority, and before each question it waits until nobody else's is at work; a
visitor who comes in the middle of one waits for that one at most. A run that is stopped leaves no result. The figures
are those of `ragedge eval` over the same index, because the same code asks and judges.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from ragedge.desk_replies import GoldenFailure, GoldenProgress, GoldenRun, GoldenState
from ragedge.errors import Busy, InputError, RagedgeError
from ragedge.evaluate import Walk, as_json
from ragedge.evaluation.acceptance import measures
from ragedge.evaluation.comparison import fault_names
from ragedge.evaluation.goldens import GoldQuestion, draw_sample, parse_questions, read_questions
from ragedge.evaluation.runs import RunStore
from ragedge.evaluation.scorecard import Report
from ragedge.index.disk import write_whole

AskAll = Callable[[Sequence[GoldQuestion], Walk, Callable[[], bool]], Report]
QUESTIONS_NAME = "questions.jsonl"
MAX_FILE_BYTES = 4_194_304  # ten thousand questions with their quotes
#: Kept of each run, by the names of `acceptance.measures`.
FIGURES = (
    "hit@1", "hit@5", "mrr@10", "f1", "exact", "holds_answer", "quote_shown", "answered", "unsure", "refused",
    "unanswerable_unsure", "total_median_ms", "total_p95_ms",
)  # fmt: skip
_MAX_FAILURES = 300
_MAX_SHOWN_CHARS = 1_000  # of an answer or a quote in the list of failures
_NICE = 10  # as everything that may wait
_LOOK_SECONDS = 0.1  # between two looks at whether somebody asks
_JOIN_SECONDS = 30.0  # a question at work is told to stop; a language model looks at that with every token


class _Stopped(Exception):
    """The run was cancelled."""


class GoldenRuns:
    """The golden questions of one index and their runs; safe to use from several threads.

    Args:
        folder: where the questions lie, unless the config names a file, and the results.
        configured: the file that the config names.
        ask_all: asks the questions as `walk` hands them out and judges what comes back; the third argument says
            whether a question that is at work is to be given up.
        about: the index's generation and who speaks.
    """

    def __init__(
        self, folder: Path, configured: Path | None, ask_all: AskAll, about: Callable[[], tuple[int, str]]
    ) -> None:
        self.file = configured or folder / QUESTIONS_NAME
        self.is_configured = configured is not None
        self.store = RunStore(folder / "runs.db")
        self._ask_all = ask_all
        self._about = about
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._progress = GoldenProgress("idle", 0, 0, "", "")

    @property
    def progress(self) -> GoldenProgress:
        """What is going on now."""
        return self._progress

    def count(self) -> int:
        """How many questions there are; 0 without a file.

        Raises:
            InputError: the file cannot be used.
        """
        return len(read_questions(self.file)) if self.file.exists() or self.is_configured else 0

    def save(self, text: str) -> int:
        """Take the lines of a questions file in the place of those there are; the earlier file stays beside it.

        Raises:
            InputError: a line is not a question, or the file is the config's own.
        """
        if self.is_configured:
            raise InputError(f'the config names the questions: "{self.file}"', "change that file")
        questions = parse_questions(text.splitlines(), QUESTIONS_NAME)
        with self._lock:
            try:
                self.file.parent.mkdir(parents=True, exist_ok=True)
                if self.file.exists():
                    write_whole(self.file.with_suffix(".old.jsonl"), self.file.read_bytes())
                write_whole(self.file, text.encode("utf-8"))
            except OSError as error:
                raise InputError(f'"{self.file}" cannot be written: {error.strerror}', "look at its rights") from error
        return len(questions)

    def start(self, is_busy: Callable[[], bool], *, limit: int | None = None) -> None:
        """Begin a run over the file, or `limit` of its questions; `is_busy`: whether somebody else's is at work.

        Raises:
            InputError: the questions cannot be used.
            Busy: a run is at work.
        """
        everything = read_questions(self.file)
        chosen = draw_sample(everything, limit, 0)
        with self._lock:
            if self._thread is not None and self._thread.is_alive():
                raise Busy("the golden questions are being asked already", "wait for that run, or stop it")
            self._stop.clear()
            now = datetime.now(UTC).isoformat(timespec="seconds")
            self._progress = GoldenProgress("running", 0, len(chosen), now, "")
            work = (chosen, len(everything), is_busy)
            self._thread = threading.Thread(target=self._run, args=work, name="golden", daemon=True)
            self._thread.start()

    def cancel(self) -> None:
        """End the run after, or within, the question at work; harmless where there is none."""
        with self._lock:
            if self._thread is not None and self._thread.is_alive():
                self._stop.set()
                self._show("stopping")

    def close(self) -> None:
        """End the run and wait for its thread, before the index is closed."""
        self.cancel()
        if self._thread is not None:
            self._thread.join(_JOIN_SECONDS)

    def _run(self, chosen: Sequence[GoldQuestion], drawn_from: int, is_busy: Callable[[], bool]) -> None:
        # a thread of its own priority: Linux keeps one for each; elsewhere it is left as it is
        with contextlib.suppress(OSError, AttributeError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
        started = time.monotonic()
        try:
            generation, engine = self._about()
            report = self._ask_all(chosen, self._walk(is_busy), self._stop.is_set)
            if self._stop.is_set():
                raise _Stopped  # in the last question, whose answer is then no answer
            plain = as_json(report)
            figures = measures(plain)
            failures = [_failure(row) for row in plain["results"] if fault_names(row)]
            run = GoldenRun(
                0, self._progress.started_at, time.monotonic() - started, len(chosen), drawn_from, generation, engine,
                report.level, {name: figures.get(name) for name in FIGURES}, len(failures),
            )  # fmt: skip
            self.store.add(run, failures[:_MAX_FAILURES])
        except _Stopped:
            self._show("stopped")
        except RagedgeError as error:
            self._show("failed", problem=f"{error.message}: {error.hint}" if error.hint else error.message)
        except Exception as error:  # the index was closed, or what nobody foresaw: the service goes on
            self._show("failed", problem=type(error).__name__)
        else:
            self._show("done")

    def _walk(self, is_busy: Callable[[], bool]) -> Walk:
        def walk(questions: Sequence[GoldQuestion], what: str) -> Iterator[GoldQuestion]:
            for number, question in enumerate(questions):
                self._show("running", done=number)
                while is_busy() and not self._stop.is_set():
                    self._show("waiting", done=number)
                    self._stop.wait(_LOOK_SECONDS)
                if self._stop.is_set():
                    raise _Stopped
                self._show("running", done=number)
                yield question
            if questions:
                self._show("running", done=len(questions))

        return walk

    def _show(self, state: GoldenState, *, done: int | None = None, problem: str = "") -> None:
        now = self._progress
        if state in ("running", "waiting") and self._stop.is_set():
            state = "stopping"
        self._progress = GoldenProgress(state, now.done if done is None else done, now.total, now.started_at, problem)


def _failure(row: dict[str, object]) -> GoldenFailure:
    def texts(name: str) -> tuple[str, ...]:
        values = row[name]
        assert isinstance(values, tuple | list)
        return tuple(str(value)[:_MAX_SHOWN_CHARS] for value in values)

    return GoldenFailure(
        str(row["id"]), str(row["question"])[:_MAX_SHOWN_CHARS], fault_names(row), texts("expected"), texts("sources"),
        str(row["outcome"]), str(row["answer"])[:_MAX_SHOWN_CHARS], texts("cited"),
    )  # fmt: skip
