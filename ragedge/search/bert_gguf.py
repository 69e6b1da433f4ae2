"""A sentence-transformers folder of the BERT family to one GGUF file that llama.cpp runs.

Written tensor by tensor: never more than one of them is held in memory. The same folder gives the same bytes. The file
carries no vocabulary, because texts are always cut by the folder's own tokenizer; matrices are F16, see `gguf_file`,
which also keeps the version that has to grow when the bytes change. Loaded only when there is something to convert.
Tensor names: llama.cpp, gguf-py/gguf/constants.py.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gguf
import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from ragedge.errors import ModelCorrupt, ModelError

_LAYER = {
    "attn_q": "attention.self.query",
    "attn_k": "attention.self.key",
    "attn_v": "attention.self.value",
    "attn_output": "attention.output.dense",
    "ffn_up": "intermediate.dense",
    "ffn_down": "output.dense",
    "attn_output_norm": "attention.output.LayerNorm",
    "layer_output_norm": "output.LayerNorm",
}
_EMBEDDINGS = {
    "token_embd.weight": "embeddings.word_embeddings.weight",
    "position_embd.weight": "embeddings.position_embeddings.weight",
    "token_types.weight": "embeddings.token_type_embeddings.weight",
    "token_embd_norm.weight": "embeddings.LayerNorm.weight",
    "token_embd_norm.bias": "embeddings.LayerNorm.bias",
}
_ALWAYS_FLOAT = ("position_embd.weight", "token_types.weight")  # llama.cpp adds them as they are


def convert(folder: Path, target: Path) -> None:
    """Write the model in `folder` to `target`, which is overwritten; the caller syncs and renames it.

    Raises:
        ModelError: the model is of a kind that this converter does not know.
        ModelCorrupt: a file of the folder is not what it must be.
        OSError: the disk.
    """
    settings = _settings(folder)
    try:
        with safe_open(str(folder / "model.safetensors"), framework="numpy") as weights:
            _write(weights, settings, target)
    except (SafetensorError, KeyError, ValueError) as error:
        raise ModelCorrupt(
            f"the weights in '{folder}' are not those of its config.json: {error}", "install the model again"
        ) from error


def _settings(folder: Path) -> dict[str, Any]:
    """`config.json`, once it and the pooling are known to be ones that llama.cpp computes alike."""
    try:
        settings = json.loads((folder / "config.json").read_text("utf-8"))
        modules = [str(m["type"]).rsplit(".", 1)[-1] for m in json.loads((folder / "modules.json").read_text("utf-8"))]
        pooling = json.loads((folder / "1_Pooling" / "config.json").read_text("utf-8"))
        ways = [key for key, value in pooling.items() if key.startswith("pooling_mode_") and value is True]
        found = {
            "model_type": settings["model_type"],
            "hidden_act": settings["hidden_act"],
            "position_embedding_type": settings.get("position_embedding_type", "absolute"),
            "modules": modules[:2] + [m for m in modules[2:] if m != "Normalize"],
            "pooling": ways or [pooling.get("pooling_mode")],
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelCorrupt(f"the settings in '{folder}' cannot be read: {error}", "install the model again") from error
    wanted = {
        "model_type": "bert",
        "hidden_act": "gelu",
        "position_embedding_type": "absolute",
        "modules": ["Transformer", "Pooling"],
    }
    for key, value in wanted.items():
        if found[key] != value:
            raise _unknown(folder, key, found[key])
    if found["pooling"] not in (["pooling_mode_mean_tokens"], ["mean"]):
        raise _unknown(folder, "pooling", found["pooling"])
    return dict(settings)


def _unknown(folder: Path, key: str, value: object) -> ModelError:
    return ModelError(
        f"the embedder in '{folder}' has {key} {value!r}, which cannot be converted",
        'set [embedder] kind = "sentence-transformers"',
    )


def _write(weights: Any, settings: dict[str, Any], target: Path) -> None:
    writer = gguf.GGUFWriter(target, "bert")
    _describe(writer, settings)
    prefix = "" if "embeddings.word_embeddings.weight" in weights.keys() else "bert."  # noqa: SIM118  not a mapping
    tensors = [(ours, prefix + theirs) for ours, theirs in _tensors(int(settings["num_hidden_layers"]))]
    try:
        for ours, theirs in tensors:
            shape = weights.get_slice(theirs).get_shape()
            kind = np.dtype(_kind(ours, len(shape)))
            writer.add_tensor_info(ours, shape, kind, math.prod(shape) * kind.itemsize)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
        for ours, theirs in tensors:
            values: NDArray[Any] = weights.get_tensor(theirs)
            writer.write_tensor_data(np.ascontiguousarray(values, dtype=_kind(ours, values.ndim)))
    finally:
        writer.close()


def _describe(writer: gguf.GGUFWriter, settings: dict[str, Any]) -> None:
    writer.add_context_length(int(settings["max_position_embeddings"]))
    writer.add_embedding_length(int(settings["hidden_size"]))
    writer.add_feed_forward_length(int(settings["intermediate_size"]))
    writer.add_block_count(int(settings["num_hidden_layers"]))
    writer.add_head_count(int(settings["num_attention_heads"]))
    writer.add_layer_norm_eps(float(settings["layer_norm_eps"]))
    writer.add_causal_attention(False)
    writer.add_pooling_type(gguf.PoolingType.MEAN)
    writer.add_tokenizer_model("no_vocab")
    writer.add_vocab_size(int(settings["vocab_size"]))
    writer.add_token_type_count(int(settings["type_vocab_size"]))


def _tensors(layers: int) -> Iterator[tuple[str, str]]:
    """(name in the GGUF, name in the safetensors) of every tensor."""
    yield from _EMBEDDINGS.items()
    for layer in range(layers):
        for ours, theirs in _LAYER.items():
            for part in ("weight", "bias"):
                yield f"blk.{layer}.{ours}.{part}", f"encoder.layer.{layer}.{theirs}.{part}"


def _kind(name: str, dimensions: int) -> type[np.float16] | type[np.float32]:
    return np.float32 if dimensions < 2 or name in _ALWAYS_FLOAT else np.float16
