"""An index's own examples -> the gate for this index: bars for a stated target, and weights where people asked.

Made questions are nearer to the text than people's. A fit to made ones alone was tried on an evaluation case: it asked
for words that people do not use, and nearly all of people's questions fell below its bars. So without enough golden
questions the weights stay as shipped and made questions are compared with made questions only: by how much they reach
less or more here than on the corpora of the shipped fit, half of that the bars move (over the six corpora looked at,
people's bar followed by about two thirds). With enough golden ones the bars are theirs, and the weights move as far as
helps on golden questions not seen. Pure.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ragedge.answer.gate import Thresholds, confidence_of
from ragedge.answer.gate_weights import BARS
from ragedge.answer.signals import Signals
from ragedge.calibration.examples import Example
from ragedge.calibration.fit import balanced, fit_gate, folds_of
from ragedge.evaluation.measures import separation
from ragedge.evaluation.refusing import ANSWERED_SHARES, bar_for

Bars = Sequence[tuple[float, float, float]]

MIN_QUESTIONS = 40  # answerable ones; with fewer a bar that keeps 90 % hangs on four of them
MIN_GOLDEN = 30  # people's answerable questions from which bars and weights are theirs
_FOLLOWED = 0.5  # of the difference between made questions here and there, in log-odds, by which people's bar moves
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


def calibrate(examples: Sequence[Example], shipped: Thresholds, target: float, bars: Bars = BARS) -> Calibration:
    """Fit a gate to examples of both kinds; the caller has seen to it that there are enough.

    Args:
        target: share in (0, 1) of the answerable questions that are to be answered.
        bars: (share kept, bar of people's questions, of made ones) of the shipped fit, falling shares.
    """
    labels = np.array([example.is_right for example in examples], np.bool_)
    groups = [_group(example) for example in examples]
    weights = balanced(labels, groups, {})
    before = np.array([_confidence(example, shipped) for example in examples])
    ridge, unseen = None, before
    golden = np.array([example.kind == "golden" for example in examples])
    has_golden = bool((golden & labels).sum() >= MIN_GOLDEN)
    judged = np.where(golden, weights, 0.0)  # what counts is what people ask
    best = _loss(_recentred(before, labels, judged), labels, judged) - _LEAST_GAIN if has_golden else -1.0
    for candidate in _RIDGES if has_golden else ():
        found = _cross_fitted(examples, labels, groups, shipped, candidate)
        loss = _loss(found, labels, judged)
        if loss < best:
            best, ridge, unseen = loss, candidate, found
    fitted = shipped if ridge is None else _fit(examples, labels, groups, shipped, ridge)
    chosen = _people_s(fitted, unseen[golden & labels], target) if has_golden else None
    chosen = chosen or _followed(fitted, before[~golden & labels], target, bars)
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


def _unsure_share(target: float) -> float:
    return target + UNSURE_KEPT * (1 - target)


def _people_s(fitted: Thresholds, confidences: NDArray[np.float64], target: float) -> Thresholds:
    """Bars that keep their shares of people's questions."""
    answered, unsure = (bar_for(confidences.tolist(), kept) for kept in (target, _unsure_share(target)))
    return replace(fitted, answered=round(answered, 4), unsure=round(min(unsure, answered), 4))


def _followed(fitted: Thresholds, made: NDArray[np.float64], target: float, bars: Bars) -> Thresholds:
    """The shipped bars of people's questions, moved by half of what made questions differ from those of the fit.

    The lower one, under which nothing is said, never goes up by made questions: their hardest are easier than people's.
    """
    answered, unsure = (_moved(made, kept, bars) for kept in (target, _unsure_share(target)))
    shipped = _confident(_between(_unsure_share(target), [(row[0], row[1]) for row in bars]))
    return replace(fitted, answered=round(answered, 4), unsure=round(min(answered, unsure, shipped), 4))


def _moved(made: NDArray[np.float64], target: float, bars: Bars) -> float:
    """The moved bar for a share: never over that of a smaller share, which few made questions can put it."""
    moved = []
    for kept in (target, *(row[0] for row in bars if row[0] < target)):
        people, there = (_between(kept, [(row[0], row[column]) for row in bars]) for column in (1, 2))
        here = _odds(bar_for(made.tolist(), kept)) if len(made) else there
        moved.append(_confident(people + _FOLLOWED * (here - there)))
    return min(moved)


def _confident(odds: float) -> float:
    return 1.0 / (1.0 + math.exp(-odds))


def _between(kept: float, points: Sequence[tuple[float, float]]) -> float:
    """The log-odds of the bar for a share, on a line between the nearest two; the last one beyond the ends."""
    shares = [share for share, _ in reversed(points)]
    return float(np.interp(kept, shares, [_odds(bar) for _, bar in reversed(points)]))


def _odds(confidence: float) -> float:
    bounded = min(max(confidence, 1e-4), 1 - 1e-4)
    return math.log(bounded / (1 - bounded))


def _curve(confidences: NDArray[np.float64], labels: NDArray[np.bool_]) -> tuple[tuple[float, float], ...]:
    right, wrong = confidences[labels].tolist(), confidences[~labels]
    return tuple((kept, round(float((wrong < bar_for(right, kept)).mean()), 4)) for kept in ANSWERED_SHARES)
