"""Of the states of a training the best is kept, as it was when it was looked at; how states are measured and mixed."""

from __future__ import annotations

import numpy as np
import torch

from tests.recipes.reader.batches import END, OFFSET, Shelf
from tests.recipes.reader.evaluate import Best, measure_given
from tests.recipes.reader.model import MAX_UNITS, EvidenceReader, Reading, blend
from tests.recipes.reader.train import average


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


def test_given_paragraphs_and_refusals_count_towards_the_best() -> None:
    best = Best()
    given = {"f1": 0.5, "exact": 0.25, "sentence": 0.75, "both_90": 0.5, "both_auc": 9.0}
    assert best.offer({"a": case(10, 0.5)}, {}, given) == 4.0


def test_states_are_averaged_and_mixed_with_the_beginning_but_for_the_heads() -> None:
    one = {"body": torch.tensor([0.0]), "heads.bias": torch.tensor([2.0])}
    two = {"body": torch.tensor([4.0]), "heads.bias": torch.tensor([4.0])}
    mean = average([one, two])
    assert mean["body"].item() == 2 and mean["heads.bias"].item() == 3
    mixed = blend({"body": torch.tensor([10.0])}, mean, 0.75)
    assert mixed["body"].item() == 4 and mixed["heads.bias"].item() == 3


def shelf() -> Shelf:
    """One passage: prefix of two tokens, units of three, two and three; a question on the second unit, one on none."""
    rows = [[0, 0, 2, 2, 5, 6, -1, -1, -1, -1], [0, -1, -1, -1, -1, -1, 0, -1, -1, -1]]
    pack = {
        "tokens": np.arange(200, 210, dtype=np.uint16),
        "units": np.array([0, 0, 1, 1, 1, 2, 2, 3, 3, 3], np.uint8),
        "passage_at": np.array([0, 10], np.int32),
        "passage_source": np.zeros(1, np.uint8),
        "questions": np.array([300, 301, 302, 303], np.uint16),
        "question_at": np.array([0, 2, 4], np.int32),
        "rows": np.array(rows, np.int32),
    }
    return Shelf(pack, torch.device("cpu"))


class Pointing(EvidenceReader):
    """Says that the answer lies in `[first, last]` of the row, and that unit `unit` tells it."""

    def __init__(self, first: int, last: int, unit: int) -> None:
        super().__init__()
        self.first, self.last, self.unit = first, last, unit

    def forward(self, ids: torch.Tensor, mask: torch.Tensor, units: torch.Tensor) -> Reading:
        start, end = torch.zeros(2, *ids.shape).unbind()
        start[:, self.first], end[:, self.last] = 5, 5
        told = torch.zeros(len(ids), MAX_UNITS)
        told[:, self.unit - 1] = 1
        return Reading(torch.zeros(len(ids)), told, start, end)


def test_spans_of_given_paragraphs_are_compared_in_tokens() -> None:
    right = measure_given(Pointing(OFFSET + 5, OFFSET + 6, 2), shelf())
    assert (right["n"], right["f1"], right["exact"], right["sentence"]) == (1, 1.0, 1.0, 1.0)
    half = measure_given(Pointing(OFFSET + 5, OFFSET + 5, 1), shelf())
    assert half["f1"] == 0.667 and half["exact"] == 0 and half["sentence"] == 0
    across = measure_given(Pointing(OFFSET + 4, OFFSET + 6, 2), shelf())  # over a unit's border: never chosen
    assert across["exact"] == 0


def test_units_that_answer_are_never_left_out_by_chance() -> None:
    torch.manual_seed(0)
    questions, passages = torch.zeros(64, dtype=torch.long), torch.zeros(64, 2, dtype=torch.long)
    group = shelf().group(questions, passages, leave_out=0.0, no_prefix=0.0, replace=0.0, drop_units=0.5)
    there = group.mask[:, OFFSET:END][:, :10]
    assert there[:, 5:7].all() and there[:, :2].all()  # the answer, the prefix
    assert not there[:, 2:5].all() and there[:, 2:5].any()
    assert (there[:, 2] == there[:, 4]).all()  # a unit goes whole
