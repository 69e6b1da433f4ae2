"""A language model in a GGUF file, run by llama.cpp: a `Prompt` in, streamed text out.

One job at a time, first come first served; cancelled within tens of milliseconds even while a long prompt is read;
the context is never overflowed. Chat formats are our own: nothing of the file is executed, and nothing in a document
becomes a special token. Knows neither index nor config. The file is checked before llama.cpp sees it, because
llama.cpp ends the whole process on some damaged files.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from ragedge.answer.ahead import Ahead
from ragedge.answer.cancel_watch import watched
from ragedge.answer.chat import ChatFormat, check_length, too_long
from ragedge.answer.gguf_header import read_header
from ragedge.answer.guessing import Guessing
from ragedge.answer.llama_native import NativeModel
from ragedge.answer.llama_sampling import sampling_chain
from ragedge.answer.llama_writer import Writer
from ragedge.answer.passage_states import KIND as PASSAGE
from ragedge.answer.prompt_plan import Plan, plan_in_place, plan_joined
from ragedge.answer.state_keeper import KIND as PROMPT
from ragedge.answer.state_keeper import StateKeeper
from ragedge.answer.state_settings import StateSettings
from ragedge.answer.template import open_model
from ragedge.answer.textstream import TextStream
from ragedge.answer.tuning import Tuning
from ragedge.answer.turns import Turns
from ragedge.contracts import ModelStats, Piece, Prompt, Sampling
from ragedge.errors import ModelError
from ragedge.models import sha256_of, verify_sha256
from ragedge.state_files import StateFolder
from ragedge.threads import default_threads


class LlamaGenerator:
    """The `Generator` Protocol over one GGUF file; the model is loaded at first use."""

    def __init__(
        self,
        path: Path,
        *,
        context_tokens: int = 4096,
        threads: int | None = None,
        family: str = "auto",
        queue_limit: int = 4,
        sha256: str = "",
        chat: ChatFormat | None = None,
        states: StateSettings | None = None,
        tuning: Tuning | None = None,
        is_drafting: bool = False,
    ) -> None:
        """Check the file's header; `sha256` (if given) is checked before the model is loaded.

        `chat` is the chat format where the caller has found it already, else `family` says which. `states` says how
        much of what was read is kept beyond the last prompt, `tuning` how the model runs (its `threads`, where
        `threads` is None), `is_drafting` whether copied words are guessed where that pays.

        Raises:
            ModelMissing, ModelCorrupt, ModelError: as `read_header`.
            ConfigError: when `family` is unknown.
        """
        header, self._chat = open_model(path, family) if chat is None else (read_header(path), chat)
        self._path = path
        self._sha256 = sha256
        self._context_tokens = max(1, min(context_tokens, header.context_tokens))
        self._tuning = tuning or Tuning()
        self._threads = threads or self._tuning.threads or default_threads()
        self._guessing = Guessing(self._tuning, is_wanted=is_drafting)
        self._turns = Turns(queue_limit)
        self._loading = threading.Lock()
        self._states = states or StateSettings()
        self._folder = state_folder(self._states)
        self._engine: NativeModel | None = None
        self._keeper: StateKeeper | None = None
        self._load_ns = 0
        self._is_closed = False

    @property
    def name(self) -> str:
        """ "llama:" and the file's name without its suffix."""
        return f"llama:{self._path.stem}"

    @property
    def family(self) -> str:
        """The chat format in use."""
        return self._chat.family

    @property
    def context_tokens(self) -> int:
        """Tokens that prompt and answer may have together."""
        return self._context_tokens

    def count_tokens(self, text: str) -> int:
        """Tokens of `text` as part of a prompt; loads the model at first use."""
        return len(self._loaded()[0].tokenize(text))

    def stream(
        self, prompt: Prompt, sampling: Sampling, is_cancelled: Callable[[], bool], *, client: str = ""
    ) -> Iterator[Piece | ModelStats]:
        """Pieces of the answer, then its `ModelStats`; closing the iterator frees the model at once.

        `is_cancelled` is also called from another thread while the prompt is read. When it is true the stream ends with
        the figures so far. The answer has at most `sampling.max_tokens` tokens, fewer where the context ends.

        Raises:
            Busy: when a job runs and the queue is full.
            PromptTooLong: when the prompt leaves no room for an answer.
            ModelCorrupt, ModelError: when the model cannot be loaded or fails.
        """
        started = time.monotonic_ns()
        epoch = self._epoch(prompt)
        if not self._turns.take(is_cancelled, client):
            yield ModelStats(total_duration=time.monotonic_ns() - started)
            return
        try:
            engine, keeper = self._loaded()
            plan = self._plan(engine, prompt, epoch)
            room = self._context_tokens - len(plan.tokens)
            if room < 1:
                raise too_long(len(plan.tokens), self._context_tokens)
            load_ns, self._load_ns = self._load_ns, 0
            job = _Job(engine, keeper, plan, TextStream(self._chat.stops))
            with sampling_chain(sampling) as sampler:
                drafter = self._guessing.drafter(engine, plan, sampling)
                writer = Writer(engine, sampler, drafter, self._guessing.trust)
                yield from job.run(writer, min(sampling.max_tokens, room), is_cancelled)
            if job.written and not is_cancelled():
                self._guessing.wrote(engine, plan.tokens)
            yield job.stats(time.monotonic_ns() - started, load_ns)
        finally:
            self._turns.give()

    def read_ahead(self, prompt: Prompt, is_cancelled: Callable[[], bool]) -> Ahead:
        """Read the first passage of a prompt for whoever asks later, and write nothing; see `Ahead`.

        Raises:
            ModelCorrupt, ModelError: when the model cannot be loaded or fails.
        """
        epoch = self._epoch(prompt)
        if not self._turns.take(is_cancelled):
            return "stopped"
        try:
            engine, keeper = self._loaded()
            engine.start()
            with watched(engine, is_cancelled):
                return keeper.read_ahead(self._plan(engine, prompt, epoch))
        finally:
            self._turns.give()

    def rest(self) -> None:
        """Nobody waits: keep what the last prompt was, measure batches. Only between two jobs, by who runs them."""
        if self._keeper is not None and self._engine is not None:
            self._keeper.rest()
            self._guessing.rest(self._engine)

    @property
    def is_measuring(self) -> bool:
        """Whether `rest` measures, which `stop` ends early."""
        return self._guessing.is_measuring

    @property
    def note(self) -> str:
        """What a person should know about how the loaded model is used, in one line; "" without it."""
        reason = self._engine.why_not_joined if self._engine is not None and self._states.joins_passages else ""
        return (
            f'"{self._path.name}" reads all passages in place, as with passage_states = "exact": {reason}'
            if reason
            else ""
        )

    @property
    def state_bytes(self) -> int:
        """Memory that holds states of earlier prompts."""
        return self._keeper.held_bytes if self._keeper is not None else 0

    def stop(self) -> None:
        """End what is computed now within milliseconds, from any thread; a job ends so if it is cancelled, too."""
        engine = self._engine
        if engine is not None:
            engine.stop()

    def close(self) -> None:
        """Stop what runs, free the model, refuse further jobs. May be called more than once."""
        self._is_closed = True
        self._turns.close()
        with self._loading:
            if self._keeper is not None:
                self._keeper.close()
            if self._engine is not None:
                self._engine.close()

    def _loaded(self) -> tuple[NativeModel, StateKeeper]:
        with self._loading:
            if self._is_closed:
                raise ModelError("The language model has been closed.", "Start the program again.")
            if self._engine is None or self._keeper is None:
                started = time.monotonic_ns()
                if self._sha256:
                    verify_sha256(self._path, self._sha256)
                # a state on disk is of one model only: where no sum is known, the file's own names it
                sha256 = self._sha256.strip().lower() or (sha256_of(self._path) if self._folder is not None else "")
                self._engine = NativeModel(self._path, self._context_tokens, self._threads, self._tuning)
                name = f"{sha256} {self._engine.made_with}"
                self._keeper = StateKeeper(self._engine, name, self._states.prompt_bytes, self._folder)
                self._load_ns = time.monotonic_ns() - started
            return self._engine, self._keeper

    def _epoch(self, prompt: Prompt) -> int:
        """The state folder's from when the prompt was made; where that is not known, its present one."""
        if prompt.epoch is not None:
            return prompt.epoch
        return 0 if self._folder is None else self._folder.epoch()

    def _plan(self, engine: NativeModel, prompt: Prompt, epoch: int) -> Plan:
        check_length(prompt.system, prompt.user, self._context_tokens)
        if self._states.joins_passages and not engine.why_not_joined:
            return plan_joined(engine, self._chat, prompt, epoch, (0, self._states.reread_tokens))
        return plan_in_place(engine, self._chat, prompt, epoch)


