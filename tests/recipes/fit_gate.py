"""Fit the weights of the reader's score and of the gate, and print them for `answer/scoring.py` and `answer/gate.py`.

    python -m tests.recipes.fit_gate QUESTIONS.jsonl=INDEX[:even] [...] [--limit N] [--seed S]

Every question is asked of its index as the product asks. Reader: the units of the passages found, right where they lie
on the gold quote. Gate: right is an answerable question whose quote stands in the passages; wrong are unanswerable
questions and, for every answerable one, the same question with all passages taken out that hold its quote or answer:
what comes up instead is near the topic and cannot answer. Logistic regression by Newton's method, and a listwise fit.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ragedge import assemble
from ragedge.answer import reader
from ragedge.answer.gate import Thresholds, gate_features, missing_identifiers
from ragedge.answer.reader import read_evidence
from ragedge.answer.scoring import DEFAULT_WEIGHTS, EvidenceWeights, take_apart, unit_features
from ragedge.answer.units import units_of
from ragedge.config import load_config
from ragedge.contracts import Hit, PageSpan, Question, Retrieval
from ragedge.evaluate import place_finder
from ragedge.evaluation.goldens import GoldPlace, GoldQuestion, covered_share, draw_sample, read_questions
from ragedge.evaluation.measures import holds_answer, refused_at, separation

DEPTH = 24  # passages looked at; eight are left over when those with the answer are taken out
SHOWN = 8  # passages the product reads
OFF_TOPIC = 40  # questions of a case that are asked of the next one
KEPT = 0.9  # share of right questions that the answered threshold keeps
KEPT_UNSURE = 0.97  # share of right questions above the unsure threshold


@dataclass(frozen=True)
class Case:
    """One question with what was found for it, as found and with its passages taken out."""

    source: str
    gold: GoldQuestion
    places: tuple[GoldPlace, ...]
    found: Retrieval
    without: Retrieval | None


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
    options = parser.parse_args()
    boxes = [(name, *_open(name, options)) for name in options.cases]
    weights = _fit_reader(boxes)
    print("reader:", _as_code(weights))
    print("gate:", _as_code(_fit_gate(boxes, weights)))


def _open(name: str, options: argparse.Namespace) -> tuple[Any, Embed, list[Case]]:
    path, _, index = name.rpartition("=")
    index, _, half = index.partition(":")
    golds = read_questions(Path(path))[:: 2 if half == "even" else 1]
    box = assemble.open_box(replace(load_config(None), index=index))
    finder = place_finder(box.index)
    cases = []
    for gold in draw_sample(golds, options.limit, options.seed):
        places = tuple(finder.find(source) for source in gold.sources)
        if gold.is_answerable and not any(place.spans for place in places):
            continue
        deep = box.pipeline.retriever.retrieve(Question(gold.question, top_k=DEPTH))[0]
        found = replace(deep, hits=deep.hits[:SHOWN])
        rest = tuple(hit for hit in deep.hits if not _tells(hit, gold, places))[:SHOWN]
        cases.append(Case(name, gold, places, found, replace(deep, hits=rest) if gold.is_answerable else None))
    print(f"{name}: {len(cases)} questions", file=sys.stderr)
    return box, Remembering(box.embedder.embed_passages), cases


def _tells(hit: Hit, gold: GoldQuestion, places: Sequence[GoldPlace]) -> bool:
    """Whether a passage holds any of the gold quote, or the answer word for word."""
    touched = any(
        place.document_id == hit.chunk.document_id and any(covered_share(s, hit.chunk.spans) > 0 for s in place.spans)
        for place in places
    )
    return touched or bool(holds_answer(hit.chunk.text, [a for a in gold.answers if len(a) > 2]))


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
    shares = _equal_shares(groups)
    fitted = _listwise(rows, labels, shares)
    balance = np.concatenate(
        [s * np.where(y, 0.5 / y.sum(), 0.5 / (~y).sum()) for y, s in zip(labels, shares, strict=True)]
    )
    line = np.column_stack([np.concatenate(rows) @ fitted, np.ones(len(balance))])
    scale, bias = _logistic(line, np.concatenate(labels), balance, ridge=1e-6)
    for name in dict.fromkeys(groups):
        chosen = [(x, y) for x, y, g in zip(rows, labels, groups, strict=True) if g == name]
        print(f"{name}: first unit right in {_first_right(chosen, fitted):.3f} of {len(chosen)}", file=sys.stderr)
    fitted = fitted * scale
    fitted[-1] = bias
    return EvidenceWeights(*(round(float(value), 2) for value in fitted))


def _equal_shares(groups: Sequence[str]) -> NDArray[np.float64]:
    """A weight per row under which all groups weigh the same; the weights' sum is 1."""
    return np.array([1 / groups.count(group) for group in groups]) / len(set(groups))


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


def _first_right(cases: Sequence[tuple[NDArray[Any], NDArray[Any]]], weights: NDArray[np.float64]) -> float:
    return float(np.mean([y[int(np.argmax(x @ weights))] for x, y in cases]))


