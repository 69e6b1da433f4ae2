"""Document -> Chunks: cuts pages along their structure into passages that an embedder reads whole.

Blocks (headings, paragraphs, list items, tables) are packed greedily under their heading path. A table stays whole
where it fits; where it does not, it is cut between rows and its header row is repeated. Longer text is cut at the end
of a sentence, then of a line, then of a word. Sizes are counted in the embedder's own tokens, the context line (title
and headings) included, so nothing is cut off unseen. Pure: knows no file, no model, no index. Every non-blank
character of a page is in at least one chunk, and a chunk's text is exactly its spans joined by a newline.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from ragedge.contracts import Block, Chunk, Document, Page, PageSpan

CHUNKER_VERSION = 1
"""Grows when the same document would be cut differently: an index made with another version is stale."""

CONTEXT_CHARS = 160
"""Longest context line in characters: about 40 tokens, a fifth of a passage; longer paths lose their outer part."""

SMALL_TOKENS = 40
"""A passage below this waits for its neighbours across a heading: two lines alone embed as noise."""

CHARS_PER_TOKEN = 8
"""Bound for one token's share: a word of 100+ letters is one unknown token to BERT, but it still has to be read."""

_BLANK_LINE = re.compile(r"\n[ \t]*\n")
_SENTENCE_END = re.compile(r"[.!?…](?:[\"'”’»)\]]*)(?=\s)|[。！？]")

TokenSpans = Callable[[str], list[tuple[int, int]]]


@dataclass(frozen=True, slots=True)
class _Unit:
    """A stretch of one page that stays together, with the headings above it."""

    kind: str
    page: int
    start: int
    end: int
    tokens: int
    headings: tuple[str, ...]
    header: tuple[int, int] | None = None


@dataclass(slots=True)
class _Draft:
    """The chunk that is being filled."""

    units: list[_Unit] = field(default_factory=list)
    tokens: int = 0
    headings: tuple[str, ...] = ()


def context_line(title: str, headings: tuple[str, ...]) -> str:
    """Title and heading path as one line of at most `CONTEXT_CHARS` characters; the innermost heading is kept
    longest."""
    parts = [" ".join(part.split()) for part in (title, *headings)]
    parts = [part for i, part in enumerate(parts) if part and part not in parts[:i]]
    line = ""
    for part in reversed(parts):
        joined = f"{part} > {line}" if line else part
        if len(joined) > CONTEXT_CHARS:
            return line or joined[:CONTEXT_CHARS].rstrip()
        line = joined
    return line


def passage_text(title: str, chunk: Chunk) -> str:
    """What is embedded for a chunk: its context line and its text."""
    line = context_line(title, chunk.headings)
    return f"{line}\n{chunk.text}" if line else chunk.text


def chunk_document(document: Document, *, token_spans: TokenSpans, max_tokens: int) -> tuple[Chunk, ...]:
    """Cut a document into chunks of at most `max_tokens` tokens each, context line included.

    `token_spans` gives the character spans of a text's tokens (special tokens left out).
    """
    cutter = _Cutter(document, token_spans, max_tokens)
    drafts = list(_pack(cutter))
    pages = {page.number: page.text for page in document.pages}
    return tuple(_chunk(document, ordinal, draft, pages, token_spans) for ordinal, draft in enumerate(drafts))


