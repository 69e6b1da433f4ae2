"""The reader's state to an ONNX model of one row of tokens: weights in 8 bits, activations quantized as they come.

Written as it is to be run: ONNX Runtime's own fused operations (domain com.microsoft) where they are quicker than the
standard's. Before each product the channels of its input are divided by what the weights' rows are multiplied with
(SmoothQuant, Xiao et al. 2023): a few channels are 14 times the others, and one scale for all would drown those.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from tests.recipes.reader.model import EPSILON, HEAD_NAMES, HEADS, LAYERS, WIDTH

Array = NDArray[np.float32]
_FUSED = "com.microsoft"
_LARGEST = 127
_SMOOTHING = 0.8  # of the largest activations moved into the weights; 0.5 to 1.0 compared on training passages


class Graph:
    """Collects operations; each is named after its output. `largest` are the channels' largest values by product."""

    def __init__(self, largest: Mapping[str, Array] | None) -> None:
        self.largest = largest
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, name: str, values: NDArray[np.generic]) -> str:
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def add(self, operation: str, inputs: list[str], name: str, domain: str = "", **settings: object) -> str:
        self.nodes.append(helper.make_node(operation, inputs, [name], name=name, domain=domain, **settings))
        return name

    def smoothed(self, x: str, name: str, weight: Array) -> tuple[str, Array]:
        """`x` divided by channel, and `weight` [out, in] multiplied by the same."""
        if self.largest is None:
            return x, weight
        scale = np.maximum(self.largest[name], 1e-5) ** _SMOOTHING
        scale /= np.maximum(np.abs(weight).max(0), 1e-5) ** (1 - _SMOOTHING)
        scale /= np.exp(np.log(scale).mean())
        inverse = self.constant(f"{name}.inverse", (1 / scale).astype(np.float32))
        return self.add("Mul", [x, inverse], f"{name}.smoothed"), weight * scale.astype(np.float32)

    def product(self, x: str, name: str, weight: Array, bias: Array) -> str:
        """x times `weight` [out, in] transposed, plus `bias`; in 8 bits, unless nothing is known of the channels."""
        bias_name = self.constant(f"{name}.bias", bias)
        if self.largest is None:
            product = self.add("MatMul", [x, self.constant(f"{name}.weight", weight.T)], f"{name}.product")
            return self.add("Add", [product, bias_name], name)
        whole, scale = quantized(weight)
        inputs = [
            x,
            self.constant(f"{name}.weight", whole.T),
            self.constant(f"{name}.scale", scale),
            self.constant(f"{name}.zero", np.zeros(len(scale), np.int8)),
            bias_name,
        ]
        return self.add("DynamicQuantizeMatMul", inputs, name, _FUSED)

    def normed(self, x: str, name: str, state: Mapping[str, Array]) -> str:
        parts = [self.constant(f"{name}.{part}", state[f"{name}.{part}"]) for part in ("weight", "bias")]
        return self.add("LayerNormalization", [x, *parts], name, axis=-1, epsilon=EPSILON)


def quantized(weight: Array) -> tuple[NDArray[np.int8], Array]:
    """Rows as whole numbers of 8 bits, symmetric, and the scale of each."""
    scale = np.maximum(np.abs(weight).max(1), 1e-8) / _LARGEST
    return np.round(weight / scale[:, None]).astype(np.int8), scale.astype(np.float32)


def write_onnx(state: Mapping[str, Array], path: Path, largest: Mapping[str, Array] | None) -> None:
    """Write the model: "ids", int64 [1, tokens], to "values", float32 [1, tokens, 4].

    Args:
        state: of `EvidenceReader`, without "body." before the names.
        largest: per product ("layers.0.qkv") the largest absolute value of each input channel; None: no quantization.
    """
    graph = Graph(largest)
    x = _embedded(graph, state)
    for i in range(LAYERS):
        x = _layer(graph, x, f"layers.{i}", state)
    heads = graph.constant("heads.weight", state["heads.weight"].T)
    x = graph.add("MatMul", [x, heads], "heads.product")
    graph.add("Add", [x, graph.constant("heads.bias", state["heads.bias"])], "values")
    made = helper.make_graph(
        graph.nodes,
        "ragedge-reader",
        [helper.make_tensor_value_info("ids", TensorProto.INT64, [1, "tokens"])],
        [helper.make_tensor_value_info("values", TensorProto.FLOAT, [1, "tokens", len(HEAD_NAMES)])],
        graph.constants,
    )
    sets = [helper.make_opsetid("", 17), helper.make_opsetid(_FUSED, 1)]
    onnx.save(helper.make_model(made, opset_imports=sets, ir_version=8, producer_name="ragedge"), path)


