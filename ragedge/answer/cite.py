"""An answer's sentences to citations: each is matched to a sentence or row of the sources by code.

What a model writes about its sources is ignored. A sentence is supported by a quote when every number, unit and code
of it stands in the quote, enough of its words do, and both deny or neither does; what stays below the threshold is
marked as unsupported. Quotes are exact parts of a page. The measure is the share of an answer's words found in the
source (precision of ROUGE-1; Lin, 2004) with hard conditions on facts.
"""

from __future__ import annotations

import itertools
import re
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ragedge.answer.facts import UNITS, Facts, Number, claims_of, facts_of, normal
from ragedge.answer.sentences import content_words, sentence_spans
from ragedge.answer.units import cut
from ragedge.contracts import AnswerSpan, Citation, Hit, Page, PageSpan
from ragedge.errors import NotFound

THRESHOLD = 0.55  # support below it counts as none; above one half, so that a contradiction never passes
_NEGATION_FACTOR = 0.5  # a sentence that denies what its quote states, or the reverse, says something else
_CONTEXT_WEIGHT = 0.5  # of a word that stands in the title or a heading of the quote, not in the quote
_NAME_WEIGHT = 2.0  # of a word with a capital within a sentence: a wrong name is a wrong answer
_PAIR_GAIN = (
    0.1  # support by which two neighbouring units must beat the best single one: short quotes are checked faster
)
_NOT_LITERAL = 0.99  # the most that a quote gets whose letters are not the sentence's
_MAX_SENTENCES = 200  # of an answer; the rest of a longer one is marked as unsupported
_MARK = re.compile(
    r"[\[(【]\s*(?:(?:sources?|quellen?|fuentes?)[\s:]*)?\d{1,3}(?:\s*[,;&-]\s*\d{1,3})*\s*[\])】]"
    r"|\b(?:sources?|quellen?|fuentes?)\s+\[?\d{1,3}\]?(?:\s*(?:,|and|und|et|y|&)\s*\d{1,3})*",
    re.IGNORECASE,
)
_NOT_IN_SOURCES = re.compile(
    r"\b(?:sources?|documents?|passages?|texts?|context|quellen?|dokumente?n?|documentos?|fuentes?)\b.*\b(?:not|n't|no|nothing|"
    r"kein\w*|nicht|nichts|pas|aucune?|ningun\w*)\b|\b(?:not|no|nothing|nicht|nichts|kein\w*|pas|no)\b.*\b(?:sources?|quellen?|"
    r"documents?|dokumente?n?|fuentes?|documentos?)\b",
    re.IGNORECASE,
)
_NAME = re.compile(r"(?<=[^\W_] )[^\W\d_a-zà-öø-ÿ][\w'-]+")  # a capital right after another word
_BUT = re.compile(r"\b(?:but|however|although|aber|jedoch|mais|pero)\b", re.IGNORECASE)

PageOf = Callable[[str, int], Page]


@dataclass(frozen=True, slots=True)
class _Claim:
    """A sentence of the answer, `[start, end)`, as what must be found: words, numbers, codes."""

    start: int
    end: int
    plain: str
    words: tuple[str, ...]
    names: frozenset[str]
    numbers: tuple[Number, ...]
    codes: frozenset[str]
    is_negative: bool


@dataclass(frozen=True, slots=True)
class _Quote:
    """A stretch of one page that may support a claim, prepared for comparing."""

    hit_index: int
    page: Page
    start: int
    end: int
    plain: str
    words: frozenset[str]
    facts: Facts


@dataclass(frozen=True, slots=True)
class _Context:
    """What may be understood with any quote of a hit: words of title and headings, units of the whole passage."""

    words: frozenset[str]
    units: frozenset[str]


