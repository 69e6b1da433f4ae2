"""Evidence without what it says twice: overlapping pieces are left out, repeats in other documents go last.

A mail that stands in its answer word for word would take the second of few places. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence

from ragedge.answer.sentences import content_words
from ragedge.contracts import Evidence, Hit


def without_overlaps(evidence: Sequence[Evidence]) -> tuple[Evidence, ...]:
    """Leaves out what a better piece of the same passage already holds."""
    kept: list[Evidence] = []
    for item in evidence:
        span = item.span
        if not any(
            other.hit_index == item.hit_index
            and other.span.page == span.page
            and span.start < other.span.end
            and other.span.start < span.end
            for other in kept
        ):
            kept.append(item)
    return tuple(kept)


def repeats_last(evidence: Sequence[Evidence], hits: Sequence[Hit]) -> tuple[Evidence, ...]:
    """The same pieces; what a better one of another document says in the same words goes behind all others.

    Not so within a document: the same line under two headings is about two things.
    """
    first: list[Evidence] = []
    repeats: list[Evidence] = []
    said: dict[tuple[str, ...], str] = {}
    for item in evidence:
        words, document_id = tuple(content_words(item.text)), hits[item.hit_index].chunk.document_id
        (first if said.setdefault(words, document_id) == document_id else repeats).append(item)
    return (*first, *repeats)
