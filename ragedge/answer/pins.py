"""What a question pins down: the words, names and numbers that its answer has to be about, each with its weight.

A question near the topic of some documents shares all of its words with them but one, and that one decides: the model
of a pump, the year, the attribute that nobody wrote down. Words that only carry a question ("tell", "need", "way") pin
down nothing. Pure; knows no passage.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ragedge.answer.scoring import Asked, stem
from ragedge.answer.sentences import content_words

PinKind = Literal["word", "name", "number"]

MAX_PINS = 12  # of one question; the rarest ones
_LEAST_WEIGHT = 0.12  # rarity; a word that stands in every second passage pins down nothing
_CARRIERS_TEXT = """
    able actually answer anybody anyone anything ask asked begin believe bit called come consider contain correct
    decide definition describe different does doing done exactly exist explain find found forgot get getting give given
    go going gone good got happen happened happens hear heard help idea important include information instead interested
    involve involved kind know known learn let like list long look lot make makes many matter mean means mention
    mentioned much name named need needed number occur one option people person place please point possible prefer
    question quick read really reason refer regarding related right said say says see seen set show since somebody
    someone something sort stand state stated step sure take taken talk tell thing think time try two type use used
    using usually want way well went wonder wondering word work would write wrote year
    bitte brauche eigentlich erzähl finde frage gerne genau heißt hilfe machen mache möchte sag sagen stimmt wissen
    chose combien dire dit faire faut moi question savoir trouver veux voudrais
    cosa decir dice favor hacer necesito pregunta quiero quisiera saber
"""
_CARRIERS = frozenset(stem(word) for word in content_words(_CARRIERS_TEXT))
_CAPITAL = re.compile(r"(?<![.!?:] )(?<!^)\b[A-ZÀ-Þ][\w'’-]*")
_WORD = re.compile(r"[\w'’./-]*\w")


@dataclass(frozen=True, slots=True)
class Pin:
    """One thing that is pinned down: `text` as the question has it, `key` as a stem, `weight` in [0, 1] by rarity."""

    text: str
    key: str
    weight: float
    kind: PinKind


def pins_of(asked: Asked) -> tuple[Pin, ...]:
    """The pins of a question, rarest first, at most `MAX_PINS`."""
    names = {stem(word) for match in _CAPITAL.finditer(asked.text) for word in content_words(match.group())}
    shown = dict(_surfaces(asked.text))
    pins = []
    for key, weight in asked.weights.items():
        is_number = any(c.isdigit() for c in key)
        if key in _CARRIERS or (weight < _LEAST_WEIGHT and not is_number):
            continue
        kind: PinKind = "number" if is_number else "name" if key in names else "word"
        pins.append(Pin(shown.get(key, key), key, min(1.0, weight), kind))
    return tuple(sorted(pins, key=lambda pin: (-pin.weight, pin.key))[:MAX_PINS])


def _surfaces(text: str) -> Iterator[tuple[str, str]]:
    """(stem, word as written), later ones first, so that a dict keeps the first."""
    for match in reversed(list(_WORD.finditer(text))):
        for word in content_words(match.group()):
            yield stem(word), match.group()
