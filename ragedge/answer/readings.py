"""What the evidence model says of the passages, brought back to their units: log-odds, passage, answer spans.

Chooses the windows by a cheap score, has them read in one go, and hands out one record per unit that was read. Pure but
for the model that it is given; knows no index.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ragedge.answer.units import Unit
from ragedge.answer.windows import windows_of
from ragedge.contracts import EvidenceReader, Hit, SpanReading, WindowText

_SCALE = 4.0  # of log-odds, so that figures have about the spread of the others
_LIMIT = 3.0  # of a scaled figure
_FURTHEST = 6.0  # behind the best, of a scaled figure


@dataclass(frozen=True, slots=True)
class UnitRead:
    """`unit`, `passage`: scaled log-odds that the unit, and its window, answer; `span_score`: of the best of `spans`.

    `spans` count the characters of the unit as it was read: with one space between words.
    """

    unit: float
    passage: float
    spans: tuple[SpanReading, ...]
    span_score: float


@dataclass(frozen=True, slots=True)
class Readings:
    """Per unit place (document id, page, start) what was read; `unread` is what other units count as."""

    by_place: Mapping[tuple[str, int, int], UnitRead]
    unread: float
    passages: tuple[float, ...]  # scaled log-odds of all windows, best first
    best_span: float  # of all units, as `UnitRead.span_score`
    worst_span: float

    def behind(self, unit: Unit) -> float:
        """Scaled log-odds between the span of `unit` and the best span of all; a unit that was not read is last.

        A model that was trained on questions about running text knows less well which list item or table row answers
        than where in it the answer would stand: the span orders units better than the unit's own score.
        """
        read = self.of(unit)
        score = self.worst_span if read is None else read.span_score
        return max(-_FURTHEST, (score - self.best_span) / _SCALE)

    def of(self, unit: Unit) -> UnitRead | None:
        """What was read of `unit`; None: its window was not."""
        return self.by_place.get((unit.document_id, unit.page, unit.start))


def read_units(
    reader: EvidenceReader, question: str, units: Sequence[Unit], hits: Sequence[Hit], promise: Sequence[float]
) -> Readings:
    """Read the most promising windows of `units` (headings included, in order); `promise` as of `windows_of`."""
    texts = [" ".join(unit.text.split()) for unit in units]
    windows = windows_of(units, hits, reader.count_tokens(texts), promise)
    shown = [WindowText(w.prefix, tuple(texts[w.first : w.last])) for w in windows]
    found: dict[tuple[str, int, int], UnitRead] = {}
    passages: list[float] = []
    for window, reading in zip(windows, reader.read(question, shown), strict=True):
        passage = _scaled(reading.answerable)
        passages.append(passage)
        for unit, said in zip(units[window.first : window.last], reading.units, strict=True):
            found[(unit.document_id, unit.page, unit.start)] = UnitRead(
                _scaled(said.score), passage, said.spans, said.span_score
            )
    lowest = min((read.unit for read in found.values()), default=-_LIMIT)
    scores = [read.span_score for read in found.values()] or [0.0]
    return Readings(found, lowest, tuple(sorted(passages, reverse=True)), max(scores), min(scores))


def reader_figures(readings: Readings, best: UnitRead | None) -> dict[str, float]:
    """The gate's figures of a reading: the best passage, the best unit, and the unit that is shown first."""
    units = sorted((read.unit for read in readings.by_place.values()), reverse=True) or [-_LIMIT]
    passages = readings.passages or (-_LIMIT,)
    return {
        "reader_passage": passages[0],
        "reader_passage_margin": passages[0] - (passages[1] if len(passages) > 1 else -_LIMIT),
        "reader_unit": units[0],
        "reader_shown": best.unit if best is not None else readings.unread,
        "reader_shown_passage": best.passage if best is not None else -_LIMIT,
        "reader_span": _scaled(best.span_score / 2) if best is not None else -_LIMIT,
    }


def _scaled(log_odds: float) -> float:
    return max(-_LIMIT, min(_LIMIT, log_odds / _SCALE))
