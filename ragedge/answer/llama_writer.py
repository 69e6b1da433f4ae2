"""Writing an answer: token by token, or several at once where a draft is right; the tokens are the same either way.

Beside llama_native the other module of the language model that calls llama.cpp. Several tokens decoded at once give
logits that differ in the last digits from one by one, so two rules keep the choice the same: a choice closer than the
guard is not taken from such a batch, and as soon as one is met, what was decoded in batches is decoded anew one by one
and the choice made from that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from llama_cpp import llama_cpp as lib
from numpy.typing import NDArray

from ragedge import llama_log
from ragedge.answer.drafts import Drafter
from ragedge.answer.llama_native import NativeModel
from ragedge.errors import ModelError

_GUARD = 0.05
"""Of the spread (standard deviation) of the logits: the first choice must lead the second by this much."""


class Writer:
    """The tokens of one answer, from the end of a prompt that the model has just read."""

    def __init__(self, engine: NativeModel, sampler: Any, drafter: Drafter | None, *, guard: float = _GUARD) -> None:
        """`sampler` picks where one token is decoded; with a `drafter` it must be the greedy one."""
        self._guard_share = guard
        self._engine = engine
        self._sampler = sampler
        self._drafter = drafter
        self._last: int | None = None  # said, not yet decoded
        self._loose: list[int] = []  # decoded since the first batch, in order; empty: all was decoded one by one
        self._guard = 0.0
        self._is_over = False
        self.drafted = 0
        self.accepted = 0

    def step(self, room: int) -> list[int]:
        """The next tokens, one to `room` of them; none at the end of the model's turn or after `stop`.

        Raises:
            ModelError: llama.cpp fails.
        """
        if self._is_over:
            return []
        if self._last is None:
            found = self._picked()
        else:
            draft = self._drafter.draft(room - 1) if self._drafter is not None else ()
            found = self._verified(self._last, draft) if draft else self._single(self._last)
        if self._drafter is not None:
            for token in found:
                self._drafter.follow(token)
        self._last = found[-1] if found else None
        return found

    def _picked(self) -> list[int]:
        sampled = self._engine.sample(self._sampler)
        self._is_over = sampled is None
        return [] if sampled is None else [sampled[0]]

    def _single(self, token: int) -> list[int]:
        if not self._engine.decode([token]):
            self._is_over = True
            return []
        if self._loose:
            self._loose.append(token)
            with self._engine.borrowed() as (context, _, vocabulary):
                is_clear = _lead(_row(context, vocabulary, -1))[1] >= self._guard
            if not is_clear and not self._again():
                return []
        return self._picked()

    def _verified(self, token: int, draft: tuple[int, ...]) -> list[int]:
        """Decode `token` and `draft` at once; what is right of the draft, and the choice after it."""
        tokens = (token, *draft)
        right, following = 0, None
        with self._engine.borrowed() as (context, memory, vocabulary):
            start = lib.llama_memory_seq_pos_max(memory, 0) + 1
            if not self._guard:
                self._guard = self._guard_share * float(_row(context, vocabulary, -1).std())
            is_done = _decode(context, tokens, start)
            for number in range(len(tokens) if is_done else 0):
                top, lead = _lead(_row(context, vocabulary, number))
                if lead < self._guard:
                    break
                if number == len(draft) or top != draft[number]:
                    following = top
                    break
                right += 1
            lib.llama_memory_seq_rm(memory, 0, start + 1 + right if is_done else start, -1)
            is_end = following is not None and lib.llama_vocab_is_eog(vocabulary, following)
        if not is_done:
            self._is_over = True
            return []
        self.drafted, self.accepted = self.drafted + len(draft), self.accepted + right
        self._loose += tokens[: 1 + right]
        found = list(draft[:right])
        self._is_over = bool(is_end)
        if following is None:
            return found + self._picked() if self._again() else found
        return found if is_end else [*found, following]

    def _again(self) -> bool:
        """Decode one by one what was decoded in batches; False after `stop`."""
        loose, self._loose = self._loose, []
        with self._engine.borrowed() as (_, memory, _):
            end = lib.llama_memory_seq_pos_max(memory, 0) + 1
            lib.llama_memory_seq_rm(memory, 0, end - len(loose), -1)
        self._is_over = not all(self._engine.decode([token]) for token in loose)
        return not self._is_over


def _row(context: Any, vocabulary: Any, number: int) -> NDArray[np.float32]:
    """The logits of output `number` (-1: the last one), float32 [vocabulary], in llama.cpp's own memory."""
    found = lib.llama_get_logits_ith(context, number)
    if not found:
        raise ModelError(
            "The language model gave no figures for a token.", "Ask again; if it persists, check the model."
        )
    return np.ctypeslib.as_array(found, (int(lib.llama_vocab_n_tokens(vocabulary)),))


def _lead(row: NDArray[np.float32]) -> tuple[int, float]:
    """The first choice, and by how much it leads the second; `row` is as before afterwards."""
    top = int(row.argmax())
    best = row[top]
    row[top] = -np.inf
    second = row.max()
    row[top] = best
    return top, float(best - second)


def _decode(context: Any, tokens: tuple[int, ...], start: int) -> bool:
    """Decode tokens from position `start` on, with logits for each; False after `stop`."""
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


def rehearse(engine: NativeModel, tokens: Sequence[int]) -> None:
    """Decode tokens at once and forget them again: what a verification takes, for measuring.

    Raises:
        ModelError: llama.cpp fails.
    """
    with engine.borrowed() as (context, memory, _):
        start = lib.llama_memory_seq_pos_max(memory, 0) + 1
        _decode(context, tuple(tokens), start)
        lib.llama_synchronize(context)
        lib.llama_memory_seq_rm(memory, 0, start, -1)


def last_logits(engine: NativeModel) -> NDArray[np.float32]:
    """The logits that came out last, float32 [vocabulary]."""
    with engine.borrowed() as (context, _, vocabulary):
        return _row(context, vocabulary, -1).copy()
