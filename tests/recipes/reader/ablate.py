"""The reader's design against others, each trained for the same time and measured on the same questions.

    python -m tests.recipes.reader.ablate PACKS.npz OUT.json --held-out HELD.npz --seconds 36 --groups 48 --teach 0

Variants: the reader as it is; trained on SQuAD alone; without evidence left out; a plain cross-encoder (passages only);
a tuned embedder (contrastive; Karpukhin et al. 2020), beside the untuned one.
"""

from __future__ import annotations

import argparse
import json
import time
from copy import copy

import numpy as np
import torch
from safetensors.torch import load_file
from torch.nn import functional

from ragedge.evaluation.measures import refused_at, separation
from tests.recipes.reader.batches import Shelf
from tests.recipes.reader.evaluate import EvaluationSet
from tests.recipes.reader.losses import Shares
from tests.recipes.reader.mining import mine, pool
from tests.recipes.reader.model import Body, body_state
from tests.recipes.reader.train import DEFAULT_PLAN, Trainer, parser_of

SQUAD_ALONE = [(1.0, {"squad": 1.0})]
TEMPERATURE = 0.05


def main() -> None:
    options = parser_of(__doc__).parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    shelf = Shelf(dict(np.load(options.packs)), device)
    held = EvaluationSet.load(options.held_out, device)
    body = _body(options, device)
    began = time.time()
    near = mine(shelf, body)
    print(f"mined in {time.time() - began:.1f} s", flush=True)
    results: dict[str, object] = {"embedder, untuned": _cosines(body, held)}
    for name, plan, shares, changes in (
        ("reader", DEFAULT_PLAN, Shares(), {}),
        ("SQuAD alone", SQUAD_ALONE, Shares(), {}),
        ("no evidence left out", DEFAULT_PLAN, Shares(), {"leave_out": 0.0, "replace": 0.0}),
        ("passages only", DEFAULT_PLAN, Shares(0, 1, 0), {}),
        ("higher rate", DEFAULT_PLAN, Shares(), {"rate": 2 * options.rate}),
    ):
        print(name, flush=True)
        own = copy(options)
        own.__dict__.update(changes, every=1e9)
        trainer = Trainer(shelf, options.weights, own, near)
        trainer.run(plan, shares, held)
        results[name] = trainer.log[-1]
    print("embedder, tuned", flush=True)
    _tune(body, shelf, near, options)
    results["embedder, tuned"] = _cosines(body, held)
    print(json.dumps(results["embedder, tuned"]))
    options.out.write_text(json.dumps(results, indent=1))


def _body(options: argparse.Namespace, device: torch.device) -> Body:
    body = Body(options.dropout)
    body.load_state_dict(body_state(load_file(options.weights)))
    return body.to(device)


def _tune(body: Body, shelf: Shelf, near: torch.Tensor, options: argparse.Namespace) -> None:
    """Questions nearer to their passage than to near ones and to those of the batch, for `options.seconds`."""
    body.train()
    body.words.weight.requires_grad_(False)
    optimizer = torch.optim.AdamW([p for p in body.parameters() if p.requires_grad], lr=options.rate / 4)
    pool_of = torch.nonzero((shelf.positive >= 0) & (shelf.source != 6))[:, 0]
    weights = torch.where(shelf.source[pool_of] == 0, 8.0, 1.0)
    nobody = torch.zeros(512, dtype=torch.long, device=shelf.device)
    started = time.time()
    while (done := (time.time() - started) / options.seconds) < 1:
        optimizer.param_groups[0]["lr"] = options.rate / 4 * min(1, 10 * done) * (1 - done)
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
