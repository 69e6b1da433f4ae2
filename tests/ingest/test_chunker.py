"""Chunks: nothing lost, nothing cut off unseen, spans exact, structure kept."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragedge.contracts import Block, Chunk, Document
from ragedge.ingest.chunker import CONTEXT_CHARS, chunk_document, context_line, passage_text
from tests.fakes import HashEmbedder, document, documents_pages

spans_of = HashEmbedder().token_spans


def chunks_of(source: Document, max_tokens: int = 64) -> tuple[Chunk, ...]:
    return chunk_document(source, token_spans=spans_of, max_tokens=max_tokens)


def built(*parts: tuple[str, str, int]) -> tuple[str, list[Block]]:
    """Text and blocks from (kind, text, level) parts."""
    text, blocks = "", []
    for kind, part, level in parts:
        text += "\n\n" if text else ""
        blocks.append(Block(kind, len(text), len(text) + len(part), level, has_header=kind == "table"))  # type: ignore[arg-type]
        text += part
    return text, blocks


def check_invariants(source: Document, chunks: tuple[Chunk, ...], max_tokens: int) -> None:
    pages = {page.number: page.text for page in source.pages}
    covered = {page.number: bytearray(len(page.text)) for page in source.pages}
    for ordinal, chunk in enumerate(chunks):
        assert chunk.ordinal == ordinal
        assert chunk.id == f"{source.id}-{ordinal:05d}"
        assert chunk.text == "\n".join(pages[s.page][s.start : s.end] for s in chunk.spans)
        assert len(spans_of(passage_text(source.title, chunk))) <= max_tokens
        assert chunk.tokens <= max_tokens
        for span in chunk.spans:
            assert span.start < span.end
            covered[span.page][span.start : span.end] = b"\1" * (span.end - span.start)
    for number, text in pages.items():
        lost = [i for i, c in enumerate(text) if not c.isspace() and not covered[number][i]]
        assert not lost, f"characters lost: {text[lost[0] : lost[0] + 40]!r}"


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.text(alphabet=st.sampled_from("ab. \n#|é字!9"), max_size=400), min_size=1, max_size=4),
    st.integers(min_value=32, max_value=120),
    st.sampled_from(["application/pdf", "text/plain"]),
)
def test_no_character_is_lost_and_no_passage_is_too_long(texts: list[str], max_tokens: int, media_type: str) -> None:
    source = documents_pages(texts, media_type=media_type)
    check_invariants(source, chunks_of(source, max_tokens), max_tokens)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["heading", "text", "list", "table", "code"]),
            st.text(alphabet=st.sampled_from("abc. \n|;:"), min_size=1, max_size=300).filter(str.strip),
            st.integers(min_value=1, max_value=4),
        ),
        min_size=1,
        max_size=12,
    )
)
def test_blocks_of_every_kind_keep_the_invariants(parts: list[tuple[str, str, int]]) -> None:
    text, blocks = built(*parts)
    source = document(text, blocks=blocks)
    check_invariants(source, chunks_of(source), 64)


def test_headings_above_a_passage_are_its_path() -> None:
    text, blocks = built(
        ("heading", "4 Maintenance", 1),
        ("text", "General words. " * 20, 0),
        ("heading", "4.2 Torque values", 2),
        ("text", "The pump head takes 12 Nm. " * 10, 0),
        ("heading", "5 Storage", 1),
        ("text", "Drain the unit. " * 20, 0),
    )
    chunks = chunks_of(document(text, blocks=blocks))
    torque = next(c for c in chunks if "12 Nm" in c.text)
    assert torque.headings == ("4 Maintenance", "4.2 Torque values")
    assert next(c for c in chunks if "Drain" in c.text).headings == ("5 Storage",)


def test_a_heading_stays_with_what_follows_it() -> None:
    text, blocks = built(
        ("text", "Some words here. " * 12, 0), ("heading", "7 Faults", 1), ("text", "E-417 means low flow. " * 4, 0)
    )
    chunks = chunks_of(document(text, blocks=blocks))
    assert any("7 Faults" in c.text and "E-417" in c.text for c in chunks)


def test_a_table_that_fits_stays_whole() -> None:
    table = "Part | Torque\nPump head | 12 Nm\nFilter cap | 8 Nm\nDrain plug | 20 Nm"
    text, blocks = built(("text", "Words before the table come here. " * 5, 0), ("table", table, 0))
    chunks = chunks_of(document(text, blocks=blocks))
    assert any(table in c.text for c in chunks)


def test_every_part_of_a_long_table_repeats_its_header_row() -> None:
    rows = [f"Bolt {i} | {i} Nm" for i in range(60)]
    text, blocks = built(("table", "\n".join(["Part | Torque", *rows]), 0))
    chunks = chunks_of(document(text, blocks=blocks))
    assert len(chunks) > 3
    assert all(c.text.startswith("Part | Torque\n") for c in chunks)
    seen = [line for c in chunks for line in c.text.split("\n")[1:]]
    assert seen == rows, "each row once, whole, in order"


def test_slides_and_sheets_are_not_mixed_but_pdf_pages_flow() -> None:
    texts = ("First words.", "Second words.")
    assert len(chunks_of(documents_pages(texts, media_type="text/plain"))) == 2
    (only,) = chunks_of(documents_pages(texts, media_type="application/pdf"))
    assert [span.page for span in only.spans] == [1, 2]


def test_long_text_is_cut_at_sentence_ends() -> None:
    text = " ".join(f"Sentence number {i} says a thing." for i in range(60))
    for chunk in chunks_of(document(text)):
        assert chunk.text.startswith("Sentence")
        assert chunk.text.endswith("thing.")


def test_one_word_without_end_is_still_cut() -> None:
    source = document("x" * 20_000)
    chunks = chunks_of(source)
    check_invariants(source, chunks, 64)
    assert max(len(c.text) for c in chunks) <= 64 * 8


@pytest.mark.parametrize("text", ["", "   \n\n  "])
def test_an_empty_page_gives_no_chunk(text: str) -> None:
    assert chunks_of(document(text)) == ()


def test_the_context_line_keeps_the_innermost_heading() -> None:
    line = context_line("A very long title " * 10, ("Chapter", "Section", "4.2 Torque values"))
    assert line.endswith("Chapter > Section > 4.2 Torque values")
    assert len(line) <= CONTEXT_CHARS
