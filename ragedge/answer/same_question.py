"""Whether two questions ask the same, by their words alone: careful rules, no model, no embedding.

What may differ is what cannot change the answer: case, marks, plurals, articles and a few empty words, the order of the
words where no other word depends on it, and one mistyped word. Numbers, codes, single letters ("valve B"), negations
and every other small word ("before", "without", "off", "who") must be the same. In doubt two questions are different:
a reviewed answer to another question is worse than none. The typing errors are those of Damerau (1964).
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from ragedge.answer.facts import Number, facts_of, normal
from ragedge.answer.sentences import content_words

MIN_TYPO_CHARS = 5  # letters; below that one letter makes another word ("left", "lift")

# Words without which a question asks the same. All other stop words count: "when", "not", "before", "his", "was".
# Words that mean something in another language ("was", "son", "bin", "man") are left out.
_EMPTY_WORDS = """
    a an the is are am be been do does i we you one my our your me us of for at in this that these those it its there
    here what which to please tell know and
    der die das dem den des ein eine einer eines einem einen ist sind es ich wir mein meine unser für am im in
    zu zum zur welche welcher welches welchen hier da bitte und
    le la les l un une des du de d est ce cet cette je nous on mon ma mes au aux quel quelle quels quelles et
    el los las una unos unas del al es yo mi mis que qué cual cuál cuales cuáles y
"""
_HOW_WORDS = "how where wie wo comment où cómo dónde"
_MODAL_WORDS = "can could should kann können soll sollte muss muß puedo debo puis dois"  # empty behind a how-word
# Where one of these stands, the order of the words is part of the question.
_ORDERING_WORDS = """
    from to than into onto by before after with without not never no nor but over under against between if or instead
    von nach als vor mit ohne nicht nie kein keine aber über unter gegen zwischen wenn oder statt durch
    à par avant après avec sans pas ne jamais mais sous contre entre si ou
    por antes después con sin nunca pero sobre bajo contra entre si
"""
_EMPTY, _HOW, _MODALS, _ORDERING = (
    frozenset(words.casefold().split()) for words in (_EMPTY_WORDS, _HOW_WORDS, _MODAL_WORDS, _ORDERING_WORDS)
)
_ASKS_YES_OR_NO = re.compile(
    r"(?:is|are|was|were|do|does|did|can|could|may|must|should|will|would|has|have|had|ist|sind|war|darf|kann|muss|soll"
    r"|gibt|hat|haben|est|peut|es|son|puede|hay)\b"
)
_ELISION = re.compile(r"(?<=\w)['’](?:s|t|d|m|ll|re|ve)\b|\b(?:l|d|qu|n|s|c|j|m|t)['’](?=\w)", re.IGNORECASE)
_EDGE_MARKS = " \t?!.…:;,¿¡\"'“”„«»"
_CODE_JOINT = re.compile(r"(?<=[^\W\d_])-(?=\d)")


@dataclass(frozen=True, slots=True)
class Asked:
    """A question in the form in which it is compared; `words` in order, `numbers` and `codes` sorted."""

    plain: str
    words: tuple[str, ...]
    numbers: tuple[Number, ...]
    codes: frozenset[str]
    is_negative: bool
    is_ordered: bool

    @property
    def key(self) -> tuple[int, tuple[Number, ...], frozenset[str], bool]:
        """What two questions must share before their words are even compared."""
        return len(self.words), self.numbers, self.codes, self.is_negative

    @property
    def bag(self) -> tuple[str, ...]:
        """The words without their order."""
        return tuple(sorted(self.words))


def asked(text: str) -> Asked:
    """Take a question apart."""
    bare = _ELISION.sub(" ", unicodedata.normalize("NFKC", text))
    plain = normal(text).strip(_EDGE_MARKS)
    facts = facts_of(plain)
    every = set(content_words(bare, dropped=frozenset()))
    dropped = _EMPTY | (_MODALS if every & _HOW else frozenset())
    words = tuple(_CODE_JOINT.sub("", word) for word in content_words(bare, dropped=dropped))
    is_ordered = bool(every & _ORDERING) or _ASKS_YES_OR_NO.match(plain) is not None
    return Asked(
        plain,
        words + _letters(bare),
        tuple(sorted(facts.numbers, key=lambda n: (n.value, n.unit, n.grouped_by))),
        frozenset(code for code in facts.codes if not code.isdigit()),
        facts.is_negative,
        is_ordered,
    )


def is_same_question(one: Asked, other: Asked, is_known: Callable[[str], bool]) -> bool:
    """Whether `one`, as a person typed it, asks what `other`, as a curator wrote it, asks.

    `is_known` says whether a word stands in the documents: such a word is no typing error of another one.
    """
    if one.plain == other.plain:
        return bool(one.plain)
    if not one.words or one.key != other.key:
        return False
    if one.is_ordered or other.is_ordered:
        pairs = [(a, b) for a, b in zip(one.words, other.words, strict=True) if a != b]
    else:
        mine, theirs = Counter(one.words), Counter(other.words)
        pairs = list(zip((mine - theirs).elements(), (theirs - mine).elements(), strict=True))
    return not pairs or (len(pairs) == 1 and _is_typo(*pairs[0]) and not is_known(pairs[0][0]))


def _letters(text: str) -> tuple[str, ...]:
    """Single letters that are names ("valve A", "type I"), which would else be read as small words."""
    if text.isupper():
        return ()
    found: list[str] = []
    tokens = re.findall(r"\w+", text)
    for place, token in enumerate(tokens):
        is_last = place == len(tokens) - 1
        is_name = token.isupper() and place > 0 and (token != "I" or is_last)
        if len(token) == 1 and token.isalpha() and token.casefold() in _EMPTY | {"i"} and is_name:
            found.append(f"letter {token}")
    return tuple(found)


def _is_typo(typed: str, meant: str) -> bool:
    """Whether one letter too many, too few, wrong or two swapped lie between two words; the first letter is right.

    A wrong first letter is rare, and "a-" or "un-" in front makes the opposite.
    """
    if min(len(typed), len(meant)) < MIN_TYPO_CHARS or typed[0] != meant[0]:
        return False
    if not (typed.isalpha() and meant.isalpha()):
        return False
    if len(typed) > len(meant):
        typed, meant = meant, typed
    start = next((i for i, (a, b) in enumerate(zip(typed, meant, strict=False)) if a != b), len(typed))
    if len(typed) < len(meant):
        return typed[start:] == meant[start + 1 :]
    if typed[start + 1 :] == meant[start + 1 :]:
        return True
    return typed[start : start + 2] == meant[start : start + 2][::-1] and typed[start + 2 :] == meant[start + 2 :]
