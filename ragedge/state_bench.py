"""What states spare: first tokens of prompts known in whole or in part against cold ones; and what joining does.

One function per row, each over a GGUF file in a process of its own as the service runs it. Prompts are made of the
given texts, or of words made up here. Whoever calls sees to it that the box is quiet; ratios are of the lowest times of
alternating runs. With random weights the agreement of joined and exact answers says nothing about quality.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ragedge.answer.chat import ChatFormat
from ragedge.answer.llama_native import NativeModel
from ragedge.answer.llama_sampling import sampling_chain
from ragedge.answer.process_generator import ProcessGenerator
from ragedge.answer.prompt import SYSTEM
from ragedge.answer.prompt_plan import Plan, plan_joined
from ragedge.answer.state_settings import StateSettings
from ragedge.contracts import ModelStats, PassagePart, Prompt, Sampling

MIB = 2**20
_FIRST = Sampling(max_tokens=1)
_LETTERS = "abcdefghijklmnoprstuvw"


@dataclass(frozen=True, slots=True)
class Row:
    """A first token against the same one cold, in milliseconds; `known_tokens` of `tokens` were not read.

    `ms` is what passes until it comes, `cpu_ms` the processor time that the model's process spends on it.
    """

    name: str
    cold_ms: float
    ms: float
    cold_cpu_ms: float
    cpu_ms: float
    tokens: int
    known_tokens: int
    runs: int

    @property
    def ratio(self) -> float:
        """Of the lowest times."""
        return self.ms / self.cold_ms

    @property
    def cpu_ratio(self) -> float:
        """Of the lowest processor times: what other work on the box does not change."""
        return self.cpu_ms / self.cold_cpu_ms


@dataclass(frozen=True, slots=True)
class Agreement:
    """Joined against exact answers to the same tokens, with `reread` tokens of each passage read in place.

    `same` is the share of answers that are the same to the end, `lead` the mean share of tokens before the first other
    one, `cosine` that of the first logits; `joined` is the share of the prompts' tokens that were not read in place.
    """

    end: str
    reread: int
    same: float
    lead: float
    cosine: float
    joined: float
    prompts: int


def passages(count: int, words: int, seed: int = 1) -> list[str]:
    """Made-up texts; no two of them alike."""
    draw = random.Random(seed)
    vocabulary = ["".join(draw.choices(_LETTERS, k=draw.randint(2, 6))) for _ in range(400)]
    return [" ".join(draw.choices(vocabulary, k=words)) + "." for _ in range(count)]


def prompt(texts: Sequence[str], question: str) -> Prompt:
    """A prompt like those of questions, with `texts` as its sources."""
    blocks = [f"[{number}] Manual\n{text}\n\n" for number, text in enumerate(texts, start=1)]
    parts = tuple(PassagePart(f"document-{number}", len(block)) for number, block in enumerate(blocks))
    return Prompt(SYSTEM, "".join(blocks) + f"Question: {question}", (), 0, passages=parts)


def same_prompt_again(model: Path, texts: Sequence[str], *, runs: int = 3, threads: int | None = None) -> Row:
    """The same prompt after another one, from memory, against prompts that share nothing but the instruction."""
    with _folder() as folder, _started(model, folder, threads) as generator:
        asked, others = prompt(texts, "what now"), _others(texts, runs)
        cold, again = [], []
        first_token(generator, asked)
        for other in others:
            cold.append(first_token(generator, other))
            again.append(first_token(generator, asked))
        return _row("same prompt again", cold, again)


def after_restart(model: Path, texts: Sequence[str], *, runs: int = 3, threads: int | None = None) -> Row:
    """The same prompt in a new process, from disk; loading the model is in neither figure."""
    cold, again = [], []
    for number in range(runs):
        with _folder() as folder:
            asked = prompt(_shuffled_words(texts, number), "what now")
            with _started(model, folder, threads) as generator:
                cold.append(first_token(generator, asked))
                _wait_for(generator, folder, "prompt-*", 1)
            with _started(model, folder, threads) as generator:
                again.append(first_token(generator, asked))
    return _row("after a restart", cold, again)


def known_passages(model: Path, texts: Sequence[str], *, runs: int = 3, threads: int | None = None) -> Row:
    """Joined passages, each time in another order and with a new question, against passages never seen."""
    with _folder() as folder, _started(model, folder, threads, joins=True) as generator:
        draw, known, cold = random.Random(2), [], []
        first_token(generator, prompt(texts, "what now"))
        _wait_for(generator, folder, "passage-*", len(texts))
        for number, other in enumerate(_others(texts, runs)):
            cold.append(first_token(generator, other))
            order = draw.sample(list(texts), len(texts))
            known.append(first_token(generator, prompt(order, f"how {number}")))
        return _row("known passages, new question and order", cold, known)


def agreement(
    model: Path, chat: ChatFormat, texts: Sequence[str], *, reread: Sequence[int], prompts: int = 6, tokens: int = 32
) -> Iterator[Agreement]:
    """Greedy answers joined against exact ones, for each number of first or last tokens that are read in place."""
    native = NativeModel(model, 4096, 1)
    try:
        asked = [prompt(random.Random(n).sample(list(texts), len(texts)), f"what {n}") for n in range(prompts)]
        exact = [_greedy(native, plan_joined(native, chat, one, 0, (0, 10**6)), tokens) for one in asked]
        for end in ("last", "first"):
            for count in reread:
                pair = (0, count) if end == "last" else (count, 0)
                plans = [plan_joined(native, chat, one, 0, pair) for one in asked]
                joined = [_greedy(native, plan, tokens) for plan in plans]
                yield _agreement(end, count, plans, list(zip(exact, joined, strict=True)))
    finally:
        native.close()


_Said = tuple[list[int], NDArray[np.float32]]  # tokens, and the logits that the first one was picked from


class _Anew:
    """A passage without a state: it is read apart each time."""

    def __init__(self, plan: Plan, number: int) -> None:
        self.tokens: Sequence[int] = plan.passages[number].tokens
        self.skipped = plan.passages[number].skipped

    def state(self) -> None:
        return None

    def keep(self, state: memoryview) -> None:
        pass


def _greedy(native: NativeModel, plan: Plan, count: int) -> _Said:
    native.start()
    native.forget()
    native.keep(plan.tokens, plan.ends)
    native.read(plan.tokens, plan.ends, plan.head, [_Anew(plan, n) for n in range(len(plan.passages))])
    logits, said = native.last_logits(), list[int]()
    with sampling_chain(Sampling(count)) as sampler:
        while len(said) < count and (sampled := native.sample(sampler)) is not None:
            said.append(sampled[0])
            native.decode([sampled[0]])
    return said, logits


def _agreement(end: str, reread: int, plans: Sequence[Plan], pairs: Sequence[tuple[_Said, _Said]]) -> Agreement:
    leads, same, near = [], 0, []
    for (right, right_logits), (said, logits) in pairs:
        others = (i for i, (one, other) in enumerate(zip(right, said, strict=False)) if one != other)
        alike = next(others, min(len(right), len(said)))
        leads.append(alike / max(1, len(right)))
        same += right == said
        near.append(float(right_logits @ logits / np.linalg.norm(right_logits) / np.linalg.norm(logits)))
    joined = sum(plan.joined_tokens for plan in plans) / sum(len(plan.tokens) for plan in plans)
    count = len(pairs)
    return Agreement(end, reread, same / count, sum(leads) / count, sum(near) / count, joined, count)


@dataclass(frozen=True, slots=True)
class _Took:
    ms: float
    cpu_ms: float
    stats: ModelStats


def first_token(generator: ProcessGenerator, asked: Prompt) -> _Took:
    """What the first token of an answer took, from the question to its arrival."""
    before = _cpu_ns(generator)
    *_, stats = generator.stream(asked, _FIRST, lambda: False)
    spent = _cpu_ns(generator) - before
    if not isinstance(stats, ModelStats):
        raise AssertionError("a stream ends with its figures")
    return _Took(stats.total_duration / 1e6, spent / 1e6, stats)


def _cpu_ns(generator: ProcessGenerator) -> int:
    """Processor time of all threads of the model's process so far."""
    spent = 0
    for task in Path(f"/proc/{generator.pid}/task").iterdir():
        with suppress(OSError):  # a thread may end between the list and the look
            spent += int((task / "schedstat").read_text().split()[0])
    return spent


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder) / "states"


