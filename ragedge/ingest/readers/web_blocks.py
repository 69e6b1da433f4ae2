"""An HTML element tree -> blocks of a page, in one walk without recursion (pages may be nested deeply)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from ragedge.contracts import BlockKind
from ragedge.ingest.readers.markup import local_name
from ragedge.ingest.readers.parts import PageBuilder, clean_text, one_line

# fmt: off
ALWAYS_OUT = frozenset((
    "script", "style", "noscript", "template", "iframe", "object", "embed", "svg", "math", "canvas", "audio",
    "video", "button", "select", "option", "input", "textarea", "datalist", "dialog", "head", "link", "meta", "map",
))
OFTEN_OUT = frozenset(("nav", "header", "footer", "aside", "form", "menu"))
_ROLES_OUT = frozenset((
    "navigation", "banner", "contentinfo", "search", "complementary", "dialog", "menu", "menubar", "toolbar",
    "alert",
))
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_BLOCKS = frozenset((
    "address", "article", "aside", "blockquote", "body", "center", "dd", "details", "div", "dl", "dt", "fieldset",
    "figcaption", "figure", "footer", "form", "header", "hgroup", "hr", "html", "li", "main", "nav", "ol", "p",
    "pre", "section", "summary", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul", "caption", "menu",
)) | frozenset(_HEADINGS)
# fmt: on
_HIDDEN = re.compile(r"(?i)display\s*:\s*none|visibility\s*:\s*hidden")
_BREAK = "\0"
LINK_SHARE = 0.85
"""Share of a list's text inside links above which it is navigation."""
MIN_LINKS = 5
LINK_CHARS = 45
"""Mean length of a link above which it is a title worth keeping (a list of articles)."""
KEEP_SHARE = 0.5
"""An element with this share of the page's text is the page, whatever it is called."""


@dataclass
class _Sizes:
    """Per element: characters of text, of those within links, and the number of links."""

    text: dict[Any, int] = field(default_factory=dict)
    linked: dict[Any, int] = field(default_factory=dict)
    links: dict[Any, int] = field(default_factory=dict)


def add_blocks(page: PageBuilder, body: Any) -> None:
    """Add the content of `body` to `page`; the surroundings too where there would be nothing else."""
    sizes = _measure(body)
    _Walk(page, sizes, sizes.text.get(body, 0), is_strict=True).run(body)
    if not len(page):
        _Walk(page, sizes, 0, is_strict=False).run(body)


def _measure(body: Any) -> _Sizes:
    sizes = _Sizes()
    for element in reversed(list(body.iter())):
        name = local_name(element)
        text = 0 if name in ALWAYS_OUT else len((element.text or "").strip())
        linked = links = 0
        for child in element if name not in ALWAYS_OUT else ():
            text += sizes.text.get(child, 0) + len((child.tail or "").strip())
            linked += sizes.linked.get(child, 0)
            links += sizes.links.get(child, 0)
        if name == "a":
            linked, links = text, 1
        sizes.text[element], sizes.linked[element], sizes.links[element] = text, linked, links
    return sizes


