"""A question that leans on the conversation is completed; one that stands alone is left as it is."""

from __future__ import annotations

import pytest

from ragedge.contracts import Question, Turn
from ragedge.search.followup import MAX_CHARS, leans, self_contained
from ragedge.search.retriever import Retriever
from tests.fakes import HashEmbedder, document
from tests.search.list_index import ListIndex

FILTER = Turn(
    "Where is the intake filter?", "Behind the grey cover on the left side of the pump, above the drain valve."
)


@pytest.mark.parametrize(
    "text",
    [
        "How often is it cleaned?",
        "And how often?",
        "Who says that?",
        "What about the spare?",
        "why?",
        "Who replaces them?",
        "Und wie oft?",
        "Wie reinigt man ihn?",
        "Et pour le nettoyer ?",
        "¿Y cuándo?",
    ],
)
def test_continuations_and_pronouns_lean(text: str) -> None:
    assert leans(text)
    assert self_contained(text, [FILTER]) == f"{FILTER.question} {text}"


@pytest.mark.parametrize(
    "text",
    [
        "What torque do the pump head bolts need?",
        "What does E-417 mean?",
        "Who built the clock that stands in the hall?",
        "What did Barker use in her drawings?",
        "Is there a spare cartridge in the workshop cabinet?",
        "How do I drain the tank before winter so that it does not freeze and burst?",
    ],
)
def test_a_question_that_names_its_topic_stands_alone(text: str) -> None:
    assert self_contained(text, [FILTER]) == text


def test_without_a_history_nothing_is_added() -> None:
    assert self_contained("And how often?", []) == "And how often?"


def test_a_chain_of_follow_ups_reaches_back_to_its_topic_and_no_further() -> None:
    history = [
        Turn("What colour is the museum door?", "Green."),
        FILTER,
        Turn("And how often?", "Monthly."),
    ]
    text = self_contained("Who does it?", history)
    assert "intake filter" in text and "museum" not in text and text.endswith("Who does it?")


def test_a_short_answer_is_what_a_pronoun_may_mean() -> None:
    assert "Edouard Detaille" in self_contained("Who taught him?", [Turn("Who painted it?", "Edouard Detaille.")])


def test_a_completed_question_stays_short() -> None:
    assert len(self_contained("And then?", [Turn("word " * 400, "")])) <= MAX_CHARS


def test_a_follow_up_finds_what_the_full_question_finds() -> None:
    manual = document(
        "The intake filter is cleaned every month with a soft brush.\n\n"
        "The tank is cleaned twice a year.\n\nThe housing bolts are cleaned never.\n\nThe intake canal is long.\n"
    )
    index = ListIndex([manual], HashEmbedder())
    retriever = Retriever(index, index.embedder, top_k=1, candidates=10)
    full = retriever.retrieve(Question("How often is the intake filter cleaned?"))[0].hits[0]
    follow_up = retriever.retrieve(Question("How often is it cleaned?", history=(FILTER,)))[0]
    assert follow_up.hits[0].chunk.id == full.chunk.id
    assert follow_up.search_text != "How often is it cleaned?" and follow_up.question.text == "How often is it cleaned?"
