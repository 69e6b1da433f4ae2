"""Writing an answer: token by token, or several at once where a draft is right; the tokens are the same either way.

Several tokens decoded at once may give other logits than one by one, see `batches`. By how much was measured before,
never within an answer: a choice closer than twice that is not taken from a batch, nor from what was decoded behind one:
all that is decoded anew one by one, and the choice made from that. Where choices are often that close, nothing is
drafted. Where batches give the same bit by bit, every choice is clear.
"""

from __future__ import annotations

from typing import Any

from llama_cpp import llama_cpp as lib

from ragedge.answer.batches import decode_at, lead, row
from ragedge.answer.drafts import Drafter
from ragedge.answer.llama_native import NativeModel

_SAFETY = 2.0  # a choice must be clearer than this times the largest difference seen: two logits may both move
_LEAST_GUARD = (
    0.1  # of the spread, where anything differs: a last bit can round an input of a layer otherwise, which shows
)
_HOPELESS = 1.0  # of the logits' spread; with a guard beyond that hardly any choice is clear
_REST = 48  # tokens: how long an answer may go on behind a batch, and then be decoded anew
_RUN = 4.0  # tokens' time that a copied run saves: what is decoded anew must be expected to take less
_REMEMBERED = 2000  # choices


class Trust:
    """What one model's batches are worth on this box; kept from answer to answer."""

    def __init__(self, difference: float | None = None, choices: tuple[int, int] = (0, 0)) -> None:
        """`difference` as `Batches` has it, None: not measured, so that nothing is drafted; `choices` as `Tuning`."""
        self.difference = difference
        self._close, self._seen = (float(count) for count in choices)

    @property
    def guard(self) -> float:
        """By how much a choice must lead, as a share of the logits' spread (standard deviation)."""
        return guard_of(self.difference or 0.0)

    def look(self, *, is_clear: bool) -> None:
        """A choice was made; also where all was decoded one by one, so that the share is learnt for nothing."""
        self._close, self._seen = self._close + (not is_clear), self._seen + 1
        if self._seen > _REMEMBERED:
            self._close, self._seen = self._close / 2, self._seen / 2

    def is_worth_it(self, room: int) -> bool:
        """Whether a batch saves more than choosing again must be expected to cost, `room` tokens before the end."""
        if self.difference is None or self.guard >= _HOPELESS:
            return False
        rest = min(room, _REST)
        return not self.guard or (self._close + 0.5) / (self._seen + 1) * rest * rest / 2 <= _RUN


def guard_of(difference: float) -> float:
    """The guard for a difference, both as a share of the logits' spread."""
    return max(_LEAST_GUARD, _SAFETY * difference) if difference else 0.0


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
            draft = self._drafter.draft(room - 1) if self._drafter is not None and self._may_draft(room) else ()
            found = self._several(self._last, draft) if draft else self._single(self._last)
        if self._drafter is not None:
            for token in found:
                self._drafter.follow(token)
        self._last = found[-1] if found else None
        return found

    def _may_draft(self, room: int) -> bool:
        return bool(self._loose) or self._trust.is_worth_it(room)

    def _picked(self) -> list[int]:
        sampled = self._engine.sample(self._sampler)
        self._is_over = sampled is None
        return [] if sampled is None else [sampled[0]]

    def _single(self, token: int) -> list[int]:
        if not self._decoded(token):
            return []
        if self._drafter is not None and self._trust.guard:
            with self._engine.borrowed() as (context, _, vocabulary):
                is_clear = self._is_clear(lead(row(context, vocabulary, -1))[1], context, vocabulary)
            if self._loose:
                self._loose.append(token)
                if not is_clear and not self._again():
                    return []
        return self._picked()

    def _is_clear(self, leads_by: float, context: Any, vocabulary: Any) -> bool:
        self._spread = self._spread or float(row(context, vocabulary, -1).std())
        is_clear = leads_by >= self._trust.guard * self._spread
        self._trust.look(is_clear=is_clear)
        return is_clear

    def _decoded(self, token: int) -> bool:
        self._is_over = not self._engine.decode([token])
        return not self._is_over

    def _several(self, token: int, draft: tuple[int, ...]) -> list[int]:
        """Decode `token` and a draft; what is right of the draft, and the choice after it."""
        found = self._at_once((token, *draft))
        right = 0
        while right < min(len(draft), len(found)) and found[right] == draft[right]:
            right += 1
        self.drafted, self.accepted = self.drafted + len(draft), self.accepted + right
        if self._drafter is not None:
            self._drafter.settle(1 + len(draft), max(1, len(found)))
        if found and not right and self._loose == [token] and not self._is_over:
            self._again()  # nothing was gained: with one token anew the rest of the answer cannot become loose
        return found

    def _at_once(self, tokens: tuple[int, ...]) -> list[int]:
        """The choices after `tokens`, as long as they are the next one of them, and the first that is not."""
        found: list[int] = []
        is_clear = True
        with self._engine.borrowed() as (context, memory, vocabulary):
            start = lib.llama_memory_seq_pos_max(memory, 0) + 1
            is_done = decode_at(context, tokens, start)
            for number in range(len(tokens) if is_done else 0):
                top, leads_by = lead(row(context, vocabulary, number))
                is_clear = self._is_clear(leads_by, context, vocabulary)
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

    def _again(self) -> bool:
        """Decode one by one what was decoded in batches; False after `stop`."""
        loose, self._loose = self._loose, []
        if self._drafter is not None:
            self._drafter.lose(len(loose))
        with self._engine.borrowed() as (_, memory, _):
            end = lib.llama_memory_seq_pos_max(memory, 0) + 1
            lib.llama_memory_seq_rm(memory, 0, end - len(loose), -1)
        return all(self._decoded(token) for token in loose)
