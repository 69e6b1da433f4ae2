from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragedge.answer.identifiers import find_identifiers, spellings, stands_in
from ragedge.search.query import MAX_WORDS, analyse


def test_stop_words_of_four_languages_are_left_out() -> None:
    assert analyse("What is the torque of the wheel nuts?").words == ("torque", "wheel", "nuts")
    assert analyse("Wann wird der Filter gewechselt?").words == ("filter", "gewechselt")
    assert analyse("Où est le robinet ?").words == ("robinet",)
    assert analyse("¿Dónde está la bomba?").words == ("bomba",)


def test_a_question_of_stop_words_alone_keeps_them() -> None:
    assert analyse("to be or not to be").words == ("to", "be", "or", "not")


def test_quoted_text_is_a_phrase() -> None:
    query = analyse('What does "no flow" mean, and „kein Durchfluss“?')
    assert query.phrases == ("no flow", "kein Durchfluss")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "How far ahead must I ask for the wheel nuts?",
            ("far ahead", "ahead must i ask", "ask for the wheel", "wheel nuts"),
        ),
        ("Wann muss die Pumpe für Salzwasser gewartet werden?", ("pumpe für salzwasser", "salzwasser gewartet")),
        ("Où est le robinet d'eau potable ?", ("robinet d'eau", "eau potable")),
        ("the pump's oil filter", ("pump's oil", "oil filter")),
        ("물 펌프 교체", ("물 펌프", "펌프 교체")),
        ("Filters, pumps; valves. Hoses", ()),
        ("the pump E-417 valve", ()),
        ("pump, and what is in it of the valve", ()),
        ("pump or not to be in valve", ()),
        ("air-filter 'air filter'", ("air-filter", "filter 'air", "air filter")),
        ("to be or not to be", ()),
    ],
)
def test_words_that_follow_each_other_are_pairs_with_the_stop_words_between(
    text: str, expected: tuple[str, ...]
) -> None:
    assert analyse(text).pairs == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("What does E-417 mean?", ("E-417",)),
        ("price of part 4.510.210 please", ("4.510.210",)),
        ("Tell me about object 1923.14.", ("1923.14",)),
        ("M8 x 40 bolts at 45 Nm", ("M8 x 40", "45 Nm")),
        ("The screen says CFOL007", ("CFOL007",)),
        ("Who must file form 8288?", ("8288",)),
        ("Which of the two books of 1839 is older?", ()),
        ("the 2nd of 3 steps in the 1900s", ()),
        ("an eight-year or 8-year term", ()),
    ],
)
def test_codes_are_identifiers_and_years_and_small_numbers_are_not(text: str, expected: tuple[str, ...]) -> None:
    assert analyse(text).identifiers == expected


def test_a_code_is_looked_up_whole_and_not_by_its_digits() -> None:
    assert analyse("What is 4.510.210 for?").words == ()
    assert analyse("torque of E-417 valves").words == ("torque", "valves")


@pytest.mark.parametrize("text", ["see E417.", "fault E 417 means", "(E-417)", "e-417"])
def test_a_code_is_found_however_it_is_cut(text: str) -> None:
    assert stands_in("E-417", text)


@pytest.mark.parametrize("text", ["E-4170", "RE-417", "E-41 7 8", "417"])
def test_a_code_is_not_found_inside_another(text: str) -> None:
    assert not stands_in("E-417", text)


def test_spellings_cover_the_cuts_of_a_word_index() -> None:
    assert spellings("E-417") == ("E-417", "E417", "E 417")
    assert "M8x40" in spellings("M8 x 40")


@given(st.text(max_size=300))
def test_any_text_is_taken_apart_within_bounds(text: str) -> None:
    query = analyse(text)
    assert len(query.words) <= MAX_WORDS and len(set(query.words)) == len(query.words)
    assert all(stands_in(name, text) or name not in text for name in find_identifiers(text))
    assert all(query.words) and all(query.pairs) and all(query.phrases) and all(query.identifiers)
    assert len(query.pairs) < MAX_WORDS and len(set(query.pairs)) == len(query.pairs)


def test_a_long_pasted_text_costs_little() -> None:
    query = analyse("valve pump filter " * 20_000 + " ".join(f"word{i}" for i in range(1_000)))
    assert len(query.words) == MAX_WORDS and 0 < len(query.pairs) < MAX_WORDS
