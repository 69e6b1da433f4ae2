"""A reviewed answer -> events, with its source looked up in the index as it is now.

The curator vouches for the text; the code says whether the source still holds the quote. A source that is gone, moved
or reworded does not take the answer away, but its citation, and the answer's reason names it. What was found is kept
until the index changes.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from ragedge.answer.locate import locate
from ragedge.answer.pinned import PinnedAnswer, PinnedAnswers
from ragedge.answer.sentences import content_words, sentence_spans
from ragedge.contracts import (
    Answer,
    Chunk,
    Citation,
    Event,
    Evidence,
    Hit,
    Page,
    PageSpan,
    Passages,
    Piece,
    Question,
    Retrieval,
    Timings,
)
from ragedge.errors import NotFound

ENGINE = "reviewed"
_CHUNKS_AT_ONCE = 200  # looked at while the passage of a page is searched for
_MAX_PAGES = 5_000  # searched for a quote without a page


class Sources(Protocol):
    """What is read of `ragedge.index.store.Index`."""

    @property
    def generation(self) -> int: ...
    def files(self) -> Mapping[str, Any]: ...
    def document(self, document_id: str) -> Any: ...
    def page(self, document_id: str, number: int) -> Page: ...
    def chunks(self, ids: list[str]) -> Mapping[str, Chunk]: ...
    def document_frequency(self, words: list[str]) -> Mapping[str, int]: ...


@dataclass(frozen=True, slots=True)
class Grounds:
    """The source of a reviewed answer in an index: the citation, the passage around it, and what is wrong ("")."""

    citation: Citation | None
    hit: Hit | None
    problem: str


class Reviewed:
    """Reviewed answers over an index; safe to use from several threads.

    With `needs_source`, as over a part of an index, an answer whose source is not there does not exist.
    """

    def __init__(self, answers: PinnedAnswers, index: Sources, *, needs_source: bool = False) -> None:
        self.answers = answers
        self._needs_source = needs_source
        self._index = index
        self._lock = threading.Lock()
        self._generation = -1
        self._paths: dict[str, str] = {}
        self._grounds: dict[PinnedAnswer, Grounds] = {}

    def find(self, text: str) -> PinnedAnswer | None:
        """The reviewed answer to a question, if there is one today."""
        return self.answers.find(
            text,
            lambda word: self._index.document_frequency([word]).get(word, 0) > 0,
            self._has_source if self._needs_source else lambda _: True,
        )

    def events(self, question: Question, pinned: PinnedAnswer, started: float) -> Generator[Event, None, None]:
        """One `Passages`, one `Piece`, one `Answer` by engine "reviewed"; `started` is on `time.perf_counter`."""
        grounds = self.grounds(pinned)
        hits = () if grounds.hit is None else (grounds.hit,)
        citation = grounds.citation
        evidence = () if citation is None or not hits else (Evidence(0, citation.quote, citation.span, 1.0),)
        found_ms = (time.perf_counter() - started) * 1e3
        yield Passages(Retrieval(question, question.text, hits), evidence, Timings(total_ms=found_ms))
        yield Piece(pinned.text)
        reviewer = f", reviewed by {pinned.reviewed_by}" if pinned.reviewed_by else ""
        yield Answer(
            text=pinned.text,
            outcome="answered",
            citations=() if citation is None else (citation,),
            unsupported=(),
            hits=hits,
            evidence=evidence,
            engine=ENGINE,
            confidence=1.0,
            reason=f"answer {pinned.number} of the reviewed ones{reviewer}"
            + (f"; {grounds.problem}" if grounds.problem else ""),
            timings=Timings(first_piece_ms=found_ms, total_ms=(time.perf_counter() - started) * 1e3),
        )

    def problems(self) -> list[tuple[PinnedAnswer, str]]:
        """Every answer whose source is not in the index as the file says, and why."""
        return [(a, problem) for a in self.answers.answers if (problem := self.grounds(a).problem)]

    def grounds(self, pinned: PinnedAnswer) -> Grounds:
        """Where the source of an answer stands now."""
        with self._lock:
            self._follow()
            if pinned not in self._grounds:
                try:
                    self._grounds[pinned] = self._look_up(pinned)
                except NotFound:  # removed while it was looked up
                    return Grounds(None, None, f'its source "{pinned.source.path}" is not in the index')
            return self._grounds[pinned]

    def _follow(self) -> None:
        """Look up what there is, where that has changed."""
        generation = self._index.generation
        if generation != self._generation:
            files = self._index.files()
            self._paths = {path: row.document_id for path, row in files.items() if row.document_id is not None}
            self._grounds.clear()
            self._generation = generation

    def _has_source(self, pinned: PinnedAnswer) -> bool:
        with self._lock:
            self._follow()
            return pinned.source.path in self._paths

    def _look_up(self, pinned: PinnedAnswer) -> Grounds:
        source = pinned.source
        document_id = self._paths.get(source.path)
        if document_id is None:
            return Grounds(None, None, f'its source "{source.path}" is not in the index')
        info = self._index.document(document_id)
        if source.page is not None and source.page > info.pages:
            return Grounds(None, None, f'its source "{source.path}" has {info.pages} pages, not {source.page}')
        span, problem = self._span(pinned, document_id, info.pages)
        chunk = self._passage(document_id, info.chunks, span) if span is not None else None
        if span is None or chunk is None:
            return Grounds(None, None, problem or f'its source "{source.path}" has no text there')
        page = self._index.page(document_id, span.page)
        citation = Citation(
            number=1,
            chunk_id=chunk.id,
            document_id=document_id,
            document_path=source.path,
            title=info.title,
            pages=tuple(sorted({part.page for part in chunk.spans} | {span.page})),
            page_label=page.label,
            span=span,
            quote=page.text[span.start : span.end],
            answer_start=0,
            answer_end=len(pinned.text),
            support=1.0 if source.quote else _overlap(pinned.text, page.text[span.start : span.end]),
        )
        return Grounds(citation, Hit(chunk, 1.0, info.title, chunk_ids=(chunk.id,)), problem)

    def _span(self, pinned: PinnedAnswer, document_id: str, pages: int) -> tuple[PageSpan | None, str]:
        """The quote's place, on its page or on another one; without a quote the sentence nearest to the answer."""
        source = pinned.source
        numbers = range(1, min(pages, _MAX_PAGES) + 1)
        if source.quote is None:
            return self._nearest(pinned.text, document_id, source.page or 1), ""
        for number in sorted(numbers, key=lambda n: (n != source.page, n)):
            at = locate(source.quote, self._index.page(document_id, number).text)
            if at is not None:
                moved = source.page is not None and number != source.page
                return PageSpan(
                    number, *at
                ), f"its quote now stands on page {number}, not {source.page}" if moved else ""
        return None, f'its quote stands no longer in "{source.path}"'

    def _nearest(self, text: str, document_id: str, number: int) -> PageSpan | None:
        page = self._index.page(document_id, number)
        spans = sentence_spans(page.text)
        best = max(spans, key=lambda s: (_overlap(text, page.text[s[0] : s[1]]), -s[0]), default=None)
        return None if best is None else PageSpan(number, *best)

    def _passage(self, document_id: str, count: int, span: PageSpan) -> Chunk | None:
        """The chunk that holds most of a span."""
        best, held = None, 0
        for first in range(0, count, _CHUNKS_AT_ONCE):
            ids = [f"{document_id}-{i:05d}" for i in range(first, min(first + _CHUNKS_AT_ONCE, count))]
            for _, chunk in sorted(self._index.chunks(ids).items()):
                shared = sum(
                    max(0, min(s.end, span.end) - max(s.start, span.start)) for s in chunk.spans if s.page == span.page
                )
                if shared > held:
                    best, held = chunk, shared
            if held == span.end - span.start:
                break
        return best


def _overlap(text: str, quote: str) -> float:
    """Share of the content words of `text` that stand in `quote`."""
    words, there = set(content_words(text)), set(content_words(quote))
    return len(words & there) / len(words) if words else 0.0
