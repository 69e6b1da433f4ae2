"""Several tokens decoded at once: what comes out of them, what that takes, and how far it is from one by one.

The same tokens may give other logits at once than one by one, because llama.cpp has other kernels for them: not at all
for some kinds of weights (Q4_0 on x86), by a fifth of their spread for others (Q5_0 and Q4_K). Time and difference are
measured behind what the model has read last, and forgotten again. Decides nothing.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from llama_cpp import llama_cpp as lib
from numpy.typing import NDArray

from ragedge import llama_log
from ragedge.answer.llama_native import NativeModel
from ragedge.answer.tuning import GROUPS, Costs
from ragedge.errors import ModelError

_AFTER = 8  # tokens decoded one by one behind a batch: their logits depend on what the batch left in the cache
SPAN = max(GROUPS) + _AFTER
"""Tokens that one round of `measured` decodes."""


@dataclass(frozen=True, slots=True)
class Batches:
    """`costs`: tokens at once -> time, in units of one token alone; never falling.

    `difference`: the largest one of a logit to that of one by one, as a share of the logits' standard deviation;
    exactly 0 where the same was computed bit by bit.
    """

    costs: Costs
    difference: float


def measured(engine: NativeModel, tokens: Sequence[int]) -> Batches | None:
    """What batches cost and change here, from `len(tokens) // SPAN` rounds; None after `stop`, or without room.

    Raises:
        ModelError: llama.cpp fails.
    """
    single_s = [float("inf")]
    batch_s = dict.fromkeys(GROUPS, float("inf"))
    difference = 0.0
    with engine.borrowed() as (context, memory, vocabulary):
        start = lib.llama_memory_seq_pos_max(memory, 0) + 1
        if start + SPAN > lib.llama_n_ctx(context) or len(tokens) < SPAN:
            return None
        try:
            for first in range(0, len(tokens) - SPAN + 1, SPAN):
                span = tuple(tokens[first : first + SPAN])
                alone = _rows(context, vocabulary, span, start, 1, single_s)
                for size in GROUPS:
                    lib.llama_memory_seq_rm(memory, 0, start, -1)
                    took: list[float] = []
                    rows = _rows(context, vocabulary, span[:size], start, size, took)
                    if size == max(GROUPS) and rows is not None and alone is not None:
                        after = _rows(context, vocabulary, span[size:], start + size, 1, single_s)
                        rows = None if after is None else rows + after
                    if alone is None or rows is None:
                        return None
                    batch_s[size] = min(batch_s[size], *took)
                    difference = max(difference, *(_apart(a, b) for a, b in zip(rows, alone, strict=False)))
                lib.llama_memory_seq_rm(memory, 0, start, -1)
        finally:
            lib.llama_memory_seq_rm(memory, 0, start, -1)
    costs, most = [], 0.0
    for size in GROUPS:
        most = max(most, batch_s[size] / min(single_s))
        costs.append((size, round(most, 2)))
    return Batches(tuple(costs), difference)


def _rows(
    context: Any, vocabulary: Any, tokens: tuple[int, ...], start: int, at_once: int, seconds: list[float]
) -> list[NDArray[np.float32]] | None:
    """The logits after each token, decoded `at_once` at a time; the time of each goes to `seconds`."""
    rows: list[NDArray[np.float32]] = []
    for first in range(0, len(tokens), at_once):
        part = tokens[first : first + at_once]
        started = time.perf_counter()
        is_done = decode_at(context, part, start + first)
        lib.llama_synchronize(context)
        seconds.append(time.perf_counter() - started)
        if not is_done:
            return None
        rows += [row(context, vocabulary, number).copy() for number in range(len(part))]
    return rows


def _apart(at_once: NDArray[np.float32], alone: NDArray[np.float32]) -> float:
    return float(np.abs(at_once - alone).max()) / (float(alone.std()) or 1.0)


def row(context: Any, vocabulary: Any, number: int) -> NDArray[np.float32]:
    """The logits of output `number` (-1: the last one), float32 [vocabulary], in llama.cpp's own memory.

    Raises:
        ModelError: there are none.
    """
    found = lib.llama_get_logits_ith(context, number)
    if not found:
        raise ModelError(
            "The language model gave no figures for a token.", "Ask again; if it persists, check the model."
        )
    return np.ctypeslib.as_array(found, (int(lib.llama_vocab_n_tokens(vocabulary)),))


def lead(logits: NDArray[np.float32]) -> tuple[int, float]:
    """The first choice, and by how much it leads the second; `logits` is as before afterwards."""
    top = int(logits.argmax())
    best = logits[top]
    logits[top] = -np.inf
    second = logits.max()
    logits[top] = best
    return top, float(best - second)


def decode_at(context: Any, tokens: tuple[int, ...], start: int) -> bool:
    """Decode tokens from position `start` on, with logits for each; False after `stop`.

    Raises:
        ModelError: llama.cpp fails.
    """
    batch = lib.llama_batch_init(len(tokens), 0, 1)
    try:
        batch.n_tokens = len(tokens)
        for number, token in enumerate(tokens):
            batch.token[number], batch.pos[number] = token, start + number
            batch.n_seq_id[number], batch.seq_id[number][0], batch.logits[number] = 1, 0, 1
        code = lib.llama_decode(context, batch)
    finally:
        lib.llama_batch_free(batch)
    if code not in (0, 2):
        raise ModelError(f"The language model failed: {llama_log.last_error() or code}.", "Ask again.")
    return bool(code == 0)


def last_logits(engine: NativeModel) -> NDArray[np.float32]:
    """The logits that came out last, float32 [vocabulary]."""
    with engine.borrowed() as (context, _, vocabulary):
        return row(context, vocabulary, -1).copy()
