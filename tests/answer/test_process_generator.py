"""The model's process: it may die at any moment, is started anew, obeys a cancel, and costs the service nothing."""

from __future__ import annotations

import contextlib
import os
import random
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ragedge.answer.llama import LlamaGenerator
from ragedge.answer.model_process import Gone, ModelProcess
from ragedge.answer.model_wire import Ask, Load
from ragedge.answer.process_generator import ProcessGenerator
from ragedge.contracts import ModelStats, Piece, Prompt, Sampling
from ragedge.errors import ConfigError, ModelCorrupt, ModelCrashed, ModelMissing, PromptTooLong
from tests.tiny_gguf import make_tiny_gguf

ROOT = Path(__file__).parents[2]
KILLS = 12
SHORT = Sampling(max_tokens=16)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def path(models: Path) -> Path:
    return make_tiny_gguf(models / "random.gguf")


@pytest.fixture(scope="module")
def slow_path(models: Path) -> Path:
    return make_tiny_gguf(models / "slow.gguf", width=512, layers=6)


@pytest.fixture
def generator(path: Path) -> Iterator[ProcessGenerator]:
    made = ProcessGenerator(path, context_tokens=2048, threads=1)
    yield made
    made.close()


@pytest.fixture(scope="module")
def right(path: Path) -> str:
    made = LlamaGenerator(path, context_tokens=2048, threads=1)
    try:
        return said(list(made.stream(prompt("pump"), SHORT, never)))
    finally:
        made.close()


def prompt(text: str) -> Prompt:
    return Prompt("Answer only from the sources.", text, (), 0)


def never() -> bool:
    return False


def said(parts: list[Piece | ModelStats]) -> str:
    return "".join(part.text for part in parts if isinstance(part, Piece))


def running(generator: ProcessGenerator) -> int:
    generator.count_tokens("load")
    assert generator.pid is not None
    return generator.pid


