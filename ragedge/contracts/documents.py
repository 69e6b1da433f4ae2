"""Records of what was read: files, pages, blocks, chunks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

BlockKind = Literal["heading", "text", "list", "table", "code"]
PageOrigin = Literal["text", "ocr"]
Reason = Literal[
    "encrypted", "no_text", "broken", "too_large", "unsupported", "timed_out", "out_of_memory", "crashed", "unreadable"
]


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch `[start, end)` of a page's text with one role; `level` is a heading's depth (1 = top) or 0.

    A "list" block is one item, a "table" block one whole table: one row per line, its first line the header row when
    `has_header`. Blocks are in reading order and do not overlap; what lies between them is white space.
    """

    kind: BlockKind
    start: int
    end: int
    level: int = 0
    has_header: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """One page, slide, sheet or (for formats without pages) the whole file, as text in Unicode NFC.

    `number` counts from 1 by position; `label` is what is printed on the page (or a sheet's or slide's name), or None.
    """

    number: int
    label: str | None
    text: str
    origin: PageOrigin = "text"
    blocks: tuple[Block, ...] = ()


@dataclass(frozen=True, slots=True)
class PageProblem:
    """Why one page (or, with `page` None, some part of the file) gave less than it holds."""

    page: int | None
    reason: Reason
    detail: str


@dataclass(frozen=True, slots=True)
class ParsedFile:
    """What a reader made of one file, before it has an identity in an index."""

    title: str
    media_type: str
    pages: tuple[Page, ...]
    language: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[PageProblem, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """One file of a corpus. `id` = the first 16 hex digits of the sha256 of its bytes; `path` POSIX, relative."""

    id: str
    path: str
    title: str
    media_type: str
    size_bytes: int
    language: str | None
    metadata: Mapping[str, str]
    pages: tuple[Page, ...]


GIVEN_DATE, GIVEN_EDITION = "@date", "@edition"
"""Keys of metadata that no reader makes: what people say of a document goes before what it declares."""


@dataclass(frozen=True, slots=True)
class DocumentName:
    """What a document of an index is called, and how many passages it has; `metadata` as its reader found it, with what
    people say of it under `GIVEN_DATE` and `GIVEN_EDITION`."""

    id: str
    path: str
    title: str
    media_type: str
    language: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    chunks: int = 0


@dataclass(frozen=True, slots=True)
class PageSpan:
    """Characters `[start, end)` of the text of page number `page`."""

    page: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Chunk:
    """What is embedded, found and cited. `text` is the spans' text, joined with one newline.

    `id` = "<document_id>-<ordinal, 5 digits>"; `headings` are the titles above it, outermost first; `tokens` counts
    what the embedder reads for it (headings included, special tokens not).
    """

    id: str
    document_id: str
    document_path: str
    ordinal: int
    text: str
    spans: tuple[PageSpan, ...]
    headings: tuple[str, ...]
    tokens: int
