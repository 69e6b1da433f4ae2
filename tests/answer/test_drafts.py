"""Guesses come from passages alone, only where they pay, and the answer is the same with them as without."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from ragedge.answer.batches import SPAN, measured
from ragedge.answer.drafts import AcceptRates, Drafter, Ledger, passage_tokens
from ragedge.answer.llama import LlamaGenerator
from ragedge.answer.llama_native import NativeModel, batch_ends
from ragedge.answer.llama_sampling import sampling_chain
from ragedge.answer.llama_writer import Trust, Writer
from ragedge.answer.tuning import DEFAULT_COSTS, GROUPS, Tuning
from ragedge.contracts import ModelStats, Piece, Prompt, Sampling
from ragedge.engine_bench.binding import quantize
from tests.tiny_gguf import RECITED, make_tiny_gguf

CHEAP = ((4, 1.0), (16, 1.0))  # a box on which a draft costs nothing
DEAR = ((4, 4.0), (16, 16.0))  # and one on which it is of no use
PASSAGE = tuple(range(100, 160))
MEASURED = ((4, 3.4), (8, 5.9), (12, 8.4), (16, 8.9))  # 0.5B in Q4_0 on one x86 core
KNOWN = Tuning(verify_costs=CHEAP, verify_difference=1e-6, choices=(0, 10_000))


def drafter(passages: tuple[int, ...] = PASSAGE, costs: tuple[tuple[int, float], ...] = CHEAP) -> Drafter:
    return Drafter(passages, AcceptRates(), costs)


def test_nothing_is_guessed_before_three_tokens_of_a_passage_were_said() -> None:
    made = drafter()
    drafts = []
    for token in PASSAGE[:3]:
        drafts.append(made.draft(50))
        made.follow(token)
    assert drafts == [(), (), ()] and made.draft(50) == PASSAGE[3:18]


@pytest.mark.parametrize(("room", "size"), [(2, 0), (3, 3), (6, 3), (7, 7), (14, 11), (15, 15), (500, 15)])
def test_a_draft_is_as_long_as_llama_cpps_kernels_like_and_never_longer_than_the_room(room: int, size: int) -> None:
    made = drafter()
    for token in PASSAGE[:8]:
        made.follow(token)
    assert made.draft(room) == PASSAGE[8 : 8 + size]


def test_nothing_is_guessed_beyond_the_end_of_the_passages() -> None:
    made = drafter(PASSAGE[:14])
    for token in PASSAGE[:8]:
        made.follow(token)
    assert made.draft(50) == PASSAGE[8:11]
    for token in PASSAGE[8:14]:
        made.follow(token)
    assert made.draft(50) == ()


def test_of_several_places_the_one_with_the_longest_match_is_believed() -> None:
    passages = (7, 1, 2, 3, 50, 51, 52, 53, 8, 9, 1, 2, 3, 60, 61, 62, 63)
    made = drafter(passages)
    for token in (8, 9, 1, 2, 3):
        made.follow(token)
    assert made.draft(3) == (60, 61, 62)


def test_where_verifying_costs_as_much_as_writing_nothing_is_guessed() -> None:
    made = drafter(costs=DEAR)
    for token in PASSAGE[:30]:
        made.follow(token)
        assert made.draft(50) == ()


def test_guesses_that_keep_being_wrong_are_no_longer_made_and_come_back_when_they_are_right() -> None:
    rates, draw = AcceptRates(), random.Random(1)
    passages = tuple(draw.randrange(20) for _ in range(400))
    free = Drafter(passages, rates, DEFAULT_COSTS)
    made = 0
    for number in range(600):
        made += number > 300 and bool(free.draft(50))
        free.follow(draw.randrange(20))
    assert made == 0
    copied = Drafter(PASSAGE * 20, rates, DEFAULT_COSTS)
    for token in PASSAGE[:45]:
        copied.follow(token)
    assert copied.draft(50)


def speed(answers: list[tuple[int, ...]], passages: tuple[int, ...], costs: tuple[tuple[int, float], ...]) -> float:
    """Tokens of all answers, to the time they take with drafts: one after the other, as one process writes them."""
    rates, ledger, price = AcceptRates(), Ledger(), dict(costs)
    written, time = 0, 0.0
    for answer in answers:
        made, at = Drafter(passages, rates, costs, ledger), 0
        while at < len(answer):
            draft = made.draft(len(answer) - at - 1)
            right = 0
            while right < len(draft) and draft[right] == answer[at + right]:
                right += 1
            time += price[len(draft) + 1] if draft else 1.0
            if draft:
                made.settle(len(draft) + 1, right + 1)
            for token in answer[at : at + right + 1]:
                made.follow(token)
            at += right + 1
        written += len(answer)
    return written / time


def pieces(size: int, of: int) -> tuple[int, ...]:
    """What an answer says in pieces of `size` tokens, each followed by others than the answer's."""
    return tuple(
        token for at in range(0, of, size) for token in (*range(at, at + size), 5000 + at, 6000 + at, 7000 + at)
    )


