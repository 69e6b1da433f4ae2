"""What a service needs of the model's process: obeys a cancel, comes back after a kill, is fair, costs nothing idle.

Each part drives a real process with a real model file and returns rows; none knows how the process works.
"""

from __future__ import annotations

import os
import random
import signal
import statistics
import threading
import time
from collections import defaultdict
from pathlib import Path

from ragedge.answer.process_generator import ProcessGenerator
from ragedge.answer.tuning import Tuning
from ragedge.contracts import Piece, Sampling
from ragedge.engine_bench.answers import asked, never, passage, running, timed
from ragedge.engine_bench.rows import Row, p95, single
from ragedge.engine_bench.shapes import words
from ragedge.errors import ModelCrashed

_IDLE_S = 5.0
_CLIENTS = 7  # beside the one that asks all the time
_ABUSIVE = 12  # questions that one has waiting at any time
_TURNS = 4  # questions of each of the others, one after the other; the first is the rush at the start


def cancels(model: str, path: Path, tuning: Tuning, count: int) -> list[Row]:
    """Milliseconds from a cancel to a free model, while it reads and while it writes."""
    draw = random.Random(2)
    rows = []
    with running(path, tuning) as generator:
        step_ms = 1e3 / (timed(generator, asked(passage(32, 1), "x"), 12)[2].tokens_per_second or 1.0)
        for name, goal in (("reading", 20.0), ("writing", step_ms + 20.0)):
            taken = []
            for number in range(count):
                is_reading = name == "reading"
                body = passage(1200 if is_reading else 16, 100 + number)
                taken.append(_cancelled_ms(generator, body, draw.uniform(0.1, 0.5), is_reading=is_reading))
            rows.append(
                single(model, f"cancel to free, {name} (95 %)", "ms", taken, shown=p95(taken), at_most=round(goal, 1))
            )
    return rows


def _cancelled_ms(generator: ProcessGenerator, body: str, after_s: float, *, is_reading: bool) -> float:
    flag = threading.Event()
    set_at = 0.0

    def cancel() -> None:
        nonlocal set_at
        set_at = time.perf_counter()
        flag.set()

    stream = generator.stream(asked(body, "x"), Sampling(400), flag.is_set)
    if not is_reading:
        next(stream)
    timer = threading.Timer(after_s, cancel)
    timer.start()
    for _ in stream:
        pass
    timer.join()
    return (time.perf_counter() - set_at) * 1e3


def kills(model: str, path: Path, tuning: Tuning, count: int) -> list[Row]:
    """Seconds from a kill in the middle of an answer to the next first word, less a plain start."""
    draw = random.Random(4)
    loads, extra, wrong = [], [], 0
    prompt = asked(passage(16, 1), "x")
    with running(path, tuning) as generator:
        _, expected, _ = timed(generator, prompt, 12)
        for _ in range(count):
            loads.append(_start_s(generator))
            stream = generator.stream(prompt, Sampling(12), never)
            for _ in range(draw.randrange(1, 8)):
                next(stream)
            _end(generator)
            killed = time.perf_counter()
            try:
                for _ in stream:
                    pass
            except ModelCrashed:
                pass
            first_s, text, _ = timed(generator, prompt, 12)
            extra.append(time.perf_counter() - killed - loads[-1] if not first_s else first_s - loads[-1])
            wrong += text != expected
    gate = f"{count - wrong} of {count} next answers right; plain start {statistics.median(loads):.2f} s"
    return [single(model, "killed to next first word, beyond a plain start", "s", extra, at_most=1.0, gate=gate)]


def _end(generator: ProcessGenerator) -> None:
    pid = generator.pid
    if pid is None:
        return
    os.kill(pid, signal.SIGKILL)
    while generator.pid == pid:
        time.sleep(0.001)


def _start_s(generator: ProcessGenerator) -> float:
    _end(generator)
    started = time.perf_counter()
    generator.count_tokens("load")
    return time.perf_counter() - started


