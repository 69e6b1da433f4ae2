"""Writing an answer: token by token, or several at once where a draft is right; the tokens are the same either way.

Several tokens decoded at once may give logits that differ from those of one by one: not at all for some kinds of
weights (Q4_0 on x86), by a fifth of their spread for others (Q5_0 and Q4_K). How much is learnt from the first batches,
which are decoded both ways. From then on a choice closer than twice that is not taken from a batch: what was
decoded in batches is decoded anew one by one, and the choice made from that.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
from llama_cpp import llama_cpp as lib
from numpy.typing import NDArray

from ragedge import llama_log
from ragedge.answer.drafts import Drafter
from ragedge.answer.llama_native import NativeModel
from ragedge.answer.tuning import GROUPS
from ragedge.errors import ModelError

_CHECKS = 2  # batches of each size that are decoded both ways
_SAFETY = 2.0  # a choice must be clearer than this times the largest difference seen: two logits may both move
_HOPELESS = 1.0  # of the logits' spread; with a guard beyond that hardly any choice is clear
_FREE_TOKENS, _SHARE = 32, 0.25  # tokens decoded anew that are forgiven, and as a share of those that drafts gave


class Trust:
    """What one model's batches were worth so far on this box; kept from answer to answer."""

    def __init__(self, *, checks: int = _CHECKS, guard: float = 0.0) -> None:
        """`guard`: to begin with, as a share of the logits' spread (standard deviation)."""
        self._left: defaultdict[int, int] = defaultdict(lambda: checks)
        self.guard = guard
        self._given = 0
        self._anew = 0

    @property
    def is_worth_it(self) -> bool:
        """Whether batches save more than choosing again costs."""
        return self.guard < _HOPELESS and self._anew <= _FREE_TOKENS + _SHARE * self._given

    def must_check(self, size: int) -> bool:
        """Whether the next batch of `size` tokens is to be decoded both ways."""
        return self._left[size] > 0

    def checked(self, size: int, difference: float) -> None:
        """A batch was decoded both ways; `difference`: the largest one, as a share of the logits' spread."""
        self._left[size] -= 1
        self.guard = max(self.guard, _SAFETY * difference)

    def spent(self, *, given: int = 0, anew: int = 0) -> None:
        """Tokens that drafts gave, and tokens that were decoded anew."""
        self._given += given
        self._anew += anew


class Writer:
    """The tokens of one answer, from the end of a prompt that the model has just read."""

    def __init__(self, engine: NativeModel, sampler: Any, drafter: Drafter | None, trust: Trust | None = None) -> None:
        """`sampler` picks where one token is decoded; with a `drafter` it must be the greedy one."""
        self._engine = engine
        self._sampler = sampler
        self._drafter = drafter
        self._trust = trust or Trust()
        self._last: int | None = None  # said, not yet decoded
        self._loose: list[int] = []  # decoded since the first batch, in order; empty: all was decoded one by one
        self._spread = 0.0
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
            is_drafting = self._drafter is not None and self._trust.is_worth_it
            draft = self._drafter.draft(room - 1) if self._drafter is not None and is_drafting else ()
            found = self._several(self._last, draft) if draft else self._single(self._last)
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
        if not self._decoded(token):
            return []
        if self._loose:
            self._loose.append(token)
            with self._engine.borrowed() as (context, _, vocabulary):
                is_clear = _lead(_row(context, vocabulary, -1))[1] >= self._trust.guard * self._spread
            if not is_clear and not self._again():
                return []
        return self._picked()

    def _decoded(self, token: int) -> bool:
        self._is_over = not self._engine.decode([token])
        return not self._is_over

    def _several(self, token: int, draft: tuple[int, ...]) -> list[int]:
        """Decode `token` and a draft; what is right of the draft, and the choice after it."""
        is_check = self._trust.must_check(1 + len(draft))
        if is_check and self._loose:  # a check begins where all was decoded one by one; until then known sizes serve
            is_check = False
            size = max((size for size in GROUPS if size <= len(draft) and not self._trust.must_check(size)), default=1)
            draft = draft[: size - 1]
            if not draft:
                return self._single(token)
        found = self._both_ways((token, *draft)) if is_check else self._at_once((token, *draft))
        right = 0
        while right < min(len(draft), len(found)) and found[right] == draft[right]:
            right += 1
        self.drafted, self.accepted = self.drafted + len(draft), self.accepted + right
        self._trust.spent(given=right)
        return found

    def _at_once(self, tokens: tuple[int, ...]) -> list[int]:
        """The choices after `tokens`, as long as they are the next one of them, and the first that is not."""
        found: list[int] = []
        is_clear = True
        with self._engine.borrowed() as (context, memory, vocabulary):
            start = lib.llama_memory_seq_pos_max(memory, 0) + 1
            self._spread = self._spread or float(_row(context, vocabulary, -1).std())
            is_done = _decode(context, tokens, start)
            for number in range(len(tokens) if is_done else 0):
                top, lead = _lead(_row(context, vocabulary, number))
                is_clear = lead >= self._trust.guard * self._spread
                if not is_clear:
                    break
                found.append(top)
                if tokens[number + 1 : number + 2] != (top,):
                    break
            kept = len(found) + (not is_clear) if is_done else 0
            lib.llama_memory_seq_rm(memory, 0, start + kept, -1)
            self._is_over = not is_done or (is_clear and bool(lib.llama_vocab_is_eog(vocabulary, found[-1])))
        if not is_done:
            return []
        if self._trust.guard:
            self._loose += tokens[:kept]
        if not is_clear:
            return found + self._picked() if self._again() else found
        return found[:-1] if self._is_over else found

    def _both_ways(self, tokens: tuple[int, ...]) -> list[int]:
        """As `_at_once`, from one by one; the difference is noted."""
        with self._engine.borrowed() as (context, memory, vocabulary):
            start = lib.llama_memory_seq_pos_max(memory, 0) + 1
            rows = (
                [_row(context, vocabulary, n).copy() for n in range(len(tokens))]
                if _decode(context, tokens, start)
                else []
            )
            lib.llama_memory_seq_rm(memory, 0, start, -1)
        self._is_over = not rows
        found: list[int] = []
        difference = 0.0
        for number, row in enumerate(rows):
            if not self._decoded(tokens[number]):
                return found
            single = last_logits(self._engine)
            self._spread = self._spread or float(single.std())
            difference = max(difference, float(np.abs(row - single).max()) / self._spread)
            found += self._picked()
            if self._is_over or tokens[number + 1 : number + 2] != tuple(found[-1:]):
                break
        if rows:
            self._trust.checked(len(tokens), difference)
        return found

    def _again(self) -> bool:
        """Decode one by one what was decoded in batches; False after `stop`."""
        loose, self._loose = self._loose, []
        self._trust.spent(anew=len(loose))
        with self._engine.borrowed() as (_, memory, _):
            end = lib.llama_memory_seq_pos_max(memory, 0) + 1
            lib.llama_memory_seq_rm(memory, 0, end - len(loose), -1)
        return all(self._decoded(token) for token in loose)


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
