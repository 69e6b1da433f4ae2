"""What a language model says, bit by bit, to what may be shown: no number gets out that no source supports, unmarked.

Text flows through at once up to the first number of a sentence; the rest of that sentence waits until it is complete
and judged (`cite`), because a number that was read cannot be taken back. At the end the whole text is cited. Knows no
index.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from ragedge.answer.cite import Cited, Sources
from ragedge.answer.unconfirmed import HeldBack, fact_spans, mark
from ragedge.contracts import ModelStats, Piece


class Speech:
    """One answer while it is spoken, held against its sources.

    `text` is what was said so far, `stats` what it cost, once that is known, `first_at` when something was first shown
    (`time.perf_counter`).
    """

    def __init__(self, sources: Sources, language: str) -> None:
        self.text = ""
        self.stats: ModelStats | None = None
        self.first_at: float | None = None
        self._sources = sources
        self._held_back = HeldBack(self._unconfirmed, language)

    def pieces(self, parts: Iterable[Piece | ModelStats]) -> Iterator[Piece]:
        """What may be shown of a model's stream, marks included, as it comes; nothing more where it said nothing."""
        for part in parts:
            if isinstance(part, ModelStats):
                self.stats = part
            else:
                self.text += part.text
                yield from self._shown(self._held_back.add(part.text))
        if self.text.strip():
            yield from self._shown(self._held_back.finish())

    def _shown(self, text: str) -> Iterator[Piece]:
        if text:
            self.first_at = self.first_at if self.first_at is not None else time.perf_counter()
            yield Piece(text)

    def cited(self) -> Cited:
        """Citations and sentences of the text as it was said, without marks."""
        return self._sources.cite(self.text)

    def _unconfirmed(self, sentence: str) -> Sequence[tuple[int, int]]:
        return fact_spans(sentence) if self._sources.judge(sentence).objection is not None else ()


def whole(parts: Iterable[Piece | ModelStats]) -> tuple[str, ModelStats]:
    """All that a model says, for the code alone, and what it cost."""
    text, stats = "", ModelStats()
    for part in parts:
        if isinstance(part, ModelStats):
            stats = part
        else:
            text += part.text
    return text, stats


def confirmed_only(text: str, cited: Cited, language: str) -> tuple[str, Cited]:
    """`text` with every unconfirmed number marked in it, and `cited` with all places moved along."""
    marked, moved = mark(text, [span for s in cited.sentences for span in s.unconfirmed], language)
    citations = tuple(
        replace(c, answer_start=moved(c.answer_start), answer_end=moved(c.answer_end)) for c in cited.citations
    )
    sentences = tuple(
        replace(
            s, start=moved(s.start), end=moved(s.end), unconfirmed=tuple((moved(a), moved(b)) for a, b in s.unconfirmed)
        )
        for s in cited.sentences
    )
    return marked, Cited(citations, sentences)