class _Crowd:
    """Seven clients that ask one question after the other, and one that always has a dozen waiting."""

    def __init__(self, generator: ProcessGenerator, *, is_fair: bool) -> None:
        self._generator = generator
        self._is_fair = is_fair
        self._lock = threading.Lock()
        self._is_over = threading.Event()
        self.waits: defaultdict[str, list[float]] = defaultdict(list)
        self.wrong = 0

    def run(self) -> None:
        polite = [threading.Thread(target=self._ask, args=(f"client {n}", n + 3, _TURNS)) for n in range(_CLIENTS)]
        abusive = [threading.Thread(target=self._ask, args=("abusive", 12, 10**6)) for _ in range(_ABUSIVE)]
        for thread in (*abusive, *polite):
            thread.start()
        for thread in polite:
            thread.join()
        self._is_over.set()
        for thread in abusive:
            thread.join()

    def _ask(self, client: str, tokens: int, turns: int) -> None:
        """Answers differ in length from client to client: one that went astray is noticed."""
        expected = "".join(words()[:tokens])
        for turn in range(turns):
            if self._is_over.is_set():
                return
            started = time.perf_counter()
            first_s, text = 0.0, ""
            prompt = asked(passage(12, turn), client)
            name = client if self._is_fair else ""
            for part in self._generator.stream(prompt, Sampling(tokens), self._is_over.is_set, client=name):
                if isinstance(part, Piece):
                    first_s = first_s or time.perf_counter() - started
                    text += part.text
            with self._lock:
                if not self._is_over.is_set() or client != "abusive":
                    self.waits[client].append(first_s)
                    self.wrong += text.strip() != expected.strip()


def fairness(model: str, path: Path, tuning: Tuning) -> list[Row]:
    """Eight clients, one of them abusive: how much longer the unluckiest waits than the luckiest, and the rush."""
    with running(path, tuning) as generator:
        fair = _Crowd(generator, is_fair=True)
        fair.run()
        fifo = _Crowd(generator, is_fair=False)
        fifo.run()
    medians = [statistics.median(fair.waits[name][1:]) for name in fair.waits if name != "abusive"]
    queued = [statistics.median(fifo.waits[name][1:]) for name in fifo.waits if name != "abusive"]
    rush = [waits[0] for name, waits in fair.waits.items() if name != "abusive"]
    count = sum(map(len, fair.waits.values()))
    gate = (
        f"{fair.wrong} of {count} answers lost or mixed; median wait {statistics.median(medians):.2f} s, "
        f"first come first served {statistics.median(queued):.2f} s"
    )
    return [
        single(model, "8 clients, one abusive: slowest / fastest first word", "x", medians,
               shown=max(medians) / min(medians), at_most=1.5, against="FIFO", gate=gate),
        single(model, "8 clients all at once: longest wait / mean", "x", rush,
               shown=max(rush) / statistics.mean(rush), at_most=2.0),
    ]  # fmt: skip


def at_rest(model: str, path: Path, tuning: Tuning) -> list[Row]:
    """Processor time while nothing is asked, and memory after a prompt."""
    with running(path, tuning) as generator:
        timed(generator, asked(passage(400, 1), "x"), 4)
        pid = generator.pid or 0
        time.sleep(0.3)  # OpenMP's threads spin for a moment after their last work
        before, started = _processor_s(pid) + _processor_s(os.getpid()), time.perf_counter()
        time.sleep(_IDLE_S)
        spent = _processor_s(pid) + _processor_s(os.getpid()) - before
        share = spent / (time.perf_counter() - started) * 100
        resident = _resident_bytes(pid)
    size = path.stat().st_size
    return [
        single(model, "idle, both processes", "% of a core", [share], at_most=0.5),
        Row(model, "resident memory of the process", "the model's file", "MB", resident / 1e6, size / 1e6, "", 1,
            resident / size),
    ]  # fmt: skip


def _processor_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _resident_bytes(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0
