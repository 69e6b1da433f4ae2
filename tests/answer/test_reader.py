from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from ragedge.answer.reader import MAX_EMBEDDED, MAX_EVIDENCE, quote_answer, read_evidence
from ragedge.answer.widen import MAX_RUN_CHARS
from ragedge.contracts import Document, Evidence, PageSpan, Retrieval
from ragedge.errors import InputError
from tests.answer.passages import EMBEDDER, even_rarity, pages_of, retrieval_of, with_blocks
from tests.fakes import document, documents_pages

PUMP = document(
    "The intake pump runs on twelve volts. Change its filter cartridge every 30 days of use. "
    "The housing is made of grey plastic.",
    path="pump.txt",
    title="Pump",
)
LAMP = document("A clay lamp. It was found in the river in 1839 by Ada Morrow.", path="lamp.txt", title="Lamp")


def read(question: str, *documents: Document, headings: tuple[str, ...] = (), embed: object = EMBEDDER.embed_passages):  # type: ignore[no-untyped-def]
    retrieval = retrieval_of(question, *documents, headings=headings)
    evidence = read_evidence(
        question,
        retrieval,
        page_of=pages_of(*documents),
        embed=embed,  # type: ignore[arg-type]
        question_vector=EMBEDDER.embed_question(question),
        rarity=even_rarity,
    )
    return retrieval, evidence


def check(retrieval: Retrieval, evidence: Sequence[Evidence], *documents: Document) -> None:
    """What holds for any evidence: exact, scored, ordered, bounded."""
    page_of = pages_of(*documents)
    assert len(evidence) <= MAX_EVIDENCE
    assert [e.score for e in evidence] == sorted((e.score for e in evidence), reverse=True)
    for item in evidence:
        page = page_of(retrieval.hits[item.hit_index].chunk.document_id, item.span.page)
        assert page.text[item.span.start : item.span.end] == item.text
        assert 0 <= item.score <= 1
        assert item.coverage is not None and 0 <= item.coverage <= 1.0001


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("How often must the filter cartridge be changed?", "Change its filter cartridge every 30 days of use."),
        ("What is the housing made of?", "The housing is made of grey plastic."),
        ("Who found the lamp?", "It was found in the river in 1839 by Ada Morrow."),
    ],
)
def test_the_sentence_that_answers_comes_first(question: str, expected: str) -> None:
    retrieval, evidence = read(question, PUMP, LAMP)
    check(retrieval, evidence, PUMP, LAMP)
    assert evidence[0].text == expected


def test_a_rare_word_counts_more_than_a_common_one() -> None:
    source = document("The unit has a red lever for the unit. The sluice is at the back.")
    retrieval = retrieval_of("unit sluice", source)
    weights = {"unit": 0.1, "sluice": 3.0}
    evidence = read_evidence(
        "unit sluice", retrieval, page_of=pages_of(source), embed=None, question_vector=None,
        rarity=lambda words: {w: weights[w] for w in words},
    )  # fmt: skip
    assert evidence[0].text == "The sluice is at the back."


def test_a_named_field_answers_the_question_for_it() -> None:
    record = with_blocks(
        "- Creator: Ada Morrow\n\n- Date: 1839\n\n- Dimensions: H: 12 cm\n\n- Location: Room 4",
        "list", "list", "list", "list", title="Clay lamp",
    )  # fmt: skip
    for question, expected in (
        ("Who made the clay lamp?", "Ada Morrow"),
        ("When was the clay lamp made?", "1839"),
        ("How tall is the clay lamp?", "12 cm"),
        ("Where is the clay lamp?", "Room 4"),
    ):
        assert expected in read(question, record)[1][0].text, question


def test_a_code_points_to_its_row() -> None:
    table = with_blocks("code | meaning\nE-416 | pump dry\nE-417 | intake blocked\nE-418 | tank empty", "table")
    assert read("What is the meaning of E-417?", table)[1][0].text == "E-417 | intake blocked"


STEPS = with_blocks(
    "To change the filter, do this:\n\n1. Close the intake valve.\n\n2. Unscrew the filter housing.\n\n"
    "3. Take the old filter out.\n\nThe housing is grey.",
    "text", "list", "list", "list", "text",
)  # fmt: skip


def test_a_how_to_question_gets_all_steps_in_order() -> None:
    retrieval, evidence = read("How do I change the filter?", STEPS)
    check(retrieval, evidence, STEPS)
    text, citations = quote_answer(retrieval, evidence, pages_of(STEPS))
    assert text.splitlines() == [
        "To change the filter, do this:",
        "1. Close the intake valve.",
        "2. Unscrew the filter housing.",
        "3. Take the old filter out.",
    ]
    assert len(citations) == 1


def test_another_question_gets_the_one_step() -> None:
    _, evidence = read("What is unscrewed?", STEPS)
    assert evidence[0].text == "2. Unscrew the filter housing."


def test_a_long_run_of_steps_is_bounded_and_keeps_the_best() -> None:
    steps = [f"{i}. Turn wheel number {i} of the drive " + "gently " * 12 for i in range(1, 60)]
    source = with_blocks("\n\n".join(steps), *["list"] * len(steps))
    retrieval, evidence = read("How do I turn wheel number 30 of the drive?", source)
    check(retrieval, evidence, source)
    assert len(evidence[0].text) <= MAX_RUN_CHARS and "wheel number 30 " in evidence[0].text


def test_pieces_of_evidence_do_not_overlap() -> None:
    _, evidence = read("How do I change the filter?", STEPS)
    spans = sorted((e.span.start, e.span.end) for e in evidence)
    assert all(a[1] <= b[0] for a, b in pairwise(spans))


