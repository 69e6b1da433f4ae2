"""Pins and figures: what a question pins down, and which of it stands where."""

from __future__ import annotations

import numpy as np
import pytest

from ragedge.answer.pins import MAX_PINS, pins_of
from ragedge.answer.reader import candidates_of, rank
from ragedge.answer.scoring import EMBED_CHARS, take_apart
from ragedge.answer.signals import MAX_LEFT_OUT, missing_codes, read_signals, remembering
from tests.answer.passages import EMBEDDER, even_rarity, pages_of, retrieval_of
from tests.fakes import document

BELL = document(
    "The harbour bell was cast in 1788 by Ebbe Quist. It weighs 118 kg.", path="bell.md", title="Harbour bell"
)
LAMP = document("The signal lamp burned oil. Hask Brothers made it in 1867.", path="lamp.md", title="Signal lamp")


def figures(question: str, *, embed=EMBEDDER.embed_passages, extra=None):  # type: ignore[no-untyped-def]
    retrieval = retrieval_of(question, BELL, LAMP)
    page_of = pages_of(BELL, LAMP)
    candidates = candidates_of(question, retrieval, page_of=page_of, rarity=even_rarity)
    vector = EMBEDDER.embed_question(question)
    evidence = rank(candidates, page_of=page_of)
    return read_signals(candidates.asked, retrieval.hits, evidence, embed=embed, question_vector=vector, extra=extra)


def test_pins_are_words_names_and_numbers_without_what_only_carries_the_question() -> None:
    asked = take_apart("Can you tell me what Ebbe Quist had to do with the bell of 1788?", even_rarity)
    assert {(pin.text, pin.kind) for pin in pins_of(asked)} == {
        ("Ebbe", "name"),
        ("Quist", "name"),
        ("bell", "word"),
        ("1788", "number"),
    }


def test_the_rarest_pins_come_first_and_common_words_pin_nothing() -> None:
    rarity = {"bell": 0.3, "clapper": 0.9, "water": 0.05}
    pins = pins_of(take_apart("bell clapper water", lambda words: {w: rarity[w] for w in words}))
    assert [pin.text for pin in pins] == ["clapper", "bell"]
    many = take_apart(" ".join(f"word{chr(97 + i)}{chr(97 + j)}" for i in range(5) for j in range(6)), even_rarity)
    assert len(pins_of(many)) == MAX_PINS


def test_what_is_missing_is_told_apart_by_unit_passage_and_anywhere() -> None:
    full = figures("When was the harbour bell cast?")
    assert full.missing_words == ()
    assert full.values["missing_passage"] == 0.0 and full.values["covered_passage"] == 1.0
    split = figures("Who made the harbour bell, Hask?")
    assert split.values["missing_passage"] > 0 and split.values["missing_anywhere"] == 0.0
    assert split.missing_words and split.nowhere_words == ()
    gone = figures("What is the diameter of the harbour bell?")
    assert gone.values["missing_anywhere"] > 0 and gone.missing_words == gone.nowhere_words == ("diameter",)


def test_a_missing_name_or_number_is_marked() -> None:
    assert figures("Did the bell ring in 1923?").values["missing_name"] == 1.0
    assert figures("Was the bell loud?").values["missing_name"] == 0.0


def test_pins_are_left_out_of_the_question_one_by_one_and_only_a_few() -> None:
    asked: list[list[str]] = []

    def embed(texts):  # type: ignore[no-untyped-def]
        asked.append(list(texts))
        return EMBEDDER.embed_passages(texts)

    figures("Who repaired the diameter clapper yoke headstock of the harbour bell?", embed=embed)
    assert len(asked) == 1 and len(asked[0]) == MAX_LEFT_OUT + 1
    assert "Who repaired the clapper yoke headstock of the harbour bell?" in asked[0]


def test_a_word_the_evidence_is_not_about_brings_the_question_no_nearer() -> None:
    near = figures("When was the harbour bell repaired?").values["left_out_missing"]
    spelled_out = figures("When was the harbour bell cast?").values
    assert near < spelled_out["left_out_missing"] and spelled_out["left_out"] > 0


def test_without_vectors_spelling_alone_counts() -> None:
    values = figures("When was the harbour bell repaired?", embed=None).values
    assert values["left_out"] == 0.0 and values["missing_passage"] > 0


def test_further_figures_go_in_by_name() -> None:
    assert figures("bell", extra={"reader_answerable": 2.5}).values["reader_answerable"] == 2.5


def test_without_passages_there_are_only_the_codes() -> None:
    found = read_signals(take_apart("What is E-417?", even_rarity), (), ())
    assert dict(found.values) == {} and found.missing_codes == ("E-417",)


@pytest.mark.parametrize("question", ["When was the harbour bell cast?", "xyz", "Wie schwer ist die Glocke?", "1788"])
def test_all_figures_are_finite_and_the_same_ones_for_every_question(question: str) -> None:
    values = figures(question).values
    assert set(values) == set(figures("bell").values)
    assert np.isfinite(list(values.values())).all() and max(map(abs, values.values())) <= 10


def test_what_was_embedded_for_a_question_is_not_embedded_again() -> None:
    asked: list[list[str]] = []

    def embed(texts):  # type: ignore[no-untyped-def]
        asked.append(list(texts))
        return EMBEDDER.embed_passages(texts)

    once = remembering(embed)
    first, again = once(["bell", "lamp", "bell"]), once(["lamp", "clock"])
    assert asked == [["bell", "lamp"], ["clock"]]
    assert np.array_equal(first[1], again[0]) and np.array_equal(first[0], first[2])


def test_the_evidence_is_embedded_once_by_reader_and_gate_however_long() -> None:
    long = document(f"The harbour bell, which {'was heard out at sea, ' * 25}was cast by Ebbe Quist.", path="long.md")
    retrieval, question = retrieval_of("Who cast the harbour bell?", long, LAMP), "Who cast the harbour bell?"
    candidates = candidates_of(question, retrieval, page_of=pages_of(long, LAMP), rarity=even_rarity)
    asked: list[str] = []

    def embed(texts):  # type: ignore[no-untyped-def]
        asked.extend(texts)
        return EMBEDDER.embed_passages(texts)

    once, vector = remembering(embed), EMBEDDER.embed_question(question)
    evidence = rank(candidates, page_of=pages_of(long, LAMP), embed=once, question_vector=vector)
    read_signals(candidates.asked, retrieval.hits, evidence, embed=once, question_vector=vector)
    assert len(evidence[0].text) > 2 * EMBED_CHARS
    assert [text for text in asked if text.startswith("The harbour bell, which")] == [evidence[0].text[:EMBED_CHARS]]


def test_an_amount_that_a_table_gives_as_a_range_is_not_missing() -> None:
    cables = document("Extension cables\n25 to 50 m 2.5 mm\u00b2\n50 to 100 m 4.0 mm\u00b2", path="cables.md")
    hits = retrieval_of("?", cables).hits
    assert missing_codes(take_apart("The cable is 80 m long. What cross-section?", even_rarity), hits) == ()
    assert missing_codes(take_apart("The cable is 180 m long. What cross-section?", even_rarity), hits) == ("180 m",)
