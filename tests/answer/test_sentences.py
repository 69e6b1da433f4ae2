"""Sentences and content words: exact spans, no cut in the wrong place, linear time."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragedge.answer.sentences import MAX_UNIT_CHARS, content_words, sentence_spans


def units(text: str) -> list[str]:
    return [text[a:b] for a, b in sentence_spans(text)]


@pytest.mark.parametrize(
    "sentence",
    [
        "Use a mild soap, e.g. Castile soap, and rinse.",
        "Order part No. 4 from the list.",
        "The gasket is 12.5 mm thick.",
        "Part 4.510.210 replaces the old seal.",
        "Dr. Smith signed the report on p. 12 of the file.",
        "Die Pumpe wird am 3. Mai geprüft.",
        "Die 2. Pumpe steht im 3. Raum.",
        "Das Haus stammt aus dem 19. Jahrhundert und steht noch.",
        "Filter, z. B. Sand, entfernen, d. h. spülen.",
        "See Fig. 3 and Abb. 7 for the wiring.",
        "It was built by J. R. Tolman in Bath.",
        "The pressure (approx. 3 bar) must hold.",
        "Visit www.example.org for more.",
        "The plate of J. Marlow hangs here.",
    ],
)
def test_full_stops_inside_a_sentence_do_not_split_it(sentence: str) -> None:
    following = "Then close the valve."
    assert units(sentence) == [sentence]
    assert units(f"{sentence} {following}") == [sentence, following]


def test_sentences_are_split_at_their_ends() -> None:
    assert units("Open it. Is it wet? Dry it! Done.") == ["Open it.", "Is it wet?", "Dry it!", "Done."]
    assert units('He said "stop." Then he left.') == ['He said "stop."', "Then he left."]
    assert units("Set it to 12. Then start it in 2019. Wait.") == ["Set it to 12.", "Then start it in 2019.", "Wait."]
    assert units("水を入れる。蓋を閉める。") == ["水を入れる。", "蓋を閉める。"]
    assert units("¿Dónde está? ¡Aquí!") == ["¿Dónde está?", "¡Aquí!"]
    assert units("Turn to position B. Then wait.") == ["Turn to position B.", "Then wait."]
    assert units("No. Use water.") == ["No.", "Use water."]


def test_wrapped_lines_stay_one_sentence() -> None:
    text = (
        "The generator must be switched off and left to cool\nfor ten minutes before the Filter housing is "
        "opened, and the\nfuel tap closed. Then remove the cap."
    )
    assert units(text) == [text.split(" Then")[0], "Then remove the cap."]


def test_list_items_rows_headings_and_fields_are_units_of_their_own() -> None:
    text = (
        "# Care\n- wipe it down\n- oil the chain\n1. Open the lid\n2. Drain\nCode | Cause\nE-417 | low flow\nMaker: Ana"
    )
    assert units(text) == text.split("\n")


def test_a_heading_above_prose_is_not_part_of_its_first_sentence() -> None:
    text = "Torque settings\nTighten the four housing bolts crosswise to 12.5 Nm with the small wrench."
    assert units(text) == text.split("\n")


def test_a_numbered_item_is_not_cut_after_its_number() -> None:
    assert units("12. Close the valve. Wait.") == ["12. Close the valve.", "Wait."]


@given(st.text(alphabet=st.sampled_from(" \n\tab.A1?!-|:(é。e.g"), max_size=200))
def test_spans_are_ordered_stripped_and_hold_every_character(text: str) -> None:
    spans = sentence_spans(text)
    covered = set()
    last = 0
    for start, end in spans:
        assert last <= start < end <= len(text)
        assert text[start:end] == text[start:end].strip()
        covered.update(range(start, end))
        last = end
    assert all(text[i].isspace() for i in range(len(text)) if i not in covered)


def test_text_without_an_end_is_bounded_and_fast() -> None:
    started = time.perf_counter()
    spans = sentence_spans("word " * 100_000 + "." * 50_000 + " " * 50_000 + "a. " * 50_000)
    assert max(b - a for a, b in spans) <= MAX_UNIT_CHARS
    assert time.perf_counter() - started < 5.0


def test_content_words_fold_case_width_and_plurals_and_drop_stop_words() -> None:
    assert content_words("The Filters of the PUMP are washed") == ["filter", "pump", "washed"]
    assert content_words("batteries boxes glass bus") == ["battery", "box", "glass", "bus"]
    assert content_words("\uff26ilter ﬁt") == ["filter", "fit"]
    assert content_words("Welche Farbe hat die Pumpe?") == ["farbe", "pumpe"]
    assert content_words("¿Cuándo se limpia el filtro?") == ["limpia", "filtro"]
    assert content_words("Quel est le prix de l'eau ?") == ["prix", "eau"]


def test_words_of_scripts_with_vowel_signs_stay_whole() -> None:
    assert content_words("क्लोरोप्लास्ट का डीएनए") == ["क्लोरोप्लास्ट", "का", "डीएनए"]
    assert content_words("cafe\u0301 مُحَمَّد") == ["café", "مُحَمَّد"]


def test_content_words_keep_numbers_and_identifiers_whole() -> None:
    assert content_words("E-417 at 12.5 bar, part 4.510.210") == ["e-417", "12.5", "bar", "part", "4.510.210"]
    assert content_words("12mm water-resistant 10-year") == ["12", "mm", "water", "resistant", "10", "year"]
    assert content_words("水を入れる") == ["水を", "を入", "入れ", "れる"]


def test_the_rows_of_a_table_that_a_pdf_gave_as_lines_are_units_of_their_own() -> None:
    rows = [
        "Raw-water pump, casing bolts M8 x 30 18 N·m crosswise",
        "Raw-water pump, foot bolts M10 x 35 38 N·m -",
        "Raw-water pump, suction flange M8 x 25 16 N·m new gasket",
        "Raw-water pump, delivery flange M8 x 25 14 N·m new gasket",
    ]
    text = "\n".join(rows)
    assert [text[a:b] for a, b in sentence_spans(text)] == rows


def test_wrapped_prose_with_numbers_stays_whole() -> None:
    text = (
        "Oiled threads need 15 % less. A casing bolt of size M8 on the raw-water pump takes\n"
        "18 N·m, but the bolts of its delivery flange only 14 N·m, because the flange of the\n"
        "AQ-40 is made of plastic that gives way at 20 N·m."
    )
    assert len(sentence_spans(text)) == 2
