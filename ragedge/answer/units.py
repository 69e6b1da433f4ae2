"""Passages to the units that an answer can quote: sentences, list items, table rows, each an exact part of one page.

Reads the pages' own blocks where a reader gave them, and cuts by rule where not. Knows no question and no score.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from ragedge.answer.sentences import sentence_spans
from ragedge.contracts import Page, Retrieval

UnitKind = Literal["text", "list", "row", "heading"]
PageOf = Callable[[str, int], Page]

MAX_ITEM_CHARS = 600  # a longer list item is cut into its sentences
_MAX_UNITS_PER_HIT = 90  # a merged passage of 3,600 characters in lines of 40
_LIST_MARK = re.compile(r"\s*(?:[-*•▪◦‣·–—+]\s|\(?(?:\d{1,3}|[A-Za-z])[.)]\s|(?:step|schritt|étape|paso)\s+\d)", re.I)
_STEP = re.compile(r"\s*\(?(\d{1,3})[.)]\s")
_HEADING_MARK = re.compile(r"\s*#{1,6}\s")
_ROW_MARK = re.compile(r"\S(?:\t|[ \t]*\|[ \t]*)\S|^\s*\|")
_CONTENTS_LINE = re.compile(r"\s*(?:\d{1,2}|[A-Z])(?:\.\d{1,3}){0,4}[ .\t].{2,120}?[ .\t](\d{1,4})\s*")
_MIN_CONTENTS_LINES = 8
_MAX_CONTENTS_LINES = 200  # of a page that are looked at
_CONTENTS_SHARE = 0.6  # of the lines; the rest are running heads and titles that wrap
_RULE_ROW = re.compile(r"[\s|:+=_-]+")


@dataclass(frozen=True, slots=True)
class Unit:
    """`text` == the text of page `page` in `[start, end)`; `hit_index` points into the hits."""

    hit_index: int
    document_id: str
    page: int
    start: int
    end: int
    kind: UnitKind
    text: str


def units_of(retrieval: Retrieval, page_of: PageOf) -> list[Unit]:
    """The units of all hits, in the order of hits and then of reading; what two hits share counts for the better."""
    units: list[Unit] = []
    seen: set[tuple[str, int, int, int]] = set()
    contents: dict[tuple[str, int], bool] = {}
    for index, hit in enumerate(retrieval.hits):
        count = 0
        for span in hit.chunk.spans:
            page = page_of(hit.chunk.document_id, span.page)
            place = (hit.chunk.document_id, span.page)
            if contents.setdefault(place, is_contents(page.text)):
                continue
            for start, end, kind in cut(page, span.start, min(span.end, len(page.text))):
                key = (hit.chunk.document_id, span.page, start, end)
                if key in seen or count >= _MAX_UNITS_PER_HIT:
                    continue
                seen.add(key)
                count += 1
                units.append(Unit(index, hit.chunk.document_id, span.page, start, end, kind, page.text[start:end]))
    return units


def step_number(unit: Unit) -> int:
    """The number that a unit begins with as an item of a numbered list; 0 for other units."""
    match = _STEP.match(unit.text)
    return int(match[1]) if match is not None and unit.kind == "list" else 0


def is_contents(text: str) -> bool:
    """Whether a page is a table of contents: numbered titles that end in page numbers which hardly ever fall.

    Its lines repeat the words of every title and answer nothing.
    """
    lines = [line for line in text.splitlines()[:_MAX_CONTENTS_LINES] if line.strip()]
    entries = [int(match[1]) for line in lines if (match := _CONTENTS_LINE.fullmatch(line))]
    if len(entries) < _MIN_CONTENTS_LINES or len(entries) < _CONTENTS_SHARE * len(lines):
        return False
    rising = sum(a <= b for a, b in pairwise(entries))
    return rising >= 0.9 * (len(entries) - 1) and entries[0] < entries[-1]


def cut(page: Page, start: int, end: int) -> Iterator[tuple[int, int, UnitKind]]:
    """Spans and kinds of the units of a page between `start` and `end`, in order."""
    blocks = [b for b in page.blocks if b.start < end and b.end > start]
    if not blocks:
        yield from _by_rule(page.text, start, end)
        return
    for block in blocks:
        first, last = max(block.start, start), min(block.end, end)
        if block.kind == "heading":
            yield first, last, "heading"
        elif block.kind == "list" and last - first <= MAX_ITEM_CHARS:
            yield first, last, "list"
        elif block.kind == "table":
            yield from _rows(page.text, first, last)
        else:
            kind: UnitKind = "list" if block.kind == "list" else "text"
            for a, b in sentence_spans(page.text[first:last]):
                yield first + a, first + b, kind


def _by_rule(text: str, start: int, end: int) -> Iterator[tuple[int, int, UnitKind]]:
    for a, b in sentence_spans(text[start:end]):
        piece = text[start + a : start + b]
        if _RULE_ROW.fullmatch(piece):
            continue
        kind: UnitKind = "text"
        if _HEADING_MARK.match(piece):
            kind = "heading"
        elif _ROW_MARK.search(piece):
            kind = "row"
        elif _LIST_MARK.match(piece):
            kind = "list"
        yield start + a, start + b, kind


def _rows(text: str, start: int, end: int) -> Iterator[tuple[int, int, UnitKind]]:
    position = start
    for line in text[start:end].splitlines(keepends=True):
        stripped = line.strip()
        if stripped and not _RULE_ROW.fullmatch(stripped):
            first = position + line.index(stripped)
            yield first, first + len(stripped), "row"
        position += len(line)
