"""The gate: answered, unsure or abstained, decided outside any language model from the figures of what was found.

A logistic function of named figures (`signals.py`) makes one confidence of them. A code or number that the question
names and no passage holds is a strong no. The weights are plain numbers in `gate_weights.py` (with the evidence
model) and `gate_weights_off.py` (without); an index may bring its own (`ragedge index calibrate`). Pure.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from ragedge.answer import gate_weights_off
from ragedge.answer.gate_weights import ANSWERED, BIAS, UNSURE, WEIGHTS
from ragedge.answer.signals import Signals
from ragedge.contracts import Verdict


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Weights of the confidence by figure, and where it turns; `missing` by hand.

    `weights`: (name, weight, centre) per figure; a figure that was not measured counts as its centre, which is the mean
    over the questions that the weights were fitted on.
    """

    weights: tuple[tuple[str, float, float], ...] = WEIGHTS
    bias: float = BIAS
    answered: float = ANSWERED  # confidence from which the answer is given as such
    unsure: float = UNSURE  # confidence below which nothing is answered
    missing: float = 0.2  # factor on the confidence where a code or number asked for stands nowhere


PLAIN = Thresholds(
    weights=gate_weights_off.WEIGHTS,
    bias=gate_weights_off.BIAS,
    answered=gate_weights_off.ANSWERED,
    unsure=gate_weights_off.UNSURE,
)
"""Where no evidence model reads."""


def decide(signals: Signals, thresholds: Thresholds) -> Verdict:
    """Decide whether the passages answer the question, with the confidence and the reason in plain words."""
    if not signals.values:
        return Verdict("abstained", 0.0, "nothing in the documents shares a word or a meaning with the question")
    confidence = confidence_of(signals, thresholds)
    if confidence >= thresholds.answered:
        return Verdict("answered", confidence, "the passages cover the question")
    is_unsure = confidence >= thresholds.unsure
    return Verdict("unsure" if is_unsure else "abstained", confidence, _reason(signals, is_unsure))


def confidence_of(signals: Signals, thresholds: Thresholds) -> float:
    """The confidence in [0, 1] that the passages answer the question."""
    z = thresholds.bias
    for name, weight, centre in thresholds.weights:
        z += weight * (signals.values.get(name, centre) - centre)
    confidence = 1.0 / (1.0 + math.exp(-max(-40.0, min(40.0, z))))
    return confidence * thresholds.missing if signals.missing_codes else confidence


def _reason(signals: Signals, is_unsure: bool) -> str:
    """What is missing, named where it is known."""
    if signals.missing_codes:
        named = ", ".join(f"'{name}'" for name in signals.missing_codes)
        return f"{named} does not stand in any of the passages found"
    if is_unsure:
        reason = "the passages cover the question only in part"
        if signals.missing_words and not signals.nowhere_words:
            return f"{reason}: the closest one says nothing about {_named(signals.missing_words)}"
    else:
        reason = "the documents do not seem to be about this"
    return f"{reason}: nothing about {_named(signals.nowhere_words)} was found" if signals.nowhere_words else reason


def _named(words: tuple[str, ...]) -> str:
    return " and ".join(f"'{word}'" for word in words[:2])
