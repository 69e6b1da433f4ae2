"""The rules by which the measure of citations rewrites and alters sentences do what their names say."""

from __future__ import annotations

import random

import pytest

from tests.recipes.altering import ALTERATIONS, Around
from tests.recipes.rewriting import REWRITES, merged

AROUND = Around(["Lumatec", "Varo"], ["Quendel"], ["77", "1904"], ["basin", "filter", "cover"])


@pytest.mark.parametrize(
    ("rule", "sentence", "expected"),
    [
        ("fewer words", "It is usually (in winter) drained by hand every day.", "It is drained by hand every day."),
        ("reordered", "When the pump stops, close the valve.", "Close the valve when the pump stops."),
        ("contracted", "You do not open it, it is hot.", "You don't open it, it is hot."),
        ("unit names", "The gap is 5 mm wide.", "The gap is 5 millimetres wide."),
        ("number format", "It holds 1,000 parts.", "It holds 1000 parts."),
        ("number format", "Wait five days.", "Wait 5 days."),
        ("clause dropped", "The tank stands behind the second house, which is painted red.",
         "The tank stands behind the second house."),
    ],
)  # fmt: skip
def test_a_rewrite_keeps_the_statement(rule: str, sentence: str, expected: str) -> None:
    changed = REWRITES[rule](sentence, random.Random(0))
    assert changed is not None
    assert changed.casefold() == expected.casefold()


@pytest.mark.parametrize(
    ("rule", "sentence", "lost"),
    [
        ("number changed", "It weighs 412 kg.", "412"),
        ("number of the passages", "It weighs 41 kg.", "41"),
        ("unit changed", "It weighs 412 kg.", "kg"),
        ("negation removed", "Do not open the cover.", "not"),
        ("opposite word", "Open before use.", "before"),
        ("name of the passages", "In winter the firm Orbex closes.", "Orbex"),
        ("name from elsewhere", "In winter the firm Orbex closes.", "Orbex"),
        ("month or weekday", "It closes in March.", "March"),
        ("another word", "Clean the copper filter now.", "filter"),
        ("code changed", "Fault E-417 stops it.", "E-417"),
    ],
)
def test_an_alteration_takes_away_what_its_name_says(rule: str, sentence: str, lost: str) -> None:
    changed = ALTERATIONS[rule](sentence, AROUND, random.Random(0))
    assert changed is not None
    assert changed != sentence and lost not in changed.replace("[", " ").split()


def test_negation_and_exchange() -> None:
    rng = random.Random(0)
    assert ALTERATIONS["negation added"]("It is open.", AROUND, rng) == "It is not open."
    exchanged = ALTERATIONS["names exchanged"]("In court the firm Orbex sued old Lumatec.", AROUND, rng)
    assert exchanged == "In court the firm Lumatec sued old Orbex."
    listed = "In court were Orbex and Lumatec."
    assert ALTERATIONS["names exchanged"](listed, AROUND, rng) is None, "a list says the same in any order"
    assert "the valve" in merged("Stop it.", "The valve is open.", rng)


@pytest.mark.parametrize("rule", [*REWRITES, *ALTERATIONS])
def test_where_there_is_nothing_to_change_a_rule_says_so(rule: str) -> None:
    sentence = "So be it."
    if rule in REWRITES:
        assert rule == "prefixed" or REWRITES[rule](sentence, random.Random(0)) is None
    else:
        assert ALTERATIONS[rule](sentence, Around([], [], []), random.Random(0)) is None
