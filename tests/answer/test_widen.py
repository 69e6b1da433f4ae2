"""Labels come with the sentence they name, and tables of contents are no evidence."""

from __future__ import annotations

import pytest

from ragedge.answer.units import is_contents
from tests.answer.passages import evidence_for
from tests.fakes import document, documents_pages

FAULT = """E-417 MEMBRANE PRESSURE (stop)
The membrane pressure has reached 2.0 bar and the unit has stopped.
Cause: The warning E-415 was ignored for too long.
Remedy: Backwash by hand twice and clean with citric acid."""
TABLE = """Position Torque
Pump casing bolts 18 Nm crosswise
Pump foot bolts 38 Nm plain
Pump flange bolts 14 Nm gasket"""


def test_a_label_comes_with_the_sentences_below_it() -> None:
    best = evidence_for("What does E-417 mean?", document(FAULT, path="f.txt"))[0]
    assert best.text.startswith("E-417 MEMBRANE PRESSURE (stop)\nThe membrane pressure has reached 2.0 bar")
    assert best.text.endswith("for too long.")
    assert FAULT[best.span.start : best.span.end] == best.text


def test_a_how_to_question_gets_the_remedy_below_a_label_too() -> None:
    best = evidence_for("How do I get rid of E-417?", document(FAULT, path="f.txt"))[0]
    assert best.text == FAULT


BLOCK = """P2 runs, but no stroke is counted.
Cause: Air in the head, or a torn diaphragm.
Remedy: Prime P2 and look whether the head drips.
E-507 DOSING AIR (warning)
Every third stroke is empty."""


def test_a_fault_told_in_a_sentence_comes_with_its_remedy_where_a_how_to_is_asked() -> None:
    source = document(BLOCK, path="b.txt")
    best = evidence_for("What should I do when P2 runs but no stroke is counted?", source)[0]
    assert best.text == BLOCK.split("\nE-507")[0]
    assert evidence_for("Is no stroke of P2 counted?", source)[0].text == "P2 runs, but no stroke is counted."


STEPS = """The fuel line must be bled after the tank ran dry.
1. Open the fuel tap.
2. Loosen the screw until fuel comes out."""


def test_numbered_steps_right_below_a_sentence_belong_to_it_where_a_how_to_is_asked() -> None:
    asked = "How do I bleed the fuel line after the tank ran dry?"
    assert evidence_for(asked, document(STEPS, path="s.txt"))[0].text == STEPS
    bullets = STEPS.replace("1.", "-").replace("2.", "-")
    assert evidence_for(asked, document(bullets, path="s.txt"))[0].text == STEPS.splitlines()[0]


def test_widening_ends_at_a_heading() -> None:
    text = "Pump foot bolts\n\n# Noise\n\nThe pump gives 71 dB at full load."
    assert evidence_for("Which pump foot bolts?", document(text, path="n.md"))[0].text == "Pump foot bolts"


def test_a_table_row_stays_one_row() -> None:
    best = evidence_for("How tight are the pump foot bolts?", document(TABLE, path="t.txt"))[0]
    assert best.text == "Pump foot bolts 38 Nm plain"


def test_a_whole_sentence_is_not_widened() -> None:
    text = "The lamp is replaced every year. The sleeve is cleaned every month."
    assert evidence_for("When is the lamp replaced?", document(text))[0].text == "The lamp is replaced every year."


CONTENTS = "\n".join(["Contents", *[f"{i} Chapter about pumps {i * 3}" for i in range(1, 12)], "Manual", "v"])


def test_a_table_of_contents_is_no_evidence() -> None:
    source = documents_pages((CONTENTS, "Pumps are drained before winter."), media_type="application/pdf")
    found = evidence_for("Which chapter is about pumps?", source)
    assert {item.span.page for item in found} == {2}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (CONTENTS, True),
        ("\n".join(f"{i}.1 Storage ..... {i * 2}" for i in range(1, 12)), True),
        ("\n".join(f"4.510.{i} O-ring, {i} x 4 mm {1 + i % 3}" for i in range(210, 230)), False),
        ("\n".join(f"{i}. Tighten bolt {i} with 12 Nm" for i in range(1, 12)), False),
        ("The unit weighs 40 kg and was made in 1998.\n" * 12, False),
        ("", False),
    ],
)
def test_contents_are_told_from_part_lists_and_steps(text: str, expected: bool) -> None:
    assert is_contents(text) is expected
