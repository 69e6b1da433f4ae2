"""The greedy choice is llama.cpp's own, without its list of the vocabulary; a draw is repeatable."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from llama_cpp import llama_cpp as lib

from ragedge.answer.llama_native import NativeModel, batch_ends
from ragedge.answer.llama_sampling import picked, picked_last, sampling_chain
from ragedge.contracts import Sampling
from tests.tiny_gguf import make_tiny_gguf


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NativeModel]:
    made = NativeModel(make_tiny_gguf(tmp_path_factory.mktemp("models") / "random.gguf"), 512, 1)
    yield made
    made.close()


@pytest.fixture
def greedy() -> Iterator[Any]:
    """llama.cpp's own greedy sampler."""
    chain = lib.llama_sampler_chain_init(lib.llama_sampler_chain_default_params())
    lib.llama_sampler_chain_add(chain, lib.llama_sampler_init_greedy())
    yield chain
    lib.llama_sampler_free(chain)


def test_at_every_token_the_choice_is_that_of_llama_cpp(engine: NativeModel, greedy: Any) -> None:
    tokens = engine.tokenize("The pump must be primed before the first start.")
    engine.start()
    engine.keep([], [])
    engine.read(tokens, batch_ends(len(tokens), ()))
    said = []
    with sampling_chain(Sampling()) as sampler:
        for _ in range(60):
            with engine.borrowed() as (context, _, vocabulary):
                ours = picked_last(sampler, context, vocabulary)
                assert ours == lib.llama_sampler_sample(greedy, context, -1)
            said.append(ours)
            assert engine.decode([ours])
    assert len(set(said)) > 1


@pytest.mark.parametrize("best", [[0], [7], [3, 9], [0, 19], [18, 19]])
def test_of_equal_logits_the_first_is_chosen_as_by_llama_cpp(greedy: Any, best: list[int]) -> None:
    logits = np.linspace(-5, -4, 20, dtype=np.float32)
    logits[best] = 2.5
    assert picked(None, logits) == picked(greedy, logits) == best[0]


def test_a_draw_needs_a_sampler_and_repeats_with_its_seed() -> None:
    logits = np.zeros(200, dtype=np.float32)
    drawn = []
    for seed in (1, 1, 2, 3):
        with sampling_chain(Sampling(temperature=1.0, seed=seed)) as sampler:
            assert sampler is not None
            drawn.append([picked(sampler, logits) for _ in range(20)])
    assert drawn[0] == drawn[1] and len({tuple(row) for row in drawn}) == 3
