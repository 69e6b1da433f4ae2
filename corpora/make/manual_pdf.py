"""Lay the manual out as a PDF of A5 pages: cover, roman front matter with contents, numbered chapters, outline.

The streams are not compressed: the bytes depend on no zlib build.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib.colors import HexColor, black, white
from reportlab.lib.enums import TA_LEFT
from reportlab.lib.pagesizes import A5
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import (
    BaseDocTemplate,
    Flowable,
    Frame,
    KeepTogether,
    NextPageTemplate,
    PageBreak,
    PageTemplate,
    Paragraph,
    Spacer,
    Table,
)

from corpora.make.manual_table import INK, ContentsLine, RuledTable, column_widths
from corpora.make.markup import Block, blocks

_WIDTH, _HEIGHT = A5
_MARGIN = 15 * mm
_COLUMN = _WIDTH - 2 * _MARGIN
_BOXES = {"WARNING": HexColor("#c62828"), "CAUTION": HexColor("#e08a00"), "NOTE": HexColor("#47707f")}

_TEXT = ParagraphStyle("text", fontName="Helvetica", fontSize=9.2, leading=12.6, spaceAfter=5, alignment=TA_LEFT)
_STEP = ParagraphStyle("step", parent=_TEXT, leftIndent=16, bulletIndent=0, spaceAfter=2.5)
_H1 = ParagraphStyle("h1", parent=_TEXT, fontName="Helvetica-Bold", fontSize=17, leading=21, spaceAfter=9)
_H2 = ParagraphStyle("h2", parent=_TEXT, fontName="Helvetica-Bold", fontSize=11.5, leading=14, spaceBefore=9)
_H3 = ParagraphStyle("h3", parent=_TEXT, fontName="Helvetica-Bold", fontSize=9.6, spaceBefore=6, spaceAfter=1)
_CAPTION = ParagraphStyle(
    "caption", parent=_TEXT, fontName="Helvetica-Oblique", fontSize=8, spaceBefore=4, spaceAfter=2
)
for _style in (_H1, _H2, _H3):
    _style.textColor, _style.keepWithNext = INK, 1


Entry = tuple[int, str, str, str]  # level, heading, printed page, bookmark


@dataclass(frozen=True)
class Manual:
    """What to print. `chapters` are marked-up texts with all values put in; the first one is the front matter.

    `tables` maps a name to its caption and rows (first row: column names); `faults` are (code, display, class,
    meaning, cause, remedy).
    """

    title: str
    subtitle: str
    edition: str
    publisher: str
    front: str
    chapters: list[str]
    tables: Mapping[str, tuple[str, list[list[str]]]]
    faults: list[tuple[str, str, str, str, str, str]]


@dataclass
class _State:
    """Counters of one layout pass."""

    chapter: int = 0
    section: int = 0
    table: int = 0
    story: list[Flowable] = field(default_factory=list)


class _Template(BaseDocTemplate):
    """Pages with header and footer, printed page labels, the outline and the entries of the contents."""

    def __init__(self, manual: Manual) -> None:
        self.out = io.BytesIO()
        super().__init__(self.out, pagesize=A5, invariant=1, pageCompression=0, lang="en")
        self.title, self.author, self.subject = manual.title, manual.publisher, manual.subtitle
        self.creator = self.producer = "ragedge sample corpora"
        self.manual = manual
        self.first_body_page = 0
        self.entries: list[Entry] = []
        frame = Frame(_MARGIN, 16 * mm, _COLUMN, _HEIGHT - 36 * mm, 0, 0, 0, 0)
        self.addPageTemplates(
            [
                PageTemplate("cover", frame, onPage=self._cover),
                PageTemplate("front", frame, onPage=self._page),
                PageTemplate("body", frame, onPage=self._body),
            ]
        )

    def label(self, page: int) -> str:
        """The printed number: i, ii, ... in the front matter, then 1, 2, ..."""
        if self.first_body_page and page >= self.first_body_page:
            return str(page - self.first_body_page + 1)
        return ("", "i", "ii", "iii", "iv", "v", "vi", "vii", "viii")[page]

    def _cover(self, canvas: Any, _document: Any) -> None:
        canvas.addPageLabel(0, style="ROMAN_LOWER", start=1)
        canvas.setFillColor(INK)
        canvas.rect(0, _HEIGHT - 92 * mm, _WIDTH, 92 * mm, stroke=0, fill=1)
        canvas.setFillColor(white)
        canvas.setFont("Helvetica-Bold", 30)
        canvas.drawString(_MARGIN, _HEIGHT - 45 * mm, self.manual.title)
        canvas.setFont("Helvetica", 13)
        canvas.drawString(_MARGIN, _HEIGHT - 56 * mm, self.manual.subtitle)
        canvas.setFillColor(black)
        canvas.setFont("Helvetica", 10)
        canvas.drawString(_MARGIN, 30 * mm, self.manual.publisher)
        canvas.drawString(_MARGIN, 24 * mm, self.manual.edition)

    def _page(self, canvas: Any, document: Any) -> None:
        canvas.saveState()
        canvas.setStrokeColor(INK)
        canvas.setLineWidth(0.6)
        canvas.line(_MARGIN, _HEIGHT - 14 * mm, _WIDTH - _MARGIN, _HEIGHT - 14 * mm)
        canvas.line(_MARGIN, 12 * mm, _WIDTH - _MARGIN, 12 * mm)
        canvas.setFont("Helvetica", 7.5)
        canvas.drawString(_MARGIN, _HEIGHT - 12 * mm, self.manual.title)
        canvas.drawRightString(_WIDTH - _MARGIN, _HEIGHT - 12 * mm, self.manual.edition)
        canvas.drawCentredString(_WIDTH / 2, 8 * mm, self.label(document.page))
        canvas.restoreState()

    def _body(self, canvas: Any, document: Any) -> None:
        if not self.first_body_page:
            self.first_body_page = document.page
            canvas.addPageLabel(document.page - 1, style="ARABIC", start=1)
        self._page(canvas, document)

    def afterFlowable(self, flowable: Flowable) -> None:  # noqa: N802 (reportlab's name)
        level = getattr(flowable, "outline_level", None)
        if level is None:
            return
        key = f"section-{flowable.outline_text.split(' ')[0]}"
        self.canv.bookmarkPage(key)
        self.canv.addOutlineEntry(flowable.outline_text, key, level=level, closed=level == 0)
        self.entries.append((level, flowable.outline_text, self.label(self.page), key))


def manual_pdf(manual: Manual) -> bytes:
    """The whole manual, laid out again until the page numbers in its contents stand still."""
    contents: list[Entry] = []
    while True:
        template = _Template(manual)
        template.build(_story(manual, contents))
        if template.entries == contents:
            return template.out.getvalue()
        contents = template.entries


def _story(manual: Manual, contents: list[Entry]) -> list[Flowable]:
    state = _State()
    state.story += [NextPageTemplate("front"), PageBreak()]
    _lay(state, manual, blocks(manual.front), numbered=False)
    state.story += [PageBreak(), Paragraph("Contents", _H1)]
    state.story += [ContentsLine(text, page, key, level) for level, text, page, key in contents]
    state.story.append(NextPageTemplate("body"))
    for chapter in manual.chapters:
        _lay(state, manual, blocks(chapter), numbered=True)
    return state.story


def _lay(state: _State, manual: Manual, found: Iterable[Block], *, numbered: bool) -> None:
    for block in found:
        if block.kind == "h1":
            _chapter(state, block.text, numbered)
        elif block.kind == "h2":
            state.section += 1
            _heading(state, f"{state.chapter}.{state.section} {block.text}", _H2, 1)
        elif block.kind == "table" and block.label == "faults":
            state.story.extend(_fault(*fault) for fault in manual.faults)
        elif block.kind == "table":
            name = block.text if block.label == "table" else block.label
            state.table += 1
            caption, cells = manual.tables[name]
            state.story += _table(f"Table {state.table}: {caption}", cells)
        elif block.kind == "box":
            state.story += [Spacer(0, 3), _box(block), Spacer(0, 7)]
        elif block.kind == "step":
            state.story.append(Paragraph(_inline(block.text), _STEP, bulletText=f"{block.label}."))
        elif block.kind == "bullet":
            state.story.append(Paragraph(_inline(block.text), _STEP, bulletText="\u2013"))
        else:
            state.story.append(Paragraph(_inline(block.text), _TEXT))


def _chapter(state: _State, text: str, numbered: bool) -> None:
    if not numbered:
        state.story.append(Paragraph(escape(text), _H1))
        return
    state.chapter += 1
    state.section = 0
    state.story.append(PageBreak())
    _heading(state, f"{state.chapter} {text}", _H1, 0)


def _heading(state: _State, text: str, style: ParagraphStyle, level: int) -> None:
    heading = Paragraph(escape(text), style)
    heading.outline_level, heading.outline_text = level, text
    state.story.append(heading)


def _inline(text: str) -> str:
    parts = escape(text).split("**")
    return "".join(f"<b>{part}</b>" if index % 2 else part for index, part in enumerate(parts))


def _box(block: Block) -> Flowable:
    colour = _BOXES[block.label]
    word = Paragraph(f'<font color="#{colour.hexval()[2:]}"><b>{block.label}</b></font>', _TEXT)
    box = Table([[[word, Paragraph(_inline(block.text), _TEXT)]]], colWidths=[_COLUMN])
    box.setStyle(
        [
            ("BOX", (0, 0), (-1, -1), 0.8, colour),
            ("LINEBEFORE", (0, 0), (0, -1), 4, colour),
            ("LEFTPADDING", (0, 0), (-1, -1), 9),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 1),
        ]
    )
    return box


def _table(caption: str, cells: list[list[str]]) -> list[Flowable]:
    title = Paragraph(escape(caption), _CAPTION)
    table = RuledTable(cells, column_widths(cells, _COLUMN))
    if len(cells) <= 18:  # short enough for one page
        return [KeepTogether([title, table])]
    title.keepWithNext = True
    return [title, table]


def _fault(code: str, display: str, action: str, meaning: str, cause: str, remedy: str) -> Flowable:
    lines = [Paragraph(escape(f"{code} {display} ({action})"), _H3), Paragraph(_inline(meaning), _TEXT)]
    for word, text in (("Cause", cause), ("Remedy", remedy)):
        lines.append(Paragraph(f"<b>{word}:</b> {_inline(text)}", _TEXT))
    return KeepTogether(lines)
