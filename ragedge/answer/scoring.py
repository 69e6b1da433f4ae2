"""How well does a unit of a passage answer a question? Features that are cheap, and a logistic score over them.

Words count by their rarity in the index; context (the heading, the line before, the whole passage) counts apart from
the unit itself. Pure; vectors are the caller's business. The weights are fitted by `tools/fit_gate.py`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass

import numpy as np
from numpy.typing import NDArray

from ragedge.answer.asks import Kind, could_answer, kind_of
from ragedge.answer.identifiers import find_identifiers, stands_in
from ragedge.answer.sentences import content_words
from ragedge.answer.units import Unit
from ragedge.contracts import Hit

Rarity = Callable[[Sequence[str]], Mapping[str, float]]

COSINE = 2  # column of `unit_features` that holds a stand-in until the units are embedded
_MIN_WORDS = 2  # content words; a sentence with fewer is a fragment


@dataclass(frozen=True, slots=True)
class EvidenceWeights:
    """Weights of the logistic score, one per feature of `unit_features`, then the bias."""

    coverage: float = 2.6
    passage_coverage: float = 1.4
    cosine: float = 5.0
    passage_cosine: float = 1.0
    rank: float = 1.2
    kind: float = 0.8
    fragment: float = -1.5
    bias: float = -6.2


DEFAULT_WEIGHTS = EvidenceWeights()


@dataclass(frozen=True, slots=True)
class Asked:
    """The question, taken apart once."""

    text: str
    kind: Kind
    weights: Mapping[str, float]
    identifiers: tuple[str, ...]


def take_apart(question: str, rarity: Rarity) -> Asked:
    """The question's kind, identifiers and words with their weights."""
    words = list(dict.fromkeys(content_words(question)))
    known = rarity(words) if words else {}
    weights = {_stem(word): max(0.0, float(known.get(word, 1.0))) for word in words}
    return Asked(question, kind_of(question), weights, find_identifiers(question))


def unit_features(asked: Asked, units: Sequence[Unit], hits: Sequence[Hit]) -> NDArray[np.float64]:
    """One row per unit in the order of `EvidenceWeights`, bias included as 1; column 2 holds the passage's cosine."""
    rows = np.zeros((len(units), 8))
    bags = [{_stem(word) for word in content_words(unit.text)} for unit in units]
    passages = [_passage_words(hit) for hit in hits]
    for i, unit in enumerate(units):
        hit = hits[unit.hit_index]
        near = bags[i].union(_stem(w) for h in hit.chunk.headings[-1:] for w in content_words(h))
        if i and units[i - 1].hit_index == unit.hit_index:
            near |= bags[i - 1]
        own = _coverage(asked, bags[i])
        rows[i] = (
            0.7 * own + 0.3 * _coverage(asked, near),
            _coverage(asked, passages[unit.hit_index]),
            hit.cosine or 0.0,
            hit.cosine or 0.0,
            1.0 / (1.0 + unit.hit_index),
            could_answer(asked.kind, unit.text, asked.text),
            unit.kind == "text" and len(bags[i]) < _MIN_WORDS,
            1.0,
        )
        if asked.identifiers:
            rows[i, 0] += 0.5 * sum(stands_in(name, unit.text) for name in asked.identifiers) / len(asked.identifiers)
    return rows


def score_units(features: NDArray[np.float64], weights: EvidenceWeights) -> NDArray[np.float64]:
    """Scores in (0, 1), one per row of features."""
    scores: NDArray[np.float64] = 1.0 / (1.0 + np.exp(-(features @ np.asarray(astuple(weights)))))
    return scores


def _passage_words(hit: Hit) -> set[str]:
    text = "\n".join((hit.title, *hit.chunk.headings, hit.chunk.text))
    return {_stem(word) for word in content_words(text)}


def _coverage(asked: Asked, words: set[str]) -> float:
    """Share of the question's weight that `words` hold; 0 where the question has no content words."""
    total = math.fsum(asked.weights.values())
    if total <= 0:
        return 0.0
    return math.fsum(weight for word, weight in asked.weights.items() if word in words) / total


def _stem(word: str) -> str:
    """A word without the commonest English verb and adverb endings, so that "stacking" meets "stack"."""
    if len(word) < 6 or not word.isalpha():
        return word[:-1] if len(word) > 3 and word.endswith("e") and word.isalpha() else word
    for ending in ("ing", "edly", "ed", "ly", "er"):
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            word = word[: -len(ending)]
            break
    if len(word) > 4 and word[-1] == word[-2]:  # "stopp", "runn"
        word = word[:-1]
    return word[:-1] if word.endswith(("e", "y", "i")) else word