class _Cutter:
    """Turns pages into units that fit the budget, keeping track of the heading path."""

    def __init__(self, document: Document, token_spans: TokenSpans, max_tokens: int) -> None:
        self.document = document
        self.token_spans = token_spans
        self.max_tokens = max_tokens
        # elsewhere a page (slide, sheet, part) is a unit of sense
        self.flows = document.media_type == "application/pdf"
        self._path: list[tuple[int, str]] = []

    def budget(self, headings: tuple[str, ...]) -> int:
        """Tokens left for text beside the context line; never below a quarter of the whole."""
        line = context_line(self.document.title, headings)
        return max(self.max_tokens - len(self.token_spans(line)) - 1, self.max_tokens // 4)

    def units(self, page: Page) -> Iterator[_Unit]:
        """All units of a page in reading order."""
        for block in page.blocks or _paragraphs(page.text):
            if not page.text[block.start : block.end].strip():
                continue
            if block.kind == "heading":
                self._enter(block, page.text)
            headings = tuple(text for _, text in self._path)
            if block.kind == "table" and block.has_header:
                yield from self._table(page, block, headings)
            else:
                yield from self._cut(block.kind, page, block.start, block.end, headings, self.budget(headings))

    def _enter(self, block: Block, text: str) -> None:
        level = max(block.level, 1)
        while self._path and self._path[-1][0] >= level:
            self._path.pop()
        self._path.append((level, " ".join(text[block.start : block.end].lstrip("# ").split())[:200]))

    def _table(self, page: Page, block: Block, headings: tuple[str, ...]) -> Iterator[_Unit]:
        budget = self.budget(headings)
        tokens = len(self.token_spans(page.text[block.start : block.end]))
        head_end = page.text.find("\n", block.start, block.end)
        if (tokens <= budget and block.end - block.start <= budget * CHARS_PER_TOKEN) or head_end < 0:
            yield from self._cut("table", page, block.start, block.end, headings, budget)
            return
        head_tokens = len(self.token_spans(page.text[block.start : head_end]))
        if head_tokens > budget // 3:  # a header that would eat the rows' room is said once only
            yield from self._cut("table", page, block.start, block.end, headings, budget)
            return
        header = (block.start, head_end)
        for unit in self._cut("table", page, head_end + 1, block.end, headings, budget - head_tokens):
            yield replace(unit, header=header, tokens=unit.tokens + head_tokens)

    def _cut(
        self, kind: str, page: Page, start: int, end: int, headings: tuple[str, ...], budget: int
    ) -> Iterator[_Unit]:
        """`[start, end)` as one unit where it fits, else as several, cut at the best boundary."""
        while start < end:
            while start < end and page.text[start].isspace():
                start += 1
            while end > start and page.text[end - 1].isspace():
                end -= 1
            if start >= end:
                return
            stop = self._fitting_end(page.text, start, end, budget)
            if stop < end:
                stop = _boundary(page.text, start, stop, end, rows=kind == "table")
            text_end = start + len(page.text[start:stop].rstrip())
            tokens = max(len(self.token_spans(page.text[start:text_end])), (text_end - start) // CHARS_PER_TOKEN)
            yield _Unit(kind, page.number, start, text_end, tokens, headings)
            start = stop

    def _fitting_end(self, text: str, start: int, end: int, budget: int) -> int:
        """The largest end up to which the text fits the budget in tokens and characters."""
        stop = min(end, start + budget * CHARS_PER_TOKEN)
        while True:
            spans = self.token_spans(text[start:stop])
            if len(spans) <= budget:
                return stop
            cut = start + spans[budget][0]
            stop = cut if start < cut < stop else start + max(1, (stop - start) // 2)


def _paragraphs(text: str) -> Iterator[Block]:
    """Blocks for pages whose reader knows none: what blank lines separate."""
    start = 0
    for match in _BLANK_LINE.finditer(text):
        yield Block("text", start, match.start())
        start = match.end()
    yield Block("text", start, len(text))


def _boundary(text: str, start: int, stop: int, end: int, *, rows: bool) -> int:
    """The best cut in the second half of `[start, stop]`: row or sentence end, line end, word end, else `stop`."""
    floor = start + (stop - start) // 2
    line = text.rfind("\n", floor, min(stop + 1, end))
    if rows and line > 0:
        return line
    ends = [match.end() for match in _SENTENCE_END.finditer(text, floor, min(stop + 1, end)) if match.end() <= stop]
    if ends:
        return ends[-1]
    if line > 0:
        return line
    for position in range(min(stop, end - 1), floor, -1):
        if text[position].isspace():
            return position
    return _not_inside_character(text, stop, floor)


def _not_inside_character(text: str, stop: int, floor: int) -> int:
    """Step back from combining marks, so that a hard cut does not tear a letter from its accent."""
    position = stop
    while position > floor and position < len(text) and 0x0300 <= ord(text[position]) <= 0x036F:
        position -= 1
    return position if position > floor else stop


def _pack(cutter: _Cutter) -> Iterator[_Draft]:
    draft = _Draft()
    for page in cutter.document.pages:
        if draft.units and not cutter.flows:
            yield draft
            draft = _Draft()
        for unit in cutter.units(page):
            if draft.units and _starts_new(draft, unit, cutter):
                carried = _trailing_headings(draft)
                if draft.units:
                    yield draft
                draft = carried
            _add(draft, unit)
    if draft.units:
        yield draft


def _starts_new(draft: _Draft, unit: _Unit, cutter: _Cutter) -> bool:
    headings = draft.headings if _only_headings(draft) else _common(draft.headings, unit.headings)
    if draft.tokens + unit.tokens + 1 > cutter.budget(unit.headings if _only_headings(draft) else headings):
        return True
    if unit.header is not None and draft.units[-1].kind != "heading":
        return True  # a part of a long table stands alone, under its repeated header
    return unit.kind == "heading" and draft.tokens >= SMALL_TOKENS and not _only_headings(draft)


def _only_headings(draft: _Draft) -> bool:
    return all(unit.kind == "heading" for unit in draft.units)


def _trailing_headings(draft: _Draft) -> _Draft:
    """Take headings off the end of a draft: a title belongs to what follows it."""
    fresh = _Draft()
    if _only_headings(draft):
        return fresh
    while draft.units[-1].kind == "heading":
        unit = draft.units.pop()
        draft.tokens -= unit.tokens
        fresh.units.insert(0, unit)
        fresh.tokens += unit.tokens
        fresh.headings = fresh.headings or unit.headings
    return fresh


def _add(draft: _Draft, unit: _Unit) -> None:
    draft.headings = unit.headings if _only_headings(draft) else _common(draft.headings, unit.headings)
    draft.units.append(unit)
    draft.tokens += unit.tokens + (1 if draft.units else 0)


def _common(first: tuple[str, ...], second: tuple[str, ...]) -> tuple[str, ...]:
    shared = 0
    while shared < min(len(first), len(second)) and first[shared] == second[shared]:
        shared += 1
    return first[:shared]


def _chunk(document: Document, ordinal: int, draft: _Draft, pages: dict[int, str], token_spans: TokenSpans) -> Chunk:
    spans = _spans(draft.units, pages)
    text = "\n".join(pages[span.page][span.start : span.end] for span in spans)
    line = context_line(document.title, draft.headings)
    tokens = len(token_spans(line)) + len(token_spans(text))
    return Chunk(
        id=f"{document.id}-{ordinal:05d}",
        document_id=document.id,
        document_path=document.path,
        ordinal=ordinal,
        text=text,
        spans=spans,
        headings=draft.headings,
        tokens=tokens,
    )


def _spans(units: list[_Unit], pages: dict[int, str]) -> tuple[PageSpan, ...]:
    """Spans of the units; neighbours on a page that only white space separates become one."""
    spans: list[PageSpan] = []
    for unit in units:
        if unit.header is not None:
            spans.append(PageSpan(unit.page, *unit.header))
        last = spans[-1] if spans else None
        touches = (
            last is not None
            and last.page == unit.page
            and last.end <= unit.start
            and not pages[unit.page][last.end : unit.start].strip()
        )
        if last is not None and touches:
            spans[-1] = PageSpan(unit.page, last.start, unit.end)
        else:
            spans.append(PageSpan(unit.page, unit.start, unit.end))
    return tuple(spans)
