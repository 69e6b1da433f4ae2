"""Which lines of a PDF's pages are headings: those the outline names, numbered ones, and short ones in capitals.

A PDF's text has no structure, so the rules are careful: no sentences, no rows of tables, no lines of a contents list,
no running headers. The outline's titles are trusted where they are found on the page they point to.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ragedge.ingest.readers.lines import Line, is_capitals, numbered_level
from ragedge.ingest.readers.parts import one_line

MAX_TITLES = 20_000
"""Outline entries used; the largest manual seen has about 2,000."""
MAX_LEVEL = 6
REMEMBERED_LINES = 50_000
"""Lines remembered to notice running headers, about 5 MB."""
CAPITALS_LEVEL = 2
"""Depth of a line in capitals: below a chapter, above numbered parts."""


def outline_titles(reader: Any) -> dict[int, dict[str, int]]:
    """Page number -> folded title -> depth, from the bookmarks; what is damaged is left out."""
    titles: dict[int, dict[str, int]] = {}
    try:
        waiting = [(entry, 1) for entry in reversed(reader.outline)]
        seen = 0
        while waiting and seen < MAX_TITLES:
            entry, depth = waiting.pop()
            if isinstance(entry, list):
                waiting.extend((inner, depth + 1) for inner in reversed(entry))
                continue
            seen += 1
            number = reader.get_destination_page_number(entry)
            if number is not None and number >= 0:
                titles.setdefault(number + 1, {})[_fold(str(entry.title))] = min(depth, MAX_LEVEL)
    except MemoryError:
        raise
    except Exception:
        return titles
    return titles


class Headings:
    """Judges lines page by page, remembering what was seen on earlier pages."""

    def __init__(self, titles: dict[int, dict[str, int]]) -> None:
        self._titles = titles
        self._seen: set[str] = set()

    def on_page(self, number: int, text: str) -> Callable[[int, list[Line]], int]:
        """The judge for the lines of one page; lines that earlier pages had too are running headers."""
        repeated = self._seen
        self._seen = repeated | {_fold(line) for line in text.split("\n") if line and len(line) < 100}
        if len(self._seen) > REMEMBERED_LINES:
            self._seen = set()
        titles = self._titles.get(number, {})

        def level(at: int, lines: list[Line]) -> int:
            line = lines[at].text
            folded = _fold(line)
            if folded in titles:
                return titles[folded]
            if folded in repeated:
                return 0
            return min(numbered_level(line), MAX_LEVEL) or (CAPITALS_LEVEL if _stands_out(at, lines) else 0)

        return level


def _stands_out(at: int, lines: list[Line]) -> bool:
    """In capitals while its neighbours are not: a run of lines in capitals is a form, a cover or a table."""
    if not is_capitals(lines[at].text):
        return False
    near = [lines[i].text for i in (at - 1, at + 1) if 0 <= i < len(lines)]
    return not any(line.isupper() for line in near)


def _fold(text: str) -> str:
    return one_line(text).casefold()
