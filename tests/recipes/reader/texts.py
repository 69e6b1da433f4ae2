"""Training examples made by program from running text: headings, records, facts, and sentences with a hole.

Documents are cut to sections at their heading lines, sections to passages of 80 to 200 tokens; the questions are those
that `ragedge index calibrate` makes of a user's own documents. A cloze question is a sentence of a passage with a name,
date or number taken out, shortened and out of order, so that reading it is more than matching.
"""

from __future__ import annotations

import json
import lzma
import random
import re
from collections.abc import Iterator
from pathlib import Path

from ragedge.calibration.making import MadeQuestion, Section, make_questions
from ragedge.calibration.sections import Piece, pieces_of
from tests.recipes.reader.packing import UNKNOWN, Pack

BUDGETS = {  # characters taken of each file
    "open_guides": 3_120_000,
    "microsoft_business_central": 3_000_000,
    "microsoft_powershell_reference": 480_000,
    "us_government": 4_800_000,
    "openstax": 8_400_000,
    "standardebooks": 1_200_000,
    "wikipedia": 16_800_000,
}
_PER_DOCUMENT = 24  # made questions of one document; an article of twenty pages is no better than a short one
_CLOZE_PER_PASSAGE = 0.9
_HOLE = re.compile(
    r"(?<=\s)(?:(?:[A-Z][\w'’-]+)(?:\s(?:of|de|the|van)?\s?[A-Z][\w'’-]+){0,3}|(?:1\d{3}|20[0-2]\d)|"
    r"\d[\d,.]*\d(?:\s(?:percent|million|km|metres|meters|miles|feet|years|people|kg|°C))?)(?=[\s,.;)])"
)


def add_texts(pack: Pack, folder: Path, seed: int, budgets: dict[str, int] = BUDGETS) -> None:
    """Passages and questions from the text files."""
    for name, budget in budgets.items():
        rng = random.Random(f"{seed}/{name}")
        for number, (title, text) in enumerate(documents(folder / f"{name}.jsonl.xz", budget, rng)):
            sections = list(sections_of(f"{name}/{number}", title, text))
            made = make_questions(sections, seed=seed, limit=_PER_DOCUMENT)
            _add_document(pack, sections, made, rng)


def documents(path: Path, budget: int, rng: random.Random) -> Iterator[tuple[str, str]]:
    """A random share of a file's documents, together about `budget` characters."""
    with lzma.open(path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    rng.shuffle(rows)
    for row in rows:
        if row["source"].startswith("factbook") and rng.random() > 0.25:
            continue
        budget -= len(row["text"])
        if budget < 0:
            return
        yield row["title"], row["text"]


def sections_of(document_id: str, title: str, text: str) -> Iterator[Section]:
    """A document's text cut at lines that look like headings: short, no full stop, a capital first."""
    heading, inside = "", list[str]()
    for paragraph in (*filter(None, map(str.strip, text.split("\n\n"))), ""):
        is_heading = (
            "\n" not in paragraph
            and len(paragraph) < 90
            and paragraph[-1:] not in (".", "!", ":", ";", ",")
            and not paragraph[:1].islower()
        )
        if not is_heading:
            inside.append(paragraph)
            continue
        if inside:
            headings = (heading,) if heading else ()
            yield Section(document_id, title, headings, len(inside), 0, "\n\n".join(inside))
        heading, inside = paragraph, []


def _add_document(pack: Pack, sections: list[Section], made: list[MadeQuestion], rng: random.Random) -> None:
    by_section: dict[int, list[MadeQuestion]] = {}
    for question in made:
        for i, section in enumerate(sections):
            span = question.span
            if section.page == span.page and section.text[span.start : span.end] == question.quote:
                by_section.setdefault(i, []).append(question)
                break
    passages: list[tuple[int, Section, list[Piece]]] = []
    pending: list[tuple[MadeQuestion, int]] = []
    for i, section in enumerate(sections):
        for pieces in _passages(pieces_of(section), rng):
            prefix = section.title if not section.headings else f"{section.title}: {section.headings[-1]}"
            number = pack.passage(prefix, [piece.text for piece in pieces], "text")
            passages.append((number, section, pieces))
            for question in by_section.get(i, ()):
                if pieces[0].start <= question.span.start < pieces[-1].end:
                    pending.append((question, len(passages) - 1))
            if len(pieces) > 1 and rng.random() < _CLOZE_PER_PASSAGE:
                _add_cloze(pack, number, pieces, rng)
    for question, at in pending:
        number, _, pieces = passages[at]
        units, span = _evidence(pack, number, pieces, question)
        if units != (UNKNOWN, UNKNOWN):
            near = [passages[i][0] for i in (at - 1, at + 1) if 0 <= i < len(passages)]
            pack.question(question.question, "text", number, units, span, near)


def _passages(pieces: list[Piece], rng: random.Random) -> Iterator[list[Piece]]:
    """Runs of pieces of 350 to 850 characters, headings and crumbs left out."""
    current: list[Piece] = []
    limit = rng.randint(350, 850)
    for piece in pieces:
        if current and current[-1].end - current[0].start + len(piece.text) > limit:
            yield current
            current, limit = [], rng.randint(350, 850)
        current.append(piece)
    if current and current[-1].end - current[0].start > 60:
        yield current


def _evidence(
    pack: Pack, number: int, pieces: list[Piece], question: MadeQuestion
) -> tuple[tuple[int, int], tuple[int, int]]:
    """Answering units (from 1) and the answer's tokens, UNKNOWN where they are not in the passage."""
    span, none = question.span, (UNKNOWN, UNKNOWN)
    units = [i for i, piece in enumerate(pieces, 1) if piece.start < span.end and piece.end > span.start]
    units = [i for i in units if pack.holds_unit(number, i)]
    if not units:
        return none, none
    answer = none
    for i in units if question.answer and len(question.answer) < 120 else ():
        at = pieces[i - 1].text.find(question.answer)
        if at >= 0:
            answer = pack.span_in_unit(number, pieces[i - 1].text, i, at, at + len(question.answer))
            break
    return (units[0], units[-1]), answer


def _add_cloze(pack: Pack, number: int, pieces: list[Piece], rng: random.Random) -> None:
    i = rng.randrange(len(pieces))
    text = pieces[i].text
    holes = list(_HOLE.finditer(text))
    if not holes or not 40 < len(text) < 400 or not pack.holds_unit(number, i + 1):
        return
    hole = rng.choice(holes)
    answer = hole.group()
    asks = "which year" if re.fullmatch(r"[12]\d{3}", answer) else "how many" if answer[0].isdigit() else ""
    asks = asks or rng.choice(("who", "what", "which", "where"))
    before, after = text[: hole.start()].split(), text[hole.end() :].split()
    before, after = before[-rng.randint(3, 14) :], after[: rng.randint(3, 14)]
    kept = [w.strip(".,;:()\"'") for w in (*after, *before)] if rng.random() < 0.6 else [*before, *after]
    words = [word for word in kept if word and rng.random() > 0.25]
    if len(words) < 4:
        return
    span = pack.span_in_unit(number, text, i + 1, hole.start(), hole.end())
    if span[0] != UNKNOWN:
        pack.question(f"{asks} {' '.join(words)}?", "cloze", number, (i + 1, i + 1), span)
