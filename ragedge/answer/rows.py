"""What lines of tables and lists say by their form: the key in front, and the range that a number falls into.

"50 = Schedule B missing" answers a question about code 50 and none about code 51; "50 to 100 NTU | 15 mg/L" one about
70 NTU, which it does not spell. Rules only, in English, German, French and Spanish; knows no page and no score.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_KEY = re.compile(r"\s*\|?\s*(?:[-*•]\s+)?([\w./-]{1,12}?)\s*(?:=|:|,|\||\t| [–-] |\s{2,})")
_TOKEN = re.compile(r"[\w./-]+")
_NUMBER = r"(\d[\d,]*(?:\.\d+)?)"
_UNIT = r"\s*([^\W\d_]*[²³%°]?)"
_AMOUNT = re.compile(_NUMBER + _UNIT)
_FIRST_AMOUNT = re.compile(rf"\s*\|?\s*{_NUMBER}{_UNIT}")
_RANGE = re.compile(rf"{_NUMBER}\s*(?:to|bis|à|a|–|-)\s*{_NUMBER}{_UNIT}")
_ABOVE = re.compile(rf"\b(?:more than|over|above|at least|mehr als|über|mindestens|plus de|más de)\s+{_NUMBER}{_UNIT}")
_BELOW = re.compile(
    rf"\b(?:less than|under|below|up to|at most|weniger als|unter|bis|moins de|hasta)\s+{_NUMBER}{_UNIT}"
)


@dataclass(frozen=True, slots=True)
class Numbers:
    """The codes of a question, folded, without leading noughts, and its amounts with their units."""

    codes: frozenset[str]
    amounts: tuple[tuple[float, str], ...]


def numbers_of(question: str) -> Numbers:
    """What of `question` a line can have as its key, or in its range; amounts without a unit are left out."""
    folded = question.casefold()
    tokens = (token.strip("./-") for token in _TOKEN.findall(folded))
    codes = frozenset(_without_noughts(token) for token in tokens if any(c.isdigit() for c in token))
    return Numbers(codes, tuple((value, unit) for value, unit in _amounts(folded) if unit))


def key_fits(numbers: Numbers, line: str) -> float:
    """1 where `line` begins with a code that is asked for, -1 where with another one of the same form, else 0."""
    match = _KEY.match(line) if numbers.codes else None
    if match is None or not any(c.isdigit() for c in match.group(1)):
        return 0.0
    key = _without_noughts(match.group(1).casefold())
    if key in numbers.codes:
        return 1.0
    return -1.0 if _form(key) in map(_form, numbers.codes) else 0.0


def range_holds(numbers: Numbers, line: str) -> float:
    """1 where an amount that is asked for lies in a range of `line` with the same unit, or begins the line, else 0."""
    if not numbers.amounts:
        return 0.0
    folded = line.casefold()
    ranges = _closed_ranges(folded)
    ranges += [(_value(a), float("inf"), unit) for a, unit in _ABOVE.findall(folded)]
    ranges += [(0.0, _value(b), unit) for b, unit in _BELOW.findall(folded)]
    if first := _FIRST_AMOUNT.match(folded):
        ranges.append((_value(first[1]), _value(first[1]), first[2]))
    return float(_lies_in(numbers, ranges))


def is_between(numbers: Numbers, text: str) -> bool:
    """Whether an amount that is asked for lies in a range of `text` that has both ends, with the same unit."""
    return bool(numbers.amounts) and _lies_in(numbers, _closed_ranges(text.casefold()))


def _closed_ranges(text: str) -> list[tuple[float, float, str]]:
    return [(_value(low), _value(high), unit) for low, high, unit in _RANGE.findall(text)]


def _lies_in(numbers: Numbers, ranges: Sequence[tuple[float, float, str]]) -> bool:
    return any(low <= v <= high and unit == u for v, u in numbers.amounts for low, high, unit in ranges)


def _amounts(text: str) -> Iterator[tuple[float, str]]:
    return ((_value(number), unit) for number, unit in _AMOUNT.findall(text))


def _value(number: str) -> float:
    return float(number.replace(",", ""))


def _form(code: str) -> str:
    """ "e-417" and "e-9" have one form, "p1" and "70" another one each."""
    return re.sub(r"\d+", "0", code)


def _without_noughts(code: str) -> str:
    return code.lstrip("0") or "0"
