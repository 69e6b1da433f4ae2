"""One model that answers prompts: what was read of the last one is kept, copied out, taken up again, or joined.

A prompt is a list of tokens and the places where its batches end; two prompts have in common only what was read in the
same batches, so that what is kept is the same bit by bit as what would be read. Tokens of passages that are read apart
and joined carry a flag, so that they are never taken for tokens that were read in place. Knows no texts and no files.
"""

from __future__ import annotations

import array
import contextlib
import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from llama_cpp import llama_cpp as lib
from numpy.typing import NDArray

from ragedge.answer.llama_context import BATCH_TOKENS, NativeContext
from ragedge.answer.llama_sampling import picked, picked_last
from ragedge.answer.llama_states import (
    MAIN,
    SPARE,
    ReadPrompt,
    build_id,
    can_cut,
    copy_out,
    put_in,
    take_out,
    why_not_joined,
)
from ragedge.answer.tuning import Tuning
from ragedge.errors import ModelError

JOINED, JOINED_FIRST = 1 << 29, 1 << 30
"""Flags of tokens: in a passage that is joined, and the first of them there. No vocabulary is that large."""

TOKEN = JOINED - 1
"""What remains of a flagged token without its flags."""


class Apart(Protocol):
    """A passage to be joined: its tokens, and its state where that is known."""

    @property
    def tokens(self) -> Sequence[int]: ...
    @property
    def skipped(self) -> tuple[int, int]:
        """How many of its first and last tokens are read in place instead."""
        ...

    def state(self) -> memoryview | None: ...
    def keep(self, state: memoryview) -> None: ...


