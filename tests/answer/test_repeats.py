"""What is said twice goes last, and what overlaps is left out."""

from __future__ import annotations

from ragedge.answer.repeats import repeats_last
from ragedge.contracts import Evidence, PageSpan
from tests.answer.passages import evidence_for, retrieval_of
from tests.fakes import document

NOTICE = "The chains of order 20418 arrive in week 10."
FIRST = document(NOTICE + " They are delivered free of charge.", path="mail.txt")
REPLY = document("> " + NOTICE + " Thank you for the news about the chains.", path="reply.txt")


def test_a_mail_that_is_quoted_in_its_answer_does_not_take_the_second_place() -> None:
    texts = [item.text for item in evidence_for("When do the chains of order 20418 arrive?", FIRST, REPLY)]
    assert texts[0] == NOTICE and NOTICE not in texts[1]
    assert NOTICE in texts[-1]


def test_the_same_line_twice_in_one_document_keeps_its_place() -> None:
    hits = retrieval_of("?", FIRST, REPLY).hits

    def piece(hit: int, start: int, text: str) -> Evidence:
        span = PageSpan(1, start, start + len(text))
        return Evidence(hit_index=hit, text=text, span=span, score=0.5, cosine=None, coverage=0.5)

    same, again, other, elsewhere = (
        piece(0, 0, "50 = missing"),
        piece(0, 40, "50 = missing"),
        piece(0, 80, "51 = late"),
        piece(1, 0, "50 = Missing"),
    )
    assert repeats_last((same, elsewhere, again, other), hits) == (same, again, other, elsewhere)