class _Job:
    """One answer: reading the prompt, then writing token by token. Durations are of the model alone."""

    def __init__(self, engine: NativeModel, keeper: StateKeeper, plan: Plan, text: TextStream) -> None:
        self.engine = engine
        self.keeper = keeper
        self.plan = plan
        self.text = text
        self.cached = 0
        self.read = 0
        self.written = 0
        self.read_ns = 0
        self.write_ns = 0
        self.drafted = self.accepted = 0

    def run(self, writer: Writer, max_tokens: int, is_cancelled: Callable[[], bool]) -> Iterator[Piece]:
        if max_tokens < 1 or is_cancelled() or not self._read_prompt(is_cancelled):
            return
        while self.written < max_tokens and not self.text.is_stopped and not is_cancelled():
            started = time.monotonic_ns()
            pieces = []
            for token in writer.step(max_tokens - self.written):
                self.written += 1
                pieces.append(self.text.feed(self.engine.piece(token)))
                if self.text.is_stopped:
                    break
            self.write_ns += time.monotonic_ns() - started
            if not pieces:
                break
            yield from (Piece(piece) for piece in pieces if piece)
        self.drafted, self.accepted = writer.drafted, writer.accepted
        if rest := self.text.end():
            yield Piece(rest)

    def _read_prompt(self, is_cancelled: Callable[[], bool]) -> bool:
        """Whether the prompt was read to its end."""
        started = time.monotonic_ns()
        self.engine.start()
        with watched(self.engine, is_cancelled):
            self.cached = self.keeper.keep(self.plan)
            self.read, found = self.keeper.read(self.plan)
            self.cached += found
        self.read_ns = time.monotonic_ns() - started
        return self.read == len(self.plan.tokens)

    def stats(self, total_ns: int, load_ns: int) -> ModelStats:
        return ModelStats(
            total_duration=total_ns,
            load_duration=load_ns,
            prompt_eval_count=self.read,
            prompt_eval_cached_count=self.cached,
            prompt_eval_duration=self.read_ns,
            eval_count=self.written,
            eval_duration=self.write_ns,
            prompt_eval_joined_count=self.plan.joined_tokens if self.read else 0,
            draft_count=self.drafted,
            draft_accepted_count=self.accepted,
        )


def state_folder(states: StateSettings) -> StateFolder | None:
    """Where states are kept on disk, made if need be; None where none are."""
    budgets = {PROMPT: states.prompt_disk_bytes, PASSAGE: states.passage_disk_bytes if states.joins_passages else 0}
    if states.folder is None or not any(budgets.values()):
        return None
    folder = StateFolder(states.folder, budgets)
    folder.make()
    folder.sweep()
    return folder
