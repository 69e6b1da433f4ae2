"""Suggested questions: made of the documents, the same each time, and only such as are then answered from them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ragedge.answer.gate import Thresholds
from ragedge.ask import AskSettings, Pipeline
from ragedge.calibration.sections import MadeQuestion
from ragedge.contracts import PageSpan, Question, ReadOptions
from ragedge.index.store import Index, IndexSettings
from ragedge.ingest.chunker import CHUNKER_VERSION
from ragedge.ingest.sandbox import Limits, Sandbox
from ragedge.ingest.sync import Sync
from ragedge.search.retriever import Retriever
from ragedge.suggesting import SUGGESTED, is_worth_asking, reads_well, suggest
from tests.fakes import HashEmbedder

SETTINGS = IndexSettings("fake-hash", "0" * 64, 64, "", "", CHUNKER_VERSION, 64)
RECORD = "# {name}\n\nMaker: {maker}\n\nMaterial: {material}\n\nWeight: {weight} kg\n"
THINGS = {
    "Harbour bell": ("Ada Lindqvist", "bronze with a tin rim", 118),
    "Signal lantern": ("Otto Brandt", "brass and cut glass", 7),
    "Pilot compass": ("Marie Duval", "walnut and steel", 3),
    "Storm anchor": ("Jan Visser", "forged iron", 240),
    "Deck lamp": ("Ines Romero", "tinned copper", 4),
    "Chart table": ("Paul Okafor", "oiled teak", 61),
}
ANSWERS_ALL, REFUSES_ALL = Thresholds(bias=100.0), Thresholds(bias=-100.0)


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[[Thresholds], Pipeline]]:
    folder = tmp_path / "documents"
    folder.mkdir()
    for name, (maker, material, weight) in THINGS.items():
        text = RECORD.format(name=name, maker=maker, material=material, weight=weight)
        (folder / f"{name}.md").write_text(text)
    embedder = HashEmbedder()
    with Index.open(tmp_path / "index", SETTINGS, mode="write", create=True) as index:
        Sync(index, embedder, lambda: Sandbox(ReadOptions(ocr="off"), Limits()), chunk_tokens=64).run(folder)
        yield lambda bars: Pipeline(index, Retriever(index, embedder), embedder, None, AskSettings(thresholds=bars))


def test_each_is_answered_from_a_document_of_its_own_and_comes_again(make: Callable[[Thresholds], Pipeline]) -> None:
    pipeline = make(ANSWERS_ALL)
    questions = suggest(pipeline)
    assert len(questions) == SUGGESTED and questions == suggest(make(ANSWERS_ALL))
    documents = set()
    for text in questions:
        answer = pipeline.ask(Question(text))
        assert answer.outcome == "answered" and reads_well(text), text
        documents.add(answer.citations[0].document_path)
    assert len(documents) == SUGGESTED


def test_where_the_gate_refuses_nothing_is_suggested(make: Callable[[Thresholds], Pipeline]) -> None:
    assert suggest(make(REFUSES_ALL)) == ()
    assert suggest(make(Thresholds(bias=100.0, answered=2.0))) == ()  # unsure is not sure


def test_it_stops_when_the_service_does(make: Callable[[Thresholds], Pipeline]) -> None:
    assert suggest(make(ANSWERS_ALL), lambda: True) == ()


@pytest.mark.parametrize(
    ("question", "quote", "answer", "is_good"),
    [
        ("Who made the Harbour bell?", "Maker: Ada Lindqvist", "Ada Lindqvist", True),
        ("What is the subject of Works holiday in August?", "Subject: Works holiday", "Works holiday", False),
        ("What is the from of Works holiday in August?", "From: Ada <ada@example.org>", "Ada <ada@example.org>", False),
        ("What is the name of the Harbour bell?", "Name: Harbour bell", "Harbour bell", False),
        ("What is the output in table 3 of the manual?", "Output: 5 kW", "5 kW", False),
        ("What is the limit of 3.1 Output?", "Limit: 5 kW", "5 kW", False),
        ("What are the how long?", "Up to 30 minutes.", "", False),
        ("Where can I read about the big bell?", "The bell is old.", "", False),
        ("What is the depth of RIVERS AND STREAMS?", "Depth: 2 m", "2 m", False),
        ("What does E-417 mean on the ABC unit?", "E-417: dry run", "dry run", True),
    ],
)
def test_the_head_of_a_letter_and_what_a_question_says_itself_are_not_asked_for(
    question: str, quote: str, answer: str, is_good: bool
) -> None:
    made = MadeQuestion(question, "record", "d", PageSpan(1, 0, len(quote)), quote, answer, "en")
    assert is_worth_asking(made) is is_good


@pytest.mark.parametrize(
    ("question", "is_good"),
    [
        ("Who made the Harbour bell?", True),
        ("¿Quién hizo la campana grande?", True),
        ("Qu'est-ce que la lampe de pont ?", True),
        ("Harbour bell weight?", False),
        ("Harbour bell: who did that?", False),
        ("Tell me about the bell.", False),
        ("Why?", False),
        ("What is it? What else is there?", False),
        ("What " + "very " * 20 + "long?", False),
        ("", False),
    ],
)
def test_only_whole_questions_are_shown(question: str, is_good: bool) -> None:
    assert reads_well(question) is is_good
