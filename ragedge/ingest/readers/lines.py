"""Blocks of plain text, found line by line: paragraphs, list items and headings by rule.

Turns the finished text of a page into exact spans; the text itself is never changed. The rules are careful rather than
complete: a heading that is missed costs a little context, a line that is wrongly a heading breaks a passage.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from ragedge.contracts import Block, BlockKind

HEADING_CHARS = 90
"""Longest line that can be a heading; printed headings stay under one line of about 80 characters."""
HEADING_WORDS = 12
_BULLET = re.compile(r"\s{0,12}(?:[•▪◦●■‣∙·–*+-]|\(?\d{1,3}[.)]|\(?[a-zA-Z][.)]|\(?[ivx]{1,5}\))\s+\S")
_NUMBERED = re.compile(r"(\d{1,3}(?:\.\d{1,3}){1,5})\.?\s+(\S.*)")
_NAMED = re.compile(
    r"(?:(?:CHAPTER|PART|APPENDIX|Chapter|Appendix)\s+(?:\d{1,3}|[IVXLC]{1,6}|[A-Z])|Part\s+[IVX]{1,5})\b[\s.:—–-]*(.*)"
)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a page: `[start, end)` without its line end, and the text in it."""

    start: int
    end: int
    text: str

    @property
    def is_blank(self) -> bool:
        """Whether there is nothing but white space on it."""
        return not self.text or self.text.isspace()


def split_lines(text: str) -> list[Line]:
    """The lines of a cleaned text, with their places."""
    lines, start = [], 0
    for piece in text.split("\n"):
        lines.append(Line(start, start + len(piece), piece))
        start += len(piece) + 1
    return lines


def span(kind: BlockKind, lines: list[Line], level: int = 0, has_header: bool = False) -> Block:
    """One block over consecutive lines, from the first to the last character that is not white space."""
    first, last = lines[0], lines[-1]
    start = first.start + len(first.text) - len(first.text.lstrip())
    end = last.end - (len(last.text) - len(last.text.rstrip()))
    return Block(kind, start, end, level, has_header)


def plain_blocks(text: str, heading_level: Callable[[int, list[Line]], int]) -> Iterator[Block]:
    """Blocks of a text; `heading_level(i, lines)` is a line's depth as a heading, 0 where it is none."""
    lines = split_lines(text)
    kind: BlockKind = "text"
    open_lines: list[Line] = []
    for i, line in enumerate(lines):
        level = 0 if line.is_blank else heading_level(i, lines)
        is_item = not level and is_list_item(line.text)
        if open_lines and (line.is_blank or level or is_item):
            yield span(kind, open_lines)
            open_lines = []
        if level:
            yield span("heading", [line], level)
        elif not line.is_blank:
            if not open_lines:
                kind = "list" if is_item else "text"
            open_lines.append(line)
    if open_lines:
        yield span(kind, open_lines)


def is_list_item(text: str) -> bool:
    """Whether a line starts with a bullet, a number or a letter as items do."""
    return _BULLET.match(text) is not None


def numbered_level(text: str) -> int:
    """Depth of a numbered heading ("4.2 Torque values" = 2, "Chapter 3" = 1), 0 where the line is none."""
    line = text.strip()
    if len(line) > HEADING_CHARS:
        return 0
    named = _NAMED.fullmatch(line)
    if named:
        return 1 if not named[1] or _is_title(named[1]) else 0
    numbered = _NUMBERED.fullmatch(line)
    if not numbered or not numbered[2][0].isupper() or not _is_title(numbered[2]):
        return 0
    return numbered[1].count(".") + 1


def is_capitals(text: str) -> bool:
    """Whether a line is a short title in capitals ("SAFETY NOTES"), with hardly any digits and no sentence end."""
    line = text.strip()
    letters = [c for c in line if c.isalpha()]
    if len(letters) < 4 or len(line) > 60 or len(line.split()) > 8 or len(letters) < 0.6 * len(line):
        return False
    return line[0].isalnum() and line[-1] not in ".,;:!?-" and all(c.isupper() for c in letters)


def _is_title(title: str) -> bool:
    """No sentence, no line of a contents list, no row of a table."""
    words = title.split()
    if len(words) > HEADING_WORDS or title[-1] in ".,;:!?-" or "...." in title or ". . ." in title:
        return False
    if len(words) == 1 and sum(c.isalpha() for c in title) < 4:
        return False  # "12.5 Nm" is a measure
    digits = sum(any(c.isdigit() for c in word) for word in words)
    return digits <= len(words) // 3 and not words[-1].isdigit() and any(c.isalpha() for c in words[0])
