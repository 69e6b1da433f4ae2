"""States from the config to the answer: who asks for joined passages gets them and is told; they go with documents."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from ragedge import terminal
from ragedge.answer.gate import Thresholds
from ragedge.answer.process_generator import ProcessGenerator
from ragedge.ask import AskSettings, Pipeline
from ragedge.config import AnswerConfig, Config
from ragedge.contracts import Answer, Passages, Question, RewriteRequest, SummaryRequest
from ragedge.index.store import Index
from ragedge.reading_ahead import IDLE_SECONDS, ReadingAhead, Work, prompt_ahead
from ragedge.search.retriever import Retriever
from ragedge.speaker import make_speaker
from ragedge.state_files import StateFolder
from ragedge.tasks import Tasks
from tests.fakes import HashEmbedder
from tests.test_ask import ANSWERS_ALL, SETTINGS, put
from tests.tiny_gguf import make_tiny_gguf

ASKED = ("How tight are the pump head bolts?", "How tight is the filter cap?")
Make = Callable[..., Pipeline]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Makes a pipeline out of a config; each stands for one start of the program."""
    model, embedder = make_tiny_gguf(tmp_path / "tiny.gguf", "recite"), HashEmbedder()
    wanted = AnswerConfig(model=str(model), threads=1, prompt_tokens=2000)
    made: list[Pipeline] = []
    with Index.open(tmp_path / "index", SETTINGS, mode="write", create=True) as index:
        put(index, embedder, {})

        def build(**changes: object) -> Pipeline:
            config = Config(indexes_folder=str(tmp_path), answer=replace(wanted, **changes))  # type: ignore[arg-type]
            settings = AskSettings(thresholds=ANSWERS_ALL, prompt_tokens=2000, max_answer_tokens=24)
            made.append(Pipeline(index, Retriever(index, embedder), embedder, make_speaker(config), settings))
            return made[-1]

        yield build
        for pipeline in made:
            assert pipeline.generator is not None
            pipeline.generator.close()


def states(pipeline: Pipeline, tmp_path: Path, kind: str, least: int) -> list[tuple[str, ...]]:
    """The documents of the states on disk, once there are as many as expected."""
    folder = StateFolder(tmp_path / ".states", {kind: 2**30})
    assert pipeline.generator is not None
    while len(found := folder.heads(kind)) < least:  # they are written in the pause after an answer
        pipeline.generator.count_tokens("wait")
    return sorted(head.documents for head in found)


def shown(answer: Answer) -> str:
    out = io.StringIO()
    terminal.show_answer(answer, out)
    return out.getvalue()


def test_by_default_passages_are_read_in_place_and_found_again_after_a_restart(make: Make, tmp_path: Path) -> None:
    first = make()
    answers = [first.ask(Question(text)) for text in ASKED]
    assert all(a.stats is not None and a.stats.prompt_eval_joined_count == 0 for a in answers)
    assert "joined" not in shown(answers[0])
    states(first, tmp_path, "prompt", 1)
    assert StateFolder(tmp_path / ".states", {"passage": 2**30}).heads("passage") == []
    again = make().ask(Question(ASKED[0]))
    assert again.text == answers[0].text and again.stats is not None
    assert again.stats.prompt_eval_count - again.stats.prompt_eval_cached_count < 60


def test_who_asks_for_joined_passages_gets_them_and_is_told(make: Make, tmp_path: Path) -> None:
    pipeline = make(passage_states="joined")
    answer = pipeline.ask(Question(ASKED[0]))
    assert answer.stats is not None and answer.stats.prompt_eval_joined_count > 50
    assert "passages joined" in shown(answer)
    assert len(states(pipeline, tmp_path, "passage", 2)) >= 2
    other = make(passage_states="joined").ask(Question(ASKED[1]))  # other order, after a restart
    assert other.stats is not None and other.stats.prompt_eval_joined_count > 50
    assert other.stats.prompt_eval_cached_count >= other.stats.prompt_eval_joined_count


@pytest.mark.parametrize("kind", ["exact", "joined"])
def test_a_deleted_document_leaves_no_state_behind(kind: str, make: Make, tmp_path: Path) -> None:
    pipeline = make(passage_states=kind)
    answer = pipeline.ask(Question(ASKED[0]))
    gone = answer.hits[0].chunk.document_id
    found = states(pipeline, tmp_path, "passage" if kind == "joined" else "prompt", 1)
    assert any(gone in documents for documents in found)
    pipeline.index.forget([answer.hits[0].chunk.document_path])
    left = StateFolder(tmp_path / ".states", {"prompt": 2**30, "passage": 2**30})
    assert all(gone not in head.documents for which in ("prompt", "passage") for head in left.heads(which))
    after = pipeline.ask(Question(ASKED[1]))
    assert all(hit.chunk.document_id != gone for hit in after.hits)
    assert all(gone not in head.documents for which in ("prompt", "passage") for head in left.heads(which))


