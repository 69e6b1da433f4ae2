"""How well a reader in training does on questions that it was not trained on, while it trains.

A held-out set is a pack with, per question, the passages that the product's own search found and the units of each that
lie on the gold quote. It is for watching and choosing; what is reported is measured with the exported file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ragedge.evaluation.measures import refused_at, separation
from ragedge.search.evidence_reader import SPAN_TOKENS
from tests.recipes.reader.batches import OFFSET, Shelf
from tests.recipes.reader.model import EvidenceReader


@dataclass
class EvaluationSet:
    """`passages` [n, k] (-1: none), `first`, `last` [n, k] gold units (0: none), `is_answerable` [n], `case` [n]."""

    shelf: Shelf
    passages: Tensor
    first: Tensor
    last: Tensor
    is_answerable: Tensor
    case: Tensor
    names: tuple[str, ...]

    @classmethod
    def load(cls, path: Path, device: torch.device) -> EvaluationSet:
        """Read what `prepare` wrote."""
        data = dict(np.load(path))
        tensors = {
            name: torch.from_numpy(data[f"eval_{name}"].astype(np.int64)).to(device)
            for name in ("passages", "first", "last", "is_answerable", "case")
        }
        return cls(Shelf(data, device), **tensors, names=tuple(str(name) for name in data["eval_names"]))


@torch.no_grad()
def measure(reader: EvidenceReader, held: EvaluationSet) -> dict[str, dict[str, float]]:
    """Per case: gold unit first / among two, and refused at 90 % with AUC by passage, by unit and by both."""
    count, k = held.passages.shape
    everything = torch.arange(count, device=held.passages.device).repeat_interleave(k)
    flat = held.passages.reshape(-1)
    passage, unit = [], []
    for questions, passages in zip(everything.split(512), flat.split(512), strict=True):
        with torch.autocast(held.passages.device.type, torch.bfloat16):
            reading = reader(*held.shelf.rows(questions, passages.clamp(min=0)))
        gone = passages < 0
        passage.append(reading.passage.masked_fill(gone, -20))
        unit.append(reading.unit.clamp(min=-20).masked_fill(gone[:, None], -20))
    passages_of = torch.cat(passage).view(count, k)
    units_of = torch.cat(unit).view(count, k, -1)
    number = torch.arange(1, units_of.shape[2] + 1, device=units_of.device)
    gold = (number >= held.first[..., None]) & (number <= held.last[..., None]) & (held.first > 0)[..., None]
    best = units_of.reshape(count, -1).topk(2, 1).indices
    right = gold.reshape(count, -1).gather(1, best)
    out: dict[str, dict[str, float]] = {}
    for number_of, name in enumerate(held.names):
        chosen = held.case == number_of
        told = chosen & (held.is_answerable == 1) & gold.reshape(count, -1).any(1)
        untold = chosen & (held.is_answerable == 0)
        row = {"n": int(told.sum()), "one": _mean(right[told, 0]), "two": _mean(right[told].any(1))}
        at = passages_of.argmax(1, keepdim=True)
        row["hit"] = _mean((held.first > 0).gather(1, at)[told, 0])
        scores = {"passage": passages_of.max(1).values, "unit": units_of.reshape(count, -1).max(1).values}
        scores["both"] = scores["passage"] + scores["unit"]
        for kind, values in scores.items():
            yes, no = values[told].tolist(), values[untold].tolist()
            row[f"{kind}_auc"] = round(separation(yes, no) or 0, 3)
            row[f"{kind}_90"] = round(refused_at(yes, no) or 0, 3)
        out[name] = row
    return out


@torch.no_grad()
def measure_given(reader: EvidenceReader, given: Shelf) -> dict[str, float]:
    """Questions with the paragraph they were asked of: F1 and exact match in tokens, the sentence, refused at 90 %.

    Spans lie inside a sentence and are at most `SPAN_TOKENS` long, as the product reads them.
    """
    questions = torch.arange(len(given.source), device=given.device)
    told = given.positive >= 0
    passages = torch.where(told, given.positive, given.named[:, 0])
    parts = [_read_given(reader, given, q, p) for q, p in zip(questions.split(256), passages.split(256), strict=True)]
    start, end, sentence, both = (torch.cat(column) for column in zip(*parts, strict=True))
    first, last = given.start + OFFSET, given.end + OFFSET
    shared = (torch.minimum(end, last) - torch.maximum(start, first) + 1).clamp(min=0)
    f1 = 2 * shared / ((end - start + 1) + (last - first + 1))
    yes, no = both[told].tolist(), both[~told].tolist()
    return {
        "n": int(told.sum()),
        "f1": _mean(f1[told]),
        "exact": _mean(((start == first) & (end == last))[told]),
        "sentence": _mean((sentence == given.first)[told]),
        "both_90": round(refused_at(yes, no) or 0, 3),
        "both_auc": round(separation(yes, no) or 0, 3),
    }


def _read_given(
    reader: EvidenceReader, given: Shelf, questions: Tensor, passages: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Start and end of the best span (places in the row), the best unit (from 1), its log-odds with the passage's."""
    ids, mask, units = given.rows(questions, passages)
    with torch.autocast(given.device.type, torch.bfloat16):
        reading = reader(ids, mask, units)
    same = units[:, :, None] == units[:, None, :]
    order = torch.arange(units.shape[1], device=units.device)
    length = order[None, :] - order[:, None]
    allowed = same & (units > 0)[:, :, None] & (length >= 0) & (length < SPAN_TOKENS)
    sums = (reading.start[:, :, None] + reading.end[:, None, :]).masked_fill(~allowed, float("-inf"))
    best = sums.flatten(1).argmax(1)
    return (
        best // units.shape[1],
        best % units.shape[1],
        reading.unit.argmax(1) + 1,
        reading.passage + reading.unit.amax(1),
    )


