"""Prompts that were read lately, as states in memory: the longest common beginning of the next one is found here.

A budget of bytes holds for all that is kept, logits and tokens included; the longest unused goes first. What is held is
counted by the bytes themselves, which lie in memory that goes back to the system at once. Knows no model and no disk.
"""

from __future__ import annotations

import array
from collections import OrderedDict
from collections.abc import Sequence

from ragedge.answer.llama_native import common_mark
from ragedge.answer.llama_states import ReadPrompt


class PromptStates:
    """The last prompts within `budget_bytes`; for one thread at a time."""

    def __init__(self, budget_bytes: int) -> None:
        self.budget_bytes = budget_bytes
        self._held: OrderedDict[bytes, ReadPrompt] = OrderedDict()  # by tokens; the latest used last

    @property
    def held_bytes(self) -> int:
        """Bytes of everything kept."""
        return sum(read.size_bytes for read in list(self._held.values()))

    def __len__(self) -> int:
        return len(self._held)

    def put(self, read: ReadPrompt) -> bool:
        """Keep a prompt; whether it fits."""
        key = read.tokens.tobytes()
        self._held.pop(key, None)
        if read.size_bytes > self.budget_bytes:
            return False
        room = self.budget_bytes - read.size_bytes
        while self._held and self.held_bytes > room:
            self._held.popitem(last=False)
        self._held[key] = read
        return True

    def best(self, tokens: Sequence[int], ends: Sequence[int]) -> tuple[ReadPrompt | None, int]:
        """The prompt of which most can be used for `tokens`, and up to which token; (None, 0) where none can."""
        found, kept = None, 0
        for read in reversed(self._held.values()):  # of equals the latest used
            is_same = read.logits is not None and len(read.tokens) == len(tokens) and list(read.tokens) == list(tokens)
            usable = len(tokens) if is_same else common_mark(read.tokens, read.marks, tokens, ends)
            if usable > kept:
                found, kept = read, usable
        return found, kept

    def touch(self, tokens: array.array[int]) -> None:
        """Note that the prompt of these tokens was used, where it is kept."""
        key = tokens.tobytes()
        if key in self._held:
            self._held.move_to_end(key)

    def clear(self) -> None:
        """Let go of everything."""
        self._held.clear()
