"""How well a reader in training does on questions that it was not trained on, while it trains.

A held-out set is a pack with, per question, the passages that the product's own search found and the units of each that
lie on the gold quote. It is for watching and choosing; what is reported is measured with the exported file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ragedge.evaluation.measures import refused_at, separation
from tests.recipes.reader.batches import Shelf
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


class Best:
    """The best state so far, by what is measured on questions that were not trained on."""

    def __init__(self) -> None:
        self.score = float("-inf")
        self.state: dict[str, Tensor] | None = None

    def offer(self, cases: Mapping[str, Mapping[str, float]], state: Mapping[str, Tensor]) -> float:
        """Keep a copy of `state` if it is better: gold unit first and among two, AUC and refusals, per question."""
        asked = sum(case["n"] for case in cases.values())
        kinds = ("one", "two", "both_auc", "both_90")
        score = sum(case["n"] * sum(case[kind] for kind in kinds) for case in cases.values()) / max(asked, 1)
        if score > self.score:
            self.score = score
            self.state = {name: value.detach().clone() for name, value in state.items()}
        return round(score, 4)


def _mean(values: Tensor) -> float:
    return round(float(values.float().mean()), 3) if len(values) else 0.0
