"""Seconds that a model takes to read and to write on this box, with a given tuning, and what a verification costs.

Made of the same calls that answer questions (`NativeModel`, greedy choice included); token ids are drawn, because speed
does not depend on sense. Used by `ragedge bench --calibrate` and `ragedge bench engine`. Decides nothing.
"""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ragedge.answer.batches import SPAN, Batches, last_logits, lead, measured
from ragedge.answer.gguf_header import read_header
from ragedge.answer.llama_native import NativeModel, batch_ends
from ragedge.answer.llama_sampling import sampling_chain
from ragedge.answer.llama_writer import guard_of
from ragedge.answer.tuning import Tuning
from ragedge.contracts import Sampling
from ragedge.errors import ModelError
from ragedge.threads import default_threads

_ROUNDS = 3  # of a verification; the fastest counts: whatever else runs only makes it slower
_FIRST_ID, _LAST_ID = 300, 2000  # token ids that mostly end no turn; in smaller vocabularies others are taken


class Subject:
    """One model loaded with one tuning."""

    def __init__(self, path: Path, tuning: Tuning, context_tokens: int = 2048) -> None:
        self.tuning = tuning
        self._size = read_header(path).vocabulary_tokens
        self._engine = NativeModel(path, context_tokens, tuning.threads or default_threads(), tuning)

    def read(self, tokens: Sequence[int]) -> float:
        """Seconds to read a prompt of which nothing is known yet."""
        tokens = [token % self._size for token in tokens]
        self._engine.start()
        self._engine.keep([], [])
        ends = batch_ends(len(tokens), ())
        started = time.perf_counter()
        self._engine.read(tokens, ends)
        return time.perf_counter() - started

    def write(self, count: int) -> tuple[float, list[int]]:
        """Seconds to write `count` tokens after the prompt, and the tokens; where the model would end, it goes on."""
        tokens: list[int] = []
        with sampling_chain(Sampling()) as sampler:
            started = time.perf_counter()
            for _ in range(count):
                sampled = self._engine.sample(sampler)
                tokens.append(sampled[0] if sampled is not None else _FIRST_ID % self._size)
                self._engine.decode(tokens[-1:])
            return time.perf_counter() - started, tokens

    def logits(self) -> NDArray[np.float32]:
        """What came out last, float32 [vocabulary]."""
        return last_logits(self._engine)

    def batches(self) -> Batches:
        """What tokens decoded at once cost and change, after the prompt that was read last.

        Raises:
            ModelError: llama.cpp fails, or the context has no room.
        """
        found = measured(self._engine, [token % self._size for token in drawn(_ROUNDS * SPAN, 5)])
        if found is None:
            raise ModelError("The context is too small for this measurement.", "Use a larger one.")
        return found

    def choices(self, text: str, count: int, seconds: float, difference: float) -> tuple[int, int]:
        """How many choices are closer than the guard for `difference`, and of how many that were looked at.

        Those of at most `count` tokens after `text`; fewer where the model ends its turn or `seconds` are over.
        """
        tokens = self._engine.tokenize(text)
        self.read(tokens)
        close, seen = 0, 0
        ends_at = time.perf_counter() + seconds
        with sampling_chain(Sampling()) as sampler:
            while seen < count and time.perf_counter() < ends_at:
                logits = self.logits()
                close += lead(logits)[1] < guard_of(difference) * float(logits.std())
                seen += 1
                sampled = self._engine.sample(sampler)
                if sampled is None:
                    break
                self._engine.decode([sampled[0]])
        return close, seen

    def count(self, text: str) -> int:
        """Tokens of a text."""
        return len(self._engine.tokenize(text))

    def close(self) -> None:
        """Free the model."""
        self._engine.close()


def drawn(count: int, seed: int) -> list[int]:
    """`count` token ids."""
    draw = random.Random(seed)
    return [draw.randrange(_FIRST_ID, _LAST_ID) for _ in range(count)]


def cosine(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    """How alike two rows of logits are; 1 is equal."""
    first, second = a.astype(np.float64), b.astype(np.float64)
    return float(first @ second / (np.linalg.norm(first) * np.linalg.norm(second)))
