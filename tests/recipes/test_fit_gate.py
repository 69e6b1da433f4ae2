"""The report of the gate's recipe counts what people get under the bars that ship."""

from __future__ import annotations

from pathlib import Path

import pytest

from ragedge.answer.gate import Thresholds
from ragedge.calibration.examples import Condition, Example
from tests.recipes.fit_gate import Case, Row, _report_bars

BELLS = Case("bells:even", Path("q"), "bells", "even", 0, False)
LAMPS = Case("lamps (test)", Path("q"), "lamps", "", 0, True)


def row(case: Case, condition: Condition, kind: str = "golden") -> Row:
    return Row(case, Example("Why?", kind, condition, {}))


def test_each_case_is_counted_under_the_two_bars_and_made_questions_are_not(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [
        row(BELLS, "present"),
        row(BELLS, "present"),
        row(BELLS, "present"),
        row(BELLS, "unanswerable"),
        row(BELLS, "present", "made field"),
        row(BELLS, "off topic", "off topic"),
        row(LAMPS, "unanswerable"),
        row(LAMPS, "taken out"),
    ]
    unseen = [0.3, 0.2, 0.19, 0.31, 0.9, 0.1, 0.25, 0.05]
    _report_bars(rows, [BELLS, LAMPS], unseen, Thresholds(answered=0.3, unsure=0.2))
    heads, bells, lamps = capsys.readouterr().out.splitlines()
    assert heads.split()[-5:] == ["taken", "out", "unanswerable", "off", "topic"]
    assert " ".join(bells.split()) == "bells:even 1 / 1 of 3 - 1 / 0 of 1 0 / 0 of 1"
    assert " ".join(lamps.split()) == "lamps (test) - 0 / 0 of 1 0 / 1 of 1 -"
