"""Pages to sections: what stands under one heading, with its title and headings; what questions are made from.

A section is a stretch of one page, so whatever is found in it is a span of that page. Works on the blocks that a reader
gave, and by rule on plain text. Knows no index and no question.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ragedge.answer.units import UnitKind, cut
from ragedge.contracts import Block, Page, PageSpan

MAX_SECTION_CHARS = 20_000  # of one section; a page of a text file can be a book
_HEADING_LINE = re.compile(r"\s*(#{1,6})\s+(.+?)\s*#*\s*$")
_MARKERS_TEXT = {  # the commonest words of running text; enough to tell four languages apart
    "en": "the of and to in is that for it with as was are by be this on from",
    "de": "der die das und ist nicht mit ein eine den dem von zu auf für sich des wird sind",
    "fr": "le la les et est une des du que qui dans pour sur pas au par avec il ce sont",
    "es": "el la los las y es una del que en por con para no se su al como más son",
}
_MARKERS = {language: frozenset(words.split()) for language, words in _MARKERS_TEXT.items()}


@dataclass(frozen=True, slots=True)
class Section:
    """`text` == the text of page `page` in `[start, start + len(text))`; `blocks` count from the section's start.

    Without `blocks` the text is cut by rule. `headings` are the titles above it, outermost first.
    """

    document_id: str
    title: str
    headings: tuple[str, ...]
    page: int
    start: int
    text: str
    blocks: tuple[Block, ...] = ()

    @property
    def subject(self) -> str:
        """What the section is about, in a few words: its nearest heading, else the title."""
        return self.headings[-1] if self.headings else self.title


@dataclass(frozen=True, slots=True)
class MadeQuestion:
    """A question made by program. `span` holds its answer, `quote` is the text there, `answer` the short one or "".

    `kind`: "record", "row", "heading", "steps", "date", "number", "name", "value", "reason", "condition", "definition".
    """

    question: str
    kind: str
    document_id: str
    span: PageSpan
    quote: str
    answer: str
    language: str


def sections_of(document_id: str, title: str, pages: Iterable[Page]) -> Iterator[Section]:
    """The sections of a document, in order; headings reach over page breaks."""
    open_headings: list[tuple[int, str]] = []
    for page in pages:
        blocks = page.blocks or _heading_blocks(page.text)
        start, inside = 0, list[Block]()
        for block in (*blocks, Block("heading", len(page.text), len(page.text))):
            if block.kind != "heading":
                inside.append(block)
                continue
            yield from _section(document_id, title, open_headings, page, start, block.start, inside)
            start, inside = block.end, []
            level = block.level or 1
            name = _plain_heading(page.text[block.start : block.end])
            if name:
                open_headings = [*(pair for pair in open_headings if pair[0] < level), (level, name)]


def _section(
    document_id: str,
    title: str,
    headings: list[tuple[int, str]],
    page: Page,
    start: int,
    end: int,
    blocks: list[Block],
) -> Iterator[Section]:
    end = min(end, start + MAX_SECTION_CHARS)
    if not page.text[start:end].strip():
        return
    moved = tuple(
        Block(b.kind, b.start - start, min(b.end, end) - start, b.level, b.has_header) for b in blocks if b.start < end
    )
    if not page.blocks:
        moved = ()
    yield Section(
        document_id, title, tuple(name for _, name in headings), page.number, start, page.text[start:end], moved
    )


def _heading_blocks(text: str) -> tuple[Block, ...]:
    """Headings of a plain text with marks (`## Title`)."""
    found: list[Block] = []
    position = 0
    for line in text.splitlines(keepends=True):
        if match := _HEADING_LINE.match(line):
            found.append(Block("heading", position, position + len(line.rstrip()), len(match[1])))
        position += len(line)
    return tuple(found)


def _plain_heading(text: str) -> str:
    return " ".join(text.strip().strip("#*_").split())


@dataclass(frozen=True, slots=True)
class Piece:
    """A unit of a section: `text` == section.text[start:end]."""

    kind: UnitKind
    start: int
    end: int
    text: str


def pieces_of(section: Section) -> list[Piece]:
    """The sentences, list items and rows of a section, in order."""
    page = Page(section.page, None, section.text, blocks=section.blocks)
    return [Piece(kind, a, b, section.text[a:b]) for a, b, kind in cut(page, 0, len(section.text))]


def made(section: Section, kind: str, question: str, start: int, end: int, answer: str = "") -> MadeQuestion:
    """A question on `[start, end)` of a section."""
    quote = section.text[start:end]
    span = PageSpan(section.page, section.start + start, section.start + end)
    return MadeQuestion(question, kind, section.document_id, span, quote, answer, language_of(section.text))


def language_of(text: str) -> str:
    """ "en", "de", "fr" or "es", by the commonest words of the first 4,000 characters; "en" where nothing tells."""
    words = re.findall(r"[^\W\d_]+", text[:4_000].casefold())
    counts = {language: sum(word in markers for word in words) for language, markers in _MARKERS.items()}
    return max(counts, key=lambda language: (counts[language], language == "en"))