def wait_for_end(pid: int) -> bool:
    """Whether the process ends; a watchdog, not a measurement."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], 30)[0])
    finally:
        os.close(descriptor)


# ------------------------------------------------------------------------------------------------- answers


def test_it_says_the_same_as_the_model_in_this_process(generator: ProcessGenerator, right: str) -> None:
    parts = list(generator.stream(prompt("pump"), SHORT, never))
    assert said(parts) == right
    stats = parts[-1]
    assert isinstance(stats, ModelStats)
    assert stats.load_duration > 0 and stats.prompt_eval_count > 0 and stats.eval_count == 16
    assert stats.total_duration >= stats.load_duration + stats.prompt_eval_duration + stats.eval_duration
    again = list(generator.stream(prompt("pump"), SHORT, never))[-1]
    assert isinstance(again, ModelStats) and again.load_duration == 0


def test_what_was_read_before_is_not_read_again_and_the_answer_is_that_of_a_fresh_process(
    generator: ProcessGenerator, path: Path
) -> None:
    sources = "The pump must be primed. Tighten the four housing bolts. " * 30
    cached = []
    for text in (sources + "pump?", sources + "bolts?", sources + "bolts?", sources[:700] + "valve"):
        *pieces, stats = generator.stream(prompt(text), SHORT, never)
        assert isinstance(stats, ModelStats)
        cached.append((stats.prompt_eval_cached_count, stats.prompt_eval_count))
        made = ProcessGenerator(path, context_tokens=2048, threads=1)
        assert [*made.stream(prompt(text), SHORT, never)][:-1] == pieces
        made.close()
    assert cached[0][0] == 0 and 256 < cached[1][0] < cached[1][1]
    assert cached[2][0] == cached[2][1] and 0 < cached[3][0] < cached[3][1]


def test_the_service_itself_never_loads_llama_cpp(path: Path) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from ragedge.answer.process_generator import ProcessGenerator\n"
        "made = ProcessGenerator(Path(sys.argv[1]), threads=1)\n"
        "tokens = made.count_tokens('The pump'); made.close()\n"
        "print(tokens > 0, 'llama_cpp' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "False"]


@pytest.mark.parametrize("text", ["\ud800 lone", "nul \x00 in it", "\U0001f600" * 50, ""])
def test_any_text_can_be_asked(generator: ProcessGenerator, text: str) -> None:
    parts = list(generator.stream(prompt(text), Sampling(max_tokens=3), never))
    assert isinstance(parts[-1], ModelStats) and parts[-1].eval_count == 3


def test_errors_of_the_model_come_through_with_their_kind(generator: ProcessGenerator, path: Path) -> None:
    with pytest.raises(PromptTooLong) as caught:
        list(generator.stream(prompt("valve " * 3000), SHORT, never))
    assert "2048" in caught.value.message and caught.value.hint
    with pytest.raises(PromptTooLong):
        list(generator.stream(prompt("a" * 20_000_000), SHORT, never))
    with pytest.raises(ModelMissing):
        ProcessGenerator(path.with_name("none.gguf"))
    with pytest.raises(ConfigError, match="klingon"):
        ProcessGenerator(path, family="klingon")


def test_a_file_with_a_wrong_sum_is_never_loaded(path: Path) -> None:
    made = ProcessGenerator(path, sha256="0" * 64, threads=1)
    for _ in range(2):
        with pytest.raises(ModelCorrupt, match="0" * 64):
            list(made.stream(prompt("pump"), SHORT, never))
    with pytest.raises(ModelCorrupt):
        made.count_tokens("pump")
    made.close()


def test_a_model_that_vanished_after_the_start_is_missing(tmp_path: Path) -> None:
    path = make_tiny_gguf(tmp_path / "gone.gguf")
    made = ProcessGenerator(path, threads=1)
    path.unlink()
    with pytest.raises(ModelMissing):
        made.count_tokens("pump")
    made.close()


# ------------------------------------------------------------------------------------------------- deaths


def test_killed_while_it_speaks_the_answer_ends_with_an_error_and_the_next_is_right(
    generator: ProcessGenerator, right: str
) -> None:
    stream = generator.stream(prompt("pump"), Sampling(max_tokens=1000), never)
    assert isinstance(next(stream), Piece)
    first = generator.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    with pytest.raises(ModelCrashed, match="SIGKILL") as caught:
        list(stream)
    assert caught.value.hint and caught.value.http_status == 503
    assert said(list(generator.stream(prompt("pump"), SHORT, never))) == right
    assert generator.pid not in (None, first)


def test_killed_before_it_says_anything_the_job_is_run_again_unseen(generator: ProcessGenerator, right: str) -> None:
    first = running(generator)
    os.kill(first, signal.SIGSTOP)  # it cannot say anything
    looks = iter([lambda: None, lambda: None, lambda: None, lambda: os.kill(first, signal.SIGKILL)])

    def at_the_fourth_look_it_dies() -> bool:
        next(looks, lambda: None)()
        return False

    assert said(list(generator.stream(prompt("pump"), SHORT, at_the_fourth_look_it_dies))) == right
    assert generator.pid not in (None, first)


def test_a_prompt_that_kills_it_twice_is_given_up_with_an_error(slow_path: Path) -> None:
    made = ProcessGenerator(slow_path, context_tokens=2048, threads=1)
    killed: set[int] = set()

    def deadly() -> bool:
        pid = made.pid
        if pid is not None and pid not in killed:
            killed.add(pid)
            os.kill(pid, signal.SIGABRT)
        return False

    with pytest.raises(ModelCrashed, match="SIGABRT"):
        list(made.stream(prompt("pump " * 1500), SHORT, deadly))
    assert len(killed) == 2
    assert said(list(made.stream(prompt("pump"), SHORT, never)))
    made.close()


def test_killed_again_and_again_at_any_moment_it_always_comes_back(generator: ProcessGenerator, right: str) -> None:
    draw = random.Random(3)
    outcomes = {"right": 0, "crashed": 0}
    for _ in range(KILLS):
        pid, after = running(generator), draw.choice((0, 0, 1, 4, 12))
        stream = generator.stream(prompt("pump"), SHORT, never)
        heard: list[Piece | ModelStats] = []
        try:
            heard += [next(stream) for _ in range(after)]
            os.kill(pid, signal.SIGKILL)
            heard += list(stream)
        except ModelCrashed:
            outcomes["crashed"] += 1
            assert right.startswith(said(heard))
            continue
        assert said(heard) == right
        outcomes["right"] += 1
    assert sum(outcomes.values()) == KILLS and min(outcomes.values()) > 0
    assert said(list(generator.stream(prompt("pump"), SHORT, never))) == right


def test_tokens_are_counted_although_the_process_was_killed(generator: ProcessGenerator) -> None:
    expected = generator.count_tokens("The pump must be primed.")
    for _ in range(3):
        os.kill(running(generator), signal.SIGKILL)
        assert generator.count_tokens("The pump must be primed.") == expected


def test_what_it_wrote_before_it_died_stands_in_the_error(path: Path) -> None:
    wanted = Load(os.fsencode(path), "", 256, 1, "plain", "{system}{user}", (), ())
    process = ModelProcess(wanted)
    process.wait_ready()
    replies = process.open(1)
    process.send(Ask(1, "", "pump", 4, 0.0, 0, window=-1))  # no window is below nothing: the process fails on it
    assert isinstance(replies.get(timeout=30), Gone)
    assert "status 1" in process.crashed().message and "ValueError" in process.crashed().message


def test_when_the_service_is_killed_the_process_ends_with_it(path: Path) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from ragedge.answer.process_generator import ProcessGenerator\n"
        "made = ProcessGenerator(Path(sys.argv[1]), threads=1); made.count_tokens('x')\n"
        "print(made.pid, flush=True); sys.stdin.read()"
    )
    service = subprocess.Popen(
        [sys.executable, "-c", code, str(path)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert service.stdout is not None
    pid = int(service.stdout.readline())
    service.kill()
    service.communicate()
    assert wait_for_end(pid)


def test_closing_ends_the_process(generator: ProcessGenerator) -> None:
    pid = running(generator)
    generator.close()
    assert wait_for_end(pid) and generator.pid is None


# ------------------------------------------------------------------------------------------------- cancelling


def test_cancelled_in_a_long_prompt_it_is_free_and_the_same_process_answers_the_next(slow_path: Path) -> None:
    made = ProcessGenerator(slow_path, context_tokens=2048, threads=1)
    pid, looks = running(made), []

    def at_the_fourth_look() -> bool:
        looks.append(1)
        return len(looks) >= 4

    *pieces, stats = made.stream(prompt("pump valve " * 900), Sampling(max_tokens=8), at_the_fourth_look)
    assert pieces == [] and isinstance(stats, ModelStats)
    assert stats.eval_count == 0 and stats.prompt_eval_count < 1000
    assert said(list(made.stream(prompt("pump"), Sampling(max_tokens=4), never)))
    assert made.pid == pid
    made.close()


def test_a_process_that_does_not_obey_a_cancel_is_replaced(path: Path, right: str) -> None:
    made = ProcessGenerator(path, context_tokens=2048, threads=1, patience_s=0.05)
    pid = running(made)
    looks = iter([False, False, False])
    os.kill(pid, signal.SIGSTOP)
    parts = list(made.stream(prompt("pump"), SHORT, lambda: next(looks, True)))
    assert said(parts) == "" and len(parts) == 1
    assert wait_for_end(pid)
    assert said(list(made.stream(prompt("pump"), SHORT, never))) == right
    made.close()


def test_nothing_is_computed_far_ahead_of_a_reader_who_has_stopped_reading(generator: ProcessGenerator) -> None:
    is_cancelled = threading.Event()
    stream = generator.stream(prompt("pump"), Sampling(max_tokens=1000), is_cancelled.is_set)
    next(stream)
    for _ in range(500):  # the process has all the time it needs to run away
        generator.count_tokens("wait")
    is_cancelled.set()
    (stats,) = stream
    assert isinstance(stats, ModelStats) and 1 <= stats.eval_count <= 8


def test_a_client_that_asks_without_end_waits_behind_the_others(generator: ProcessGenerator) -> None:
    holding = generator.stream(prompt("pump"), SHORT, never, client="greedy")
    next(holding)
    order: list[str] = []

    def ask(client: str) -> threading.Thread:
        is_waiting = threading.Event()

        def run() -> None:
            next(generator.stream(prompt("pump"), SHORT, lambda: is_waiting.set() or False, client=client))  # type: ignore[func-returns-value]
            order.append(client)

        thread = threading.Thread(target=run)
        thread.start()
        assert is_waiting.wait(30)
        return thread

    threads = [ask("greedy"), ask("greedy"), ask("other")]
    list(holding)
    for thread in threads:
        thread.join(30)
    assert order == ["greedy", "other", "greedy"]


# ------------------------------------------------------------------------------------------------- what it may do


def test_it_has_no_network_no_secrets_and_goes_first_when_memory_runs_out(
    generator: ProcessGenerator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAGEDGE_TEST_API_KEY", "secret")
    status = Path(f"/proc/{running(generator)}")
    assert b"secret" not in (status / "environ").read_bytes()
    assert int((status / "oom_score_adj").read_text()) >= 700
    assert "NoNewPrivs:\t1" in (status / "status").read_text()
    if not _may_leave_the_network():
        pytest.skip("this kernel does not let a process give up its network")
    assert (status / "ns" / "net").readlink() != Path("/proc/self/ns/net").readlink()


def _may_leave_the_network() -> bool:
    code = (
        "import ctypes, sys; libc = ctypes.CDLL(None); "
        "sys.exit(libc.unshare(0x40000000) != 0 and libc.unshare(0x50000000) != 0)"
    )
    return subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_waiting_it_is_never_woken(generator: ProcessGenerator, right: str) -> None:
    pid = running(generator)
    assert said(list(generator.stream(prompt("pump"), SHORT, never))) == right
    counts: list[int] = []
    while len(counts) < 40 and (len(counts) < 3 or len(set(counts[-3:])) > 1):  # on a busy box it comes to rest later
        a_while()
        counts.append(wake_ups(pid))
    assert len(set(counts[-3:])) == 1, counts
    generator.count_tokens("wake up")
    for _ in range(40):  # it has answered, but may not lie down again at once
        if wake_ups(pid) > counts[-1]:
            return
        a_while()
    pytest.fail("asked for something, it was not woken")


def a_while() -> None:
    """Some ten ms, in which a timer would show."""
    subprocess.run([sys.executable, "-c", "import json"], check=True)


def wake_ups(pid: int) -> int:
    """How often its threads have gone to sleep so far; one that just ended counts as never woken."""
    lines: list[str] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            lines += (task / "status").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("voluntary_ctxt_switches"))