def cite(text: str, hits: Sequence[Hit], *, page_of: PageOf) -> tuple[tuple[Citation, ...], tuple[AnswerSpan, ...]]:
    """Citations for the sentences of `text` that a hit supports, and the sentences that none supports.

    Citations are in the order of the answer; a chunk keeps the number of its first use. A sentence without content (a
    lone mark) and one that only says that the sources do not answer are neither. A page that is gone is passed over.
    """
    quotes = [_quotes(index, hit, page_of) for index, hit in enumerate(hits)]
    contexts = [_context(hit, units) for hit, units in zip(hits, quotes, strict=True)]
    citations: list[Citation] = []
    unsupported: list[AnswerSpan] = []
    numbers: dict[str, int] = {}
    for count, (start, end) in enumerate(sentence_spans(text)):
        claim = _claim(text, start, end)
        if not (claim.words or claim.numbers or claim.codes) or _is_refusal(claim):
            continue
        best, support = _best(claim, quotes, contexts) if count < _MAX_SENTENCES else (None, 0.0)
        if best is None or support < THRESHOLD:
            unsupported.append(AnswerSpan(start, end))
            continue
        hit = hits[best.hit_index]
        number = numbers.setdefault(hit.chunk.id, len(numbers) + 1)
        citations.append(_citation(number, hit, best, claim, support))
    return tuple(citations), tuple(unsupported)


def _claim(text: str, start: int, end: int) -> _Claim:
    sentence = _MARK.sub(" ", text[start:end])
    numbers, codes = claims_of(sentence)
    units = {number.unit for number in numbers}  # compared with their numbers, not as words
    words = tuple(word for word in _words(sentence) if UNITS.get(word, "-") not in units)
    names = frozenset(_words(" ".join(_NAME.findall(sentence))))
    is_negative = facts_of(sentence).is_negative
    return _Claim(start, end, normal(sentence).strip(" .!?;:,\"'“”*-"), words, names, numbers, codes, is_negative)


def _words(text: str) -> tuple[str, ...]:
    """Content words without a digit, each once, in order: what has one is compared as a fact."""
    return tuple(dict.fromkeys(word for word in content_words(text) if not any(c.isdigit() for c in word)))


def _is_refusal(claim: _Claim) -> bool:
    has_facts = bool(claim.numbers or claim.codes)
    return not has_facts and _NOT_IN_SOURCES.search(claim.plain) is not None and not _BUT.search(claim.plain)


def _quotes(index: int, hit: Hit, page_of: PageOf) -> list[_Quote]:
    quotes: list[_Quote] = []
    for span in hit.chunk.spans:
        try:
            page = page_of(hit.chunk.document_id, span.page)
        except NotFound:  # removed since it was found
            continue
        for start, end, _ in cut(page, max(0, span.start), min(span.end, len(page.text))):
            if start < end:
                quotes.append(_quote(index, page, start, end))
    return quotes


def _quote(index: int, page: Page, start: int, end: int) -> _Quote:
    text = page.text[start:end]
    return _Quote(index, page, start, end, normal(text), frozenset(_words(text)), facts_of(text))


def _context(hit: Hit, quotes: Sequence[_Quote]) -> _Context:
    names = " ".join((hit.title, *hit.chunk.headings))
    units = frozenset(unit for quote in quotes for unit in quote.facts.units)
    return _Context(frozenset(_words(names)), units | facts_of(names).units)


# ------------------------------------------------------------------------------------------------- matching


def _best(
    claim: _Claim, quotes: Sequence[Sequence[_Quote]], contexts: Sequence[_Context]
) -> tuple[_Quote | None, float]:
    """The quote with the highest support; at a tie the earlier hit, then the shorter quote."""
    best: _Quote | None = None
    top = 0.0
    for units, context in zip(quotes, contexts, strict=True):
        for quote in units:
            support = _support(claim, quote, context)
            is_shorter = best is not None and best.hit_index == quote.hit_index and _length(quote) < _length(best)
            if support > top or (support == top > 0 and is_shorter):
                best, top = quote, support
    pair, paired = _best_pair(claim, quotes, contexts) if top < _NOT_LITERAL else (None, 0.0)
    return (pair, paired) if pair is not None and paired > top + _PAIR_GAIN else (best, top)


