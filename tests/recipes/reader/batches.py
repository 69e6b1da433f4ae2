"""A pack on the GPU, and groups of one question with several passages cut out of it, all by indexing.

A row is [CLS] question [SEP] passage [SEP] in fixed places with a mask; positions follow the mask. Made on the fly: the
prefix is left out, the answering units are left out (the rest of the passage cannot answer), answering passages are
replaced by others, words of the question are dropped. Mining of near passages is the caller's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tests.recipes.reader.packing import EXPLICIT, PASSAGE_TOKENS, QUESTION_TOKENS

CLS, SEP = 101, 102
OFFSET = QUESTION_TOKENS + 2  # place of the first passage token in a row
END = OFFSET + PASSAGE_TOKENS
LENGTH = -(-(END + 1) // 16) * 16  # a multiple of 16, where attention with a mask is fast
_DROPPED = 0.12  # of the question's tokens, in every second question: nobody asks with just these words


class Group(NamedTuple):
    """g questions with k passages each, flattened to g*k rows.

    `passages` [g, k] as read; `ids`, `mask`, `units` [g*k, LENGTH]; `positive` [g, k]: the passage answers; `first`,
    `last` [g, k]: answering units (0: none known); `start`, `end` [g, k]: places of the answer in the row (0: none);
    `is_spanned` [g]: spans are taught.
    """

    passages: Tensor
    ids: Tensor
    mask: Tensor
    units: Tensor
    positive: Tensor
    first: Tensor
    last: Tensor
    start: Tensor
    end: Tensor
    is_spanned: Tensor


class Shelf:
    """A pack, padded, on a device."""

    def __init__(self, pack: Mapping[str, NDArray[Any]], device: torch.device) -> None:
        self.device = device
        self.tokens = _padded(pack["tokens"], pack["passage_at"], PASSAGE_TOKENS).to(device)
        self.units = _padded(pack["units"], pack["passage_at"], PASSAGE_TOKENS).to(device)
        self.passage_length = torch.from_numpy(np.diff(pack["passage_at"])).to(device)
        self.passage_source = torch.from_numpy(pack["passage_source"].astype(np.int64)).to(device)
        self.questions = _padded(pack["questions"], pack["question_at"], QUESTION_TOKENS).to(device)
        self.question_length = torch.from_numpy(np.diff(pack["question_at"])).to(device)
        rows = torch.from_numpy(pack["rows"].astype(np.int64)).to(device)
        self.source, self.positive = rows[:, 0], rows[:, 1]
        self.first, self.last, self.start, self.end = rows[:, 2:6].T
        self.named = rows[:, 6 : 6 + EXPLICIT]

    def rows(self, question: Tensor, passage: Tensor, *, keep: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """Token numbers, mask and units [n, LENGTH] of pairs; `keep` [n, PASSAGE_TOKENS] masks passage tokens."""
        n = len(question)
        ids = torch.zeros(n, LENGTH, dtype=torch.long, device=self.device)
        mask = torch.zeros(n, LENGTH, dtype=torch.bool, device=self.device)
        units = torch.zeros(n, LENGTH, dtype=torch.long, device=self.device)
        ids[:, 0], mask[:, 0] = CLS, True
        ids[:, 1 : 1 + QUESTION_TOKENS] = self.questions[question].long()
        mask[:, 1 : 1 + QUESTION_TOKENS] = _until(self.question_length[question], QUESTION_TOKENS)
        ids[:, 1 + QUESTION_TOKENS], mask[:, 1 + QUESTION_TOKENS] = SEP, True
        there = _until(self.passage_length[passage], PASSAGE_TOKENS)
        ids[:, OFFSET : OFFSET + PASSAGE_TOKENS] = self.tokens[passage].long()
        mask[:, OFFSET : OFFSET + PASSAGE_TOKENS] = there if keep is None else there & keep
        units[:, OFFSET : OFFSET + PASSAGE_TOKENS] = self.units[passage].long()
        ids[:, END], mask[:, END] = SEP, True
        return ids, mask, units

    def group(
        self,
        questions: Tensor,
        passages: Tensor,
        *,
        leave_out: float,
        no_prefix: float,
        replace: float,
        drop_units: float = 0.0,
    ) -> Group:
        """Groups for training; `passages` [g, k], the first of a question being its positive one or a negative.

        Args:
            leave_out: share of questions whose answering units are masked, where they are known.
            no_prefix: share of rows without their prefix.
            replace: share of questions whose answering passage is not among those asked (it becomes the second one).
            drop_units: share of the units that do not answer left out of every second row, so that no row comes twice.
        """
        g, k = passages.shape
        draw = lambda share, *shape: torch.rand(*shape, device=self.device) < share  # noqa: E731
        passages = passages.clone()
        swapped = draw(replace, g)
        passages[:, 0] = torch.where(swapped, passages[:, -1], passages[:, 0])
        right = self.positive[questions][:, None]
        positive = (passages == right) & (right >= 0)
        first, last = self.first[questions][:, None], self.last[questions][:, None]
        gone = draw(leave_out, g, 1) & (first > 0) & positive
        units = self.units[passages].long()
        answering = (units >= first[..., None]) & (units <= last[..., None]) & (units > 0)
        stays = positive[..., None] & (answering | (first <= 0)[..., None])
        keep = (self._kept_units(units, drop_units) | stays) & ~(gone[..., None] & answering)
        keep &= ~(draw(no_prefix, g, k)[..., None] & (units == 0))
        positive = positive & ~gone
        known = positive & (first > 0)
        spanned = positive & (self.start[questions][:, None] >= 0)
        ids, mask, marks = self.rows(questions.repeat_interleave(k), passages.reshape(-1), keep=keep.reshape(g * k, -1))
        asked = slice(1, 1 + QUESTION_TOKENS)
        dropped = draw(_DROPPED, g, QUESTION_TOKENS) & draw(0.5, g, 1)
        mask[:, asked] &= ~dropped.repeat_interleave(k, 0)
        zero = torch.zeros_like(first)
        place = lambda at: torch.where(spanned, at[questions][:, None] + OFFSET, zero)  # noqa: E731
        return Group(
            passages,
            ids,
            mask,
            marks,
            positive,
            torch.where(known, first, zero),
            torch.where(known, last, zero),
            place(self.start),
            place(self.end),
            torch.isin(self.source[questions], torch.tensor([0, 3, 4, 6, 7], device=self.device)),
        )

    def _kept_units(self, units: Tensor, share: float) -> Tensor:
        """[g, k, tokens] of `units`: whether a token's unit stays; the prefix always does."""
        g, k, _ = units.shape
        dropped = torch.rand(g, k, 256, device=self.device) < share
        dropped &= torch.rand(g, k, 1, device=self.device) < 0.5
        dropped[..., 0] = False
        return ~dropped.gather(2, units)


def _padded(flat: NDArray[Any], at: NDArray[Any], width: int) -> Tensor:
    lengths = np.diff(at)
    out = np.zeros((len(lengths), width), np.int16 if flat.dtype == np.uint16 else np.uint8)
    row = np.repeat(np.arange(len(lengths)), lengths)
    column = np.arange(len(flat)) - np.repeat(at[:-1], lengths)
    out[row, column] = flat.astype(out.dtype)  # token numbers stay under 30,522
    return torch.from_numpy(out)


def _until(lengths: Tensor, width: int) -> Tensor:
    return torch.arange(width, device=lengths.device)[None] < lengths[:, None]
