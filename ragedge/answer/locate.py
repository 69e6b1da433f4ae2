"""Where a quote stands in a page's text, whatever its line breaks, hyphens, ligatures and marks.

Quotes are compared by their letters and digits alone (NFKC, case-folded); what is found is an exact span of the page.
Pure; knows no index and no file.
"""

from __future__ import annotations

import unicodedata

from ragedge.answer.facts import facts_of


def fold(text: str) -> tuple[str, list[int]]:
    """Letters and digits of `text` (NFKC, case-folded), and for each the offset in `text` that it came from."""
    characters: list[str] = []
    offsets: list[int] = []
    for offset, raw in enumerate(text):
        folded = raw.lower() if raw.isascii() else unicodedata.normalize("NFKC", raw).casefold()
        for character in folded:
            if character.isalnum():
                characters.append(character)
                offsets.append(offset)
    return "".join(characters), offsets


def locate(quote: str, text: str) -> tuple[int, int] | None:
    """The half-open span of the first place of `quote` in `text`, marks at its ends included; None: it is not there.

    Numbers are compared as numbers: "2 bar" stands neither in "12 bar" nor, as "1.5", in "15".
    """
    if quote.strip():
        at = text.find(quote)
        if at >= 0 and _is_whole(text, at, at + len(quote)):
            return at, at + len(quote)
    wanted, _ = fold(quote)
    folded, offsets = fold(text)
    at = folded.find(wanted) if wanted else -1
    while at >= 0:
        start, end = offsets[at], offsets[at + len(wanted) - 1] + 1
        if _is_whole(text, start, end) and _same_numbers(quote, text[start:end]):
            return start, _with_stop(text, end)
        at = folded.find(wanted, at + 1)
    return None


def _is_whole(text: str, start: int, end: int) -> bool:
    """Whether the span begins and ends between words and numbers."""
    inside_before = start > 0 and text[start].isalnum() and text[start - 1].isalnum()
    inside_after = end < len(text) and text[end - 1].isalnum() and text[end].isalnum()
    return not inside_before and not inside_after


def _same_numbers(quote: str, found: str) -> bool:
    said, stands = facts_of(quote), facts_of(found)
    return sorted(n.value for n in said.numbers) == sorted(n.value for n in stands.numbers)


def _with_stop(text: str, end: int) -> int:
    """`end`, past a full stop that closes the sentence."""
    return end + 1 if text[end : end + 1] in (".", "!", "?") and not text[end + 1 : end + 2].isalnum() else end
