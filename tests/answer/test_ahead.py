"""Passages read before anybody asks: the same states as at first use, nobody waits for them, nobody's state goes."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ragedge.answer.ahead import Ahead, one_by_one
from ragedge.answer.llama import LlamaGenerator
from ragedge.answer.process_generator import ProcessGenerator
from ragedge.answer.state_settings import StateSettings
from ragedge.contracts import ModelStats, Piece, Prompt
from ragedge.state_files import StateFolder
from tests.answer.joinable import BOLTS, MIB, PUMP, SHORT, VALVE, never, prompt
from tests.tiny_gguf import make_tiny_gguf

Make = Callable[..., LlamaGenerator]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_gguf(tmp_path_factory.mktemp("models") / "random.gguf")


@pytest.fixture(scope="module")
def slow_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_gguf(tmp_path_factory.mktemp("models") / "slow.gguf", width=512, layers=6)


@pytest.fixture
def make(path: Path, tmp_path: Path) -> Iterator[Make]:
    """Makes generators with states in the folder `name`; each stands for one start of the program."""
    made: list[LlamaGenerator] = []

    def build(
        name: str = "states", *, joins: bool = True, reread: int = 0, context: int = 2048, disk_bytes: int = 64 * MIB
    ) -> LlamaGenerator:
        states = StateSettings(tmp_path / name, 0, 64 * MIB, disk_bytes, joins, reread)
        made.append(LlamaGenerator(path, context_tokens=context, threads=1, states=states))
        return made[-1]

    yield build
    for generator in made:
        generator.close()


def written(generator: LlamaGenerator) -> None:
    """All states are on disk, or given up."""
    generator.rest()
    writer = generator._keeper._writer  # type: ignore[union-attr]
    if writer is not None and writer._thread is not None:
        writer.flush()
        writer._thread = None


def answer(generator: LlamaGenerator, asked: Prompt) -> tuple[list[str], ModelStats]:
    *pieces, stats = generator.stream(asked, SHORT, never)
    written(generator)
    assert isinstance(stats, ModelStats)
    return [piece.text for piece in pieces if isinstance(piece, Piece)], stats


def ahead(generator: LlamaGenerator, asked: Prompt) -> list[Ahead]:
    found = []
    for part in one_by_one(asked):
        found.append(generator.read_ahead(part, never))
        written(generator)
    return found


def documents(folder: Path) -> list[tuple[str, ...]]:
    return sorted(head.documents for head in StateFolder(folder, {"passage": 2**30}).heads("passage"))


@pytest.mark.parametrize("reread", [0, 16])
def test_what_was_read_ahead_is_found_and_the_answer_is_that_of_first_use(make: Make, reread: int) -> None:
    asked = prompt("which bolts?", BOLTS, PUMP, VALVE)
    right, cold = answer(make("apart", reread=reread), asked)
    assert ahead(make(reread=reread), prompt("how?", VALVE, BOLTS, PUMP)) == ["read"] * 3
    said, stats = answer(make(reread=reread), asked)
    assert said == right
    assert stats.prompt_eval_joined_count == cold.prompt_eval_joined_count > 100
    assert stats.prompt_eval_cached_count >= stats.prompt_eval_joined_count
    assert ahead(make(reread=reread), asked) == ["known"] * 3


def test_the_last_prompt_is_not_read_again_afterwards(make: Make) -> None:
    generator, asked = make(), prompt("which bolts?", BOLTS, VALVE)
    right, _ = answer(generator, asked)
    assert ahead(generator, prompt("how?", PUMP)) == ["read"]
    said, stats = answer(generator, asked)
    assert said == right and stats.prompt_eval_cached_count == stats.prompt_eval_count


def test_where_the_context_has_no_room_beside_the_last_prompt_that_one_goes(make: Make) -> None:
    asked = prompt("which?", BOLTS, VALVE)
    needed = answer(make("apart"), asked)[1].prompt_eval_count
    generator = make(context=-(-(needed + 20) // 256) * 256)
    right, _ = answer(generator, asked)
    long = PUMP.strip() + " " + "It turns to the left. " * 8 + "\n\n"
    assert ahead(generator, prompt("how?", long)) == ["read"]
    assert answer(generator, asked)[0] == right
    assert ahead(generator, prompt("how?", long)) == ["known"]


def test_it_takes_no_room_from_what_somebody_asked_for(make: Make, tmp_path: Path) -> None:
    answer(make(), prompt("which?", VALVE))
    size = StateFolder(tmp_path / "states", {}).held_bytes("passage")
    generator = make(disk_bytes=size + 20_000)
    assert ahead(generator, prompt("how?", BOLTS, PUMP)) == ["full", "full"]
    assert documents(tmp_path / "states") == [("valve",)]
    assert ahead(make(disk_bytes=100 * size), prompt("how?", BOLTS, PUMP)) == ["read", "read"]
    assert documents(tmp_path / "states") == [("bolts",), ("pump",), ("valve",)]


def test_what_nobody_asked_for_goes_first_until_somebody_does(make: Make, tmp_path: Path) -> None:
    answer(make(), prompt("which?", PUMP))
    assert ahead(make(), prompt("how?", BOLTS, VALVE)) == ["read", "read"]
    size = StateFolder(tmp_path / "states", {}).held_bytes("passage")
    answer(make(), prompt("which?", BOLTS))  # from now on used
    answer(make(disk_bytes=size), prompt("which?", PUMP.replace("pump", "motor")))
    left = documents(tmp_path / "states")
    assert ("valve",) not in left and ("bolts",) in left


def test_a_document_that_goes_while_it_is_read_leaves_nothing(make: Make, tmp_path: Path) -> None:
    generator, folder = make(), StateFolder(tmp_path / "states", {"passage": 2**30})
    (part,) = one_by_one(prompt("how?", PUMP))
    part = replace(part, epoch=folder.epoch())
    assert generator.read_ahead(part, never) == "read"  # not yet written
    folder.forget(lambda document: document == "pump")
    written(generator)
    assert documents(tmp_path / "states") == []
    assert generator.read_ahead(part, never) == "stale"
    written(generator)
    assert documents(tmp_path / "states") == []


def test_a_model_that_reads_in_place_reads_nothing_ahead(make: Make, tmp_path: Path) -> None:
    assert ahead(make(joins=False), prompt("how?", PUMP)) == ["impossible"]
    assert ahead(make(), prompt("how?")) == []
    assert documents(tmp_path / "states") == []


def test_a_stop_leaves_nothing_half_read(make: Make, tmp_path: Path) -> None:
    generator = make()
    (part,) = one_by_one(prompt("how?", PUMP))
    answer(generator, prompt("which?", VALVE))
    looks = iter([False])  # one look when its turn comes; the next ones are the watcher's
    outcome = generator.read_ahead(part, lambda: next(looks, True))
    written(generator)
    assert outcome in ("read", "stopped")  # a tiny model may be faster than the watcher
    assert ahead(generator, prompt("how?", PUMP)) == ["known" if outcome == "read" else "read"]
    assert (
        answer(generator, prompt("which?", PUMP, VALVE))[0] == answer(make("apart"), prompt("which?", PUMP, VALVE))[0]
    )


# ------------------------------------------------------------------------------------------------- the process


@pytest.fixture
def process(slow_path: Path, tmp_path: Path) -> Iterator[ProcessGenerator]:
    states = StateSettings(tmp_path / "states", 0, 64 * MIB, 64 * MIB, joins_passages=True)
    generator = ProcessGenerator(slow_path, context_tokens=4096, threads=1, queue_limit=0, states=states)
    yield generator
    generator.close()


def test_nothing_is_loaded_for_it(process: ProcessGenerator) -> None:
    (part,) = one_by_one(prompt("how?", PUMP))
    assert process.joins_passages and not process.is_ready
    assert process.read_ahead(part, never) == "absent"
    assert process.pid is None


def test_the_process_reads_ahead_at_the_lowest_priority_and_answers_at_its_own(
    process: ProcessGenerator, tmp_path: Path
) -> None:
    process.count_tokens("load")
    (part,) = one_by_one(prompt("how?", PUMP))
    assert process.read_ahead(part, never) == "read"
    while process.read_ahead(part, never) != "known":  # until it is written
        pass
    assert process.pid is not None and os.getpriority(os.PRIO_PROCESS, process.pid) == os.getpriority(
        os.PRIO_PROCESS, 0
    )
    niced = {os.getpriority(os.PRIO_PROCESS, int(task.name)) for task in Path(f"/proc/{process.pid}/task").iterdir()}
    assert 19 in niced
    stats = list(process.stream(prompt("which?", PUMP), SHORT, never))[-1]
    assert isinstance(stats, ModelStats) and stats.prompt_eval_cached_count >= stats.prompt_eval_joined_count > 0


def test_whoever_asks_stops_it_and_is_not_refused_though_there_is_no_queue(process: ProcessGenerator) -> None:
    process.count_tokens("load")
    passages = [f"[1] Part {number}\n" + "It turns to the left and is locked. " * 300 + "\n\n" for number in range(8)]
    outcomes: list[Ahead] = []
    began = threading.Event()

    def read() -> None:
        for passage in passages:
            (part,) = one_by_one(prompt("how?", passage))
            outcomes.append(process.read_ahead(part, lambda: began.set() or False))  # type: ignore[func-returns-value]

    reading = threading.Thread(target=read)
    reading.start()
    assert began.wait(30)
    said = list(process.stream(prompt("which?"), SHORT, never))
    assert isinstance(said[-1], ModelStats) and said[-1].eval_count == 12
    reading.join(60)
    assert "stopped" in outcomes and not reading.is_alive()
