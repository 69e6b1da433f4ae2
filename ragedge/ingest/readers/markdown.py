"""Blocks of Markdown, found by rule in the raw text: the page's text is the file itself, so quotes stay exact.

Headings (ATX and setext), list items, pipe tables, fenced code and front matter are told apart; everything else is a
paragraph. A small part of CommonMark on purpose: what a rule misses becomes a paragraph and nothing is lost.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ragedge.contracts import Block
from ragedge.ingest.readers.lines import Line, span, split_lines

FRONT_MATTER_LINES = 200
"""Longest front matter looked for; beyond that the first rule is just a rule."""
_ATX = re.compile(r" {0,3}(#{1,6})(?:[ \t]+\S.*|[ \t]*)")
_FENCE = re.compile(r" {0,12}(`{3,}|~{3,})(.*)")
_SETEXT = re.compile(r" {0,3}(=+|-{2,})[ \t]*")
_ITEM = re.compile(r"[ \t]{0,16}(?:[-*+]|\d{1,9}[.)])[ \t]+\S")
_RULE = re.compile(r" {0,3}(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})")
_DIVIDER = re.compile(r"[ \t]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*")
_PAIR = re.compile(r"([A-Za-z_][\w .-]{0,60}):[ \t]+(\S.*)")


def front_matter(text: str) -> tuple[dict[str, str], int]:
    """The `key: value` pairs between two `---` at the top of a file, and how many lines they take (0: none)."""
    if not text.startswith("---"):
        return {}, 0
    pairs: dict[str, str] = {}
    for i, line in enumerate(text.split("\n", FRONT_MATTER_LINES)):
        if i == 0:
            if line.strip() != "---":
                return {}, 0
        elif line.strip() in ("---", "..."):
            return pairs, i + 1
        elif match := _PAIR.fullmatch(line.rstrip()):
            pairs[match[1].strip().lower()] = match[2].strip().strip("\"'")
    return {}, 0


def markdown_blocks(text: str) -> Iterator[Block]:
    """Blocks of a cleaned Markdown text, in reading order."""
    lines = split_lines(text)
    _, at = front_matter(text)
    if at:
        yield span("text", lines[:at])
    while at < len(lines):
        if lines[at].is_blank:
            at += 1
            continue
        block, at = _block(lines, at)
        yield block


def _block(lines: list[Line], at: int) -> tuple[Block, int]:
    """The block that starts at line `at`, and the line after it."""
    text = lines[at].text
    if fence := _FENCE.fullmatch(text):
        return _fenced(lines, at, fence[1])
    if atx := _ATX.fullmatch(text):
        return span("heading", [lines[at]], len(atx[1])), at + 1
    if _RULE.fullmatch(text):
        return span("text", [lines[at]]), at + 1
    following = lines[at + 1].text if at + 1 < len(lines) else ""
    if "|" in text and "-" in following and "|" in following and _DIVIDER.fullmatch(following):
        return _table(lines, at)
    is_item = _ITEM.match(text) is not None
    if not is_item and _SETEXT.fullmatch(following) and not text.lstrip().startswith((">", "|")):
        return span("heading", [lines[at]], 1 if "=" in following else 2), at + 1
    stop = at + 1
    while stop < len(lines) and not _ends_paragraph(lines, stop):
        stop += 1
    return span("list" if is_item else "text", lines[at:stop]), stop


def _ends_paragraph(lines: list[Line], at: int) -> bool:
    text = lines[at].text
    if (
        lines[at].is_blank
        or _ATX.fullmatch(text)
        or _FENCE.fullmatch(text)
        or _ITEM.match(text)
        or _RULE.fullmatch(text)
    ):
        return True
    following = lines[at + 1].text if at + 1 < len(lines) else ""
    return "|" in text and "|" in following and _DIVIDER.fullmatch(following) is not None


def _fenced(lines: list[Line], at: int, mark: str) -> tuple[Block, int]:
    stop = at + 1
    while stop < len(lines):
        closing = _FENCE.fullmatch(lines[stop].text)
        stop += 1
        if closing and closing[1].startswith(mark) and not closing[2].strip():
            break
    return span("code", lines[at:stop]), stop


def _table(lines: list[Line], at: int) -> tuple[Block, int]:
    stop = at + 2
    while stop < len(lines) and not lines[stop].is_blank and "|" in lines[stop].text:
        stop += 1
    return span("table", lines[at:stop], has_header=True), stop
