"""Records between the passages and the evidence model: what it is shown of a passage, and what it says of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WindowText:
    """A stretch of a passage as it is read: its title and heading, and its sentences, items and rows in order."""

    prefix: str
    units: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SpanReading:
    """Characters `[start, end)` of a unit that may be the answer; `score`: sum of two logits, 0 is "no answer here"."""

    start: int
    end: int
    score: float


@dataclass(frozen=True, slots=True)
class UnitReading:
    """A unit's log-odds of answering, and the likeliest answer inside: characters `[start, end)`, with its own score.

    `span_score` is the sum of two logits against "no answer here" (0); `start` == `end` where there is none. `spans`
    are the likeliest answers, best first, that one included; empty where a reader gives one alone.
    """

    score: float
    start: int
    end: int
    span_score: float
    spans: tuple[SpanReading, ...] = ()


@dataclass(frozen=True, slots=True)
class WindowReading:
    """`answerable`: log-odds that the window holds the answer; `units` in the window's order."""

    answerable: float
    units: tuple[UnitReading, ...]
