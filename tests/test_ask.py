"""The read path: passages first, the gate before any model, exact quotes, every outcome with its engine."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ragedge.answer.gate import Thresholds
from ragedge.answer.phrases import DISAGREE, REFUSALS
from ragedge.answer.phrases import UNSURE as DOUBTS
from ragedge.ask import AskSettings, Pipeline
from ragedge.config import Config
from ragedge.contracts import Answer, Block, Document, Generator, Page, Passages, Piece, Question
from ragedge.errors import BadQuestion, Busy, ModelCorrupt, RemoteFailed
from ragedge.index.store import FileRow, Index, IndexSettings, NewDocument
from ragedge.ingest.chunker import CHUNKER_VERSION, chunk_document, passage_text
from ragedge.search.retriever import Retriever
from tests.fakes import HashEmbedder
from tests.fakes_generator import FakeGenerator

SETTINGS = IndexSettings("fake-hash", "0" * 64, 64, "", "", CHUNKER_VERSION, 64)
HEAD = "The pump head bolts take 12 Nm, tightened crosswise in two steps."
TEXTS = {
    "pump.pdf": (("Contents of this manual.", HEAD), ("i", "1")),
    "filter.pdf": (("The filter cap is tightened by hand until it stops.",), ("1",)),
    "winter.pdf": (("Before winter the whole unit is drained and all valves stay half open.",), ("1",)),
}
ANSWERS_ALL = Thresholds(bias=100.0)
REFUSES_ALL = Thresholds(bias=-100.0)
UNSURE = Thresholds(bias=100.0, answered=2.0)


BULLETIN = "The pump head bolts take 15 Nm, tightened crosswise in two steps."


def put(index: Index, embedder: HashEmbedder, more: dict[str, tuple[tuple[str, ...], tuple[str, ...]]]) -> None:
    for path, (texts, labels) in {**TEXTS, **more}.items():
        pages = tuple(
            Page(number, label, text, "text", (Block("text", 0, len(text)),))
            for number, (text, label) in enumerate(zip(texts, labels, strict=True), start=1)
        )
        sha256 = hashlib.sha256(path.encode()).hexdigest()
        document = Document(sha256[:16], path, path, "application/x-test", 1, None, {}, pages)
        chunks = chunk_document(document, token_spans=embedder.token_spans, max_tokens=64)
        vectors = embedder.embed_passages([passage_text(path, chunk) for chunk in chunks])
        index.put([NewDocument(document, chunks, vectors, FileRow(path, 1, 1, sha256, document.id))])


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., Pipeline]]:
    embedder = HashEmbedder()
    with Index.open(tmp_path / "index", SETTINGS, mode="write", create=True) as index:
        put(index, embedder, {})

        def build(generator: Generator | None = None, thresholds: Thresholds = ANSWERS_ALL) -> Pipeline:
            settings = AskSettings(thresholds=thresholds)
            return Pipeline(index, Retriever(index, embedder), embedder, generator, settings)

        yield build


QUESTION = Question("How tight are the pump head bolts?")


def test_passages_come_first_then_pieces_then_one_answer(make: Callable[..., Pipeline]) -> None:
    events = list(make(FakeGenerator()).stream(QUESTION))
    assert isinstance(events[0], Passages)
    assert all(isinstance(event, Piece) for event in events[1:-1])
    assert isinstance(events[-1], Answer)
    assert "".join(e.text for e in events if isinstance(e, Piece)) == events[-1].text


def test_passages_are_there_before_anything_is_embedded_but_the_question(make: Callable[..., Pipeline]) -> None:
    pipeline = make()
    calls = pipeline.embedder.calls  # type: ignore[attr-defined]
    stream = pipeline.stream(QUESTION)
    assert isinstance(next(stream), Passages)
    assert pipeline.embedder.calls == calls  # type: ignore[attr-defined]
    stream.close()


def test_without_a_model_the_answer_is_an_exact_quote_with_its_page(make: Callable[..., Pipeline]) -> None:
    pipeline = make()
    answer = pipeline.ask(QUESTION)
    assert (answer.outcome, answer.engine) == ("answered", "extractive")
    citation = answer.citations[0]
    assert citation.document_path == "pump.pdf"
    assert (citation.span.page, citation.page_label) == (2, "1")
    page = pipeline.index.page(citation.document_id, citation.span.page)
    assert citation.quote == page.text[citation.span.start : citation.span.end] == HEAD
    assert answer.unsupported == ()


def test_a_model_s_sentences_are_cited_by_code(make: Callable[..., Pipeline]) -> None:
    answer = make(FakeGenerator(said="The pump head bolts take 12 Nm.")).ask(QUESTION)
    assert answer.engine == "fake"
    assert [c.quote for c in answer.citations] == [HEAD]
    assert answer.unsupported == ()
    assert answer.stats is not None
    assert answer.stats.eval_count > 0


def test_a_number_that_no_source_holds_is_marked(make: Callable[..., Pipeline]) -> None:
    answer = make(FakeGenerator(said="The pump head bolts take 35 Nm.")).ask(QUESTION)
    assert answer.citations == ()
    (span,) = answer.unsupported
    assert answer.text == "The pump head bolts take [unconfirmed: 35 Nm]."
    assert (span.start, span.end, span.objection) == (0, len(answer.text), "number_missing")
    assert [answer.text[a:b] for a, b in span.unconfirmed] == ["[unconfirmed: 35 Nm]"]


def test_no_piece_of_a_stream_holds_a_number_that_was_not_confirmed(make: Callable[..., Pipeline]) -> None:
    said = "Note this: the pump head bolts take 35 Nm. The pump head bolts take 12 Nm. There are E-99 and 7 more"
    events = list(make(FakeGenerator(said=said)).stream(QUESTION))
    pieces = [event.text for event in events if isinstance(event, Piece)]
    answer = events[-1]
    assert isinstance(answer, Answer)
    assert "".join(pieces) == answer.text
    assert answer.text == (
        "Note this: the pump head bolts take [unconfirmed: 35 Nm]. The pump head bolts take 12 Nm. "
        "There are [unconfirmed: E-99] and [unconfirmed: 7] more"
    )
    assert pieces[:3] == ["Note ", "this: ", "the "], "what comes before a number is not held back"
    assert not any(re.search(r"(?<!unconfirmed: )35", piece) for piece in pieces)
    (citation,) = answer.citations
    assert answer.text[citation.answer_start : citation.answer_end] == "The pump head bolts take 12 Nm."
    assert [(s.citation, s.objection) for s in answer.sentences] == [
        (None, "number_missing"), (1, None), (None, "code_missing"),
    ]  # fmt: skip


def test_the_mark_speaks_the_language_asked_for(make: Callable[..., Pipeline]) -> None:
    answer = make(FakeGenerator(said="The pump head bolts take 35 Nm.")).ask(replace(QUESTION, language="de-CH"))
    assert "[unbelegt: 35 Nm]" in answer.text


def test_a_document_removed_while_the_answer_is_written_is_not_cited(make: Callable[..., Pipeline]) -> None:
    pipeline: Pipeline

    def remove(number: int) -> None:
        if number == 9:  # the first sentence is out
            pipeline.index.forget(["pump.pdf"])

    pipeline = make(FakeGenerator(said="The pump head bolts take 12 Nm. The pump head bolts take", before_piece=remove))
    answer = pipeline.ask(QUESTION)
    assert answer.citations == ()
    assert [s.objection for s in answer.sentences] == ["source_gone", "source_gone"]
    assert answer.text.startswith("The pump head bolts take [unconfirmed: 12 Nm].")
    assert answer.unsupported == answer.sentences


def test_a_quoted_answer_says_its_support_per_sentence(make: Callable[..., Pipeline]) -> None:
    answer = make().ask(QUESTION)
    assert [(s.start, s.end, s.support, s.citation) for s in answer.sentences] == [
        (c.answer_start, c.answer_end, 1.0, c.number) for c in answer.citations
    ]
    assert make(None, REFUSES_ALL).ask(QUESTION).sentences == ()


def test_a_refusal_never_asks_the_model(make: Callable[..., Pipeline]) -> None:
    def refuse(number: int) -> None:
        raise AssertionError("the model was asked")

    answer = make(FakeGenerator(before_piece=refuse), REFUSES_ALL).ask(QUESTION)
    assert (answer.outcome, answer.engine, answer.text) == ("abstained", "none", REFUSALS["en"])
    assert answer.hits, "the closest passages are offered"
    assert answer.citations == ()


@pytest.mark.parametrize("language", sorted(REFUSALS))
def test_a_refusal_speaks_the_language_asked_for(make: Callable[..., Pipeline], language: str) -> None:
    answer = make(None, REFUSES_ALL).ask(replace(QUESTION, language=language))
    assert answer.text == REFUSALS[language]


def test_in_doubt_the_documents_are_quoted_not_the_model(make: Callable[..., Pipeline]) -> None:
    answer = make(FakeGenerator(said="Certainly 99 Nm."), UNSURE).ask(QUESTION)
    assert (answer.outcome, answer.engine) == ("unsure", "extractive")
    assert "99" not in answer.text


@pytest.mark.parametrize("language", sorted(DOUBTS))
def test_in_doubt_a_narrower_question_is_asked_for_above_the_closest_passages(
    make: Callable[..., Pipeline], language: str
) -> None:
    answer = make(None, UNSURE).ask(replace(QUESTION, language=language))
    assert answer.text.startswith(DOUBTS[language])
    assert answer.citations
    for citation in answer.citations:
        shown = answer.text[citation.answer_start : citation.answer_end]
        assert shown.split() == citation.quote.split()


@pytest.mark.parametrize("language", sorted(DISAGREE))
def test_sources_that_disagree_are_both_quoted_and_no_model_chooses(
    make: Callable[..., Pipeline], language: str
) -> None:
    pipeline = make(FakeGenerator(said="They take 12 Nm."))
    put(pipeline.index, pipeline.embedder, {"bulletin.pdf": ((BULLETIN,), ("1",))})  # type: ignore[arg-type]
    answer = pipeline.ask(Question("How many Nm for the pump head bolts?", language=language))
    assert (answer.outcome, answer.engine) == ("answered", "extractive")
    assert answer.text.startswith(DISAGREE[language])
    assert {citation.quote for citation in answer.citations} == {HEAD, BULLETIN}
    assert "12 Nm" in answer.reason and "15 Nm" in answer.reason
    for citation in answer.citations:
        assert answer.text[citation.answer_start : citation.answer_end] == citation.quote


class BrokenGenerator(FakeGenerator):
    """A model whose file turns out to be damaged when it is loaded."""

    def stream(self, prompt, sampling, is_cancelled, *, client=""):  # type: ignore[no-untyped-def]
        raise ModelCorrupt("the model file is damaged")
        yield


class UnreachableGenerator(FakeGenerator):
    """A model on a server that is not there, or that breaks off after `said`."""

    def stream(self, prompt, sampling, is_cancelled, *, client=""):  # type: ignore[no-untyped-def]
        if self._said:
            yield Piece(self._said)
        raise RemoteFailed("the server cannot be reached")


def test_a_server_that_cannot_be_reached_leaves_the_quotes(make: Callable[..., Pipeline]) -> None:
    answer = make(UnreachableGenerator()).ask(QUESTION)
    assert (answer.outcome, answer.engine) == ("answered", "extractive")
    assert "the server cannot be reached" in answer.reason


def test_a_server_that_breaks_off_after_some_words_is_an_error(make: Callable[..., Pipeline]) -> None:
    with pytest.raises(RemoteFailed):
        make(UnreachableGenerator(said="The pump")).ask(QUESTION)


def test_a_model_that_cannot_be_loaded_leaves_the_quotes(make: Callable[..., Pipeline]) -> None:
    answer = make(BrokenGenerator()).ask(QUESTION)
    assert (answer.outcome, answer.engine) == ("answered", "extractive")
    assert "the model file is damaged" in answer.reason


class FullGenerator(FakeGenerator):
    """A model with a full queue."""

    def stream(self, prompt, sampling, is_cancelled, *, client=""):  # type: ignore[no-untyped-def]
        raise Busy("all places are taken")
        yield


def test_a_full_queue_is_told_to_the_asker(make: Callable[..., Pipeline]) -> None:
    with pytest.raises(Busy):
        make(FullGenerator()).ask(QUESTION)


def test_a_model_that_says_nothing_leaves_the_quotes(make: Callable[..., Pipeline]) -> None:
    answer = make(FakeGenerator(said=" ")).ask(QUESTION)
    assert answer.engine == "extractive"
    assert answer.citations[0].quote == HEAD


def test_cancelling_ends_the_answer_and_says_so(make: Callable[..., Pipeline]) -> None:
    pieces: list[str] = []
    events = make(FakeGenerator(said="red green blue white")).stream(QUESTION, lambda: len(pieces) >= 2)
    answer = None
    for event in events:
        if isinstance(event, Piece):
            pieces.append(event.text)
        elif isinstance(event, Answer):
            answer = event
    assert answer is not None
    assert (answer.outcome, answer.text) == ("cancelled", "red green blue")


def test_an_answer_cut_off_by_its_limit_says_so(make: Callable[..., Pipeline]) -> None:
    answer = make(FakeGenerator(said="red green blue white")).ask(replace(QUESTION, max_answer_tokens=2))
    assert (answer.outcome, answer.text) == ("truncated", "red green")


def test_closing_the_stream_frees_the_model_at_once(make: Callable[..., Pipeline]) -> None:
    pipeline = make(FakeGenerator(said="red green blue white", queue_limit=0))
    stream = pipeline.stream(QUESTION)
    while not isinstance(next(stream), Piece):
        pass
    stream.close()
    assert pipeline.ask(QUESTION).text == "red green blue white"


def assert_open(gate: threading.Event) -> None:
    assert gate.wait(30)


def test_whoever_the_service_lets_in_gets_an_answer_and_not_passages_alone(make: Callable[..., Pipeline]) -> None:
    config, gate = Config(), threading.Event()
    limit = config.answer.queue_limit
    generator = FakeGenerator(said="red", queue_limit=limit, before_piece=lambda _: assert_open(gate))
    pipeline, ended = make(generator), list[str]()

    def ask(number: int) -> None:
        try:
            events = list(pipeline.stream(QUESTION, client=str(number)))
            ended.append(type(events[-1]).__name__)
        except Busy:
            ended.append("refused")

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(config.server.queue_limit)]
    for thread in threads:
        thread.start()
    while generator._turns.waiting + len(ended) < len(threads) - 1:  # all but the one whose turn it is
        pass
    gate.set()
    for thread in threads:
        thread.join(30)
    assert ended == ["Answer"] * len(threads)


@pytest.mark.parametrize("text", ["", "  \n ", "\x00\x1b", "x" * 2001])
def test_a_question_that_is_none_is_refused(make: Callable[..., Pipeline], text: str) -> None:
    with pytest.raises(BadQuestion):
        make().ask(Question(text))


def test_an_empty_index_refuses_instead_of_failing(tmp_path: Path) -> None:
    embedder = HashEmbedder()
    with Index.open(tmp_path / "empty", SETTINGS, mode="write", create=True) as index:
        pipeline = Pipeline(index, Retriever(index, embedder), embedder, None, AskSettings())
        assert pipeline.ask(QUESTION).outcome == "abstained"


def test_the_same_question_gives_the_same_answer(make: Callable[..., Pipeline]) -> None:
    first, second = make().ask(QUESTION), make().ask(QUESTION)
    assert replace(first, timings=second.timings) == second
