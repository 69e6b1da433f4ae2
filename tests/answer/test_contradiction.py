"""What speaks against a quote: each kind of turned statement is named, and the same statement put otherwise is not."""

from __future__ import annotations

import pytest

from ragedge.answer.claims import Quote, claim_of, context_of, tokens_of
from ragedge.answer.contradiction import exchanged_words, objection
from ragedge.answer.denial import is_denied
from ragedge.answer.opposites import are_opposite
from ragedge.contracts import Page


def why(sentence: str, source: str, *, names: str = "") -> str | None:
    quote = Quote(0, Page(1, None, source), 0, len(source))
    return objection(claim_of(sentence, 0, len(sentence)), quote, context_of(names, [quote]))


TURNED = [
    ("The valve closes at 7 bar.", "The valve closes at 5 bar.", "number_missing"),
    ("The gap is 5 cm wide.", "The gap is 5 mm wide.", "number_missing"),
    ("The gap is 5 inches wide.", "The gap is 5 mm wide.", "number_missing"),
    ("A five-way valve steers the flow.", "A three-way valve steers the flow.", "number_missing"),
    ("Fault E-418 stops the pump.", "Fault E-417 stops the pump.", "code_missing"),
    ("The log was closed in May 1998.", "The log was closed in March 1998.", "date_changed"),
    ("The office is closed on Tuesdays and Monday.", "The office is closed on Sundays and Monday.", "date_changed"),
    ("The unit must not be moved.", "The unit must be moved.", "negation_flipped"),
    ("The unit can be moved.", "The unit cannot be moved.", "negation_flipped"),
    ("Drain the tank with the pump.", "Drain the tank without the pump.", "negation_flipped"),
    ("Always oil the seal.", "Never oil the seal.", "negation_flipped"),
    ("Use salt water; fresh water is good.", "Do not use salt water; fresh water is good.", "negation_flipped"),
    ("The tea is not also good. Mint tea is good.", "The tea is also good. Mint tea is good.", "negation_flipped"),
    ("Turn the knob clockwise to drain.", "Turn the knob counterclockwise to drain.", "opposite_word"),
    ("The pressure increases in winter.", "The pressure decreases in winter.", "opposite_word"),
    ("Rinse the filter after the test.", "Rinse the filter before the test.", "opposite_word"),
    ("Fit the left cover, then the left hose.", "Fit the left cover, then the right hose.", "opposite_word"),
    ("Keep the inlet valve open.", "Keep the inlet valve closed.", "opposite_word"),
    ("The maximum flow is 9 l.", "The minimum flow is 9 l.", "opposite_word"),
    ("In 1990 the plant was sold to Orbex.", "In 1990 the plant was sold to Lumatec.", "name_missing"),
    ("The firm Orbex supplied Lumatec, not Orbex.", "The firm Orbex supplied Lumatec, not Varo.", "name_missing"),
    ("The firm Lumatec sued Orbex in court.", "The firm Orbex sued Lumatec in court.", "order_changed"),
    ("At 20 bar it takes 30 min, at 10 bar it takes 60 min.", "At 10 bar it takes 30 min, at 20 bar it takes 60 min.",
     "order_changed"),
]  # fmt: skip


@pytest.mark.parametrize(("sentence", "source", "expected"), TURNED)
def test_a_turned_statement_is_refused_with_its_reason(sentence: str, source: str, expected: str) -> None:
    assert why(sentence, source) == expected


@pytest.mark.parametrize("source", [source for _, source, _ in TURNED])
def test_nothing_speaks_against_a_source_itself(source: str) -> None:
    assert why(source, source) is None


SAME = [
    ("The plant was sold to Lumatec in 1990.", "In 1990, the plant was sold to Lumatec."),
    ("According to the manual, the unit can't be moved.", "The unit cannot be moved."),
    ("The manual says that the gap is 5 millimetres wide.", "The gap is 5 mm wide."),
    ("This is not safe at night.", "This is unsafe at night."),
    ("Use clay as a seal.", "Use clay as a seal, but do not use sand."),
    ("It not only cools but also cleans the air.", "It cools and also cleans the air."),
    ("Lumatec and Orbex built the plant.", "The firms Orbex and Lumatec built the plant."),
    ("The plant was bought by Orbex from Lumatec.", "Lumatec sold the plant, and Orbex bought it."),
    ("He says Orbex moved to Kiel in 1990.", "In 1990 it moved to Kiel."),
    ("The USA supplied the plant with steel.", "The United States of America supplied the plant with steel."),
    ("1. Close valve No. 4 on Oct. 5.", "Close valve No. 4 on 5 October."),
    ("The small pump is near the large tank.", "The small pump stands near a big tank and a large basin."),
    ("Das Ventil Nummer 4 ist vor dem Winter zu schließen.", "Vor dem Winter ist das Ventil Nummer 4 zu schließen."),
]


@pytest.mark.parametrize(("sentence", "source"), SAME)
def test_the_same_statement_put_otherwise_is_not_refused(sentence: str, source: str) -> None:
    assert why(sentence, source, names="Orbex") is None


def test_a_name_is_understood_from_the_passage_only_where_the_quote_has_a_pronoun() -> None:
    quote = Quote(0, Page(1, None, "She opened the mill in May."), 0, 27)
    noun = Quote(0, Page(1, None, "The owner opened the mill in May."), 0, 33)
    passage = Quote(0, Page(1, None, "The heir was Ada Brandt."), 0, 24)
    claim = claim_of("In fact Ada Brandt opened the mill in May.", 0, 42)
    assert objection(claim, quote, context_of("", [quote, passage])) is None
    assert objection(claim, noun, context_of("", [noun, passage])) == "name_missing"
    assert objection(claim, quote, context_of("", [quote])) == "name_missing"


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [("open", "closed", True), ("Increasing", "decreased", True), ("links", "rechts", True), ("before", "after", True),
     ("open", "opened", False), ("pump", "valve", False)],
)  # fmt: skip
def test_opposites_are_known_in_their_forms(one: str, other: str, expected: bool) -> None:
    assert are_opposite(one.casefold(), other.casefold()) is expected
    assert are_opposite(other.casefold(), one.casefold()) is expected


def test_a_denial_of_something_else_is_none() -> None:
    assert not is_denied(tokens_of("Drain the tank."), tokens_of("Drain the tank, and never open the cover."))
    assert is_denied(tokens_of("Open the cover."), tokens_of("Drain the tank, and never open the cover."))


def test_words_in_each_other_s_place_are_found_once_per_place() -> None:
    source = "Rinse the filter with warm water before use."
    sentence = "Rinse the sieve with warm acid before use."
    quote = Quote(0, Page(1, None, source), 0, len(source))
    claim = claim_of(sentence, 0, len(sentence))
    assert exchanged_words(claim, quote) == [("sieve", "filter"), ("acid", "water")]
    assert exchanged_words(claim_of(source, 0, len(source)), quote) == []
