"""HTML and XML -> one page of blocks: headings, paragraphs, list items, tables, preformatted text.

What surrounds the content is left out: scripts, navigation, headers, footers, forms, hidden parts, lists made of links.
Never so much that the page is lost: an element holding most of the text stays, whatever its name. Links are text only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, BinaryIO

from ragedge.contracts import ReadOptions
from ragedge.ingest.readers.markup import local_name, parse_html, parse_xml
from ragedge.ingest.readers.parts import PageBuilder, Part, clean_about, clean_text, one_line
from ragedge.ingest.readers.text import decode
from ragedge.ingest.readers.web_blocks import add_blocks

_CHARSET = re.compile(rb"""(?i)<(?:meta[^>]{0,200}?charset|\?xml[^>]{0,100}?encoding)\s*=\s*["']?\s*([\w.:-]{2,30})""")
_XML_DECLARATION = re.compile(r"^\s*<\?xml[^>]{0,200}\?>")
_META = {"description", "author", "keywords", "date", "dc.title", "dc.creator", "dc.date"}


def read_html(stream: BinaryIO, options: ReadOptions) -> Iterator[Part]:
    """An HTML file as one page."""
    content = stream.read()
    yield from html_parts(content, 1, None)


def html_parts(content: bytes, number: int, label: str | None) -> Iterator[Part]:
    """One HTML document as page `number`, and what its head says."""
    declared = _CHARSET.search(content[:4_096])
    text = decode(content, declared[1].decode("ascii") if declared else None)
    root = parse_html(_XML_DECLARATION.sub("", text))
    page = PageBuilder()
    if root is not None:
        yield _about(root)
        body = next((child for child in root if local_name(child) == "body"), root)
        add_blocks(page, body)
    yield page.page(number, label)


def _about(root: Any) -> Part:
    title, found = "", {}
    for element in root.iter("title", "meta"):
        if element.tag == "title" and not title:
            title = "".join(element.itertext())
        elif element.tag == "meta":
            name = str(element.get("name") or element.get("property") or "").lower()
            if name in _META:
                found[name.removeprefix("dc.")] = element.get("content") or ""
    return clean_about(title, root.get("lang") or root.get("{http://www.w3.org/XML/1998/namespace}lang"), found)


def read_xml(stream: BinaryIO, options: ReadOptions) -> Iterator[Part]:
    """An XML file: XHTML as HTML, any other vocabulary as one block per stretch of text, in document order."""
    content = stream.read()
    root = parse_xml(content)
    if local_name(root) == "html":
        yield from html_parts(content, 1, None)
        return
    page = PageBuilder()
    for element in root.iter():
        name = local_name(element)
        text = one_line(element.text or "")
        if name and text:
            page.add("text", f"{name}: {text}" if len(element) == 0 and len(text) < 200 else text)
        tail = clean_text(element.tail or "").strip()
        if tail:
            page.add("text", one_line(tail))
    yield clean_about(language=root.get("{http://www.w3.org/XML/1998/namespace}lang"))
    yield page.page(1)
