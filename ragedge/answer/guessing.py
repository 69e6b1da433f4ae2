"""What guessing ahead learns of one model, from answer to answer: shares, ledger, costs, and trust in batches.

What a batch costs and changes comes from the device profile; where nobody has measured it, nothing is drafted until it
was measured here, in a pause behind an answer. Nothing of it is kept on disk. Knows no queue.
"""

from __future__ import annotations

from collections.abc import Sequence

from ragedge.answer.batches import SPAN, measured
from ragedge.answer.drafts import AcceptRates, Drafter, Ledger, passage_tokens
from ragedge.answer.llama_native import TOKEN, NativeModel
from ragedge.answer.llama_writer import Trust
from ragedge.answer.prompt_plan import Plan
from ragedge.answer.tuning import Tuning
from ragedge.contracts import Sampling

_ROUNDS = 2  # of a measurement; a second or two on one x86 core with a 0.5B model


class Guessing:
    """Everything about drafts that outlives an answer."""

    def __init__(self, tuning: Tuning, *, is_wanted: bool) -> None:
        """`is_wanted` False: nothing is ever guessed or measured."""
        self._is_wanted = is_wanted
        self._rates = AcceptRates()
        self._ledger = Ledger()
        self._costs = tuning.verify_costs
        self._span: tuple[int, ...] = ()  # tokens of an answer, to be decoded again in a pause
        self.trust = Trust(tuning.verify_difference, tuning.choices)

    @property
    def is_measuring(self) -> bool:
        """Whether `rest` has something to measure, and would end it at a `stop`."""
        return bool(self._span)

    def drafter(self, engine: NativeModel, plan: Plan, sampling: Sampling) -> Drafter | None:
        """What guesses ahead from the passages; None where it is switched off or would not be exact."""
        self._span = ()
        if not self._is_wanted or sampling.temperature > 0 or not engine.is_reusable:
            return None
        turn = [(token & TOKEN, engine.piece(token & TOKEN)) for token in plan.tokens[plan.turn :]]
        return Drafter(passage_tokens(turn), self._rates, self._costs, self._ledger)

    def wrote(self, engine: NativeModel, prompt: Sequence[int]) -> None:
        """A prompt was read and answered: what is not known yet can now be measured behind it."""
        if self._is_wanted and self.trust.difference is None and engine.is_reusable:
            tokens = [token & TOKEN for token in prompt]
            self._span = tuple((tokens * (1 + _ROUNDS * SPAN // len(tokens)))[-_ROUNDS * SPAN :])

    def rest(self, engine: NativeModel) -> None:
        """Nobody waits for the model: measure what is not known. Ends within milliseconds of `engine.stop()`.

        Raises:
            ModelError: llama.cpp fails.
        """
        if self._span and (found := measured(engine, self._span)) is not None:
            self._costs, self.trust.difference = found.costs, found.difference
        self._span = ()