@pytest.mark.parametrize("kind", ["exact", "joined"])
def test_a_document_deleted_between_search_and_reading_leaves_no_state(kind: str, make: Make, tmp_path: Path) -> None:
    pipeline = make(passage_states=kind)
    events = pipeline.stream(Question(ASKED[0]))
    passages = next(events)
    assert isinstance(passages, Passages)
    gone = passages.retrieval.hits[0].chunk
    pipeline.index.forget([gone.document_path])
    assert isinstance(list(events)[-1], Answer)
    after = pipeline.ask(Question(ASKED[1]))  # whose state is kept, after that of the first
    left = StateFolder(tmp_path / ".states", {"prompt": 2**30, "passage": 2**30})
    assert states(pipeline, tmp_path, "passage" if kind == "joined" else "prompt", 1) and after.stats is not None
    assert all(gone.document_id not in head.documents for which in ("prompt", "passage") for head in left.heads(which))


@pytest.mark.parametrize("kind", ["exact", "joined"])
def test_a_document_deleted_before_its_summary_is_read_leaves_no_state(kind: str, make: Make, tmp_path: Path) -> None:
    pipeline = make(passage_states=kind)
    tasks = Tasks(pipeline.index, pipeline.embedder, pipeline.generator, pipeline.settings)  # type: ignore[arg-type]
    events = tasks.stream(SummaryRequest("pump.pdf"))
    passages = next(events)
    assert isinstance(passages, Passages)
    gone = passages.retrieval.hits[0].chunk
    pipeline.index.forget([gone.document_path])
    answer = list(events)[-1]
    assert isinstance(answer, Answer) and answer.stats is not None and answer.stats.prompt_eval_count > 0
    pipeline.ask(Question(ASKED[1]))  # whose state is kept, after that of the summary
    left = StateFolder(tmp_path / ".states", {"prompt": 2**30, "passage": 2**30})
    assert states(pipeline, tmp_path, "passage" if kind == "joined" else "prompt", 1)
    assert all(gone.document_id not in head.documents for which in ("prompt", "passage") for head in left.heads(which))


def test_a_sentence_in_other_words_is_read_as_of_before_its_sources_were_looked_up(make: Make, tmp_path: Path) -> None:
    pipeline = make()
    generator = pipeline.generator
    assert isinstance(generator, ProcessGenerator)
    before, read = generator.epoch(), []
    stream = generator.stream
    generator.stream = lambda prompt, *more, **named: (read.append(prompt.epoch), stream(prompt, *more, **named))[1]  # type: ignore[method-assign]
    tasks = Tasks(pipeline.index, pipeline.embedder, generator, pipeline.settings)  # type: ignore[arg-type]
    events = tasks.stream(RewriteRequest("The pump head bolts take 12 Nm.", "simpler"))
    assert isinstance(next(events), Passages)
    pipeline.index.forget(["pump.pdf"])
    assert isinstance(list(events)[-1], Answer)
    assert read == [before] and generator.epoch() != before


def test_no_budget_no_folder(make: Make, tmp_path: Path) -> None:
    pipeline = make(prompt_state_bytes=0, prompt_state_disk_bytes=0)
    for text in (*ASKED, *ASKED):
        assert pipeline.ask(Question(text)).stats is not None
    assert pipeline.generator is not None and pipeline.generator.state_bytes() == 0  # type: ignore[attr-defined]
    assert list((tmp_path / ".states").glob("*.state")) == []


def test_what_is_read_ahead_is_what_the_question_then_needs(make: Make, tmp_path: Path) -> None:
    pipeline = make(passage_states="joined")
    generator = pipeline.generator
    assert isinstance(generator, ProcessGenerator)
    generator.count_tokens("load")
    time = [0.0]
    reading = ReadingAhead(
        generator, list, partial(prompt_ahead, pipeline), lambda: pipeline.index.generation, 100, now=lambda: time[0]
    )
    reading.watch(lambda: Work(False, 0), lambda: ASKED)
    for _ in range(2):
        reading.look()
        time[0] += IDLE_SECONDS
    assert reading.figures.state == "done" and reading.figures.read >= 2
    states(pipeline, tmp_path, "passage", reading.figures.read)
    other = make(passage_states="joined").ask(Question(ASKED[1]))
    assert other.stats is not None and other.stats.prompt_eval_joined_count > 50
    assert other.stats.prompt_eval_cached_count >= other.stats.prompt_eval_joined_count
    gone = other.hits[0].chunk.document_id
    pipeline.index.forget([other.hits[0].chunk.document_path])
    for _ in range(3):
        reading.look()
        time[0] += IDLE_SECONDS
    assert reading.figures.state == "done"
    assert all(
        gone not in head.documents for head in StateFolder(tmp_path / ".states", {"passage": 2**30}).heads("passage")
    )


def test_nothing_is_read_ahead_for_what_the_model_would_not_be_asked(make: Make) -> None:
    pipeline = make(passage_states="joined")
    assert prompt_ahead(pipeline, ASKED[0]) is not None
    pipeline.settings = replace(pipeline.settings, thresholds=Thresholds(bias=-100.0))
    assert prompt_ahead(pipeline, ASKED[0]) is None
    pipeline.generator, kept = None, pipeline.generator
    assert prompt_ahead(pipeline, ASKED[0]) is None
    pipeline.generator = kept
