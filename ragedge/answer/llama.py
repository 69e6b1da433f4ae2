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
from contextlib import contextmanager
from pathlib import Path

from ragedge.answer.chat import ChatFormat, check_length, render, too_long
from ragedge.answer.drafts import AcceptRates, Drafter, passage_tokens
from ragedge.answer.gguf_header import read_header
from ragedge.answer.llama_native import NativeModel, sampling_chain
from ragedge.answer.llama_writer import Trust, Writer
from ragedge.answer.template import open_model
from ragedge.answer.textstream import TextStream
from ragedge.answer.tuning import Tuning
from ragedge.answer.turns import Turns
from ragedge.contracts import ModelStats, Piece, Prompt, Sampling
from ragedge.errors import ModelError
from ragedge.models import verify_sha256
from ragedge.threads import default_threads

_WATCH_S = 0.005  # seconds between two looks at the cancel flag while a prompt is read


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
        tuning: Tuning | None = None,
        is_drafting: bool = False,
    ) -> None:
        """Check the file's header; `sha256` (if given) is checked before the model is loaded.

        `chat` is the chat format where the caller has found it already, else `family` says which. `tuning` is how the
        model runs (its `threads`, where `threads` is None); `is_drafting`: copied words are guessed where that pays.

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
        self._rates = AcceptRates() if is_drafting else None
        self._trust = Trust()
        self._turns = Turns(queue_limit)
        self._loading = threading.Lock()
        self._engine: NativeModel | None = None
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
        return len(self._loaded().tokenize(text))

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
        if not self._turns.take(is_cancelled, client):
            yield ModelStats(total_duration=time.monotonic_ns() - started)
            return
        try:
            engine = self._loaded()
            tokens, boundary = self._tokens(engine, prompt)
            room = self._context_tokens - len(tokens)
            if room < 1:
                raise too_long(len(tokens), self._context_tokens)
            load_ns, self._load_ns = self._load_ns, 0
            job = _Job(engine, tokens, boundary, TextStream(self._chat.stops))
            with sampling_chain(sampling) as sampler:
                writer = Writer(engine, sampler, self._drafter(engine, tokens, boundary, sampling), self._trust)
                yield from job.run(writer, min(sampling.max_tokens, room), is_cancelled)
            yield job.stats(time.monotonic_ns() - started, load_ns)
        finally:
            self._turns.give()

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
            if self._engine is not None:
                self._engine.close()

    def _loaded(self) -> NativeModel:
        with self._loading:
            if self._is_closed:
                raise ModelError("The language model has been closed.", "Start the program again.")
            if self._engine is None:
                started = time.monotonic_ns()
                if self._sha256:
                    verify_sha256(self._path, self._sha256)
                self._engine = NativeModel(self._path, self._context_tokens, self._threads, self._tuning)
                self._load_ns = time.monotonic_ns() - started
            return self._engine

    def _drafter(self, engine: NativeModel, tokens: list[int], boundary: int, sampling: Sampling) -> Drafter | None:
        """What guesses ahead from the passages of a prompt; None where it is switched off or would not be exact."""
        if self._rates is None or sampling.temperature > 0 or not engine.can_cut:
            return None
        passages = passage_tokens([(token, engine.piece(token)) for token in tokens[boundary:]])
        return Drafter(passages, self._rates, self._tuning.verify_costs)

    def _tokens(self, engine: NativeModel, prompt: Prompt) -> tuple[list[int], int]:
        """The prompt's tokens, and how many of them stand before the user's turn."""
        check_length(prompt.system, prompt.user, self._context_tokens)
        tokens, boundary = engine.first_tokens(), 0
        for fragment in render(self._chat, prompt.system, prompt.user):
            boundary = len(tokens) if fragment.has_user else boundary
            tokens += engine.tokenize(fragment.text, is_special=fragment.is_special)
        return tokens, boundary


class _Job:
    """One answer: reading the prompt, then writing token by token. Durations are of the model alone."""

    def __init__(self, engine: NativeModel, tokens: list[int], boundary: int, text: TextStream) -> None:
        self.engine = engine
        self.tokens = tokens
        self.boundary = boundary
        self.text = text
        self.cached = 0
        self.read = 0
        self.written = 0
        self.read_ns = 0
        self.write_ns = 0
        self.drafted = 0
        self.accepted = 0

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
        with _watched(self.engine, is_cancelled):
            self.cached = self.engine.keep(self.tokens, self.boundary)
            self.read = self.engine.read(self.tokens, self.boundary, self.cached)
        self.read_ns = time.monotonic_ns() - started
        return self.read == len(self.tokens)

    def stats(self, total_ns: int, load_ns: int) -> ModelStats:
        return ModelStats(
            total_duration=total_ns,
            load_duration=load_ns,
            prompt_eval_count=self.read,
            prompt_eval_cached_count=self.cached,
            prompt_eval_duration=self.read_ns,
            eval_count=self.written,
            eval_duration=self.write_ns,
            draft_count=self.drafted,
            draft_accepted_count=self.accepted,
        )


@contextmanager
def _watched(engine: NativeModel, is_cancelled: Callable[[], bool]) -> Iterator[None]:
    """While the body computes, another thread looks at the cancel flag and stops the computation."""
    is_done = threading.Event()

    def watch() -> None:
        while not is_done.wait(_WATCH_S):
            if is_cancelled():
                engine.stop()
                return

    watcher = threading.Thread(target=watch, name="cancel-watch", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        is_done.set()
        watcher.join()
