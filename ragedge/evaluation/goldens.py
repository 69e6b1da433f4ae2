"""Golden questions: a JSONL file of questions with answers and sources, and where these sources stand in an index.

Format: one object per line with `id`, `question`, `answers`, `answerable`, `sources` (`path`, `page`, `quote`), `tags`.
A quote is located by its letters and digits alone (NFKC, case-folded), so that line breaks, hyphenation, ligatures and
marks of another text extractor do not matter; what is found are exact spans of the index's own pages.
"""

from __future__ import annotations

import json
import random
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ragedge.answer.locate import fold
from ragedge.contracts import Page, PageSpan
from ragedge.errors import InputError

_MAX_LINE_CHARS = 1_000_000
_MAX_QUESTIONS = 1_000_000
_MAX_OCCURRENCES = 20  # of one quote in one document; a header line stands on every page
_PAGES_KEPT = 2_000  # folded pages held in memory


@dataclass(frozen=True, slots=True)
class GoldSource:
    """Where an answer stands: a path in the corpus, a page by position and an exact quote, where known."""

    path: str
    page: int | None
    quote: str | None


@dataclass(frozen=True, slots=True)
class GoldQuestion:
    """A question with its right answers; unanswerable ones have neither answers nor sources."""

    id: str
    question: str
    answers: tuple[str, ...]
    is_answerable: bool
    sources: tuple[GoldSource, ...]
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GoldPlace:
    """A gold source in an index: the document, and every stretch of it that holds the quote (none: not found)."""

    source: GoldSource
    document_id: str | None
    spans: tuple[PageSpan, ...]


def read_questions(path: Path) -> tuple[GoldQuestion, ...]:
    """Read a questions file.

    Raises:
        InputError: the file cannot be read, or a line is not a question; the message names the line.
    """
    try:
        with path.open(encoding="utf-8") as file:
            return parse_questions(file, str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f'"{path}" cannot be read: {error}', "name a questions.jsonl in UTF-8") from error


def parse_questions(lines: Iterable[str], origin: str) -> tuple[GoldQuestion, ...]:
    """The questions of a file's lines; `origin` is what messages call it.

    Raises:
        InputError: a line is not a question, or there is none.
    """
    questions: list[GoldQuestion] = []
    for number, line in enumerate(lines, 1):
        if len(line) > _MAX_LINE_CHARS or len(questions) >= _MAX_QUESTIONS:
            raise InputError(f'"{origin}" is too large at line {number}', "split the file")
        if line.strip():
            questions.append(_question(line, f'"{origin}" line {number}'))
    if not questions:
        raise InputError(f'"{origin}" holds no question', "name a questions.jsonl")
    return tuple(questions)


def draw_sample(questions: Sequence[GoldQuestion], limit: int | None, seed: int) -> tuple[GoldQuestion, ...]:
    """`limit` of the questions at random, in their old order; all of them where there are no more."""
    if limit is None or limit >= len(questions):
        return tuple(questions)
    if limit < 1:
        raise InputError(f"a sample of {limit} questions is none", "use --limit 1 or more")
    chosen = sorted(random.Random(seed).sample(range(len(questions)), limit))
    return tuple(questions[i] for i in chosen)


class PlaceFinder:
    """Finds gold sources in an index; remembers the pages it has folded.

    Args:
        document_ids: path of every file of the index to the id of its document.
        page_counts: document id to number of pages.
        page_of: (document id, page number) -> Page.
    """

    def __init__(
        self,
        document_ids: Mapping[str, str],
        page_counts: Mapping[str, int],
        page_of: Callable[[str, int], Page],
    ) -> None:
        self._document_ids = document_ids
        self._page_counts = page_counts
        self._page_of = page_of
        self._folded: OrderedDict[tuple[str, int], tuple[str, list[int]]] = OrderedDict()

    def find(self, source: GoldSource) -> GoldPlace:
        """The place of a source; without a quote, the place is the page or the document as a whole."""
        document_id = self._document_ids.get(source.path)
        wanted = fold(source.quote)[0] if source.quote else ""
        if document_id is None or not wanted:
            return GoldPlace(source, document_id, ())
        last = self._page_counts.get(document_id, 0)
        pages = range(1, last + 1) if source.page is None else [p for p in (source.page,) if p <= last]
        spans = [span for number in pages for span in self._on_page(document_id, number, wanted)]
        return GoldPlace(source, document_id, tuple(spans[:_MAX_OCCURRENCES]))

    def _on_page(self, document_id: str, number: int, wanted: str) -> list[PageSpan]:
        key = (document_id, number)
        if key not in self._folded:
            self._folded[key] = fold(self._page_of(document_id, number).text)
            if len(self._folded) > _PAGES_KEPT:
                self._folded.popitem(last=False)
        text, offsets = self._folded[key]
        spans: list[PageSpan] = []
        at = text.find(wanted)
        while at >= 0 and len(spans) < _MAX_OCCURRENCES:
            spans.append(PageSpan(number, offsets[at], offsets[at + len(wanted) - 1] + 1))
            at = text.find(wanted, at + len(wanted))
        return spans


def covered_share(span: PageSpan, by: Sequence[PageSpan]) -> float:
    """Share of `span` in [0, 1] that the spans `by`, overlaps counted once, hold."""
    if span.end <= span.start:
        return 0.0
    parts = sorted((max(s.start, span.start), min(s.end, span.end)) for s in by if s.page == span.page)
    held, position = 0, span.start
    for start, end in parts:
        start = max(start, position)
        if end > start:
            held += end - start
            position = end
    return held / (span.end - span.start)


def _question(line: str, where: str) -> GoldQuestion:
    try:
        row = json.loads(line)
        question = GoldQuestion(
            id=_text(row["id"]),
            question=_text(row["question"]),
            answers=tuple(_text(answer) for answer in row.get("answers", ())),
            is_answerable=bool(row.get("answerable", True)),
            sources=tuple(_source(source) for source in row.get("sources", ())),
            tags=tuple(_text(tag) for tag in row.get("tags", ())),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"{where} is not a question: {error!r}", 'needs at least "id" and "question"') from error
    return question


def _source(row: Mapping[str, Any]) -> GoldSource:
    page, quote = row.get("page"), row.get("quote")
    if page is not None and (not isinstance(page, int) or page < 1):
        raise ValueError(f"page {page!r} is not a page number")
    return GoldSource(_text(row["path"]), page, None if quote is None else _text(quote))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not text")
    return value
