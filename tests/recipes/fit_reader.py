"""Fit the weights of the reader's score, and print them for `answer/scoring.py`.

    python -m tests.recipes.fit_reader --memory FOLDER QUESTIONS=INDEX[:even|:held-out] [...] [--config FILE] [--off]

With `--off` for the score without the evidence model (`DEFAULT_WEIGHTS`), else for the one with it (`READ_WEIGHTS`).

Every question is asked of its index as the product asks; right are the units of the passages found that lie on the
gold quote. A listwise fit for the order, then logistic regression for the scale. The gate is `fit_gate.py`'s.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ragedge import assemble
from ragedge.answer import reader
from ragedge.answer.scoring import DEFAULT_WEIGHTS, READ_WEIGHTS, EvidenceWeights
from ragedge.calibration.fit import equal_shares, logistic
from ragedge.config import load_config
from ragedge.contracts import PageSpan, Question, Retrieval
from ragedge.evaluate import place_finder
from ragedge.evaluation.goldens import GoldPlace, GoldQuestion, draw_sample, read_questions
from tests.recipes.reader.remembering import RememberingReader, remembering_reader
from tests.recipes.reader.sources import of_held_out

SHOWN = 8  # passages the product reads


@dataclass(frozen=True)
class Case:
    """One question with what was found for it."""

    source: str
    gold: GoldQuestion
    places: tuple[GoldPlace, ...]
    found: Retrieval


Embed = Callable[[Sequence[str]], NDArray[np.float32]]
Opened = tuple[str, Any, Embed, list[Case]]


class Remembering:
    """Embeds each text once: a question's units are read with and without its passages."""

    def __init__(self, embed: Embed) -> None:
        self._embed = embed
        self._known: dict[str, NDArray[np.float32]] = {}

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        missing = [text for text in dict.fromkeys(texts) if text not in self._known]
        self._known.update(zip(missing, self._embed(missing), strict=True))
        return np.stack([self._known[text] for text in texts])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="+", metavar="QUESTIONS=INDEX[:even]", help=":even takes every second question")
    parser.add_argument("--limit", type=int, default=300, help="questions per case")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--config", type=Path, help="where the indexes are, and the embedder")
    parser.add_argument("--memory", type=Path, required=True, help="folder for what was read, between runs")
    parser.add_argument("--off", action="store_true", help="without the evidence model")
    options = parser.parse_args()
    boxes = [(name, *_open(name, options)) for name in options.cases]
    weights = _fit_reader(boxes)
    print("reader:", _as_code(weights))


def _open(name: str, options: argparse.Namespace) -> tuple[Any, Embed, list[Case]]:
    path, _, index = name.rpartition("=")
    index, _, half = index.partition(":")
    golds = read_questions(Path(path))
    golds = of_held_out(golds) if half == "held-out" else golds[:: 2 if half == "even" else 1]
    config = replace(load_config(options.config), index=index)
    config = replace(config, answer=replace(config.answer, evidence_model="off"))
    box = assemble.open_box(config)
    reading = None if options.off else remembering_reader(options.memory, index)
    pipeline = assemble.make_pipeline(config, box.index, box.embedder, None, evidence_reader=reading)
    box = replace(box, pipeline=pipeline)
    finder = place_finder(box.index)
    cases = []
    for gold in draw_sample(golds, options.limit, options.seed):
        places = tuple(finder.find(source) for source in gold.sources)
        if gold.is_answerable and not any(place.spans for place in places):
            continue
        deep = box.pipeline.retriever.retrieve(Question(gold.question, top_k=SHOWN))[0]
        cases.append(Case(name, gold, places, deep))
    print(f"{name}: {len(cases)} questions", file=sys.stderr)
    return box, Remembering(box.embedder.embed_passages), cases


def _is_gold(document_id: str, span: PageSpan, places: Sequence[GoldPlace]) -> bool:
    for place in places:
        for gold in place.spans if place.document_id == document_id else ():
            shared = min(gold.end, span.end) - max(gold.start, span.start)
            if gold.page == span.page and shared * 2 >= min(gold.end - gold.start, span.end - span.start) > 0:
                return True
    return False


