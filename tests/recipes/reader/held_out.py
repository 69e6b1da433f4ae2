"""Questions that the reader was not trained on, as the product asks them: windows of the passages found, gold units.

    python -m tests.recipes.reader.held_out OUT.npz CASE=QUESTIONS.jsonl=INDEX[:even|:held-out] ... [--limit N]

":even" takes every second question (the others are left for the report), ":held-out" the articles of `squad_train` that
training leaves out. Answerable questions are kept where the search found their gold quote; each of them is there a
second time without the passages that hold it, as a question that the documents do not answer.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ragedge import assemble
from ragedge.answer.windows import windows_of
from ragedge.calibration.examples import DEPTH, SHOWN, known_from_golden, tells
from ragedge.config import load_config
from ragedge.contracts import PageSpan, Question, Retrieval
from ragedge.evaluate import place_finder
from ragedge.evaluation.goldens import GoldPlace, GoldQuestion, PlaceFinder, draw_sample, read_questions
from tests.recipes.fit_reader import _is_gold
from tests.recipes.reader.packing import Pack
from tests.recipes.reader.prepare import plain_tokenizer
from tests.recipes.reader.sources import of_held_out

WINDOWS = 12


class Writer:
    """Collects questions with their windows."""

    def __init__(self) -> None:
        self.pack = Pack(plain_tokenizer())
        self.rows: list[tuple[list[int], list[int], list[int], int, int]] = []

    def add(
        self, box: Any, gold: GoldQuestion, places: Sequence[GoldPlace], found: Retrieval, right: bool, case: int
    ) -> None:
        """One question with the windows of what was found."""
        candidates = box.pipeline.weigher.candidates(found)
        units = candidates.everything
        encoded = self.pack.tokenizer.encode_batch_fast([unit.text for unit in units], add_special_tokens=False)
        windows = windows_of(units, found.hits, [len(e.ids) for e in encoded], candidates.promise())
        numbers, firsts, lasts = [-1] * WINDOWS, [0] * WINDOWS, [0] * WINDOWS
        for at, window in enumerate(windows[:WINDOWS]):
            inside = units[window.first : window.last]
            numbers[at] = self.pack.passage(window.prefix, [" ".join(u.text.split()) for u in inside], "squad")
            marks = [
                i
                for i, u in enumerate(inside, 1)
                if right and u.kind != "heading" and _is_gold(u.document_id, PageSpan(u.page, u.start, u.end), places)
            ]
            if marks:
                firsts[at], lasts[at] = marks[0], marks[-1]
        self.pack.question(gold.question, "squad")
        self.rows.append((numbers, firsts, lasts, int(right), case))

    def save(self, path: Path, names: Sequence[str]) -> None:
        """Write the pack with the questions' windows."""
        columns = list(zip(*self.rows, strict=True))
        keys = ("passages", "first", "last", "is_answerable", "case")
        extra = {f"eval_{key}": np.asarray(column, np.int32) for key, column in zip(keys, columns, strict=True)}
        np.savez_compressed(path, **self.pack.arrays(), **extra, eval_names=np.asarray(names))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("cases", nargs="+", metavar="NAME=QUESTIONS=INDEX[:even|:held-out]")
    parser.add_argument("--limit", type=int, default=400)
    parser.add_argument("--indexes", default="indexes")
    options = parser.parse_args()
    writer, names = Writer(), []
    for argument in options.cases:
        name, path, index = argument.split("=")
        index, _, part = index.partition(":")
        names.append(name)
        box = assemble.open_box(replace(load_config(None), index=index, indexes_folder=options.indexes))
        finder = place_finder(box.index)
        count = 0
        for gold in _chosen(read_questions(Path(path)), part, options.limit):
            places = tuple(finder.find(source) for source in gold.sources)
            for found, right in _both(box, gold, finder):
                writer.add(box, gold, places, found, right, len(names) - 1)
                count += 1
        print(f"{name}: {count} questions", flush=True)
        box.close()
    writer.save(options.out, names)


def _chosen(golds: Sequence[GoldQuestion], part: str, limit: int) -> Sequence[GoldQuestion]:
    if part == "even":
        return golds[::2]
    golds = of_held_out(golds) if part == "held-out" else golds
    return draw_sample(golds, limit, 0)


def _both(box: Any, gold: GoldQuestion, finder: PlaceFinder) -> Iterator[tuple[Retrieval, bool]]:
    """What was found, and whether it can answer; an answerable question a second time without its passages."""
    deep = box.pipeline.retriever.retrieve(Question(gold.question, top_k=DEPTH))[0]
    found = replace(deep, hits=deep.hits[:SHOWN])
    for known in known_from_golden([gold], finder):
        if not known.spans:
            yield found, False
            continue
        if any(tells(hit, known) for hit in found.hits):
            yield found, True
        yield replace(deep, hits=tuple(hit for hit in deep.hits if not tells(hit, known))[:SHOWN]), False


if __name__ == "__main__":
    main()
