"""What the untrained body knows of a shelf: vectors of questions, passages, units; near passages that do not answer."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from tests.recipes.reader.batches import CLS, END, OFFSET, Shelf
from tests.recipes.reader.model import MAX_UNITS, Body
from tests.recipes.reader.packing import SOURCES

MINED = 24  # near passages kept per question
_UNIT_TOKENS = 96  # of a unit that the teacher reads


@torch.no_grad()
def shelf_vectors(shelf: Shelf, body: Body, batch: int = 512) -> tuple[Tensor, Tensor]:
    """Unit vectors of all questions and of all passages, half precision."""
    body.eval()
    nobody = torch.zeros(batch, dtype=torch.long, device=shelf.device)

    def pooled(questions: Tensor | None, passages: Tensor | None, count: int) -> Tensor:
        with torch.autocast(shelf.device.type, torch.bfloat16):
            return pool(shelf, body, questions, passages, nobody[:count]).half()

    passages = torch.arange(len(shelf.tokens), device=shelf.device).split(batch)
    questions = torch.arange(len(shelf.questions), device=shelf.device).split(batch)
    vectors = [torch.cat([pooled(part, None, len(part)) for part in questions])]
    vectors.append(torch.cat([pooled(None, part, len(part)) for part in passages]))
    body.train()
    return vectors[0], vectors[1]


@torch.no_grad()
def unit_vectors(shelf: Shelf, body: Body, batch: int = 2048) -> tuple[Tensor, Tensor]:
    """Vectors of all units, half precision [n, WIDTH], and the row of each passage's first unit [passages]."""
    body.eval()
    counts = shelf.units.long().amax(1).clamp(max=MAX_UNITS)
    first = counts.cumsum(0) - counts
    passage_of = torch.arange(len(counts), device=shelf.device).repeat_interleave(counts)
    number_of = torch.arange(len(passage_of), device=shelf.device) - first[passage_of] + 1
    vectors = []
    for passages, numbers in zip(passage_of.split(batch), number_of.split(batch), strict=True):
        inside = shelf.units[passages].long() == numbers[:, None]
        width = min(_UNIT_TOKENS, int(inside.sum(1).max()))
        index = (~inside).int().argsort(dim=1, stable=True)[:, :width]
        ids = functional.pad(shelf.tokens[passages].long().gather(1, index), (1, 0), value=CLS)
        mask = functional.pad(inside.gather(1, index), (1, 0), value=True)
        with torch.autocast(shelf.device.type, torch.bfloat16):
            states = body(ids, mask).float()
        mean = (states * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
        vectors.append(functional.normalize(mean, dim=1).half())
    body.train()
    return torch.cat(vectors), first


@torch.no_grad()
def mine(shelf: Shelf, body: Body) -> Tensor:
    """[questions, MINED] passages of the same source that are nearest by cosine and do not hold the answer."""
    asked_vectors, vectors = shelf_vectors(shelf, body)
    everything = torch.arange(len(vectors), device=shelf.device)
    asked = torch.arange(len(asked_vectors), device=shelf.device)
    near = torch.zeros(len(asked), MINED, dtype=torch.long, device=shelf.device)
    for source in range(len(SOURCES)):
        own = torch.nonzero(shelf.passage_source == source)[:, 0]
        for part in torch.nonzero(shelf.source == source)[:, 0].split(4096):
            among = own if len(own) > MINED else everything
            scores = (asked_vectors[part] @ vectors[among].T).float()
            scores[among[None] == shelf.positive[part][:, None]] = -2
            found = scores.topk(min(2 * MINED, len(among)), 1).indices
            near[part] = _without_answer(shelf, part, among[found])
    return near


def pool(shelf: Shelf, body: Body, questions: Tensor | None, passages: Tensor | None, nobody: Tensor) -> Tensor:
    """Unit vectors [n, WIDTH] of questions or of passages alone, as the embedder makes them."""
    ids, mask, _ = shelf.rows(nobody if questions is None else questions, nobody if passages is None else passages)
    side = slice(1, OFFSET - 1) if passages is None else slice(OFFSET, END)
    parts = (slice(0, 1), side, slice(END, END + 1))
    ids, mask = (torch.cat([x[:, part] for part in parts], 1) for x in (ids, mask))
    states = body(ids, mask).float()
    mean = (states * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
    return functional.normalize(mean, dim=1)


def _without_answer(shelf: Shelf, questions: Tensor, found: Tensor) -> Tensor:
    """The first MINED of `found` [n, m] that do not hold the answer's tokens; what is short is filled with others."""
    start, end = shelf.start[questions], shelf.end[questions]
    length = (end - start + 1).clamp(max=8)
    holds = torch.zeros_like(found, dtype=torch.bool)
    for size in range(1, 9):
        chosen = torch.nonzero((start >= 0) & (length == size))[:, 0]
        for part in chosen.split(256):
            at = start[part][:, None] + torch.arange(size, device=shelf.device)
            answer = shelf.tokens[shelf.positive[questions[part]]].gather(1, at)
            windows = shelf.tokens[found[part]].unfold(2, size, 1)
            holds[part] = (windows == answer[:, None, None]).all(3).any(2)
    order = holds.int().argsort(dim=1, stable=True)[:, :MINED]
    return found.gather(1, order)
