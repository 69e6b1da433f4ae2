"""DOCX -> one page of blocks: headings, paragraphs, list items, tables, footnotes, in the order of the document.

The XML is read directly: only the parts that hold text are unpacked (never pictures), damaged tables cost only
themselves, and nothing a document refers to outside itself is touched. Works for both variants of the namespaces, as
elements are told apart by their local names. Structure: ECMA-376 part 1, section 17.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from ragedge.contracts import ReadOptions
from ragedge.errors import UnreadableDocument
from ragedge.ingest.readers.markup import local_name
from ragedge.ingest.readers.package import Package
from ragedge.ingest.readers.parts import PageBuilder, Part, Progress, clean_about

PROGRESS_BLOCKS = 2_000
"""Blocks between signs of life, well under a second each."""
_HEADING = re.compile(r"(?i)(?:heading|berschrift|titre|titolo|ttulo|rubrik|kop|otsikko|nagwek)\s*(\d)")
_SILENT = frozenset(
    ("del", "moveFrom", "instrText", "delText", "Fallback", "annotationRef", "fldData", "sdtPr", "rPr", "pPr")
)
_CORE = {"creator": "author", "subject": "subject", "description": "description", "created": "created"}


@dataclass(frozen=True, slots=True)
class _Style:
    level: int = 0
    is_list: bool = False


def read_docx(stream: BinaryIO, options: ReadOptions) -> Iterator[Part]:
    """A Word document as one page."""
    package = Package(stream)
    yield core_properties(package)
    main = main_part(package, "word/document.xml")
    styles = _styles(package, main)
    page = PageBuilder()
    root = package.xml(main)
    body = next((child for child in root if local_name(child) == "body"), root)
    for count, (element, name) in enumerate(_blocks(body)):
        if name == "tbl":
            page.add_table(table_rows(element))
        else:
            _add_paragraph(page, element, styles)
        if count % PROGRESS_BLOCKS == PROGRESS_BLOCKS - 1:
            yield Progress()
    for kind, part in sorted(package.relations(main).values()):
        if kind in ("footnotes", "endnotes") and part in package:
            for note in package.xml(part):
                if note.get(_attribute(note, "type")) is None:  # separators carry a type, notes do not
                    page.add("text", "\n".join(paragraph_text(p) for p in _named(note, "p")))
    yield page.page(1)


def main_part(package: Package, usual: str) -> str:
    """Name of the part with the document itself."""
    for kind, part in package.relations("").values():
        if kind == "officeDocument" and part in package:
            return part
    if usual in package:
        return usual
    raise UnreadableDocument("broken", f"lacks its main part '{usual}'")


def core_properties(package: Package) -> Part:
    """Title, language and author from the package's properties, if they are there and sound."""
    title, language, found = "", None, {}
    if "docProps/core.xml" in package:
        try:
            for element in package.xml("docProps/core.xml"):
                name, text = local_name(element), element.text or ""
                title = text if name == "title" else title
                language = text if name == "language" else language
                if name in _CORE:
                    found[_CORE[name]] = text
        except UnreadableDocument:
            pass  # properties are an extra; the text is read all the same
    return clean_about(title, language, found)


def _blocks(body: Any) -> Iterator[tuple[Any, str]]:
    """Paragraphs and outermost tables in order, through content controls and other wrappers."""
    stack = list(reversed(body))
    while stack:
        element = stack.pop()
        name = local_name(element)
        if name in ("p", "tbl"):
            yield element, name
        elif name not in _SILENT:
            stack.extend(reversed(element))


def _add_paragraph(page: PageBuilder, paragraph: Any, styles: dict[str, _Style]) -> None:
    style, is_list = _Style(), False
    for properties in paragraph:
        if local_name(properties) != "pPr":
            continue
        for entry in properties:
            value = entry.get(_attribute(entry, "val"))
            if local_name(entry) == "pStyle":
                style = styles.get(value or "", style)
            elif local_name(entry) == "numPr":
                is_list = True
            elif local_name(entry) == "outlineLvl" and value and value.isdigit() and int(value) < 9:
                style = _Style(int(value) + 1)
    text = paragraph_text(paragraph)
    if style.level and len(text) < 300:
        page.add("heading", " ".join(text.split()), min(style.level, 9))
    elif is_list or style.is_list:
        page.add("list", f"- {text}" if text.strip() else "")
    else:
        page.add("text", text)
    for box in _boxes(paragraph):
        page.add("text", "\n".join(paragraph_text(inner) for inner in _named(box, "p")))


