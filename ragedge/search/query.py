"""A question to what the word index is asked for: content words, quoted phrases and identifiers.

Pure and fast (well under a millisecond). Stop words of English, German, French and Spanish are left out; where nothing
else is left ("to be or not to be") they are kept. Knows nothing of FTS5: escaping is the index's business.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from ragedge.answer.identifiers import find_identifiers, quoted_phrases
from ragedge.answer.stopwords import STOP_WORDS

MAX_WORDS = 48  # beyond this a question is a pasted text, and each word costs the word index a lookup
_MAX_WORD_CHARS = 64
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")


@dataclass(frozen=True, slots=True)
class Query:
    """What a question asks the word index for, each in the question's order and without repeats."""

    words: tuple[str, ...]
    phrases: tuple[str, ...]
    identifiers: tuple[str, ...]


def analyse(text: str) -> Query:
    """Take a question apart; never fails, whatever the text."""
    identifiers = find_identifiers(text)
    folded = unicodedata.normalize("NFKC", text).casefold()
    for code in identifiers:
        if " " not in code:  # its digits alone are noise to the word search; it is looked up whole instead
            folded = folded.replace(code.casefold(), " ")
    words = [_without_ending(word)[:_MAX_WORD_CHARS] for word in _WORD.findall(folded)]
    content = [
        word for word in words if word not in STOP_WORDS and (len(word) > 1 or not word.isascii() or word.isdigit())
    ]
    return Query(
        words=tuple(dict.fromkeys(content or (() if identifiers else words)))[:MAX_WORDS],
        phrases=quoted_phrases(text),
        identifiers=identifiers,
    )


def _without_ending(word: str) -> str:
    """`word` without what an apostrophe sets off: "apple's", "don't", "l'eau", "d’or"."""
    head, mark, tail = word.replace("’", "'").partition("'")
    if not mark:
        return word
    return tail if len(head) <= 2 and len(tail) > 2 else head
