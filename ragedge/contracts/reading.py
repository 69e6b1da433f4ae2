"""Records between the passages and the evidence model: what it is shown of a passage, and what it says of it."""

from __future__ import annotations

from dataclasses import dataclass

LOWEST = -20.0  # log-odds of what was not read


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
    """A unit's log-odds of answering, and the likeliest answers inside, best first; none where it was not read."""

    score: float
    spans: tuple[SpanReading, ...] = ()

    @property
    def start(self) -> int:
        """Where the likeliest answer begins; `start` == `end` where there is none."""
        return self.spans[0].start if self.spans else 0

    @property
    def end(self) -> int:
        """Where it ends."""
        return self.spans[0].end if self.spans else 0

    @property
    def span_score(self) -> float:
        """Its score, as of `SpanReading`; `LOWEST` where there is none."""
        return self.spans[0].score if self.spans else LOWEST


@dataclass(frozen=True, slots=True)
class WindowReading:
    """`answerable`: log-odds that the window holds the answer; `units` in the window's order."""

    answerable: float
    units: tuple[UnitReading, ...]
