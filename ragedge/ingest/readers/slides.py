"""PPTX -> one page per slide: its title, its text, tables and notes, read directly from the XML.

As in `office`, only the parts that hold text are unpacked. Slides come in the order of the presentation; the label of a
page is the slide's title. Structure: ECMA-376 part 1, section 19.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

from ragedge.contracts import Page, PageProblem, ReadOptions
from ragedge.errors import UnreadableDocument
from ragedge.ingest.readers.markup import local_name
from ragedge.ingest.readers.office import core_properties, main_part
from ragedge.ingest.readers.package import Package
from ragedge.ingest.readers.parts import PageBuilder, Part, one_line

LABEL_CHARS = 80
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_TITLES = frozenset(["title", "ctrTitle"])
_FURNITURE = frozenset(["sldNum", "dt", "ftr", "hdr", "sldImg"])


def read_pptx(stream: BinaryIO, options: ReadOptions) -> Iterator[Part]:
    """A presentation, one page per slide."""
    package = Package(stream)
    yield core_properties(package)
    main = main_part(package, "ppt/presentation.xml")
    for number, name in enumerate(_slide_names(package, main), start=1):
        try:
            yield _slide(package, name, number)
        except UnreadableDocument as error:
            if error.reason != "broken":
                raise
            yield Page(number, None, "")
            yield PageProblem(number, "broken", f"slide {number} is damaged")


def _slide_names(package: Package, main: str) -> list[str]:
    """Parts of the slides in the order they are shown."""
    relations = package.relations(main)
    names = []
    for entry in package.xml(main).iter():
        if local_name(entry) == "sldId":
            kind, part = relations.get(_relation_id(entry), ("", ""))
            if kind == "slide":
                names.append(part)
    return names


def _relation_id(entry: Any) -> str:
    ids = (value for key, value in entry.attrib.items() if key.endswith("}id"))
    return str(entry.get(_RELATION) or next(ids, ""))


def _slide(package: Package, name: str, number: int) -> Page:
    page = PageBuilder()
    title = ""
    for shape in _shapes(package.xml(name)):
        kind = _placeholder(shape)
        if kind in _FURNITURE:
            continue
        tables = [inner for inner in shape.iter() if local_name(inner) == "tbl"]
        for table in tables:
            page.add_table(_table_rows(table))
        if tables:
            continue
        paragraphs = [_paragraph(p) for p in shape.iter() if local_name(p) == "p"]
        if kind in _TITLES and not title:
            title = one_line(" ".join(text for text, _ in paragraphs))
            page.add("heading", title, 1)
            continue
        for text, is_item in paragraphs:
            page.add("list" if is_item or kind in ("body", "obj") else "text", text)
    _add_notes(page, package, name)
    return page.page(number, title[:LABEL_CHARS] or None)


def _add_notes(page: PageBuilder, package: Package, slide: str) -> None:
    for kind, part in package.relations(slide).values():
        if kind != "notesSlide" or part not in package:
            continue
        for shape in _shapes(package.xml(part)):
            if _placeholder(shape) not in _FURNITURE:
                page.add("text", "\n".join(_paragraph(p)[0] for p in shape.iter() if local_name(p) == "p"))


def _shapes(root: Any) -> Iterator[Any]:
    """Shapes with text and frames with tables, groups opened, in the order of the file; older copies skipped."""
    stack = [root]
    while stack:
        element = stack.pop()
        name = local_name(element)
        if name in ("sp", "graphicFrame"):
            yield element
        elif name != "Fallback":
            stack.extend(reversed(element))


def _placeholder(shape: Any) -> str:
    for element in shape.iter():
        if local_name(element) == "ph":
            return str(element.get("type", "obj"))
    return ""


def _paragraph(paragraph: Any) -> tuple[str, bool]:
    """Text of a paragraph, and whether it carries a bullet of its own."""
    pieces, is_item = [], False
    for element in paragraph.iter():
        name = local_name(element)
        if name == "t":
            pieces.append(element.text or "")
        elif name == "br":
            pieces.append("\n")
        elif name in ("buChar", "buAutoNum"):
            is_item = True
    return "".join(pieces), is_item


def _table_rows(table: Any) -> list[list[str]]:
    rows = []
    for row in table.iter():
        if local_name(row) == "tr":
            cells = [cell for cell in row if local_name(cell) == "tc"]
            rows.append([" ".join(_paragraph(p)[0] for p in cell.iter() if local_name(p) == "p") for cell in cells])
    return rows
