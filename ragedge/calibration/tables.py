"""Questions from tables: a row's first cell names it, the header names what is asked for.

Knows only sections; a table without a header gives nothing, because nobody can ask for a column without a name.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator

from ragedge.calibration.fields import pairs_of, ways_to_ask
from ragedge.calibration.sections import MadeQuestion, Piece, Section, language_of, made
from ragedge.calibration.wording import lowered

_CELLS = re.compile(r"[ ]*\|[ ]*|\t|\s{3,}")
_LETTERS = re.compile(r"[^\W\d_]{2,}")
_MAX_ROWS = 200  # of one table; a price list of thousands says nothing new after that
_ASKED = {
    "en": (
        "What is the {f} for {t}?", "{t}: which {f}?", "What {f} does {t} have?", "Which {f} goes with {t}?",
        "What does the table say for {t} under {f}?", "{f} {t}",
    ),
    "de": ("Welche Angabe steht bei {t} unter {f}?", "{f} für {t}?", "Was gilt bei {t} für {f}?"),
    "fr": ("Quelle valeur pour {t} : {f} ?", "{f} pour {t} ?"),
    "es": ("¿Qué valor tiene {t} en {f}?", "¿{f} para {t}?"),
}  # fmt: skip
_BACKWARDS = {
    "en": ("Which {f} has the {g} {v}?", "For which {f} is {g} {v}?"),
    "de": ("Bei welchem Eintrag ({f}) ist {g} {v}?",),
    "fr": ("Pour quel {f} : {g} {v} ?",),
    "es": ("¿Para qué {f} es {g} {v}?",),
}


def row_questions(section: Section, pieces: list[Piece], rng: random.Random) -> Iterator[MadeQuestion]:
    """One question for each row of the tables in the section, also where each cell has its column's name before it."""
    language = language_of(section.text)
    header: list[str] = []
    previous_end, count = -2, 0
    for piece in pieces:
        if pairs := pairs_of(piece.text):
            header, count = [], count + 1
            names, values = zip(*pairs, strict=True)
            if count <= _MAX_ROWS and _LETTERS.search(values[0]):
                yield from _question(section, piece, list(names), list(values), language, rng)
            continue
        if piece.kind != "row":
            header, count = [], 0
            continue
        cells = [cell.strip(" *_`") for cell in _CELLS.split(piece.text.strip().strip("|"))]
        is_new = piece.start - previous_end > 120 or not header  # a rule row or a blank may lie between
        previous_end = piece.end
        if is_new:
            header, count = (cells if _is_header(cells) else []), 0
            continue
        count += 1
        if len(cells) != len(header) or len(cells) < 2 or count > _MAX_ROWS or not _LETTERS.search(cells[0]):
            continue
        yield from _question(section, piece, header, cells, language, rng)


def _question(
    section: Section, piece: Piece, header: list[str], cells: list[str], language: str, rng: random.Random
) -> Iterator[MadeQuestion]:
    filled = [i for i in range(1, len(cells)) if cells[i] and header[i] and len(cells[i]) < 200]
    if not filled or len(cells[0]) > 80:
        return
    column = rng.choice(filled)
    name, field = cells[0], header[column]
    if rng.random() < 0.15 and header[0] and len(cells[column]) < 40:
        words = rng.choice(_BACKWARDS[language])
        question = words.format(f=_as_asked(header[0], language), g=_as_asked(field, language), v=cells[column])
        yield made(section, "row", question, piece.start, piece.end, name)
        return
    known = ways_to_ask(field, language)
    words = rng.choice((*_ASKED[language], *known))
    question = words.format(t=name, f=_as_asked(field, language))
    yield made(section, "row", question, piece.start, piece.end, cells[column])


def _as_asked(name: str, language: str) -> str:
    return name if language == "de" else lowered(name)


def _is_header(cells: list[str]) -> bool:
    """Names, no values: short cells with letters and without digits, no two alike."""
    named = [cell for cell in cells if cell]
    return (
        len(named) >= 2
        and len(set(named)) == len(named)
        and all(len(cell) <= 40 and _LETTERS.search(cell) and not re.search(r"\d{2,}", cell) for cell in named)
    )