@pytest.mark.parametrize("costs", [MEASURED, ((4, 2.0), (8, 3.1), (12, 3.9), (16, 4.7))])
@pytest.mark.parametrize("size", range(3, 40))
def test_passages_that_mislead_cost_at_most_a_draft_and_two_percent(
    size: int, costs: tuple[tuple[int, float], ...]
) -> None:
    short = [tuple(range(96))] * 10
    assert speed(short, pieces(size, 96), costs) >= 0.97
    assert speed(short[:1], pieces(size, 96), costs) >= 96 / (96 * 1.02 + max(price for _, price in costs))


def test_a_first_short_answer_already_gains_where_it_is_copied() -> None:
    copied, half = tuple(range(96)), tuple(range(48))
    assert speed([copied], copied, MEASURED) >= 1.4
    assert speed([copied], half + pieces(5, 96)[80:], MEASURED) >= 1.0


def test_after_a_loss_drafts_come_back_when_they_would_have_paid() -> None:
    ledger = Ledger()
    ledger.settle(-7.9)
    made = Drafter(PASSAGE * 8, AcceptRates(), MEASURED, ledger)
    drafts = 0
    for token in PASSAGE * 8:
        drafts += bool(made.draft(50)) and ledger.is_open
        made.follow(token)
    assert not Drafter(PASSAGE, AcceptRates(), MEASURED, Ledger()).draft(50) and drafts > 300


def test_only_what_stands_before_the_question_is_copied_from() -> None:
    turn = [(1, b""), (2, b"pump "), (3, b"Question: "), (4, b"valve\n"), (5, b"Quest"), (6, b"ion: "), (7, b"pump?")]
    assert passage_tokens(turn) == [2, 3, 4]
    assert passage_tokens(turn[:2]) == [2]


# ------------------------------------------------------------------------------------------------- with a model


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("drafts")
    full = make_tiny_gguf(folder / "random.gguf")
    quantize(full, folder / "q4.gguf", "Q4_0")
    wide = make_tiny_gguf(folder / "wide.gguf", width=256)
    quantize(wide, folder / "q4k.gguf", "Q4_K_M")
    return {"f32": full, "Q4_0": folder / "q4.gguf", "Q4_K_M": folder / "q4k.gguf"}


@pytest.fixture(params=["f32", "Q4_0", "Q4_K_M"])
def engine(request: pytest.FixtureRequest, models: dict[str, Path]) -> Iterator[NativeModel]:
    made = NativeModel(models[request.param], 1024, 1)
    yield made
    made.close()


def written(
    engine: NativeModel, prompt: list[int], made: Drafter | None, trust: Trust | None = None
) -> tuple[list[int], int]:
    """80 tokens after `prompt`, and how many guesses were right."""
    engine.start()
    engine.keep([], [])
    engine.read(prompt, batch_ends(len(prompt), ()))
    tokens: list[int] = []
    with sampling_chain(Sampling()) as sampler:
        writer = Writer(engine, sampler, made, trust)
        while len(tokens) < 80 and (found := writer.step(80 - len(tokens))):
            tokens += found
    return tokens, writer.accepted


@pytest.mark.parametrize("difference", [None, 0.45], ids=["as measured", "hardly ever clear"])
def test_the_tokens_are_the_same_with_drafts_right_or_wrong(engine: NativeModel, difference: float | None) -> None:
    draw = random.Random(2)
    written(engine, engine.tokenize("pump valve"), None)
    found_out = measured(engine, [draw.randrange(300) for _ in range(4 * SPAN)])
    assert found_out is not None and [size for size, _ in found_out.costs] == list(GROUPS)
    kept = Trust(found_out.difference if difference is None else difference, (0, 10**6))
    right_guesses = 0
    for seed in range(12):
        prompt = engine.tokenize(f"pump {seed} valve " * (3 + seed))
        plain, _ = written(engine, prompt, None)
        passage = [token if draw.random() > seed / 40 else draw.randrange(300) for token in plain]
        found, accepted = written(engine, prompt, drafter(tuple(passage)), kept)
        right_guesses += accepted
        assert found == plain, f"seed {seed}"
    assert right_guesses > 5  # few where nearly every draft is decoded anew: that is charged


