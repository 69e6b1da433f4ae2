"""Gold questions to the sentences on which their quotes lie, and sentences of other documents to set against them.

Sentences are cut as the product cuts a page into units; knows nothing of citations.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from ragedge.answer.claims import LIST_MARK
from ragedge.answer.sentences import content_words
from ragedge.answer.units import cut
from ragedge.contracts import Hit, Page, PageSpan
from ragedge.evaluation.goldens import GoldQuestion, PlaceFinder, covered_share

MAX_SENTENCES = 3  # of one question
WORDS = range(4, 46)  # content words of a sentence that is taken: neither a title nor a page


@dataclass(frozen=True)
class Sentence:
    """A gold sentence and the one after it on its page, white space folded, with its place."""

    document_id: str
    span: PageSpan
    text: str
    following: str
    following_span: PageSpan | None


def gold_sentences(gold: GoldQuestion, finder: PlaceFinder, page_of: Callable[[str, int], Page]) -> Iterator[Sentence]:
    """At most `MAX_SENTENCES` sentences that share half of the shorter of both with a gold quote."""
    count = 0
    for source in gold.sources:
        place = finder.find(source)
        for span in place.spans[:1] if place.document_id else ():
            page = page_of(str(place.document_id), span.page)
            for sentence in _sentences(str(place.document_id), page, max(0, span.start - 600), span.end + 600):
                shared = min(sentence.span.end, span.end) - max(sentence.span.start, span.start)
                shorter = min(sentence.span.end - sentence.span.start, span.end - span.start)
                if shared * 2 >= shorter and count < MAX_SENTENCES:
                    count += 1
                    yield sentence


def _sentences(document_id: str, page: Page, start: int, end: int) -> Iterator[Sentence]:
    """Sentences of a stretch of a page, cut as the whole page is cut."""
    units = [u for u in cut(page, 0, len(page.text)) if u[2] != "heading"]
    for number, (a, b, kind) in enumerate(units):
        if b <= start or a >= end or len(content_words(page.text[a:b])) not in WORDS:
            continue
        following, after = "", None
        if kind == "text" and number + 1 < len(units) and units[number + 1][2] == "text":
            c, d, _ = units[number + 1]
            if c - b < 3 and d - c < 300:
                following, after = _folded(page.text[c:d]), PageSpan(page.number, c, d)
        yield Sentence(document_id, PageSpan(page.number, a, b), _folded(page.text[a:b]), following, after)


def sentences_elsewhere(box: Any, pages: dict[str, int], rng: random.Random) -> list[Sentence]:
    """Some sentences of every document."""
    found: list[Sentence] = []
    for document_id in rng.sample(sorted(pages), min(60, len(pages))):
        page = box.index.page(document_id, rng.randint(1, pages[document_id]))
        at = rng.randrange(max(1, len(page.text) - 6000))
        there = [s for s in _sentences(document_id, page, at, at + 6000) if len(content_words(s.text)) >= 6]
        found += rng.sample(there, min(12, len(there)))
    return found


def _folded(text: str) -> str:
    """One line, without a list's mark."""
    line = " ".join(text.split())
    return line[match.end() :] if (match := LIST_MARK.match(line)) else line


def holds(hit: Hit, sentence: Sentence, span: PageSpan) -> bool:
    """Whether a hit covers a span of the sentence\'s document."""
    return hit.chunk.document_id == sentence.document_id and covered_share(span, hit.chunk.spans) > 0.9
