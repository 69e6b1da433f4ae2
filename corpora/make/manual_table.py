"""Tables for the manual: every row is one line of text, drawn as one text object.

reportlab's own Table draws each cell as a text object of its own, which text extractors turn into a line per cell;
here "Pump, casing bolts", "M8" and "18 N·m" of one row come out as one line. Cells never wrap: a row that is too wide
raises ValueError.
"""

from __future__ import annotations

from collections.abc import Sequence

from reportlab.lib.colors import HexColor, black, white
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.platypus import Flowable

INK = HexColor("#1d4e63")
_PALE = HexColor("#e8f0f3")
_PLAIN, _BOLD = "Helvetica", "Helvetica-Bold"
_SIZE = 7.6  # points; the widest table just fits the column
_PADDING = 3.0  # points, left and right of a cell
_ROW = 14.0  # points, height of a row
_BASELINE = 4.4  # points, from the lower edge of a row to its text


def column_widths(cells: Sequence[Sequence[str]], width: float) -> list[float]:
    """Widths in points that fit the longest cell of each column, the rest of `width` shared out evenly."""
    widths = [
        max(stringWidth(row[column], _PLAIN if number else _BOLD, _SIZE) for number, row in enumerate(cells))
        + 2 * _PADDING
        for column in range(len(cells[0]))
    ]
    slack = width - sum(widths)
    if slack < 0:
        raise ValueError(f"the table {cells[0]} is {-slack:.0f} points too wide")
    return [each + slack / len(widths) for each in widths]


class RuledTable(Flowable):
    """A table with a dark header row, striped rows and rules; repeats its header after a page break."""

    def __init__(self, cells: Sequence[Sequence[str]], widths: Sequence[float]) -> None:
        super().__init__()
        self.cells, self.widths = cells, widths
        self.spaceAfter = 9

    def wrap(self, _width: float, _height: float) -> tuple[float, float]:
        self.width, self.height = sum(self.widths), _ROW * len(self.cells)
        return self.width, self.height

    def split(self, _width: float, height: float) -> list[Flowable]:
        fitting = int(height // _ROW)
        if fitting < 3:  # a header with a single row is no good
            return []
        if fitting >= len(self.cells):
            return [self]
        rest = [self.cells[0], *self.cells[fitting:]]
        return [RuledTable(self.cells[:fitting], self.widths), RuledTable(rest, self.widths)]

    def draw(self) -> None:
        for number, row in enumerate(self.cells):
            y = self.height - _ROW * (number + 1)
            self.canv.setFillColor(INK if number == 0 else white if number % 2 else _PALE)
            self.canv.rect(0, y, self.width, _ROW, stroke=0, fill=1)
            self.canv.setStrokeColor(INK)
            self.canv.setLineWidth(0.4)
            self.canv.line(0, y, self.width, y)
            self._line(row, y + _BASELINE, header=number == 0)

    def _line(self, row: Sequence[str], y: float, *, header: bool) -> None:
        text = self.canv.beginText()
        text.setFont(_BOLD if header else _PLAIN, _SIZE)
        text.setFillColor(white if header else black)
        x = _PADDING
        for cell, width in zip(row, self.widths, strict=True):
            text.setTextOrigin(x, y)
            text.textOut(cell)
            x += width
        self.canv.drawText(text)


class ContentsLine(Flowable):
    """One line of the table of contents with a dotted leader, linked to the bookmark `key`."""

    def __init__(self, text: str, page: str, key: str, level: int) -> None:
        super().__init__()
        self.text, self.page, self.key, self.level = text, page, key, level

    def wrap(self, width: float, _height: float) -> tuple[float, float]:
        self.width, self.height = width, 11.0 if self.level else 16.0
        return self.width, self.height

    def draw(self) -> None:
        font, size, left = (_PLAIN, 8.5, 12.0) if self.level else (_BOLD, 9.0, 0.0)
        right = self.width - stringWidth(self.page, font, size)
        text = self.canv.beginText()
        text.setFont(font, size)
        for x, part in ((left, self.text), (right, self.page)):
            text.setTextOrigin(x, 2.5)
            text.textOut(part)
        self.canv.drawText(text)
        self.canv.setLineWidth(0.4)
        self.canv.setDash(0.5, 2.5)
        self.canv.line(left + stringWidth(self.text, font, size) + 4, 2.5, right - 4, 2.5)
        self.canv.setDash()
        self.canv.linkRect("", self.key, (0, 0, self.width, self.height), relative=1)
