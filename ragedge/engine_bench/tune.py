"""Which settings are fastest for one model on this box: a few candidates, each measured against the best so far.

Weights, threads, attention, slices, cache type in that order; incumbent and candidate are loaded side by side and
measured in turn (A B, B A, ...), until it is clear which is faster or a number of rounds is over. A candidate must save
time on a typical answer (1,000 tokens read, 60 written) in most rounds and must not change what comes out. In the end
all that was taken is measured against the settings of the beginning, and given up where it is not clearly faster. A
cache in 8 bits changes results and is measured only to be reported. Where it is kept, others know.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ragedge.answer.tuning import Tuning
from ragedge.engine_bench.speeds import Subject, cosine, drawn
from ragedge.threads import default_threads

READ, WRITTEN = 1000, 60
"""Tokens of a typical answer: prompt with four passages, and three sentences."""

_PAYS = 0.98  # a candidate must need less than this share of the incumbent's time
_EQUAL = 1.0  # and a cheaper one, see `_is_cheaper`, no more time
_MARGIN = 0.02  # a round says otherwise where the share is larger by this: single rounds differ by more than medians
_CLEAR = 0.05  # when all rounds are better than wanted by this, no more are needed
_HOPELESS = 0.2  # and where one is worse by this, neither
_OTHERWISE = 0.25  # share of the rounds that may say otherwise
_ALIKE = 0.999  # cosine of the logits to those of the default settings
_ROUNDS, _MOST_ROUNDS = 3, 7  # of incumbent and candidate in turn
_SAMPLE_S = 1.0  # seconds one reading may take; the prompt is as long as that allows
_WRITE_TOKENS = 16
_DEPTH = 256  # tokens in the context where batches are measured
_CHOICES, _CHOICES_S = 192, 10.0  # choices looked at, and the seconds that may take
_CONTEXT_TOKENS = 2048
_Reference = tuple[int, NDArray[np.float32]]  # the first choice and the logits after the same prompt


@dataclass(frozen=True, slots=True)
class Tried:
    """One candidate: what it changes, its speeds and those of the incumbent in turn with it, tokens per second."""

    name: str
    prompt_tokens_per_second: float
    tokens_per_second: float
    ratio: float
    """Time of a typical answer, as a share of the incumbent's."""
    is_taken: bool
    note: str = ""


@dataclass(frozen=True, slots=True)
class Tuned:
    """The best settings that were found, and what was tried; `is_complete` False: time ran out before the end."""

    tuning: Tuning
    prompt_tokens_per_second: float
    tokens_per_second: float
    depth_tokens: int
    instruction_tokens: int
    tried: tuple[Tried, ...]
    is_complete: bool


