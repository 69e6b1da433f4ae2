"""Passages of a document to the few sentences that say most of it; exact parts of its pages, no language model.

A sentence counts by how often its words stand in the document (SumBasic; Nenkova and Vanderwende, 2005) and by how near
its vector is to the mean of the passages; one that says what a chosen one says counts less (maximal marginal relevance;
Carbonell and Goldstein, 1998). Knows no index and no model: both come as functions.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from ragedge.answer.sentences import content_words
from ragedge.answer.stopwords import STOP_WORDS
from ragedge.answer.units import PageOf, Unit, units_of
from ragedge.contracts import Evidence, Hit, PageSpan, Question, Retrieval
from ragedge.errors import InputError

Embed = Callable[[Sequence[str]], NDArray[np.float32]]

MIN_SENTENCES, MAX_SENTENCES = 3, 6  # of a summary; a screen of a phone
_PER_SENTENCE = 12  # sentences of the document per sentence of the summary, between the two
_SHORTLIST = 24  # sentences whose vector is computed: they are waited for
_MIN_WORDS = 5  # content words; less is a title or a label
_MAX_CHARS = 400  # a longer sentence is a paragraph that was not cut
_EMBED_CHARS = 400
_EMBED_CHARS_DENSE = 160
_BY_WORDS = 0.35  # weight of words beside meaning
_SAME_AGAIN = 0.5  # of the likeness to what is chosen already, taken off
_MIN_FUNCTION_WORDS = 2  # "the", "is", "of": a line of a table has none
_SHORT = 4  # words added to a sentence's own: a short one is usual by chance
_WORDS = re.compile(r"[^\W\d_]+")
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
_FIRST_GAIN = 0.1  # the first sentences of a text most often say what it is about


def gist(
    hits: Sequence[Hit], vectors: NDArray[np.float32], *, page_of: PageOf, embed: Embed, most: int | None = None
) -> tuple[Evidence, ...]:
    """The sentences of `hits` that say most, in the order of the hits; () where there is none.

    Args:
        hits: passages of one document, in order.
        vectors: unit vectors of the passages, float32 [len(hits), dimension].
        page_of: (document id, page number) -> Page.
        embed: texts -> unit vectors, float32 [n, dimension].
        most: sentences; None: 3 to 6, by the length of the document.
    """
    everything = units_of(Retrieval(Question(""), "", tuple(hits)), page_of)
    once = {" ".join(unit.text.split()): unit for unit in reversed(everything)}  # a repeated one counts once
    usable = [unit for unit in everything if once[" ".join(unit.text.split())] is unit and _is_of_use(unit)]
    prose = [unit for unit in usable if _is_prose(unit.text)]
    units = prose if len(prose) >= MIN_SENTENCES else usable  # a list of parts has no sentences, but lines that say it
    if not units:
        return ()
    if most is None:
        most = min(MAX_SENTENCES, max(MIN_SENTENCES, math.ceil(len(units) / _PER_SENTENCE)))
    by_words = _by_words(units)
    shortlist = sorted(range(len(units)), key=lambda i: (-by_words[i], i))[:_SHORTLIST]
    meanings = _embedded(embed, [" ".join(units[i].text.split()) for i in shortlist])
    centre = vectors.mean(axis=0)
    centre = centre / max(float(np.linalg.norm(centre)), 1e-9)
    top = max(by_words[i] for i in shortlist) or 1.0
    worth = [
        _BY_WORDS * by_words[i] / top + (1 - _BY_WORDS) * float(meaning @ centre)
        for i, meaning in zip(shortlist, meanings, strict=True)
    ]
    chosen = _diverse(worth, meanings, most)
    return tuple(
        _evidence(units[shortlist[place]], worth[place]) for place in sorted(chosen, key=shortlist.__getitem__)
    )


def _is_prose(text: str) -> bool:
    """Whether a text reads like a sentence, and not like a title, a label or a line of a table."""
    if _UNSPACED.search(text):
        return text.rstrip()[-1:] in "。！？…"
    words = [word.casefold() for word in _WORDS.findall(text)]
    function_words = sum(word in STOP_WORDS for word in words)
    return text.rstrip(" \"'”’»)")[-1:] in ".!?؟।" and function_words >= _MIN_FUNCTION_WORDS


def _is_of_use(unit: Unit) -> bool:
    is_of_use = unit.kind in ("text", "list") and len(unit.text) <= _MAX_CHARS
    return is_of_use and len(set(content_words(unit.text))) >= _MIN_WORDS


def _by_words(units: Sequence[Unit]) -> list[float]:
    """For each unit how usual its words are in the document, in [0, 1 + gain]."""
    words = [set(content_words(unit.text)) for unit in units]
    counts = Counter(word for one in words for word in one)
    shares = [sum(counts[word] for word in one) / ((len(one) + _SHORT) * len(units)) for one in words]
    return [share + (_FIRST_GAIN if i < 2 else 0.0) for i, share in enumerate(shares)]


def _diverse(worth: Sequence[float], meanings: NDArray[np.float32], most: int) -> list[int]:
    chosen: list[int] = []
    left = list(range(len(worth)))
    while left and len(chosen) < most:
        alike = [max((float(meanings[i] @ meanings[j]) for j in chosen), default=0.0) for i in left]
        scores = [worth[i] - _SAME_AGAIN * like for i, like in zip(left, alike, strict=True)]
        best = max(range(len(left)), key=lambda place: (scores[place], -left[place]))
        chosen.append(left.pop(best))
    return chosen


def _embedded(embed: Embed, texts: Sequence[str]) -> NDArray[np.float32]:
    try:
        return embed([text[:_EMBED_CHARS] for text in texts])
    except InputError:  # many tokens per character
        return embed([text[:_EMBED_CHARS_DENSE] for text in texts])


def _evidence(unit: Unit, worth: float) -> Evidence:
    span = PageSpan(unit.page, unit.start, unit.end)
    return Evidence(unit.hit_index, unit.text, span, min(1.0, max(0.0, worth)))
