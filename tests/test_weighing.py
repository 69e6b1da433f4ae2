"""The evidence model in the read path: what is shown, the short answer in it, and the model's say in the gate."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ragedge.answer.signals import READER_ID
from ragedge.ask import AskSettings, Pipeline
from ragedge.contracts import EvidenceReader, Passages, Prompt, Question
from ragedge.index.store import Index
from ragedge.search.retriever import Retriever
from tests.answer.test_readings import WordReader
from tests.fakes import HashEmbedder
from tests.fakes_generator import FakeGenerator
from tests.test_ask import ANSWERS_ALL, QUESTION, SETTINGS, put


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., Pipeline]]:
    embedder = HashEmbedder()
    with Index.open(tmp_path / "index", SETTINGS, mode="write", create=True) as index:
        put(index, embedder, {})

        def build(reader: EvidenceReader | None, generator: FakeGenerator | None = None) -> Pipeline:
            settings = AskSettings(thresholds=ANSWERS_ALL)
            retriever = Retriever(index, embedder)
            return Pipeline(index, retriever, embedder, generator, settings, evidence_reader=reader)

        yield build


def test_what_the_model_finds_is_the_answer_where_words_say_little(make: Callable[..., Pipeline]) -> None:
    question = Question("How should I prepare for the cold?")
    drained, by_hand = (make(WordReader(word)).ask(question) for word in ("drained", "by hand"))
    assert drained.text.startswith("Before winter the whole unit is drained") and drained.short == "drained"
    assert by_hand.text.startswith("The filter cap is tightened by hand") and by_hand.short == "by hand"
    assert make(None).ask(question).short == ""


def test_the_short_answer_is_an_exact_part_of_the_page(make: Callable[..., Pipeline]) -> None:
    pipeline = make(WordReader("12 Nm"))
    answer = pipeline.ask(QUESTION)
    best = answer.evidence[0]
    assert best.answer is not None and answer.short == "12 Nm"
    page = pipeline.index.page(answer.hits[best.hit_index].chunk.document_id, best.answer.page)
    assert page.text[best.answer.start : best.answer.end] == "12 Nm"


def test_passages_do_not_wait_for_the_model(make: Callable[..., Pipeline]) -> None:
    reader = WordReader("12 Nm")
    events = make(reader).stream(QUESTION)
    assert isinstance(next(events), Passages)
    assert reader.shown == []
    list(events)
    assert reader.shown


def test_the_gate_gets_the_models_figures_and_knows_which_model(make: Callable[..., Pipeline]) -> None:
    pipeline = make(WordReader("12 Nm"))
    retrieval, _ = pipeline.retriever.retrieve(QUESTION)
    found = pipeline.weigh(retrieval)[1].values
    absent = make(WordReader("no such word")).weigh(retrieval)[1].values
    assert found["reader_unit"] > absent["reader_unit"] and found["reader_passage"] > absent["reader_passage"]
    assert not any(name.startswith("reader") for name in make(None).weigh(retrieval)[1].values)
    assert make(None).reader_id == READER_ID != pipeline.reader_id


class Noting(FakeGenerator):
    """Keeps the prompts that it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.prompts: list[Prompt] = []

    def _answer(self, prompt: Prompt) -> str:
        self.prompts.append(prompt)
        return super()._answer(prompt)


def test_a_prompt_has_the_passage_with_the_best_evidence_first(make: Callable[..., Pipeline]) -> None:
    generator = Noting()
    question = Question("How should I prepare for the cold?")
    make(WordReader("drained"), generator).ask(question)
    assert generator.prompts[0].sources[0].title == "winter.pdf"
    make(WordReader("by hand"), generator).ask(question)
    assert generator.prompts[1].sources[0].title == "filter.pdf"
