"""An answer's sentence and a stretch of a source, each taken apart so that one can be held against the other.

A claim is what must be found: content words, names, numbers with units, codes, negations and the order of words. A
quote is a sentence, row or two neighbours of one page; what the first look does not need is made when it is asked for.
Pure; knows no hit and no index.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from ragedge.answer.facts import UNITS, Facts, Number, claims_of, facts_of, normal
from ragedge.answer.sentences import content_words
from ragedge.answer.stopwords import STOP_WORDS
from ragedge.contracts import Page

MARK = re.compile(
    r"[\[【]\s*(?:(?:sources?|quellen?|fuentes?)[\s:]*)?\d{1,3}(?:\s*[,;&-]\s*\d{1,3})*\s*[\]】]"
    r"|\(\s*(?:sources?|quellen?|fuentes?)[\s:]*\d{1,3}(?:\s*[,;&-]\s*\d{1,3})*\s*\)"
    r"|\(\d(?:\s*[,;&]\s*\d)*\)(?=\s*[.!?]?\s*$)"  # "(12)" within a sentence or a row is a figure
    r"|\b(?:sources?|quellen?|fuentes?)\s+\[?\d{1,3}\]?(?:\s*(?:,|and|und|et|y|&)\s*\d{1,3})*",
    re.IGNORECASE,
)
"""What a model writes to name its sources."""
LIST_MARK = re.compile(
    r"\s*(?:[-*•▪◦‣·–—+]\s+|\(?\d{1,2}[.)]\s+|#{1,6}\s+|(?:step|schritt|étape|paso)\s+\d{1,2}\s*[:.)]\s*)+", re.I
)
"""A list's mark before a sentence, which says nothing about its sources."""
_SOURCE_NOUN = (
    r"(?:manual|document|documentation|text|passage|source|article|report|page|guide|handbook|excerpt|context|file|paper|"
    r"section|policy)s?"
)
_REPORTED = re.compile(
    rf"\s*(?:(?:yes|no|sure|well|answer)\s*[,:.]\s+|(?:the|this|that|these|your|our)\s+(?:\w+\s+)?{_SOURCE_NOUN}\s+(?:also\s+)?"
    r"(?:says?|states?|mentions?|notes?|explains?|shows?|tells?|reports?|describes?|indicates?|specif(?:y|ies)|recommends?)"
    r"(?:\s+(?:that|us|you))*[\s,:]+"
    rf"|(?:according to|as per|based on|as stated in|per|in)\s+(?:the|this|these|your)\s+(?:\w+\s+)?{_SOURCE_NOUN}"
    r"\s*[,:]\s*"
    rf"|as far as (?:the|this)\s+{_SOURCE_NOUN}\s+\w+[\s,:]+"
    r"|(?:i|we)\s+(?:found|see|read|know|can say)\s+that\s+|it\s+(?:says|is (?:stated|said|written))\s+that\s+"
    rf"|(?:laut|nach|gemäß)\s+(?:dem|der|den)\s+\w+[,:]?\s+)",
    re.IGNORECASE,
)
_WORD = re.compile(r"\d+(?:[.,]\d+)*[^\W_]*|[^\W_]+(?:[.'](?=[^\W_])[^\W_]+)*|[.,;:!?()]")
_SPLIT_NOT = re.compile(
    r"\b(do|does|did|is|are|was|were|has|have|had|would|should|could|must|need|might)n['’]t\b", re.I
)
_CAN_NOT = re.compile(r"\b(?:can['’]t|cannot|can not)\b", re.I)
_WILL_NOT = re.compile(r"\bwon['’]t\b", re.I)
_POSSESSIVE = re.compile(r"(?<=[^\W\d_])['’]s\b")
_GERMAN_LIST = """
    der die das den dem und ist sind ein eine wird werden nicht mit von für auf zu im
"""
_GERMAN = frozenset(_GERMAN_LIST.split())
_OPENS = frozenset(("", ".", "!", "?", ":", "•", "*", "|", "-", "#", "..."))  # after these a capital means nothing
BREAKS = frozenset(".,;:!?()")
"""Tokens that end what a negation reaches."""


def tokens_of(text: str) -> tuple[str, ...]:
    """Words and marks in order, case-folded, short negations written out, a possessive s left out."""
    text = _WILL_NOT.sub("will not", _CAN_NOT.sub("can not", _SPLIT_NOT.sub(r"\1 not", text)))
    return tuple(_WORD.findall(_POSSESSIVE.sub("", normal(text))))


def plain_words(text: str) -> tuple[str, ...]:
    """Content words without a digit, each once, in order: what has one is compared as a fact."""
    return tuple(dict.fromkeys(word for word in content_words(text) if not any(c.isdigit() for c in word)))


