"""How the next token is picked: llama.cpp's samplers for a `Sampling`, on its logits or on logits that were kept.

The greedy choice needs no sampler of llama.cpp, which makes a list of the whole vocabulary for it with every
token.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from llama_cpp import llama_cpp as lib
from numpy.typing import NDArray

from ragedge.contracts import Sampling
from ragedge.errors import ModelError

_TOP_K, _TOP_P = 40, 0.95  # llama.cpp's own defaults
_MAX_TEMPERATURE = 2.0  # beyond it text is noise


@contextmanager
def sampling_chain(sampling: Sampling) -> Iterator[Any]:
    """llama.cpp's sampler for `sampling`: top-k, top-p, temperature, a seeded draw; None (greedy) at temperature 0."""
    if sampling.temperature <= 0:
        yield None
        return
    chain = lib.llama_sampler_chain_init(lib.llama_sampler_chain_default_params())
    try:
        lib.llama_sampler_chain_add(chain, lib.llama_sampler_init_top_k(_TOP_K))
        lib.llama_sampler_chain_add(chain, lib.llama_sampler_init_top_p(_TOP_P, 1))
        lib.llama_sampler_chain_add(chain, lib.llama_sampler_init_temp(min(sampling.temperature, _MAX_TEMPERATURE)))
        # 31 bits: all 32 set would mean "random" to llama.cpp
        lib.llama_sampler_chain_add(chain, lib.llama_sampler_init_dist(sampling.seed & 0x7FFFFFFF))
        yield chain
    finally:
        lib.llama_sampler_free(chain)


def picked(sampler: Any, logits: NDArray[np.float32]) -> int:
    """The token that `sampler` picks from `logits` [vocabulary]; as llama_sampler_sample does with a context's own."""
    if sampler is None:
        return int(logits.argmax())  # of several that are equal the first, as llama.cpp's greedy sampler does
    rows = np.zeros(len(logits), dtype=[("id", np.int32), ("logit", np.float32), ("p", np.float32)])
    rows["id"], rows["logit"] = np.arange(len(rows)), logits
    array = lib.llama_token_data_array(rows.ctypes.data_as(lib.llama_token_data_p), len(rows), -1, False)
    lib.llama_sampler_apply(sampler, ctypes.byref(array))
    token = int(array.data[array.selected].id)  # the sampler may have put its own list there
    lib.llama_sampler_accept(sampler, token)
    return token


def picked_last(sampler: Any, context: Any, vocabulary: Any) -> int:
    """The token that `sampler` picks from the logits that came out of `context` last.

    Raises:
        ModelError: none came out.
    """
    if sampler is not None:
        return int(lib.llama_sampler_sample(sampler, context, -1))
    found = lib.llama_get_logits_ith(context, -1)
    if not found:
        raise ModelError("The language model gave no figures for a token.", "Ask again.")
    return picked(None, np.ctypeslib.as_array(found, (int(lib.llama_vocab_n_tokens(vocabulary)),)))
