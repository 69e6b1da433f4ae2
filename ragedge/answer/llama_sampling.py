"""How the next token is picked: llama.cpp's samplers for a `Sampling`, on its logits or on logits that were kept."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from llama_cpp import llama_cpp as lib
from numpy.typing import NDArray

from ragedge.contracts import Sampling

_TOP_K, _TOP_P = 40, 0.95  # llama.cpp's own defaults
_MAX_TEMPERATURE = 2.0  # beyond it text is noise


@contextmanager
def sampling_chain(sampling: Sampling) -> Iterator[Any]:
    """llama.cpp's sampler for `sampling`: greedy at temperature 0, else top-k, top-p, temperature and a seeded draw."""
    chain = lib.llama_sampler_chain_init(lib.llama_sampler_chain_default_params())
    try:
        if sampling.temperature > 0:
            lib.llama_sampler_chain_add(chain, lib.llama_sampler_init_top_k(_TOP_K))
            lib.llama_sampler_chain_add(chain, lib.llama_sampler_init_top_p(_TOP_P, 1))
            lib.llama_sampler_chain_add(chain, lib.llama_sampler_init_temp(min(sampling.temperature, _MAX_TEMPERATURE)))
            # 31 bits: all 32 set would mean "random" to llama.cpp
            lib.llama_sampler_chain_add(chain, lib.llama_sampler_init_dist(sampling.seed & 0x7FFFFFFF))
        else:
            lib.llama_sampler_chain_add(chain, lib.llama_sampler_init_greedy())
        yield chain
    finally:
        lib.llama_sampler_free(chain)


def picked(sampler: Any, logits: NDArray[np.float32]) -> int:
    """The token that `sampler` picks from `logits` [vocabulary]; as llama_sampler_sample does with a context's own."""
    rows = np.zeros(len(logits), dtype=[("id", np.int32), ("logit", np.float32), ("p", np.float32)])
    rows["id"], rows["logit"] = np.arange(len(rows)), logits
    array = lib.llama_token_data_array(rows.ctypes.data_as(lib.llama_token_data_p), len(rows), -1, False)
    lib.llama_sampler_apply(sampler, ctypes.byref(array))
    token = int(array.data[array.selected].id)  # the sampler may have put its own list there
    lib.llama_sampler_accept(sampler, token)
    return token
