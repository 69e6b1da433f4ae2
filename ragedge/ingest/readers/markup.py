"""The only user of lxml: HTML and XML to element trees, hardened against hostile input.

No entity is resolved (billion laughs, external entities), no network, no DTD, no huge trees. HTML nested deeper than
libxml2's limit of 256 is flattened by the standard library's parser, so that its text is not lost.
"""

from __future__ import annotations

from html.parser import HTMLParser as _PlainParser
from typing import Any

from lxml import etree

from ragedge.errors import UnreadableDocument


def parse_xml(content: bytes) -> Any:
    """Root element of an XML document.

    Raises:
        UnreadableDocument: "broken" where it is not well-formed, "too_large" beyond libxml2's limits.
    """
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        if getattr(error, "code", None) == etree.ErrorTypes.ERR_RESOURCE_LIMIT:
            raise UnreadableDocument("too_large", "holds XML beyond what is safe to read") from error
        raise UnreadableDocument("broken", "holds XML that is not well-formed") from error
    if root is None:
        raise UnreadableDocument("broken", "holds an empty XML document")
    return root


def parse_html(text: str) -> Any:
    """Root element of an HTML page, or None where it holds nothing."""
    parser = etree.HTMLParser(encoding="utf-8", no_network=True, huge_tree=False, remove_comments=True, remove_pis=True)
    content = text.encode("utf-8", errors="replace")
    if not content.strip():
        return None
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError:
        root = None  # nothing of it is markup
    if any(entry.type == etree.ErrorTypes.ERR_RESOURCE_LIMIT for entry in parser.error_log):
        root = etree.fromstring(_flatten(text).encode(), parser)
    return root


def local_name(element: Any) -> str:
    """An element's name without its namespace; "" for entity references."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


class _Flattener(_PlainParser):
    """Keeps text and the borders between blocks, drops all nesting."""

    _inline = frozenset({"a", "b", "i", "em", "strong", "span", "sub", "sup", "small", "code", "u", "font", "abbr"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self._silent += tag in ("script", "style")
        if tag not in self._inline:
            self.pieces.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in ("script", "style") and self._silent > 0
        if tag not in self._inline:
            self.pieces.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.pieces.append(data)


def _flatten(text: str) -> str:
    flattener = _Flattener()
    flattener.feed(text)
    flattener.close()
    lines = (" ".join(line.split()) for line in "".join(flattener.pieces).split("\n"))
    escaped = (line.replace("&", "&amp;").replace("<", "&lt;") for line in lines if line)
    return "<html><body>" + "".join(f"<p>{line}</p>" for line in escaped) + "</body></html>"
