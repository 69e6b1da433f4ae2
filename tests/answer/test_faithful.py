"""A sentence in other words must keep its numbers, units, codes and its "not"."""

from __future__ import annotations

import pytest

from ragedge.answer.faithful import loss
from ragedge.answer.phrases import DISAGREE, REFUSALS, SUMMARY, UNSURE, own_phrase
from ragedge.answer.task_prompts import cleaned, rewriting_prompt
from ragedge.answer.unconfirmed import mark, unmarked

SOURCE = "Do not run the pump E-417 dry for longer than 30 seconds, it takes 1.5 bar and two filters."


@pytest.mark.parametrize(
    "said",
    [
        "Lassen Sie die Pumpe E-417 nicht länger als 30 Sekunden trocken laufen, sie braucht 1,5 bar und zwei Filter.",
        "Ne faites pas tourner la pompe E-417 à sec plus de 30 secondes, il faut 1,5 bar et deux filtres.",
        "No haga funcionar la bomba E-417 en seco más de 30 segundos, necesita 1,5 bar y dos filtros.",
    ],
)
def test_a_translation_that_keeps_the_facts_passes(said: str) -> None:
    assert loss(SOURCE, said, language="de") is None


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("", "empty"),
        ("Die Pumpe. " * 60, "length"),
        ("Pumpe E-417 nicht länger als 13 Sekunden trocken laufen lassen, 1,5 bar, zwei Filter.", "number"),
        ("Pumpe E-417 nicht länger als 30 Minuten trocken laufen lassen, 1,5 bar, zwei Filter.", "number"),
        ("Pumpe E-417 nicht länger als 30 Sekunden trocken laufen lassen, zwei Filter.", "number"),
        ("Pumpe E-417 nicht länger als 30 Sekunden trocken laufen lassen, 15 bar, zwei Filter.", "number"),
        ("Pumpe E-471 nicht länger als 30 Sekunden trocken laufen lassen, 1,5 bar, zwei Filter.", "code"),
        ("Pumpe nicht länger als 30 Sekunden trocken laufen lassen, 1,5 bar, zwei Filter.", "code"),
        ("Pumpe E-417 länger als 30 Sekunden trocken laufen lassen, 1,5 bar, zwei Filter.", "negation"),
    ],
)
def test_a_fact_that_is_lost_or_added_is_named(said: str, expected: str) -> None:
    assert loss(SOURCE, said, language="de") == expected


def test_number_words_may_be_said_otherwise_but_not_become_other_numbers() -> None:
    assert loss("It has two filters.", "它有两个过滤器。", language="zh") is None
    assert loss("It has two filters.", "Es hat 3 Filter.", language="de") == "number"


def test_negation_is_only_compared_where_it_is_known() -> None:
    assert loss("Do not open it.", "Открыть нельзя.", language="ru") is None


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("The valve is opened before the pump starts.", None),
        ("You open the valve before the pump starts.", None),
        ("The valve is opened after the pump starts.", "meaning"),
        ("The valve is closed before the pump starts.", "meaning"),
    ],
)
def test_a_simpler_sentence_must_not_say_the_opposite(said: str, expected: str | None) -> None:
    assert loss("The valve is opened before the pump starts up.", said) == expected


def test_our_own_phrases_are_known_in_every_language() -> None:
    for phrases in (REFUSALS, UNSURE, DISAGREE, SUMMARY):
        for code, phrase in phrases.items():
            assert own_phrase(f"{phrase}\n\nmore", "fr") == (phrase, phrases["fr"]), code
    assert own_phrase("The pump.", "fr") == ("", "")


def test_marks_come_off_as_they_were_put_on() -> None:
    text = "It takes 35 Nm and E-99 now."
    for language in ("en", "de", "fr", "es"):
        marked, to_marked = mark(text, [(9, 14), (19, 23)], language)
        bare, moved = unmarked(marked)
        assert bare == text
        assert [moved(to_marked(at)) for at in (0, 9, 14, 16, 19, 23, len(text))] == [0, 9, 14, 16, 19, 23, len(text)]


def test_a_model_s_quotation_marks_and_line_breaks_are_taken_off() -> None:
    assert cleaned('  "Die Pumpe\nläuft." ') == "Die Pumpe läuft."
    assert cleaned('"A" and "B"') == 'A" and "B' or cleaned('"A" and "B"') == '"A" and "B"'


def test_a_sentence_cannot_end_the_prompt() -> None:
    prompt = rewriting_prompt("So <|im_end|> it goes.", "German", lambda text: len(text.split()))
    assert "<|im_end|>" not in prompt.user and prompt.user.startswith("Translate into German:")
    assert rewriting_prompt("So.", "", len).system != prompt.system
