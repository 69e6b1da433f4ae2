"""EPUB -> one page per part of its spine, in reading order. Structure: EPUB 3.3, packages and OCF."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import Any, BinaryIO
from urllib.parse import unquote

from ragedge.contracts import Page, PageProblem, ReadOptions
from ragedge.errors import UnreadableDocument
from ragedge.ingest.readers.markup import local_name
from ragedge.ingest.readers.package import Package
from ragedge.ingest.readers.parts import About, Part, clean_about, one_line
from ragedge.ingest.readers.web import html_parts

MAX_SPINE = 20_000
LABEL_CHARS = 80
_HTML = frozenset(["application/xhtml+xml", "text/html", "application/x-dtbook+xml", "text/x-oeb1-document"])


def read_epub(stream: BinaryIO, options: ReadOptions) -> Iterator[Part]:
    """A book, one page per part; the label is the part's first heading."""
    package = Package(stream)
    name = _package_name(package)
    root = package.xml(name)
    yield _about(root)
    number = 0
    for part in _spine(root, posixpath.dirname(name)):
        number += 1
        try:
            content = package.read(part)
        except UnreadableDocument as error:
            if error.reason == "encrypted" or error.reason == "too_large":
                raise
            yield Page(number, None, "")
            yield PageProblem(number, "broken", f"part {number} of the book is missing or damaged")
            continue
        for found in html_parts(content, number, None):
            if isinstance(found, Page):
                yield Page(number, _label(found), found.text, found.origin, found.blocks)
            elif not isinstance(found, About):
                yield found


def _package_name(package: Package) -> str:
    if any(name.lower() == "meta-inf/rights.xml" for name in package.names):
        raise UnreadableDocument("encrypted", "is locked by its shop (DRM)")
    for element in package.xml("META-INF/container.xml").iter():
        if local_name(element) == "rootfile" and element.get("full-path"):
            return str(element.get("full-path")).lstrip("/")
    raise UnreadableDocument("broken", "does not name its table of parts")


def _spine(root: Any, folder: str) -> list[str]:
    """Names of the text parts in reading order."""
    items, order = {}, []
    for element in root.iter():
        name = local_name(element)
        if name == "item" and element.get("media-type") in _HTML:
            target = unquote(element.get("href", "").partition("#")[0])
            items[element.get("id")] = posixpath.normpath(posixpath.join(folder, target))
        elif name == "itemref":
            order.append(element.get("idref"))
    return [items[key] for key in order if key in items][:MAX_SPINE]


def _label(page: Page) -> str | None:
    for block in page.blocks:
        if block.kind == "heading":
            return one_line(page.text[block.start : block.end])[:LABEL_CHARS]
    return None


def _about(root: Any) -> Part:
    found: dict[str, str] = {}
    for element in root.iter():
        if local_name(element) in ("title", "language", "creator", "publisher", "date"):
            found.setdefault(local_name(element), element.text or "")
    metadata = {
        "author": found.get("creator", ""),
        "publisher": found.get("publisher", ""),
        "date": found.get("date", ""),
    }
    return clean_about(found.get("title", ""), found.get("language"), metadata)
