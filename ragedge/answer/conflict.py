"""Do two sources give different values for what was asked? Found only where it is plain: a wrong alarm costs trust.

Two pieces of evidence out of different passages disagree when both hold everything that the question pins down, one
says it in the words of the other and at most two more, and they differ in exactly the one value of the kind that is
asked for: a number with the same unit, a date, or yes against no. Other names, codes, numbered headings or conditions
("model", "if", "since") mean other things, and no conflict. What is said in other words is `disagree`'s, where the
evidence model is sure of both answers. Pure; knows no index.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from ragedge.answer.disagree import CONDITION, answers_apart
from ragedge.answer.facts import Facts, facts_of
from ragedge.answer.pins import pins_of
from ragedge.answer.scoring import Asked, bag_of
from ragedge.contracts import Evidence, Hit

MAX_LOOKED_AT = 5  # pieces of evidence; what ranks lower is not what was asked
_NEAR = 4.0  # log-odds behind the best
_MOST_MORE = 2  # words that one piece has beyond the other
_LEAST_WORDS = 3  # shared ones; two lines "Price: 5" and "Price: 6" may be about two things
_NAME = re.compile(r"(?<=[a-z0-9,;:)] )[A-ZÀ-Þ][\w'’-]+")
_YEAR = re.compile(r"\b(?:1[0-9]\d\d|20\d\d)\b")
_MONTHS = (
    "january february march april may june july august september october november december januar februar märz mai "
    "juni juli oktober dezember monday tuesday wednesday thursday friday saturday sunday montag dienstag mittwoch "
    "donnerstag freitag samstag sonntag"
)
_DAY_WORDS = frozenset(_MONTHS.split())


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two pieces of evidence, better one first, and the values in which they differ."""

    first: Evidence
    second: Evidence
    values: tuple[str, str]

    def first_in(self, evidence: Sequence[Evidence]) -> tuple[Evidence, ...]:
        """`evidence` with the two in front."""
        return (self.first, self.second, *(e for e in evidence if e not in (self.first, self.second)))


@dataclass(frozen=True, slots=True)
class _Reading:
    """One piece of evidence, taken apart."""

    evidence: Evidence
    words: frozenset[str]
    facts: Facts
    names: frozenset[str]
    above: frozenset[str]


def find_conflict(asked: Asked, hits: Sequence[Hit], evidence: Sequence[Evidence]) -> Conflict | None:
    """The first pair of sources that plainly disagree on what was asked, or None."""
    if not evidence or asked.kind in ("how_to", "person", "place"):
        return None
    near = [e for e in evidence[:MAX_LOOKED_AT] if _log_odds(e.score) >= _log_odds(evidence[0].score) - _NEAR]
    pins = frozenset(pin.key for pin in pins_of(asked))
    readings = [_read(item, hits[item.hit_index]) for item in near]
    readings = [r for r in readings if _is_about(r, pins)]
    for i, first in enumerate(readings):
        for second in readings[i + 1 :]:
            if not _are_apart(first.evidence, second.evidence, hits) or not _same_thing(first, second, pins):
                continue
            values = _values(asked, first, second)
            if values is not None:
                return Conflict(first.evidence, second.evidence, values)
    apart = answers_apart(asked, hits, evidence)
    return Conflict(*apart) if apart is not None else None


def _read(item: Evidence, hit: Hit) -> _Reading:
    words = frozenset(word for word in bag_of(item.text) if not any(c.isdigit() for c in word))
    names = frozenset(match.group().casefold() for match in _NAME.finditer(item.text))
    above = frozenset(bag_of("\n".join(hit.chunk.headings[-1:])))
    return _Reading(item, words - _DAY_WORDS, facts_of(item.text), names, above)


def _is_about(reading: _Reading, pins: frozenset[str]) -> bool:
    """Whether all words that the question pins down stand in the piece itself: its heading may name another thing."""
    wanted = frozenset(pin for pin in pins if not any(c.isdigit() for c in pin))
    return bool(wanted) and wanted <= reading.words


def _are_apart(first: Evidence, second: Evidence, hits: Sequence[Hit]) -> bool:
    one, other = hits[first.hit_index].chunk, hits[second.hit_index].chunk
    return one.document_id != other.document_id or first.hit_index != second.hit_index


def _same_thing(first: _Reading, second: _Reading, pins: frozenset[str]) -> bool:
    """One in the words of the other; no name, code, condition or numbered heading that only one of them has."""
    more = sorted((first.words - second.words, second.words - first.words), key=len)
    if more[0] or len(more[1]) > _MOST_MORE or len(first.words & second.words) < _LEAST_WORDS:
        return False
    is_series = bool(first.above & second.above)  # "Pump P1" and "Pump P2", but not "Manual" and "Bulletin 7"
    numbered = is_series and any(c.isdigit() for word in first.above ^ second.above for c in word)
    codes = frozenset(code for code in first.facts.codes ^ second.facts.codes if not code.isdigit())
    names = (first.names ^ second.names) - _DAY_WORDS - pins
    return not numbered and not codes and not names and _conditions(first) == _conditions(second)


def _conditions(reading: _Reading) -> frozenset[str]:
    return frozenset(match.group().casefold() for match in CONDITION.finditer(reading.evidence.text))


def _values(asked: Asked, first: _Reading, second: _Reading) -> tuple[str, str] | None:
    if asked.kind == "yes_no":
        negative, positive = (first, second) if first.facts.is_negative else (second, first)
        if negative.facts.is_negative == positive.facts.is_negative or negative.words - positive.words:
            return None  # "not open in winter" says nothing against "open"
        return None if negative.facts.numbers else ("no", "yes") if negative is first else ("yes", "no")
    if asked.kind == "time":
        return _one_each(*(tuple(dict.fromkeys(_dates(r.evidence.text))) for r in (first, second)))
    given = facts_of(asked.text).numbers
    units = {n.unit for n in first.facts.numbers if n.unit} & {n.unit for n in second.facts.numbers if n.unit}
    for unit in sorted(units):
        ours, theirs = (
            tuple(dict.fromkeys(n.value for n in r.facts.numbers if n.unit == unit and n not in given))
            for r in (first, second)
        )
        found = _one_each(ours, theirs)
        if found is not None:
            return _as_written(found[0], unit, first), _as_written(found[1], unit, second)
    return None


def _as_written(value: str, unit: str, reading: _Reading) -> str:
    """The value with its unit as the piece has it: units are compared in small letters."""
    match = re.search(rf"(?<![\d.,]){re.escape(value)}\s?{re.escape(unit)}", reading.evidence.text, re.I)
    return match.group() if match else f"{value} {unit}"


def _dates(text: str) -> list[str]:
    years = _YEAR.findall(text)
    return years or [word for word in re.findall(r"[^\W\d_]+|\d{1,2}:\d\d", text.casefold()) if _is_day(word)]


def _is_day(word: str) -> bool:
    return word in _DAY_WORDS or word[:1].isdigit()


def _one_each(ours: Sequence[str], theirs: Sequence[str]) -> tuple[str, str] | None:
    """The two values, where each side has exactly one and they differ."""
    if len(ours) != 1 or len(theirs) != 1 or ours[0] == theirs[0]:
        return None
    return ours[0], theirs[0]


def _log_odds(score: float) -> float:
    bounded = min(max(score, 1e-9), 1 - 1e-9)
    return math.log(bounded / (1 - bounded))
