from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ragedge.contracts import PageSpan
from ragedge.search.merge import MAX_CHARS, MAX_MEMBERS, group_neighbours, merge
from tests.fakes import document, documents_pages
from tests.search.list_index import chunk, chunks_by_line

LINES = document("alpha one\nbeta two\ngamma three\ndelta four\nepsilon five\n")


def test_neighbours_become_one_passage_under_the_best_ones_id() -> None:
    chunks = {c.id: c for c in chunks_by_line(LINES)}
    ids = list(chunks)
    groups = group_neighbours([ids[2], ids[4], ids[1]], chunks, 3)
    assert [[c.ordinal for c in group] for group in groups] == [[2, 1], [4]]
    merged = merge(groups[0])
    assert merged.id == ids[2] and merged.text == "beta two\ngamma three"


def test_chunks_of_other_documents_or_further_away_stay_apart() -> None:
    other = document("one\ntwo\n", path="b.txt")
    chunks = {c.id: c for c in (*chunks_by_line(LINES), *chunks_by_line(other))}
    ids = [f"{LINES.id}-00000", f"{other.id}-00001", f"{LINES.id}-00002"]
    assert [len(group) for group in group_neighbours(ids, chunks, 3)] == [1, 1, 1]


def test_a_group_is_bounded_in_members_and_characters() -> None:
    chunks = {c.id: c for c in chunks_by_line(document("\n".join(f"line {i}" for i in range(9))))}
    assert max(len(g) for g in group_neighbours(list(chunks), chunks, 9)) == MAX_MEMBERS
    long = {c.id: c for c in chunks_by_line(document("\n".join("x" * (MAX_CHARS // 2 + 1) for _ in range(3))))}
    assert [len(g) for g in group_neighbours(list(long), long, 3)] == [1, 1, 1]


def test_neighbours_far_down_the_list_do_not_join() -> None:
    text = "\n".join(f"line {i}" for i in range(8))
    chunks = {c.id: c for c in chunks_by_line(document(text))}
    ids = list(chunks)
    assert group_neighbours([ids[0], ids[4], ids[1]], chunks, 1) == [[chunks[ids[0]]]]


def test_a_repeated_header_row_stands_once_in_the_merged_text() -> None:
    table = document("code | meaning\n1 | off\n2 | on\n")
    first = chunk(table, 0, (1, 0, 14), (1, 15, 22))
    second = chunk(table, 1, (1, 0, 14), (1, 23, 29))
    merged = merge([second, first])
    assert merged.text == "code | meaning\n1 | off\n2 | on"
    assert merged.spans == (PageSpan(1, 0, 14), PageSpan(1, 15, 22), PageSpan(1, 23, 29))


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 40), st.integers(1, 20)), min_size=2, max_size=6))
def test_merged_text_is_its_spans_joined_and_loses_and_repeats_nothing(raw: list[tuple[int, int, int]]) -> None:
    source = documents_pages(["abcdefghij" * 6, "0123456789" * 6])
    spans = [(page + 1, start, start + length) for page, start, length in raw]
    middle = len(spans) // 2
    first, second = chunk(source, 0, *_disjoint(spans[:middle])), chunk(source, 1, *_disjoint(spans[middle:]))
    merged = merge([first, second])
    texts = [source.pages[s.page - 1].text[s.start : s.end] for s in merged.spans]
    assert merged.text == "\n".join(texts)
    characters = [(s.page, i) for s in merged.spans for i in range(s.start, s.end)]
    assert len(characters) == len(set(characters))
    assert set(characters) == {(s.page, i) for c in (first, second) for s in c.spans for i in range(s.start, s.end)}


def _disjoint(spans: list[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    kept: list[tuple[int, int, int]] = []
    for span in spans:
        if all(span[0] != k[0] or span[2] <= k[1] or span[1] >= k[2] for k in kept):
            kept.append(span)
    return kept
