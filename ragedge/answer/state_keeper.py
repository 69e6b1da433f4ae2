"""Decides for each prompt which earlier state it goes on from: the context's own, one in memory, or one on disk.

Afterwards, when nobody waits, the prompt's state is copied into memory, and its beginning up to the end of the passages
goes to disk: documents' text, which goes when they go, never a question or an earlier answer. Copying takes
milliseconds; files are written by a thread of their own that stands still while an answer is made. Whatever is taken
up was read in the same batches, so that the answer is that of a fresh context bit by bit.
"""

from __future__ import annotations

import array
import contextlib

from ragedge.answer.ahead import Ahead
from ragedge.answer.llama_native import NativeModel, common_mark
from ragedge.answer.llama_states import ReadPrompt, room_for
from ragedge.answer.passage_states import KIND as PASSAGE
from ragedge.answer.passage_states import PassageState
from ragedge.answer.prompt_plan import Plan
from ragedge.answer.prompt_states import PromptStates
from ragedge.answer.state_writer import StateWriter
from ragedge.errors import ModelError
from ragedge.state_files import StateFolder, StateHead

KIND = "prompt"
_HEAD_BYTES = 16_384  # of a passage's file beside the state: its tokens, five bytes each at most
_LEAST_TOKENS = 64  # tokens that a state on disk must spare: reading so few takes no longer than an SD card does


class StateKeeper:
    """The states of one loaded model; `keep` and `rest` are called by the thread that runs its jobs."""

    def __init__(self, native: NativeModel, engine: str, prompt_bytes: int, folder: StateFolder | None) -> None:
        """`engine` names the model's file by its sum; states of any other are not looked at."""
        self._native = native
        self._engine = engine
        self._prompts = PromptStates(prompt_bytes if native.is_reusable else 0)
        self._folder = folder if native.is_reusable else None
        self._plan: Plan | None = None  # of the prompt in the context
        self._is_saved = True
        self._epoch = -1
        self._heads: list[StateHead] = []
        self._writer = StateWriter(self._folder) if self._folder is not None else None
        self._token_bytes = 0  # of a passage's state; known once one was read ahead

    @property
    def held_bytes(self) -> int:
        """Memory held: the prompts, and what waits to be written."""
        return self._prompts.held_bytes + (self._writer.held_bytes if self._writer is not None else 0)

    def keep(self, plan: Plan) -> int:
        """Make the context hold as much of the prompt as is known; how many tokens need not be read."""
        if self._writer is not None:
            self._writer.pause()
        self._notice(plan.epoch)
        own = self._native.would_keep(plan.tokens, plan.ends)
        if own == len(plan.tokens):
            self._prompts.touch(array.array("i", plan.tokens))
        else:
            self._save()  # before it is overwritten; in a pause that has been done
            self._take_up(plan, own)
        kept = self._native.keep(plan.tokens, plan.ends)
        self._is_saved = kept == len(plan.tokens) and (self._is_saved or own < kept)
        self._plan = plan
        return kept

    def rest(self) -> None:
        """Nobody waits: keep what the last prompt was, and let files be written."""
        self._save()
        if self._writer is not None:
            self._writer.go_on()

    def read(self, plan: Plan) -> tuple[int, int]:
        """Read the prompt to its end; how many tokens are read, and how many of them by a passage's state from disk."""
        apart = [PassageState(plan, one, self._engine, self._folder, self._writer) for one in plan.passages]
        read = self._native.read(plan.tokens, plan.ends, plan.head, apart)
        return read, sum(one.found_tokens for one in apart)

    def read_ahead(self, plan: Plan) -> Ahead:
        """Read the first passage of a plan for later, unless it is known or there is no room; see `Ahead`."""
        if self._writer is None or self._folder is None or not plan.passages:
            return "impossible"
        if plan.epoch != self._folder.epoch():
            return "stale"
        passage = PassageState(plan, plan.passages[0], self._engine, self._folder, self._writer, is_ahead=True)
        if passage.is_known:
            return "known"
        if self._writer.is_full:
            return "stopped"
        room = self._folder.room(PASSAGE) - self._writer.held_bytes - _HEAD_BYTES
        if room < self._token_bytes * len(passage.tokens):
            return "full"
        self._notice(plan.epoch)
        self._save()  # of the last prompt, which may have to make room
        ends = [end for end in plan.ends if end <= plan.head]
        try:
            if not self._native.read_apart(plan.tokens[: plan.head], ends, passage):
                return "stopped"
        except (OSError, MemoryError):
            return "full"
        self._token_bytes = passage.state_bytes // len(passage.tokens)
        return "read" if room >= passage.state_bytes else "full"

    def close(self) -> None:
        """Stop writing."""
        if self._writer is not None:
            self._writer.close()

    def _notice(self, epoch: int) -> None:
        """When documents went, let go of all that may have been read of them."""
        if epoch == self._epoch:
            return
        if self._epoch >= 0:
            self._prompts.clear()
            self._native.forget()
            self._plan, self._is_saved = None, True
        self._epoch = epoch
        self._heads = self._folder.heads(KIND) if self._folder is not None else []
        self._heads = [head for head in self._heads if head.engine == self._engine]

    def _take_up(self, plan: Plan, own: int) -> None:
        """Put the best earlier state into the context where it spares more than `own` tokens."""
        earlier, kept = self._prompts.best(plan.tokens, plan.ends)
        if kept < max(own, 1):
            kept = own
        on_disk, more = self._best_on_disk(plan)
        if on_disk is not None and more >= kept + _LEAST_TOKENS:
            state = self._folder.read(on_disk, room_for) if self._folder is not None else None
            if state is not None:
                tokens = array.array("i", on_disk.tokens)
                earlier, kept = ReadPrompt(tokens, frozenset(on_disk.marks), None, state), more
            else:
                self._heads.remove(on_disk)
        if earlier is not None and kept > own:
            self._prompts.touch(earlier.tokens)
            self._native.restore(earlier, kept)

    def _best_on_disk(self, plan: Plan) -> tuple[StateHead | None, int]:
        found, most = None, 0
        for head in self._heads:
            usable = common_mark(head.tokens, frozenset(head.marks), plan.tokens, plan.ends)
            if usable > most:
                found, most = head, usable
        return found, most

    def _save(self) -> None:
        """Copy the last prompt's state; where there is no memory for it, it is one that is not known later."""
        plan, is_saved, self._is_saved = self._plan, self._is_saved, True
        if plan is None or is_saved:
            return
        with contextlib.suppress(ModelError, OSError, MemoryError):
            read = self._native.read_so_far() if self._prompts.budget_bytes else None
            if read is not None:
                self._prompts.put(read)
            if plan.lasting >= _LEAST_TOKENS and plan.lasting in plan.ends:
                self._hand_over(plan)

    def _hand_over(self, plan: Plan) -> None:
        """Give the beginning of the prompt to the thread that writes, unless it is on disk."""
        tokens = tuple(plan.tokens[: plan.lasting])
        if self._writer is None or self._writer.is_full or any(head.tokens == tokens for head in self._heads):
            return
        read = self._native.read_so_far(plan.lasting)
        if read is None:
            return
        marks = tuple(sorted(read.marks))
        head = StateHead(KIND, self._engine, "", tokens, 0, marks, plan.documents, len(read.state))
        self._writer.put(head, read.state, plan.epoch)
        self._heads.append(head)
