"""Does a quote speak against a claim? The first reason why it cannot be its source, or none.

Checked are facts (numbers with units, codes, dates), names, negations, pairs of opposites in the same place, and the
order of names and numbers: if the claim with two of them exchanged reads more like the quote than the claim itself,
they are in the wrong place. All by rule; a false statement in words of its own is not noticed here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import combinations, pairwise

from ragedge.answer.claims import BREAKS, Claim, Context, Quote, is_content, is_form, stands_in
from ragedge.answer.denial import is_denied, is_denied_by_prefix, is_negative
from ragedge.answer.facts import Facts, Number, facts_of
from ragedge.answer.opposites import AMBIGUOUS_CALENDAR, date_of, opposites_of, stem
from ragedge.contracts import Objection

_PRONOUNS_LIST = """
    he she it they his her hers its their theirs him them this these that those we i you
"""
_PRONOUNS = frozenset(_PRONOUNS_LIST.split())
_EXCHANGE_GAIN = 2  # neighbours that an exchange must put right: one is chance
_EXCHANGED = 4  # words of a stretch that stands in another's place; a longer one is a way to put it
_MAX_PLACES = 10  # names and numbers of a claim whose places are compared
_LIGHT_LIST = """
    use make made give gave take took keep kept get got help show need put go went come came do hold held
"""
_LIGHT = frozenset(stem(word) for word in _LIGHT_LIST.split())
"""Stems of verbs that mean little alone: their vectors are near to nothing, also not to their synonyms."""
_JOINTS_LIST = """
    and or und oder et ou y o as well both the a , & to with
"""
_JOINTS = frozenset(_JOINTS_LIST.split())


def objection(claim: Claim, quote: Quote, context: Context) -> Objection | None:
    """Why `quote` does not bear out `claim`, or None where nothing speaks against it."""
    is_literal = stands_in(claim.plain, quote.plain)
    if not is_literal and not claim.codes <= quote.facts.codes:
        return "code_missing"
    if not is_literal and any(not _has_number(number, quote.facts, context) for number in claim.numbers):
        return "number_missing"
    if is_denied(claim.tokens, quote.tokens):
        return "negation_flipped"
    if is_literal:
        return None
    if _has_other_date(claim, quote, context):
        return "date_changed"
    if _is_turned_round(claim.tokens, quote.tokens):
        return "opposite_word"
    if _misses_name(claim, quote, context):
        return "name_missing"
    if is_exchanged(claim, quote):
        return "order_changed"
    return next((reason for part in quote.parts or (quote,) if (reason := _exchanged_word(claim, part))), None)


def _exchanged_word(claim: Claim, quote: Quote) -> Objection | None:
    """What stands in a claim in the very place where the quote, with the same words around, has something else."""
    for mine, theirs, is_between in _exchanges(claim, quote):
        is_opposite = any(stem(other) in opposites_of(stem(word)) for word in mine for other in theirs)
        if is_negative(mine) != is_negative(theirs):
            if is_between and not is_opposite and not _has_prefix(mine, theirs):
                return "negation_flipped"
        elif is_opposite:
            return "opposite_word"
        if not mine or not theirs:
            continue
        if any(token in claim.capitals for token in mine) and not _is_named(mine, theirs):
            return "name_missing"
        there = facts_of(" ".join(theirs)).numbers
        other = [n for n in facts_of(" ".join(mine)).numbers if there and not any(n.is_same(o) for o in there)]
        if other:
            stands = all(any(n.is_same(o) for o in quote.facts.numbers) for n in other)
            return "order_changed" if stands else "number_missing"
    return None


def exchanged_words(claim: Claim, quote: Quote) -> list[tuple[str, str]]:
    """Pairs of single content words, the claim's and the quote's, that stand in each other's place: synonyms or not."""
    pairs: list[tuple[str, str]] = []
    for part in quote.parts or (quote,):
        for mine, theirs, is_between in _exchanges(claim, part):
            one, other = ([token for token in tokens if is_content(token)] for tokens in (mine, theirs))
            if not is_between or len(one) != 1 or len(other) != 1 or is_form(one[0], other[0]):
                continue
            is_word = one[0].isalpha() and other[0].isalpha() and one[0] not in quote.tokens
            if is_word and not _LIGHT & {stem(one[0]), stem(other[0])}:
                pairs.append((one[0], other[0]))
    return pairs


def _exchanges(claim: Claim, quote: Quote) -> Iterator[tuple[list[str], list[str], bool]]:
    """Short stretches in which both differ while the words around are the same, and whether on both sides."""
    said = [token for token in claim.tokens if token not in BREAKS]
    stands = [token for token in quote.tokens if token not in BREAKS]
    for kind, a, b, c, d in SequenceMatcher(None, said, stands, autojunk=False).get_opcodes():
        if kind != "equal" and b - a <= _EXCHANGED and d - c <= _EXCHANGED:
            yield said[a:b], stands[c:d], a > 0 and b < len(said) and c > 0 and d < len(stands)


def _has_prefix(mine: Sequence[str], theirs: Sequence[str]) -> bool:
    """ "not safe" for "unsafe", either way."""
    return is_denied_by_prefix(mine, theirs) or is_denied_by_prefix(theirs, mine)


