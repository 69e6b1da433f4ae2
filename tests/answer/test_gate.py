from __future__ import annotations

from dataclasses import replace

import pytest

from ragedge.answer.gate import Thresholds, decide, missing_identifiers
from ragedge.contracts import Evidence, PageSpan, Retrieval, Verdict
from tests.answer.passages import retrieval_of
from tests.fakes import document

MANUAL = document("Fault E-417 means that the intake is blocked.", path="manual.txt", title="Manual")
THRESHOLDS = Thresholds()


def found(question: str, cosine: float, coverage: float, score: float) -> tuple[Retrieval, tuple[Evidence, ...]]:
    retrieval = retrieval_of(question, MANUAL)
    hit = replace(retrieval.hits[0], cosine=cosine)
    span = PageSpan(1, 0, len(MANUAL.pages[0].text))
    evidence = (Evidence(0, MANUAL.pages[0].text, span, score, cosine, coverage),)
    return replace(retrieval, hits=(hit,)), evidence


def verdict(question: str, cosine: float, coverage: float, score: float) -> Verdict:
    retrieval, evidence = found(question, cosine, coverage, score)
    return decide(question, retrieval, evidence, THRESHOLDS)


def test_a_covered_question_is_answered() -> None:
    assert verdict("Why is the intake blocked?", 0.9, 1.0, 0.95).outcome == "answered"


def test_an_off_topic_question_is_refused() -> None:
    result = verdict("Who won the chess championship?", 0.05, 0.0, 0.02)
    assert result.outcome == "abstained" and result.confidence < THRESHOLDS.unsure and result.reason


def test_nothing_found_is_refused_with_no_confidence() -> None:
    result = decide("anything", retrieval_of("anything"), (), THRESHOLDS)
    assert result.outcome == "abstained" and result.confidence == 0.0


def test_between_the_thresholds_it_is_unsure() -> None:
    grid = [verdict("blocked intake", i / 40, i / 40, i / 40) for i in range(41)]
    outcomes = [result.outcome for result in grid]
    assert sorted(set(outcomes), key=outcomes.index) == ["abstained", "unsure", "answered"]


def test_confidence_grows_with_each_figure() -> None:
    middle = verdict("blocked intake", 0.5, 0.5, 0.5).confidence
    assert verdict("blocked intake", 0.7, 0.5, 0.5).confidence > middle
    assert verdict("blocked intake", 0.5, 0.9, 0.5).confidence >= middle
    assert verdict("blocked intake", 0.5, 0.5, 0.9).confidence >= middle
    assert 0 < middle < 1


def test_a_code_that_stands_nowhere_is_a_strong_no_and_is_named() -> None:
    known = verdict("What does E-417 mean?", 0.9, 1.0, 0.9)
    unknown = verdict("What does E-555 mean?", 0.9, 1.0, 0.9)
    assert known.outcome == "answered"
    assert unknown.outcome != "answered" and "E-555" in unknown.reason


@pytest.mark.parametrize("question", ["What is E417?", "fault e-417", "What is in manual.txt?"])
def test_a_code_counts_as_found_in_any_spelling(question: str) -> None:
    assert missing_identifiers(question, retrieval_of(question, MANUAL).hits) == ()


def test_missing_figures_are_no_reason_to_fail() -> None:
    retrieval, evidence = found("blocked intake", 0.9, 1.0, 0.9)
    bare = replace(retrieval, hits=(replace(retrieval.hits[0], cosine=None),))
    assert decide("blocked intake", bare, (), THRESHOLDS).outcome == "abstained"
    assert decide("blocked intake", bare, evidence, THRESHOLDS).confidence > 0


def test_thresholds_are_the_callers() -> None:
    retrieval, evidence = found("blocked intake", 0.5, 0.5, 0.5)
    assert decide("blocked intake", retrieval, evidence, replace(THRESHOLDS, answered=0.0)).outcome == "answered"
    never = replace(THRESHOLDS, answered=1.1, unsure=1.05)
    assert decide("blocked intake", retrieval, evidence, never).outcome == "abstained"