@dataclass
class Evaluation:
    """Both sets of questions; None: not watched."""

    held: EvaluationSet | None
    given: Shelf | None

    @classmethod
    def load(cls, held: Path | None, given: Path | None, device: torch.device) -> Evaluation:
        """Read what `held_out` and `prepare` wrote."""
        return cls(
            EvaluationSet.load(held, device) if held else None,
            Shelf(dict(np.load(given)), device) if given else None,
        )

    def of(self, reader: EvidenceReader) -> dict[str, Any]:
        """`cases` as of `measure`, `given` as of `measure_given`."""
        out: dict[str, Any] = {}
        if self.held is not None:
            out["cases"] = measure(reader, self.held)
        if self.given is not None:
            out["given"] = measure_given(reader, self.given)
        return out


class Best:
    """The best state so far, by what is measured on questions that were not trained on."""

    def __init__(self) -> None:
        self.score = float("-inf")
        self.state: dict[str, Tensor] | None = None

    def offer(
        self,
        cases: Mapping[str, Mapping[str, float]],
        state: Mapping[str, Tensor],
        given: Mapping[str, float] | None = None,
    ) -> float:
        """Keep a copy of `state` if it is better: gold unit first and among two, AUC and refusals, per question;
        with `given`, also F1, exact match, the sentence and refusals there.
        """
        asked = sum(case["n"] for case in cases.values())
        kinds = ("one", "two", "both_auc", "both_90")
        score = sum(case["n"] * sum(case[kind] for kind in kinds) for case in cases.values()) / max(asked, 1)
        score += sum((given or {}).get(kind, 0.0) for kind in ("f1", "exact", "sentence", "both_90"))
        if score > self.score:
            self.score = score
            self.state = {name: value.detach().clone() for name, value in state.items()}
        return round(score, 4)


def _mean(values: Tensor) -> float:
    return round(float(values.float().mean()), 3) if len(values) else 0.0
