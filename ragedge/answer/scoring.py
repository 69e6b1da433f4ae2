"""How well does a unit of a passage answer a question? Features that are cheap, and a logistic score over them.

Words count by their rarity in the index; context (headings, the whole passage) counts apart from
the unit itself. Pure; vectors are the caller's business. The weights are fitted by `tests/recipes/fit_reader.py`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass, fields

import numpy as np
from numpy.typing import NDArray

from ragedge.answer.asks import Kind, could_answer, field_fits, kind_of
from ragedge.answer.identifiers import find_identifiers, stands_in
from ragedge.answer.rows import Numbers, key_fits, numbers_of, range_holds
from ragedge.answer.sentences import content_words
from ragedge.answer.units import Unit
from ragedge.contracts import Hit

Rarity = Callable[[Sequence[str]], Mapping[str, float]]

PASSAGE_COVERAGE = 2  # column of `unit_features`
READ_SPAN = 11  # column of `unit_features` that holds 0 until an evidence model has read
COSINE = 3  # column of `unit_features` that holds a stand-in until the units are embedded
EMBED_CHARS = 240  # of a unit, about 60 tokens; what comes later in a sentence rarely decides, and costs as much
_PREFERRED_GAIN = 1.0  # log-odds; what is so near to the best is shown as a second quote, too: hardly better or worse
_PROCEDURE_GAIN = 12.0  # log-odds; steps share few words with the question that their heading answers


@dataclass(frozen=True, slots=True)
class EvidenceWeights:
    """Weights of the logistic score, one per feature of `unit_features`, then the bias.

    Fitted listwise on 481 questions, all eleven files weighing the same: articles of SQuAD that no model was trained
    on, both files of questions of each sample corpus, and every second question of four evaluation cases (survival,
    handbook, museum, irm). `tests/recipes/fit_reader.py` printed them.
    """

    coverage: float = 1.12
    new_coverage: float = 2.37
    passage_coverage: float = 1.53
    cosine: float = 4.43
    passage_cosine: float = 2.4
    rank: float = 1.58
    kind: float = 1.59
    field: float = 0.81
    novelty: float = 1.24
    key: float = 3.83
    range: float = 2.02
    read_span: float = 0.0
    bias: float = -7.54


DEFAULT_WEIGHTS = EvidenceWeights()
"""Where no evidence model reads: what marks passages at once, and chooses what is read."""

READ_WEIGHTS = EvidenceWeights(
    coverage=0.46, new_coverage=2.02, passage_coverage=0.84, cosine=4.41, passage_cosine=2.65, rank=1.7, kind=1.15,
    field=0.73, novelty=0.84, key=4.64, range=2.88, read_span=0.68, bias=-4.71,
)  # fmt: skip
"""Where the evidence model has read."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The question, taken apart once."""

    text: str
    kind: Kind
    weights: Mapping[str, float]
    identifiers: tuple[str, ...]
    numbers: Numbers


def take_apart(question: str, rarity: Rarity) -> Asked:
    """The question's kind, identifiers and words with their weights."""
    words = list(dict.fromkeys(content_words(question)))
    known = rarity(words) if words else {}
    weights = {stem(word): max(0.0, float(known.get(word, 1.0))) for word in words}
    return Asked(question, kind_of(question), weights, find_identifiers(question), numbers_of(question))


def unit_features(asked: Asked, units: Sequence[Unit], hits: Sequence[Hit]) -> NDArray[np.float64]:
    """One row per unit in the order of `EvidenceWeights`, bias included as 1; column `COSINE` holds the passage's.

    `coverage`: share of the question's words in the unit and, less, in the unit with title and headings;
    `new_coverage`: the same of the words that title and headings do not hold, because those only name the subject;
    `novelty`: whether the unit has a word that neither question nor title have; `key`, `range`: as of `rows.py`.
    """
    rows = np.zeros((len(units), len(fields(EvidenceWeights))))
    bags = [bag_of(unit.text) for unit in units]
    above = [bag_of("\n".join((hit.title, *hit.chunk.headings))) for hit in hits]
    passages = [set(words) for words in above]
    for unit, bag in zip(units, bags, strict=True):
        passages[unit.hit_index] |= bag
    for i, unit in enumerate(units):
        hit, known = hits[unit.hit_index], above[unit.hit_index]
        own = coverage_of(asked.weights, bags[i])
        if asked.identifiers:
            own += 0.5 * sum(stands_in(name, unit.text) for name in asked.identifiers) / len(asked.identifiers)
        rest = {word: weight for word, weight in asked.weights.items() if word not in known}
        rows[i] = (
            0.7 * own + 0.3 * coverage_of(asked.weights, bags[i] | known),
            coverage_of(rest, bags[i]),
            coverage_of(asked.weights, passages[unit.hit_index]),
            hit.cosine or 0.0,
            hit.cosine or 0.0,
            1.0 / (1.0 + unit.hit_index),
            could_answer(asked.kind, unit.text, asked.text),
            field_fits(asked.kind, unit.text, asked.text),
            bool(bags[i].difference(asked.weights, known)),
            key_fits(asked.numbers, unit.text),
            range_holds(asked.numbers, unit.text),
            0.0,
            1.0,
        )
    return rows


def score_units(features: NDArray[np.float64], weights: EvidenceWeights) -> NDArray[np.float64]:
    """Scores in (0, 1), one per row of features."""
    scores: NDArray[np.float64] = 1.0 / (1.0 + np.exp(-(features @ np.asarray(astuple(weights)))))
    return scores


def best_first(scores: NDArray[np.float64], is_preferred: Sequence[bool], is_procedure: Sequence[bool]) -> list[int]:
    """The rows in the order of their scores; what is preferred goes before what is hardly better.

    The procedure that a how-to question names goes before what only mentions it.
    """
    if not any(is_preferred) and not any(is_procedure):
        return sorted(range(len(scores)), key=lambda i: (-scores[i], i))
    bounded = np.clip(scores, 1e-9, 1 - 1e-9)
    gains = _PREFERRED_GAIN * np.asarray(is_preferred) + _PROCEDURE_GAIN * np.asarray(is_procedure)
    wanted = np.log(bounded / (1 - bounded)) + gains
    return sorted(range(len(scores)), key=lambda i: (-wanted[i], i))


def bag_of(text: str) -> set[str]:
    """The stems of the content words of `text`."""
    return {stem(word) for word in content_words(text)}


def stem(word: str) -> str:
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


def coverage_of(weights: Mapping[str, float], words: set[str]) -> float:
    """Share of the weight that `words` hold; 0 where there is nothing to cover."""
    total = math.fsum(weights.values())
    if total <= 0:
        return 0.0
    return math.fsum(weight for word, weight in weights.items() if word in words) / total
