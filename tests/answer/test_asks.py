"""Question words ask; conjunctions and pronouns that look like them do not."""

from __future__ import annotations

import pytest

from ragedge.answer.asks import kind_of


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("When was the mill built?", "time"),
        ("Until when is the tower open?", "time"),
        ("The mill burned down. When did that happen?", "time"),
        ("What should I do when the pump runs dry?", "how_to"),
        ("When I close the tap, which way does the lever point?", "any"),
        ("Is the battery covered when it loses capacity?", "yes_no"),
        ("What shows the gauge when the unit is running?", "any"),
        ("Who cast the bell?", "person"),
        ("By whom was the bell cast?", "person"),
        ("What do I do for somebody who is bleeding?", "how_to"),
        ("Where do I park?", "place"),
        ("Which is the valve where the pipe ends?", "any"),
        ("What deposit do we take for a bike?", "number"),
        ("Which part number has the lamp?", "number"),
        ("What does a family ticket cost?", "number"),
        ("price of R23", "number"),
        ("How steep may the ramp be?", "number"),
        ("What is the puzzle jug made of?", "any"),
        ("Que faire quand la pompe tourne \u00e0 vide ?", "any"),
        ("Quand est-ce que le moulin ouvre ?", "time"),
        ("Wann \u00f6ffnet die M\u00fchle?", "time"),
        ("O\u00f9 est la pompe ?", "place"),
    ],
)
def test_the_kind_follows_from_the_question_word(question: str, kind: str) -> None:
    assert kind_of(question) == kind
