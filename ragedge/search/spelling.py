"""Mistyped words of a question to the words of the documents that were meant.

A word is taken for mistyped only if it stands in no passage and the embedder's tokenizer does not know it as one word
either: names and real words that the documents lack are left alone, or an unanswerable question would become another
one. It is replaced by the one word of the documents at the smallest distance (Damerau 1964: a letter wrong, missing,
too many, or two exchanged). The first letter must be right, or exchanged with the second. Pure; asks through functions.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

MIN_CHARS = 5  # letters; below that one letter makes another word ("left", "lift")
_TWO_ERRORS_CHARS = 9  # letters from which two errors are taken for typing
_COMMONER = 2  # times as many passages as the next: then the commoner of two equally near words was meant
_MAX_WORDS = 3  # of one question; more unknown words are another language or a name
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")


def corrected(
    text: str,
    *,
    unknown: Callable[[Sequence[str]], Sequence[str]],
    stem: Callable[[str], str],
    terms_like: Callable[[str], Sequence[tuple[str, int]]],
    example_of: Callable[[str], str],
) -> str:
    """`text` with its mistyped words put right; as it was where none is found or the choice is open.

    Args:
        unknown: those of some words that stand in no passage and are no word to the tokenizer.
        stem: a word as the word index holds it.
        terms_like: (stem, number of passages) of words of the index near a word.
        example_of: text of a passage that holds a stem.
    """
    words = [match for match in _WORD.finditer(text) if len(match.group()) >= MIN_CHARS]
    strange = set(unknown(list(dict.fromkeys(match.group() for match in words))))
    if not strange or len(strange) > _MAX_WORDS:
        return text
    for match in reversed(words):
        word = match.group()
        if word in strange:
            meant = _meant(word.casefold(), stem, terms_like, example_of)
            text = text[: match.start()] + (meant or word) + text[match.end() :]
    return text


def _meant(
    word: str,
    stem: Callable[[str], str],
    terms_like: Callable[[str], Sequence[tuple[str, int]]],
    example_of: Callable[[str], str],
) -> str:
    """The word of the documents that was meant by `word`, as it stands there; "" where that is not clear."""
    stemmed, allowed = stem(word), 2 if len(word) >= _TWO_ERRORS_CHARS else 1
    near = [(distance(stemmed, term, allowed), -count, term) for term, count in terms_like(word) if term.isalpha()]
    near = sorted(item for item in near if item[0] <= allowed)
    if not near or (len(near) > 1 and near[0][0] == near[1][0] and -near[0][1] < -near[1][1] * _COMMONER):
        return ""  # none, or two that are as near and about as common
    term = near[0][2]
    for found in _WORD.findall(example_of(term)):
        if stem(found) == term:
            return str(found.casefold())
    return ""


def distance(first: str, second: str, limit: int) -> int:
    """Typing errors between two words (optimal string alignment), at most `limit` + 1."""
    if abs(len(first) - len(second)) > limit:
        return limit + 1
    before: list[int] = []
    row = list(range(len(second) + 1))
    for i, a in enumerate(first, 1):
        before, last, row = row, before, [i]
        for j, b in enumerate(second, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == second[j - 2] and first[i - 2] == b:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
        if min(row) > limit:
            return limit + 1
    return min(row[-1], limit + 1)
