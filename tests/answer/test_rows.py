"""Keys and ranges of table rows and list items."""

from __future__ import annotations

import pytest

from ragedge.answer.rows import is_between, key_fits, numbers_of, range_holds


@pytest.mark.parametrize(
    ("question", "line", "fits"),
    [
        ("What is missing when the return code is 50?", "50 = Schedule B missing", 1.0),
        ("What is missing when the return code is 50?", "51 = Schedule C missing", -1.0),
        ("What does code 7 mean?", "07: no such account", 1.0),
        ("What does code 7 mean?", "| 7 | no such account |", 1.0),
        ("What does E-417 mean?", "- E-417: membrane pressure", 1.0),
        ("What does E-417 mean?", "E-418 | membrane flow", -1.0),
        ("How do I get rid of E-417?", "- E-301, no raw water: fill the pump", -1.0),
        ("Which pump gives 4,000 L/h?", "P1 | feed pump | 4,000 L/h", 0.0),  # another form of code: no other one
        ("What happened in 1923?", "In 1923 the bell cracked.", 0.0),
        ("Who cast the bell?", "50 = Schedule B missing", 0.0),
        ("What does code 7 mean?", "Note: code 7 is not used", 0.0),
    ],
)
def test_a_line_that_begins_with_the_code_asked_for_fits(question: str, line: str, fits: float) -> None:
    assert key_fits(numbers_of(question), line) == fits


@pytest.mark.parametrize(
    ("question", "line", "holds"),
    [
        ("How much coagulant at 70 NTU?", "50 to 100 NTU 15 mg/L 15 g", 1.0),
        ("How much coagulant at 70 NTU?", "20 to 50 NTU 8 mg/L 8 g", 0.0),
        ("How much coagulant at 70 NTU?", "50-100 NTU | 15 mg/L", 1.0),
        ("How much coagulant at 70 NTU?", "50 to 100 mg", 0.0),  # another unit
        ("How much coagulant at 270 NTU?", "more than 200 NTU: let it settle", 1.0),
        ("The cable is 80 m long. Which one?", "up to 25 m 1.5 mm\u00b2", 0.0),
        ("The cable is 20 m long. Which one?", "up to 25 m 1.5 mm\u00b2", 1.0),
        ("What setting gives 2.0 mg/L?", "2.0 mg/L 800 mL/h = 64 %", 1.0),  # begins the row
        ("What setting gives 2.0 mg/L?", "The display shows 2.0 mg/L.", 0.0),
        ("Which one of the 70?", "50 to 100 NTU", 0.0),
    ],
)
def test_a_range_holds_the_amount_asked_for_in_its_unit(question: str, line: str, holds: float) -> None:
    assert range_holds(numbers_of(question), line) == holds


def test_only_a_range_with_both_ends_says_something_of_an_amount_anywhere() -> None:
    text = "Length, cross-section\n50 to 100 m 4.0 mm\u00b2 9 V\nmore than 5 m above the water"
    assert is_between(numbers_of("80 m"), text)
    assert not is_between(numbers_of("20 m"), text)
    assert not is_between(numbers_of("80 V"), text)
    assert not is_between(numbers_of("E-417"), text)
