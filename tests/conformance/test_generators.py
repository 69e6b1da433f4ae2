"""What every generator keeps to: llama.cpp on a model made here, in this process and its own; a server; the fake."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ragedge.answer.llama import LlamaGenerator
from ragedge.answer.process_generator import ProcessGenerator
from ragedge.answer.remote import RemoteGenerator
from ragedge.contracts import Chunk, Generator, ModelStats, PageSpan, Piece, Prompt, Sampling, Source
from ragedge.errors import Busy, ModelError, PromptTooLong
from tests.fake_openai import FakeOpenAI, openai_server
from tests.fakes_generator import FakeGenerator
from tests.tiny_gguf import make_tiny_gguf

Make = Callable[..., Generator]
Part = Piece | ModelStats


@pytest.fixture(scope="session")
def tiny_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tiny_gguf(tmp_path_factory.mktemp("model") / "tiny.gguf")


@pytest.fixture(scope="session")
def server() -> Iterator[FakeOpenAI]:
    with openai_server() as running:
        yield running


@pytest.fixture(params=["llama", "process", "remote", "fake"])
def make(request: pytest.FixtureRequest, tiny_path: Path, server: FakeOpenAI) -> Iterator[Make]:
    made: list[Generator] = []

    def build(*, queue_limit: int = 8, context_tokens: int = 1024) -> Generator:
        generator: Generator
        if request.param == "llama":
            generator = LlamaGenerator(tiny_path, context_tokens=context_tokens, threads=1, queue_limit=queue_limit)
        elif request.param == "process":
            generator = ProcessGenerator(tiny_path, context_tokens=context_tokens, threads=1, queue_limit=queue_limit)
        elif request.param == "remote":
            generator = RemoteGenerator(server.url, "m", context_tokens=context_tokens, queue_limit=queue_limit)
        else:
            generator = FakeGenerator(context_tokens=context_tokens, queue_limit=queue_limit)
        made.append(generator)
        return generator

    yield build
    for generator in made:
        generator.close()


def prompt_about(subject: str, words: int = 12) -> Prompt:
    text = f"The {subject} is primed by " + " ".join(f"step-{subject}-{i}" for i in range(words)) + "."
    span = PageSpan(1, 0, len(text))
    source = Source(Chunk("d-00000", "d", "a.txt", 0, text, (span,), (), 20), "Manual")
    return Prompt("Answer from the sources.", f"[1] Manual\n{text}\n\nQuestion: What about {subject}?", (source,), 40)


def never() -> bool:
    return False


def said(parts: list[Part]) -> str:
    return "".join(part.text for part in parts if isinstance(part, Piece))


def stats_of(parts: list[Part]) -> ModelStats:
    assert isinstance(parts[-1], ModelStats)
    return parts[-1]


def test_it_is_a_generator_with_a_name_and_a_context(make: Make) -> None:
    generator = make()
    assert isinstance(generator, Generator)
    assert generator.name and generator.context_tokens == 1024
    assert generator.count_tokens("The pump is dry") > generator.count_tokens("pump") > 0
    assert generator.count_tokens("") == 0


def test_a_stream_is_pieces_of_text_and_then_the_figures(make: Make) -> None:
    parts = list(make().stream(prompt_about("pump"), Sampling(max_tokens=10), never))
    assert all(isinstance(part, Piece) and part.text for part in parts[:-1]) and len(parts) > 2
    stats = stats_of(parts)
    assert 0 < stats.eval_count <= 10 and stats.prompt_eval_count > 0 and stats.total_duration > 0


def test_the_same_question_gets_the_same_answer(make: Make) -> None:
    generator = make()
    for sampling in (Sampling(max_tokens=16), Sampling(max_tokens=16, temperature=0.8, seed=5)):
        answers = {said(list(generator.stream(prompt_about("pump"), sampling, never))) for _ in range(3)}
        assert len(answers) == 1


def test_an_answer_is_never_longer_than_asked_for(make: Make) -> None:
    generator = make()
    for limit in (1, 2, 7):
        stats = stats_of(list(generator.stream(prompt_about("pump"), Sampling(max_tokens=limit), never)))
        assert stats.eval_count == limit


def test_prompt_and_answer_together_never_exceed_the_context(make: Make) -> None:
    generator = make(context_tokens=300)
    prompt = prompt_about("ab", words=2)
    filler = " a"
    while generator.count_tokens(prompt.system) + generator.count_tokens(prompt.user) < 250:
        prompt = Prompt(prompt.system, prompt.user + filler, prompt.sources, 0)
    stats = stats_of(list(generator.stream(prompt, Sampling(max_tokens=100_000), never)))
    assert stats.prompt_eval_count >= 250
    assert 0 < stats.prompt_eval_count + stats.eval_count <= 300


def test_a_prompt_beyond_the_context_is_refused_before_any_text(make: Make) -> None:
    generator = make(context_tokens=300)
    with pytest.raises(PromptTooLong):
        next(iter(generator.stream(prompt_about("pump", words=2000), Sampling(), never)))
    assert said(list(generator.stream(prompt_about("pump", words=3), Sampling(max_tokens=4), never)))


def test_cancelled_before_the_start_nothing_is_said(make: Make) -> None:
    parts = list(make().stream(prompt_about("pump"), Sampling(), lambda: True))
    assert said(parts) == "" and stats_of(parts).eval_count == 0


def test_cancel_ends_the_stream_within_a_token_and_the_next_answer_is_right(make: Make) -> None:
    generator = make()
    sampling = Sampling(max_tokens=12)
    right = said(list(generator.stream(prompt_about("valve"), sampling, never)))
    is_cancelled = threading.Event()
    stream = generator.stream(prompt_about("pump"), sampling, is_cancelled.is_set)
    assert isinstance(next(stream), Piece)
    is_cancelled.set()
    rest = list(stream)
    assert stats_of(rest).eval_count < 12 and len(rest) <= 2
    assert said(list(generator.stream(prompt_about("valve"), sampling, never))) == right


def test_closing_a_stream_frees_the_model_at_once(make: Make) -> None:
    generator = make(queue_limit=0)
    stream = generator.stream(prompt_about("pump"), Sampling(max_tokens=12), never)
    next(stream)
    with pytest.raises(Busy) as caught:
        next(generator.stream(prompt_about("valve"), Sampling(max_tokens=12), never))
    assert caught.value.retry_after_s >= 1
    stream.close()  # type: ignore[attr-defined]
    assert said(list(generator.stream(prompt_about("valve"), Sampling(max_tokens=12), never)))


def test_a_stream_that_is_never_started_takes_no_place(make: Make) -> None:
    generator = make(queue_limit=0)
    unused = [generator.stream(prompt_about("pump"), Sampling(max_tokens=3), never) for _ in range(5)]
    assert said(list(generator.stream(prompt_about("valve"), Sampling(max_tokens=3), never)))
    assert said(list(unused[0]))


def test_eight_threads_at_once_get_their_own_answers(make: Make) -> None:
    generator = make(queue_limit=8)
    sampling = Sampling(max_tokens=10)
    subjects = [f"part{i}" for i in range(8)]
    right = {subject: said(list(generator.stream(prompt_about(subject), sampling, never))) for subject in subjects}
    assert len(set(right.values())) == 8
    found: dict[str, list[str]] = {subject: [] for subject in subjects}

    def ask(subject: str) -> None:
        for _ in range(3):
            found[subject].append(said(list(generator.stream(prompt_about(subject), sampling, never))))

    threads = [threading.Thread(target=ask, args=(subject,)) for subject in subjects]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert found == {subject: [right[subject]] * 3 for subject in subjects}


def test_beyond_the_queue_callers_are_told_at_once_and_waiters_are_served(make: Make) -> None:
    generator = make(queue_limit=2)
    sampling = Sampling(max_tokens=6)
    right = said(list(generator.stream(prompt_about("pump"), sampling, never)))
    holding = generator.stream(prompt_about("valve"), sampling, never)
    next(holding)
    answers: list[str] = []
    refused = threading.Semaphore(0)

    def ask() -> None:
        try:
            answers.append(said(list(generator.stream(prompt_about("pump"), sampling, never))))
        except Busy:
            refused.release()

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    assert all(refused.acquire(timeout=30) for _ in range(6))
    list(holding)
    for thread in threads:
        thread.join(60)
    assert answers == [right, right]


def test_a_waiter_that_gives_up_leaves_the_queue(make: Make) -> None:
    generator = make(queue_limit=1)
    holding = generator.stream(prompt_about("valve"), Sampling(max_tokens=6), never)
    next(holding)
    looks = iter([False, False, True, True, True])
    parts = list(generator.stream(prompt_about("pump"), Sampling(), lambda: next(looks, True)))
    assert said(parts) == "" and len(parts) == 1
    list(holding)
    assert said(list(generator.stream(prompt_about("pump"), Sampling(max_tokens=3), never)))


def test_after_close_jobs_are_refused_and_close_may_be_repeated(make: Make) -> None:
    generator = make()
    list(generator.stream(prompt_about("pump"), Sampling(max_tokens=2), never))
    generator.close()
    generator.close()
    with pytest.raises(ModelError):
        next(iter(generator.stream(prompt_about("pump"), Sampling(max_tokens=2), never)))