def capitals_in(text: str) -> frozenset[str]:
    """Case-folded words with a capital within a sentence, as they stand: names, in most languages."""
    found: set[str] = set()
    before = ""
    for match in re.finditer(r"[^\W\d_][\w'’-]*|\d[\w.,]*|[.!?]+(?=\s)|\S", text):
        word = match.group()
        if before not in _OPENS and word[0].isupper() and len(word) > 1:
            found.update(token for token in tokens_of(word) if token not in STOP_WORDS)
        before = word
    return frozenset(found)


@dataclass(frozen=True)
class Claim:
    """A sentence of the answer, `[start, end)`, as what must be found: words, numbers, codes."""

    start: int
    end: int
    text: str
    plain: str
    words: tuple[str, ...]
    numbers: tuple[Number, ...]
    codes: frozenset[str]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to be found: a lone mark."""
        return not (self.words or self.numbers or self.codes)

    @cached_property
    def tokens(self) -> tuple[str, ...]:
        return tokens_of(self.text)

    @cached_property
    def capitals(self) -> frozenset[str]:
        """Names as they stand; none in German, where every noun has a capital."""
        is_german = sum(token in _GERMAN for token in self.tokens) >= 2
        return frozenset() if is_german else capitals_in(self.text)

    @cached_property
    def names(self) -> frozenset[str]:
        """Names among the content words."""
        return frozenset(plain_words(" ".join(self.capitals))) & set(self.words)


def claim_of(text: str, start: int, end: int) -> Claim:
    """The sentence `[start, end)` of an answer, without marks, list signs and "The manual says that"."""
    sentence = MARK.sub(" ", text[start:end])
    sentence = sentence[match.end() :] if (match := LIST_MARK.match(sentence)) else sentence
    told = _REPORTED.sub("", sentence, count=1) if _REPORTED.match(sentence) else sentence
    sentence = told if plain_words(told) else sentence
    numbers, codes = claims_of(sentence)
    units = {number.unit for number in numbers}  # compared with their numbers, not as words
    words = tuple(word for word in plain_words(sentence) if UNITS.get(word, "-") not in units)
    return Claim(start, end, sentence, normal(sentence).strip(" .!?;:,\"'“”*-"), words, numbers, codes)


@dataclass(frozen=True)
class Quote:
    """A stretch `[start, end)` of one page that may support a claim; `parts` are the units that it joins."""

    hit_index: int
    page: Page
    start: int
    end: int
    parts: tuple[Quote, ...] = ()

    @property
    def length(self) -> int:
        return self.end - self.start

    @cached_property
    def text(self) -> str:
        return self.page.text[self.start : self.end]

    @cached_property
    def plain(self) -> str:
        return normal(self.text)

    @cached_property
    def words(self) -> frozenset[str]:
        return frozenset(plain_words(self.text))

    @cached_property
    def facts(self) -> Facts:
        return facts_of(self.text)

    @cached_property
    def tokens(self) -> tuple[str, ...]:
        return tokens_of(self.text)

    @cached_property
    def capitals(self) -> frozenset[str]:
        return capitals_in(self.text)


@dataclass(frozen=True, slots=True)
class Context:
    """What may be understood with any quote of a hit: words of title and headings, words and units of the passage."""

    words: frozenset[str]
    units: frozenset[str]
    passage_words: frozenset[str]


def context_of(names: str, quotes: Sequence[Quote]) -> Context:
    """The context of a hit from its title and headings and from its quotes."""
    units = frozenset(unit for quote in quotes for unit in quote.facts.units)
    passage = frozenset(word for quote in quotes for word in quote.words)
    return Context(frozenset(plain_words(names)), units | facts_of(names).units, passage)


def is_form(word: str, other: str) -> bool:
    """Whether both are forms of one word ("tighten", "tightened"): over three quarters of the longer one in common."""
    if word == other:
        return True
    if len(word) < 5 or word[:5] != other[:5]:
        return False
    same = next((i for i, (a, b) in enumerate(zip(word, other, strict=False)) if a != b), min(len(word), len(other)))
    return same > 0.76 * max(len(word), len(other))  # "contract" and "contrast" share 0.75


def is_content(token: str) -> bool:
    """Whether a token is a word that carries meaning."""
    return token not in STOP_WORDS and token not in BREAKS


def stands_in(part: str, whole: str) -> bool:
    """Whether `part` stands in `whole` letter by letter, from word border to word border."""
    at = whole.find(part) if part else -1
    while at >= 0:
        end = at + len(part)
        if not (at > 0 and whole[at - 1].isalnum()) and not (end < len(whole) and whole[end].isalnum()):
            return True
        at = whole.find(part, at + 1)
    return False
