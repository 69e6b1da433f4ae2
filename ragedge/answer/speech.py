"""What a language model says, bit by bit, to what may be shown: no number gets out that no source supports, unmarked.

Text flows through at once up to the first number of a sentence; the rest of that sentence waits until it is complete
and judged (`cite`), because a number that was read cannot be taken back. At the end the whole text is cited. Knows no
index.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ragedge.answer.cite import Cited, Sources
from ragedge.answer.unconfirmed import HeldBack, fact_spans, mark


class Speech:
    """One answer while it is spoken, held against its sources."""

    def __init__(self, sources: Sources, language: str) -> None:
        self.text = ""
        self._sources = sources
        self._held_back = HeldBack(self._unconfirmed, language)

    def add(self, text: str) -> str:
        """Take the next bit; gives what may be shown now, marks included."""
        self.text += text
        return self._held_back.add(text)

    def finish(self) -> str:
        """What may be shown of the rest."""
        return self._held_back.finish()

    def cited(self) -> Cited:
        """Citations and sentences of the text as it was said, without marks."""
        return self._sources.cite(self.text)

    def _unconfirmed(self, sentence: str) -> Sequence[tuple[int, int]]:
        return fact_spans(sentence) if self._sources.judge(sentence).objection is not None else ()


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
