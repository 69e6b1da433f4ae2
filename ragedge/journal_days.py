"""Journal entries -> one row per day: how many were answered, unsure and refused, and how long people waited.

Days are those of the box's own clock, because that is what its curator lives by; every day of the stretch has a row,
also one on which nobody asked. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta, tzinfo

from ragedge.desk_replies import DayRow
from ragedge.evaluation.measures import percentile
from ragedge.journal import Entry


def by_day(entries: Sequence[Entry], *, last: date, count: int, zone: tzinfo | None = None) -> list[DayRow]:
    """`count` days up to `last`, oldest first; `zone` None is that of this machine."""
    groups: dict[date, list[Entry]] = {last - timedelta(days=back): [] for back in range(count - 1, -1, -1)}
    for entry in entries:
        day = datetime.fromisoformat(entry.asked_at).astimezone(zone).date()
        if day in groups:
            groups[day].append(entry)
    return [_day(day, group) for day, group in groups.items()]


def _day(day: date, entries: Sequence[Entry]) -> DayRow:
    kinds = [
        {"answered": "answered", "truncated": "answered", "unsure": "unsure", "abstained": "refused"}.get(e.outcome, "")
        for e in entries
    ]
    # who stops an answer says nothing about how long it would have taken
    timed = [e for e, kind in zip(entries, kinds, strict=True) if kind and e.total_ms is not None]
    passages = [e.passages_ms for e in timed if e.passages_ms is not None]
    totals = [e.total_ms for e in timed if e.total_ms is not None]
    return DayRow(
        day.isoformat(),
        kinds.count("answered"),
        kinds.count("unsure"),
        kinds.count("refused"),
        kinds.count(""),
        len(timed),
        percentile(passages, 0.5),
        percentile(passages, 0.95),
        percentile(totals, 0.5),
        percentile(totals, 0.95),
    )