def test_headings_are_context_and_never_the_answer() -> None:
    source = with_blocks("Winter storage\n\nDrain every hose.", "heading", "text")
    assert [e.text for e in read("What about winter storage?", source)[1]] == ["Drain every hose."]


def test_without_hits_or_words_there_is_no_evidence() -> None:
    assert read("anything", document(" \n "))[1] == ()
    assert quote_answer(retrieval_of("x"), (), pages_of()) == ("", ())


def test_without_an_embedder_words_decide_and_no_cosine_is_claimed() -> None:
    retrieval, evidence = read("How often must the filter cartridge be changed?", PUMP, embed=None)
    check(retrieval, evidence, PUMP)
    assert evidence[0].text.startswith("Change its filter") and all(e.cosine is None for e in evidence)


def test_only_the_most_promising_units_are_embedded() -> None:
    counts: list[int] = []

    def embed(texts: Sequence[str]) -> NDArray[np.float32]:
        counts.append(len(texts))
        return EMBEDDER.embed_passages(texts)

    source = document(" ".join(f"Sentence {i} speaks of pumps and nothing else." for i in range(80)))
    read("What do pumps need?", source, embed=embed)
    assert counts == [MAX_EMBEDDED]


def test_a_unit_too_long_for_the_embedder_is_embedded_by_its_beginning() -> None:
    def embed(texts: Sequence[str]) -> NDArray[np.float32]:
        if any(len(text) > 200 for text in texts):
            raise InputError("too long")
        return EMBEDDER.embed_passages(texts)

    source = document("Dots " + "." * 900 + " 12\n\nThe pump is blue.")
    retrieval, evidence = read("Which colour is the pump?", source, embed=embed)
    check(retrieval, evidence, source)


def test_the_same_input_gives_the_same_evidence() -> None:
    assert read("filter", PUMP, LAMP) == read("filter", PUMP, LAMP)


def test_every_quote_of_the_answer_is_exact_and_stands_in_the_text() -> None:
    wrapped = documents_pages(
        ["", "Change the filter cartridge of the intake pump\nevery 30 days of use. Store it in a dry place."],
        title="Pump",
    )
    retrieval, evidence = read("How often is the filter cartridge changed?", wrapped)
    text, citations = quote_answer(retrieval, evidence, pages_of(wrapped))
    assert text.startswith("Change the filter cartridge of the intake pump every 30 days of use.")
    assert [c.number for c in citations] == list(range(1, len(citations) + 1)) and len(citations) <= 3
    for citation in citations:
        assert citation.quote == wrapped.pages[citation.span.page - 1].text[citation.span.start : citation.span.end]
        assert text[citation.answer_start : citation.answer_end].split() == citation.quote.split()
        assert citation.span.page == 2 and citation.support == 1.0
        assert citation.document_path == wrapped.path and citation.title == "Pump"


def test_reading_many_long_passages_stays_quick() -> None:
    sources = [
        document(" ".join(f"Part {i} of unit {n} needs {i} drops of oil." for i in range(90)), path=f"{n}.txt")
        for n in range(8)
    ]
    started = time.perf_counter()
    read("How many drops of oil does part 7 of unit 3 need?", *sources, embed=None)
    assert time.perf_counter() - started < 1.5  # ten times what it takes, so that a busy box does not fail it


@pytest.mark.parametrize(("second", "quotes"), [(0.88, 2), (0.6, 1)])
def test_a_further_quote_is_shown_only_where_it_is_nearly_as_good(second: float, quotes: int) -> None:
    retrieval = retrieval_of("pump", PUMP)
    text = PUMP.pages[0].text
    ends = [text.index(".") + 1, text.index("use.") + 4]
    evidence = (
        Evidence(0, text[: ends[0]], PageSpan(1, 0, ends[0]), 0.92),
        Evidence(0, text[ends[0] + 1 : ends[1]], PageSpan(1, ends[0] + 1, ends[1]), second),
    )
    assert len(quote_answer(retrieval, evidence, pages_of(PUMP))[1]) == quotes


BELL = document("The ship's bell weighs 118 kg. It rang from 1901 on.", path="bell.txt", title="Bell")
ANCHOR = document("The ship's anchor weighs 940 kg. It was cast in 1899.", path="anchor.txt", title="Anchor")
HALL = document("The hall has a red door. A bench stands by the window.", path="hall.txt", title="Hall")


def test_of_two_that_are_about_as_good_the_preferred_documents_is_first() -> None:
    asked = "How many kg weighs it?"
    retrieval = retrieval_of(asked, ANCHOR, BELL, HALL)
    first = {}
    for name, prefer in (("none", ()), ("bell", (BELL.id,)), ("anchor", (ANCHOR.id,)), ("hall", (HALL.id,))):
        wanted = replace(retrieval, question=replace(retrieval.question, prefer=prefer))
        evidence = read_evidence(
            asked, wanted, page_of=pages_of(ANCHOR, BELL, HALL), embed=EMBEDDER.embed_passages,
            question_vector=EMBEDDER.embed_question(asked), rarity=even_rarity,
        )  # fmt: skip
        first[name] = evidence[0].text
    assert first["bell"] == "The ship's bell weighs 118 kg."
    assert first["anchor"] == "The ship's anchor weighs 940 kg."
    assert first["hall"] == first["none"] != "", "what does not fit the question is not put first"
    assert "door" not in first["hall"] and "bench" not in first["hall"]
