"""One measured figure of the engine beside what it is held against, and all of them as a table.

Numbers in, text and plain dicts out; measures nothing.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

_HEAD = ("model", "measure", "against", "ours", "theirs", "unit", "ratio", "min-max ours / theirs", "n", "goal", "")
_WIDTHS = (19, 49, 28, 6, 6, 8, 5, 23, 2, 8, 0)  # of lines that are printed before the others are known


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. `ours` and `theirs` in `unit`, medians of `n`; `ratio` is ours to theirs (or None).

    `goal` is "" where there is none; `is_reached` None where it cannot be said. `gate`: what shows that the figure was
    not bought with other results. Where nothing was measured, `missing` says why and how to get it.
    """

    model: str
    measure: str
    against: str
    unit: str = ""
    ours: float | None = None
    theirs: float | None = None
    spread: str = ""
    n: int = 0
    ratio: float | None = None
    goal: str = ""
    is_reached: bool | None = None
    gate: str = ""
    missing: str = ""

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def compared(
    model: str,
    measure: str,
    against: str,
    unit: str,
    ours: Sequence[float],
    theirs: Sequence[float],
    *,
    at_least: float | None = None,
    at_most: float | None = None,
    gate: str = "",
) -> Row:
    """A row of two series measured in turn; the goal is on the ratio of their medians."""
    a, b = statistics.median(ours), statistics.median(theirs)
    ratio = a / b
    goal = f">= {at_least:g}x" if at_least is not None else f"<= {at_most:g}x" if at_most is not None else ""
    is_reached = ratio >= at_least if at_least is not None else ratio <= at_most if at_most is not None else None
    spread = f"{_spread(ours)} / {_spread(theirs)}"
    return Row(model, measure, against, unit, a, b, spread, min(len(ours), len(theirs)), ratio, goal, is_reached, gate)


def single(
    model: str,
    measure: str,
    unit: str,
    values: Sequence[float],
    *,
    shown: float | None = None,
    at_most: float | None = None,
    against: str = "-",
    gate: str = "",
) -> Row:
    """A row of one series; `shown` (default: the median) is held against the goal."""
    value = statistics.median(values) if shown is None else shown
    goal = f"<= {at_most:g} {unit}" if at_most is not None else ""
    is_reached = value <= at_most if at_most is not None else None
    return Row(model, measure, against, unit, value, None, _spread(values), len(values), None, goal, is_reached, gate)


def p95(values: Sequence[float]) -> float:
    """The value that 95 of 100 do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]


def _spread(values: Sequence[float]) -> str:
    low, high = min(values), max(values)
    return f"{_number(low)}-{_number(high)}"


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.3g}"


def as_text(rows: Sequence[Row]) -> str:
    """The table for a person."""
    lines = [_HEAD, *map(_cells, rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEAD))]
    return "\n".join([*(_line(line, widths) for line in lines), "", notes_of(rows)])


def live(row: Row | None) -> str:
    """One line of the table by itself, in columns that mostly do; None: the head."""
    return _line(_HEAD if row is None else _cells(row), _WIDTHS)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def _cells(row: Row) -> tuple[str, ...]:
    if row.missing:
        return (row.model, row.measure, row.against, "-", "-", "", "-", "", "", row.goal, "not measured")
    verdict = {True: "reached", False: "MISSED", None: ""}[row.is_reached]
    ratio = "-" if row.ratio is None else f"{row.ratio:.3f}"
    shown = (_number(row.ours), _number(row.theirs), row.unit, ratio, row.spread, str(row.n), row.goal, verdict)
    return (row.model, row.measure, row.against, *shown)


def notes_of(rows: Sequence[Row]) -> str:
    """What stands below the table: quality beside each figure, and why some are not there."""
    notes = [f"{row.model} {row.measure}, quality: {row.gate}" for row in rows if row.gate]
    notes += [f"{row.model} {row.measure}: {row.missing}" for row in rows if row.missing]
    return "\n".join(dict.fromkeys(notes))
