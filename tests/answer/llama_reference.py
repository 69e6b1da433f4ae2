"""The llama architecture in plain numpy, for tiny models in float32: an independent opinion on what must come out.

Every token has a position of its own and a list of tokens that it sees, so that a prompt whose passages were read apart
can be written down as it is meant: keys are made from what a passage saw, and stand where the passage was put.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import gguf
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
_EPSILON, _BASE = 1e-6, 10_000.0


class Reference:
    """A model out of `tests.tiny_gguf`."""

    def __init__(self, path: Path) -> None:
        reader = gguf.GGUFReader(str(path))
        self.tensors = {tensor.name: np.array(tensor.data, np.float64) for tensor in reader.tensors}
        self.layers = sum(name.endswith("attn_q.weight") for name in self.tensors)
        self.head_dim = int(reader.fields["llama.rope.dimension_count"].parts[-1][0])

    def logits(
        self, tokens: Sequence[int], sees: NDArray[np.bool_], read_at: Sequence[int], at: Sequence[int]
    ) -> Array:
        """Logits behind the last token, [vocabulary]; token i sees the tokens j with `sees[i, j]`.

        A token is at position `read_at` while it is read, and at `at` for all that are read in place.
        """
        x = self.tensors["token_embd.weight"][list(tokens)]
        in_place = np.array(read_at) == np.array(at)
        for layer in range(self.layers):
            block = f"blk.{layer}."
            x = x + self._attention(block, _norm(x), sees, np.array(read_at), np.array(at), in_place)
            y = _norm(x)
            gate, up = y @ self.tensors[block + "ffn_gate.weight"].T, y @ self.tensors[block + "ffn_up.weight"].T
            x = x + (gate / (1 + np.exp(-gate)) * up) @ self.tensors[block + "ffn_down.weight"].T
        return _norm(x)[-1] @ self.tensors["output.weight"].T

    def _attention(
        self, block: str, y: Array, sees: NDArray[np.bool_], read_at: NDArray[np.int64], at: NDArray[np.int64],
        in_place: NDArray[np.bool_],
    ) -> Array:  # fmt: skip
        size = self.head_dim
        q, k, v = (y @ self.tensors[f"{block}attn_{which}.weight"].T for which in "qkv")
        heads, shared = q.shape[1] // size, k.shape[1] // size
        out = np.zeros_like(q)
        for head in range(heads):
            here = slice(head * size, (head + 1) * size)
            there = slice((head * shared // heads) * size, (head * shared // heads + 1) * size)
            query = _turned(q[:, here], read_at)
            apart = query @ _turned(k[:, there], read_at).T
            placed = query @ _turned(k[:, there], at).T
            scores = np.where(in_place[:, None], placed, apart) / np.sqrt(size)
            scores = np.where(sees, scores, -np.inf)
            weights = np.exp(scores - scores.max(axis=1, keepdims=True))
            out[:, here] = weights / weights.sum(axis=1, keepdims=True) @ v[:, there]
        return out @ self.tensors[f"{block}attn_output.weight"].T


def _norm(x: Array) -> Array:
    return x / np.sqrt((x**2).mean(axis=1, keepdims=True) + _EPSILON)


def _turned(x: Array, positions: NDArray[np.int64]) -> Array:
    """Rotary positions on neighbouring pairs (Su et al., 2021), as llama.cpp has them for this architecture."""
    angles = positions[:, None] * _BASE ** (-np.arange(0, x.shape[1], 2) / x.shape[1])
    even, odd, out = x[:, 0::2], x[:, 1::2], np.empty_like(x)
    out[:, 0::2] = even * np.cos(angles) - odd * np.sin(angles)
    out[:, 1::2] = even * np.sin(angles) + odd * np.cos(angles)
    return out
