"""Text to sentences and to content words: the two cuts that reading and citing share.

A unit is a sentence of running text, a list item, a table row, a heading or a "Name: value" line. Wrapped lines are
joined by the rule of the filled line: a break is a wrap when the next line's first word would not have fitted. Spans
are exact, so whatever is made of them can be found again in the page. Knows no file, no index and no model; linear in
the text.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Set

from ragedge.answer.stopwords import STOP_WORDS

MAX_UNIT_CHARS = 2000  # characters; text without any full stop is cut here, so that no unit costs more than a page
_NARROW_CHARS = 30  # characters; text set narrower than this is labels and columns, not wrapped prose
_FILLED = 0.72  # share of the widest line; proportional fonts leave filled lines up to a quarter short

# Abbreviations after which a full stop ends nothing, without their stops. Where a word can also end a sentence ("etc.",
# "no."), it stands in the second set: it binds only when a digit follows.
_ABBREVIATIONS = """
    approx bzw ca capt cf col d.h dept dipl dr e.g eg env est evtl ex excl exkl fr geb gen gest ggf herrn hon hr
    i.d.r i.e ie incl ing inkl jr lt max min mlle mme mr mrs ms o.ä p.ex prof resp rev sgt sog sr sra srta st ste
    str tel u.a vgl viz vs z.b zzgl
"""
_BEFORE_DIGIT = """
    abb abs approx apr art aug bd ca ch chap dec dez eq etc feb fig figs item jan jul jun kap ln mar no nos nov nr
    nrn num n° núm oct okt p pag part pg pos pp pt pág ref rev s sec sect seite sep sept tab teil v ver vol ziff zw
    §
"""
# "am 3. Mai", "im 19. Jahrhundert": the stop is part of the number
_AFTER_ORDINAL = """
    april auflage august dezember februar jahrhundert jahrhunderte jahrhunderts januar
    jh jh. juli juni jänner kapitel klasse mai mal märz november obergeschoss oktober platz quartal september stock
    tag
