"""Do two documents give different values in other words? What the evidence model marked as the answer says so.

The best piece of evidence and one of another document, nearly as good, disagree when the model is sure of an answer's
words in both, each holds one value of the kind that is asked for (a number with the same unit, or a year) and the
values differ. A name, code, number or condition that only one of them has means another thing, and so does a title
that differs in a number: an edition, or the next record of a series. Pure; knows no index.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from ragedge.answer.facts import Number, facts_of, normal
from ragedge.answer.pins import Pin, pins_of
from ragedge.answer.scoring import Asked, bag_of
from ragedge.contracts import Evidence, Hit

MAX_LOOKED_AT = 5  # pieces of evidence; what ranks lower is not what was asked
NEAR = 2.7  # log-odds behind the best
LEAST_COVERED = 0.5  # share of the pinned words' weight that a piece holds with its title and headings
_YEAR = re.compile(r"\b(?:1[0-9]\d\d|20\d\d)\b")
CONDITION = re.compile(
    r"\b(?:if|when|unless|except|only|model|type|version|series|edition|variant|size|option|since|until|before|after|formerly|"
    r"wenn|falls|außer|nur|modell|typ|ausführung|seit|bis|vor|nach|früher|si|quand|sauf|modèle|depuis|jusqu|avant|après|"
    r"cuando|salvo|sólo|modelo|desde|hasta|antes|después)\b",
    re.I,
)
_OF_A_VALUE = frozenset(["after", "before", "nach", "vor", "après", "avant", "después", "antes"])
_NAME = re.compile(r"(?<=[a-z0-9,;:)] )[A-ZÀ-Þ][\w'’-]+")

Values = tuple[str, str]


def answers_apart(
    asked: Asked, hits: Sequence[Hit], evidence: Sequence[Evidence]
) -> tuple[Evidence, Evidence, Values] | None:
    """The best piece, the first one of another document whose marked answer is another value, and both values."""
    if not evidence or asked.kind not in ("number", "time", "any"):
        return None
    pins = pins_of(asked)
    best = evidence[0]
    if not _is_about(best, hits[best.hit_index], pins):
        return None
    for item in evidence[1:MAX_LOOKED_AT]:
        is_near = _log_odds(item.score) >= _log_odds(best.score) - NEAR
        if not is_near or not _is_about(item, hits[item.hit_index], pins):
            continue
        if _are_two_sources(hits[best.hit_index], hits[item.hit_index]) and _say_the_same(asked, best, item):
            values = _two_values(asked, best, item)
            if values is not None:
                return best, item, values
    return None


def _is_about(item: Evidence, hit: Hit, pins: Sequence[Pin]) -> bool:
    """Whether an answer is marked and what is pinned down stands there: names and numbers all, words by half."""
    if item.answer is None or not pins:
        return False
    words = bag_of("\n".join((hit.title, *hit.chunk.headings, item.text)))
    if any(pin.kind != "word" and pin.key not in words for pin in pins):
        return False
    total = math.fsum(pin.weight for pin in pins)
    return math.fsum(pin.weight for pin in pins if pin.key in words) >= LEAST_COVERED * total


def _are_two_sources(first: Hit, second: Hit) -> bool:
    """Two documents whose titles and paths differ in more than a number."""
    if first.chunk.document_id == second.chunk.document_id:
        return False
    names = [re.sub(r"\d+", "", f"{hit.title}\n{hit.chunk.document_path}") for hit in (first, second)]
    return names[0] != names[1]


def _say_the_same(asked: Asked, first: Evidence, second: Evidence) -> bool:
    """No name, code or condition that only one of them has."""
    ours, theirs = (facts_of(item.text).codes for item in (first, second))
    if any(not code.isdigit() for code in ours ^ theirs):
        return False
    conditions = [_conditions(item) for item in (first, second)]
    names = [frozenset(m.group().casefold() for m in _NAME.finditer(item.text)) for item in (first, second)]
    known = asked.text.casefold()
    return conditions[0] == conditions[1] and all(name in known for name in names[0] ^ names[1])


def _conditions(item: Evidence) -> frozenset[str]:
    """Words that limit what is said; not the "after" of "14 days after the purchase", which belongs to the value."""
    end = item.answer.end - item.span.start if item.answer is not None else -1
    found = [(m.group().casefold(), m.start()) for m in CONDITION.finditer(item.text)]
    return frozenset(word for word, at in found if word not in _OF_A_VALUE or not end <= at <= end + 1)


def _two_values(asked: Asked, first: Evidence, second: Evidence) -> Values | None:
    """The one value of each, as written, where they are of one kind and differ."""
    if asked.kind == "time":
        years = [list(dict.fromkeys(_YEAR.findall(_marked(item)))) for item in (first, second)]
        one_each = all(len(found) == 1 for found in years) and years[0] != years[1]
        return (years[0][0], years[1][0]) if one_each else None
    given = facts_of(asked.text).numbers
    ours, theirs = (_one_number(item, given) for item in (first, second))
    if ours is None or theirs is None or ours.unit != theirs.unit or ours.value == theirs.value:
        return None
    return _as_written(ours, first), _as_written(theirs, second)


def _one_number(item: Evidence, given: Sequence[Number]) -> Number | None:
    """The number with a unit of which marked words tell, where it is the only one of this unit in the piece."""
    marked = frozenset(number.value for number in facts_of(_marked(item)).numbers)
    numbers = list(dict.fromkeys(n for n in facts_of(item.text).numbers if n.unit and n not in given))
    chosen = [number for number in numbers if number.value in marked]
    if len(chosen) != 1 or sum(number.unit == chosen[0].unit for number in numbers) != 1:
        return None
    return chosen[0]


def _as_written(number: Number, item: Evidence) -> str:
    """The value with the word behind it, as the piece has it."""
    plain = " ".join(item.text.split())
    match = re.search(rf"(?<![\d.,]){re.escape(number.value)}\s?[^\W\d_]*[%°€$£]?", plain)
    return match.group().strip() if match else f"{number.value} {number.unit}"


def _marked(item: Evidence) -> str:
    place = item.answer
    if place is None:
        return ""
    return normal(item.text[place.start - item.span.start : place.end - item.span.start])


def _log_odds(score: float) -> float:
    bounded = min(max(score, 1e-9), 1 - 1e-9)
    return math.log(bounded / (1 - bounded))
