"""Passages that are read apart and joined: what comes out is what was meant, said openly, and never a stranger's."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from ragedge.answer.chat import FORMATS
from ragedge.answer.llama import LlamaGenerator
from ragedge.answer.llama_native import JOINED, TOKEN, NativeModel
from ragedge.answer.process_generator import ProcessGenerator
from ragedge.answer.prompt import without_numbers
from ragedge.answer.prompt_plan import Plan, plan_in_place, plan_joined
from ragedge.answer.state_settings import StateSettings
from ragedge.contracts import ModelStats, Piece, Prompt
from ragedge.state_files import StateFolder
from tests.answer.joinable import BOLTS, MIB, PUMP, SHORT, VALVE, never, prompt
from tests.answer.llama_reference import Reference
from tests.tiny_gguf import make_tiny_gguf

ORDERS = [(PUMP, VALVE, BOLTS), (BOLTS, PUMP, VALVE), (VALVE, BOLTS), (VALVE,)]
Make = Callable[..., LlamaGenerator]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_gguf(tmp_path_factory.mktemp("models") / "random.gguf")


@pytest.fixture
def make(path: Path, tmp_path: Path) -> Iterator[Make]:
    """Makes generators with states; each stands for one start of the program."""
    made: list[LlamaGenerator] = []

    def build(
        *, joins: bool = True, reread: int = 0, prompt_bytes: int = 0, model: Path = path, disk_bytes: int = 64 * MIB
    ) -> LlamaGenerator:
        states = StateSettings(tmp_path / "states", prompt_bytes, 64 * MIB, disk_bytes, joins, reread)
        made.append(LlamaGenerator(model, context_tokens=2048, threads=1, states=states))
        return made[-1]

    yield build
    for generator in made:
        generator.close()


def answer(generator: LlamaGenerator, asked: Prompt) -> tuple[list[str], ModelStats]:
    """The tokens of an answer, and its figures; afterwards all states are written."""
    *pieces, stats = generator.stream(asked, SHORT, never)
    generator.rest()
    assert isinstance(stats, ModelStats)
    writer = generator._keeper._writer  # type: ignore[union-attr]
    if writer is not None and writer._thread is not None:
        writer.flush()
        writer._thread = None
    return [piece.text for piece in pieces if isinstance(piece, Piece)], stats


class Kept:
    """A passage whose state is kept in a dictionary, or computed anew each time without one."""

    def __init__(self, plan: Plan, number: int, states: dict[tuple[int, ...], memoryview] | None) -> None:
        self.tokens: Sequence[int] = plan.passages[number].tokens
        self.skipped = plan.passages[number].skipped
        self._states = states

    def state(self) -> memoryview | None:
        return None if self._states is None else self._states.get(tuple(self.tokens))

    def keep(self, state: memoryview) -> None:
        if self._states is not None:
            self._states[tuple(self.tokens)] = state


def logits(
    model: NativeModel, plan: Plan, states: dict[tuple[int, ...], memoryview] | None = None
) -> NDArray[np.float32]:
    """What comes out at the end of a prompt in a context that knows nothing."""
    model.start()
    model.forget()
    model.keep(plan.tokens, plan.ends)
    apart = [Kept(plan, number, states) for number in range(len(plan.passages))]
    assert model.read(plan.tokens, plan.ends, plan.head, apart) == len(plan.tokens)
    assert model._logits is not None
    return model._logits


def expected(reference: Reference, plan: Plan) -> NDArray[np.float64]:
    """The same by the reference: who sees whom, and where each token was read, written down from the plan."""
    tokens = [token & TOKEN for token in plan.tokens]
    sees = np.tril(np.ones((len(tokens), len(tokens)), bool))
    read_at = list(range(len(tokens)))
    at, number = plan.head, 0
    while at < len(tokens):
        if plan.tokens[at] & JOINED:
            passage, (first, last) = plan.passages[number].tokens, plan.passages[number].skipped
            number += 1
            assert first == 0  # else the tokens that it saw are not those in the prompt
            for i in range(at, at + len(passage) - last):
                sees[i, plan.head : at] = False
                read_at[i] = plan.head + i - at
            at += len(passage) - last
        else:
            at += 1
    assert number == len(plan.passages)
    return reference.logits(tokens, sees, read_at, range(len(tokens)))


def cosine(left: NDArray[np.float32], right: NDArray[np.float64]) -> float:
    return float(left @ right / np.linalg.norm(left) / np.linalg.norm(right))


# ------------------------------------------------------------------------------------------------- what comes out


def test_the_reference_agrees_with_the_exact_path(path: Path) -> None:
    model, reference = NativeModel(path, 2048, 1), Reference(path)
    for passages in ORDERS:
        plan = plan_in_place(model, FORMATS["chatml"], prompt("pump?", *passages), 0)
        ours, right = logits(model, plan), expected(reference, plan)
        assert cosine(ours, right) > 0.999 and ours.argmax() == right.argmax()
    model.close()


@pytest.mark.parametrize("last", [0, 1, 16, 60, 5000])
def test_joined_passages_give_what_the_block_mask_gives_directly(path: Path, last: int) -> None:
    model, reference = NativeModel(path, 2048, 1), Reference(path)
    states: dict[tuple[int, ...], memoryview] = {}
    for passages in ORDERS:
        plan = plan_joined(model, FORMATS["chatml"], prompt("pump?", *passages), 0, (0, last))
        right = expected(reference, plan)
        for ours in (logits(model, plan, states), logits(model, plan, states), logits(model, plan)):
            assert cosine(ours, right) > 0.998 and ours.argmax() == right.argmax()
        in_place = reference.logits(
            [token & TOKEN for token in plan.tokens],
            np.tril(np.ones((len(plan.tokens),) * 2, bool)),
            *(range(len(plan.tokens)),) * 2,
        )
        if len(passages) > 1 and last < 20:
            assert cosine(ours, in_place) < 0.99  # joining is not the exact path, and this would show it
    assert len(states) == (0 if last == 5000 else 3)
    model.close()


def test_all_tokens_read_in_place_is_the_exact_path_of_the_same_tokens(path: Path) -> None:
    model = NativeModel(path, 2048, 1)
    for reread in ((0, 5000), (5000, 0)):
        plan = plan_joined(model, FORMATS["chatml"], prompt("pump?", PUMP, VALVE), 0, reread)
        assert plan.joined_tokens == 0 and plan.passages == ()
        exact = Plan(plan.tokens, plan.ends)
        assert logits(model, plan).tobytes() == logits(model, exact).tobytes()
    model.close()


def test_the_first_tokens_can_be_read_in_place_as_well(path: Path) -> None:
    model, reference = NativeModel(path, 2048, 1), Reference(path)
    plan = plan_joined(model, FORMATS["chatml"], prompt("pump?", VALVE, PUMP), 0, (20, 0))
    right = reference.logits(
        [token & TOKEN for token in plan.tokens],
        np.tril(np.ones((len(plan.tokens),) * 2, bool)),
        *(range(len(plan.tokens)),) * 2,
    )
    plans = [plan_joined(model, FORMATS["chatml"], prompt("pump?", VALVE, PUMP), 0, (n, 0)) for n in (0, 20, 60, 150)]
    near = [cosine(logits(model, one), right) for one in plans]
    assert near[-1] > near[0]
    assert [one.joined_tokens for one in plans] == sorted((one.joined_tokens for one in plans), reverse=True)
    model.close()


def test_a_state_from_disk_gives_the_same_as_one_just_computed_bit_by_bit(path: Path) -> None:
    model = NativeModel(path, 2048, 1)
    states: dict[tuple[int, ...], memoryview] = {}
    for passages in ORDERS:
        plan = plan_joined(model, FORMATS["chatml"], prompt("valve?", *passages), 0)
        first = logits(model, plan, states).tobytes()
        assert logits(model, plan, states).tobytes() == first
    model.close()


# ------------------------------------------------------------------------------------------------- finding states


def test_known_passages_are_not_read_again_for_a_new_question_or_in_another_order(make: Make) -> None:
    generator = make()
    first = answer(generator, prompt("pump?", PUMP, VALVE, BOLTS))[1]
    assert first.prompt_eval_cached_count == 0 and first.prompt_eval_joined_count > 150
    for passages in ((BOLTS, VALVE, PUMP), (VALVE, PUMP)):
        stats = answer(generator, prompt("How is it primed?", *passages))[1]
        assert stats.prompt_eval_count - stats.prompt_eval_cached_count < 60
        assert 0 < stats.prompt_eval_joined_count <= stats.prompt_eval_cached_count
    again = make()  # after a restart
    stats = answer(again, prompt("Which valve?", BOLTS, VALVE, PUMP))[1]
    assert stats.prompt_eval_count - stats.prompt_eval_cached_count < 60


def test_what_is_taken_up_again_says_the_same_as_when_it_was_computed(make: Make) -> None:
    asked = [prompt("pump?", PUMP, VALVE), prompt("pump?", VALVE, PUMP), prompt("bolts?", VALVE, PUMP, BOLTS)]
    right = [answer(make(disk_bytes=0), one)[0] for one in asked]
    assert len({"".join(text) for text in right}) == 3
    generator = make(prompt_bytes=64 * MIB)
    for number in (0, 1, 2, 0, 2, 1, 1):
        assert answer(generator, asked[number])[0] == right[number]
    again = make()
    for number in (2, 0, 1):
        assert answer(again, asked[number])[0] == right[number]


def test_exact_and_joined_states_are_never_mixed(make: Make) -> None:
    asked = prompt("pump?", PUMP, VALVE)
    right = answer(make(joins=False), asked)[0]
    answer(make(), asked)
    answer(make(reread=8), asked)
    exact = make(joins=False)
    text, stats = answer(exact, asked)
    assert text == right and stats.prompt_eval_joined_count == 0


def test_joined_states_go_with_their_document(make: Make, tmp_path: Path) -> None:
    generator = make(prompt_bytes=64 * MIB)
    answer(generator, prompt("pump?", PUMP, VALVE))
    folder = StateFolder(tmp_path / "states", {"passage": 64 * MIB})
    assert sorted(head.documents for head in folder.heads("passage")) == [("pump",), ("valve",)]
    assert folder.forget({"pump"}.__contains__) == 1
    assert [head.documents for head in folder.heads("passage")] == [("valve",)]
    stats = answer(generator, prompt("pump?", PUMP, VALVE))[1]
    assert 0 < stats.prompt_eval_cached_count < stats.prompt_eval_count / 1.5  # of the other one only


def test_a_damaged_state_of_a_passage_is_computed_anew(make: Make, tmp_path: Path) -> None:
    asked = prompt("pump?", PUMP, VALVE)
    right = answer(make(), asked)[0]
    for file in (tmp_path / "states").glob("passage-*"):
        data = bytearray(file.read_bytes())
        data[len(data) // 2] ^= 16
        file.write_bytes(data)
    text, stats = answer(make(), asked)
    assert text == right and stats.prompt_eval_count - stats.prompt_eval_cached_count > 150
    stats = answer(make(), asked)[1]
    assert stats.prompt_eval_count - stats.prompt_eval_cached_count < 60


def test_cancelled_while_passages_are_joined_the_next_answer_is_right(make: Make) -> None:
    asked = prompt("pump?", PUMP, VALVE, BOLTS)
    right = answer(make(disk_bytes=0), asked)[0]
    generator = make(disk_bytes=0)
    native, keeper = generator._loaded()
    plan = generator._plan(native, asked, 0)
    for passages in (0, 1, 2):
        native.start()
        keeper.keep(plan)
        apart = [Kept(plan, number, None) for number in range(3)]

        def stops(state: memoryview) -> None:
            native.stop()

        apart[passages].keep = stops  # type: ignore[method-assign]
        assert native.read(plan.tokens, plan.ends, plan.head, apart) < len(plan.tokens)
    assert answer(generator, asked)[0] == right


# ------------------------------------------------------------------------------------------------- who may


def test_it_is_exact_unless_somebody_asks_for_joined(path: Path) -> None:
    made = LlamaGenerator(path, context_tokens=2048, threads=1)
    stats = answer(made, prompt("pump?", PUMP, VALVE))[1]
    assert stats.prompt_eval_joined_count == 0 and made.note == ""
    made.close()


@pytest.mark.parametrize(("architecture", "reason"), [("cohere2", "sliding windows"), ("qwen2vl", "cannot be moved")])
def test_models_that_do_not_bear_it_read_in_place_and_that_is_said_once(
    architecture: str, reason: str, make: Make, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    model = make_tiny_gguf(tmp_path / f"{architecture}.gguf", architecture=architecture)  # type: ignore[arg-type]
    asked = prompt("pump?", PUMP, VALVE)
    right, exact = answer(make(joins=False, model=model), asked)
    text, stats = answer(made := make(model=model), asked)
    assert text == right and stats.prompt_eval_joined_count == exact.prompt_eval_joined_count == 0
    assert reason in made.note and architecture in made.note
    states = StateSettings(tmp_path / "more", 0, 0, 64 * MIB, joins_passages=True)
    process = ProcessGenerator(model, context_tokens=2048, threads=1, states=states)
    with caplog.at_level(logging.WARNING, "ragedge.answer"):
        for _ in range(2):
            *pieces, _ = process.stream(asked, SHORT, never)
            assert [piece.text for piece in pieces if isinstance(piece, Piece)] == right
    process.close()
    assert len(caplog.records) == 1 and reason in caplog.text


def test_joined_passages_bear_no_number_and_keep_all_else() -> None:
    asked = prompt("pump [1]?", PUMP, VALVE)
    plain = without_numbers(asked)
    assert plain.user == asked.user.replace("[1] Pump", "Source: Pump").replace("[2] Valve", "Source: Valve")
    first, second = (part.chars for part in plain.passages)
    assert plain.user[:first] == "Source:" + PUMP[3:] and plain.user[first : first + second] == "Source:" + VALVE[3:]
    assert without_numbers(prompt("nothing")) == prompt("nothing")
