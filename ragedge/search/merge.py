"""Neighbouring chunks that were found together become one passage, in reading order and without repeated text.

A merged passage keeps the id of its best chunk; its spans are those of its members with overlaps taken out, its text is
the spans' text joined with one newline (the rule of `contracts.Chunk`). Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from ragedge.contracts import Chunk, PageSpan

MAX_MEMBERS = 3  # chunks in one passage: beyond this a hit is no longer a passage that somebody checks at a glance
MAX_CHARS = 3_600  # of a merged passage, about 900 tokens: what still fits a prompt beside others


def group_neighbours(ids: Sequence[str], chunks: Mapping[str, Chunk], limit: int) -> list[list[Chunk]]:
    """Groups of adjacent chunks, best first in each, from `ids` (best first); at most `limit` groups.

    Only the first `2 * limit` ids are looked at, so that a far worse neighbour never joins a good passage.
    """
    groups: list[list[Chunk]] = []
    for chunk in (chunks[i] for i in ids[: 2 * limit] if i in chunks):
        group = next((g for g in groups if _fits(g, chunk)), None)
        if group is not None:
            group.append(chunk)
        elif len(groups) < limit:
            groups.append([chunk])
    return groups


def merge(members: Sequence[Chunk]) -> Chunk:
    """One chunk out of adjacent ones; the first of `members` gives id, ordinal and headings."""
    best = members[0]
    if len(members) == 1:
        return best
    spans: list[PageSpan] = []
    texts: list[str] = []
    for span, text in _pieces(sorted(members, key=lambda chunk: chunk.ordinal)):
        for kept in _outside(span, spans):
            spans.append(kept)
            texts.append(text[kept.start - span.start : kept.end - span.start])
    tokens = sum(chunk.tokens for chunk in members)
    return replace(best, text="\n".join(texts), spans=tuple(spans), tokens=tokens)


def _fits(group: Sequence[Chunk], chunk: Chunk) -> bool:
    if chunk.document_id != group[0].document_id or len(group) >= MAX_MEMBERS:
        return False
    if sum(len(member.text) for member in group) + len(chunk.text) > MAX_CHARS:
        return False
    return any(abs(chunk.ordinal - member.ordinal) == 1 for member in group)


def _pieces(chunks: Iterable[Chunk]) -> Iterable[tuple[PageSpan, str]]:
    """Each span of each chunk with its text, cut out of the chunk's own."""
    for chunk in chunks:
        offset = 0
        for span in chunk.spans:
            length = span.end - span.start
            yield span, chunk.text[offset : offset + length]
            offset += length + 1


def _outside(span: PageSpan, taken: Sequence[PageSpan]) -> list[PageSpan]:
    """The parts of `span` that no span of `taken` covers, in order."""
    parts = [span]
    for other in taken:
        if other.page != span.page:
            continue
        cut: list[PageSpan] = []
        for part in parts:
            if other.end <= part.start or other.start >= part.end:
                cut.append(part)
                continue
            if part.start < other.start:
                cut.append(PageSpan(part.page, part.start, other.start))
            if other.end < part.end:
                cut.append(PageSpan(part.page, other.end, part.end))
        parts = cut
    return parts
