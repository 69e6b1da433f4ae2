"""The evidence reader in torch, for training: a BERT body with four small linear heads over its token states.

[CLS] question [SEP] prefix units [SEP] in; out, for a passage: `passage` (does it hold the answer), per unit `unit`
(does it answer; the mean over its tokens), per token `start` and `end`. Token types are all 0, positions run on over
left-out tokens, as llama.cpp computes it. Padding stands anywhere; a mask says what is there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

LAYERS, WIDTH, HEADS, INNER = 6, 384, 12, 1536  # MiniLM-L6
EPSILON = 1e-12
MAX_UNITS = 64  # units of one passage that get a score
CHUNKS = 3  # groups of rows of like length: half of a padded batch would be padding
HEAD_NAMES = ("passage", "unit", "start", "end")


class Reading(NamedTuple):
    """`passage` [n], `unit` [n, MAX_UNITS] (-inf: no such unit), `start` and `end` [n, tokens] (-inf: masked)."""

    passage: Tensor
    unit: Tensor
    start: Tensor
    end: Tensor


class Layer(nn.Module):
    """One transformer layer, normed after each part as BERT's."""

    def __init__(self, dropout: float) -> None:
        super().__init__()
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH)
        self.out = nn.Linear(WIDTH, WIDTH)
        self.out_norm = nn.LayerNorm(WIDTH, eps=EPSILON)
        self.up = nn.Linear(WIDTH, INNER)
        self.down = nn.Linear(INNER, WIDTH)
        self.down_norm = nn.LayerNorm(WIDTH, eps=EPSILON)
        self.dropout = dropout

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        n, length, _ = x.shape
        q, k, v = self.qkv(x).view(n, length, 3, HEADS, WIDTH // HEADS).permute(2, 0, 3, 1, 4)
        rate = self.dropout if self.training else 0.0
        mixed = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask, dropout_p=rate)
        mixed = self.out(mixed.transpose(1, 2).reshape(n, length, WIDTH))
        x = self.out_norm(x + functional.dropout(mixed, self.dropout, self.training))
        inner = self.down(functional.gelu(self.up(x)))
        return self.down_norm(x + functional.dropout(inner, self.dropout, self.training))


class Body(nn.Module):
    """Token numbers [n, length] and mask to states [n, length, WIDTH]."""

    def __init__(self, dropout: float = 0.1) -> None:
        super().__init__()
        self.words = nn.Embedding(30522, WIDTH)
        self.positions = nn.Embedding(512, WIDTH)
        self.kind = nn.Parameter(torch.zeros(WIDTH))
        self.norm = nn.LayerNorm(WIDTH, eps=EPSILON)
        self.layers = nn.ModuleList(Layer(dropout) for _ in range(LAYERS))
        self.dropout = dropout

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        places = (mask.long().cumsum(1) - 1).clamp(0, 511)
        x = self.norm(self.words(ids) + self.positions(places) + self.kind)
        x = functional.dropout(x, self.dropout, self.training)
        allowed = mask[:, None, None, :]
        for layer in self.layers:
            x = layer(x, allowed)
        return x


class EvidenceReader(nn.Module):
    """Body and heads."""

    def __init__(self, dropout: float = 0.1) -> None:
        super().__init__()
        self.body = Body(dropout)
        self.heads = nn.Linear(WIDTH, len(HEAD_NAMES))
        nn.init.normal_(self.heads.weight, std=0.02)
        nn.init.zeros_(self.heads.bias)

    def forward(self, ids: Tensor, mask: Tensor, units: Tensor) -> Reading:
        """`units` [n, length]: the unit number of each token; 0 for what is in none."""
        logits = self._logits(ids, mask)
        passage = logits[:, 0, 0]
        inside = (units > 0) & (units <= MAX_UNITS) & mask
        slot = torch.where(inside, units, 0)
        flat = torch.zeros(len(ids), MAX_UNITS + 1, device=ids.device)
        total = flat.scatter_add(1, slot, logits[..., 1] * inside)[:, 1:]
        count = flat.scatter_add(1, slot, inside.float())[:, 1:]
        unit = torch.where(count > 0, total / count.clamp(min=1), float("-inf"))
        start = logits[..., 2].masked_fill(~inside, float("-inf"))
        end = logits[..., 3].masked_fill(~inside, float("-inf"))
        return Reading(passage, unit, start, end)

    def _logits(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Head values [n, length, 4] of all tokens, 0 for masked ones; rows of like length are computed together."""
        lengths = mask.sum(1)
        order = lengths.argsort()
        parts = []
        for chosen in order.chunk(CHUNKS):
            width = -(-int(lengths[chosen].max()) // 16) * 16
            index = (~mask[chosen]).int().argsort(dim=1, stable=True)[:, :width]
            there = mask[chosen].gather(1, index)
            values = self.heads(self.body(ids[chosen].gather(1, index), there)).float() * there[..., None]
            empty = torch.zeros(len(chosen), ids.shape[1], len(HEAD_NAMES), device=ids.device)
            parts.append(empty.scatter(1, index[..., None].expand(-1, -1, len(HEAD_NAMES)), values))
        return torch.cat(parts)[order.argsort()]


def body_state(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state of `Body` from the tensors of a BERT of this shape (`model.safetensors`)."""
    prefix = "" if "embeddings.word_embeddings.weight" in weights else "bert."
    get = lambda name: weights[prefix + name].float()  # noqa: E731
    state = {
        "words.weight": get("embeddings.word_embeddings.weight"),
        "positions.weight": get("embeddings.position_embeddings.weight"),
        "kind": get("embeddings.token_type_embeddings.weight")[0],
        "norm.weight": get("embeddings.LayerNorm.weight"),
        "norm.bias": get("embeddings.LayerNorm.bias"),
    }
    for i in range(LAYERS):
        theirs, ours = f"encoder.layer.{i}.", f"layers.{i}."
        for part in ("weight", "bias"):
            state[f"{ours}qkv.{part}"] = torch.cat(
                [get(f"{theirs}attention.self.{name}.{part}") for name in ("query", "key", "value")]
            )
            for mine, name in (
                ("out", "attention.output.dense"),
                ("out_norm", "attention.output.LayerNorm"),
                ("up", "intermediate.dense"),
                ("down", "output.dense"),
                ("down_norm", "output.LayerNorm"),
            ):
                state[f"{ours}{mine}.{part}"] = get(f"{theirs}{name}.{part}")
    return state


def blend(old: Mapping[str, Tensor], new: Mapping[str, Tensor], alpha: float) -> dict[str, Tensor]:
    """`alpha` of the new body and the rest of the old one; heads as trained."""
    return {n: v if n.startswith("heads") else old[n] + alpha * (v - old[n]) for n, v in new.items()}
