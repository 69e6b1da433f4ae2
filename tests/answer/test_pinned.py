"""Reviewed answers: the file read strictly, and matched to a question only where it surely asks the same."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from ragedge.answer.locate import locate
from ragedge.answer.pinned import PinnedAnswers, PinnedSource, load_pinned
from ragedge.answer.same_question import asked, is_same_question
from ragedge.errors import ConfigError

GOOD = """
[[answer]]
questions = ["When is the museum open?", "opening hours"]
text = "Daily from 10 to 17."
source = {path = "visit.md", page = 1, quote = "Open 10-17"}
valid_from = 2026-01-01
valid_until = 2026-06-30
reviewed_by = "front desk"

[[answer]]
questions = ["When is the museum open?"]
text = "Daily from 9 to 18."
source = {path = "visit.md"}
valid_from = 2026-07-01
"""


def load(folder: Path, text: str, day: date = date(2026, 3, 1)) -> PinnedAnswers:
    path = folder / "pinned.toml"
    path.write_text(text, encoding="utf-8")
    return load_pinned(path, today=lambda: day)


def same(typed: str, written: str, *known: str) -> bool:
    return is_same_question(asked(typed), asked(written), lambda word: word in known)


# ---------------------------------------------------------------------------------------------- the same question


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("when is the museum open", "When is the museum open?"),
        ("  WHEN IS THE MUSEUM OPEN ?? ", "When is the museum open?"),
        ("When are the museums open?", "When is the museum open?"),
        ("What torque for the pump head bolts?", "pump head bolt torque"),
        ("What's the torque of the pump head bolts?", "What is the torque of the pump head bolts?"),
        ("How can I reset the pump?", "How do I reset the pump?"),
        ("how to reset the pump", "How do I reset the pump?"),
        ("What does E417 mean?", "What does E-417 mean?"),
        ("What does e-417 mean?", "What does E-417 mean?"),
        ("What are the openning hours?", "What are the opening hours?"),
        ("What are the opneing hours?", "What are the opening hours?"),
        ("What are the openin hours?", "What are the opening hours?"),
        ("Where is valve B?", "Where is the valve B?"),
        ("Wann hat das Museum geöffnet?", "wann hat das museum geöffnet"),
        ("ﬁlter change", "Filter change?"),
        ("How much is 5kg of salt?", "How much is 5 kg of salt?"),
    ],
)
def test_case_marks_plurals_empty_words_and_one_typo_do_not_matter(typed: str, written: str) -> None:
    assert same(typed, written)
    assert same(written, typed)


@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("When is the museum closed?", "When is the museum open?"),
        ("Where is the museum open?", "When is the museum open?"),
        ("Who was the director?", "Who is the director?"),
        ("Why do I drain the pump?", "How do I drain the pump?"),
        ("Must I drain the pump?", "May I drain the pump?"),
        ("Can I not drain the pump?", "Can I drain the pump?"),
        ("Can't I drain the pump?", "Can I drain the pump?"),
        ("Can I run the pump without water?", "Can I run the pump with water?"),
        ("What do I do before the frost?", "What do I do after the frost?"),
        ("How do I turn the pump off?", "How do I turn the pump on?"),
        ("What does E-471 mean?", "What does E-417 mean?"),
        ("What does E-41 mean?", "What does E-417 mean?"),
        ("torque of the M8 bolts", "torque of the M10 bolts"),
        ("dose for 15 kg", "dose for 1.5 kg"),
        ("dose for 15 kg", "dose for 15 g"),
        ("store it at -5 °C", "store it at 5 °C"),
        ("Where is valve C?", "Where is valve D?"),
        ("Is valve A open?", "Is a valve open?"),
        ("Where is valve B?", "Where is the valve?"),
        ("flow from tank to pump", "flow from pump to tank"),
        ("How do I convert bar to psi?", "How do I convert psi to bar?"),
        ("Does the pump feed the filter?", "Does the filter feed the pump?"),
        ("lift hook", "left hook"),
        ("unheated pipes", "heated pipes"),
        ("What are the openning huors?", "What are the opening hours?"),
        ("opening hours on Monday", "opening hours"),
        ("what", "what?is it"),
        ("", ""),
    ],
)
def test_what_may_ask_for_another_answer_is_another_question(typed: str, written: str) -> None:
    assert not same(typed, written)
    assert not same(written, typed)


def test_a_word_of_the_documents_is_no_typing_error() -> None:
    assert same("Where is the value?", "Where is the valve?")
    assert not same("Where is the value?", "Where is the valve?", "value")


# ---------------------------------------------------------------------------------------------- the file


def test_a_file_is_read_with_all_its_keys(tmp_path: Path) -> None:
    first, second = load(tmp_path, GOOD).answers
    assert (first.number, first.questions) == (1, ("When is the museum open?", "opening hours"))
    assert first.source == PinnedSource("visit.md", 1, "Open 10-17")
    assert (first.valid_from, first.valid_until) == (date(2026, 1, 1), date(2026, 6, 30))
    assert (first.reviewed_by, second.source) == ("front desk", PinnedSource("visit.md"))


@pytest.mark.parametrize(
    ("day", "text"),
    [
        (date(2025, 12, 31), None),
        (date(2026, 1, 1), "Daily from 10 to 17."),
        (date(2026, 6, 30), "Daily from 10 to 17."),
        (date(2026, 7, 1), "Daily from 9 to 18."),
        (date(2099, 1, 1), "Daily from 9 to 18."),
    ],
)
def test_an_answer_is_given_in_its_time_only(tmp_path: Path, day: date, text: str | None) -> None:
    answers = load(tmp_path, GOOD, day)
    for question in ("When is the museum open?", "when are museums open"):
        found = answers.find(question)
        assert (found.text if found else None) == text


def test_every_variant_finds_the_answer(tmp_path: Path) -> None:
    found = load(tmp_path, GOOD).find("The opening hours, please")
    assert found is not None and found.number == 1


TWO = """
[[answer]]
questions = ["paint room"]
text = "Room 3"
source = {path = "a"}
[[answer]]
questions = ["print room"]
text = "Room 4"
source = {path = "a"}
"""


def test_between_two_near_answers_the_right_word_decides_and_a_typo_of_both_finds_none(tmp_path: Path) -> None:
    answers = load(tmp_path, TWO)
    print_room = answers.find("Print rooms")
    assert print_room is not None and print_room.text == "Room 4"
    assert answers.find("pront room") is not None
    assert answers.find("pint room") is None, "four letters: one of them makes another word"
    assert answers.find("prait room") is None


HEAD = '[[answer]]\nquestions = ["q one"]\ntext = "t"\n'
SOURCE = 'source = {path = "p"}\n'


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        (HEAD + SOURCE + "valid_untill = 2026-01-01", 'unknown key "valid_untill" in answer 1', '"valid_until"'),
        (HEAD + 'source = {path = "p", pages = 1}', 'unknown key "pages"', '"page"'),
        ("[[answers]]", 'unknown key "answers"', '"answer"'),
        ("answer = 3", "must hold", "[[answer]]"),
        (HEAD, 'needs a "source"', "source = {"),
        (HEAD + 'source = {path = "p", page = 0}', '"page"', "count from 1"),
        (HEAD + 'source = {path = "p", page = true}', '"page"', "count from 1"),
        (HEAD + 'source = {page = 1}', '"path"', "not empty"),
        ('[[answer]]\nquestions = "q"\ntext = "t"\n' + SOURCE, '"questions"', "questions = ["),
        ('[[answer]]\nquestions = ["?!"]\ntext = "t"\n' + SOURCE, "without any word", "write"),
        ('[[answer]]\nquestions = ["q"]\ntext = " "\n' + SOURCE, '"text"', "not empty"),
        ('[[answer]]\nquestions = ["q"]\ntext = "a\\u001b[2J"\n' + SOURCE, "control characters", "plain"),
        (HEAD + SOURCE + 'valid_from = "2026-01-01"', '"valid_from"', "without quotes"),
        (HEAD + SOURCE + "valid_from = 2026-01-01T10:00:00", '"valid_from"', "without quotes"),
        (HEAD + SOURCE + "valid_from = 2026-02-01\nvalid_until = 2026-01-01", "ends before", "later"),
        (HEAD + SOURCE + HEAD + SOURCE, "answer the same question", "overlap"),
        ("a = = b", "cannot be read", "line"),
    ],
)  # fmt: skip
def test_a_wrong_key_or_value_is_named_with_its_answer(tmp_path: Path, text: str, message: str, hint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_a_missing_or_huge_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no file"):
        load_pinned(tmp_path / "none.toml")
    with pytest.raises(ConfigError, match="larger"):
        load(tmp_path, "#" * 5_000_000)


# ---------------------------------------------------------------------------------------------- quotes


def test_a_quote_is_found_across_line_breaks_and_gives_an_exact_span() -> None:
    text = "Intro. The ﬁlter is\nchanged every 30 days. End."
    at = locate("The filter is changed every 30 days.", text)
    assert at is not None and text[at[0] : at[1]] == "The ﬁlter is\nchanged every 30 days."


@pytest.mark.parametrize(
    ("quote", "text"),
    [
        ("2 bar", "at 12 bar"), ("1.5 bar", "at 15 bar"), ("pump", "pumps"), ("", "text"), ("...", "text."),
        ("-5 °C", "5 °C"), ("3 days", "30 days"),
    ],
)  # fmt: skip
def test_a_quote_with_another_number_or_half_a_word_is_not_there(quote: str, text: str) -> None:
    assert locate(quote, text) is None


def test_a_later_right_place_is_found_behind_a_wrong_one() -> None:
    text = "at 12 bar, then at 2\nbar"
    at = locate("2 bar", text)
    assert at is not None and text[at[0] : at[1]] == "2\nbar"
