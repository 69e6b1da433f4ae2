"""Figures of the model's process: deaths, cancels, idle cost, fairness. `python -m tests.recipes.model_process_report`.

Uses a model of random weights made on the spot (llama architecture, f32), one thread. Prints each figure with its n and
the load of the box; nothing here is a test.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import statistics
import tempfile
import threading
import time
from pathlib import Path

from ragedge.answer.process_generator import ProcessGenerator
from ragedge.contracts import Piece, Prompt, Sampling
from ragedge.errors import ModelCrashed
from tests.tiny_gguf import make_tiny_gguf

SHORT = Sampling(max_tokens=16)
PROMPT = Prompt("Answer.", "pump", (), 0)
LONG = Prompt("Answer.", "pump valve " * 900, (), 0)


def never() -> bool:
    return False


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--cancels", type=int, default=30)
    parser.add_argument("--width", type=int, default=1024)
    parser.add_argument("--layers", type=int, default=8)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = make_tiny_gguf(Path(folder) / "model.gguf", width=options.width, layers=options.layers)
        print(f"model {path.stat().st_size / 1e6:.0f} MB, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
        generator = ProcessGenerator(path, context_tokens=2048, threads=1, queue_limit=64)
        try:
            kills(generator, options.kills)
            cancels(generator, options.cancels)
            again(generator)
            idle(generator)
            clients(generator)
        finally:
            generator.close()
        print(f"load {os.getloadavg()[0]:.1f}")


def started_s(generator: ProcessGenerator) -> float:
    """Seconds to start the process and load the model, nothing else."""
    if generator.pid is not None:
        end(generator)
    started = time.perf_counter()
    generator.count_tokens("load")
    return time.perf_counter() - started


def kills(generator: ProcessGenerator, count: int) -> None:
    """Kill at a random moment of an answer; seconds to the next first word, and beside it those of a plain start."""
    draw = random.Random(1)
    expected = text_of(generator)
    outcomes = {"error": 0, "given": 0}
    loads, answers = [], []
    for _ in range(count):
        loads.append(started_s(generator))
        stream = generator.stream(PROMPT, SHORT, never)
        heard = ""
        killed = time.perf_counter()
        try:
            for _ in range(draw.randrange(0, 13)):
                heard += piece_text(next(stream))
            pid = generator.pid
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
            killed = time.perf_counter()
            for part in stream:
                if piece_text(part) and not heard:
                    answers.append(time.perf_counter() - killed)
                heard += piece_text(part)
            outcomes["given"] += 1
            assert heard == expected, "an answer that was made again was wrong"
        except ModelCrashed:
            outcomes["error"] += 1
            assert expected.startswith(heard)
            again = generator.stream(PROMPT, SHORT, never)
            heard = piece_text(next(again))
            answers.append(time.perf_counter() - killed)
            assert heard + "".join(map(piece_text, again)) == expected, "an answer after a kill was wrong"
    print(f"{count} kills: {outcomes['error']} answers ended with an error, {outcomes['given']} came, 0 wrong after")
    show("  start of the process with its model, s", loads)
    show("  killed to next first word, s", answers)
    print(f"  ratio of the medians {statistics.median(answers) / statistics.median(loads):.2f}")


def piece_text(part: object) -> str:
    return part.text if isinstance(part, Piece) else ""


def cancels(generator: ProcessGenerator, count: int) -> None:
    draw = random.Random(2)
    for name, prompt, pieces in (("while reading", LONG, 0), ("while writing", PROMPT, 3)):
        rows = []
        for number in range(count):
            flag = threading.Event()
            fresh = Prompt(prompt.system, f"{number} {prompt.user}", (), 0)
            stream = generator.stream(fresh, Sampling(max_tokens=500), flag.is_set)
            set_at: list[float] = []
            if pieces:
                for _ in range(pieces):
                    next(stream)
                set_at.append(time.perf_counter())
                flag.set()
            else:

                def later(flag: threading.Event = flag, set_at: list[float] = set_at) -> None:
                    set_at.append(time.perf_counter())
                    flag.set()

                threading.Timer(draw.uniform(0.05, 0.4), later).start()
            list(stream)
            rows.append((time.perf_counter() - set_at[0]) * 1e3)
        show(f"cancel {name} to free, ms", rows)


def again(generator: ProcessGenerator) -> None:
    """Milliseconds to the first word of a long prompt: never read, read just before, and with another end."""
    rows: dict[str, list[float]] = {"never read": [], "the same again": [], "another question at its end": []}
    for number in range(8):
        text = f"{number} " + "pump valve " * 500
        for name, asked in zip(rows, (text, text, f"{text} bolts?"), strict=True):
            started = time.perf_counter()
            stream = generator.stream(Prompt("Answer.", asked, (), 0), SHORT, never)
            next(stream)
            rows[name].append((time.perf_counter() - started) * 1e3)
            list(stream)
    for name, values in rows.items():
        show(f"first word of a prompt of 1,000 words, {name}, ms", values)


def idle(generator: ProcessGenerator) -> None:
    pid = generator.pid
    before, started = processor_s(pid) + processor_s(os.getpid()), time.perf_counter()
    time.sleep(5)
    spent = processor_s(pid) + processor_s(os.getpid()) - before
    print(f"idle: {spent / (time.perf_counter() - started):.2%} of a core, both processes")


def clients(generator: ProcessGenerator) -> None:
    """Eight clients, seven with one question each and one with twenty at once; seconds to the first word."""
    firsts: dict[str, list[float]] = {}
    lock = threading.Lock()
    started = time.perf_counter()

    def ask(client: str) -> None:
        for part in generator.stream(Prompt("Answer.", f"pump {client}", (), 0), SHORT, never, client=client):
            if isinstance(part, Piece):
                with lock:
                    firsts.setdefault(client, []).append(time.perf_counter() - started)
                break

    names = ["greedy"] * 20 + [f"client-{number}" for number in range(7)]
    threads = [threading.Thread(target=ask, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
        time.sleep(0.005)
    for thread in threads:
        thread.join()
    rows = [min(times) for times in firsts.values()]
    show("8 clients, one with 20 questions at once: first word of each client's first, s", rows)
    last = max(firsts["greedy"])
    print(f"  longest wait / mean: {max(rows) / statistics.mean(rows):.2f}; the greedy one's last: {last:.2f} s")


def text_of(generator: ProcessGenerator) -> str:
    return "".join(map(piece_text, generator.stream(PROMPT, SHORT, never)))


def end(generator: ProcessGenerator) -> None:
    pid = generator.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    while generator.pid is not None:
        time.sleep(0.001)


def processor_s(pid: int | None) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def show(name: str, rows: list[float]) -> None:
    ordered = sorted(rows)
    high = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
    print(
        f"{name}: median {statistics.median(rows):.3g}, p95 {high:.3g}, max {max(rows):.3g}, n {len(rows)}", flush=True
    )


if __name__ == "__main__":
    main()
