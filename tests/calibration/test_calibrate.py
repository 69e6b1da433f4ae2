"""Fit and calibration: known weights are found again, shrinkage holds, bars keep their target."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest

from ragedge.answer.gate import Thresholds, confidence_of
from ragedge.answer.signals import Signals
from ragedge.calibration.calibrate import calibrate
from ragedge.calibration.examples import Example
from ragedge.calibration.fit import balanced, bar_of, equal_shares, fit_gate, folds_of
from ragedge.evaluation.refusing import bar_for

SHIPPED = Thresholds(weights=(("a", 2.0, 0.5), ("b", 0.0, 0.5)), bias=0.0, answered=0.6, unsure=0.3)


def examples(count: int, telling: str, *, kind: str = "golden", seed: int = 0) -> list[Example]:
    """Right ones have more of `telling`; the other figure is noise."""
    rng = random.Random(seed)
    made = []
    for i in range(count):
        for condition, centre in (("present", 0.65), ("taken out", 0.35)):
            values = {"a": rng.random(), "b": rng.random(), telling: min(1, max(0, rng.gauss(centre, 0.12)))}
            made.append(Example(f"question {i}", kind, condition, values))  # type: ignore[arg-type]
    return made


def test_a_fit_from_nothing_finds_the_figure_that_tells() -> None:
    found = examples(200, "b")
    labels = np.array([e.is_right for e in found])
    gate = fit_gate([e.values for e in found], labels, ["g"] * len(found), names=["a", "b"], ridge=1e-3)
    weights = {name: weight for name, weight, _ in gate.weights}
    assert weights["b"] > 4 and abs(weights["a"]) < weights["b"] / 5


def test_a_strong_pull_keeps_the_given_weights_and_a_weak_one_lets_go() -> None:
    found = examples(200, "b")
    labels, groups = np.array([e.is_right for e in found]), ["g"] * len(found)
    held = fit_gate([e.values for e in found], labels, groups, names=(), ridge=1e3, towards=SHIPPED)
    assert held.weights[0][1] == pytest.approx(2.0, abs=0.05) and abs(held.weights[1][1]) < 0.05
    free = fit_gate([e.values for e in found], labels, groups, names=(), ridge=1e-3, towards=SHIPPED)
    assert free.weights[1][1] > 4


def test_a_figure_that_never_changes_gets_no_weight() -> None:
    found = examples(50, "b")
    rows = [{**e.values, "same": 0.7} for e in found]
    labels = np.array([e.is_right for e in found])
    gate = fit_gate(rows, labels, ["g"] * len(rows), names=["b", "same"], ridge=1e-3)
    assert next(weight for name, weight, _ in gate.weights if name == "same") == pytest.approx(0.0, abs=1e-6)


def test_groups_and_both_kinds_weigh_the_same() -> None:
    assert equal_shares(["x", "x", "y"]).tolist() == pytest.approx([0.25, 0.25, 0.5])
    labels = np.array([True, True, True, False])
    weights = balanced(labels, ["x", "x", "y", "x"], {})
    assert weights[labels].sum() == pytest.approx(0.5) and weights.sum() == pytest.approx(1.0)


def test_bars_keep_their_share() -> None:
    values = [i / 100 for i in range(100)]
    assert bar_of(values, np.ones(100), 0.9) == pytest.approx(0.1, abs=0.011)
    assert bar_of(values, np.ones(100), 1.0) == 0.0


def test_a_question_is_never_in_two_folds() -> None:
    folds = folds_of(["a", "a", "b", "c", "b"], 3)
    assert folds[0] == folds[1] and folds[2] == folds[4] and len(set(folds.tolist())) == 3


def test_calibration_learns_what_this_corpus_shows_and_measures_it_on_unseen_questions() -> None:
    result = calibrate(examples(150, "b"), SHIPPED, 0.9)
    assert result.ridge is not None and result.auc > result.shipped_auc + 0.2
    curve, before = dict(result.curve), dict(result.shipped_curve)
    assert curve[0.9] > before[0.9] + 0.2
    assert result.answerable == result.unanswerable == 150 and result.golden == 150
    right = [e for e in examples(150, "b", seed=9) if e.is_right]
    kept = np.mean([confidence_of(Signals(e.values), result.thresholds) >= result.thresholds.answered for e in right])
    assert 0.8 <= kept <= 0.98
    assert result.thresholds.unsure <= result.thresholds.answered


def test_where_the_shipped_weights_are_right_only_the_bars_move() -> None:
    shipped = fit_gate(
        [e.values for e in examples(400, "a", seed=5)],
        np.array([e.is_right for e in examples(400, "a", seed=5)]),
        ["g"] * 800,
        names=["a", "b"],
        ridge=1e-3,
    )
    result = calibrate(examples(80, "a"), shipped, 0.9)
    assert result.ridge is None and result.thresholds.weights == shipped.weights


def test_made_questions_alone_leave_the_weights_and_move_the_bars_by_half_of_the_difference() -> None:
    found = examples(200, "b", kind="made record")
    right = [confidence_of(Signals(e.values), SHIPPED) for e in found if e.is_right]
    here = bar_for(right, 0.9)
    same = calibrate(found, SHIPPED, 0.9, [(0.99, 0.2, 0.1), (0.9, 0.6, here), (0.5, 0.9, 0.9)])
    assert same.ridge is None and same.thresholds.weights == SHIPPED.weights
    assert same.thresholds.answered == pytest.approx(0.6, abs=1e-3)
    easier_there = calibrate(found, SHIPPED, 0.9, [(0.99, 0.2, 0.5), (0.9, 0.6, 0.95), (0.5, 0.9, 0.99)])
    assert easier_there.thresholds.answered < 0.6
    odds = math.log(0.6 / 0.4) + 0.5 * (math.log(here / (1 - here)) - math.log(0.95 / 0.05))
    assert easier_there.thresholds.answered == pytest.approx(1 / (1 + math.exp(-odds)), abs=1e-3)


def test_easy_made_questions_never_push_the_bar_over_people_s() -> None:
    """A case seen: made questions far easier than people's; a bar of their own would have refused nearly everything."""
    rng = random.Random(1)
    easy = [
        Example(f"question {i}", "made record", condition, {"a": value, "b": rng.random()})  # type: ignore[arg-type]
        for i in range(100)
        for condition, value in (("present", 1.5 + 0.1 * rng.random()), ("taken out", 0.2))
    ]
    there = [(0.99, 0.3, 0.8), (0.9, 0.6, 0.88), (0.5, 0.8, 0.9)]  # as easy there as here
    result = calibrate(easy, SHIPPED, 0.9, there)
    harder_there = [(0.99, 0.3, 0.31), (0.9, 0.6, 0.88), (0.5, 0.8, 0.9)]
    lower = 1 / (1 + math.exp(-np.interp(0.97, [0.9, 0.99], [math.log(0.6 / 0.4), math.log(0.3 / 0.7)])))
    assert calibrate(easy, SHIPPED, 0.9, harder_there).thresholds.unsure == pytest.approx(lower, abs=1e-3)
    assert result.thresholds.answered == pytest.approx(0.6, abs=0.03)


def test_a_higher_target_gives_a_lower_bar() -> None:
    for kind in ("golden", "made record"):
        found = examples(150, "a", kind=kind)
        bars = [calibrate(found, SHIPPED, target).thresholds.answered for target in (0.6, 0.8, 0.95)]
        assert bars == sorted(bars, reverse=True)


def test_a_missing_code_pulls_down_in_calibration_as_in_the_product() -> None:
    found = examples(60, "a")
    wrong = [Example(e.question, e.kind, e.condition, e.values, ("E-1",)) for e in found if not e.is_right]
    result = calibrate([e for e in found if e.is_right] + wrong, SHIPPED, 0.9)
    assert dict(result.shipped_curve)[0.9] >= 0.9