def _best_pair(
    claim: _Claim, quotes: Sequence[Sequence[_Quote]], contexts: Sequence[_Context]
) -> tuple[_Quote | None, float]:
    best: _Quote | None = None
    top = 0.0
    for units, context in zip(quotes, contexts, strict=True):
        for first, second in itertools.pairwise(units):
            if first.page is not second.page or first.end > second.start:
                continue
            pair = _Quote(
                first.hit_index,
                first.page,
                first.start,
                second.end,
                f"{first.plain} {second.plain}",
                first.words | second.words,
                first.facts + second.facts,
            )
            support = _support(claim, pair, context)
            if support > top:
                best, top = pair, support
    return best, top


def _support(claim: _Claim, quote: _Quote, context: _Context) -> float:
    """How far `quote` bears out `claim`, in [0, 1]; 0 when a fact of the claim is not in it."""
    if not claim.codes <= quote.facts.codes:
        return 0.0
    if not all(_has_number(number, quote.facts, context) for number in claim.numbers):
        return 0.0
    factor = 1.0 if claim.is_negative == quote.facts.is_negative else _NEGATION_FACTOR
    if _stands_in(claim.plain, quote.plain):
        return factor
    ordered = sorted(quote.words)
    found = total = float(len(claim.numbers) + len(claim.codes))
    for word in claim.words:
        weight = _NAME_WEIGHT if word in claim.names else 1.0
        total += weight
        if _has_word(word, quote.words, ordered):
            found += weight
        elif word in context.words:
            found += weight * _CONTEXT_WEIGHT
    return min(_NOT_LITERAL, found / total) * factor


def _has_number(number: Number, facts: Facts, context: _Context) -> bool:
    """The number with its unit; a bare number in the quote may have its unit elsewhere (a range, a table's head)."""
    for other in facts.numbers:
        if not number.is_same(other):
            continue
        if not number.unit or number.unit == other.unit:
            return True
        if not other.unit and (number.unit in facts.units or number.unit in context.units):
            return True
    return False


def _has_word(word: str, words: frozenset[str], ordered: Sequence[str]) -> bool:
    """The word or another form of it ("tighten", "tightened"): over three quarters of the longer one in common."""
    if word in words:
        return True
    if len(word) < 5:
        return False
    for other in ordered[bisect_left(ordered, word[:5]) :]:
        if not other.startswith(word[:5]):
            return False
        same = next(
            (i for i, (a, b) in enumerate(zip(word, other, strict=False)) if a != b), min(len(word), len(other))
        )
        if same > 0.76 * max(len(word), len(other)):  # "contract" and "contrast" share 0.75
            return True
    return False


def _stands_in(part: str, whole: str) -> bool:
    """Whether `part` stands in `whole` letter by letter, from word border to word border."""
    at = whole.find(part) if part else -1
    while at >= 0:
        end = at + len(part)
        if not (at > 0 and whole[at - 1].isalnum()) and not (end < len(whole) and whole[end].isalnum()):
            return True
        at = whole.find(part, at + 1)
    return False


def _length(quote: _Quote) -> int:
    return quote.end - quote.start


def _citation(number: int, hit: Hit, quote: _Quote, claim: _Claim, support: float) -> Citation:
    chunk = hit.chunk
    return Citation(
        number=number,
        chunk_id=chunk.id,
        document_id=chunk.document_id,
        document_path=chunk.document_path,
        title=hit.title,
        pages=tuple(sorted({span.page for span in chunk.spans})),
        page_label=quote.page.label,
        span=PageSpan(quote.page.number, quote.start, quote.end),
        quote=quote.page.text[quote.start : quote.end],
        answer_start=claim.start,
        answer_end=claim.end,
        support=round(support, 4),
    )
