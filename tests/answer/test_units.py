from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from ragedge.answer.units import MAX_ITEM_CHARS, units_of
from tests.answer.passages import pages_of, retrieval_of, with_blocks
from tests.fakes import document


def units(*documents):  # type: ignore[no-untyped-def]
    return units_of(retrieval_of("question", *documents), pages_of(*documents))


def test_sentences_items_and_rows_are_units_and_headings_are_marked() -> None:
    source = with_blocks(
        "Pump care\n\nKeep it dry. Store it upright.\n\n1. Close the valve.\n\ncode | meaning\n--- | ---\nE1 | dry run",
        "heading", "text", "list", "table",
    )  # fmt: skip
    found = [(u.kind, u.text) for u in units(source)]
    assert found == [
        ("heading", "Pump care"),
        ("text", "Keep it dry."),
        ("text", "Store it upright."),
        ("list", "1. Close the valve."),
        ("row", "code | meaning"),
        ("row", "E1 | dry run"),
    ]


def test_pages_without_blocks_are_cut_by_rule() -> None:
    found = [(u.kind, u.text) for u in units(document("# Care\n\nKeep it dry. Store it.\n\n- oil\n- grease\n"))]
    assert found == [
        ("heading", "# Care"),
        ("text", "Keep it dry."),
        ("text", "Store it."),
        ("list", "- oil"),
        ("list", "- grease"),
    ]


def test_a_very_long_item_is_cut_into_sentences() -> None:
    sentence = "This step takes some words to describe. "
    source = with_blocks(sentence * (MAX_ITEM_CHARS // len(sentence) + 2), "list")
    assert len(units(source)) > 5 and {u.kind for u in units(source)} == {"list"}


def test_what_two_hits_share_counts_once_for_the_better() -> None:
    source = document("One sentence. Another one.")
    found = units_of(retrieval_of("q", source, source), pages_of(source))
    assert [u.hit_index for u in found] == [0, 0]


def test_a_span_beyond_its_page_is_cut_at_the_page() -> None:
    long, short = document("A sentence that is long enough. And one more."), document("Short.")
    retrieval = retrieval_of("q", long)
    found = units_of(retrieval, lambda document_id, number: short.pages[0])
    assert [u.text for u in found] == ["Short."]


@given(
    st.lists(
        st.sampled_from(["Oil it.", "Is it dry? Yes.", "- item", "a | b", "# Head", "", "x\ty", "1. go"]), max_size=9
    )
)
def test_units_are_exact_ordered_parts_of_their_page(lines: list[str]) -> None:
    source = document("\n".join(lines) + " ")
    found = units(source)
    text = source.pages[0].text
    assert all(u.text == text[u.start : u.end] and u.text == u.text.strip() and u.text for u in found)
    assert all(a.end <= b.start for a, b in pairwise(found))