def _is_named(mine: Sequence[str], theirs: Sequence[str]) -> bool:
    """Whether the words of a claim may name what the quote names in that place: by a word in common, or a pronoun."""
    if all(not is_content(token) for token in theirs) or _PRONOUNS & {*theirs}:
        return True
    if any(_is_short_for(token, theirs) for token in mine):
        return True
    return any(is_form(word, other) for word in mine for other in theirs if is_content(other))


# ------------------------------------------------------------------------------------------------- facts and names


def _has_number(number: Number, facts: Facts, context: Context) -> bool:
    """The number with its unit; a bare number in the quote may have its unit elsewhere (a range, a table's head)."""
    for other in facts.numbers:
        if not number.is_same(other):
            continue
        if not number.unit or number.unit == other.unit:
            return True
        if not other.unit and (number.unit in facts.units or number.unit in context.units):
            return True
    return False


def _has_other_date(claim: Claim, quote: Quote, context: Context) -> bool:
    wanted = _dates(claim.tokens, claim.names)
    if not wanted:
        return False
    there = {date_of(token) for token in (*quote.tokens, *context.words)}
    return not wanted <= there


def _dates(tokens: Sequence[str], names: frozenset[str]) -> set[str]:
    found = set[str]()
    for i, token in enumerate(tokens):
        date = date_of(token)
        if date is None:
            continue
        is_near_number = any(t[:1].isdigit() for t in tokens[max(0, i - 1) : i + 2])
        if token not in AMBIGUOUS_CALENDAR or is_near_number or token in names:
            found.add(date)
    return found


def _misses_name(claim: Claim, quote: Quote, context: Context) -> bool:
    """Whether a name of the claim stands neither in the quote nor where it may be understood from.

    A name may be understood from title and headings, and from the passage where the quote has a pronoun in its stead.
    """
    missing = [name for name in claim.names if date_of(name) is None and not _stands(name, quote.words)]
    missing = [name for name in missing if not _stands(name, context.words) and not _is_short_for(name, quote.tokens)]
    if not missing:
        return False
    spared = [t for t in quote.tokens if t in _PRONOUNS and t not in claim.tokens]
    return not spared or any(not _stands(name, context.passage_words) for name in missing)


def _stands(word: str, words: frozenset[str]) -> bool:
    return word in words or any(is_form(word, other) for other in words)


def _is_short_for(name: str, tokens: Sequence[str]) -> bool:
    """ "USA" for "United States of America": the first letters of words in a row, small words left out or not."""
    firsts = "".join(token[0] for token in tokens if token not in BREAKS)
    shorter = "".join(token[0] for token in tokens if is_content(token))
    return 3 <= len(name) <= 6 and (name in firsts or name in shorter)


# ------------------------------------------------------------------------------------------------- opposites, order


def _is_turned_round(claim: Sequence[str], quote: Sequence[str]) -> bool:
    """Whether a word of the claim stands where the quote has its opposite."""
    said, stands = [stem(token) for token in claim], [stem(token) for token in quote]
    for i, word in enumerate(said):
        for other in opposites_of(word):
            if stands.count(other) <= said.count(other) or said.count(word) <= stands.count(word):
                continue
            for j in (j for j, token in enumerate(stands) if token == other):
                is_denied_once = is_negative(claim[max(0, i - 2) : i]) != is_negative(quote[max(0, j - 2) : j])
                if _is_same_place(said, i, stands, j) and not is_denied_once:
                    return True
    return False


def _is_same_place(one: Sequence[str], i: int, other: Sequence[str], j: int) -> bool:
    """Whether both have the same neighbour on one side."""
    before = one[i - 1] if i else "^"
    after = one[i + 1] if i + 1 < len(one) else "$"
    return before == (other[j - 1] if j else "^") or after == (other[j + 1] if j + 1 < len(other) else "$")


def is_exchanged(claim: Claim, quote: Quote) -> bool:
    """Whether two names or numbers of the claim stand in each other's place, as the quote has them."""
    tokens = [token for token in claim.tokens if token not in BREAKS]
    places = _places(tokens, claim, quote)
    if len(places) < 2:
        return False
    there = _neighbours([token for token in quote.tokens if token not in BREAKS])
    as_said = sum(pair in there for pair in _neighbours(tokens))
    for (a, b), (c, d) in combinations(places, 2):
        if tokens[a:b] == tokens[c:d] or all(token in _JOINTS for token in tokens[b:c]):
            continue
        turned = [*tokens[:a], *tokens[c:d], *tokens[b:c], *tokens[a:b], *tokens[d:]]
        if sum(pair in there for pair in _neighbours(turned)) >= as_said + _EXCHANGE_GAIN:
            return True
    return False


def _places(tokens: Sequence[str], claim: Claim, quote: Quote) -> list[tuple[int, int]]:
    """Spans of the names and numbers of the claim that stand in the quote, too; neighbouring names are one."""
    names = claim.capitals | quote.capitals
    spans: list[tuple[int, int]] = []
    there = set(quote.tokens)
    for i, token in enumerate(tokens):
        if token not in there:
            continue
        if re.search(r"\d", token):
            spans.append((i, i + 1))
        elif token in names:
            if spans and spans[-1][1] == i and not re.search(r"\d", tokens[i - 1]):
                spans[-1] = (spans[-1][0], i + 1)
            else:
                spans.append((i, i + 1))
    return spans[:_MAX_PLACES]


def _neighbours(tokens: Sequence[str]) -> set[tuple[str, str]]:
    padded = ["^", *tokens, "$"]
    return set(pairwise(padded))
