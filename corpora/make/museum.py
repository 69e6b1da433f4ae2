"""The corpus museum: object labels and room texts of an invented town museum, half Markdown, half HTML pages.

The HTML pages carry navigation, notices and a footer as a site would have them, the Markdown files do not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape

from corpora.make.texts import read

_FIELDS = ("Inventory number", "Maker", "Date", "Material", "Size", "Acquisition", "Room")
_NAVIGATION = ("Home", "Plan your visit", "Collection", "Rooms", "School classes", "Friends of the museum", "Contact")
_PAGE = """<!DOCTYPE html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<title>{title} - Netherquay Museum</title>
<style>body {{ font-family: serif; max-width: 48rem; margin: auto }} nav li {{ display: inline }}</style>
</head>
<body>
<header><p class="logo">Netherquay Museum</p></header>
<nav aria-label="Main"><ul>
{navigation}
</ul></nav>
<aside class="notice"><p>This site uses one cookie to remember the text size. <button>All right</button></p></aside>
<main>
<h1>{title}</h1>
{body}
</main>
<footer>
<p>Netherquay Museum, 4 Cable Street. Text and pictures: Netherquay Museum.</p>
<p><a href="imprint.html">Imprint</a> | <a href="privacy.html">Privacy</a> | <a href="press.html">Press</a></p>
</footer>
</body>
</html>
"""


@dataclass(frozen=True)
class _Object:
    number: str
    title: str
    maker: str
    date: str
    material: str
    size: str
    acquisition: str
    room: str
    story: str


def documents() -> dict[str, bytes]:
    rooms = dict(line.split(" | ", 1) for line in _heads("rooms.md"))
    pages = {}
    for index, item in enumerate(_objects()):
        fields = dict(zip(_FIELDS, _values(item, rooms), strict=True))
        name = f"objects/{item.number.replace('.', '-')}-{_slug(item.title)}"
        if index % 2:
            pages[f"{name}.html"] = _html(item.title, _definition_list(fields) + _paragraphs(item.story))
        else:
            lines = "\n".join(f"- **{field}:** {value}" for field, value in fields.items())
            pages[f"{name}.md"] = f"# {item.title}\n\n{lines}\n\n{item.story}\n"
    for index, (head, text) in enumerate(_sections("rooms.md")):
        number, title = head.split(" | ", 1)
        name = f"rooms/room-{number}-{_slug(title)}"
        if index % 2:
            pages[f"{name}.md"] = f"# Room {number}: {title}\n\n{text}\n"
        else:
            pages[f"{name}.html"] = _html(f"Room {number}: {title}", _paragraphs(text))
    pages["visit.html"] = _html("Plan your visit", _simple_html(read("museum/visit.md")))
    pages["besuch.md"] = f"# Ihr Besuch im Museum Netherquay\n\n{read('museum/besuch.md')}"
    return {path: text.encode("utf-8") for path, text in pages.items()}


def _values(item: _Object, rooms: dict[str, str]) -> tuple[str, ...]:
    room = f"{item.room}, {rooms[item.room]}"
    return (item.number, item.maker, item.date, item.material, item.size, item.acquisition, room)


def _objects() -> list[_Object]:
    found = []
    for number in range(1, 5):
        for head, story in _sections(f"objects-{number}.md"):
            found.append(_Object(*(cell.strip() for cell in head.split("|")), story=story))
    if len({item.number for item in found}) != len(found):
        raise ValueError("an inventory number occurs twice")
    return found


def _sections(name: str) -> list[tuple[str, str]]:
    parts = re.split(r"^## ", read(f"museum/{name}"), flags=re.MULTILINE)[1:]
    return [(head, text.strip()) for head, _, text in (part.partition("\n") for part in parts)]


def _heads(name: str) -> list[str]:
    return [head for head, _ in _sections(name)]


def _slug(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def _html(title: str, body: str, language: str = "en") -> str:
    navigation = "\n".join(f'<li><a href="{_slug(entry)}.html">{entry}</a></li>' for entry in _NAVIGATION)
    return _PAGE.format(title=escape(title), body=body, navigation=navigation, language=language)


def _definition_list(fields: dict[str, str]) -> str:
    rows = "\n".join(f"<dt>{field}</dt><dd>{_text(value)}</dd>" for field, value in fields.items())
    return f"<dl>\n{rows}\n</dl>\n"


def _paragraphs(text: str) -> str:
    return "\n".join(f"<p>{_text(part)}</p>" for part in text.split("\n\n"))


def _text(text: str) -> str:
    return escape(text, quote=False)


def _simple_html(markdown: str) -> str:
    """HTML of headings, tables and paragraphs, one of each per block."""
    out = []
    for block in markdown.strip().split("\n\n"):
        if block.startswith("## "):
            out.append(f"<h2>{_text(block[3:])}</h2>")
        elif block.startswith("|"):
            rows = [[cell.strip() for cell in line.strip("| ").split("|")] for line in block.splitlines()]
            kept = [row for row in rows if set(row[0]) != {"-"}]
            lines = [_table_row(row, "th" if row is kept[0] else "td") for row in kept]
            out.append("<table>\n" + "\n".join(lines) + "\n</table>")
        else:
            out.append(f"<p>{_text(block)}</p>")
    return "\n".join(out)


def _table_row(cells: list[str], tag: str) -> str:
    return "<tr>" + "".join(f"<{tag}>{_text(cell)}</{tag}>" for cell in cells) + "</tr>"
