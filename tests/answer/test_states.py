"""What a model has read is found again: in memory, after a restart, never wrongly, and gone with its documents."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ragedge.answer.llama import LlamaGenerator
from ragedge.answer.llama_native import NativeModel, batch_ends, common_mark
from ragedge.answer.process_generator import ProcessGenerator
from ragedge.answer.prompt_states import PromptStates
from ragedge.answer.state_settings import StateSettings
from ragedge.contracts import ModelStats, PassagePart, Piece, Prompt, Sampling
from ragedge.state_files import StateFolder, read_head
from tests.tiny_gguf import make_tiny_gguf

ROOT = Path(__file__).parents[2]
MIB = 2**20
SHORT = Sampling(max_tokens=16)
PUMP = "[1] Pump\n" + "The pump must be primed before the first start. " * 18 + "\n\n"
VALVE = "[2] Valve\n" + "Close the drain valve and open the inlet valve. " * 18 + "\n\n"
Make = Callable[..., LlamaGenerator]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_gguf(tmp_path_factory.mktemp("models") / "random.gguf")


@pytest.fixture
def make(path: Path, tmp_path: Path) -> Iterator[Make]:
    """Makes generators with states; each stands for one start of the program."""
    made: list[LlamaGenerator] = []

    def build(
        prompt_bytes: int = 64 * MIB, disk_bytes: int = 64 * MIB, *, model: Path = path, context_tokens: int = 2048
    ) -> LlamaGenerator:
        states = StateSettings(tmp_path / "states", prompt_bytes, disk_bytes)
        made.append(LlamaGenerator(model, context_tokens=context_tokens, threads=1, states=states))
        return made[-1]

    yield build
    for generator in made:
        generator.close()


def prompt(question: str, *passages: str) -> Prompt:
    parts = tuple(PassagePart(text.split()[1].lower(), len(text)) for text in passages)
    return Prompt("Answer only from the sources.", "".join(passages) + f"Question: {question}", (), 0, passages=parts)


def never() -> bool:
    return False


def answer(generator: LlamaGenerator, asked: Prompt, sampling: Sampling = SHORT) -> tuple[list[str], ModelStats]:
    """The tokens of an answer, and its figures; afterwards the generator has a pause."""
    *pieces, stats = generator.stream(asked, sampling, never)
    generator.rest()
    assert isinstance(stats, ModelStats)
    return [piece.text for piece in pieces if isinstance(piece, Piece)], stats


def fresh(path: Path, asked: Prompt, sampling: Sampling = SHORT) -> list[str]:
    made = LlamaGenerator(path, context_tokens=2048, threads=1)
    try:
        return answer(made, asked, sampling)[0]
    finally:
        made.close()


def written(generator: LlamaGenerator) -> list[Path]:
    """The files of states, once all that waits is written."""
    folder, keeper = generator._states.folder, generator._keeper
    assert folder is not None
    if keeper is not None and keeper._writer is not None:
        keeper._writer.flush()
        keeper._writer._thread = None  # it starts again with the next state
    return sorted(folder.glob("*.state"))


# ------------------------------------------------------------------------------------------------- batches


def test_batches_end_at_every_border() -> None:
    assert batch_ends(300, (0, 0)) == [128, 256, 300]
    assert batch_ends(600, (150,)) == [22, 150, 278, 406, 534, 600]
    assert batch_ends(600, (150, 500)) == [22, 150, 278, 406, 500, 600]
    assert batch_ends(500, (150, 500)) == [22, 150, 278, 406, 500]


def test_only_batches_that_were_read_alike_are_common() -> None:
    tokens = list(range(700))
    read = frozenset(batch_ends(700, (100, 300)))
    assert common_mark(tokens, read, tokens, batch_ends(700, (100, 300))) == 684
    assert common_mark(tokens, read, tokens[:650], batch_ends(650, (100, 300))) == 556
    other = batch_ends(700, (100,))
    assert common_mark(tokens, read, tokens, other) == 228  # from there on it would be read in other batches
    assert common_mark(tokens, read, [*tokens[:250], *tokens[:250]], other) == 228
    assert common_mark(tokens, read, tokens[1:], batch_ends(699, (100, 300))) == 0


# ------------------------------------------------------------------------------------------------- memory


@pytest.mark.parametrize("sampling", [SHORT, Sampling(16, temperature=0.9, seed=11)])
def test_prompts_asked_before_are_taken_up_whole_and_say_the_same_as_in_a_fresh_context(
    make: Make, path: Path, sampling: Sampling
) -> None:
    generator = make()
    asked = [prompt("pump?", PUMP), prompt("valve?", VALVE), prompt("both?", PUMP, VALVE), prompt("both?", VALVE, PUMP)]
    right = [fresh(path, one, sampling) for one in asked]
    assert len({"".join(text) for text in right}) == len(asked)
    for number in (0, 1, 2, 3, 0, 2, 1, 3, 3, 0):
        text, stats = answer(generator, asked[number], sampling)
        assert text == right[number]
    assert stats.prompt_eval_cached_count == stats.prompt_eval_count


def test_a_restored_prompt_gives_the_logits_of_a_fresh_context_bit_by_bit(path: Path) -> None:
    tokens, other, ends = [5 + i * 7 % 300 for i in range(900)], [9] * 400, batch_ends(900, (40, 700))
    one = NativeModel(path, 2048, 1)
    one.start()
    one.keep(tokens, ends)
    one.read(tokens, ends)
    kept, part = one.read_so_far(), one.read_so_far(700)
    assert kept is not None and part is not None and part.logits is None and one._logits is not None
    logits = one._logits.tobytes()
    for earlier, mark in ((kept, 900), (kept, 700), (kept, 680), (part, 700), (part, 168)):
        one.keep(other, [400])
        one.read(other, [128, 256, 384, 400])
        assert one.restore(earlier, mark)
        assert one.keep(tokens, ends) == mark
        one.read(tokens, ends)
        assert one._logits.tobytes() == logits
    one.close()


def test_new_questions_on_the_same_passages_read_the_question_alone(make: Make, path: Path) -> None:
    generator = make()
    answer(generator, prompt("pump?", PUMP, VALVE))
    answer(generator, prompt("something else?", VALVE))
    text, stats = answer(generator, prompt("How is it primed?", PUMP, VALVE))
    assert text == fresh(path, prompt("How is it primed?", PUMP, VALVE))
    assert stats.prompt_eval_count - stats.prompt_eval_cached_count < 40


def test_what_is_held_stays_within_the_budget_and_the_longest_unused_goes_first(make: Make) -> None:
    probe = make(disk_bytes=0)
    answer(probe, prompt("pump?", PUMP))
    one = probe.state_bytes
    generator = make(int(one * 2.5), 0)
    for question in ("pump?", "drain?"):
        answer(generator, prompt(question, PUMP))
    assert len(generator._keeper._prompts) == 2 and generator.state_bytes <= one * 2.5  # type: ignore[union-attr]
    answer(generator, prompt("pump?", PUMP))  # used again, so that the other one is older
    answer(generator, prompt("valve?", PUMP))
    assert len(generator._keeper._prompts) == 2 and generator.state_bytes <= one * 2.5  # type: ignore[union-attr]
    assert _cached_whole(generator, prompt("pump?", PUMP))
    assert not _cached_whole(generator, prompt("drain?", PUMP))


def _cached_whole(generator: LlamaGenerator, asked: Prompt) -> bool:
    stats = answer(generator, asked)[1]
    return stats.prompt_eval_cached_count == stats.prompt_eval_count


def test_a_prompt_that_is_over_the_budget_is_not_kept_and_nothing_goes_for_it() -> None:
    states = PromptStates(1000)
    assert states.held_bytes == 0 and states.best([1, 2, 3], ()) == (None, 0)


def test_bytes_that_are_reported_are_those_that_the_process_grows_by(path: Path) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from ragedge.answer.llama_native import NativeModel, batch_ends\n"
        "from ragedge.answer.prompt_states import PromptStates\n"
        "def anonymous():\n"  # without the model's own buffers: the kernel may round them up to large pages at any time
        "    total = size = 0\n"
        "    for line in open('/proc/self/smaps'):\n"
        "        if line.startswith('Anonymous:'): size = int(line.split()[1]) * 1024\n"
        "        elif line.startswith('VmFlags:') and 'hg' not in line.split(): total += size\n"
        "    return total\n"
        "native, states = NativeModel(Path(sys.argv[1]), 4096, 1), PromptStates(2**30)\n"
        "native.start()\n"
        "def read(n):\n"
        "    tokens = [5 + (i * 7 + n) % 300 for i in range(3000)]\n"
        "    ends = batch_ends(3000, ()); native.keep(tokens, ends); native.read(tokens, ends)\n"
        "    states.put(native.read_so_far())\n"
        "read(1)\n"
        "before, held = anonymous(), states.held_bytes\n"
        "for n in range(2, 26): read(n)\n"
        "print(states.held_bytes - held, anonymous() - before)\n"
        "states.clear()\n"
        "print(states.held_bytes, anonymous() - before)\n"
    )
    command = [sys.executable, "-c", code, str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    (reported, grown), (rest, left) = (map(int, line.split()) for line in done.stdout.splitlines())
    assert reported > 30 * MIB
    assert abs(grown - reported) <= 0.05 * reported
    assert rest == 0 and left <= 0.05 * reported


# ------------------------------------------------------------------------------------------------- disk


def test_after_a_restart_passages_are_not_read_again_and_the_answer_is_the_same(make: Make, path: Path) -> None:
    first = make()
    answer(first, prompt("pump?", PUMP, VALVE))
    (file,) = written(first)
    first.close()
    again = make()
    text, stats = answer(again, prompt("pump?", PUMP, VALVE))
    assert text == fresh(path, prompt("pump?", PUMP, VALVE))
    assert 0 < stats.prompt_eval_count - stats.prompt_eval_cached_count < 40
    assert written(again) == [file]


def test_a_state_on_disk_holds_no_question_and_no_earlier_answer(make: Make) -> None:
    generator = make()
    asked = prompt("Who is the secret admirer?", PUMP, VALVE)
    answer(generator, asked)
    (file,) = written(generator)
    head = generator._folder.heads("prompt")[0]  # type: ignore[union-attr]
    engine = generator._loaded()[0]
    said = b"".join(engine.piece(token) for token in head.tokens)
    assert said.rstrip().endswith(b"open the inlet valve.")
    assert b"admirer" not in said and head.documents == ("pump", "valve")
    assert head.state_bytes < file.stat().st_size < head.state_bytes + 20_000


def test_prompts_of_which_it_is_not_said_what_is_in_them_stay_in_memory(make: Make) -> None:
    generator = make()
    answer(generator, Prompt("Answer.", PUMP + VALVE + "Question: pump?", (), 0))
    assert generator.state_bytes > 0 and written(generator) == []


def test_damaged_files_are_no_states_and_end_nothing(make: Make, path: Path) -> None:
    asked = prompt("pump?", PUMP, VALVE)
    right = fresh(path, asked)
    first = make()
    answer(first, asked)
    (file,) = written(first)
    first.close()
    whole = file.read_bytes()
    draw = random.Random(5)
    damaged = [whole[:size] for size in (0, 10, 50, 3000, len(whole) // 2, len(whole) - 1)] + [whole + b"x"]
    for _ in range(25):
        copy = bytearray(whole)
        copy[draw.choice((draw.randrange(len(whole)), draw.randrange(200)))] ^= 1 << draw.randrange(8)
        damaged.append(bytes(copy))
    for data in damaged:
        file.write_bytes(data)
        generator = make(0)
        text, stats = answer(generator, asked)
        assert text == right and stats.prompt_eval_cached_count == 0
        generator.close()
    file.write_bytes(whole)
    assert answer(make(), asked)[1].prompt_eval_cached_count > 0


def test_a_state_is_of_one_model_and_one_context(make: Make, tmp_path: Path) -> None:
    asked = prompt("pump?", PUMP)
    answer(first := make(), asked)
    assert len(written(first)) == 1
    first.close()
    other = make_tiny_gguf(tmp_path / "other.gguf", seed=8)
    for generator in (make(model=other), make(context_tokens=1024)):
        assert answer(generator, asked)[1].prompt_eval_cached_count == 0
    assert answer(make(), asked)[1].prompt_eval_cached_count > 0


def test_files_stay_within_their_budget_and_the_longest_unused_goes_first(make: Make) -> None:
    one = make()
    answer(one, prompt("pump?", PUMP))
    (first,) = written(one)
    budget = int(first.stat().st_size * 2.2)
    os.utime(first, ns=(1, 1))
    two = make(disk_bytes=budget)
    answer(two, prompt("valve?", VALVE))
    assert len(written(two)) == 2
    three = make(disk_bytes=budget)
    answer(three, prompt("pump?", PUMP))  # used: now the other one is the oldest
    answer(three, prompt("both?", VALVE.replace("[2]", "[1]")))
    files = written(three)
    assert first in files and len(files) == 2
    assert sum(file.stat().st_size for file in files) <= budget


def test_what_a_kill_left_half_written_is_swept_away_and_nothing_that_is_written_now(
    make: Make, tmp_path: Path
) -> None:
    (tmp_path / "states").mkdir()
    left, fresh_one = tmp_path / "states" / ".01.part", tmp_path / "states" / ".02.part"
    for file in (left, fresh_one):
        file.write_bytes(b"text")
    os.utime(left, (1, 1))
    make()
    assert not left.exists() and fresh_one.exists()


# ------------------------------------------------------------------------------------------------- deleting


def test_what_was_read_of_a_document_goes_with_it_from_disk_and_memory(make: Make, tmp_path: Path) -> None:
    generator = make()
    answer(generator, prompt("pump?", PUMP))
    answer(generator, prompt("valve?", VALVE))
    answer(generator, prompt("both?", PUMP, VALVE))
    assert len(written(generator)) == 3
    assert StateFolder(tmp_path / "states", {}).forget({"valve"}.__contains__) == 2
    assert [head.documents for head in generator._folder.heads("prompt")] == [("pump",)]  # type: ignore[union-attr]
    stats = answer(generator, prompt("valve?", VALVE))[1]
    assert stats.prompt_eval_cached_count == 0  # not in memory either
    stats = answer(generator, prompt("pump?", PUMP))[1]
    assert stats.prompt_eval_cached_count > 0  # from disk


def test_a_state_that_was_made_before_a_document_went_is_not_written_after(make: Make, tmp_path: Path) -> None:
    generator = make()
    list(generator.stream(prompt("pump?", PUMP), SHORT, never))
    StateFolder(tmp_path / "states", {}).forget({"pump"}.__contains__)
    generator.rest()
    assert written(generator) == []


def test_a_state_that_is_being_written_when_its_document_goes_is_not_kept(make: Make, tmp_path: Path) -> None:
    generator, folder = make(), StateFolder(tmp_path / "states", {"prompt": 64 * MIB})
    answer(generator, prompt("pump?", PUMP))
    (file,) = written(generator)
    (head,) = folder.heads("prompt")
    state = folder.read(head, lambda size: memoryview(bytearray(size)))
    assert state is not None
    file.unlink()
    looks: list[int] = []

    def goes_while_it_is_written() -> bool:
        looks.append(1)
        if len(looks) == 2:
            folder.forget({"pump"}.__contains__)
        return True

    assert not folder.write(head, state, folder.epoch(), goes_while_it_is_written)
    assert len(looks) >= 2 and sorted(p.name for p in (tmp_path / "states").iterdir()) == ["lock"]
    assert not folder.write(head, state, folder.epoch(), lambda: False)
    assert folder.write(head, state, folder.epoch(), lambda: True) and folder.heads("prompt") == [head]


# ------------------------------------------------------------------------------------------------- the model's process


@pytest.fixture
def process(path: Path, tmp_path: Path) -> Iterator[Callable[[], ProcessGenerator]]:
    made: list[ProcessGenerator] = []

    def start() -> ProcessGenerator:
        states = StateSettings(tmp_path / "states", 64 * MIB, 64 * MIB)
        made.append(ProcessGenerator(path, context_tokens=2048, threads=1, states=states))
        return made[-1]

    yield start
    for generator in made:
        generator.close()


def ask(generator: ProcessGenerator, asked: Prompt) -> tuple[list[str], ModelStats]:
    *pieces, stats = generator.stream(asked, SHORT, never)
    assert isinstance(stats, ModelStats)
    return [piece.text for piece in pieces if isinstance(piece, Piece)], stats


def test_a_killed_process_finds_its_states_on_disk_and_the_bytes_it_holds_are_told(
    process: Callable[[], ProcessGenerator], path: Path, tmp_path: Path
) -> None:
    asked, generator = prompt("pump?", PUMP, VALVE), process()
    assert generator.state_bytes() == 0
    right, _ = ask(generator, asked)
    assert right == fresh(path, asked)
    while not list((tmp_path / "states").glob("*.state")):  # it is written in the pause after the answer
        generator.count_tokens("wait")
    assert generator.state_bytes() > 100_000
    assert generator.pid is not None
    os.kill(generator.pid, signal.SIGKILL)
    text, stats = ask(generator, asked)
    assert text == right and 0 < stats.prompt_eval_count - stats.prompt_eval_cached_count < 40
    generator.close()
    assert generator.state_bytes() == 0
    assert ask(process(), asked)[1].prompt_eval_cached_count > 0


def test_killed_at_any_moment_while_states_are_written_every_answer_stays_right(
    process: Callable[[], ProcessGenerator], path: Path, tmp_path: Path
) -> None:
    draw, generator = random.Random(3), process()
    asked = [prompt(f"{name}?", *passages) for name in ("pump", "valve") for passages in ((PUMP, VALVE), (VALVE, PUMP))]
    right = [fresh(path, one) for one in asked]
    for _ in range(12):
        number = draw.randrange(len(asked))
        assert ask(generator, asked[number])[0] == right[number]
        for _ in range(draw.choice((0, 0, 1, 3, 10))):
            generator.count_tokens("wait")
        assert generator.pid is not None
        os.kill(generator.pid, signal.SIGKILL)
    assert all(read_head(file) is not None for file in (tmp_path / "states").glob("*.state"))
    assert [ask(generator, one)[0] for one in asked] == right


def test_an_answer_does_not_wait_for_a_state_that_is_being_written(make: Make) -> None:
    generator = make()
    answer(generator, prompt("pump?", PUMP))
    writer = generator._keeper._writer  # type: ignore[union-attr]
    assert writer is not None
    stream = generator.stream(prompt("valve?", VALVE), SHORT, never)
    next(stream)
    assert not writer._is_idle.is_set()
    list(stream)
    assert not writer._is_idle.is_set()
    generator.rest()
    assert writer._is_idle.is_set()
