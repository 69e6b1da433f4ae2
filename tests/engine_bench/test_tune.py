"""A setting is taken when it is faster in most rounds, and given up when all of it together is not."""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from ragedge.answer.batches import Batches
from ragedge.answer.tuning import Tuning
from ragedge.engine_bench.speeds import Subject
from ragedge.engine_bench.tune import Tuned, Tuner, _candidates, is_faster, is_settled

Speed = Callable[[Tuning, int], float]  # a tuning and how often anything was measured -> seconds of a token


class FakeSubject(Subject):
    """Takes the time that `speed` says, without a model."""

    calls = 0

    def __init__(self, tuning: Tuning, speed: Speed) -> None:
        self.tuning = tuning
        self._speed = speed

    def _seconds(self, tokens: int) -> float:
        FakeSubject.calls += 1
        return tokens * self._speed(self.tuning, FakeSubject.calls)

    def read(self, tokens: Sequence[int]) -> float:
        return self._seconds(len(tokens)) / 4

    def write(self, count: int) -> tuple[float, list[int]]:
        return self._seconds(count), [1] * count

    def logits(self) -> NDArray[np.float32]:
        return np.arange(9, dtype=np.float32)

    def batches(self) -> Batches:
        return Batches(((4, 3.0),), 0.0)

    def count(self, text: str) -> int:
        return len(text)

    def close(self) -> None:
        pass


class FakeTuner(Tuner):
    """Loads no model."""

    def __init__(self, speed: Speed) -> None:
        super().__init__(Path("none"), 1e6, lambda what, share: None, threads=2)
        self._speed = speed
        FakeSubject.calls = 0

    def _load(self, tuning: Tuning) -> Subject:
        return FakeSubject(tuning, self._speed)


def tune(speed: Speed) -> Tuned:
    return FakeTuner(speed).run("Answer.")


def taken(found: Tuned) -> list[str]:
    return [tried.name for tried in found.tried if tried.is_taken]


@pytest.mark.parametrize(
    ("shares", "faster"),
    [
        ([], False),
        ([0.5, 0.5, 0.5], True),
        ([0.97, 0.97, 0.97], True),
        ([0.99, 0.99, 0.99], False),  # not by enough
        ([0.9, 1.1, 0.9, 1.1, 0.9], False),  # two of five say otherwise
        ([0.9, 0.9, 0.9, 0.9, 1.2], True),
        ([0.1, 1.0, 1.0], False),  # one lucky round
    ],
)
def test_faster_is_what_most_rounds_say(shares: list[float], faster: bool) -> None:
    assert is_faster(shares, 0.98) is faster


def test_more_rounds_are_made_only_where_they_may_change_something() -> None:
    assert not is_settled([], 0.98) and not is_settled([0.5, 0.5], 0.98)
    assert is_settled([0.5, 0.5, 0.5], 0.98) and is_settled([1.0, 1.1, 1.0], 0.98) and is_settled([1.3], 0.98)
    assert not is_settled([0.95, 0.97, 0.96], 0.98) and not is_settled([0.9, 1.0, 0.97], 0.98)


@pytest.mark.parametrize("seed", range(20))
def test_noise_alone_makes_no_setting_slower_than_the_first(seed: int) -> None:
    draw = random.Random(seed)
    found = tune(lambda tuning, call: draw.uniform(1.0, 1.04))
    assert set(taken(found)) <= {"slices of 32", "all of it together"}  # which is no slower, and obeys sooner


def test_what_is_faster_is_taken_through_noise() -> None:
    draw = random.Random(1)

    def speed(tuning: Tuning, call: int) -> float:
        return draw.uniform(0.97, 1.03) * (0.8 if tuning.flash_attention is True else 1.0) * (64 / tuning.slice_tokens)

    found = tune(speed)
    assert taken(found) == ["flash attention on", "slices of 128", "all of it together"]
    assert found.tuning.flash_attention is True and found.tuning.slice_tokens == 128


def test_what_was_faster_once_and_is_not_in_the_end_is_given_up() -> None:
    changes: list[Tuning] = []

    def speed(tuning: Tuning, call: int) -> float:
        if tuning.flash_attention is not True or tuning.kv_type != "f16":
            return 1.0
        changes.append(tuning)
        return 0.7 if len(changes) < 40 else 1.1

    found = tune(speed)
    assert "flash attention on" in taken(found) and "all of it together" not in taken(found)
    assert found.tuning.flash_attention is None and found.tuning == Tuning(
        threads=2, prompt_threads=2, verify_costs=((4, 3.0),), verify_difference=0.0
    )


def test_writing_never_takes_all_cores_but_reading_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(4)), raising=False)
    names = [name for name, _ in _candidates(Tuning(threads=3, prompt_threads=3), 0)]
    assert "4 threads read" in names and "2 threads write" in names
    assert "4 threads write" not in names