class Tuner:
    """Measures one model; `progress` is told what is measured and the share that is done."""

    def __init__(self, path: Path, seconds: float, progress: Callable[[str, float], None], threads: int = 0) -> None:
        """`threads`: the config's own number, which is then not measured; 0: chosen here."""
        self._path = path
        self._ends_at = time.monotonic() + seconds
        self._progress = progress
        self._threads = threads
        self._tried: list[Tried] = []
        self._sample = 128

    def run(self, instruction: str) -> Tuned:
        """Try everything there is time for. `instruction`: what every prompt begins with.

        Raises:
            ModelError and its kinds: the model cannot be loaded or fails.
        """
        threads = self._threads or default_threads()
        best = start = Tuning(threads=threads, prompt_threads=threads)
        self._progress("as it is", 0.0)
        subject = self._load(best)
        taken = subject.read(drawn(self._sample, 1))
        while self._sample < 512 and taken * 2 <= _SAMPLE_S:
            self._sample, taken = self._sample * 2, taken * 2
        is_complete = True
        reference = self._reference(subject)
        wanted = list(_candidates(best, self._threads))
        for number, (name, change) in enumerate(wanted):
            if time.monotonic() > self._ends_at:
                is_complete = False
                break
            self._progress(name, number / (len(wanted) + 1))
            candidate = replace(best, **change)
            if candidate == best:
                continue
            other = self._load(candidate)
            if self._compare(name, subject, other, reference):
                best, subject, other = candidate, other, subject
            other.close()
        if best != start:
            self._progress("all of it", len(wanted) / (len(wanted) + 1))
            first = self._load(start)
            if not self._compare("all of it together", first, subject, reference):
                best, subject, first = start, first, subject
            first.close()
        self._progress("what a draft costs", len(wanted) / (len(wanted) + 1))
        found = self._final(subject, best, instruction, is_complete)
        subject.close()
        self._progress("done", 1.0)
        return found

    def _load(self, tuning: Tuning) -> Subject:
        subject = Subject(self._path, tuning, _CONTEXT_TOKENS)
        subject.read(drawn(32, 0))
        return subject

    def _reference(self, subject: Subject) -> _Reference:
        subject.read(drawn(self._sample, 2))
        logits = subject.logits()
        return int(logits.argmax()), logits

    def _compare(self, name: str, incumbent: Subject, candidate: Subject, reference: _Reference) -> bool:
        """Whether the candidate is better; what was measured goes into the list."""
        limit = _EQUAL if _is_cheaper(candidate.tuning, incumbent.tuning) else _PAYS
        times: tuple[list[tuple[float, float]], list[tuple[float, float]]] = ([], [])
        shares: list[float] = []
        while len(shares) < _MOST_ROUNDS and not is_settled(shares, limit):
            turn = len(shares)
            for number in (0, 1) if turn % 2 == 0 else (1, 0):
                subject = (incumbent, candidate)[number]
                read_s = subject.read(drawn(self._sample, turn))
                times[number].append((read_s, subject.write(_WRITE_TOKENS)[0]))
            shares.append(self._answer_s(*times[1][-1]) / self._answer_s(*times[0][-1]))
        top, logits = self._reference(candidate)
        is_same = top == reference[0] and cosine(logits, reference[1]) >= _ALIKE
        is_better = is_same and candidate.tuning.kv_type == "f16"
        is_better &= is_faster(shares, limit)
        note = "" if is_same else "other results: not taken"
        if candidate.tuning.kv_type != "f16":
            note = "changes answers: reported only"
        read_s, write_s = (statistics.median(column) for column in zip(*times[1], strict=True))
        share = statistics.median(shares)
        self._tried.append(Tried(name, self._sample / read_s, _WRITE_TOKENS / write_s, share, is_better, note))
        return is_better

    def _answer_s(self, read_s: float, write_s: float) -> float:
        return read_s / self._sample * READ + write_s / _WRITE_TOKENS * WRITTEN

    def _final(self, subject: Subject, best: Tuning, instruction: str, is_complete: bool) -> Tuned:
        depth = self._sample * 2
        read_s = min(subject.read(drawn(depth, seed)) for seed in (7, 8))
        write_s = subject.write(_WRITE_TOKENS)[0]
        return Tuned(
            tuning=_with_batches(subject, best, instruction),
            prompt_tokens_per_second=depth / read_s,
            tokens_per_second=_WRITE_TOKENS / write_s,
            depth_tokens=depth,
            instruction_tokens=subject.count(instruction),
            tried=tuple(self._tried),
            is_complete=is_complete,
        )


def with_batches(path: Path, tuning: Tuning, instruction: str) -> Tuning:
    """`tuning` with what batches cost and change with it.

    Raises:
        ModelError and its kinds: the model cannot be loaded or fails.
    """
    subject = Subject(path, tuning, _CONTEXT_TOKENS)
    try:
        subject.read(drawn(_DEPTH, 7))
        return _with_batches(subject, tuning, instruction)
    finally:
        subject.close()


def _with_batches(subject: Subject, tuning: Tuning, instruction: str) -> Tuning:
    found = subject.batches()
    choices = subject.choices(instruction, _CHOICES, _CHOICES_S, found.difference) if found.difference else (0, 0)
    return replace(tuning, verify_costs=found.costs, verify_difference=found.difference, choices=choices)


def is_faster(shares: Sequence[float], limit: float) -> bool:
    """Whether a candidate that needed these shares of the incumbent's time, one a round, needs less than `limit`."""
    otherwise = sum(1 for share in shares if share >= limit + _MARGIN)
    return bool(shares) and statistics.median(shares) < limit and otherwise <= _OTHERWISE * len(shares)


def is_settled(shares: Sequence[float], limit: float) -> bool:
    """Whether further rounds would hardly change what `is_faster` says."""
    if len(shares) < _ROUNDS:
        return bool(shares) and min(shares) >= limit + _HOPELESS
    return max(shares) < limit - _CLEAR or min(shares) >= limit or statistics.median(shares) >= limit + _MARGIN


def _is_cheaper(candidate: Tuning, incumbent: Tuning) -> bool:
    """Whether it obeys a cancel sooner: worth having at equal speed."""
    return candidate.slice_tokens < incumbent.slice_tokens


def _candidates(start: Tuning, threads: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Names and changes, the ones that matter most first."""
    yield "weights not rearranged", {"is_repacked": False, "is_mapped": True}
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    for count in () if threads else sorted({max(1, cores // 2), max(1, cores - 1), cores} - {start.threads}):
        yield f"{count} threads read", {"prompt_threads": count}
        if (
            count < cores or cores == 1
        ):  # writing waits for memory: the last core brings little, and takes the whole box
            yield f"{count} threads write", {"threads": count}
    yield "flash attention on", {"flash_attention": True}
    yield "flash attention off", {"flash_attention": False}
    for tokens in (128, 32):
        yield f"slices of {tokens}", {"slice_tokens": tokens}
    yield "cache in 8 bits", {"kv_type": "q8_0", "flash_attention": True}