"""
_NEVER_LAST = frozenset(_ABBREVIATIONS.split())
_BINDS_A_DIGIT = frozenset(_BEFORE_DIGIT.split())
_CONTINUES_ORDINAL = frozenset(_AFTER_ORDINAL.split())
_END = re.compile(r"[.!?…]+[\"'”’»)\]]*(?=\s)|[。！？।؟]+[」』”]*")
_OPENERS = "\"'“”„‘«»([¿¡-–—•*"
_LIST_START = re.compile(
    r"\s*(?:[-*•▪◦‣·–—+]\s|\(?(?:\d{1,3}|[A-Za-z]|[ivxIVX]{1,4})[.)]\s|\d{1,3}(?:\.\d{1,3})+\.?\s|#{1,6}\s|>\s)"
)
_FIELD = re.compile(r"\s*[^\W\d_][\w /()-]{0,38}:(?:\s|$)")
_TABLE_LINE = re.compile(r"\S(?:\t|[ \t]*\|[ \t]*| {3,})\S|^\s*\|")
_LETTER_AND_STOP = re.compile(r"[^\W\d_]\.")
_GERMAN_ARTICLE = re.compile(r"\b(?:der|die|das|dem|den|des|am|im|vom|zum|zur|jede[rsmn]?)\s\d\d?$", re.IGNORECASE)
_DIGIT = re.compile(r"\d")
_WORD_BEFORE = re.compile(r"[^\s(\[\"'“„‘«/]+$")


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """Half-open spans of the units of `text`, in order, without overlap, stripped of white space.

    Every character that is not white space lies in exactly one span.
    """
    spans: list[tuple[int, int]] = []
    for start, end in _units(text):
        for a, b in _split_sentences(text, start, end):
            spans.extend(_bounded(text, a, b))
    return spans


def content_words(text: str, *, dropped: Set[str] = STOP_WORDS) -> list[str]:
    """The words of `text` that carry meaning: NFKC, case-folded, plural folded, `dropped` ones left out, in order.

    Numbers and identifiers stay whole ("12.5", "e-417", "4.510.210"); "12mm" gives "12", "mm". Scripts written without
    spaces give pairs of characters.
    """
    words: list[str] = []
    for match in _TOKEN.finditer(unicodedata.normalize("NFKC", text).casefold()):
        for word in _parts(match.group()):
            if word not in dropped:
                words.append(_singular(word))
    return words


# ------------------------------------------------------------------------------------------------- units of lines


def _units(text: str) -> list[tuple[int, int]]:
    """Spans of paragraphs, items, rows and headings; wrapped lines joined."""
    units: list[tuple[int, int]] = []
    for block in _blocks(text):
        width = max(end - start for start, end in block)
        in_table = _row_breaks([text[a:b] for a, b in block])
        unit_start = block[0][0]
        for number, ((a, b), (c, d)) in enumerate(itertools.pairwise(block)):
            if number in in_table or _breaks(text[a:b], text[c:d], width):
                units.append((unit_start, b))
                unit_start = c
        units.append((unit_start, block[-1][1]))
    return units


def _blocks(text: str) -> list[list[tuple[int, int]]]:
    """Runs of lines without an empty line between them."""
    blocks: list[list[tuple[int, int]]] = []
    current: list[tuple[int, int]] = []
    position = 0
    for line in text.splitlines(keepends=True):
        end = position + len(line.rstrip())
        if end > position:
            current.append((position, end))
        elif current:
            blocks.append(current)
            current = []
        position += len(line)
    if current:
        blocks.append(current)
    return blocks


def _row_breaks(lines: list[str]) -> set[int]:
    """Numbers of the lines after which a table row ends: three or more lines in a row that each look like one.

    A PDF gives a table as lines of text. In wrapped prose hardly any three lines begin with a capital or a digit, hold
    a digit, and end without a mark.
    """
    like_row = [
        bool(line)
        and (line[0].isupper() or line[0].isdigit())
        and _DIGIT.search(line) is not None
        and line[-1] not in ".,;:!?"
        for line in lines
    ]
    breaks = set[int]()
    for i in range(len(lines) - 1):
        if like_row[i] and like_row[i + 1]:
            has_third = (i > 0 and like_row[i - 1]) or (i + 2 < len(lines) and like_row[i + 2])
            if has_third:
                breaks.add(i)
    return breaks


def _breaks(line: str, following: str, width: int) -> bool:
    """Whether the line break between two neighbouring lines of a block ends a unit."""
    if _LIST_START.match(following) or _TABLE_LINE.search(line) or _TABLE_LINE.search(following):
        return True
    if line.lstrip().startswith("#") or _FIELD.match(following):
        return True
    if width < _NARROW_CHARS:
        return True
    first_word = following.split(maxsplit=1)[0]
    if len(line) + 1 + len(first_word) >= width * _FILLED:
        return False
    return not first_word[0].islower()


# ------------------------------------------------------------------------------------------------- sentences


def _split_sentences(text: str, start: int, end: int) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    marker = _LIST_START.match(text, start, end)
    begin, scan = start, marker.end() if marker else start
    for match in _END.finditer(text, scan, end):
        if match.end() < end and _ends_sentence(text, begin, match, end):
            spans.append((begin, match.end()))
            begin = match.end()
    spans.append((begin, end))
    return spans


def _ends_sentence(text: str, begin: int, match: re.Match[str], end: int) -> bool:
    mark = match.group()
    if not mark[0].isascii() and mark[0] != "…":
        return True
    after = text[match.end() : min(match.end() + 40, end)].lstrip()
    if not after:
        return False
    bare = after.lstrip(_OPENERS).lstrip()
    if bare and bare[0].islower():
        return False
    if mark[0] != "." or mark.startswith(".."):
        return True
    before = _WORD_BEFORE.search(text, max(begin, match.start() - 40), match.start())
    word = before.group().casefold() if before else ""
    following = bare.split(maxsplit=1)[0].casefold() if bare else ""
    if word in _NEVER_LAST:
        return False
    if len(word) == 1 and word.isalpha():  # "J. Tolman", "z. B.", but not "position B. Then"
        is_initial = text[match.start() - 1].isupper() and following not in STOP_WORDS
        if is_initial or _LETTER_AND_STOP.match(following):
            return False
    if word in _BINDS_A_DIGIT and following[:1].isdigit():
        return False
    if not word.isdigit() or len(word) > 2:
        return True
    article = _GERMAN_ARTICLE.search(text, max(begin, match.start() - 10), match.start())  # "die 2. Pumpe"
    return article is None and following.rstrip(".,;:)") not in _CONTINUES_ORDINAL


def _bounded(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """The span without white space at its ends, cut where it is longer than `MAX_UNIT_CHARS`."""
    spans: list[tuple[int, int]] = []
    while start < end:
        while start < end and text[start].isspace():
            start += 1
        stop = end
        if end - start > MAX_UNIT_CHARS:
            stop = start + MAX_UNIT_CHARS
            gap = max(
                text.rfind(" ", start + MAX_UNIT_CHARS // 2, stop), text.rfind("\n", start + MAX_UNIT_CHARS // 2, stop)
            )
            stop = gap if gap > 0 else stop
        trimmed = stop
        while trimmed > start and text[trimmed - 1].isspace():
            trimmed -= 1
        if trimmed > start:
            spans.append((start, trimmed))
        start = stop
    return spans


# ------------------------------------------------------------------------------------------------- words

# Vowel signs of Indian scripts (each block has them at the same places), accents and Arabic points: `\w` lacks them
_SIGNS = "\u0300-\u036f\u064b-\u065f" + "".join(
    f"{chr(block)}-{chr(block + 0x03)}{chr(block + 0x3C)}{chr(block + 0x3E)}-{chr(block + 0x4D)}"
    f"{chr(block + 0x51)}-{chr(block + 0x57)}{chr(block + 0x62)}{chr(block + 0x63)}"
    for block in range(0x0900, 0x0D80, 0x80)
)
_WORD = rf"[^\W_](?:[^\W_]|[{_SIGNS}])*"
_TOKEN = re.compile(rf"{_WORD}(?:(?:[-./:](?=[^\W_])|(?<=\d),(?=\d)){_WORD})*")
_WITH_UNIT = re.compile(r"(\d+(?:[.,]\d+)*)([^\W\d_]+)$")
_LONG_WORD = re.compile(r"[^\W\d_]{4,}")
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\u0e00-\u0e7f]")


def _parts(token: str) -> list[str]:
    """A token as words: whole where it is a number or an identifier, split at its joints where it is words."""
    if _UNSPACED.search(token):
        return [token[i : i + 2] for i in range(max(1, len(token) - 1))]
    joints = re.split(r"[-./:,]", token)
    if not any(c.isdigit() for c in token) or any(_LONG_WORD.fullmatch(part) for part in joints):
        return joints
    amount = _WITH_UNIT.match(token)
    return [amount.group(1), amount.group(2)] if amount else [token]


def _singular(word: str) -> str:
    """The word without a plain plural ending (S-stemmer of Harman, 1991); short words and codes are left alone."""
    if len(word) < 4 or not word.endswith("s") or not word.isalpha():
        return word
    if word.endswith("ies") and len(word) > 4 and word[-4] not in "ae":
        return word[:-3] + "y"
    if word.endswith(("sses", "ches", "shes", "xes", "zes")):
        return word[:-2]
    if word.endswith(("ss", "us", "is")):
        return word
    return word[:-1]
