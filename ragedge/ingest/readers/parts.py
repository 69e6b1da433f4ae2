"""What a parser yields, and how the text of a page is put together.

A parser is a generator over one open file: pages in order, problems of single pages, what is known about the file,
and a sign of life where a page takes long. Text is cleaned here and nowhere else (Unicode NFC, no lone surrogates, no
NULs, no control characters, line ends "\\n"), and `PageBuilder` makes blocks that are exact, ordered and apart by
construction. Knows no file format.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

from ragedge.contracts import Block, BlockKind, Page, PageOrigin, PageProblem, ReadOptions

METADATA_CHARS = 2_000
"""Longest metadata value kept: a mail's address list may be long, a value beyond this is not for showing."""
METADATA_KEYS = 64
"""Most metadata entries per file, so that a hostile front matter cannot fill the catalog."""
TITLE_CHARS = 300
"""Longest title: more than this is a paragraph."""
HEADER_CELL_CHARS = 120
"""Longest cell that still looks like a column's name."""
ABBREVIATION_CHARS = 12
"""A cell up to this length may end in a full stop and still be a name ("No.", "Art. No."); longer, it is a sentence."""

# Cc without tab and newline, and lone surrogates, which no UTF-8 encoder takes
_UNWANTED = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufeff]")
_LINE_ENDS = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_NUMBER = re.compile(r"[\s$€£¥+\-(]*\d[\d.,:/\s%)\-]*")


@dataclass(frozen=True, slots=True)
class About:
    """What a file says about itself; a later one fills what earlier ones left open."""

    title: str = ""
    language: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Progress:
    """A sign of life from within a long page."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file inside a file, still to be read by the reader of its own kind."""

    name: str
    content: bytes


Part = Page | PageProblem | About | Progress | Attachment
Parser = Callable[[BinaryIO, ReadOptions], Iterator[Part]]


def clean_text(text: str) -> str:
    """`text` in NFC with "\\n" line ends and without surrogates, NULs, byte order marks and control characters."""
    return unicodedata.normalize("NFC", _UNWANTED.sub("", _LINE_ENDS.sub("\n", text)))


def one_line(text: str) -> str:
    """`text` cleaned, with every run of white space as one space."""
    return " ".join(clean_text(text).split())


def clean_about(title: str = "", language: str | None = None, metadata: Mapping[str, object] | None = None) -> About:
    """`About` with bounded, cleaned values; empty ones are left out."""
    values = {
        one_line(str(key))[:100]: one_line(str(value))[:METADATA_CHARS] for key, value in (metadata or {}).items()
    }
    kept = {key: value for key, value in list(values.items())[:METADATA_KEYS] if key and value}
    code = one_line(language or "").replace("_", "-").split("-")[0].lower()
    return About(one_line(title)[:TITLE_CHARS], code if code.isalpha() and 2 <= len(code) <= 3 else None, kept)


class PageBuilder:
    """Puts a page together from pieces of text, each of which becomes one block."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._blocks: list[Block] = []
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def add(self, kind: BlockKind, text: str, level: int = 0, has_header: bool = False) -> None:
        """Append `text` (cleaned here) as one block; blank text adds nothing.

        List items follow each other on single line ends, all else stands apart by a blank line.
        """
        text = clean_text(text)
        text = text.strip("\n").rstrip() if kind == "code" else text.strip()
        if not text.strip():
            return
        if self._blocks:
            both_items = kind == "list" and self._blocks[-1].kind == "list"
            gap = "\n" if both_items else "\n\n"
            self._pieces.append(gap)
            self._length += len(gap)
        start, end = self._length, self._length + len(text)
        self._pieces.append(text)
        self._blocks.append(Block(kind, start, end, level if kind == "heading" else 0, has_header))
        self._length = end

    def add_table(self, rows: Sequence[Sequence[str]], has_header: bool | None = None) -> None:
        """Append rows as `cell | cell` lines in one table block; `has_header` None = judge by the cells."""
        cells = [[one_line(cell) for cell in row] for row in rows]
        cells = [row for row in cells if any(row)]
        if not cells:
            return
        if has_header is None:
            has_header = is_header(cells)
        lines = [" | ".join(row).strip() for row in cells]
        self.add("table", "\n".join(lines), has_header=has_header and len(lines) > 1)

    def page(self, number: int, label: str | None = None, origin: PageOrigin = "text") -> Page:
        """The finished page."""
        return Page(number, label or None, "".join(self._pieces), origin, tuple(self._blocks))


def is_header(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first of `rows` names the columns: all cells filled, distinct, short, and none of them a number."""
    if len(rows) < 2 or len(rows[0]) < 2:
        return False
    first = rows[0]
    return len(set(first)) == len(first) and all(is_name(cell) for cell in first)


def is_name(cell: str) -> bool:
    """Whether a cell can be a column's name rather than a value."""
    if not cell or len(cell) > HEADER_CELL_CHARS or is_number(cell):
        return False
    return len(cell) <= ABBREVIATION_CHARS or cell[-1] not in ".!?"


def is_number(cell: str) -> bool:
    """Whether a cell holds a number, an amount, a date or a time in digits."""
    return _NUMBER.fullmatch(cell) is not None
