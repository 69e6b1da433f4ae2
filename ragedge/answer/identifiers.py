"""Codes, numbers and quoted words that a question pins down: what must stand in a passage letter by letter.

Part and fault codes ("E-417", "4.510.210", "CFOL007"), sizes ("M8 x 40"), numbers behind a naming word ("form 8288")
and numbers with a unit ("45 Nm"). Years and bare small numbers are left to the word search: they stand everywhere.
Pure; knows no index. An identifier is compared by its runs of letters and digits: "E-417" finds "E417" and "E 417".
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

MAX_IDENTIFIERS = 8  # a question with more pins down nothing
_MAX_CHARS = 48  # of one identifier; longer strings are no code that a person types

# Words after which a number is a name. English, German, French, Spanish; singular and plural.
_NAMING = (
    "action|alarm|artikel|article|artículo|bestellnummer|blatt|chapter|class|code|codes|código|catalogue|"
    "channel|definer|drawing|edition|error|erreur|error|exhibit|fault|fehler|fig|figure|abbildung|form|formular|"
    "formulario|formulaire|gate|group|inventory|item|kapitel|line|linie|ligne|línea|lot|message|meldung|model|modell|"
    "modèle|modelo|module|no|nr|num|number|numéro|número|nummer|object|objekt|order|page|part|pos|position|raum|"
    "revision|room|sala|salle|schedule|screen|section|serial|serie|sheet|step|schritt|table|tabelle|teil|teilenummer|"
    "transaction|tc|type|typ|unit|version|zeile|zone"
)
_UNITS = (
    "nm|n·m|ncm|lb-?ft|ft-?lb|in-?lb|v|volt|volts|kv|mv|a|ma|amp|amps|ah|mah|w|kw|mw|watt|watts|wh|kwh|hz|khz|mhz|ghz|"
    "ohm|ohms|ω|°c|°f|k|bar|mbar|psi|pa|kpa|mpa|mm|cm|m|km|in|inch|inches|ft|feet|µm|nm²|mm²|m²|m³|ml|cl|dl|l|liter|"
    "liters|litre|litres|gal|gallons?|g|mg|kg|t|lb|lbs|oz|ppm|ppb|rpm|dpi|kb|mb|gb|tb|%|percent|db"
)
_SIZE = re.compile(
    r"\bm\d{1,2}(?:[.,]\d+)?\s?[x×]\s?\d+(?:[.,]\d+)?\b|\b\d+(?:[.,]\d+)?\s?[x×]\s?\d+(?:[.,]\d+)?\b", re.I
)
_NAMED = re.compile(rf"\b(?:{_NAMING})\.?\s+(?:#\s?)?(\d[\w.\-/]*\w|\d)(?!\w)", re.I)
_WITH_UNIT = re.compile(rf"(?<![\w.,])\d+(?:[.,]\d+)*\s?(?:{_UNITS})(?![\w-])", re.I)
_TOKEN = re.compile(r"[^\W_]+(?:[-./:+_][^\W_]+)*")
_ORDINAL = re.compile(r"\d+(?:st|nd|rd|th|er|ère|ème|e|s|º|ª|te[nrs]?)", re.I)
_YEAR = re.compile(r"1[0-9]\d\d|20\d\d|21\d\d")
_WORD_JOINED = re.compile(r"[^\W\d_]{4,}")
_QUOTED = re.compile(r"\"([^\"]{2,120})\"|“([^”]{2,120})”|„([^“”]{2,120})[“”]|«\s?([^»]{2,120}?)\s?»")
_RUN = re.compile(r"\d+|[^\W\d_]+")
_SEPARATOR = r"[\s\-–./:_+,×·]{0,3}"


def find_identifiers(text: str) -> tuple[str, ...]:
    """The identifiers of `text` as written, in order, without repeats, at most `MAX_IDENTIFIERS`."""
    text = unicodedata.normalize("NFKC", text)
    found: list[tuple[int, int]] = []
    for pattern in (_SIZE, _WITH_UNIT):
        found.extend(match.span() for match in pattern.finditer(text))
    found.extend(match.span(1) for match in _NAMED.finditer(text) if len(match.group(1)) > 2)
    found.extend(match.span() for match in _TOKEN.finditer(text) if is_code(match.group()))
    spans: list[tuple[int, int]] = []
    for start, end in sorted(found, key=lambda span: (span[0], -span[1])):
        if not spans or start >= spans[-1][1]:
            spans.append((start, end))
    names = (text[start:end].strip() for start, end in spans if end - start <= _MAX_CHARS)
    return tuple(dict.fromkeys(names))[:MAX_IDENTIFIERS]


def quoted_phrases(text: str) -> tuple[str, ...]:
    """What stands in quotation marks, at least two characters long, in order, at most `MAX_IDENTIFIERS`."""
    groups = (next(part for part in match.groups() if part is not None) for match in _QUOTED.finditer(text))
    return tuple(dict.fromkeys(" ".join(group.split()) for group in groups if group.strip()))[:MAX_IDENTIFIERS]


def is_code(token: str) -> bool:
    """Whether a token is a code rather than a word, an ordinal, a year or a small number."""
    if not any(c.isdigit() for c in token) or _ORDINAL.fullmatch(token) or _YEAR.fullmatch(token):
        return False
    if any(c.isalpha() for c in token):
        return not any(_WORD_JOINED.fullmatch(p) and p.islower() for p in re.split(r"[-./:+_]", token))
    return len(token) >= 4


def spellings(identifier: str) -> tuple[str, ...]:
    """Ways in which a word index may hold the identifier: as written, in one piece, letters and digits apart."""
    runs = _RUN.findall(identifier)
    forms = [identifier, "".join(runs), " ".join(runs)]
    parts = _TOKEN.findall(identifier)
    if len(parts) > 1:
        forms.append(" ".join(parts))
    return tuple(dict.fromkeys(forms))


def stands_in(identifier: str, text: str) -> bool:
    """Whether `text` holds the identifier, whatever stands between its runs of letters and digits."""
    return _pattern(identifier).search(text) is not None


@lru_cache(maxsize=256)
def _pattern(identifier: str) -> re.Pattern[str]:
    runs = [
        r"[x×]" if run in "xX" else re.escape(run) for run in _RUN.findall(unicodedata.normalize("NFKC", identifier))
    ]
    if not runs:
        return re.compile(re.escape(identifier), re.I)
    return re.compile(rf"(?<![^\W_]){_SEPARATOR.join(runs)}(?![^\W_])", re.I)
