"""Examples -> the gate's weights and bars, by logistic regression in plain numpy.

Two uses of one fit: from nothing (the weights that ship), and towards given weights (an index's own questions are few,
so what they cannot tell stays as it was). Figures are scaled by their spread over the examples, so that one penalty
fits all. Knows examples as numbers only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ragedge.answer.gate import Thresholds

Floats = NDArray[np.float64]
Groups = Sequence[str]

_STEPS = 60  # of Newton's method; ten are the rule
_LEAST_SPREAD = 1e-3  # a figure that never changes gets no weight


def matrix_of(rows: Sequence[Mapping[str, float]], names: Sequence[str], centres: Mapping[str, float]) -> Floats:
    """The figures as float64 [len(rows), len(names)]; one that a row lacks counts as its centre."""
    return np.array([[row.get(name, centres.get(name, 0.0)) for name in names] for row in rows], np.float64).reshape(
        len(rows), len(names)
    )


def equal_shares(groups: Groups) -> Floats:
    """A weight per row under which all groups weigh the same; their sum is 1."""
    counts = Counter(groups)
    shares: Floats = np.array([1.0 / (counts[group] * len(counts)) for group in groups], np.float64)
    return shares


def balanced(labels: NDArray[np.bool_], groups: Groups, emphasis: Mapping[str, float]) -> Floats:
    """Weights under which right and wrong weigh the same, and within each all groups, times their `emphasis`."""
    shares = equal_shares([f"{group}/{label}" for group, label in zip(groups, labels.tolist(), strict=True)])
    shares = shares * np.array([emphasis.get(group, 1.0) for group in groups])
    right, wrong = max(shares[labels].sum(), 1e-12), max(shares[~labels].sum(), 1e-12)
    balance: Floats = shares * np.where(labels, 0.5 / right, 0.5 / wrong)
    return balance


def logistic(x: Floats, y: NDArray[np.bool_], weights: Floats, *, ridge: float, start: Floats | None = None) -> Floats:
    """Weighted logistic regression, float64 [columns + 1] with the bias last, by Newton's method.

    `ridge` pulls the weights towards `start` (without: towards 0) and leaves the bias free.
    """
    full = np.column_stack([x, np.ones(len(x))])
    goal = np.zeros(full.shape[1]) if start is None else start
    theta = goal.copy()
    pull = ridge * np.eye(full.shape[1])
    pull[-1, -1] = 1e-6
    for _ in range(_STEPS):
        p = 1.0 / (1.0 + np.exp(-np.clip(full @ theta, -40, 40)))
        gradient = full.T @ (weights * (p - y)) + pull @ (theta - goal)
        hessian = (full * (weights * p * (1 - p))[:, None]).T @ full + pull
        step = np.linalg.solve(hessian, gradient)
        theta = theta - np.clip(step, -4, 4)
        if np.abs(step).max() < 1e-8:
            break
    return theta


def fit_gate(
    rows: Sequence[Mapping[str, float]],
    labels: NDArray[np.bool_],
    groups: Groups,
    *,
    names: Sequence[str],
    ridge: float,
    towards: Thresholds | None = None,
    emphasis: Mapping[str, float] | None = None,
) -> Thresholds:
    """Weights for `names` (with `towards`: for its figures, pulled to its weights); the bars are not set yet.

    Right and wrong weigh the same, and within each all groups, times their `emphasis` (1 where none is given).
    """
    if towards is not None:
        names = [name for name, _, _ in towards.weights]
        centres = {name: centre for name, _, centre in towards.weights}
    else:
        centres = {name: float(np.mean([row[name] for row in rows if name in row] or [0.0])) for name in names}
    x = matrix_of(rows, names, centres) - np.array([centres[name] for name in names])
    spread = np.sqrt((x**2).mean(axis=0))
    scale = np.where(spread > _LEAST_SPREAD, spread, 1.0)
    start = None
    if towards is not None:
        start = np.array([weight for _, weight, _ in towards.weights] + [towards.bias]) * np.append(scale, 1.0)
    elif (spread <= _LEAST_SPREAD).any():
        x = np.where(spread > _LEAST_SPREAD, x, 0.0)
    shares = balanced(labels, groups, emphasis or {})
    theta = logistic(x / scale, labels, shares, ridge=ridge, start=start)
    weights = tuple(
        (name, round(float(theta[i] / scale[i]), 4), round(centres[name], 4)) for i, name in enumerate(names)
    )
    return Thresholds(weights=weights, bias=round(float(theta[-1]), 4))


def bar_of(confidences: Sequence[float], shares: Floats, kept: float) -> float:
    """The confidence that the share `kept` of the weight lies at or above."""
    values = np.asarray(confidences, np.float64)
    order = np.argsort(values)
    below = np.cumsum(shares[order]) / shares.sum()
    return float(values[order][min(int(np.searchsorted(below, 1 - kept + 1e-9)), len(values) - 1)])


def folds_of(questions: Sequence[str], count: int) -> NDArray[np.int64]:
    """A fold in [0, count) per row; rows of one question stay together."""
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(question, len(numbers)) % count for question in questions], np.int64)
