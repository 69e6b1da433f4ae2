"""Sources that disagree are found where it is plain, and nowhere else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ragedge.answer.conflict import Conflict, find_conflict
from ragedge.answer.phrases import DISAGREE, UNSURE, in_language
from ragedge.answer.reader import candidates_of, rank
from tests.answer.passages import EMBEDDER, even_rarity, pages_of, retrieval_of
from tests.fakes import document


def conflict(question: str, first: str, second: str, *, titles: tuple[str, str] = ("A", "B")) -> Conflict | None:
    documents = [
        document(text, path=f"{title}.txt", title=title) for text, title in zip((first, second), titles, strict=True)
    ]
    retrieval = retrieval_of(question, *documents)
    page_of = pages_of(*documents)
    candidates = candidates_of(question, retrieval, page_of=page_of, rarity=even_rarity)
    vector = EMBEDDER.embed_question(question)
    evidence = rank(candidates, page_of=page_of, embed=EMBEDDER.embed_passages, question_vector=vector)
    return find_conflict(candidates.asked, retrieval.hits, evidence)


TORQUE = "What torque for the pump head bolts?"


@pytest.mark.parametrize(
    ("question", "first", "second", "values"),
    [
        (
            TORQUE,
            "Tighten the pump head bolts with a torque of 45 Nm.",
            "The pump head bolts are tightened with a torque of 50 Nm.",
            {"45 Nm", "50 Nm"},
        ),
        (
            "When was the harbour mill built?",
            "The harbour mill was built of brick in 1871.",
            "The harbour mill was built of brick in 1902.",
            {"1871", "1902"},
        ),
        (
            "Is the harbour mill open on Mondays?",
            "The harbour mill is open to visitors on Mondays.",
            "The harbour mill is not open to visitors on Mondays.",
            {"yes", "no"},
        ),
        (
            "Is the harbour mill open on Mondays?",
            "The harbour mill is open on Mondays from 9:00 to 13:00.",
            "The harbour mill is not open on Mondays.",
            {"yes", "no"},
        ),
    ],
)
def test_two_values_for_one_thing_are_a_conflict(question: str, first: str, second: str, values: set[str]) -> None:
    found = conflict(question, first, second)
    assert found is not None and set(found.values) == values
    assert {found.first.text, found.second.text} == {first, second}


@pytest.mark.parametrize(
    ("question", "first", "second"),
    [
        # the same value, written otherwise
        (TORQUE, "Tighten the pump head bolts with 45 Nm.", "The pump head bolts take a torque of 45Nm."),
        # another thing: another part, another code, another name
        (
            TORQUE,
            "Tighten the pump head bolts with a torque of 45 Nm.",
            "Tighten the strainer lid with a torque of 20 Nm.",
        ),
        (
            "What voltage does pump need?",
            "Pump P-1 needs a supply voltage of 24 V.",
            "Pump P-2 needs a supply voltage of 12 V.",
        ),
        (
            "When was the bell cast?",
            "The great bell by Ebbe Quist was cast in the year 1788.",
            "The great bell by Anselm Prewett was cast in the year 1815.",
        ),
        (
            "What torque for the head bolts?",
            "Tighten the pump head bolts with a torque of 45 Nm.",
            "Tighten the compressor head bolts with a torque of 50 Nm.",
        ),
        # a condition, a part of the time
        (
            TORQUE,
            "Tighten the pump head bolts with a torque of 45 Nm.",
            "Since version two, tighten the pump head bolts with a torque of 50 Nm.",
        ),
        (
            "Is the harbour mill open on Mondays?",
            "The harbour mill is open on Mondays.",
            "In winter the harbour mill is not open on Mondays.",
        ),
        # another unit, several values in one, values that nobody asked for
        (TORQUE, "Tighten the pump head bolts with a torque of 45 Nm.", "The pump head bolts are 45 mm long."),
        (
            TORQUE,
            "Tighten the pump head bolts with a torque of 45 Nm.",
            "Tighten the pump head bolts first with 20 Nm, then with a torque of 45 Nm.",
        ),
        (
            "How do I tighten the pump head bolts?",
            "Tighten the pump head bolts with a torque of 45 Nm.",
            "Tighten the pump head bolts with a torque of 50 Nm.",
        ),
        # off the topic altogether
        (
            "What does a ticket cost?",
            "Tighten the pump head bolts with 45 Nm.",
            "Tighten the pump head bolts with 50 Nm.",
        ),
    ],
)
def test_what_is_no_conflict(question: str, first: str, second: str) -> None:
    assert conflict(question, first, second) is None


def test_nothing_conflicts_with_nothing() -> None:
    candidates = candidates_of(TORQUE, retrieval_of(TORQUE), page_of=pages_of(), rarity=even_rarity)
    assert find_conflict(candidates.asked, (), ()) is None


def test_the_two_stand_first() -> None:
    found = conflict(
        TORQUE,
        "Tighten the pump head bolts with a torque of 45 Nm.",
        "The pump head bolts are tightened with a torque of 50 Nm.",
    )
    assert found is not None
    assert found.first_in((found.second, found.first)) == (found.first, found.second)


@pytest.mark.parametrize("phrases", [UNSURE, DISAGREE])
def test_each_phrase_is_there_in_six_languages(phrases: dict[str, str]) -> None:
    assert set(phrases) == {"en", "de", "fr", "es", "zh", "ar"} and len(set(phrases.values())) == 6
    assert in_language(phrases, "de-CH") == phrases["de"] and in_language(phrases, "xx") == phrases["en"]


def two_sections(first: str, second: str) -> Conflict | None:
    texts = {volts: f"The supply voltage of the pump is {volts} V." for volts in (12, 24)}
    documents = [document(text, path=f"{volts}.txt", title="Pumps") for volts, text in texts.items()]
    question = "What is the supply voltage of the pump?"
    pairs = zip(documents, (first, second), strict=True)
    one, other = (retrieval_of(question, d, headings=(heading,)).hits[0] for d, heading in pairs)
    retrieval = retrieval_of(question, *documents)
    retrieval = replace(retrieval, hits=(one, other))
    page_of = pages_of(*documents)
    candidates = candidates_of(question, retrieval, page_of=page_of, rarity=even_rarity)
    return find_conflict(candidates.asked, retrieval.hits, rank(candidates, page_of=page_of))


def test_headings_that_number_a_series_mean_different_things() -> None:
    assert two_sections("Pump P1", "Pump P2") is None
    assert two_sections("Manual", "Bulletin 7") is not None
