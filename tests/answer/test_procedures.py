"""The steps that a how-to question names go before what only mentions the matter."""

from __future__ import annotations

from tests.answer.passages import evidence_for
from tests.fakes import document

PLAN = document("Change the filter bag at 0.7 bar. Change the filter bag in spring.", path="plan.md", title="Plan")
MANUAL = document(
    "# Changing the filter bag\n\n1. Stop the unit and close the inlet.\n2. Lift out the old one.\n\n"
    "# Noise\n\n1. Wear ear protection.",
    path="manual.md",
    title="Manual",
)
DRY = document(
    "# Dosing\n\nReplace the diaphragm every year.\n\n1. Put the hose into water.\n2. Unscrew the head.",
    path="dry.md",
    title="Dosing",
)


def test_steps_below_the_heading_that_names_the_task_go_first_and_whole() -> None:
    best = evidence_for("How do I change the filter bag?", PLAN, MANUAL)[0]
    assert best.text == "1. Stop the unit and close the inlet.\n2. Lift out the old one."


def test_another_question_about_it_gets_the_line_that_says_so() -> None:
    assert evidence_for("When do I change the filter bag?", PLAN, MANUAL)[0].text.startswith("Change the filter bag")


def test_steps_below_another_heading_are_no_answer() -> None:
    assert "ear protection" not in evidence_for("How do I change the filter bag?", PLAN, MANUAL)[0].text
    assert evidence_for("How do I bend the lever?", PLAN, MANUAL)[0].text.count("\n") <= 1


def test_a_sentence_that_introduces_steps_comes_with_them() -> None:
    best = evidence_for("How do I replace the diaphragm?", DRY, PLAN)[0]
    assert best.text.startswith("Replace the diaphragm") and best.text.endswith("2. Unscrew the head.")


def test_a_sentence_above_another_heading_introduces_no_steps() -> None:
    plan = document("Change the filter bag every spring.\n\n# Noise\n\n1. Wear ear protection.", path="noise.md")
    told = document("# Changing the filter bag\n\n1. Stop the unit.\n2. Lift out the old one.", path="how.md")
    assert evidence_for("How do I change the filter bag?", plan, told)[0].text.startswith("1. Stop the unit.")
