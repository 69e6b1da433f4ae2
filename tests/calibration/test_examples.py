"""Examples: asked as the product asks, and again without the passages that tell the answer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ragedge.answer.signals import Signals
from ragedge.calibration.examples import (
    SHOWN,
    Known,
    RememberingEmbedder,
    examples_of,
    known_from_golden,
    known_from_made,
    off_topic_of,
    tells,
)
from ragedge.calibration.sections import MadeQuestion
from ragedge.contracts import Evidence, PageSpan, Question, Retrieval, Timings
from ragedge.evaluation.goldens import GoldQuestion, GoldSource, PlaceFinder
from tests.answer.passages import retrieval_of
from tests.fakes import HashEmbedder, document

PAGES = [document(f"Pump {i} runs on {i} volts of current.", path=f"p{i}.txt", title=f"Pump {i}") for i in range(12)]
COPY = document("Once more: Pump 3 runs on 3 volts of current.", path="copy.txt", title="Copy")


class Reads:
    """A read path over fixed hits; remembers what it was asked to weigh."""

    def __init__(self, *documents) -> None:  # type: ignore[no-untyped-def]
        self.documents = documents
        self.weighed: list[Retrieval] = []
        self.retriever = self

    def retrieve(self, question: Question) -> tuple[Retrieval, Timings]:
        found = retrieval_of(question.text, *self.documents)
        return replace(found, hits=found.hits[: question.top_k]), Timings()

    def weigh(self, retrieval: Retrieval) -> tuple[tuple[Evidence, ...], Signals]:
        self.weighed.append(retrieval)
        return (), Signals({"hits": float(len(retrieval.hits))}, ("E-1",))


def on(document_index: int, quotes: tuple[str, ...] = ()) -> Known:
    span = PageSpan(1, 0, 10)
    return Known("Which voltage for pump 3?", "made record", ((PAGES[document_index].id, span),), (), quotes)


def test_an_answerable_question_is_weighed_with_its_passage_and_without() -> None:
    reads = Reads(*PAGES)
    present, without = examples_of(reads, on(3))
    assert (present.condition, present.is_right) == ("present", True)
    assert (without.condition, without.is_right) == ("taken out", False)
    first, second = (retrieval.hits for retrieval in reads.weighed)
    assert len(first) == len(second) == SHOWN
    gold = PAGES[3].id
    assert any(hit.chunk.document_id == gold for hit in first)
    assert all(hit.chunk.document_id != gold for hit in second)
    assert present.values == {"hits": float(SHOWN)} and present.missing_codes == ("E-1",)


def test_a_copy_that_tells_the_same_is_taken_out_too() -> None:
    reads = Reads(PAGES[3], COPY, *PAGES[4:])
    quoted = replace(on(3), quotes=("pump3runson3voltsofcurrent",))
    assert [tells(hit, quoted) for hit in reads.retrieve(Question("x", top_k=3))[0].hits] == [True, True, False]
    list(examples_of(reads, quoted))
    assert all("Pump 3" not in hit.chunk.text for hit in reads.weighed[-1].hits)


def test_a_passage_below_those_shown_is_no_right_example() -> None:
    reads = Reads(*PAGES)
    assert [e.condition for e in examples_of(reads, on(11))] == ["taken out"]


def test_a_question_without_place_is_unanswerable_and_one_of_elsewhere_off_topic() -> None:
    reads = Reads(*PAGES)
    assert [e.condition for e in examples_of(reads, Known("What colour?", "golden"))] == ["unanswerable"]
    assert [e.condition for e in off_topic_of(reads, "Who is king?")] == ["off topic"]
    assert list(examples_of(Reads(), Known("What colour?", "golden"))) == []


def test_answers_count_wherever_they_stand_but_not_in_made_questions() -> None:
    hit = Reads(*PAGES).retrieve(Question("x"))[0].hits[5]
    assert tells(hit, Known("?", "golden", answers=("5 volts",)))
    made = MadeQuestion("?", "record", PAGES[0].id, PageSpan(1, 0, 5), "Pump 0", "5 volts", "en")
    assert not tells(hit, known_from_made([made])[0])


def test_golden_questions_get_their_places_and_lose_what_the_index_lacks() -> None:
    finder = PlaceFinder({"p3.txt": PAGES[3].id}, {PAGES[3].id: 1}, lambda _, __: PAGES[3].pages[0])
    golds = [
        GoldQuestion("a", "Volts?", ("3 volts", "3"), True, (GoldSource("p3.txt", None, "3 volts"),), ()),
        GoldQuestion("b", "Gone?", ("x",), True, (GoldSource("p9.txt", None, "9 volts"),), ()),
        GoldQuestion("c", "Never?", (), False, (), ()),
    ]
    known = known_from_golden(golds, finder)
    assert [question.question for question in known] == ["Volts?", "Never?"]
    assert known[0].spans == ((PAGES[3].id, PageSpan(1, 15, 22)),) and known[0].answers == ("3 volts",)
    assert known[1].spans == ()


def test_each_text_is_embedded_once() -> None:
    embedder = HashEmbedder()
    calls: list[list[str]] = []
    plain = embedder.embed_passages

    class Counting(HashEmbedder):
        def embed_passages(self, texts):  # type: ignore[no-untyped-def]
            calls.append(list(texts))
            return plain(texts)

    remembering = RememberingEmbedder(Counting())
    first = remembering.embed_passages(["a", "b", "a"])
    second = remembering.embed_passages(["b", "c"])
    assert calls == [["a", "b"], ["c"]]
    assert np.array_equal(first[0], first[2]) and np.array_equal(first[1], second[0])
    assert np.array_equal(remembering.embed_question("q"), embedder.embed_question("q"))
    assert remembering.dimension == embedder.dimension


@pytest.mark.parametrize("text", ["", "x"])
def test_short_quotes_tell_nothing(text: str) -> None:
    hit = Reads(*PAGES).retrieve(Question("x"))[0].hits[0]
    assert not tells(hit, Known("?", "made record", quotes=(text,)))
