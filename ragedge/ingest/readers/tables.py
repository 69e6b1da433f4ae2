"""Rows of a sheet or of a CSV -> pages of self-contained lines: `Column: value; Column: value`.

Each row is one line that names its columns, so that a passage cut anywhere still says what its numbers are. Cell texts
stay as they are; empty cells are left out. Long tables go on over several pages, labelled with their rows, so that no
page grows beyond what is handy to look up.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ragedge.contracts import Page
from ragedge.ingest.readers.parts import PageBuilder, Part, Progress, clean_text, is_name, is_number, one_line

PAGE_CHARS = 200_000
"""Length of a page beyond which a table goes on with the next: a page is looked up whole for each quote."""
PROGRESS_ROWS = 5_000
"""Rows between signs of life; a Pi reads about 2,000 rows of a sheet a second."""
MAX_COLUMNS = 16_384
"""Columns per row, the width of a spreadsheet."""


class TablePages:
    """Takes the rows of one sheet and yields its pages."""

    def __init__(self, first_page: int, label: str | None) -> None:
        self.number = first_page
        self._label = label
        self._page = PageBuilder()
        self._lines: list[str] = []
        self._chars = 0
        self._columns: list[str] = []
        self._waiting: tuple[int, list[str]] | None = None
        self._is_start = True
        self._first_row = self._last_row = 0
        self._is_split = False

    def pages(self, rows: Iterable[Sequence[str]]) -> Iterator[Part]:
        """All pages of the table, at least one even where it is empty."""
        for at, row in enumerate(rows, start=1):
            cells = [one_line(cell) for cell in row[:MAX_COLUMNS]]
            if at % PROGRESS_ROWS == 0:
                yield Progress()
            if not any(cells):
                self._settle(None)
                self._is_start = True
                continue
            self._settle(cells)
            if self._is_start:
                self._waiting = (at, cells)
                self._is_start = False
            else:
                self._add(at, cells)
            if self._chars > PAGE_CHARS:
                self._is_split = True
                yield self._finish()
        self._settle(None)
        yield self._finish()

    def _settle(self, following: list[str] | None) -> None:
        """Decide what the first row of a section is, now that the one after it is known."""
        if self._waiting is None:
            return
        at, cells = self._waiting
        self._waiting = None
        if following is not None and _names_columns(at, cells, following, self._columns):
            self._columns = cells
            self._last_row = at
            return
        alone = sum(map(bool, cells)) == 1
        if alone and (following is None or sum(map(bool, following)) > 1):
            self._flush()
            self._page.add("text", next(cell for cell in cells if cell))  # a title above the table
            self._is_start = True
            self._last_row = at
            return
        self._add(at, cells)

    def _add(self, at: int, cells: list[str]) -> None:
        parts = []
        for column, cell in enumerate(cells):
            if cell:
                name = self._columns[column] if column < len(self._columns) else ""
                parts.append(f"{name}: {cell}" if name else cell)
        line = ("; " if self._columns else " | ").join(parts)
        self._lines.append(line)
        self._chars += len(line) + 1
        self._first_row = self._first_row or at
        self._last_row = at

    def _flush(self) -> None:
        self._page.add("table", "\n".join(self._lines))
        self._lines.clear()

    def _finish(self) -> Page:
        self._flush()
        if not len(self._page) and self._columns and not self._is_split:
            self._page.add("table", " | ".join(cell for cell in self._columns if cell))
        label = self._label
        if self._is_split:
            rows = f"rows {self._first_row}-{self._last_row}"
            label = f"{label}, {rows}" if label else rows
        page = self._page.page(self.number, clean_text(label) if label else None)
        self.number += 1
        self._page, self._chars, self._first_row = PageBuilder(), 0, 0
        return page


def _names_columns(at: int, cells: list[str], following: list[str], known: list[str]) -> bool:
    """Whether a row names the columns of those below: names only, no fewer than there are values under them.

    After a blank line a further header must differ from data: numbers stand below its names, or its columns are others.
    """
    filled = [column for column, cell in enumerate(cells) if cell]
    names = [column for column in filled if is_name(cells[column])]
    has_index = len(names) >= 3 and names == filled[1:]  # exports number their rows in a first column
    if len({cells[column] for column in filled}) != len(filled) or not (names == filled or has_index):
        return False
    values = [column for column, cell in enumerate(following) if cell]
    if len(filled) * 2 < len(values) or (len(filled) == 1 and (len(values) > 1 or at > 1)):
        return False  # one name alone is a title, except on top of a table of one column
    has_numbers = any(is_number(following[column]) for column in filled if column < len(following))
    if known:
        same_place = filled == [column for column, cell in enumerate(known) if cell]
        return has_numbers or not same_place
    return has_numbers or len(filled) >= 1
