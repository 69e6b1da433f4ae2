"""The state of one passage for one prompt: looked up on disk, and handed to be written where it was not there.

Its key is what it is made of: the model, the build and settings that computed it, the tokens of the instruction before
it (and with them the chat format) and its own. Its place in the prompt is no part of it. Knows no model.
"""

from __future__ import annotations

from collections.abc import Sequence

from ragedge.answer.llama_states import room_for
from ragedge.answer.prompt_plan import PassagePlan, Plan
from ragedge.answer.state_writer import StateWriter
from ragedge.state_files import StateFolder, StateHead

KIND = "passage"
_SCHEME = "apart"  # read behind the instruction alone, at the positions right after it


class PassageState:
    """One passage of a prompt that is being read."""

    def __init__(
        self, plan: Plan, passage: PassagePlan, engine: str, folder: StateFolder | None, writer: StateWriter | None,
        *, is_ahead: bool = False,
    ) -> None:  # fmt: skip
        self._plan = plan
        self._passage = passage
        self._folder = folder
        self._writer = writer
        self._is_ahead = is_ahead
        tokens = (*plan.tokens[: plan.head], *passage.tokens)
        self._wanted = StateHead(KIND, engine, _SCHEME, tokens, plan.head, (), (passage.document_id,), 0)
        self.found_tokens = self.state_bytes = 0

    @property
    def tokens(self) -> Sequence[int]:
        """All tokens of the passage."""
        return self._passage.tokens

    @property
    def skipped(self) -> tuple[int, int]:
        """How many of its first and last tokens are read in place instead."""
        return self._passage.skipped

    @property
    def is_known(self) -> bool:
        """Whether its state is on disk; the bytes are not looked at."""
        return self._folder is not None and self._folder.find(self._wanted) is not None

    def state(self) -> memoryview | None:
        """Its state from disk, whole and right; None where there is none."""
        if self._folder is None:
            return None
        found = self._folder.find(self._wanted)
        state = self._folder.read(found, room_for) if found is not None else None
        if state is not None:
            self.found_tokens = len(self.tokens) - sum(self.skipped)
        return state

    def keep(self, state: memoryview) -> None:
        """It was computed now: have it written."""
        self.found_tokens, self.state_bytes = 0, len(state)
        if self._writer is not None and not self._writer.is_full:
            head = StateHead(
                KIND, self._wanted.engine, _SCHEME, self._wanted.tokens, self._plan.head, (),
                self._wanted.documents, len(state),
            )  # fmt: skip
            self._writer.put(head, state, self._plan.epoch, is_ahead=self._is_ahead)
