"""ODT -> one page of blocks, from content.xml alone. Structure: OASIS OpenDocument 1.3, part 3."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

from ragedge.contracts import ReadOptions
from ragedge.errors import UnreadableDocument
from ragedge.ingest.readers.markup import local_name
from ragedge.ingest.readers.package import Package
from ragedge.ingest.readers.parts import PageBuilder, Part, Progress, clean_about

PROGRESS_BLOCKS = 2_000
MAX_SPACES = 100
"""Longest run of spaces that an element may stand for."""
_SILENT = frozenset(
    ["annotation", "tracked-changes", "sequence-decls", "forms", "note-citation", "annotation-end", "ruby-text"]
)


def read_odt(stream: BinaryIO, options: ReadOptions) -> Iterator[Part]:
    """An OpenDocument text as one page."""
    package = Package(stream)
    if "META-INF/manifest.xml" in package and b"encryption-data" in package.read("META-INF/manifest.xml"):
        raise UnreadableDocument("encrypted", "is encrypted with a password", "save it without a password")
    yield _about(package)
    page = PageBuilder()
    root = package.xml("content.xml")
    body = next((element for element in root.iter() if local_name(element) == "body"), root)
    for count, (element, name, is_item) in enumerate(_blocks(body)):
        if name == "table":
            page.add_table(_rows(element))
        elif name == "h":
            level = _attribute(element, "outline-level")
            page.add("heading", _text(element), int(level) if level.isdigit() and 0 < int(level) < 11 else 1)
        else:
            text = _text(element)
            page.add("list" if is_item else "text", f"- {text}" if is_item and text.strip() else text)
        if count % PROGRESS_BLOCKS == PROGRESS_BLOCKS - 1:
            yield Progress()
    yield page.page(1)


def _blocks(body: Any) -> Iterator[tuple[Any, str, bool]]:
    """Headings, paragraphs and outermost tables in order, and whether they stand in a list."""
    stack = [(element, False) for element in reversed(body)]
    while stack:
        element, in_list = stack.pop()
        name = local_name(element)
        if name in ("p", "h", "table"):
            yield element, name, in_list
        elif name not in _SILENT:
            stack.extend((inner, in_list or name == "list-item") for inner in reversed(element))


def _text(element: Any) -> str:
    """Text of a paragraph with its spaces, tabs and line ends; notes and frames follow where they are anchored."""
    pieces: list[str] = []
    stack: list[tuple[Any, bool]] = [(element, False)]
    while stack:
        inner, is_end = stack.pop()
        name = local_name(inner)
        if is_end or name in _SILENT:
            pieces.append((inner.tail or "") if inner is not element else "")
            continue
        if name == "s":
            count = _attribute(inner, "c")
            pieces.append(" " * min(int(count) if count.isdigit() else 1, MAX_SPACES))
        elif name == "tab":
            pieces.append("\t")
        elif name == "line-break" or (name == "p" and inner is not element):
            pieces.append("\n")
        pieces.append(inner.text or "")
        stack.append((inner, True))
        stack.extend((child, False) for child in reversed(inner))
    return "".join(pieces)


def _rows(table: Any) -> list[list[str]]:
    rows = []
    for row in table.iter():
        if local_name(row) == "table-row":
            cells = [cell for cell in row if local_name(cell) in ("table-cell", "covered-table-cell")]
            rows.append([" ".join(_text(p) for p in cell.iter() if local_name(p) in ("p", "h")) for cell in cells])
    return rows


def _attribute(element: Any, name: str) -> str:
    return next((str(value) for key, value in element.attrib.items() if key.endswith("}" + name)), "")


def _about(package: Package) -> Part:
    found: dict[str, str] = {}
    if "meta.xml" in package:
        try:
            for element in package.xml("meta.xml").iter():
                found.setdefault(local_name(element), (element.text or "").strip())
        except UnreadableDocument:
            pass  # an extra; the text is read all the same
    author = found.get("creator") or found.get("initial-creator", "")
    metadata = {"author": author, "subject": found.get("subject", ""), "created": found.get("creation-date", "")}
    return clean_about(found.get("title", ""), found.get("language"), metadata)