def _fit_reader(boxes: Sequence[Opened]) -> EvidenceWeights:
    rows, labels, groups = [], [], []
    for name, box, embed, cases in boxes:
        for case in cases:
            if not case.gold.is_answerable or "quote:paragraph" in case.gold.tags:
                continue
            features, right = _unit_rows(box, embed, case)
            if right.any() and not right.all():
                rows.append(features)
                labels.append(right)
                groups.append(name)
    for _, box, _, _ in boxes:
        if isinstance(box.pipeline.weigher.reader, RememberingReader):
            box.pipeline.weigher.reader.save()
    shares = equal_shares(groups)
    fitted = _listwise(rows, labels, shares)
    balance = np.concatenate(
        [s * np.where(y, 0.5 / y.sum(), 0.5 / (~y).sum()) for y, s in zip(labels, shares, strict=True)]
    )
    line = (np.concatenate(rows) @ fitted)[:, None]
    scale, bias = logistic(line, np.concatenate(labels), balance, ridge=1e-6)
    for name in dict.fromkeys(groups):
        chosen = [(x, y) for x, y, g in zip(rows, labels, groups, strict=True) if g == name]
        one, two = _first_right(chosen, fitted, 1), _first_right(chosen, fitted, 2)
        print(f"{name}: right unit first in {one:.3f}, among two in {two:.3f} of {len(chosen)}", file=sys.stderr)
    fitted = fitted * scale
    fitted[-1] = bias
    return EvidenceWeights(*(round(float(value), 2) for value in fitted))


def _listwise(
    rows: Sequence[NDArray[np.float64]], labels: Sequence[NDArray[np.bool_]], shares: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Weights under which a right unit has the largest share of a softmax over its question's units (Cao et al. 2007).

    Better than one logistic regression over all units: only the order within a question matters. The bias stays 0.
    """
    weights = np.zeros(rows[0].shape[1])
    mean_square = np.zeros_like(weights)
    momentum = np.zeros_like(weights)
    for step in range(1, 401):
        gradient = 1e-3 * weights
        for x, y, part in zip(rows, labels, shares, strict=True):
            share = np.exp(x @ weights - (x @ weights).max())
            share /= share.sum()
            wanted = share * y / (share[y].sum() + 1e-12)
            gradient += part * (x.T @ (share - wanted))
        momentum = 0.9 * momentum + 0.1 * gradient
        mean_square = 0.99 * mean_square + 0.01 * gradient**2
        rate = 0.05 / (np.sqrt(mean_square / (1 - 0.99**step)) + 1e-8)
        weights = weights - rate * momentum / (1 - 0.9**step)
    return weights


def _first_right(cases: Sequence[tuple[NDArray[Any], NDArray[Any]]], weights: NDArray[np.float64], among: int) -> float:
    return float(np.mean([y[np.argsort(-(x @ weights), kind="stable")[:among]].any() for x, y in cases]))


def _unit_rows(box: Any, embed: Embed, case: Case) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Features of all units of the passages found, as the product has them, and which lie on the gold quote."""
    weigher = box.pipeline.weigher
    candidates = weigher.candidates(case.found)
    units, features = candidates.units, candidates.features.copy()
    if not units:
        return np.zeros((0, len(fields(EvidenceWeights)))), np.zeros(0, bool)
    readings = weigher.read(case.found, candidates)
    weights, most = DEFAULT_WEIGHTS, reader.MAX_EMBEDDED
    if readings is not None:
        reader.add_readings(features, units, readings)
        weights, most = READ_WEIGHTS, reader.MAX_EMBEDDED_READ
    vector = box.pipeline.retriever.question_vector(case.found.search_text)
    reader._add_cosines(features, units, case.found.hits, embed, vector, weights, most)
    right = np.array([_is_gold(u.document_id, PageSpan(u.page, u.start, u.end), case.places) for u in units])
    return features, right


def _as_code(record: Any) -> str:
    return ", ".join(f"{field.name}={getattr(record, field.name)}" for field in fields(record))


if __name__ == "__main__":
    random.seed(0)
    main()
