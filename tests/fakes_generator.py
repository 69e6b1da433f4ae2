"""A language model for tests that need none: it repeats the first sentence of the first source, word by word.

Counts words as tokens and keeps to the same rules as the real one: one job at a time in turn, a bounded queue,
cancel, a cap on the answer, a context that is never overflowed. `before_piece` is called before each word, for tests
that hold it there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ragedge.answer.sentences import sentence_spans
from ragedge.answer.turns import Turns
from ragedge.contracts import ModelStats, Piece, Prompt, Sampling
from ragedge.errors import PromptTooLong

NOTHING = "The sources do not say."


class FakeGenerator:
    """The `Generator` Protocol without a model; `said` replaces what it would repeat."""

    def __init__(
        self,
        *,
        context_tokens: int = 4096,
        queue_limit: int = 4,
        said: str | None = None,
        before_piece: Callable[[int], None] = lambda number: None,
    ) -> None:
        self._context_tokens = context_tokens
        self._turns = Turns(queue_limit)
        self._said = said
        self._before_piece = before_piece

    @property
    def name(self) -> str:
        return "fake"

    @property
    def context_tokens(self) -> int:
        return self._context_tokens

    def count_tokens(self, text: str) -> int:
        return len(text.split())

    def stream(
        self, prompt: Prompt, sampling: Sampling, is_cancelled: Callable[[], bool], *, client: str = ""
    ) -> Iterator[Piece | ModelStats]:
        if not self._turns.take(is_cancelled, client):
            yield ModelStats()
            return
        try:
            read = self.count_tokens(prompt.system) + self.count_tokens(prompt.user)
            room = self._context_tokens - read
            if room < 1:
                raise PromptTooLong(f"The prompt has {read} words, the context holds {self._context_tokens}.")
            words = self._answer(prompt).split()[: min(room, sampling.max_tokens)]
            written = 0
            for number, word in enumerate(words):
                if is_cancelled():
                    break
                self._before_piece(number)
                written += 1
                yield Piece(word if number == 0 else f" {word}")
            yield ModelStats(total_duration=written + 1, prompt_eval_count=read, eval_count=written)
        finally:
            self._turns.give()

    def _answer(self, prompt: Prompt) -> str:
        if self._said is not None:
            return self._said
        for source in prompt.sources:
            for start, end in sentence_spans(source.chunk.text):
                return source.chunk.text[start:end]
        return NOTHING

    def close(self) -> None:
        self._turns.close()
