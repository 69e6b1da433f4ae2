"""Two documents that give different values in other words are found by what the evidence model is sure of."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ragedge.answer.conflict import find_conflict
from ragedge.answer.disagree import answers_apart
from ragedge.answer.reader import candidates_of, rank
from ragedge.answer.scoring import Asked
from ragedge.contracts import Evidence, PageSpan, Retrieval
from ragedge.search.evidence_reader import packaged_reader
from ragedge.weighing import READ_WEIGHTS, read_units
from tests.answer.passages import EMBEDDER, even_rarity, pages_of, retrieval_of
from tests.fakes import document

RETURN = "How many days do I have to return unused goods?"
POLICY = "You can bring unused goods back within [30 days] of the purchase."
HANDBOOK = "Staff take unused goods in return for [14 days] after the customer bought them."


def marked(
    question: str, *texts: str, paths: tuple[str, ...] = ("policy.md", "handbook.md"), score: float = 0.9
) -> tuple[Asked, Retrieval, list[Evidence]]:
    """One piece of evidence per document, its answer where the brackets stand, as good as the one before."""
    documents = [
        document(text.replace("[", "").replace("]", ""), path=path, title=path.partition(".")[0])
        for text, path in zip(texts, paths, strict=True)
    ]
    retrieval = retrieval_of(question, *documents)
    asked = candidates_of(question, retrieval, page_of=pages_of(*documents), rarity=even_rarity).asked
    evidence = []
    for index, (text, made) in enumerate(zip(texts, documents, strict=True)):
        start = text.find("[")
        answer = PageSpan(1, start, text.find("]") - 1) if start >= 0 else None
        plain = made.pages[0].text
        evidence.append(Evidence(index, plain, PageSpan(1, 0, len(plain)), score, 0.7, 0.9, answer))
    return asked, retrieval, evidence


def found(question: str, *texts: str, paths: tuple[str, ...] = ("policy.md", "handbook.md")) -> tuple[str, str] | None:
    asked, retrieval, evidence = marked(question, *texts, paths=paths)
    apart = answers_apart(asked, retrieval.hits, evidence)
    return apart[2] if apart is not None else None


def test_another_value_in_other_words_is_a_conflict_and_both_stand_first() -> None:
    asked, retrieval, evidence = marked(RETURN, POLICY, HANDBOOK)
    conflict = find_conflict(asked, retrieval.hits, evidence)
    assert conflict is not None and conflict.values == ("30 days", "14 days")
    assert conflict.first_in(tuple(reversed(evidence))) == tuple(evidence)


def test_a_year_is_a_value_too() -> None:
    texts = ("The harbour mill was built of brick in [1871].", "Masons put up the harbour mill, our oldest, in [1902].")
    assert found("When was the harbour mill built?", *texts) == ("1871", "1902")


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ("Staff take unused goods in return for [30 days] after the customer bought them.", "the same value"),
        ("Staff take unused goods in return for [14 percent] less than they cost.", "another unit"),
        ("Staff take unused goods in return for 14 days after the customer bought them.", "no answer is marked"),
        ("Unused goods from Tolland go back in return within [14 days] of delivery.", "another name"),
        ("Staff take unused goods in return for [14 days] if the seal was broken.", "a condition"),
        ("Unused goods with code XR-5 are taken in return for [14 days].", "a code"),
        ("Staff take unused goods in return for [14 days], and bikes for 7 days.", "two values of one unit"),
        ("A voucher stays good for [14 days].", "about something else"),
    ],
)
def test_what_means_another_thing_is_no_conflict(other: str, why: str) -> None:
    assert found(RETURN, POLICY, other) is None, why


def test_editions_of_one_document_and_one_document_alone_do_not_disagree() -> None:
    assert found(RETURN, POLICY, HANDBOOK, paths=("policy-2023.md", "policy-2024.md")) is None
    asked, retrieval, evidence = marked(RETURN, POLICY, HANDBOOK)
    same = [evidence[0], replace(evidence[1], hit_index=0)]
    assert answers_apart(asked, retrieval.hits, same) is None


def test_a_piece_that_is_much_worse_is_not_held_against_the_best() -> None:
    asked, retrieval, evidence = marked(RETURN, POLICY, HANDBOOK)
    assert answers_apart(asked, retrieval.hits, [evidence[0], replace(evidence[1], score=0.3)]) is None


def test_the_question_names_what_both_must_be_about() -> None:
    question = "How many days do I have to return unused goods from Fellbrook?"
    assert found(question, POLICY, HANDBOOK) is None


def test_the_evidence_model_itself_marks_both() -> None:
    reader = packaged_reader("packaged", 1)
    assert reader is not None
    documents = [
        document("You can return unused goods within 30 days of the purchase.", path="policy.md", title="Policy"),
        document("Unused goods are taken in return for up to 14 days.", path="handbook.md", title="Handbook"),
    ]
    retrieval, page_of = retrieval_of(RETURN, *documents), pages_of(*documents)
    candidates = candidates_of(RETURN, retrieval, page_of=page_of, rarity=even_rarity)
    readings = read_units(reader, RETURN, candidates.everything, retrieval.hits, candidates.promise())
    vector = EMBEDDER.embed_question(RETURN)
    evidence = rank(
        candidates,
        page_of=page_of,
        embed=EMBEDDER.embed_passages,
        question_vector=vector,
        readings=readings,
        weights=READ_WEIGHTS,
    )
    conflict = find_conflict(candidates.asked, retrieval.hits, evidence)
    assert conflict is not None and set(conflict.values) == {"30 days", "14 days"}
