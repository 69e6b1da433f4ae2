"""What the service's routes reply with, as records: the client decodes into them, the schema is made of them.

Questions and answers have their records in `contracts`; here is the rest. Fields beyond these may come along, and a
reader ignores them. This module knows no server, no client and no index.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from ragedge.contracts import PageOrigin, PageProblem, Passages, Reason


@dataclass(frozen=True, slots=True)
class ProblemDetail:
    """What happened, what to do about it, and the request it happened to; `reason` comes with unreadable files."""

    code: str
    message: str
    hint: str
    request_id: str
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """Every refusal and failure."""

    error: ProblemDetail


@dataclass(frozen=True, slots=True)
class Health:
    """`questions` are at work or waiting now; the next one beyond `queue_limit` is told to come back."""

    status: Literal["ok"]
    version: str
    engine: str
    questions: int
    queue_limit: int


@dataclass(frozen=True, slots=True)
class IndexCounts:
    """How much an index holds."""

    documents: int
    pages: int
    chunks: int
    files: int


@dataclass(frozen=True, slots=True)
class CollectionReport:
    """A collection that the caller may read, and how many documents there are for them."""

    name: str
    title: str
    documents: int


@dataclass(frozen=True, slots=True)
class IndexReport:
    """The index behind the service, and what may be sent to it."""

    title: str
    version: str
    engine: str
    vector_engine: str
    generation: int
    counts: IndexCounts
    can_change: bool
    suffixes: tuple[str, ...]
    max_upload_bytes: int
    max_question_chars: int
    questions: tuple[str, ...] = ()
    keeps_history: bool = True
    settings: dict[str, str | int | float | bool | None] = field(default_factory=dict)
    collections: tuple[CollectionReport, ...] = ()


@dataclass(frozen=True, slots=True)
class DocumentReport:
    """One document. `state` is "partial" where pages gave less than they hold; `problems` says which and why."""

    id: str
    path: str
    title: str
    media_type: str
    size_bytes: int
    language: str | None
    pages: int
    chunks: int
    added_at: str
    problems: tuple[PageProblem, ...]
    other_paths: tuple[str, ...]
    state: Literal["ready", "partial"]
    has_pictures: bool


@dataclass(frozen=True, slots=True)
class FileReport:
    """One file that was seen; with `document_id` None it gave no document, for `reason`."""

    path: str
    size_bytes: int
    mtime_ns: int
    sha256: str
    document_id: str | None
    reason: Reason | None = None
    detail: str = ""
    problems: tuple[PageProblem, ...] = ()


@dataclass(frozen=True, slots=True)
class DocumentList:
    """A stretch of the documents from `offset` on, of `total`, and the files that gave none."""

    total: int
    offset: int
    documents: tuple[DocumentReport, ...]
    rejected: tuple[FileReport, ...]
    rejected_total: int


@dataclass(frozen=True, slots=True)
class Uploaded:
    """What became of an upload; a duplicate is known under its first name."""

    file: FileReport
    document: DocumentReport
    is_duplicate: bool


@dataclass(frozen=True, slots=True)
class Removed:
    """The paths that are gone."""

    removed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PageReport:
    """A window of a page's text from `text_start` on, of `total_chars`; `previous` and `next` are page numbers."""

    number: int
    label: str | None
    origin: PageOrigin
    pages: int
    previous: int | None
    next: int | None
    text: str
    text_start: int
    total_chars: int
    document: DocumentReport


@dataclass(frozen=True, slots=True)
class Suggested:
    """Questions to begin with; `is_ready` False: they are still being made."""

    questions: tuple[str, ...]
    is_ready: bool


@dataclass(frozen=True, slots=True)
class Recorded:
    """Feedback was kept."""

    recorded: bool


@dataclass(frozen=True, slots=True)
class Found(Passages):
    """Passages, with the labels printed on the pages they touch: {document id: {page number: label or None}}."""

    page_labels: dict[str, dict[str, str | None]] = field(default_factory=dict)
