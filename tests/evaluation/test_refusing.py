"""The gate's curve, its errors by kind and tag, off-topic questions, and the picture."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import pytest

from ragedge.errors import ConfigError
from ragedge.evaluation.acceptance import measures, parse_mark
from ragedge.evaluation.curve_picture import curve_picture
from ragedge.evaluation.refusing import (
    ANSWERED_SHARES,
    CurvePoint,
    GateError,
    Judged,
    bar_for,
    curve_rows,
    error_rows,
    off_topic_rows,
    refusing,
)

RIGHT = [Judged(True, "answered" if c > 0.4 else "abstained", c, ("number",)) for c in (0.9, 0.8, 0.7, 0.6, 0.1)]
WRONG = [
    Judged(False, "answered", 0.65, ("near:a.md", "which")),
    Judged(False, "abstained", 0.2, ("near:b.md",)),
    Judged(False, "unsure", 0.05),
]
OFF = [Judged(True, "abstained", 0.01), Judged(True, "answered", 0.75)]


def test_the_curve_says_what_is_refused_at_each_share_answered() -> None:
    curve = {point.answered: point for point in refusing([*RIGHT, *WRONG], OFF).curve}
    assert tuple(curve) == ANSWERED_SHARES
    assert curve[1.0].confidence == 0.1 and curve[1.0].refused == pytest.approx(1 / 3)
    assert curve[0.8].confidence == 0.6 and curve[0.8].refused == pytest.approx(2 / 3)
    assert curve[0.5].refused == 1.0
    assert curve[0.5].off_topic_refused == 0.5
    refused = [point.refused for point in curve.values()]
    assert refused == sorted(refused)  # type: ignore[type-var]


@pytest.mark.parametrize("kept", ANSWERED_SHARES)
def test_a_bar_keeps_at_least_its_share(kept: float) -> None:
    values = [i / 37 for i in range(37)]
    assert sum(value >= bar_for(values, kept) for value in values) >= kept * len(values) - 1e-9


def test_errors_are_counted_by_kind_and_tag() -> None:
    errors = refusing([*RIGHT, *WRONG], OFF).errors
    assert GateError("answerable refused", "", 1, 5) in errors
    assert GateError("answerable refused", "number", 1, 5) in errors
    assert GateError("unanswerable answered", "", 1, 3) in errors
    assert GateError("unanswerable answered", "which", 1, 1) in errors
    assert GateError("near-topic answered", "", 1, 2) in errors
    assert GateError("off-topic answered", "", 1, 2) in errors
    assert not any(error.tag.startswith("near:") for error in errors)


def test_off_topic_questions_are_wrong_whatever_their_file_says() -> None:
    score = refusing([*RIGHT, *WRONG], OFF).off_topic
    assert score is not None and score.questions == 2
    assert (score.off_topic_refused, score.off_topic_unsure, score.off_topic_answered) == (0.5, 0.0, 0.5)
    assert score.off_topic_refused_at_90 == 0.5
    assert refusing(RIGHT).off_topic is None and off_topic_rows(refusing(RIGHT)) == []


def test_without_wrong_questions_there_is_no_curve() -> None:
    assert refusing(RIGHT).curve == () and refusing([]).errors == ()
    assert curve_picture(()) == ""


def test_rows_hold_what_is_shown() -> None:
    found = refusing([*RIGHT, *WRONG], OFF)
    assert curve_rows(found)[0] == ("1.00", "0.10", "0.333", "0.500")
    assert ("near-topic answered", "all", "1", "2") in error_rows(found)
    assert ("off-topic: refused", "2", "0.500") in off_topic_rows(found)


def test_the_picture_is_sound_and_stays_inside_its_frame() -> None:
    picture = curve_picture([CurvePoint(1.0, 0.1, 0.0, 1.0), CurvePoint(0.5, 0.7, 1.0, 1.0)])
    root = ElementTree.fromstring(picture)
    lines = [node.get("points", "") for node in root.iter("polyline")]
    assert len(lines) == 4  # each curve and its stroke in the legend
    assert {"unanswerable refused", "off-topic refused"} <= {node.text for node in root.iter("text")}
    for x, y in (map(float, pair.split(",")) for line in lines for pair in line.split()):
        assert 0 <= x <= 360 and 0 <= y <= 240
    assert "script" not in picture and "http" not in picture


def test_off_topic_figures_can_be_pass_marks() -> None:
    report = {"refusing": {"off_topic": {"questions": 2, "off_topic_refused": 0.5, "off_topic_refused_at_90": 1.0}}}
    assert measures(report)["off_topic_refused"] == 0.5
    assert measures(report)["off_topic_refused@90"] == 1.0
    assert parse_mark("off_topic_refused>=0.99").measure == "off_topic_refused"
    with pytest.raises(ConfigError):
        parse_mark("off_topics>=0.99")
