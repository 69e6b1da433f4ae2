"""Made questions: each kind is made, its span is exact, wording varies with the seed, ambiguous ones are left out."""

from __future__ import annotations

import pytest

from ragedge.calibration.fields import is_field
from ragedge.calibration.making import make_questions
from ragedge.calibration.sections import Section, language_of, pieces_of, sections_of
from ragedge.calibration.verbs import base_of_gerund, base_of_past
from ragedge.contracts import Block, Page

PUMP = """# Pump P1

- Manufacturer: Lindqvist Works
- Weight: 12 kg
- Supply voltage: 24 V

## Cleaning the strainer

1. Stop the unit.
2. Close valve V1.
3. Rinse the strainer under clear water.

## Facts

The pump house was built in 1967 by Ebbe Torvald. A strainer is a basket of steel mesh that holds leaves back.
If the pressure falls below 2 bar, stop the pump at once. Tighten the four lid bolts crosswise with 45 Nm.
Do not use grease, because grease swells the seal. The house has 14 windows.
You must wear gloves in the chlorine room.

| Part | Torque | Interval |
|---|---|---|
| Lid bolt | 45 Nm | 2 years |
| Base bolt | 80 Nm | 4 years |
"""


def questions(text: str = PUMP, **settings: object) -> list:
    sections = sections_of("d1", "Pump P1", [Page(1, None, text)])
    return make_questions(sections, everyday_share=0.0, **settings)


def test_every_span_is_the_quote_in_the_page() -> None:
    made = questions()
    assert len(made) >= 12
    for question in made:
        assert PUMP[question.span.start : question.span.end] == question.quote
        assert question.document_id == "d1" and question.span.page == 1


def test_every_kind_is_made_from_the_line_that_holds_its_answer() -> None:
    by_kind = {}
    for question in questions():
        by_kind.setdefault(question.kind, []).append(question)
    assert {q.answer for q in by_kind["record"]} == {"Lindqvist Works", "12 kg", "24 V"}
    assert all("Pump P1" in q.question for q in by_kind["record"])
    assert {q.quote.split("|")[1].strip() for q in by_kind["row"]} == {"Lid bolt", "Base bolt"}
    steps = [q for q in by_kind["steps"] if "clean the strainer" in q.question]
    assert steps and all(q.quote.startswith("1. Stop") and q.quote.endswith("clear water.") for q in steps)
    assert any("below 2 bar" in q.question and "stop the pump" in q.answer for q in by_kind["condition"])
    assert any("14" in q.answer and "windows" in q.question for q in by_kind["number"])


def test_a_question_does_not_give_its_own_answer_away() -> None:
    for question in questions():
        if question.kind in ("record", "date", "number", "value"):
            assert question.answer and question.answer not in question.question


def test_same_seed_same_questions_and_another_seed_other_words() -> None:
    assert questions(seed=3) == questions(seed=3)
    assert [q.question for q in questions(seed=3)] != [q.question for q in questions(seed=4)]


def test_a_question_that_two_places_answer_is_left_out() -> None:
    twins = [Section(f"d{i}", "Gate", ("Lamp",), 1, 0, f"Weight: {i} kg") for i in (1, 2)]
    kept = [make_questions(twins, seed=seed, everyday_share=0.0) for seed in range(30)]
    assert all(len({q.question.casefold() for q in made}) == len(made) for made in kept)
    assert any(not made for made in kept)  # both drew the same wording


def test_limit_gives_every_kind_and_document_its_turn() -> None:
    sections = [*sections_of("d1", "Pump P1", [Page(1, None, PUMP)])]
    sections += [Section(f"r{i}", f"Object {i}", (), 1, 0, f"Weight: {i} kg\nPrice: {i} Euro") for i in range(40)]
    made = make_questions(sections, limit=24, everyday_share=0.0)
    assert len(made) == 24
    records = [q.document_id for q in made if q.kind == "record"]
    assert len(records) == len(set(records))  # no document twice before all had their turn
    assert {"row", "steps", "condition"} <= {q.kind for q in made}


def test_everyday_wording_changes_words_but_not_spans() -> None:
    plain, other = questions(), make_questions(sections_of("d1", "Pump P1", [Page(1, None, PUMP)]), everyday_share=1.0)
    assert {q.span for q in plain} & {q.span for q in other}
    assert {q.question for q in plain} != {q.question for q in other}


def test_sections_follow_blocks_and_headings_reach_over_pages() -> None:
    first = Page(1, None, "Torques\nUse a key.", blocks=(Block("heading", 0, 7, 1), Block("text", 8, 18)))
    second = Page(2, None, "Go on here.", blocks=(Block("text", 0, 11),))
    found = list(sections_of("d", "Manual", [first, second]))
    assert [(s.headings, s.page, s.text.strip()) for s in found] == [
        (("Torques",), 1, "Use a key."),
        (("Torques",), 2, "Go on here."),
    ]
    assert [first.text[s.start + p.start : s.start + p.end] for s in found[:1] for p in pieces_of(s)] == ["Use a key."]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Die Pumpe ist nicht mit dem Netz verbunden und wird von Hand gestartet.", "de"),
        ("La pompe est dans la cave et ne doit pas être ouverte par le client.", "fr"),
        ("La bomba no se debe abrir por el cliente y está en el sótano con las llaves.", "es"),
        ("The pump is in the cellar.", "en"),
        ("45 Nm", "en"),
    ],
)
def test_language_is_told_by_its_commonest_words(text: str, language: str) -> None:
    assert language_of(text) == language


def test_records_in_german_are_asked_in_german() -> None:
    text = "Gewicht: 12 kg\n\nDie Glocke hing an der Mole und wurde von Hand geläutet, wenn der Nebel kam."
    made = make_questions([Section("d", "Hafenglocke", (), 1, 0, text)], everyday_share=0.0)
    record = next(q for q in made if q.kind == "record")
    assert record.language == "de" and "Gewicht" in record.question and "What" not in record.question


@pytest.mark.parametrize(
    ("form", "base"), [("opened", "open"), ("wrote", "write"), ("stopped", "stop"), ("tried", "try"), ("table", "")]
)
def test_base_of_past(form: str, base: str) -> None:
    assert base_of_past(form) == base


@pytest.mark.parametrize(
    ("form", "base"), [("cleaning", "clean"), ("removing", "remove"), ("stopping", "stop"), ("building", "")]
)
def test_base_of_gerund(form: str, base: str) -> None:
    assert base_of_gerund(form) == base


@pytest.mark.parametrize("line", ["Note: wear gloves", "see https://example.org", "And then: nothing", "no colon here"])
def test_what_is_no_field(line: str) -> None:
    assert is_field(line) is None


def test_nothing_is_made_of_nothing() -> None:
    assert make_questions([]) == []
    assert make_questions([Section("d", "", (), 1, 0, "   \n ")]) == []


def test_a_row_read_as_fields_is_asked_by_its_first_cell() -> None:
    text = "Part: Lid bolt; Torque: 45 Nm; Interval: 2 years\nPart: Base bolt; Torque: 80 Nm; Interval: 4 years"
    everything = make_questions([Section("d", "Torques", (), 1, 0, text)], everyday_share=0.0)
    made = [q for q in everything if q.kind != "heading"]
    assert {q.kind for q in made} == {"row"} and len(made) == 2
    assert all(name in q.question or q.answer == name for q, name in zip(made, ("Lid bolt", "Base bolt"), strict=True))
    assert all(";" not in q.answer for q in made)
