"""Pass marks: which figures of an evaluation must reach which value, and which did not.

A mark is "hit@5>=0.9" on the command line, or a line of a TOML file's [pass] table. Figures are named as the report
names them; those of finding are taken from the whole search at the finest level unless mode or level stand before them
("vector.hit@5", "page.mrr@10"). A figure that the case does not have counts as missed: what was not measured did not
pass.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

from ragedge.errors import ConfigError
from ragedge.evaluation.refusing import OffTopicScore
from ragedge.evaluation.scorecard import AnswerScore, RefusalScore, RetrievalScore

Operator = Literal[">=", "<="]
MODES = ("lexical", "vector", "hybrid")
LEVELS = ("document", "page", "passage")
_STAGES = ("embed", "lexical", "vector", "read", "total")
_MARK = re.compile(r"\s*([\w@.]+)\s*(>=|<=)\s*([-+]?\d+(?:\.\d+)?)\s*")
_MAX_FILE_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Mark:
    """One figure with the value it must reach (">=") or stay under ("<=")."""

    measure: str
    operator: Operator
    value: float

    def __str__(self) -> str:
        return f"{self.measure}{self.operator}{self.value:g}"


@dataclass(frozen=True, slots=True)
class Checked:
    """A mark with the figure that came out; None: the case has no such question."""

    mark: Mark
    figure: float | None

    @property
    def is_passed(self) -> bool:
        """Whether the figure reaches the mark."""
        if self.figure is None:
            return False
        return self.figure >= self.mark.value if self.mark.operator == ">=" else self.figure <= self.mark.value


def _shares(record: type[Any]) -> tuple[str, ...]:
    """The figures of a record as the report names them: `hit_at_5` is "hit@5"."""
    return tuple(f.name.replace("_at_", "@") for f in fields(record) if f.type == "float | None")


_FINDING = _shares(RetrievalScore)
_WHOLE = (*_shares(AnswerScore), *_shares(RefusalScore), *_shares(OffTopicScore))
_SPEED = tuple(f"{stage}_{kind}_ms" for stage in _STAGES for kind in ("median", "p95"))


def measures(report: Mapping[str, Any]) -> dict[str, float | None]:
    """All figures of a report (as JSON) by name."""
    found: dict[str, float | None] = {}
    for row in report.get("retrieval") or ():
        for name in _FINDING:
            value = row.get(name.replace("@", "_at_"))
            found[f"{row['mode']}.{row['level']}.{name}"] = value
            if row["level"] == report.get("level"):
                found[f"{row['mode']}.{name}"] = value
            if row["mode"] == MODES[-1]:
                found[f"{row['level']}.{name}"] = value
                if row["level"] == report.get("level"):
                    found[name] = value
    off_topic = (report.get("refusing") or {}).get("off_topic")
    for row in (report.get("answers") or {}, report.get("refusals") or {}, off_topic or {}):
        found.update({n: row.get(n.replace("@", "_at_")) for n in _WHOLE if n.replace("@", "_at_") in row})
    for row in report.get("speed") or ():
        found[f"{row['stage']}_median_ms"] = row.get("median_ms")
        found[f"{row['stage']}_p95_ms"] = row.get("p95_ms")
    return found


def parse_mark(text: str) -> Mark:
    """A mark out of "MEASURE>=VALUE".

    Raises:
        ConfigError: it is written otherwise, or there is no such figure; the hint names the nearest one.
    """
    match = _MARK.fullmatch(text)
    if match is None:
        raise ConfigError(f'"{text}" is not a pass mark', 'write MEASURE>=VALUE in quotes, such as --pass "hit@5>=0.9"')
    name, operator, value = match.groups()
    return Mark(_known(name.lower()), "<=" if operator == "<=" else ">=", float(value))


def read_marks(path: Path) -> tuple[Mark, ...]:
    """The [pass] table of a TOML file: `"hit@5" = 0.9` means at least, `"total_median_ms" = "<=50"` at most.

    Raises:
        ConfigError: the file cannot be read, or holds something else.
    """
    try:
        if path.stat().st_size > _MAX_FILE_BYTES:
            raise ConfigError(f'"{path}" is too large for a file of pass marks', "it needs a [pass] table only")
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f'the pass marks "{path}" cannot be read: {error}', "correct the file") from error
    rows = table.get("pass")
    if set(table) != {"pass"} or not isinstance(rows, Mapping) or not rows:
        raise ConfigError(f'"{path}" must hold one [pass] table and nothing else', '[pass] and below it "hit@5" = 0.9')
    marks = []
    for name, value in rows.items():
        if isinstance(value, bool) or not isinstance(value, (int, float, str)):
            raise ConfigError(f'"{name}" in "{path}" is {value!r}', 'write a number, or a text such as "<=50"')
        marks.append(parse_mark(f"{name}{value}" if isinstance(value, str) else f"{name}>={value}"))
    return tuple(marks)


def check_marks(marks: Sequence[Mark], report: Mapping[str, Any]) -> tuple[Checked, ...]:
    """Each mark beside its figure."""
    found = measures(report)
    return tuple(Checked(mark, found.get(mark.measure)) for mark in marks)


def marks_text(checked: Sequence[Checked]) -> str:
    """A line per mark."""
    lines = []
    for item in checked:
        figure = "not measured" if item.figure is None else f"{item.figure:.3f}"
        lines.append(f"{'passed' if item.is_passed else 'MISSED'}  {item.mark}  ({figure})")
    return "\n".join(lines)


def _known(name: str) -> str:
    parts = name.split(".")
    has_mode = parts[0] in MODES
    rest = parts[1:] if has_mode else parts
    has_level = rest[0] in LEVELS if rest else False
    last = rest[1:] if has_level else rest
    if last in ([n] for n in _FINDING) or (name in _WHOLE or name in _SPEED):
        return name
    names = (*_FINDING, *_WHOLE, *_SPEED)
    near = difflib.get_close_matches(last[-1] if last else name, names, n=1, cutoff=0.4)
    hint = f'did you mean "{near[0]}"?' if near else f"there are: {', '.join(names)}"
    raise ConfigError(f'there is no figure "{name}"', hint)
