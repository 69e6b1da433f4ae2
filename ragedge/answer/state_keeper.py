"""Decides for each prompt which earlier state it goes on from: the context's own, one in memory, or one on disk.

Afterwards, when nobody waits, the prompt's state is copied into memory, and its beginning up to the end of the passages
goes to disk: documents' text, which goes when they go, never a question or an earlier answer. Copying takes
milliseconds; files are written by a thread of their own that stands still while an answer is made. Whatever is taken
up was read in the same batches, so that the answer is that of a fresh context bit by bit.
"""

from __future__ import annotations

import array
import queue
import threading
from collections.abc import Sequence
from dataclasses import dataclass

from ragedge.answer.llama_native import NativeModel, common_mark
from ragedge.answer.llama_states import ReadPrompt, room_for
from ragedge.answer.prompt_states import PromptStates
from ragedge.state_files import StateFolder, StateHead

KIND = "prompt"
_LEAST_TOKENS = 64  # tokens that a state on disk must spare: reading so few takes no longer than an SD card does
_MOST_WAITING = 2  # states that wait to be written; more come only where questions never pause, and are let go


@dataclass(frozen=True, slots=True)
class Plan:
    """A prompt as it is to be read: batches end at `borders`; `lasting` tokens at its beginning hold documents only.

    `epoch` is the state folder's when the passages were put together.
    """

    tokens: Sequence[int]
    borders: tuple[int, ...]
    lasting: int = 0
    documents: tuple[str, ...] = ()
    epoch: int = 0


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
        self._is_idle = threading.Event()
        self._writer: Writer | None = None

    @property
    def held_bytes(self) -> int:
        """Memory held: the prompts, and what waits to be written."""
        return self._prompts.held_bytes + (self._writer.held_bytes if self._writer is not None else 0)

    def keep(self, plan: Plan) -> int:
        """Make the context hold as much of the prompt as is known; how many tokens need not be read."""
        self._is_idle.clear()
        self._notice(plan.epoch)
        own = self._native.would_keep(plan.tokens, plan.borders)
        if own == len(plan.tokens):
            self._prompts.touch(array.array("i", plan.tokens))
        else:
            self._save()  # before it is overwritten; in a pause that has been done
            self._take_up(plan, own)
        kept = self._native.keep(plan.tokens, plan.borders)
        self._is_saved = kept == len(plan.tokens) and (self._is_saved or own < kept)
        self._plan = plan
        return kept

    def rest(self) -> None:
        """Nobody waits: keep what the last prompt was, and let files be written."""
        self._save()
        self._is_idle.set()

    def close(self) -> None:
        """Stop writing."""
        if self._writer is not None:
            self._writer.close()
            self._is_idle.set()

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
        earlier, kept = self._prompts.best(plan.tokens, plan.borders)
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
            usable = common_mark(head.tokens, frozenset(head.marks), plan.tokens, plan.borders)
            if usable > most:
                found, most = head, usable
        return found, most

    def _save(self) -> None:
        plan, is_saved, self._is_saved = self._plan, self._is_saved, True
        if plan is None or is_saved:
            return
        read = self._native.read_so_far()
        if read is None:
            return
        self._prompts.put(read)
        if self._folder is not None and plan.lasting >= _LEAST_TOKENS and plan.lasting in read.marks:
            self._hand_over(plan, self._folder)

    def _hand_over(self, plan: Plan, folder: StateFolder) -> None:
        """Give the beginning of the prompt to the thread that writes, unless it is on disk."""
        tokens = tuple(plan.tokens[: plan.lasting])
        if any(head.tokens == tokens for head in self._heads) or (self._writer and self._writer.is_full):
            return
        read = self._native.read_so_far(plan.lasting)
        if read is None:
            return
        marks = tuple(sorted(read.marks))
        head = StateHead(KIND, self._engine, "", tokens, 0, marks, plan.documents, len(read.state))
        if self._writer is None:
            self._writer = Writer(folder, self._is_idle)
        self._writer.put(head, read.state, plan.epoch)
        self._heads.append(head)


class Writer:
    """A thread that writes states while nobody waits."""

    def __init__(self, folder: StateFolder, is_idle: threading.Event) -> None:
        self._folder = folder
        self._is_idle = is_idle
        self._waiting: queue.SimpleQueue[tuple[StateHead, memoryview, int] | None] = queue.SimpleQueue()
        self._sizes: list[int] = []
        self._is_closed = False
        self._thread = threading.Thread(target=self._run, name="state-writer", daemon=True)
        self._thread.start()

    @property
    def held_bytes(self) -> int:
        """Bytes that wait to be written."""
        return sum(list(self._sizes))

    @property
    def is_full(self) -> bool:
        """Whether no more should be put."""
        return len(self._sizes) >= _MOST_WAITING

    def put(self, head: StateHead, state: memoryview, epoch: int) -> None:
        """Write a state when there is time."""
        self._sizes.append(len(state))
        self._waiting.put((head, state, epoch))

    def close(self) -> None:
        """Give up what is not written yet."""
        self._is_closed = True
        self._waiting.put(None)

    def _run(self) -> None:
        while (job := self._waiting.get()) is not None:
            self._folder.write(*job, self._goes_on)
            del job  # its memory, before the next one is waited for
            self._sizes.pop(0)

    def _goes_on(self) -> bool:
        self._is_idle.wait()
        return not self._is_closed
