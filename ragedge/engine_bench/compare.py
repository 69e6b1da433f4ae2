"""Reading and writing speed: ours beside llama-bench with the same settings, and beside llama-cpp-python's defaults.

Measured in turn (A B A B), the same file, the same numbers of tokens. llama-bench is a program of llama.cpp: it must be
built from the same sources as the binding (`make llama-bench`), or it measures another llama.cpp.
"""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from ragedge.answer.llama_context import BATCH_TOKENS
from ragedge.answer.tuning import Tuning
from ragedge.engine_bench.binding import DefaultLlama
from ragedge.engine_bench.rows import Row, compared
from ragedge.engine_bench.speeds import Subject, cosine, drawn
from ragedge.errors import InputError
from ragedge.threads import default_threads

HOW_TO_BUILD = (
    "not measured: make llama-bench, then ragedge bench engine --llama-bench build/llama-bench/bin/llama-bench"
)

_BENCH_S = 300  # seconds after which a run of llama-bench is given up
_CONTEXT_TOKENS = 2048
_PEERS: tuple[tuple[str, bool, dict[str, str]], ...] = (
    ("prefill", False, {}),
    ("decode", True, {}),
    ("decode, large pages on both sides", True, {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}),
)
"""What is compared, whether it is writing, and the environment of llama-bench, whose memory else is in small pages."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured: tokens of prompts and answers, and rounds of each comparison."""

    read_tokens: int = 384
    write_tokens: int = 32
    rounds: int = 3


def against_llama_bench(model: str, path: Path, program: Path | None, tuning: Tuning, sizes: Sizes) -> list[Row]:
    """Three rows: reading, writing after a prompt of the same length, and that with large pages on their side, too."""
    goal = 0.97
    if program is None:
        return [Row(model, name, "llama-bench", goal=f">= {goal}x", missing=HOW_TO_BUILD) for name, _, _ in _PEERS]
    subject = Subject(path, tuning, _CONTEXT_TOKENS)
    subject.read(drawn(32, 0))
    ours: tuple[list[float], list[float]] = ([], [])
    theirs: list[list[float]] = [[] for _ in _PEERS]
    for turn in range(sizes.rounds):
        ours[0].append(sizes.read_tokens / subject.read(drawn(sizes.read_tokens, turn)))
        seconds, tokens = subject.write(sizes.write_tokens)
        ours[1].append(len(tokens) / seconds)
        for series, (_, is_writing, environment) in zip(theirs, _PEERS, strict=True):
            series.append(_speed(_command(program, path, tuning, sizes, is_writing), environment))
    subject.close()
    gate = "the same llama.cpp, settings and work; ours also chooses each token"
    return [
        compared(model, name, _name(environment), "tokens/s", ours[is_writing], series, at_least=goal, gate=gate)
        for (name, is_writing, environment), series in zip(_PEERS, theirs, strict=True)
    ]


def _name(environment: dict[str, str]) -> str:
    return " ".join(["llama-bench", *(f"{name}={value}" for name, value in environment.items())])


def _command(program: Path, path: Path, tuning: Tuning, sizes: Sizes, is_writing: bool) -> list[str]:
    """How llama-bench is told to do what ours does."""
    threads = tuning.threads or default_threads()
    attention = {None: "auto", True: "on", False: "off"}[tuning.flash_attention]
    common = [
        str(program), "-m", str(path), "-r", "1", "-o", "json", "-b", str(BATCH_TOKENS),
        "-ub", str(tuning.slice_tokens), "-fa", attention, "-lm", "mmap" if tuning.is_mapped else "none",
        "--repack", str(int(tuning.is_repacked)), "-ctk", tuning.kv_type, "-ctv", tuning.kv_type,
    ]  # fmt: skip
    if is_writing:
        return [*common, "-t", str(threads), "-p", "0", "-n", str(sizes.write_tokens), "-d", str(sizes.read_tokens)]
    return [*common, "-t", str(tuning.prompt_threads or threads), "-p", str(sizes.read_tokens), "-n", "0"]


def _speed(command: list[str], environment: dict[str, str]) -> float:
    """Tokens per second as llama-bench says."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=True, timeout=_BENCH_S, env={**os.environ, **environment}
        )
        return float(json.loads(done.stdout)[0]["avg_ts"])
    except (OSError, subprocess.SubprocessError, ValueError, LookupError) as error:
        said = getattr(error, "stderr", "") or str(error)
        raise InputError(
            f'"{command[0]}" cannot be used: {said.strip()[-300:]}', "build it: make llama-bench"
        ) from error


def against_defaults(model: str, path: Path, tuned: Tuning, sizes: Sizes) -> list[Row]:
    """Four rows against `llama_cpp.Llama`: ours as it comes, and tuned."""
    reference = DefaultLlama(path, _CONTEXT_TOKENS)
    subjects = {"untuned": Subject(path, Tuning(), _CONTEXT_TOKENS), "tuned": Subject(path, tuned, _CONTEXT_TOKENS)}
    speeds: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in ("default", *subjects)}
    alike: dict[str, list[float]] = {name: [] for name in subjects}
    same: dict[str, int] = dict.fromkeys(subjects, 0)
    for turn in range(sizes.rounds):
        tokens = drawn(sizes.read_tokens, turn)
        seconds, logits = reference.timed_read(tokens)
        speeds["default"][0].append(sizes.read_tokens / seconds)
        seconds, expected = reference.timed_write(sizes.write_tokens)
        speeds["default"][1].append(sizes.write_tokens / seconds)
        for name, subject in subjects.items():
            speeds[name][0].append(sizes.read_tokens / subject.read(tokens))
            alike[name].append(cosine(subject.logits(), logits))
            seconds, written = subject.write(sizes.write_tokens)
            speeds[name][1].append(len(written) / seconds)
            same[name] += written == expected
    reference.close()
    rows = []
    for name, subject in subjects.items():
        subject.close()
        gate = f"logits' cosine >= {min(alike[name]):.6f}, same greedy tokens in {same[name]} of {sizes.rounds}"
        for number, measure in enumerate(("prefill", "decode")):
            goal = 1.2 if (name, measure) == ("tuned", "prefill") else None
            series = speeds[name][number], speeds["default"][number]
            against = f"llama-cpp-python ({reference.settings})"
            rows.append(compared(model, f"{measure}, {name}", against, "tokens/s", *series, at_least=goal, gate=gate))
    return rows
