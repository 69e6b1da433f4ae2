"""Training examples from people: SQuAD articles, question-answer pairs, questions that nobody answered.

Reads the evaluation data's training cases (`squad_train`, `pairs`), never an evaluation article. Four articles of
`squad_train` are held out for the gate's fit and for choosing.
"""

from __future__ import annotations

import gzip
import json
import random
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ragedge.answer.sentences import sentence_spans
from ragedge.evaluation.goldens import GoldQuestion
from tests.recipes.reader.packing import UNKNOWN, Pack

HELD_OUT = ("Apollo_program", "Chloroplast", "Kenya", "Victoria_and_Albert_Museum")
MEDQUAD = 6_000  # of its 9,379 templates; more teaches nothing new
_BARE_UNIT = 12  # characters; shorter answers are list remains


def of_held_out(golds: Sequence[GoldQuestion]) -> list[GoldQuestion]:
    """Those of the questions on `squad_train` that the reader was not trained on."""

    def is_held_out(gold: GoldQuestion) -> bool:
        paths = [*(s.path for s in gold.sources), *(t[5:] for t in gold.tags if t.startswith("near:"))]
        return any(path.removesuffix(".md") in HELD_OUT for path in paths)

    return [gold for gold in golds if is_held_out(gold)]


def add_squad(pack: Pack, folder: Path, *, held_out: bool = False) -> None:
    """Paragraphs with their questions; unanswerable ones name their own paragraph as a passage that does not answer.

    Of the articles that are trained on, or of those that are not.
    """
    golds = {row["id"]: row for row in map(json.loads, (folder / "questions.jsonl").open(encoding="utf-8"))}
    for paragraph in _lines(folder / "paragraphs.jsonl.gz"):
        if (paragraph["title"] in HELD_OUT) != held_out:
            continue
        text = paragraph["context"]
        spans = sentence_spans(text)
        units = [text[a:b] for a, b in spans]
        number = pack.passage(paragraph["title"].replace("_", " "), units, "squad")
        for asked in paragraph["qas"]:
            if not asked["answers"]:
                pack.question(asked["question"], "squad", negatives=[number])
                continue
            unit, start, end = _place(text, spans, asked, golds.get(asked["id"]))
            if unit and pack.holds_unit(number, unit):
                span = pack.span_in_unit(number, units[unit - 1], unit, start, end)
                pack.question(asked["question"], "squad", number, (unit, unit), span)


def add_pairs(pack: Pack, folder: Path, seed: int) -> None:
    """Questions with long answers; an answer of clapnq stands alone or between the sentences of another one."""
    rng = random.Random(seed)
    rows = list(_lines(folder / "pairs.jsonl.gz"))
    people = [row for row in rows if row["source"] == "clapnq"]
    rng.shuffle(people)
    cuts = {id(row): _sentences(_plain(row["answer"])) for row in people}
    for row, other in zip(people, [*people[1:], people[0]], strict=True):
        own, before = cuts[id(row)], cuts[id(other)] if rng.random() < 0.6 else []
        if not own or row["question"] == other["question"]:
            continue
        before = before[: rng.randint(0, 3)]
        number = pack.passage("", [*before, *own], "clapnq")
        if pack.holds_unit(number, len(before) + 1):
            last = min(len(before) + len(own), int(pack.units[number][-1]))
            pack.question(_asked(row["question"]), "clapnq", number, (len(before) + 1, last))
    medical = [row for row in rows if row["source"] != "clapnq"]
    for row in rng.sample(medical, min(MEDQUAD, len(medical))):
        units = _sentences(_plain(row["answer"]))
        units = units[1:] if units and units[0].rstrip("? ").lower() == row["question"].rstrip("? ").lower() else units
        if units:
            number = pack.passage(row["focus"], units, "medquad")
            pack.question(row["question"].replace(" ?", "?"), "medquad", number, (UNKNOWN, UNKNOWN))
    for row in _lines(folder / "questions_without_answer.jsonl.gz"):
        pack.question(_asked(row["question"]), "bare")


def _place(
    text: str, spans: list[tuple[int, int]], asked: dict[str, Any], gold: dict[str, Any] | None
) -> tuple[int, int, int]:
    """(unit from 1, answer's start and end in that unit); unit 0: not to be told."""
    quote = gold["sources"][0]["quote"] if gold and gold["sources"] else None
    near = text.find(quote) if quote else 0
    answer = min(asked["answers"][:2], key=len) if asked["answers"] else ""
    at = text.find(answer, max(near, 0))
    at = text.find(answer) if at < 0 else at
    for number, (start, end) in enumerate(spans, 1):
        if start <= at < end:
            return number, at - start, min(at + len(answer), end) - start
    return 0, 0, 0


def _asked(question: str) -> str:
    return question if question.endswith("?") else f"{question}?"


def _plain(text: str) -> str:
    """Tokenised text as people write it: quotation marks, full stops and brackets without blanks."""
    text = text.replace("``", '"').replace("''", '"').replace(" -- ", "–").replace(" 's", "'s")
    text = re.sub(r"\s+([.,;:!?%)\]])", r"\1", " ".join(text.split()))
    return re.sub(r"([(\[])\s+", r"\1", text)


def _sentences(text: str) -> list[str]:
    return [text[a:b] for a, b in sentence_spans(text) if b - a >= _BARE_UNIT]


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)
