"""What is measured of states is what it is called: known tokens are known, and curves end at full agreement."""

from __future__ import annotations

from pathlib import Path

import pytest

from ragedge import state_bench
from ragedge.answer.template import open_model
from tests.tiny_gguf import make_tiny_gguf


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_gguf(tmp_path_factory.mktemp("model") / "tiny.gguf")


TEXTS = state_bench.passages(3, 30)


def test_texts_are_made_up_anew_for_each_seed_and_no_two_are_alike() -> None:
    assert len({*state_bench.passages(20, 30), *state_bench.passages(20, 30, seed=2)}) == 40
    assert state_bench.passages(3, 30) == TEXTS


def test_the_same_prompt_again_is_known_whole(model: Path) -> None:
    row = state_bench.same_prompt_again(model, TEXTS, runs=2, threads=1)
    assert row.known_tokens == row.tokens > 100 and row.runs == 2
    assert row.ms > 0 and row.cold_ms > 0 and row.cpu_ms > 0 and row.cold_cpu_ms > 0


def test_after_a_restart_all_but_the_question_is_known(model: Path) -> None:
    row = state_bench.after_restart(model, TEXTS, runs=1, threads=1)
    assert row.tokens - 40 < row.known_tokens < row.tokens


def test_known_passages_are_known_in_another_order_with_another_question(model: Path) -> None:
    row = state_bench.known_passages(model, TEXTS, runs=2, threads=1)
    assert row.tokens - 60 < row.known_tokens < row.tokens


def test_read_in_place_altogether_joined_answers_are_the_exact_ones(model: Path) -> None:
    chat = open_model(model, "auto")[1]
    found = list(state_bench.agreement(model, chat, TEXTS, reread=(0, 100_000), prompts=2, tokens=8))
    assert [(one.end, one.reread) for one in found] == [
        ("last", 0),
        ("last", 100_000),
        ("first", 0),
        ("first", 100_000),
    ]
    for none, everything in (found[:2], found[2:]):
        assert everything.same == everything.lead == 1.0 and everything.cosine > 0.999999 and everything.joined == 0
        assert none.joined > 0.5 and none.cosine < everything.cosine and none.prompts == 2
