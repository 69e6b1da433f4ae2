"""The reader's design against others, each trained for the same time and measured on the same questions.

    python -m tests.recipes.reader.ablate PACKS.npz OUT.json --held-out HELD.npz --given GIVEN.npz --seconds 80

Variants: the reader as it is, with a part of the recipe left out or changed; a plain cross-encoder (passages only); a
tuned embedder (contrastive; Karpukhin et al. 2020), beside the untuned one.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch
from safetensors.torch import load_file
from torch.nn import functional

from ragedge.evaluation.measures import refused_at, separation
from tests.recipes.reader.batches import Shelf
from tests.recipes.reader.evaluate import Evaluation, EvaluationSet
from tests.recipes.reader.losses import Shares
from tests.recipes.reader.mining import pool
from tests.recipes.reader.model import Body, body_state
from tests.recipes.reader.train import BROAD, NARROW, Stage, Trainer, parser_of

TEMPERATURE = 0.05
RATE = 7e-5  # of the tuned embedder
BROAD_SHARE = 0.6  # of a variant's time


class Variant(NamedTuple):
    """Both stages (no broad one: all the time is the narrow one's), weights of the losses, options that differ."""

    broad: Stage | None = BROAD
    narrow: Stage = NARROW
    shares: Shares = Shares()
    changes: Mapping[str, float] = {}


_NO_RECURRING = {name: share for name, share in BROAD.mix.items() if name != "recurring"}
VARIANTS: dict[str, Variant] = {
    "reader": Variant(),
    "without recurring spans": Variant(BROAD._replace(name="broad without", mix=_NO_RECURRING)),
    "whole passages": Variant(changes={"drop_units": 0.0}),
    "half the weight of spans": Variant(shares=Shares(span=0.5)),
    "more SQuAD": Variant(narrow=NARROW._replace(mix={**{k: v / 2 for k, v in NARROW.mix.items()}, "squad": 0.75})),
    "no broad stage": Variant(None, NARROW._replace(rate=3e-4)),
    "SQuAD alone": Variant(None, NARROW._replace(mix={"squad": 1.0}, rate=3e-4)),
    "no evidence left out": Variant(changes={"leave_out": 0.0, "replace": 0.0}),
    "passages only": Variant(None, NARROW._replace(rate=3e-4), Shares(0, 1, 0)),
}


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--variants", default="", help="names with commas between; all by default")
    options = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    shelf = Shelf(dict(np.load(options.packs)), device)
    evaluation = Evaluation.load(options.held_out, options.given, device)
    began = time.time()
    trainer = Trainer(shelf, options.weights, options)
    print(f"mined in {time.time() - began:.1f} s", flush=True)
    untrained = dict(trainer.mean)
    starts = {"": untrained}
    for name, variant in VARIANTS.items():
        if options.variants and name not in options.variants.split(","):
            continue
        trainer.options = argparse.Namespace(**{**vars(options), **variant.changes})
        if variant.broad and variant.broad.name not in starts:
            trainer.restart(untrained, options.seed)
            starts[variant.broad.name] = trainer.run(variant.broad, BROAD_SHARE * options.seconds, Shares(), evaluation)
        trainer.restart(starts[variant.broad.name if variant.broad else ""], options.seed)
        seconds = (1 - BROAD_SHARE if variant.broad else 1) * options.seconds
        trainer.run(variant.narrow._replace(name=name), seconds, variant.shares, evaluation)
    if evaluation.held is not None and not options.variants:
        _embedders(shelf, evaluation.held, trainer.near, options)
    options.out.write_text(json.dumps(trainer.log, indent=1))


def _embedders(shelf: Shelf, held: EvaluationSet, near: torch.Tensor, options: argparse.Namespace) -> None:
    body = _body(options, shelf.device)
    print("embedder, untuned", json.dumps(_cosines(body, held)))
    _tune(body, shelf, near, options)
    print("embedder, tuned", json.dumps(_cosines(body, held)))


def _body(options: argparse.Namespace, device: torch.device) -> Body:
    body = Body(options.dropout)
    body.load_state_dict(body_state(load_file(options.weights)))
    return body.to(device)


def _tune(body: Body, shelf: Shelf, near: torch.Tensor, options: argparse.Namespace) -> None:
    """Questions nearer to their passage than to near ones and to those of the batch, for `options.seconds`."""
    body.train()
    body.words.weight.requires_grad_(False)
    optimizer = torch.optim.AdamW([p for p in body.parameters() if p.requires_grad], lr=RATE)
    pool_of = torch.nonzero((shelf.positive >= 0) & (shelf.source != 6))[:, 0]
    weights = torch.where(shelf.source[pool_of] == 0, 8.0, 1.0)
    nobody = torch.zeros(512, dtype=torch.long, device=shelf.device)
    started = time.time()
    while (done := (time.time() - started) / options.seconds) < 1:
        optimizer.param_groups[0]["lr"] = RATE * min(1, 10 * done) * (1 - done)
        chosen = pool_of[torch.multinomial(weights, 192, replacement=True)]
        hard = near[chosen, torch.randint(8, (192,), device=shelf.device)]
        with torch.autocast(shelf.device.type, torch.bfloat16):
            asked = pool(shelf, body, chosen, None, nobody[:192])
            there = pool(shelf, body, None, torch.cat([shelf.positive[chosen], hard]), nobody[:384])
        loss = functional.cross_entropy(asked @ there.T / TEMPERATURE, torch.arange(192, device=shelf.device))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()


@torch.no_grad()
def _cosines(body: Body, held: EvaluationSet) -> dict[str, dict[str, float]]:
    """Per case: best window right, refused at 90 % and AUC, by cosine of question and window."""
    body.eval()
    count, k = held.passages.shape
    device = held.passages.device
    nobody = torch.zeros(512, dtype=torch.long, device=device)
    asked = torch.cat(
        [pool(held.shelf, body, p, None, nobody[: len(p)]) for p in torch.arange(count, device=device).split(512)]
    )
    flat = held.passages.reshape(-1).clamp(min=0)
    there = torch.cat([pool(held.shelf, body, None, p, nobody[: len(p)]) for p in flat.split(512)])
    scores = (asked[:, None] * there.view(count, k, -1)).sum(-1).masked_fill(held.passages < 0, -1)
    out: dict[str, dict[str, float]] = {}
    for number, name in enumerate(held.names):
        chosen = held.case == number
        told = chosen & (held.is_answerable == 1) & (held.first > 0).any(1)
        yes, no = scores.max(1).values[told].tolist(), scores.max(1).values[chosen & (held.is_answerable == 0)].tolist()
        right = (held.first > 0).gather(1, scores.argmax(1, keepdim=True))[told].float().mean()
        out[name] = {
            "hit": round(float(right), 3),
            "passage_auc": round(separation(yes, no) or 0, 3),
            "passage_90": round(refused_at(yes, no) or 0, 3),
        }
    return out


if __name__ == "__main__":
    main()
