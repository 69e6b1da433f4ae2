"""The records that go into an index and come out of it, beside the documents and chunks of `contracts`.

One `FileRow` stands for every file of a folder that was seen, whether it gave a document or not, so that a report can
name what is missing and a second run knows what it need not read again.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ragedge.contracts import Chunk, Document, PageOrigin, PageProblem, Reason


@dataclass(frozen=True, slots=True)
class FileRow:
    """A file that was seen. `path` is POSIX and relative; `document_id` None and `reason` set: it gave no document.

    `mtime_ns` is the file's modification time in nanoseconds, `sha256` the 64 hex digits of its bytes.
    """

    path: str
    size_bytes: int
    mtime_ns: int
    sha256: str
    document_id: str | None
    reason: Reason | None = None
    detail: str = ""
    problems: tuple[PageProblem, ...] = ()


@dataclass(frozen=True, slots=True)
class NewDocument:
    """A document to put: unit vectors float32 [len(chunks), dimension], and the file it was read from.

    `source` is copied into the index (None: no copy is kept); `replaces` is the path whose old version goes with it.
    """

    document: Document
    chunks: tuple[Chunk, ...]
    vectors: NDArray[np.float32]
    file: FileRow
    source: Path | None = None
    replaces: str | None = None


@dataclass(frozen=True, slots=True)
class DocumentInfo:
    """What a list of documents shows. `pages` and `chunks` are counts, `added_at` is ISO 8601 in UTC.

    `other_paths` are further files with the very same bytes.
    """

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


@dataclass(frozen=True, slots=True)
class Details:
    """What people say of a document; it goes before what its file declares. None: nothing is said.

    `date` is "2024", "2024-05" or "2024-05-31", `edition` numbers with dots, `language` a tag such as "en" or "pt-BR".
    """

    title: str | None = None
    date: str | None = None
    edition: str | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True)
class PageSummary:
    """What was got out of a page: characters of text, passages that touch it, and how it was read.

    `same_as` is the number of the first page of the document with the very same text, None where it is the only one.
    """

    number: int
    label: str | None
    origin: PageOrigin
    chars: int
    chunks: int
    same_as: int | None


@dataclass(frozen=True, slots=True)
class Counts:
    """How much an index holds."""

    documents: int
    pages: int
    chunks: int
    files: int