@contextmanager
def _started(model: Path, folder: Path, threads: int | None, *, joins: bool = False) -> Iterator[ProcessGenerator]:
    """A process with its model loaded; it knows what is in `folder`."""
    states = StateSettings(folder, 512 * MIB, 2048 * MIB, 2048 * MIB, joins_passages=joins)
    generator = ProcessGenerator(model, context_tokens=4096, threads=threads, states=states)
    try:
        generator.count_tokens("load")
        first_token(generator, Prompt("", "warm up", (), 0))
        yield generator
    finally:
        generator.close()


def _wait_for(generator: ProcessGenerator, folder: Path, pattern: str, count: int) -> None:
    """Wait until states are written, which is done in a pause."""
    for _ in range(100_000):
        if len(list(folder.glob(f"{pattern}.state"))) >= count:
            return
        generator.count_tokens("wait")
    raise AssertionError(f"no {count} states {pattern} were written")


def _others(texts: Sequence[str], count: int) -> list[Prompt]:
    return [prompt(_shuffled_words(texts, 100 + number), "what now") for number in range(count)]


def _shuffled_words(texts: Sequence[str], seed: int) -> list[str]:
    """Texts of the same length that share no beginning with `texts`."""
    draw = random.Random(seed)
    return [" ".join([str(seed), *draw.sample(words, len(words))]) for words in (text.split() for text in texts)]


def _row(name: str, cold: Sequence[_Took], known: Sequence[_Took]) -> Row:
    best = min(known, key=lambda took: took.ms)
    stats = best.stats
    least, least_cpu = min(took.ms for took in cold), min(took.cpu_ms for took in cold)
    cpu_ms = min(took.cpu_ms for took in known)
    return Row(
        name, least, best.ms, least_cpu, cpu_ms, stats.prompt_eval_count, stats.prompt_eval_cached_count, len(known)
    )
