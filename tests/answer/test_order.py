"""The second piece of evidence is the nearest in meaning among those that are about as good."""

from __future__ import annotations

import pytest

from ragedge.answer.order import nearest_second

SCORES = [0.9, 0.70, 0.65, 0.2]  # log-odds 2.2, 0.85, 0.62, -1.4


@pytest.mark.parametrize(
    ("cosines", "order"),
    [
        ({0: 0.9, 1: 0.4, 2: 0.6, 3: 0.8}, [0, 2, 1, 3]),  # the last one is too bad, whatever it means
        ({0: 0.9, 1: 0.6, 2: 0.4, 3: 0.8}, [0, 1, 2, 3]),
        ({0: 0.9, 2: 0.1}, [0, 2, 1, 3]),  # what was not embedded was less promising
        ({}, [0, 1, 2, 3]),
    ],
)
def test_the_nearest_in_meaning_goes_second_where_it_is_about_as_good(
    cosines: dict[int, float], order: list[int]
) -> None:
    assert nearest_second([0, 1, 2, 3], SCORES, cosines) == order


def test_the_first_piece_stays_and_two_need_no_order() -> None:
    assert nearest_second([1, 0], SCORES, {0: 0.9, 1: 0.1}) == [1, 0]
    assert nearest_second([0, 1, 2], SCORES, {0: 0.0, 1: 0.1, 2: 0.2}) == [0, 2, 1]