def _unit_rows(box: Any, embed: Embed, case: Case) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Features of all units of the passages found, every one embedded, and which lie on the gold quote."""
    units = [u for u in units_of(case.found, box.index.page) if u.kind != "heading"]
    if not units:
        return np.zeros((0, len(fields(EvidenceWeights)))), np.zeros(0, bool)
    asked = take_apart(case.gold.question, box.pipeline._rarity)
    features = unit_features(asked, units, case.found.hits)
    vector = box.pipeline.retriever.question_vector(case.found.search_text)
    reader._add_cosines(features, units, case.found.hits, embed, vector, DEFAULT_WEIGHTS)
    right = np.array([_is_gold(u.document_id, PageSpan(u.page, u.start, u.end), case.places) for u in units])
    return features, right


def _fit_gate(boxes: Sequence[Opened], weights: EvidenceWeights) -> Thresholds:
    rows, labels, groups = [], [], []
    for name, box, embed, retrieval, label in _gate_cases(boxes):
        if missing_identifiers(retrieval.search_text, retrieval.hits) or not retrieval.hits:
            continue  # decided by a rule of its own
        evidence = read_evidence(
            retrieval.search_text,
            retrieval,
            page_of=box.index.page,
            embed=embed,
            question_vector=box.pipeline.retriever.question_vector(retrieval.search_text),
            rarity=box.pipeline._rarity,
            weights=weights,
        )
        rows.append((*gate_features(retrieval, evidence), 1.0))
        labels.append(label)
        groups.append(name)
    x, y = np.array(rows), np.array(labels)
    shares = _equal_shares([f"{group} {label}" for group, label in zip(groups, y, strict=True)])
    fitted = _logistic(x, y, np.where(y, 0.5 / shares[y].sum(), 0.5 / shares[~y].sum()) * shares, ridge=1e-3)
    confidence = 1 / (1 + np.exp(-(x @ fitted)))
    for name in [*dict.fromkeys(groups), "all"]:
        chosen = np.array([g == name or name == "all" for g in groups])
        right_too = (chosen | (name == "off-topic")) & y
        yes, no = confidence[right_too].tolist(), confidence[chosen & ~y].tolist()
        columns = " ".join(f"{separation(x[right_too, i].tolist(), x[chosen & ~y, i].tolist()):.3f}" for i in range(3))
        print(
            f"{name}: {len(yes)} right, {len(no)} wrong, AUC {separation(yes, no):.3f} (alone: {columns}), "
            f"refused at 90 % {refused_at(yes, no):.3f}",
            file=sys.stderr,
        )
    for kept in (0.98, KEPT_UNSURE, KEPT, 0.85, 0.8):
        bar = _share_above(confidence[y], shares[y], kept)
        print(f"{kept:.0%} of the right ones reach {bar:.2f}", file=sys.stderr)
        for group in dict.fromkeys(groups):
            here = np.array([g == group for g in groups])
            right, wrong = confidence[here & y] >= bar, confidence[here & ~y] < bar
            share = f"{right.mean():.3f} of the right above, " if len(right) else ""
            print(f"    {share}{wrong.mean():.3f} of the wrong below: {group}", file=sys.stderr)
    cosine, coverage, evidence_weight, bias = (round(float(value), 2) for value in fitted)
    return Thresholds(
        cosine=cosine,
        coverage=coverage,
        evidence=evidence_weight,
        bias=bias,
        answered=round(_share_above(confidence[y], shares[y], KEPT), 2),
        unsure=round(_share_above(confidence[y], shares[y], KEPT_UNSURE), 2),
    )


def _share_above(values: NDArray[np.float64], shares: NDArray[np.float64], kept: float) -> float:
    """The value that the share `kept` of the weight lies at or above."""
    order = np.argsort(values)
    below = np.cumsum(shares[order]) / shares.sum()
    return float(values[order][min(int(np.searchsorted(below, 1 - kept)), len(values) - 1)])


def _gate_cases(boxes: Sequence[Opened]) -> Iterator[tuple[str, Any, Embed, Retrieval, bool]]:
    """(name, box, embed, what was found, whether it answers), last the questions of each case asked of the next one."""
    for name, box, embed, cases in boxes:
        for case in cases:
            if not case.gold.is_answerable:
                yield name, box, embed, case.found, False
                continue
            if any(_tells(hit, case.gold, case.places) for hit in case.found.hits):
                yield name, box, embed, case.found, True
            if case.without is not None:
                yield name, box, embed, case.without, False
    for (_, _, _, cases), (_, box, embed, _) in zip(boxes, [*boxes[1:], boxes[0]], strict=True):
        for case in cases[:OFF_TOPIC] if len(boxes) > 1 else ():
            asked = Question(case.gold.question, top_k=SHOWN)
            yield "off-topic", box, embed, box.pipeline.retriever.retrieve(asked)[0], False


def _logistic(
    x: NDArray[np.float64], y: NDArray[np.bool_], weights: NDArray[np.float64], ridge: float
) -> NDArray[np.float64]:
    """Weighted logistic regression; the last column (the bias) is not shrunk."""
    theta = np.zeros(x.shape[1])
    shrink = ridge * weights.sum() * np.eye(x.shape[1])
    shrink[-1, -1] = 0
    for _ in range(50):
        p = 1 / (1 + np.exp(-(x @ theta)))
        gradient = x.T @ (weights * (p - y)) + shrink @ theta
        hessian = (x * (weights * p * (1 - p))[:, None]).T @ x + shrink + 1e-9 * np.eye(x.shape[1])
        step = np.linalg.solve(hessian, gradient)
        theta -= step
        if np.abs(step).max() < 1e-8:
            break
    return theta


def _as_code(record: Any) -> str:
    return ", ".join(f"{field.name}={getattr(record, field.name)}" for field in fields(record))


if __name__ == "__main__":
    random.seed(0)
    main()
