"""A question to what the word index is asked for: content words, pairs of them, quoted phrases and identifiers.

Pure and fast (well under a millisecond). Stop words of English, German, French and Spanish are left out; where nothing
else is left ("to be or not to be") they are kept. Two content words that follow each other say more together than
apart ("time off", "state of the union"): the ordered features of Metzler and Croft (2005), each weighed by BM25 as a
word of its own. Knows nothing of FTS5: escaping is the index's business.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from ragedge.answer.identifiers import find_identifiers, quoted_phrases
from ragedge.answer.stopwords import STOP_WORDS

MAX_WORDS = 48  # beyond this a question is a pasted text, and each word costs the word index a lookup
_MAX_WORD_CHARS = 64
_MAX_PAIRS = 16  # of one question: a pasted text has many, and each costs the word index as much as a word or two
_MAX_PAIR_CHARS = 256
_MAX_GAP = 2  # stop words between the two words of a pair: "state of the union"; with more, they are seldom one thing
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
# What may stand between the words of a pair; a comma, a stop or a code parts them.
_JOINING = re.compile(r"[\s\-–/'’\"“”]*")
_ELISION = re.compile(r"^[^\W_]{1,2}['’](?=[^\W_]{3})")  # "l'eau potable": found behind "d'eau", too
_CODE = " | "  # in place of a code: no word, and nothing that joins


@dataclass(frozen=True, slots=True)
class Query:
    """What a question asks the word index for, each in the question's order and without repeats.

    `pairs` are content words that follow each other, with the stop words between them: to be found as they stand.
    """

    words: tuple[str, ...]
    pairs: tuple[str, ...]
    phrases: tuple[str, ...]
    identifiers: tuple[str, ...]


def analyse(text: str) -> Query:
    """Take a question apart; never fails, whatever the text."""
    identifiers = find_identifiers(text)
    folded = unicodedata.normalize("NFKC", text).casefold()
    for code in identifiers:
        if " " not in code:  # its digits alone are noise to the word search; it is looked up whole instead
            folded = folded.replace(code.casefold(), _CODE)
    found = list(_WORD.finditer(folded))
    words = [_without_ending(match.group())[:_MAX_WORD_CHARS] for match in found]
    content = [i for i, word in enumerate(words) if _is_content(word)]
    kept = [words[i] for i in content] or ([] if identifiers else words)
    return Query(
        words=tuple(dict.fromkeys(kept))[:MAX_WORDS],
        pairs=_pairs(folded, found, content),
        phrases=quoted_phrases(text),
        identifiers=identifiers,
    )


def _is_content(word: str) -> bool:
    return word not in STOP_WORDS and (len(word) > 1 or not word.isascii() or word.isdigit())


def _pairs(text: str, found: Sequence[re.Match[str]], content: Sequence[int]) -> tuple[str, ...]:
    """Each two of the words at `content` that follow each other in `text`, at most `_MAX_GAP` others between them."""
    pairs: dict[str, None] = {}
    for first, last in pairwise(content):
        if len(pairs) == _MAX_PAIRS:
            break
        gaps = (text[found[i].end() : found[i + 1].start()] for i in range(first, last))
        if last - first <= _MAX_GAP + 1 and all(_JOINING.fullmatch(gap) for gap in gaps):
            as_it_stands = " ".join(text[found[first].start() : found[last].end()].split())
            pairs[_ELISION.sub("", as_it_stands)[:_MAX_PAIR_CHARS]] = None
    return tuple(pairs)


def _without_ending(word: str) -> str:
    """`word` without what an apostrophe sets off: "apple's", "don't", "l'eau", "d’or"."""
    head, mark, tail = word.replace("’", "'").partition("'")
    if not mark:
        return word
    return tail if len(head) <= 2 and len(tail) > 2 else head
