"""Reviewed answers on the read path: before everything else, with a source that is looked up as it stands now."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest

from ragedge.answer.pinned import PinnedAnswer, PinnedAnswers, PinnedSource
from ragedge.ask import AskSettings, Pipeline
from ragedge.contracts import Answer, Passages, Piece, Question
from ragedge.errors import BadQuestion
from ragedge.index.store import Index
from ragedge.reviewed import Reviewed
from ragedge.search.retriever import Retriever
from tests.fakes import HashEmbedder
from tests.test_ask import HEAD, SETTINGS, put

DAY = date(2026, 3, 1)
ASKED = "How tight are the pump head bolts?"
TEXT = "12 Nm, crosswise, in two steps."


def pin(number: int = 1, question: str = ASKED, text: str = TEXT, path: str = "pump.pdf", page: int | None = 2,
        quote: str | None = HEAD, **more: object) -> PinnedAnswer:  # fmt: skip
    return PinnedAnswer(number, (question,), text, PinnedSource(path, page, quote), **more)  # type: ignore[arg-type]


class NoRetrieval(Retriever):
    """A retriever that must not be asked."""

    def retrieve(self, question: Question):  # type: ignore[no-untyped-def]
        raise AssertionError("searched, although a reviewed answer is there")


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    with Index.open(tmp_path / "index", SETTINGS, mode="write", create=True) as opened:
        put(opened, HashEmbedder(), {})
        yield opened


@pytest.fixture
def answers(index: Index) -> Callable[..., list[object]]:
    def ask(*pins: PinnedAnswer, question: str = ASKED) -> list[object]:
        embedder = HashEmbedder()
        reviewed = Reviewed(PinnedAnswers(pins, today=lambda: DAY), index)
        pipeline = Pipeline(index, NoRetrieval(index, embedder), embedder, None, AskSettings(), reviewed=reviewed)
        return list(pipeline.stream(Question(question)))

    return ask


def test_a_reviewed_answer_comes_without_any_search_with_passage_quote_and_page(
    index: Index, answers: Callable[..., list[object]]
) -> None:
    passages, piece, answer = answers(pin(reviewed_by="workshop"))
    assert isinstance(passages, Passages) and isinstance(piece, Piece) and isinstance(answer, Answer)
    assert (piece.text, answer.text, answer.engine) == (TEXT, TEXT, "reviewed")
    assert (answer.outcome, answer.confidence, answer.unsupported) == ("answered", 1.0, ())
    assert "reviewed by workshop" in answer.reason
    (citation,) = answer.citations
    page = index.page(citation.document_id, citation.span.page)
    assert (citation.span.page, citation.page_label) == (2, "1")
    assert citation.quote == HEAD == page.text[citation.span.start : citation.span.end]
    assert HEAD in passages.retrieval.hits[0].chunk.text
    assert passages.evidence[0].text == HEAD
    assert answer.timings.total_ms is not None


@pytest.mark.parametrize(
    ("pinned", "problem", "page"),
    [
        (pin(page=1), "now stands on page 2, not 1", 2),
        (pin(quote="The pump head bolts take 14 Nm, tightened crosswise in two steps."), "stands no longer", None),
        (pin(path="other.pdf"), '"other.pdf" is not in the index', None),
        (pin(page=9), "has 2 pages, not 9", None),
    ],
)
def test_a_source_that_changed_is_named_and_never_cited_wrongly(
    answers: Callable[..., list[object]], pinned: PinnedAnswer, problem: str, page: int | None
) -> None:
    answer = answers(pinned)[-1]
    assert isinstance(answer, Answer)
    assert (answer.text, answer.outcome) == (TEXT, "answered")
    assert problem in answer.reason
    assert [c.span.page for c in answer.citations] == ([] if page is None else [page])


def test_without_a_quote_the_sentence_nearest_to_the_answer_is_shown(answers: Callable[..., list[object]]) -> None:
    answer = answers(pin(quote=None, text="Twelve newton metres for the pump head bolts."))[-1]
    assert isinstance(answer, Answer)
    assert answer.citations[0].quote == HEAD
    assert 0.0 < answer.citations[0].support < 1.0


def test_out_of_its_time_an_answer_is_searched_for(answers: Callable[..., list[object]]) -> None:
    with pytest.raises(AssertionError, match="searched"):
        answers(pin(valid_until=date(2026, 2, 28)))
    with pytest.raises(AssertionError, match="searched"):
        answers(pin(), question="How tight are the pump head nuts?")


def test_a_word_of_the_index_is_not_taken_for_a_typing_error(answers: Callable[..., list[object]]) -> None:
    typo = pin(question="Where is the valvet?", quote=None, page=None)
    assert len(answers(typo, question="Where is the valvett?")) == 3
    with pytest.raises(AssertionError, match="searched"):
        answers(typo, question="Where are the valves?")  # "valves" stands in winter.pdf


def test_an_empty_question_stays_an_error(answers: Callable[..., list[object]]) -> None:
    with pytest.raises(BadQuestion):
        answers(pin(), question=" ")


def test_problems_are_looked_up_again_when_the_index_changes(index: Index) -> None:
    reviewed = Reviewed(PinnedAnswers([pin(), pin(2, "q two", path="gone.pdf")], today=lambda: DAY), index)
    assert [answer.number for answer, _ in reviewed.problems()] == [2]
    index.forget(["pump.pdf"])
    assert [answer.number for answer, _ in reviewed.problems()] == [1, 2]
