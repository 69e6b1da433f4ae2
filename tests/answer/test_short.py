"""Of the likeliest spans the one that shares most with the others, on whole words that stand on the page."""

from __future__ import annotations

import random
import re
from dataclasses import replace

import pytest

from ragedge.answer.readings import Readings, UnitRead
from ragedge.answer.short import LEAST_SURE, answer_in, page_span, short_of, sureness
from ragedge.answer.units import Unit
from ragedge.contracts import SpanReading

TEXTS = (
    'The pump (type "K-7", 3.5 bar) holds 1,250 litres; it weighs about 45 kg, or 12% more than the old one.',
    "In the 1960s, Ms O'Neill's crew paid $2.5 million for the site — from the 14th to the 19th century it was a farm.",
    "Über die Brücke «Le Pont» führt die Straße; il y a 3 °C d’écart, [siehe 2.1].",
    "...",
    "a",
)
WORD = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+(?:['’][^\W\d_]+)*")


def spans_of(text: str, *parts: tuple[str, float]) -> tuple[SpanReading, ...]:
    return tuple(SpanReading(text.index(part), text.index(part) + len(part), score) for part, score in parts)


def short_in(text: str, *parts: tuple[str, float], kind: str = "any") -> str | None:
    found = short_of(text, spans_of(text, *parts), kind)  # type: ignore[arg-type]
    return None if found is None else text[found.start : found.end]


def unit(text: str, start: int = 0) -> Unit:
    return Unit(0, "d", 1, start, start + len(text), "text", text)


def readings(*reads: tuple[Unit, UnitRead]) -> Readings:
    return Readings({(u.document_id, u.page, u.start): read for u, read in reads}, -3.0, (0.0,), 9.0, -9.0)


@pytest.mark.parametrize("text", TEXTS)
def test_whatever_the_spans_are_the_answer_is_whole_words_of_the_text(text: str) -> None:
    rng = random.Random(text)
    words = [(m.start(), m.end()) for m in WORD.finditer(text)]
    for _ in range(300):
        ends = [sorted(rng.sample(range(len(text) + 1), 2)) for _ in range(rng.randint(1, 6))]
        spans = [SpanReading(start, end, rng.uniform(-15, 15)) for start, end in ends]
        found = short_of(text, spans, rng.choice(("any", "person", "number")))
        if found is None:
            continue
        assert 0 <= found.start < found.end <= len(text) and 0 < found.certainty <= 1
        shown = text[found.start : found.end]
        assert shown == shown.strip() and shown[-1] not in ".,;:!?(" and shown[0] not in ".,;:!?)"
        assert not re.match(r"(the|an?) ", shown)
        assert not any(a < cut < b for cut in (found.start, found.end) for a, b in words), shown


def test_spans_that_share_words_win_over_a_likelier_one_alone() -> None:
    text = "It was a farm from the 14th to the 19th century, then a school."
    alone = ("school", 5.0)
    shared = (("14th to the 19th century", 4.8), ("the 14th to the 19th century", 4.7), ("14th to the 19th", 4.6))
    assert short_in(text, alone) == "school"
    assert short_in(text, alone, *shared) == "14th to the 19th century"
    assert short_in(text, ("school", 15.0), *shared) == "school"


def test_of_who_one_name_is_given_and_not_the_list_that_two_ends_span() -> None:
    text = "Designed by Ada Brook, Caius Stone and others."
    spans = (("Ada Brook", 6.0), ("Ada Brook, Caius Stone", 5.6), ("Caius Stone", 5.4))
    assert short_in(text, *spans, kind="person") == "Ada Brook"
    assert short_in(text, *spans, kind="any") == "Ada Brook, Caius Stone"


@pytest.mark.parametrize(
    ("text", "span", "shown"),
    [
        ("It holds 1,250 litres.", "250", "1,250"),
        ("It holds 53% of it.", "53", "53%"),
        ("It cost $2.5 million.", "2", "$2.5"),
        ("Built in the 1960s.", "1960", "1960s"),
        ("Lent by the Queen.", "the Queen.", "Queen"),
        ("Runners (the Kalenjin) win.", "Kalenjin)", "Kalenjin"),
        ("Runners (the Kalenjin) win.", "Runners (the Kalenjin)", "Runners (the Kalenjin)"),
        ("It is called “Blue Hour”.", "“Blue Hour”.", "“Blue Hour”"),
        ("Ms O'Neill's crew.", "Neill", "O'Neill's"),
        ("Class A is best.", "A", "A"),
    ],
)
def test_ends_are_moved_to_whole_words_without_what_belongs_to_none(text: str, span: str, shown: str) -> None:
    assert short_in(text, (span, 3.0)) == shown


@pytest.mark.parametrize(("kind", "shown"), [("time", "May 1973"), ("any", "in May 1973"), ("person", "in May 1973")])
def test_a_preposition_goes_where_the_question_word_says_it(kind: str, shown: str) -> None:
    assert short_in("Opened in May 1973.", ("in May 1973", 3.0), kind=kind) == shown


def test_a_lone_article_is_a_name() -> None:
    assert short_in("Vitamin A, not a pill.", ("A", 3.0)) == "A"
    assert short_in("Switch a is off.", ("a", 3.0)) == "a"


def test_no_word_is_no_answer() -> None:
    assert short_of("One, two.", [SpanReading(3, 4, 9.0)]) is None
    assert short_of("One, two.", []) is None


def test_spans_that_agree_are_surer_than_spans_that_do_not() -> None:
    text = "One red fox, two grey hens and three black dogs."
    agreed = short_of(text, spans_of(text, ("two grey hens", 3.0), ("grey hens", 3.0)))
    apart = short_of(text, spans_of(text, ("red fox", 3.0), ("black dogs", 3.0)))
    assert agreed is not None and apart is not None
    assert agreed.certainty > 0.8 and apart.certainty == pytest.approx(0.5)
    read = UnitRead(1.0, 1.0, (), 3.0)
    assert sureness(read, agreed.certainty, 0.5) > sureness(read, apart.certainty, 0.5)
    assert sureness(read, 0.5, 0.9) > sureness(read, 0.5, 0.5)
    assert sureness(replace(read, span_score=4.0), 0.5, 0.5) > sureness(read, 0.5, 0.5)


def test_words_are_marked_on_the_page_from_where_they_are_sure_enough() -> None:
    text = "It weighs 34\n    kg without water."
    page = "Pump.\n" + text
    here = unit(text, 6)
    folded = " ".join(text.split())

    def marked(score: float, evidence: float) -> str | None:
        read = UnitRead(1.0, 1.0, spans_of(folded, ("34 kg", score)), score)
        place = answer_in(here, readings((here, read)), "number", evidence)
        return None if place is None else page[place.start : place.end]

    assert marked(LEAST_SURE + 0.1, 0.5) == "34\n    kg"
    assert marked(LEAST_SURE - 0.1, 0.5) is None
    assert marked(LEAST_SURE - 0.1, 0.6) == "34\n    kg"
    assert answer_in(here, None, "number", 0.99) is None
    assert answer_in(unit("other", 90), readings((here, UnitRead(1.0, 1.0, (), 9.0))), "number", 0.99) is None
    assert answer_in(here, readings((here, UnitRead(1.0, 1.0, (), 9.0))), "number", 0.99) is None


def test_any_place_in_a_unit_is_its_characters_on_the_page() -> None:
    text = "  The head\tbolts \n take 45 Nm  in a cross. "
    folded, page = " ".join(text.split()), "x" * 30 + text
    for start in range(len(folded)):
        for end in range(start + 1, len(folded) + 1):
            place = page_span(unit(text, 30), start, end)
            if place is not None:
                assert 30 <= place.start < place.end <= 30 + len(text)
                if not {folded[start], folded[end - 1]} & {" "}:
                    assert " ".join(page[place.start : place.end].split()) == folded[start:end]
            else:
                assert folded[start:end].isspace()
