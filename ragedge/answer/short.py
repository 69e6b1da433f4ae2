"""The likeliest spans of a unit to its short answer: whole words that share most with whatever else may be right.

The model says where an answer starts and where one ends, each by itself; the best pair alone is often cut too short
("14th" of "14th to the 19th century") or too long. So all likely spans vote with their probability for what they share
with each other (minimum Bayes risk, Kumar & Byrne 2004, with F1 over words as what is won). Ends are moved to whole
words and numbers, without article, stray bracket or full stop. Pure; knows no index and no model.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ragedge.answer.asks import Kind
from ragedge.answer.readings import Readings, UnitRead
from ragedge.answer.units import Unit
from ragedge.contracts import PageSpan, SpanReading

LEAST_SURE = 4.0  # of `sureness`; on unanswerable questions about the topic one in eight gets a mark then
_CERTAINTY_GAIN = 12.0  # span score that a certainty e times as high is worth
_EVIDENCE_GAIN = 2.0  # span score that one of the evidence's log-odds is worth
_LENGTH_GAIN = 0.3  # of the logarithm of a span's words: its ends' logits alone prefer short ones
_ITSELF_GAIN = 0.3  # what being exactly right is worth beside sharing words
_NAME_TEMPERATURE = 0.3  # who: one name, not the list of names that two likely ends would span
_WORD = re.compile(r"[$€£¥]?\d+(?:[.,:/]\d+)*(?:(?:st|nd|rd|th|s)\b)?[%°]?|[^\W\d_]+(?:['’][^\W\d_]+)*|\w+|\S")
_BEGINS_NONE = frozenset({"the", "a", "an", "of", "and", "or", "that", "which"})  # not "by", "over": by hand, over 40
_BEGINS_NONE_OF: dict[Kind, frozenset[str]] = {
    "time": frozenset({"in", "on", "at"}),
    "place": frozenset({"in", "on", "at"}),
    "person": frozenset({"by"}),
}
_SIGNS = frozenset("$€£¥%°§#")
_BRACKETS = {"(": ")", "[": "]", "“": "”", "„": "“", "«": "»", '"': '"'}
_CLOSING = frozenset(_BRACKETS.values())


@dataclass(frozen=True, slots=True)
class ShortAnswer:
    """Characters `[start, end)` of a unit as it was read.

    `certainty`: the F1 to be expected with the right words, if the unit holds them, in (0, 1].
    """

    start: int
    end: int
    certainty: float


def short_of(text: str, spans: Sequence[SpanReading], kind: Kind = "any") -> ShortAnswer | None:
    """The span that shares most with the likely ones, on whole words of `text`; None where no word is in any."""
    words = [(match.start(), match.end(), match.group()) for match in _WORD.finditer(text)]
    ends = [end for _, end, _ in words]
    places: list[tuple[int, int]] = []
    scores: list[float] = []
    for span in spans:
        place = _tight(words, ends, span, _BEGINS_NONE | _BEGINS_NONE_OF.get(kind, frozenset()))
        if place is not None:
            places.append(place)
            scores.append(span.score)
    if not places:
        return None
    first, last = np.array(places).T
    length = last - first + 1
    shared = np.clip(np.minimum(last[:, None], last) - np.maximum(first[:, None], first) + 1, 0, None)
    overlap = 2 * shared / (length[:, None] + length)
    is_name = kind == "person"
    logits = np.array(scores) + (0.0 if is_name else _LENGTH_GAIN) * np.log(length)
    expected = overlap @ _shares(logits / (_NAME_TEMPERATURE if is_name else 1.0))
    exactly = (overlap == 1) @ _shares(logits)
    best = int(np.argmax(expected + _ITSELF_GAIN * exactly))
    certainty = float((overlap @ _shares(logits))[best])
    return ShortAnswer(words[first[best]][0], words[last[best]][1], min(1.0, certainty))


def answer_in(unit: Unit, readings: Readings | None, kind: Kind, score: float) -> PageSpan | None:
    """The short answer's place in the unit, whose score as evidence is in [0, 1], where it is sure enough."""
    read = readings.of(unit) if readings is not None else None
    if read is None or sureness(read, 1.0, score) < LEAST_SURE:
        return None
    found = short_of(" ".join(unit.text.split()), read.spans, kind)
    if found is None or sureness(read, found.certainty, score) < LEAST_SURE:
        return None
    return page_span(unit, found.start, found.end)


def sureness(read: UnitRead, certainty: float, score: float) -> float:
    """How sure it is that a short answer is right, in logits: by its spans, whether they agree, and as evidence."""
    evidence = min(max(score, 1e-9), 1 - 1e-9)
    agreed = _CERTAINTY_GAIN * math.log(max(certainty, 1e-9))
    return read.span_score + agreed + _EVIDENCE_GAIN * math.log(evidence / (1 - evidence))


def page_span(unit: Unit, start: int, end: int) -> PageSpan | None:
    """Characters of the unit as it was read as characters of the page; None for an empty span."""
    if end <= start:
        return None
    at = 0
    first = last = None
    for word in _words_of(unit.text):
        a, b = word
        length = b - a
        if first is None and start < at + length:
            first = a + max(0, start - at)
        if end <= at + length:
            last = a + max(0, end - at)
            break
        at += length + 1
    if first is None:
        return None
    last = len(unit.text.rstrip()) if last is None else last
    return PageSpan(unit.page, unit.start + first, unit.start + max(first, last)) if last > first else None


def _words_of(text: str) -> list[tuple[int, int]]:
    """Places of the words of `text`, as `str.split` cuts it."""
    places, at = [], 0
    for word in text.split():
        start = text.index(word, at)
        at = start + len(word)
        places.append((start, at))
    return places


def _tight(
    words: Sequence[tuple[int, int, str]], ends: Sequence[int], span: SpanReading, begins_none: frozenset[str]
) -> tuple[int, int] | None:
    """First and last word, by number, of what a span touches, without what belongs to no answer at its ends."""
    first = last = bisect_right(ends, span.start)
    while last < len(words) and words[last][0] < span.end:
        last += 1
    texts = [word for _, _, word in words[first:last]]
    last -= 1
    while texts and not _may_begin(texts, begins_none):
        first += 1
        del texts[0]
    while texts and not _may_end(texts):
        last -= 1
        texts.pop()
    return (first, last) if texts else None


def _may_begin(texts: Sequence[str], begins_none: frozenset[str]) -> bool:
    word = texts[0]
    if word in begins_none:
        return len(texts) == 1
    return word[0].isalnum() or word[0] in _SIGNS or _BRACKETS.get(word, " ") in texts[1:]


def _may_end(texts: Sequence[str]) -> bool:
    word = texts[-1]
    if word in _CLOSING:
        return any(_BRACKETS.get(other) == word for other in texts[:-1])
    return word[-1].isalnum() or word[-1] in _SIGNS


def _shares(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Their softmax."""
    raised: NDArray[np.float64] = np.exp(logits - logits.max())
    total: NDArray[np.float64] = raised / raised.sum()
    return total
