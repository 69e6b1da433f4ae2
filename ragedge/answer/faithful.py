"""Does a sentence in other words, or in another language, still say what the first one said? Its facts decide.

Every number with its unit and every code must stand in both, and a "not" in both or in neither; a sentence said simpler
is also held against the first by the rules that hold answers against their sources. What cannot be told for sure counts
as lost. Pure; knows no model. A wrong word in another language is not noticed here.
"""

from __future__ import annotations

import re
from typing import Literal

from ragedge.answer.claims import Context, Quote, claim_of
from ragedge.answer.contradiction import objection
from ragedge.answer.facts import NUMBER_WORDS, Number, claims_of, facts_of
from ragedge.contracts import Page

Loss = Literal["empty", "length", "number", "code", "negation", "meaning"]

_MOST_LONGER = 3.0  # times; other languages take up to twice the letters
_MORE_CHARS = 60
_NUMBER_WORD = re.compile(rf"\b(?:{'|'.join(map(re.escape, NUMBER_WORDS))})\b", re.IGNORECASE)
_NEGATIONS_OF = ("en", "de", "fr", "es")
"""Languages whose negations `facts` knows."""
_MEANINGS = frozenset(("negation_flipped", "opposite_word", "order_changed", "date_changed"))


def loss(source: str, said: str, *, language: str | None = None) -> Loss | None:
    """What `said` has lost or added against `source`, or None. `language`: of `said`, where it is a translation."""
    if not said.strip():
        return "empty"
    if len(said) > _MOST_LONGER * len(source) + _MORE_CHARS:
        return "length"
    numbers, codes = claims_of(said)
    there, here = facts_of(source), facts_of(said)
    wanted_numbers, wanted_codes = claims_of(_NUMBER_WORD.sub(" ", source))  # "two" may be said otherwise, "2" not
    if not codes <= there.codes or not wanted_codes <= here.codes:
        return "code"
    if not all(_has(number, there.numbers) for number in numbers):
        return "number"
    if not all(_has(number, here.numbers) for number in wanted_numbers):
        return "number"
    if (language is None or language[:2] in _NEGATIONS_OF) and there.is_negative != here.is_negative:
        return "negation"
    if language is None:
        page = Page(1, None, source, "text")
        quote = Quote(0, page, 0, len(source))
        context = Context(quote.words, quote.facts.units, quote.words)
        if objection(claim_of(said, 0, len(said)), quote, context) in _MEANINGS:
            return "meaning"
    return None


def _has(number: Number, others: tuple[Number, ...]) -> bool:
    return any(number.is_same(other) and number.unit == other.unit for other in others)
