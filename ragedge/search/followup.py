"""A question that leans on the conversation to one that stands alone; by rules, without a model.

"And how is it cleaned?" after "Where is the intake filter?" is searched as both together. A question leans where it
begins as a continuation ("and", "what about"), where a pronoun in it points outside of it, or where next to nothing is
left of it without function words. Whatever names enough itself is left as it is. English, German, French, Spanish.
Pure; never fails.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ragedge.answer.identifiers import find_identifiers
from ragedge.answer.stopwords import STOP_WORDS
from ragedge.contracts import Turn

MAX_CHARS = 400  # of a completed question: beyond it the topic drowns the question
_MAX_TURNS = 4  # looked back through; older topics are no longer meant
_SHORT_ANSWER_WORDS = 12  # an answer up to this length is a name or figure that "he" or "it" may mean
_POINTING_WORDS = 4  # content words up to which a pronoun points outside; a longer question names its own topic
_CONTINUING_WORDS = 6  # content words up to which a continuation needs what it continues
_BARE_WORDS = 1  # content words up to which a question without identifiers says too little alone

_CONTINUES = re.compile(
    r"(?:and|or|but|so|then|also|what about|how about|what if|what else|why not|same for|und|oder|aber|auch|dann|"
    r"was ist mit|wie ist es|wie steht es|et|mais|puis|aussi|qu['’]en est-il|y|e|pero|también|qué hay|y qué)\b",
    re.I,
)
_POINTING = """
    it its itself they them their theirs he him his she her hers this that these those there one ones former latter
    es ihn ihm ihr ihre ihrem ihren ihrer sie er dessen deren dieser dieses diese diesem diesen dort davon dafür damit
    dazu darin daran il elle ils elles celui celle ceux celles cela ça leur lui ello ella ellos ellas él esto eso este
    esta estos estas ese esa esos esas
"""
_POINTS = frozenset(_POINTING.split())
_SAME_SENTENCE = re.compile(
    r"\b(?:there\s+(?:is|are|was|were|any)|(?:is|are|was|were)\s+there|es\s+gibt|gibt\s+es)\b", re.I
)
_NAME_INSIDE = re.compile(r"(?<=[^\W_] )(?!I\b)[A-ZÀ-Þ][^\W_]+")
_WORD = re.compile(r"[^\W_]+")


def self_contained(text: str, history: Sequence[Turn]) -> str:
    """`text`, with the question it leans on before it where it cannot stand alone."""
    if not history or not leans(text):
        return text
    context = _topic(history[-_MAX_TURNS:])
    room = MAX_CHARS - len(text) - 1
    if not context or room < 20:
        return text
    return f"{_cut(context, room)} {text}"


def leans(text: str) -> bool:
    """Whether a question needs what was said before it."""
    content = _content_words(text)
    if find_identifiers(text):
        return bool(_CONTINUES.match(text.strip())) and len(content) <= 2
    if _CONTINUES.match(text.strip()):
        return len(content) <= _CONTINUING_WORDS
    words = [word.casefold() for word in _WORD.findall(_SAME_SENTENCE.sub(" ", text))]
    pairs = zip(["", *words], words, strict=False)
    # "that" behind a noun begins a clause ("the clock that stands there"); a name inside is what the pronoun means.
    points = any(word in _POINTS and (word != "that" or before in STOP_WORDS) for before, word in pairs)
    if points and not _NAME_INSIDE.search(text):
        return len(content) <= _POINTING_WORDS
    return len(content) <= _BARE_WORDS


def _topic(history: Sequence[Turn]) -> str:
    """The last question that stands alone, those after it that lean on it, and the last answer if it is a short one."""
    parts: list[str] = []
    for turn in reversed(history):
        asked = " ".join(turn.question.split())
        if not asked:
            continue
        parts.insert(0, asked)
        if not leans(asked):
            break
    answer = " ".join(history[-1].answer.split())
    if answer and len(answer.split()) <= _SHORT_ANSWER_WORDS:
        parts.append(answer)
    return " ".join(parts)


def _content_words(text: str) -> list[str]:
    words = [word.casefold() for word in _WORD.findall(text)]
    return [word for word in words if word not in STOP_WORDS and word not in _POINTS and len(word) > 1]


def _cut(text: str, room: int) -> str:
    """The end of `text`, from the start of a word."""
    if len(text) <= room:
        return text
    return text[-room:].partition(" ")[2]