def test_a_measurement_leaves_no_trace_and_ends_at_a_stop(engine: NativeModel) -> None:
    prompt = engine.tokenize("pump valve " * 20)
    plain, _ = written(engine, prompt, None)
    ids = list(range(SPAN))
    written(engine, prompt, None)
    assert measured(engine, ids) is not None
    engine.stop()
    assert measured(engine, ids) is None
    engine.start()
    assert engine.keep(prompt, batch_ends(len(prompt), ())) == len(prompt)
    assert written(engine, prompt, None)[0] == plain
    assert measured(engine, ids[:-1]) is None  # too few to say anything


def test_a_model_whose_choices_are_often_close_is_not_drafted_for() -> None:
    assert not Trust().is_worth_it(100)
    assert Trust(0.0).is_worth_it(100) and Trust(0.0).guard == 0
    assert Trust(1e-6).guard == pytest.approx(0.1) and Trust(0.2).guard == pytest.approx(0.4)
    assert not Trust(0.5, (0, 10_000)).is_worth_it(100)
    close = Trust(0.1)
    assert not close.is_worth_it(100)  # nothing is known
    for _ in range(200):
        close.look(is_clear=True)
    assert close.is_worth_it(100)
    close.look(is_clear=False)
    assert not close.is_worth_it(100) and close.is_worth_it(12)


def ask(generator: LlamaGenerator, user: str, sampling: Sampling) -> tuple[str, ModelStats]:
    *pieces, stats = generator.stream(Prompt("Answer.", user, (), 0), sampling, lambda: False)
    assert isinstance(stats, ModelStats)
    return "".join(piece.text for piece in pieces if isinstance(piece, Piece)), stats


def test_a_copied_answer_is_guessed_counted_and_cut_where_it_was_to_be_cut(tmp_path: Path) -> None:
    path = make_tiny_gguf(tmp_path / "recite.gguf", "recite")
    # what the model recites is short: it must pay at once, see `KNOWN`
    user = f"{RECITED}\nQuestion: pump?"
    texts = {}
    for is_drafting in (False, True):
        made = LlamaGenerator(path, context_tokens=1024, threads=1, is_drafting=is_drafting, tuning=KNOWN)
        for _ in range(2):
            texts[is_drafting] = [ask(made, user, Sampling(limit)) for limit in (1, 5, 12, 13, 20, 200)]
        made.close()
    for (plain, without), (text, stats) in zip(texts[False], texts[True], strict=True):
        assert text == plain and stats.eval_count == without.eval_count
    assert without.draft_count == 0 and without.draft_accepted_count == 0
    assert stats.draft_count >= stats.draft_accepted_count > 0


def test_after_guesses_the_next_answer_is_as_from_a_fresh_context(models: dict[str, Path]) -> None:
    used = LlamaGenerator(models["f32"], context_tokens=1024, threads=1, is_drafting=True, tuning=KNOWN)
    fresh = LlamaGenerator(models["f32"], context_tokens=1024, threads=1)
    first = ask(used, "pump valve " * 30, Sampling(60))[0]
    ask(used, f"{first}\nQuestion: pump", Sampling(60))
    assert ask(used, "bolts", Sampling(60))[0] == ask(fresh, "bolts", Sampling(60))[0]
    used.close()
    fresh.close()


def test_a_drawn_answer_is_never_guessed(tmp_path: Path) -> None:
    path = make_tiny_gguf(tmp_path / "recite.gguf", "recite")
    made = LlamaGenerator(path, context_tokens=1024, threads=1, is_drafting=True, tuning=KNOWN)
    stats = ask(made, f"{RECITED}\nQuestion: pump?", Sampling(100, temperature=0.7, seed=3))[1]
    made.close()
    assert stats.draft_count == 0


def test_where_nothing_was_measured_the_first_pause_does_and_a_job_that_comes_ends_it(tmp_path: Path) -> None:
    path = make_tiny_gguf(tmp_path / "random.gguf")
    made = LlamaGenerator(path, context_tokens=1024, threads=1, is_drafting=True)
    plain = LlamaGenerator(path, context_tokens=1024, threads=1)
    first, stats = ask(made, "pump valve " * 30, Sampling(60))
    assert stats.draft_count == 0 and made.is_measuring
    made.stop()  # as the process does when a job comes
    made.rest()
    assert not made.is_measuring
    user = f"{first}\nQuestion: pump"
    assert ask(made, user, Sampling(60))[0] == ask(plain, user, Sampling(60))[0]
    assert made.is_measuring  # still unknown
    made.rest()
    assert ask(made, user, Sampling(60))[0] == ask(plain, user, Sampling(60))[0]
    assert not made.is_measuring  # known now
    plain.rest()
    assert not plain.is_measuring
    made.close()
    plain.close()
