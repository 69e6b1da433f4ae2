"""Parts -> ParsedFile, with every part checked: pages in order, blocks within their text, size within its bound.

The parts may come from another process that a hostile file has taken over, so nothing about them is believed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ragedge.contracts import Page, PageProblem, ParsedFile
from ragedge.errors import UnreadableDocument
from ragedge.ingest.readers.parts import TITLE_CHARS, About, Part, one_line

MAX_PROBLEMS = 1_000
"""Problems kept per file: a scan of a thousand pages needs no longer list."""
MAX_PAGES = 200_000
TITLE_WITHIN_CHARS = 400
"""A first heading is the title only this near the start of the first page: later ones name a part."""
_NO_TITLE = re.compile(
    r"(?i)(?:untitled.*|document|title|unknown|none|null|default|presentation|powerpoint[ -].*|slide ?\d*|sheet ?\d*|"
    r"microsoft word|.*\.(?:docx?|pdf|indd|dvi|tex|ps|qxd|pptx?|xlsx?|rtf|html?|fm|pmd|jpe?g|png|tiff?)|\(.*\)|"
    r"[\W\d_]*|\S*[\\/]\S*)"
)
_FROM_WORD = re.compile(r"(?i)^microsoft (?:word|powerpoint|excel) - ")


class Assembly:
    """Takes the parts of one file in order; `finish` gives the whole."""

    def __init__(self, max_chars: int) -> None:
        self._max_chars = max_chars
        self._chars = 0
        self._pages: list[Page] = []
        self._problems: list[PageProblem] = []
        self._title = ""
        self._language: str | None = None
        self._metadata: dict[str, str] = {}

    def add(self, part: Part) -> None:
        """Take one part.

        Raises:
            UnreadableDocument: "too_large" beyond the bound of characters, "broken" where a part is impossible.
        """
        if isinstance(part, Page):
            self._add_page(part)
        elif isinstance(part, PageProblem):
            if len(self._problems) < MAX_PROBLEMS:
                self._problems.append(part)
        elif isinstance(part, About):
            self._title = self._title or part.title
            self._language = self._language or part.language
            for key, value in part.metadata.items():
                self._metadata.setdefault(key, value)

    def _add_page(self, page: Page) -> None:
        self._chars += len(page.text)
        if self._chars > self._max_chars or len(self._pages) >= MAX_PAGES:
            detail = f"holds more than the {self._max_chars:,} characters or {MAX_PAGES:,} pages that are read"
            raise UnreadableDocument("too_large", detail, "split it into smaller files")
        last = self._pages[-1].number if self._pages else 0
        end = 0
        for block in page.blocks:
            if not end <= block.start < block.end <= len(page.text):
                raise UnreadableDocument("broken", "gave blocks that do not fit its text")
            end = block.end
        if page.number <= last:
            raise UnreadableDocument("broken", "gave pages out of order")
        self._pages.append(page)

    def finish(self, name: str, media_type: str) -> ParsedFile:
        """The file as a whole.

        Raises:
            UnreadableDocument: "no_text" where no page holds any.
        """
        if not any(page.text.strip() for page in self._pages):
            raise self._no_text()
        title = _sane(self._title) or self._first_heading() or name.rpartition(".")[0] or name
        metadata: Mapping[str, str] = self._metadata
        return ParsedFile(
            one_line(title)[:TITLE_CHARS],
            media_type,
            tuple(self._pages),
            self._language,
            metadata,
            tuple(self._problems),
        )

    def _no_text(self) -> UnreadableDocument:
        details = {problem.detail: problem.reason for problem in self._problems}
        if len(set(details.values()) - {"no_text"}) == 1 and "no_text" not in details.values():
            detail, reason = next(iter(details.items()))
            return UnreadableDocument(reason, f"gave no text: {detail}")
        if not details:
            return UnreadableDocument("no_text", "holds no text")
        return UnreadableDocument("no_text", f"holds no text: {next(iter(details))}")

    def _first_heading(self) -> str:
        page = self._pages[0]
        for block in page.blocks:
            heading = one_line(page.text[block.start : block.end].strip("# \n"))
            if block.start > TITLE_WITHIN_CHARS:
                return ""
            if block.kind == "heading" and not heading[:1].isdigit():
                return heading[:TITLE_CHARS]
        return ""


def _sane(title: str) -> str:
    """A title from metadata, or "" where it is a file name, a number or a program's default."""
    title = _FROM_WORD.sub("", title).strip()
    return "" if len(title) < 3 or _NO_TITLE.fullmatch(title) else title