class _Walk:
    """One pass over the tree, collecting inline text until a block ends."""

    def __init__(self, page: PageBuilder, sizes: _Sizes, total: int, is_strict: bool) -> None:
        self._page = page
        self._sizes = sizes
        self._total = total
        self._is_strict = is_strict
        self._pieces: list[str] = []
        self._kind: BlockKind = "text"
        self._level = 0
        self._markers: list[str | int] = []
        self._prefix = ""

    def run(self, body: Any) -> None:
        """Walk over `body` with an explicit stack; a string on it closes what it names."""
        stack: list[tuple[Any, bool]] = [(body, False)]
        while stack:
            element, is_end = stack.pop()
            name = local_name(element)
            if is_end:
                self._close(name)
                self._pieces.append(element.tail or "" if element is not body else "")
                continue
            if self._skips(element, name) or self._whole(element, name):
                self._pieces.append(element.tail or "" if element is not body else "")
                continue
            self._open(name, element)
            self._pieces.append(element.text or "")
            stack.append((element, True))
            stack.extend((child, False) for child in reversed(element))
        self._flush()

    def _skips(self, element: Any, name: str) -> bool:
        if name in ALWAYS_OUT or not name:
            return True
        if not self._is_strict:
            return False
        if element.get("hidden") is not None or element.get("aria-hidden") == "true":
            return True
        if _HIDDEN.search(element.get("style") or ""):
            return True
        role = (element.get("role") or "").lower()
        is_outer = name in OFTEN_OUT or role in _ROLES_OUT
        if name == "header":
            is_outer = not any(
                local_name(parent) in ("article", "main", "section") for parent in element.iterancestors()
            )
        if not is_outer and name in ("ul", "ol", "table", "div", "p", "section"):
            is_outer = self._is_links(element)
        return is_outer and self._sizes.text.get(element, 0) < KEEP_SHARE * self._total

    def _is_links(self, element: Any) -> bool:
        text, linked = self._sizes.text.get(element, 0), self._sizes.linked.get(element, 0)
        links = self._sizes.links.get(element, 0)
        return links >= MIN_LINKS and linked > LINK_SHARE * text and linked < LINK_CHARS * links

    def _whole(self, element: Any, name: str) -> bool:
        """Elements taken as one block: preformatted text and tables of data."""
        if name == "pre":
            self._flush()
            self._page.add("code", "".join(element.itertext()))
            return True
        if name != "table" or not _is_data(element):
            return False
        self._flush()
        rows, has_header = _rows(element)
        self._page.add_table(rows, True if has_header else None)
        return True

    def _open(self, name: str, element: Any) -> None:
        if name == "br":
            self._pieces.append(_BREAK)
        if name not in _BLOCKS:
            return
        self._flush()
        if name in _HEADINGS:
            self._kind, self._level = "heading", _HEADINGS[name]
        elif name in ("ul", "ol"):
            self._markers.append(0 if name == "ol" else "-")
        elif name == "li":
            self._prefix = self._marker()
        elif name in ("dt", "dd"):
            self._prefix = ""

    def _marker(self) -> str:
        last = self._markers[-1] if self._markers else "-"
        if isinstance(last, int):
            self._markers[-1] = last + 1
            return f"{last + 1}. "
        return "- "

    def _close(self, name: str) -> None:
        if name not in _BLOCKS:
            return
        self._flush()
        if name in ("ul", "ol") and self._markers:
            self._markers.pop()
        self._prefix = "" if name == "li" else self._prefix

    def _flush(self) -> None:
        """End the open block. White space folds as a browser folds it; `br` stays a line end."""
        lines = (one_line(line) for line in _breaks(self._pieces))
        text = "\n".join(line for line in lines if line)
        self._pieces.clear()
        if text and self._kind == "heading":
            self._page.add("heading", one_line(text), self._level)
        elif text and self._prefix:
            self._page.add("list", self._prefix + text)
        elif text:
            self._page.add("text", text)
        self._prefix = "" if text else self._prefix
        self._kind = "text"


def _breaks(pieces: list[str]) -> list[str]:
    """The text between `br` elements, which stand as pieces of their own."""
    lines: list[str] = []
    current: list[str] = []
    for piece in pieces:
        if piece == _BREAK:
            lines.append("".join(current))
            current = []
        else:
            current.append(piece)
    return [*lines, "".join(current)]


def _is_data(table: Any) -> bool:
    """Two rows or more, two columns or more, no table inside and no long running text: not a table for layout."""
    if any(local_name(inner) == "table" for inner in table.iterdescendants()):
        return False
    rows, _ = _rows(table)
    filled = [sum(bool(cell) for cell in row) for row in rows]
    longest = max((len(cell) for row in rows for cell in row), default=0)
    return sum(filled) >= 3 and max(filled, default=0) >= 2 and longest < 1_500


def _rows(table: Any) -> tuple[list[list[str]], bool]:
    """Cell texts by row, and whether the first row is marked as the header."""
    rows: list[list[str]] = []
    has_header = False
    for element in table.iter():
        name = local_name(element)
        if name == "tr":
            cells = [cell for cell in element if local_name(cell) in ("td", "th")]
            texts = [one_line(" ".join(clean_text(t) for t in _texts(cell))) for cell in cells]
            if not any(texts):
                continue
            if not rows:
                has_header = len(cells) > 1 and all(local_name(cell) == "th" for cell in cells)
            rows.append(texts)
    return rows, has_header


def _texts(cell: Any) -> list[str]:
    """Text of a cell, cut where a block or a line ends, without scripts and hidden parts."""
    pieces, current = [], ""
    stack: list[tuple[Any, bool]] = [(cell, False)]
    while stack:
        element, is_end = stack.pop()
        name = local_name(element)
        is_out = not is_end and (name in ALWAYS_OUT or not name or bool(_HIDDEN.search(element.get("style") or "")))
        if name in _BLOCKS or name == "br":
            pieces.append(current)
            current = ""
        if is_end or is_out:
            current += (element.tail or "") if element is not cell else ""
            continue
        current += element.text or ""
        stack.append((element, True))
        stack.extend((child, False) for child in reversed(element))
    return [*pieces, current]