class NativeModel(NativeContext):
    """`keep`, `read`, `decode`, `sample` serve one job at a time."""

    def __init__(self, path: Path, context_tokens: int, threads: int, tuning: Tuning | None = None) -> None:
        """Load the model at `path`; `tuning` is how, its `threads` aside.

        Raises:
            ModelCorrupt: when llama.cpp refuses it.
            ModelError: when it is of another kind, or memory is short.
        """
        super().__init__(path, context_tokens, threads, tuning)
        self.is_reusable = can_cut(self._model)
        self.why_not_joined = why_not_joined(self._model, self._memory)
        self._prompt: list[int] = []  # what the context has read of the last prompt, and where its batches ended
        self._marks: frozenset[int] = frozenset()
        self._logits: NDArray[np.float32] | None = None  # what came out at the end of that prompt
        self._is_at_logits = False  # nothing was read since: the next token is picked from them
        self._unmoved: int | None = None  # from here on keys are yet to be moved, by the next batch

    def would_keep(self, tokens: Sequence[int], ends: Sequence[int]) -> int:
        """How many tokens `keep` would keep."""
        if self._logits is not None and self._prompt == list(tokens):
            return len(tokens)
        return common_mark(self._prompt, self._marks, tokens, ends) if self.is_reusable else 0

    def keep(self, tokens: Sequence[int], ends: Sequence[int]) -> int:
        """Keep what the context has already read of `tokens`, forget the rest; the number of tokens kept.

        Only whole batches are kept, cut where reading anew would cut them, so that the result is the same bit by bit.
        A prompt that is the last one again is kept whole, with what came out at its end.
        """
        with self._computing:
            self._check()
            kept = self.would_keep(tokens, ends)
            if not kept or not lib.llama_memory_seq_rm(self._memory, MAIN, kept, -1):
                kept = 0
                lib.llama_memory_clear(self._memory, False)
            self._is_at_logits = 0 < kept == len(tokens)
            if not self._is_at_logits:
                self._logits = None
            self._prompt = list(tokens[:kept])
            self._marks = frozenset(mark for mark in self._marks if mark <= kept)
            return kept

    def read_so_far(self, end: int | None = None) -> ReadPrompt | None:
        """A copy of the state of the last prompt, or of its first `end` tokens; None where it was not read whole."""
        with self._computing:
            self._check()
            if not self.is_reusable or self._logits is None:
                return None
            stop = len(self._prompt) if end is None else end
            marks = frozenset(mark for mark in self._marks if mark <= stop)
            state = copy_out(self._context, self._memory, 0, stop)
            tokens = array.array("i", self._prompt[:stop])
            return ReadPrompt(tokens, marks, self._logits if stop == len(self._prompt) else None, state)

    def restore(self, earlier: ReadPrompt, kept: int) -> bool:
        """Take up a prompt that was read earlier, up to token `kept`, one of its marks; else the context is empty."""
        with self._computing:
            self._check()
            self._reset()
            lib.llama_memory_clear(self._memory, False)
            is_in = put_in(self._context, MAIN, earlier.state)
            if not is_in or not lib.llama_memory_seq_rm(self._memory, MAIN, kept, -1):
                lib.llama_memory_clear(self._memory, False)
                return False
            self._prompt = list(earlier.tokens[:kept])
            self._marks = frozenset(mark for mark in earlier.marks if mark <= kept)
            if kept == len(earlier.tokens):
                self._logits = earlier.logits
            return True

    def forget(self) -> None:
        """Forget all that was read."""
        with self._computing:
            self._check()
            self._reset()
            lib.llama_memory_clear(self._memory, True)

    def _reset(self) -> None:
        self._prompt, self._marks, self._logits, self._is_at_logits = [], frozenset(), None, False
        self._unmoved = None

    @property
    def made_with(self) -> str:
        """Build and settings that a state depends on, besides the model; states of others are of no use here."""
        return f"{build_id()} {self._made_with}"

    def read(self, tokens: Sequence[int], ends: Sequence[int], head: int = 0, apart: Sequence[Apart] = ()) -> int:
        """Read what was not kept of `tokens`; how many are read in the end, fewer than all only after `stop`.

        Each run of flagged tokens is the next one of `apart`; those are read behind the first `head` tokens alone.
        """
        for end in ends:
            start = len(self._prompt)
            if end <= start:
                continue
            try:
                if tokens[start] & JOINED:
                    number = sum(1 for token in tokens[:start] if token & JOINED_FIRST)
                    is_read = self._join(tokens[:head], apart[number], start)
                else:
                    is_read = self.decode(tokens[start:end], has_logits=end == len(tokens))
            except ModelError:
                self.forget()
                raise
            if not is_read:
                self._distrust()
                return start
            self._prompt = list(tokens[:end])
            self._marks |= {end}
        if self.is_reusable and not self._is_at_logits:
            with self._computing:
                self._check()
                found = lib.llama_get_logits_ith(self._context, -1)
                size = int(lib.llama_vocab_n_tokens(self._vocabulary))
                self._logits = np.ctypeslib.as_array(found, (size,)).copy() if found else None
        return len(self._prompt)

    def _join(self, head: Sequence[int], passage: Apart, at: int) -> bool:
        """Append a passage at position `at`, from its state where that is known; False after `stop`."""
        with self._computing:
            self._check()
            self._is_at_logits = False
            before = len(head)
            try:
                state = passage.state()
                if state is None or not put_in(self._context, SPARE, state):
                    lib.llama_memory_seq_rm(self._memory, SPARE, -1, -1)
                    if not self._read_apart(before, passage.tokens):
                        return False
                    self._unmoved = None
                    with contextlib.suppress(ModelError, OSError, MemoryError):  # without room it is read again
                        passage.keep(take_out(self._context, SPARE))
                first, last = passage.skipped
                end = before + len(passage.tokens)
                lib.llama_memory_seq_rm(self._memory, SPARE, before, before + first)
                lib.llama_memory_seq_rm(self._memory, SPARE, end - last, -1)
                if at != before + first:
                    lib.llama_memory_seq_add(self._memory, SPARE, -1, -1, at - before - first)
                    self._unmoved = at if self._unmoved is None else self._unmoved
                lib.llama_memory_seq_cp(self._memory, SPARE, MAIN, -1, -1)
            finally:
                lib.llama_memory_seq_rm(self._memory, SPARE, -1, -1)
            return True

    def read_apart(self, head: Sequence[int], ends: Sequence[int], passage: Apart) -> bool:
        """Read a passage behind `head` for `passage.keep`; False after `stop`. The last prompt stays where it can."""
        asked, borders = [*head, -1], [*ends, len(head) + 1]
        needed = int(lib.llama_memory_seq_pos_max(self._memory, MAIN)) + 1 + len(passage.tokens)
        if needed > int(lib.llama_n_ctx(self._context)) or self.would_keep(asked, borders) < len(head):
            self.keep(asked, borders)
            if self.read(head, ends) < len(head):
                return False
        with self._computing:
            self._check()
            try:
                if is_read := self._read_apart(len(head), passage.tokens):
                    passage.keep(take_out(self._context, SPARE))
                return is_read
            finally:
                lib.llama_memory_seq_rm(self._memory, SPARE, -1, -1)

    def _distrust(self) -> None:
        """After a stop: keys that were to be moved may have been moved half way, and are let go."""
        with self._computing:
            self._check()
            if self._unmoved is not None:
                lib.llama_memory_seq_rm(self._memory, MAIN, self._unmoved, -1)
                self._prompt = self._prompt[: self._unmoved]
                self._marks = frozenset(mark for mark in self._marks if mark <= self._unmoved)
                self._unmoved = None

    def last_logits(self) -> NDArray[np.float32]:
        """What came out at the end of the prompt that was read last, [vocabulary].

        Raises:
            ModelError: it was not read to its end, or the model cannot keep it.
        """
        if self._logits is None:
            raise ModelError("There is no prompt that was read to its end.", "Ask again.")
        return self._logits

    @contextmanager
    def borrowed(self) -> Iterator[tuple[Any, Any, Any]]:
        """Context, memory and vocabulary, for a computation beside those of this class; alone with them meanwhile."""
        with self._computing:
            self._check()
            self._is_at_logits = False
            yield self._context, self._memory, self._vocabulary

    def decode(self, tokens: Sequence[int], *, has_logits: bool = True) -> bool:
        """Append tokens to the context; False after `stop`. Without logits the output layer, 1-2 % of it, is saved."""
        with self._computing:
            self._check()
            self._is_at_logits = False
            is_read = self._append(tokens, has_logits=has_logits)
            if is_read:
                self._unmoved = None
            return is_read

    def sample(self, sampler: Any) -> tuple[int, bytes] | None:
        """The next token and its bytes; None when the model has ended its turn."""
        with self._computing:
            self._check()
            token = self._picked(sampler)
            if lib.llama_vocab_is_eog(self._vocabulary, token):
                return None
        return token, self.piece(token)

    def _picked(self, sampler: Any) -> int:
        """The sampler's choice from the last logits: the context's, or those kept of the end of the same prompt."""
        if not self._is_at_logits or self._logits is None:
            return picked_last(sampler, self._context, self._vocabulary)
        return picked(sampler, self._logits)


def batch_ends(tokens: int, borders: Sequence[int]) -> list[int]:
    """Where the batches of a prompt end: at each border, every `BATCH_TOKENS` after one, and at the prompt's end.

    Before the first border batches are counted back from it.
    """
    inner = sorted({border for border in borders if 0 < border < tokens})
    ends = [*range(inner[0], 0, -BATCH_TOKENS)][::-1] if inner else []
    for start, end in itertools.pairwise([*(inner or [0]), tokens]):
        ends += [*range(start + BATCH_TOKENS, end, BATCH_TOKENS), end]
    return ends


def common_mark(read: Sequence[int], marks: frozenset[int], tokens: Sequence[int], ends: Sequence[int]) -> int:
    """The last end of a batch up to which `read` and `tokens` are the same, and were read, or would be, alike."""
    same = 0
    for old, new in zip(read, tokens, strict=False):
        if old != new:
            break
        same += 1
    kept = 0
    for earlier, later in zip(sorted(marks), ends[:-1], strict=False):
        if earlier != later or later > same:
            break
        kept = later
    return kept
