"""Records of what can be asked beside a question: a summary of a document, an answer in other words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ragedge.contracts.asking import Answer

RewriteKind = Literal["simpler", "translate"]


@dataclass(frozen=True, slots=True)
class SummaryRequest:
    """A document by id, path, file name or title, and perhaps one section of it, by its heading."""

    document: str
    section: str = ""
    language: str | None = None


@dataclass(frozen=True, slots=True)
class CitedPlace:
    """What a stretch `[answer_start, answer_end)` of a text rests on: `[start, end)` of a page of a document."""

    number: int
    chunk_id: str
    page: int
    start: int
    end: int
    answer_start: int
    answer_end: int


@dataclass(frozen=True, slots=True)
class RewriteRequest:
    """An answer's text with its citations, to be said simpler, or in the language `language` ("de")."""

    text: str
    kind: RewriteKind
    language: str | None = None
    citations: tuple[CitedPlace, ...] = ()


def rewriting_of(answer: Answer, kind: RewriteKind, language: str | None = None) -> RewriteRequest:
    """The request for an answer in other words."""
    places = tuple(
        CitedPlace(c.number, c.chunk_id, c.span.page, c.span.start, c.span.end, c.answer_start, c.answer_end)
        for c in answer.citations
    )
    return RewriteRequest(answer.text, kind, language, places)
