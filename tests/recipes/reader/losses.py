"""What the reader is taught, as one number per batch: units listwise with a null, passages, spans.

Units: a softmax over all units of a question's passages and a null of logit 0 (Clark & Gardner 2018 share one softmax
over paragraphs in the same way); where only the passage is known, its units share the target. Passages: one by one and
listwise. Spans: start and end per passage against a null of logit 0, as SQuAD 2.0.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from tests.recipes.reader.batches import Group
from tests.recipes.reader.model import MAX_UNITS, Reading


class Shares(NamedTuple):
    """Weights of the parts; 0 switches one off."""

    unit: float = 1.0
    passage: float = 0.5
    span: float = 1.0


def group_loss(reading: Reading, group: Group, shares: Shares) -> Tensor:
    """The mean loss of a batch of groups."""
    loss = torch.zeros((), device=group.ids.device)
    if shares.unit:
        loss = loss + shares.unit * _unit_loss(reading.unit, group)
    if shares.passage:
        loss = loss + shares.passage * _passage_loss(reading.passage, group)
    if shares.span:
        loss = loss + shares.span * (
            _span_loss(reading.start, group.start, group) + _span_loss(reading.end, group.end, group)
        )
    return loss


def _unit_loss(unit: Tensor, group: Group) -> Tensor:
    g, k = group.positive.shape
    logits = unit.view(g, k, MAX_UNITS)
    number = torch.arange(1, MAX_UNITS + 1, device=unit.device)
    inside = (number >= group.first[..., None]) & (number <= group.last[..., None])
    right = group.positive[..., None] & (inside | (group.first == 0)[..., None]) & torch.isfinite(logits)
    return _listwise(logits.reshape(g, -1), right.reshape(g, -1)).mean()


def _passage_loss(passage: Tensor, group: Group) -> Tensor:
    g, k = group.positive.shape
    logits = passage.view(g, k)
    alone = functional.binary_cross_entropy_with_logits(logits, group.positive.float(), reduction="none")
    balance = torch.where(group.positive, 2.0, 1.0)
    return (alone * balance).sum() / balance.sum() + 0.5 * _listwise(logits, group.positive).mean()


def _span_loss(logits: Tensor, place: Tensor, group: Group) -> Tensor:
    """Cross entropy of the answer's place; a passage that does not answer has the null; unknown places are skipped."""
    place, positive = place.reshape(-1), group.positive.reshape(-1)
    counts = group.is_spanned.repeat_interleave(group.positive.shape[1]) & (~positive | (place > 0))
    with_null = torch.cat([torch.zeros(len(logits), 1, device=logits.device), logits], 1)
    target = torch.where(positive & (place > 0), place + 1, 0)
    losses = functional.cross_entropy(with_null.clamp(min=-1e4), target, reduction="none")
    weight = counts.float() * torch.where(positive, 2.0, 0.5)
    return (losses * weight).sum() / weight.sum().clamp(min=1)


def _listwise(logits: Tensor, right: Tensor) -> Tensor:
    """-log of the share that the right ones have of a softmax with a null; the null is right where none is."""
    null = torch.zeros(len(logits), 1, device=logits.device)
    everything = torch.cat([null, logits], 1)
    is_right = torch.cat([~right.any(1, keepdim=True), right], 1)
    chosen = everything.masked_fill(~is_right, float("-inf"))
    return torch.logsumexp(everything, 1) - torch.logsumexp(chosen, 1)
