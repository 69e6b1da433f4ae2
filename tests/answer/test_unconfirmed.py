"""Numbers that no source supports: found whole, marked in the text, and never let out of a stream before."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragedge.answer.unconfirmed import HeldBack, fact_spans, mark


@pytest.mark.parametrize(
    ("sentence", "facts"),
    [
        ("Tighten to 35 Nm.", ["35 Nm"]),
        ("It costs $1,200.50 or 40 € in 3-5 days.", ["$1,200.50", "40 €", "3-5 days"]),
        ("Fault E-417 at -5 °C, part 4.510.210.", ["E-417", "-5 °C", "4.510.210"]),
        ("Wait five minutes, then two more.", ["five minutes", "two"]),
        ("At 10:30 on 12/05/2024 it was 12mm.", ["10:30", "12/05/2024", "12mm"]),
        ("It cost $2.5 million or two billion euros.", ["$2.5 million", "two billion euros"]),
        ("1. Close the valve [2] (Source 3).", []),
        ("Step 2: open it.", []),
        ("No number here, only one word.", []),
    ],
)
def test_facts_are_found_whole_and_marks_of_lists_and_sources_are_none(sentence: str, facts: list[str]) -> None:
    assert [sentence[a:b] for a, b in fact_spans(sentence)] == facts


@pytest.mark.parametrize("part", ["a", "a-", "a.", "-", "1-", "$ ", "a/b-", "x'"])
def test_hostile_repetition_costs_no_more_than_its_length(part: str) -> None:
    text = part * 4_000
    assert all(any(c.isdigit() for c in text[a:b]) for a, b in fact_spans(text + " end"))


def test_a_mark_moves_all_places_after_it() -> None:
    text = "It is 5 bar at 20 °C, always."
    marked, moved = mark(text, [(6, 11), (15, 20)], "xx")
    assert marked == "It is [unconfirmed: 5 bar] at [unconfirmed: 20 °C], always."
    assert marked[moved(0) : moved(5)] == "It is"
    assert marked[moved(6) : moved(11)] == "[unconfirmed: 5 bar]"
    assert marked[moved(22) : moved(len(text))] == "always."


def stream(text: str, cuts: list[int], confirmed: frozenset[str] = frozenset()) -> list[str]:
    """What comes out of a stream of `text` in pieces, one entry per piece, then the rest."""
    held = HeldBack(lambda s: [] if s in confirmed else fact_spans(s))
    places = sorted({0, len(text), *(c for c in cuts if c < len(text))})
    return [*(held.add(text[a:b]) for a, b in itertools.pairwise(places)), held.finish()]


def test_text_before_a_number_flows_and_the_rest_of_its_sentence_waits() -> None:
    text = "Close the valve. Then wait 5 min before use. Done now."
    out = stream(text, list(range(len(text))))
    shown = ["".join(out[: n + 1]) for n in range(len(out))]
    assert shown[text.index("wait")] == "Close the valve. Then ", "a sentence without a number is not held back"
    assert shown[text.index("before use") + 9].endswith("Then wait ")
    assert shown[-1] == "Close the valve. Then wait [unconfirmed: 5 min] before use. Done now."


def test_a_confirmed_number_comes_without_a_mark() -> None:
    text = "It is 5 bar. It is 6 bar."
    assert "".join(stream(text, [3, 8], frozenset(["It is 5 bar."]))) == "It is 5 bar. It is [unconfirmed: 6 bar]."


@given(
    st.text(alphabet=st.sampled_from("It is. 45 E-bartwo\n[1]\u00e9?"), max_size=80),
    st.lists(st.integers(0, 80), max_size=12),
)
def test_however_a_text_is_cut_nothing_is_lost_and_no_digit_comes_unmarked(text: str, cuts: list[int]) -> None:
    held = HeldBack(lambda sentence: [(i, i + 1) for i, c in enumerate(sentence) if c == "4"])
    places = sorted({0, len(text), *(c for c in cuts if c < len(text))})
    out = "".join([*(held.add(text[a:b]) for a, b in itertools.pairwise(places)), held.finish()])
    assert out.replace("[unconfirmed: 4]", "4") == text
