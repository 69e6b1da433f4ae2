"""Of the states of a training the best is kept, as it was when it was looked at."""

from __future__ import annotations

import torch

from tests.recipes.reader.evaluate import Best


def case(count: int, value: float) -> dict[str, float]:
    return {"n": count, "one": value, "two": value, "both_auc": value, "both_90": value}


def test_the_best_state_is_kept_and_later_training_does_not_change_it() -> None:
    best, weights = Best(), {"heads": torch.zeros(2)}
    assert best.offer({"a": case(30, 0.5), "b": case(10, 0.9)}, weights) == 2.4  # per question, not per case
    weights["heads"] += 1
    assert best.offer({"a": case(30, 0.6), "b": case(10, 0.8)}, weights) == 2.6
    weights["heads"] += 1
    best.offer({"a": case(30, 0.4), "b": case(10, 1.0)}, weights)
    assert best.state is not None and best.state["heads"].tolist() == [1.0, 1.0]
