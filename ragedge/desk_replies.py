"""What the curator's desk gets for its tabs of questions, reviewed answers and golden questions, as records.

As in `replies`: fields beyond these may come along, and a reader ignores them. Knows no server and no journal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Fault = Literal["not_found", "refused", "not_cited", "wrong", "answered"]
"""What went wrong with a golden question; "answered" where it should have been refused."""

GoldenState = Literal["idle", "running", "waiting", "stopping", "stopped", "failed", "done"]


@dataclass(frozen=True, slots=True)
class AskedRow:
    """One question of the journal; `document` and `page` are what was cited first or else found first."""

    id: int
    asked_at: str
    question: str
    outcome: str
    confidence: float
    engine: str
    document: str
    page: int | None
    verdict: str | None
    reason: str
    passages_ms: float | None
    total_ms: float | None


@dataclass(frozen=True, slots=True)
class AskedList:
    """A stretch of the chosen questions, the newest first; `is_kept` False: the config keeps no journal."""

    is_kept: bool
    total: int
    offset: int
    rows: tuple[AskedRow, ...]


@dataclass(frozen=True, slots=True)
class RepeatsRow:
    """One question however often it was asked, with its last wording and what came of it."""

    question: str
    times: int
    last_asked_at: str
    last_outcome: str
    unanswered: int
    unsure: int
    down: int
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RepeatsList:
    """A stretch of the chosen questions, each once, the most asked first."""

    is_kept: bool
    total: int
    offset: int
    rows: tuple[RepeatsRow, ...]


@dataclass(frozen=True, slots=True)
class Deleted:
    """How many questions are gone."""

    deleted: int


@dataclass(frozen=True, slots=True)
class DayRow:
    """One day of this machine's calendar. `answered` includes what was cut short; `other` was stopped by who asked.

    Times in milliseconds over the questions that have one (none: None): until the passages stood, and until the end.
    """

    day: str
    answered: int
    unsure: int
    refused: int
    other: int
    timed: int
    passages_median_ms: float | None
    passages_p95_ms: float | None
    total_median_ms: float | None
    total_p95_ms: float | None


@dataclass(frozen=True, slots=True)
class DayList:
    """The last days, the oldest first, also those on which nobody asked."""

    is_kept: bool
    days: tuple[DayRow, ...]


@dataclass(frozen=True, slots=True)
class PinnedRow:
    """A reviewed answer; `problem` says what is wrong with its source as the index is now ("": nothing)."""

    number: int
    questions: tuple[str, ...]
    text: str
    path: str
    page: int | None
    quote: str | None
    valid_from: str | None
    valid_until: str | None
    reviewed_by: str
    state: Literal["valid", "waiting", "over"]
    problem: str


@dataclass(frozen=True, slots=True)
class PinnedList:
    """The reviewed answers and their file. `revision` names its state; changes send it back.

    `is_configured` False: the config names no file, and the answers lie beside the index. `fault` says why the file as
    somebody changed it by hand cannot be read.
    """

    file: str
    is_configured: bool
    revision: str
    answers: tuple[PinnedRow, ...]
    fault: str


@dataclass(frozen=True, slots=True)
class PinnedChange:
    """The answer that was written, and the state of the file from now on."""

    number: int
    revision: str


@dataclass(frozen=True, slots=True)
class GoldenProgress:
    """What is going on: `done` of `total` questions; `waiting` is for a visitor's question.

    `problem` says why the last run came to no end.
    """

    state: GoldenState
    done: int
    total: int
    started_at: str
    problem: str


@dataclass(frozen=True, slots=True)
class GoldenRun:
    """One run that came to its end; `figures` by the names that `ragedge eval` gives them (shares; times in ms).

    `started_at` is ISO 8601 in UTC; `id` is 0 until it is kept. `questions` of the file's `drawn_from` were asked;
    `generation` is the index's at the start; `failed` counts the questions with a failure.
    """

    id: int
    started_at: str
    seconds: float
    questions: int
    drawn_from: int
    generation: int
    engine: str
    level: str
    figures: dict[str, float | None]
    failed: int


@dataclass(frozen=True, slots=True)
class GoldenOverview:
    """The file of golden questions, what is going on, and earlier runs, the oldest first."""

    file: str
    is_configured: bool
    questions: int
    problem: str
    progress: GoldenProgress
    runs: tuple[GoldenRun, ...]


@dataclass(frozen=True, slots=True)
class GoldenFailure:
    """One question that went wrong, how, what was expected and what was shown instead."""

    id: str
    question: str
    faults: tuple[Fault, ...]
    expected: tuple[str, ...]
    sources: tuple[str, ...]
    outcome: str
    shown: str
    cited: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GoldenDetail:
    """A run with its failures, the first 300 of them."""

    run: GoldenRun
    failures: tuple[GoldenFailure, ...]


@dataclass(frozen=True, slots=True)
class GoldenSaved:
    """How many golden questions there are now."""

    questions: int
