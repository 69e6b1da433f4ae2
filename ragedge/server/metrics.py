"""GET /metrics: what this service has done since its start, for Prometheus.

Counts questions by how they ended and sums up what the language model spent, under Ollama's names for a single answer
(`prompt_eval_count`, `eval_duration`, ..), seconds instead of nanoseconds as Prometheus wants them. Tokens that were
not read again are counted apart (`prompt_eval_cached_count`), so that a rate of reading can be honest. No question, no
document and no client is named. Format: "Prometheus text-based exposition format", version 0.0.4.
"""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from collections.abc import Iterator
from typing import Any

from litestar import Request, Response, get
from litestar.datastructures import State

from ragedge import device
from ragedge.answer.process_generator import ProcessGenerator
from ragedge.contracts import Answer, Event
from ragedge.errors import RagedgeError
from ragedge.server.settings import Service
from ragedge.server.sight import index_for

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_PREFIX = "ragedge_"
_SUMS: tuple[tuple[str, str], ...] = (
    ("total_duration", "time of the language model's answers, waiting for their turn included"),
    ("load_duration", "time for starting and loading the language model"),
    ("prompt_eval_count", "tokens of prompts, those not read again included"),
    ("prompt_eval_cached_count", "tokens of prompts that were known and not read again"),
    ("prompt_eval_joined_count", "tokens of prompts in passages that were read apart and joined"),
    ("draft_count", "tokens guessed from passages"),
    ("draft_accepted_count", "guessed tokens that were right"),
    ("prompt_eval_duration", "time for reading prompts"),
    ("eval_count", "tokens written"),
    ("eval_duration", "time for writing"),
)


class Meter:
    """Counts events as they pass; may be used from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ended: Counter[tuple[str, str]] = Counter()
        self._tasks: Counter[tuple[str, str]] = Counter()
        self._spent: Counter[str] = Counter()
        self._kept = 0
        self._joules = 0.0
        self._is_measured = False

    def watch(self, events: Iterator[Event], task: str = "") -> Iterator[Event]:
        """Pass the events of one question, or of a `task`, on; its end is counted, whatever it is."""
        outcome, engine = "abandoned", ""
        answer: Answer | None = None
        try:
            for event in events:
                if isinstance(event, Answer):
                    outcome, engine, answer = event.outcome, event.engine.partition(":")[0], event
                yield event
        except RagedgeError as error:
            outcome = error.code
            raise
        except Exception:
            outcome = "internal_error"
            raise
        finally:
            with contextlib.suppress(AttributeError):  # an iterator without one has nothing to free
                events.close()  # type: ignore[attr-defined]
            self._count(outcome, engine, answer, task)

    def _count(self, outcome: str, engine: str, answer: Answer | None, task: str) -> None:
        stats = answer.stats if answer is not None else None
        with self._lock:
            if task:
                self._tasks[task, outcome] += 1
            else:
                self._ended[outcome, engine] += 1
            if answer is not None:
                self._kept += answer.timings.stored_ms is not None
                if answer.timings.energy_joules is not None:
                    self._joules += answer.timings.energy_joules
                    self._is_measured = True
            for name, _ in _SUMS if stats is not None else ():
                self._spent[name] += getattr(stats, name)

    def lines(self) -> Iterator[str]:
        """The counters as lines of text."""
        with self._lock:
            ended, spent = dict(self._ended), dict(self._spent)
            tasks = dict(self._tasks)
            kept, joules = self._kept, self._joules if self._is_measured else None
        yield from _head("questions_total", "counter", "questions by how they ended and who spoke")
        for (outcome, engine), count in sorted(ended.items()):
            yield f'{_PREFIX}questions_total{{outcome="{outcome}",engine="{engine}"}} {count}'
        yield from _head("tasks_total", "counter", "summaries and rewritten answers by how they ended")
        for (task, outcome), count in sorted(tasks.items()):
            yield f'{_PREFIX}tasks_total{{task="{task}",outcome="{outcome}"}} {count}'
        yield from _head("stored_answers_total", "counter", "answers that came out of the store of answers")
        yield f"{_PREFIX}stored_answers_total {kept}"
        yield from _head("energy_joules_total", "counter", "energy of the box while answering; absent: not measurable")
        if joules is not None:
            yield f"{_PREFIX}energy_joules_total {joules:.3f}"
        for name, meaning in _SUMS:
            is_time = name.endswith("_duration")
            full = f"{name}_seconds_total" if is_time else f"{name}_total"
            value = spent.get(name, 0)
            yield from _head(full, "counter", meaning)
            yield f"{_PREFIX}{full} {value / 1e9:.9f}" if is_time else f"{_PREFIX}{full} {value}"


@get(
    "/metrics",
    sync_to_thread=True,
    summary="Counters for Prometheus",
    media_type=CONTENT_TYPE,
    description="Questions by outcome, and tokens and seconds of the language model under the names of Ollama.",
)
def metrics(request: Request[Any, Any, Any], state: State) -> Response[bytes]:
    """Counters since the start, and what is so now."""
    counts = index_for(request).counts()
    now = (
        ("questions_in_progress", "questions at work or waiting", state.desk.admission.taken),
        ("questions_limit", "questions that may be at work or waiting", state.desk.admission.limit),
        ("documents", "documents in the index", counts.documents),
        (
            "resident_memory_bytes",
            "memory of the service without the language model's process",
            device.resident_bytes(),
        ),
        (
            "prompt_state_bytes",
            "memory of the language model's process that holds earlier prompts",
            _held(state.service),
        ),
    )
    lines = [*state.desk.meter.lines(), *_ahead_lines(state.service)]
    for name, meaning, value in now:
        lines += [*_head(name, "gauge", meaning), f"{_PREFIX}{name} {value}"]
    return Response("\n".join([*lines, ""]).encode(), media_type=CONTENT_TYPE)


def _ahead_lines(service: Service) -> Iterator[str]:
    """What was read before anybody asked; nothing where nothing is."""
    if service.ahead is None:
        return
    figures = service.ahead.figures
    for name, meaning, value in (
        ("passages_ahead_total", "passages that were read while nobody asked", figures.read),
        ("passages_ahead_interrupted_total", "how often somebody asked in between", figures.interrupted),
    ):
        yield from (*_head(name, "counter", meaning), f"{_PREFIX}{name} {value}")
    yield from _head("passages_ahead_state", "gauge", "1 for how reading ahead stands, see the label")
    yield f'{_PREFIX}passages_ahead_state{{state="{figures.state}"}} 1'


def _held(service: Service) -> int:
    generator = getattr(service.pipeline, "generator", None)
    return generator.state_bytes() if isinstance(generator, ProcessGenerator) else 0


def _head(name: str, kind: str, meaning: str) -> list[str]:
    return [f"# HELP {_PREFIX}{name} {meaning}", f"# TYPE {_PREFIX}{name} {kind}"]
