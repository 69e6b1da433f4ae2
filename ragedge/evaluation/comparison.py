"""Two evaluations side by side: what each figure gained or lost, and which questions got worse or better.

The earlier one is a report that `ragedge eval --json` wrote. Questions are compared by their id, where both reports
have it; a question got worse when something is wrong with it that was right before. Reads JSON of unknown origin.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ragedge.desk_replies import Fault
from ragedge.errors import InputError
from ragedge.evaluation.acceptance import measures

FOUND_RANK = 5  # a right passage below this rank is rarely looked at
RIGHT_F1 = 0.5  # half of the words: the answer a person would still take for the same
_MAX_FILE_BYTES = 500_000_000
_FAULTS = {
    "not_found": f"right passage not among the first {FOUND_RANK}",
    "refused": "answerable, but refused",
    "not_cited": "the gold quote is not cited",
    "wrong": "the words of the answer differ from the expected ones",
    "answered": "unanswerable, but answered",
}


@dataclass(frozen=True, slots=True)
class Change:
    """A question of both reports with the faults it has now and had before, in plain words."""

    id: str
    question: str
    gained: tuple[str, ...]
    lost: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """`figures`: (name, before, now) where they differ; `shared`: questions in both reports."""

    figures: tuple[tuple[str, float | None, float | None], ...]
    shared: int
    worse: tuple[Change, ...]
    better: tuple[Change, ...]


def read_report(path: Path) -> dict[str, Any]:
    """A report that was kept as JSON.

    Raises:
        InputError: it cannot be read, or is none.
    """
    hint = "name a file that `ragedge eval --json FILE` wrote"
    try:
        if path.stat().st_size > _MAX_FILE_BYTES:
            raise InputError(f'"{path}" is too large for a report', hint)
        report = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(report, dict) or not isinstance(report.get("results"), list):
            raise ValueError("it holds no results")
        measures(report)
        for row in report["results"]:
            faults(row)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f'"{path}" is not a report of an evaluation: {error}', hint) from error
    return report


def faults(row: Mapping[str, Any]) -> tuple[str, ...]:
    """What is wrong with a question's result (as JSON), in plain words; () for nothing."""
    return tuple(_FAULTS[name] for name in fault_names(row))


def fault_names(row: Mapping[str, Any]) -> tuple[Fault, ...]:
    """The same by name: not_found, refused, not_cited, wrong; answered, where it should have been refused."""
    found: list[Fault] = []
    outcome = str(row["outcome"])
    if not row["is_answerable"]:
        return ("answered",) if outcome in ("answered", "truncated") else ()
    ranks = dict(row.get("ranks") or ())
    rank = list(ranks.values())[-1] if ranks else None
    has_sources = bool(row.get("sources", True))
    if ranks and has_sources and (rank is None or int(rank) > FOUND_RANK):
        found.append("not_found")
    if outcome == "abstained":
        found.append("refused")
    elif row.get("quote_shown") is False:
        found.append("not_cited")
    holds = row.get("holds_answer")
    is_scored = row.get("is_scored", True) and row.get("f1") is not None
    if outcome != "abstained" and is_scored and float(row["f1"]) < RIGHT_F1 and not holds:
        found.append("wrong")
    return tuple(found)


def compare(before: Mapping[str, Any], now: Mapping[str, Any]) -> Comparison:
    """The difference between two reports (as JSON)."""
    old, new = measures(before), measures(now)
    names = [name for name in new if name in old and old[name] != new[name] and not name.endswith("_ms")]
    earlier = {row["id"]: row for row in before["results"]}
    both = [(earlier[row["id"]], row) for row in now["results"] if row["id"] in earlier]
    changes = [_change(first, second) for first, second in both]
    return Comparison(
        figures=tuple((name, old[name], new[name]) for name in names),
        shared=len(both),
        worse=tuple(change for change in changes if change.gained),
        better=tuple(change for change in changes if change.lost and not change.gained),
    )


def comparison_text(comparison: Comparison, *, shown: int = 20) -> str:
    """The difference as lines; names of finding without mode and level only, the rest is in the JSON."""
    plain = [figure for figure in comparison.figures if "." not in figure[0]]
    lines = [f"against the baseline ({comparison.shared} questions in both):"]
    lines += [f"  {name:<20} {_share(old)} -> {_share(new)}  {_gain(old, new)}" for name, old, new in plain]
    if not plain:
        lines.append("  no figure differs")
    for title, changes in (("worse", comparison.worse), ("better", comparison.better)):
        lines.append(f"  {title}: {len(changes)}")
        lines += [f"    {_line(change)}" for change in changes[:shown]]
        if len(changes) > shown:
            lines.append(f"    and {len(changes) - shown} more")
    return "\n".join(lines)


def _change(before: Mapping[str, Any], now: Mapping[str, Any]) -> Change:
    # judge both by what both reports know
    known = set(before) & set(now)
    old = faults({key: value for key, value in before.items() if key in known})
    new = faults({key: value for key, value in now.items() if key in known})
    gained, lost = [f for f in new if f not in old], [f for f in old if f not in new]
    return Change(str(now["id"]), str(now["question"]), tuple(gained), tuple(lost))


def _line(change: Change) -> str:
    signs: Sequence[str] = [f"+ {fault}" for fault in change.gained] + [f"no more: {fault}" for fault in change.lost]
    return f"{_plain(change.id)}  {_plain(change.question)[:80]}  ({'; '.join(signs)})"


def _plain(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _share(value: float | None) -> str:
    return "    -" if value is None else f"{value:.3f}"


def _gain(old: float | None, new: float | None) -> str:
    return "" if old is None or new is None else f"{new - old:+.3f}"
