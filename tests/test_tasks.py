"""Summaries and rewritten answers: cited, checked by the code that checks answers, and refused where nobody speaks."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ragedge.answer.phrases import SUMMARY, UNSURE
from ragedge.ask import AskSettings, Pipeline
from ragedge.contracts import (
    Answer,
    CitedPlace,
    ModelStats,
    Passages,
    Piece,
    Prompt,
    RewriteRequest,
    Sampling,
    SummaryRequest,
    rewriting_of,
)
from ragedge.errors import BadQuestion, InputError, ModelCorrupt, ModelMissing, NotFound
from ragedge.index.store import Index
from ragedge.search.retriever import Retriever
from ragedge.tasks import Request, Tasks
from tests.fakes import HashEmbedder
from tests.fakes_generator import FakeGenerator
from tests.test_ask import ANSWERS_ALL, HEAD, QUESTION, SETTINGS, put

SENTENCES = (
    "The pump raises raw water from the well into the tank of the unit.",
    "Before the start the operator opens the inlet valve of the pump completely.",
    "The pump must never run dry for longer than 30 seconds.",
    "A worn seal of the pump is replaced after 2,000 hours of work.",
    "The tank of the unit holds 900 litres of raw water from the well.",
    "Chlorine is added to the raw water in the tank after the filter.",
)
LONG = {"long.pdf": (tuple(" ".join(SENTENCES[i % 6] for i in range(n, n + 4)) for n in range(30)), ("",) * 30)}


class Told(FakeGenerator):
    """Says what `say` makes of a prompt, and keeps the prompts."""

    def __init__(self, say: Callable[[str], str], **options: Any) -> None:
        super().__init__(**options)
        self._say = say
        self.prompts: list[Prompt] = []

    def stream(
        self, prompt: Prompt, sampling: Sampling, is_cancelled: Callable[[], bool], *, client: str = ""
    ) -> Iterator[Piece | ModelStats]:
        self.prompts.append(prompt)
        return super().stream(prompt, sampling, is_cancelled, client=client)

    def _answer(self, prompt: Prompt) -> str:
        return self._say(prompt.user)


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    with Index.open(tmp_path / "index", SETTINGS, mode="write", create=True) as opened:
        put(opened, HashEmbedder(), {"unit/guide.txt": ((" ".join(SENTENCES),), ("1",)), **LONG})
        yield opened


@pytest.fixture
def tasks(index: Index) -> Callable[..., Tasks]:
    def build(generator: FakeGenerator | None = None, **settings: Any) -> Tasks:
        return Tasks(index, HashEmbedder(), generator, AskSettings(**settings))

    return build


def ended(tasks: Tasks, request: Request) -> tuple[list[Any], Answer]:
    events = list(tasks.stream(request))
    assert isinstance(events[0], Passages) and isinstance(events[-1], Answer)
    assert "".join(event.text for event in events if isinstance(event, Piece)) == events[-1].text
    return events, events[-1]


def assert_cited(answer: Answer, index: Index) -> None:
    assert answer.citations
    for citation in answer.citations:
        page = index.page(citation.document_id, citation.span.page)
        assert citation.quote == page.text[citation.span.start : citation.span.end] != ""
        assert 0 <= citation.answer_start < citation.answer_end <= len(answer.text)


# --------------------------------------------------------------------------------------------------- summaries


def test_without_a_model_a_summary_is_sentences_of_the_document_word_for_word(
    tasks: Callable[..., Tasks], index: Index
) -> None:
    _, answer = ended(tasks(), SummaryRequest("guide.txt"))
    assert (answer.outcome, answer.engine) == ("answered", "extractive")
    lead, *quoted = answer.text.split("\n\n")
    assert lead == SUMMARY["en"]
    assert 3 <= len(quoted) <= 6
    assert [SENTENCES.index(sentence) for sentence in quoted] == sorted(
        SENTENCES.index(sentence) for sentence in quoted
    )
    assert_cited(answer, index)
    assert answer.unsupported == () and "no language model" in answer.reason


def test_a_summary_does_not_say_the_same_twice(tasks: Callable[..., Tasks]) -> None:
    _, answer = ended(tasks(), SummaryRequest("long.pdf"))
    _, *quoted = answer.text.split("\n\n")
    assert len(quoted) == len(set(quoted)) == 3, "there are six different sentences in 30 pages"


@pytest.mark.parametrize("name", ["unit/guide.txt", "guide.txt", "GUIDE"])
def test_a_document_is_found_by_what_people_call_it(tasks: Callable[..., Tasks], index: Index, name: str) -> None:
    info = next(info for info in index.documents() if info.path == "unit/guide.txt")
    for called in (name, info.id):
        _, answer = ended(tasks(), SummaryRequest(called))
        assert {citation.document_path for citation in answer.citations} == {"unit/guide.txt"}


def test_what_does_not_name_one_document_or_section_says_which_there_are(tasks: Callable[..., Tasks]) -> None:
    with pytest.raises(NotFound, match="no document"):
        tasks().run(SummaryRequest("nowhere"))
    with pytest.raises(InputError, match="could be 4 documents") as found:
        tasks().run(SummaryRequest(".pdf"))
    assert "pump.pdf" in found.value.hint
    with pytest.raises(NotFound, match='no section "Winter"'):
        tasks().run(SummaryRequest("guide.txt", section="Winter"))


def test_a_document_without_a_sentence_is_an_error_and_no_invention(tasks: Callable[..., Tasks], index: Index) -> None:
    put(index, HashEmbedder(), {"list.csv": (("4711 12",), ("1",))})
    with pytest.raises(BadQuestion, match="no sentence"):
        tasks(FakeGenerator()).run(SummaryRequest("list.csv"))


def test_a_model_s_summary_is_cited_and_its_loose_numbers_are_marked(tasks: Callable[..., Tasks], index: Index) -> None:
    said = "The pump must never run dry for longer than 30 seconds. The tank of the unit holds 950 litres of raw water."
    _, answer = ended(tasks(FakeGenerator(said=said)), SummaryRequest("guide.txt"))
    assert answer.engine == "fake"
    assert "30 seconds" in answer.text and "[unconfirmed: 950 litres]" in answer.text
    assert [c.quote for c in answer.citations] == [SENTENCES[2]]
    assert_cited(answer, index)
    assert answer.stats is not None and answer.stats.eval_count > 0


def test_a_long_document_is_read_in_parts_that_fit_the_prompt(tasks: Callable[..., Tasks], index: Index) -> None:
    model = Told(lambda user: SENTENCES[2])
    _, answer = ended(tasks(model, prompt_tokens=400, max_answer_tokens=60), SummaryRequest("long.pdf"))
    assert len(model.prompts) > 3
    assert all(prompt.tokens <= 400 for prompt in model.prompts)
    assert all(prompt.dropped == 0 for prompt in model.prompts), "nothing is passed over unsaid"
    assert SENTENCES[2] in model.prompts[-1].user, "the last prompt reads what came out of the parts"
    assert answer.stats is not None
    assert answer.stats.eval_count == len(model.prompts) * len(SENTENCES[2].split()), "all prompts are counted"
    assert_cited(answer, index)


def test_a_part_that_no_page_bears_out_does_not_reach_the_summary(tasks: Callable[..., Tasks]) -> None:
    model = Told(lambda user: "The moon landing of 1969 took 8 days.")
    ended(tasks(model, prompt_tokens=400, max_answer_tokens=60), SummaryRequest("long.pdf"))
    assert not any("moon" in prompt.user for prompt in model.prompts)


def test_what_is_too_long_to_be_read_whole_is_said_to_be_read_in_part(tasks: Callable[..., Tasks]) -> None:
    model = Told(lambda user: SENTENCES[2])
    _, answer = ended(tasks(model, prompt_tokens=260, max_answer_tokens=40), SummaryRequest("long.pdf"))
    found = re.fullmatch(r"a summary of (\d+) of (\d+) passages", answer.reason)
    assert found and int(found[1]) < int(found[2])
    assert len(model.prompts) <= 8 + 8


def test_a_model_that_fails_leaves_the_quoted_summary(tasks: Callable[..., Tasks]) -> None:
    class Broken(FakeGenerator):
        def stream(self, *_: Any, **__: Any) -> Iterator[Any]:
            raise ModelCorrupt("the model file is damaged")

    _, answer = ended(tasks(Broken()), SummaryRequest("guide.txt"))
    assert answer.engine == "extractive" and "the model file is damaged" in answer.reason


def test_a_cancelled_summary_says_so(tasks: Callable[..., Tasks]) -> None:
    events = list(tasks(FakeGenerator(said="one two three")).stream(SummaryRequest("guide.txt"), lambda: True))
    assert isinstance(events[-1], Answer) and events[-1].outcome == "cancelled"


# -------------------------------------------------------------------------------------------------- rewritings

GERMAN = "Die Schrauben des Pumpenkopfs bekommen 12 Nm, über Kreuz in zwei Schritten angezogen."


@pytest.fixture
def asked(index: Index) -> Answer:
    embedder = HashEmbedder()
    pipeline = Pipeline(index, Retriever(index, embedder), embedder, None, AskSettings(thresholds=ANSWERS_ALL))
    answer = pipeline.ask(QUESTION)
    assert answer.citations[0].quote == HEAD
    return answer


def request_for(answer: Answer, text: str, *, language: str | None = "de") -> RewriteRequest:
    citation = rewriting_of(answer, "translate").citations[0]
    place = CitedPlace(citation.number, citation.chunk_id, citation.page, citation.start, citation.end, 0, len(text))
    return RewriteRequest(text, "translate" if language else "simpler", language, (place,))


def test_a_translation_keeps_citation_and_number(tasks: Callable[..., Tasks], index: Index, asked: Answer) -> None:
    model = Told(lambda user: GERMAN)
    _, answer = ended(tasks(model), request_for(asked, HEAD))
    assert (answer.text, answer.outcome, answer.engine) == (GERMAN, "answered", "fake")
    assert [c.number for c in answer.citations] == [1]
    assert answer.citations[0].quote == HEAD and answer.citations[0].support < 1
    assert_cited(answer, index)
    assert "Translate into German" in model.prompts[0].user and answer.unsupported == ()


@pytest.mark.parametrize(
    "said",
    [
        "Die Schrauben des Pumpenkopfs bekommen 21 Nm, über Kreuz in zwei Schritten angezogen.",
        "Die Schrauben des Pumpenkopfs bekommen 12 mm, über Kreuz in zwei Schritten angezogen.",
        "Die Schrauben des Pumpenkopfs werden über Kreuz in zwei Schritten angezogen.",
        "Die Schrauben des Pumpenkopfs bekommen nicht 12 Nm, über Kreuz in zwei Schritten angezogen.",
        "Die Schrauben M8 des Pumpenkopfs bekommen 12 Nm, über Kreuz in zwei Schritten angezogen.",
        "",
        GERMAN * 5,
    ],
)
def test_a_sentence_that_changes_on_the_way_stays_as_it_was(
    tasks: Callable[..., Tasks], asked: Answer, said: str
) -> None:
    _, answer = ended(tasks(FakeGenerator(said=said)), request_for(asked, HEAD))
    assert answer.text == HEAD
    assert answer.outcome == "unsure" and "1 of 1 sentences stayed" in answer.reason
    assert answer.citations[0].quote == HEAD


def test_each_sentence_keeps_its_own_citations(tasks: Callable[..., Tasks], index: Index) -> None:
    quotes = Tasks(index, HashEmbedder(), None, AskSettings()).run(SummaryRequest("guide.txt"))
    model = Told(lambda user: user.partition("\n")[2].replace("The pump", "This pump").replace("tank", "Tank"))
    _, answer = ended(tasks(model), rewriting_of(quotes, "simpler"))
    assert [c.number for c in answer.citations] == [c.number for c in quotes.citations]
    for before, after in zip(quotes.citations, answer.citations, strict=True):
        assert after.quote == before.quote
        said, was = (text[c.answer_start : c.answer_end] for text, c in ((answer.text, after), (quotes.text, before)))
        assert said.replace("This pump", "The pump").replace("Tank", "tank") == was
    assert len(model.prompts) == len(quotes.citations), "our own words above the quotes need no model"


def test_our_own_words_are_ready_in_the_other_language(tasks: Callable[..., Tasks], asked: Answer) -> None:
    text = f"{UNSURE['en']}\n\n{HEAD}"
    at = text.index(HEAD)
    place = request_for(asked, HEAD).citations[0]
    moved = CitedPlace(place.number, place.chunk_id, place.page, place.start, place.end, at, len(text))
    _, answer = ended(tasks(FakeGenerator(said=GERMAN)), RewriteRequest(text, "translate", "de", (moved,)))
    assert answer.text == f"{UNSURE['de']}\n\n{GERMAN}"


def test_a_sentence_without_a_citation_stays_unsupported_with_its_number_marked(tasks: Callable[..., Tasks]) -> None:
    request = RewriteRequest("The tank holds [unconfirmed: 35 litres] now.", "translate", "de")
    _, answer = ended(tasks(FakeGenerator(said="Der Tank hält jetzt 35 Liter.")), request)
    assert answer.text == "Der Tank hält jetzt [unbelegt: 35 Liter]."
    assert [span.citation for span in answer.sentences] == [None] and answer.citations == ()


def test_a_quote_that_was_made_up_or_is_gone_is_no_citation(
    tasks: Callable[..., Tasks], index: Index, asked: Answer
) -> None:
    good = request_for(asked, HEAD).citations[0]
    for place in (
        CitedPlace(1, "0" * 16 + "-00000", good.page, good.start, good.end, 0, 10),
        CitedPlace(1, good.chunk_id, 99, good.start, good.end, 0, 10),
        CitedPlace(1, good.chunk_id, good.page, 100_000, 100_010, 0, 10),
    ):
        _, answer = ended(tasks(FakeGenerator(said=GERMAN)), RewriteRequest(HEAD, "translate", "de", (place,)))
        assert answer.citations == () and "[unbelegt: 12 Nm]" in answer.text
    index.forget(["pump.pdf"])
    _, answer = ended(tasks(FakeGenerator(said=GERMAN)), request_for(asked, HEAD))
    assert answer.citations == () and answer.hits == ()


def test_without_a_model_the_error_says_how_to_get_one(tasks: Callable[..., Tasks], asked: Answer) -> None:
    for language in ("de", None):
        with pytest.raises(ModelMissing, match="needs a language model") as found:
            tasks().run(request_for(asked, HEAD, language=language))
        assert "ragedge models pull" in found.value.hint


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (RewriteRequest("  ", "simpler"), "no text"),
        (RewriteRequest("x" * 8_001, "simpler"), "8001 characters"),
        (RewriteRequest("So.", "translate", "tlh"), "no language"),
        (RewriteRequest("So.", "translate"), "no language"),
        (RewriteRequest("So.", "simpler", None, (CitedPlace(1, "a", 1, 0, 3, 2, 9),)), "outside of the text"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused(
    tasks: Callable[..., Tasks], request_: RewriteRequest, message: str
) -> None:
    with pytest.raises(BadQuestion, match=message):
        tasks(FakeGenerator()).run(request_)


def test_cancelling_ends_between_sentences(tasks: Callable[..., Tasks], asked: Answer) -> None:
    events = list(tasks(FakeGenerator(said=GERMAN)).stream(request_for(asked, HEAD), lambda: True))
    assert isinstance(events[-1], Answer) and events[-1].outcome == "cancelled"
