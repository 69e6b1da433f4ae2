"""An index's own examples -> the gate for this index: weights pulled to those that ship, bars for a stated target.

A few hundred made questions cannot teach all weights anew. So the fit starts from the shipped ones, and how far it may
go is chosen by what helps on questions it has not seen; where nothing helps, only the bars move. Made questions are
nearer to the text than people's: without enough golden ones the bar goes half the way, in log-odds. Pure.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ragedge.answer.gate import Thresholds, confidence_of
from ragedge.answer.signals import Signals
from ragedge.calibration.examples import Example
from ragedge.calibration.fit import balanced, bar_of, fit_gate, folds_of
from ragedge.evaluation.measures import separation
from ragedge.evaluation.refusing import ANSWERED_SHARES, bar_for

MIN_QUESTIONS = 40  # answerable ones; with fewer a bar that keeps 90 % hangs on four of them
MIN_GOLDEN = 30  # people's questions from which the bar is theirs alone
UNSURE_KEPT = 0.7  # of the way from `target` to all: the share of answerable questions above "abstained"
_FOLDS = 5
_RIDGES = (0.03, 0.1, 0.3, 1.0)  # of the pull to the shipped weights; 1 hardly moves them
_LEAST_GAIN = 0.003  # in log loss, on unseen questions, for which the weights are moved at all


@dataclass(frozen=True, slots=True)
class Calibration:
    """The gate, the pull that was chosen (None: only the bars moved), and what it does to questions not seen.

    `curve` and `shipped_curve`: (share answered, share of the wrong ones refused); `auc` likewise.
    """

    thresholds: Thresholds
    ridge: float | None
    answerable: int
    unanswerable: int
    golden: int
    curve: tuple[tuple[float, float], ...]
    shipped_curve: tuple[tuple[float, float], ...]
    auc: float
    shipped_auc: float
    reached: tuple[float, float]
    """Share of the answerable questions that is answered now, and that the shipped gate answers."""


def calibrate(examples: Sequence[Example], shipped: Thresholds, target: float) -> Calibration:
    """Fit a gate to examples of both kinds; the caller has seen to it that there are enough.

    Args:
        target: share in (0, 1) of the answerable questions that are to be answered.
    """
    labels = np.array([example.is_right for example in examples], np.bool_)
    groups = [_group(example) for example in examples]
    weights = balanced(labels, groups)
    before = np.array([_confidence(example, shipped) for example in examples])
    ridge, unseen = None, before
    best = _loss(_recentred(before, labels, weights), labels, weights) - _LEAST_GAIN
    for candidate in _RIDGES:
        found = _cross_fitted(examples, labels, groups, shipped, candidate)
        loss = _loss(found, labels, weights)
        if loss < best:
            best, ridge, unseen = loss, candidate, found
    fitted = shipped if ridge is None else _fit(examples, labels, groups, shipped, ridge)
    chosen = _bars(examples, fitted, shipped, unseen, labels, target)
    return Calibration(
        thresholds=chosen,
        ridge=ridge,
        answerable=int(labels.sum()),
        unanswerable=int((~labels).sum()),
        golden=sum(example.kind == "golden" for example in examples if example.is_right),
        curve=_curve(unseen, labels),
        shipped_curve=_curve(before, labels),
        auc=separation(unseen[labels].tolist(), unseen[~labels].tolist()) or 0.0,
        shipped_auc=separation(before[labels].tolist(), before[~labels].tolist()) or 0.0,
        reached=(float((unseen[labels] >= chosen.answered).mean()), float((before[labels] >= shipped.answered).mean())),
    )


def _group(example: Example) -> str:
    return "golden" if example.kind == "golden" else "made"


def _confidence(example: Example, thresholds: Thresholds) -> float:
    return confidence_of(Signals(example.values, example.missing_codes), thresholds)


def _fit(
    examples: Sequence[Example], labels: NDArray[np.bool_], groups: Sequence[str], shipped: Thresholds, ridge: float
) -> Thresholds:
    rows = [example.values for example in examples]
    fitted = fit_gate(rows, labels, groups, names=(), ridge=ridge, towards=shipped)
    return replace(fitted, answered=shipped.answered, unsure=shipped.unsure, missing=shipped.missing)


def _cross_fitted(
    examples: Sequence[Example], labels: NDArray[np.bool_], groups: Sequence[str], shipped: Thresholds, ridge: float
) -> NDArray[np.float64]:
    """Confidences of all examples, each by a fit that has not seen its question."""
    folds = folds_of([example.question for example in examples], _FOLDS)
    unseen = np.zeros(len(examples))
    for fold in range(_FOLDS):
        rest = [i for i in range(len(examples)) if folds[i] != fold]
        if not rest or labels[rest].all() or not labels[rest].any():
            continue
        fitted = _fit([examples[i] for i in rest], labels[rest], [groups[i] for i in rest], shipped, ridge)
        for i in np.flatnonzero(folds == fold).tolist():
            unseen[i] = _confidence(examples[i], fitted)
    return unseen


def _recentred(
    confidences: NDArray[np.float64], labels: NDArray[np.bool_], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The shipped confidences under the offset that fits best: moving the bars can do that, too."""
    odds = np.log(np.clip(confidences, 1e-6, 1 - 1e-6) / np.clip(1 - confidences, 1e-6, 1))
    offsets = np.linspace(-3, 3, 61)
    return min(
        (1 / (1 + np.exp(-(odds + offset))) for offset in offsets), key=lambda moved: _loss(moved, labels, weights)
    )


def _loss(confidences: NDArray[np.float64], labels: NDArray[np.bool_], weights: NDArray[np.float64]) -> float:
    bounded = np.clip(confidences, 1e-6, 1 - 1e-6)
    return float(-(weights * np.where(labels, np.log(bounded), np.log(1 - bounded))).sum() / weights.sum())


def _bars(
    examples: Sequence[Example],
    fitted: Thresholds,
    shipped: Thresholds,
    unseen: NDArray[np.float64],
    labels: NDArray[np.bool_],
    target: float,
) -> Thresholds:
    golden = np.array([example.kind == "golden" for example in examples]) & labels
    own = golden if golden.sum() >= MIN_GOLDEN else labels
    values = unseen[own].tolist()
    shares = np.ones(len(values))
    answered = bar_of(values, shares, target)
    unsure = bar_of(values, shares, target + UNSURE_KEPT * (1 - target))
    if golden.sum() < MIN_GOLDEN:
        answered = _halfway(answered, shipped.answered)
        unsure = _halfway(unsure, shipped.unsure)
    return replace(fitted, answered=round(answered, 4), unsure=round(min(unsure, answered), 4))


def _halfway(bar: float, shipped: float) -> float:
    def odds(value: float) -> float:
        bounded = min(max(value, 1e-4), 1 - 1e-4)
        return math.log(bounded / (1 - bounded))

    return 1.0 / (1.0 + math.exp(-(odds(bar) + odds(shipped)) / 2))


def _curve(confidences: NDArray[np.float64], labels: NDArray[np.bool_]) -> tuple[tuple[float, float], ...]:
    right, wrong = confidences[labels].tolist(), confidences[~labels]
    return tuple((kept, round(float((wrong < bar_for(right, kept)).mean()), 4)) for kept in ANSWERED_SHARES)
