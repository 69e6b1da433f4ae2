"""The gate: off-topic and near-topic questions against covered ones, and the reasons it gives."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ragedge.answer.gate import PLAIN, Thresholds, confidence_of, decide
from ragedge.answer.reader import candidates_of, rank
from ragedge.answer.signals import Signals, missing_codes, read_signals
from ragedge.contracts import Document, Verdict
from tests.answer.passages import EMBEDDER, even_rarity, pages_of, retrieval_of
from tests.fakes import document

MANUAL = document(
    "Fault E-417 means that the intake is blocked. The supply voltage of the pump is 24 V. "
    "Tighten the bolts of the pump head with 45 Nm.",
    path="manual.txt",
    title="Manual",
)
OTHER = document("The museum is closed on Mondays. Tickets cost five crowns.", path="visit.txt", title="Visit")
THRESHOLDS = PLAIN


def signals(question: str, *documents: Document) -> Signals:
    found = documents or (MANUAL, OTHER)
    retrieval = retrieval_of(question, *found)
    ordered = replace(retrieval, hits=tuple(sorted(retrieval.hits, key=lambda hit: -(hit.cosine or 0.0))))
    page_of = pages_of(*found)
    candidates = candidates_of(question, ordered, page_of=page_of, rarity=even_rarity)
    vector = EMBEDDER.embed_question(question)
    evidence = rank(candidates, page_of=page_of, embed=EMBEDDER.embed_passages, question_vector=vector)
    embed = EMBEDDER.embed_passages
    return read_signals(candidates.asked, ordered.hits, evidence, embed=embed, question_vector=vector)


def verdict(question: str) -> Verdict:
    return decide(signals(question), THRESHOLDS)


def test_a_covered_question_is_answered() -> None:
    assert verdict("With how many Nm do I tighten the bolts of the pump head?").outcome == "answered"


@pytest.mark.parametrize(
    "question",
    ["Who won the chess championship of 1972?", "How long does a cake bake?", "Wann fährt der Zug nach Bern?"],
)
def test_an_off_topic_question_is_refused(question: str) -> None:
    result = verdict(question)
    assert result.outcome == "abstained" and result.confidence < THRESHOLDS.unsure
    assert "do not seem to be about this" in result.reason


@pytest.mark.parametrize(
    ("covered", "near"),
    [
        ("What is the supply voltage of the pump?", "What is the weight of the pump?"),
        (
            "With how many Nm do I tighten the bolts of the pump head?",
            "With how many Nm do I tighten the lid of the tank?",
        ),
        ("When is the museum closed?", "When is the library closed?"),
    ],
)
def test_a_near_topic_question_stands_below_the_covered_one(covered: str, near: str) -> None:
    assert verdict(near).confidence < verdict(covered).confidence


def test_the_reason_names_the_word_that_is_missing() -> None:
    result = decide(signals("What is the weight of the pump?"), replace(THRESHOLDS, answered=1.1, unsure=0.0))
    assert result.outcome == "unsure" and "'weight'" in result.reason


def test_nothing_found_is_refused_with_no_confidence() -> None:
    result = decide(Signals({}), THRESHOLDS)
    assert result.outcome == "abstained" and result.confidence == 0.0 and "nothing in the documents" in result.reason


def test_a_code_that_stands_nowhere_is_a_strong_no_and_is_named() -> None:
    known, unknown = signals("What does fault E-417 mean?"), signals("What does fault E-555 mean?")
    assert known.missing_codes == () and unknown.missing_codes == ("E-555",)
    assert confidence_of(unknown, THRESHOLDS) < confidence_of(known, THRESHOLDS)
    with_code = confidence_of(replace(unknown, missing_codes=()), THRESHOLDS)
    assert confidence_of(unknown, THRESHOLDS) == pytest.approx(with_code * THRESHOLDS.missing)
    assert "'E-555' does not stand in any of the passages" in decide(unknown, THRESHOLDS).reason


@pytest.mark.parametrize("question", ["What is E417?", "fault e-417", "What is in manual.txt?"])
def test_a_code_counts_as_found_in_any_spelling(question: str) -> None:
    asked = candidates_of(question, retrieval_of(question), page_of=pages_of(), rarity=even_rarity).asked
    assert missing_codes(asked, retrieval_of(question, MANUAL).hits) == ()


def test_bars_are_the_callers() -> None:
    found = signals("What is the supply voltage of the pump?")
    assert decide(found, replace(THRESHOLDS, answered=0.0)).outcome == "answered"
    assert decide(found, replace(THRESHOLDS, answered=1.1, unsure=0.0)).outcome == "unsure"
    assert decide(found, replace(THRESHOLDS, answered=1.1, unsure=1.05)).outcome == "abstained"


def test_confidence_is_the_logistic_function_of_the_weighted_figures() -> None:
    gate = Thresholds(weights=(("cosine", 2.0, 0.5), ("reader", 1.0, 0.0)), bias=0.0)
    assert confidence_of(Signals({"cosine": 0.5, "reader": 0.0}), gate) == pytest.approx(0.5)
    assert confidence_of(Signals({"cosine": 1.0, "reader": 1.0}), gate) == pytest.approx(1 / (1 + 2.718281828**-2))
    assert confidence_of(Signals({"cosine": 0.5}), gate) == pytest.approx(0.5)  # not measured: as the centre
    assert confidence_of(Signals({"cosine": 1e9}), gate) <= 1.0