def paragraph_text(paragraph: Any) -> str:
    """Text of one paragraph: runs, links and fields; deleted text, field codes and text boxes left out."""
    pieces: list[str] = []
    stack = list(reversed(paragraph))
    while stack:
        element = stack.pop()
        name = local_name(element)
        if name == "t":
            pieces.append(element.text or "")
        elif name in ("tab", "ptab"):
            pieces.append("\t")
        elif name in ("br", "cr"):
            pieces.append("\n")
        elif name == "noBreakHyphen":
            pieces.append("\u2011")
        elif name not in _SILENT and name not in ("txbxContent", "tabs"):
            stack.extend(reversed(element))
    return "".join(pieces)


def _boxes(paragraph: Any) -> Iterator[Any]:
    """Text boxes anchored in a paragraph, each once: the older copy for old programs is skipped."""
    for box in _named(paragraph, "txbxContent"):
        if not any(local_name(up) == "Fallback" for up in box.iterancestors()):
            yield box


def table_rows(table: Any) -> list[list[str]]:
    """Cell texts by row; inner tables become part of their cell."""
    rows = []
    for row in _nearest(table, "tr", "tbl"):
        cells = _nearest(row, "tc", "tr")
        rows.append([" ".join(paragraph_text(p) for p in _named(cell, "p")) for cell in cells])
    return rows


def _nearest(element: Any, name: str, barrier: str) -> list[Any]:
    """Descendants called `name` that do not lie within a further `barrier`."""
    found, stack = [], list(reversed(element))
    while stack:
        inner = stack.pop()
        if local_name(inner) == name:
            found.append(inner)
        elif local_name(inner) != barrier:
            stack.extend(reversed(inner))
    return found


def _named(element: Any, name: str) -> list[Any]:
    return [inner for inner in element.iter() if local_name(inner) == name]


def _attribute(element: Any, name: str) -> str:
    """The attribute's full name: Word's attributes carry the namespace of their element."""
    namespace = str(element.tag).rpartition("}")[0]
    return f"{namespace}}}{name}" if namespace else name


def _styles(package: Package, main: str) -> dict[str, _Style]:
    """Style id -> what it makes of a paragraph, inherited from the style it is based on."""
    part = next((name for kind, name in package.relations(main).values() if kind == "styles"), "word/styles.xml")
    if part not in package:
        return {}
    own: dict[str, _Style] = {}
    parents: dict[str, str] = {}
    for style in package.xml(part):
        if local_name(style) != "style":
            continue
        style_id = style.get(_attribute(style, "styleId"), "")
        own[style_id] = _own_style(style, style_id)
        for entry in style:
            if local_name(entry) == "basedOn":
                parents[style_id] = entry.get(_attribute(entry, "val"), "")
    return {style_id: _inherited(style_id, own, parents) for style_id in own}


def _own_style(style: Any, style_id: str) -> _Style:
    name = next((e.get(_attribute(e, "val"), "") for e in style if local_name(e) == "name"), "") or style_id
    found = _HEADING.match(name) or _HEADING.match(style_id)
    level = int(found[1]) if found else (1 if name.lower() == "title" else 0)
    is_list = name.lower().startswith("list ") and "paragraph" not in name.lower()
    for entry in _named(style, "outlineLvl"):
        value = entry.get(_attribute(entry, "val"), "")
        level = level or (int(value) + 1 if value.isdigit() and int(value) < 9 else 0)
    return _Style(level, is_list or (bool(_named(style, "numPr")) and not level))


def _inherited(style_id: str, own: dict[str, _Style], parents: dict[str, str]) -> _Style:
    style, seen = own[style_id], {style_id}
    while not (style.level or style.is_list) and style_id in parents and parents[style_id] not in seen:
        style_id = parents[style_id]
        seen.add(style_id)
        style = own.get(style_id, style)
    return style