def _embedded(graph: Graph, state: Mapping[str, Array]) -> str:
    words = state["words.weight"]
    if graph.largest is None:
        x = graph.add("Gather", [graph.constant("words", words), "ids"], "word", axis=0)
    else:
        whole, scale = quantized(words)
        rows = graph.add("Gather", [graph.constant("words", whole), "ids"], "word.whole", axis=0)
        scales = graph.add("Gather", [graph.constant("words.scale", scale[:, None]), "ids"], "word.scale", axis=0)
        x = graph.add("Mul", [graph.add("Cast", [rows], "word.float", to=TensorProto.FLOAT), scales], "word")
    length = graph.add("Shape", ["ids"], "length", start=1, end=2)
    zero = graph.constant("zero", np.zeros(1, np.int64))
    places = graph.constant("places", state["positions.weight"] + state["kind"])
    place = graph.add("Slice", [places, zero, length, zero], "place")
    return graph.normed(graph.add("Add", [x, place], "embedded"), "norm", state)


def _layer(graph: Graph, x: str, at: str, state: Mapping[str, Array]) -> str:
    def product(x: str, name: str) -> str:
        x, weight = graph.smoothed(x, f"{at}.{name}", state[f"{at}.{name}.weight"])
        return graph.product(x, f"{at}.{name}", weight, state[f"{at}.{name}.bias"])

    read, weight = graph.smoothed(x, f"{at}.qkv", state[f"{at}.qkv.weight"])
    bias = state[f"{at}.qkv.bias"]
    parts = [slice(start, start + WIDTH) for start in range(0, 3 * WIDTH, WIDTH)]
    qkv = [
        graph.product(read, f"{at}.{name}", weight[part], bias[part])
        for name, part in zip(("query", "key", "value"), parts, strict=True)
    ]
    mixed = graph.add("MultiHeadAttention", qkv, f"{at}.mixed", _FUSED, num_heads=HEADS)
    x = graph.add("Add", [x, product(mixed, "out")], f"{at}.out_sum")
    x = graph.normed(x, f"{at}.out_norm", state)
    inner = graph.add("Gelu", [product(x, "up")], f"{at}.inner", _FUSED)
    x = graph.add("Add", [x, product(inner, "down")], f"{at}.down_sum")
    return graph.normed(x, f"{at}.down_norm", state)


def read_onnx(path: Path) -> dict[str, Array]:
    """The state back from a file that `write_onnx` wrote: what it computes with, but for the activations' rounding."""
    values = {c.name: numpy_helper.to_array(c) for c in onnx.load(path).graph.initializer}
    is_whole = "words.scale" in values
    words = values["words"] * values["words.scale"] if is_whole else values["words"]
    state = {"words.weight": words, "positions.weight": values["places"], "kind": np.zeros(WIDTH, np.float32)}
    state |= {name: v for name, v in values.items() if "norm." in name or name == "heads.bias"}
    state["heads.weight"] = values["heads.weight"].T
    for i in range(LAYERS):
        at = f"layers.{i}"
        for name, inputs in {
            "query": "qkv",
            "key": "qkv",
            "value": "qkv",
            "out": "out",
            "up": "up",
            "down": "down",
        }.items():
            weight = values[f"{at}.{name}.weight"].T.astype(np.float32)
            if is_whole:
                weight = weight * values[f"{at}.{name}.scale"][:, None] * values[f"{at}.{inputs}.inverse"]
            state[f"{at}.{name}.weight"], state[f"{at}.{name}.bias"] = weight, values[f"{at}.{name}.bias"]
        for part in ("weight", "bias"):
            state[f"{at}.qkv.{part}"] = np.concatenate(
                [state.pop(f"{at}.{n}.{part}") for n in ("query", "key", "value")]
            )
    return state
