"""Text as the full-text index sees it, and questions as its match expressions; pure functions.

The same folding is used when writing and when asking. SQLite's `unicode61` tokenizer cuts at everything that is neither
letter nor digit, so scripts written without spaces would become one token per sentence: their characters are set apart
here, and a word of such a script is matched as neighbouring characters. No user text ever reaches FTS5 as syntax.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

# Thai, Lao, Myanmar, Khmer, kana, bopomofo, CJK ideographs with their extensions and compatibility forms, Hangul.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u312f\u31a0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uac00-\ud7a3\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003fffd"
)
_UNSPACED_CHAR = re.compile(f"[{_UNSPACED}]")
_PIECES = re.compile(f"[{_UNSPACED}]+|[^{_UNSPACED}]+")
# Soft hyphens, zero-width characters, byte order marks: invisible, and they would cut a word in two.
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
_NOT_TEXT = re.compile("[\x00\ud800-\udfff]")
_MAX_TERMS = 256  # of one query: FTS5 nests an OR per term, and a question has far fewer words
_MAX_TERM_CHARS = 512  # a longer "word" or phrase is no word of any document


def fold(text: str) -> str:
    """`text` with compatibility forms resolved (NFKC), invisible characters removed and unspaced scripts set apart."""
    if text.isascii():
        return text.replace("\x00", " ")
    text = _INVISIBLE.sub("", unicodedata.normalize("NFKC", _NOT_TEXT.sub(" ", text)))
    return _UNSPACED_CHAR.sub(r" \g<0> ", text)


def match_expression(words: Sequence[str], phrases: Sequence[str]) -> str:
    """An FTS5 expression for any of `words` or any of `phrases`; "" when nothing in them can be searched for."""
    return " OR ".join(match_terms(words, phrases))


def match_terms(words: Sequence[str], phrases: Sequence[str]) -> list[str]:
    """What `match_expression` joins, each an FTS5 expression of its own.

    A word of an unspaced script becomes its pairs of neighbouring characters, because where a word ends in it is not
    known; a phrase stays whole. Every term is a quoted string, in which FTS5 knows no operators.
    """
    terms: dict[str, None] = {}
    for word in words:
        terms.update(dict.fromkeys(_word_terms(word)))
    for phrase in phrases:
        terms.update(dict.fromkeys(_quoted([phrase])))
    return list(terms)[:_MAX_TERMS]


def _word_terms(word: str) -> list[str]:
    word = unicodedata.normalize("NFKC", _NOT_TEXT.sub(" ", word[:_MAX_TERM_CHARS]))
    parts: list[str] = []
    for piece in _PIECES.findall(word):
        if len(piece) > 2 and _UNSPACED_CHAR.match(piece):
            parts.extend(piece[i : i + 2] for i in range(len(piece) - 1))
        else:
            parts.append(piece)
    return _quoted(parts)


def _quoted(texts: Iterable[str]) -> list[str]:
    folded = (" ".join(fold(text[:_MAX_TERM_CHARS]).split()) for text in texts)
    return ['"' + text.replace('"', '""') + '"' for text in folded if any(map(str.isalnum, text))]
