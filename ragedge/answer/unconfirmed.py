"""Numbers and codes that no source supports: where they stand in a sentence, and a text in which each is marked.

"35 Nm" becomes "[unconfirmed: 35 Nm]" in the text itself, so that it is not taken for a fact wherever the text goes: a
terminal, a program, a page. A stream holds a sentence back from its first number on until the sentence is complete
and judged. Pure; knows no source: who judges comes as a function.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from ragedge.answer.claims import LIST_MARK, MARK
from ragedge.answer.facts import NUMBER_WORDS, SCALES, UNITS
from ragedge.answer.sentences import sentence_spans

WORDS = {"en": "unconfirmed", "de": "unbelegt", "fr": "non confirmé", "es": "sin confirmar"}
"""What stands before a number that no source supports, per language; English where the language is unknown."""

_UNIT = "|".join(sorted((re.escape(unit) for unit in UNITS), key=len, reverse=True))
_NUMBER_WORD = "|".join(sorted(map(re.escape, NUMBER_WORDS), key=len, reverse=True))
_SCALE = "|".join(sorted(SCALES, key=len, reverse=True))
_FACT = re.compile(
    rf"(?:[€$£]\s?|\b(?:EUR|USD|GBP|CHF)\s)?"
    rf"(?<!\w)[-−+±]?(?:[^\W\d_]{{1,20}}[-./]){{0,4}}[^\W\d_]{{0,20}}\d"  # bounded: linear in the text
    r"(?:[\w'’]|[.,:/+–-](?=\w))*"
    rf"(?:\s(?:{_SCALE})\b)?(?:\s?(?:{_UNIT})s?(?!\w))?"
    rf"|\b(?:{_NUMBER_WORD})\b(?:\s(?:{_SCALE})\b)?(?:\s(?:{_UNIT})s?(?!\w))?",
    re.IGNORECASE,
)
_MARKED = re.compile(rf"\[(?:{'|'.join(WORDS.values())}): ([^\]\n]{{1,200}})\]")
_LAST_WORD = re.compile(r"\S*\s*\Z")


def fact_spans(sentence: str) -> list[tuple[int, int]]:
    """Half-open spans of the numbers (with units) and codes of a sentence; list marks and marks of sources are none."""
    begin = match.end() if (match := LIST_MARK.match(sentence)) else 0
    taken = [m.span() for m in MARK.finditer(sentence)]
    spans = (m.span() for m in _FACT.finditer(sentence, begin))
    return [(a, b) for a, b in spans if not any(a < d and c < b for c, d in taken)]


def mark(text: str, spans: Sequence[tuple[int, int]], language: str = "en") -> tuple[str, Callable[[int], int]]:
    """`text` with "[unconfirmed: …]" around each span, and the way from an old offset to the new one.

    `spans` are half-open, in order, without overlap. The offset of a span's start or end maps to outside of its mark.
    """
    before, after = f"[{WORDS.get(language[:2], WORDS['en'])}: ", "]"
    parts: list[str] = []
    position = 0
    for start, end in spans:
        parts += [text[position:start], before, text[start:end], after]
        position = end

    def moved(offset: int) -> int:
        whole = sum(end <= offset for _, end in spans)
        inside = any(start < offset < end for start, end in spans)
        return offset + whole * (len(before) + len(after)) + (len(before) if inside else 0)

    return "".join([*parts, text[position:]]), moved


def unmarked(text: str) -> tuple[str, Callable[[int], int]]:
    """`text` without the marks that `mark` puts into it, in whatever language, and the way from an old offset to the
    new one."""
    cuts = [cut for m in _MARKED.finditer(text) for cut in ((m.start(), m.start(1)), (m.end(1), m.end()))]

    def moved(offset: int) -> int:
        return offset - sum(min(end, offset) - start for start, end in cuts if start < offset)

    return _MARKED.sub(r"\1", text), moved


class HeldBack:
    """A stream of text that lets no number out before its sentence was judged.

    Args:
        loose_spans: a complete sentence -> half-open spans of it that are to be marked.
        language: of the mark.
    """

    def __init__(self, loose_spans: Callable[[str], Sequence[tuple[int, int]]], language: str = "en") -> None:
        self._loose_spans = loose_spans
        self._language = language
        self._open = ""  # from the start of the sentence that is not complete
        self._shown = 0  # characters of it that are out

    def add(self, text: str) -> str:
        """Take the next bit; gives what may be shown now."""
        self._open += text
        out = ""
        while len(spans := sentence_spans(self._open)) > 1:
            out += self._judged(spans[0][0], spans[1][0])
        facts = fact_spans(self._open)
        last = _LAST_WORD.search(self._open)
        safe = min(facts[0][0] if facts else len(self._open), last.start() if last else 0)
        if safe > self._shown:
            out += self._open[self._shown : safe]
            self._shown = safe
        return out

    def finish(self) -> str:
        """The rest, judged as it is."""
        out = ""
        while len(spans := sentence_spans(self._open)) > 1:
            out += self._judged(spans[0][0], spans[1][0])
        return out + self._judged(spans[0][0] if spans else 0, len(self._open))

    def _judged(self, start: int, end: int) -> str:
        """What is not yet out of the open text before `end`, its sentence marked where it must be; forget it."""
        sentence = self._open[start:end].rstrip()
        spans = [(start + a, start + b) for a, b in self._loose_spans(sentence)] if sentence else []
        marked, moved = mark(self._open[:end], [s for s in spans if s[0] >= self._shown], self._language)
        out = marked[moved(self._shown) if self._shown else 0 :]
        self._open, self._shown = self._open[end:], 0
        return out
