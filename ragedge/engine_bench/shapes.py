"""Models of random weights in the real shapes of public ones, made on the spot: for speed, never for sense.

A shape and a quantization -> a GGUF file in a folder, made once and reused. Each has a vocabulary of the real size, of
which 2,048 are made-up words, so that a text has exactly as many tokens as words; and an output layer that goes from
each word to a fixed next one, so that what it writes is known and can stand in a passage (or not). Such an output layer
needs weights of its own, where the real models share them with the embedding: as many are read per token, the file is
larger by that. Knows nothing of measuring.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import gguf
import numpy as np
from numpy.typing import NDArray

WORDS = 2048
"""Words of the vocabulary; the rest of it is filler that no text can spell."""

SAID = 512
"""Of them, those the model says, one after the other, whatever it is asked; then it begins anew."""

QUANTIZATIONS = ("Q4_0", "Q4_K_M")
_SPECIALS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
_BLOCK = 1 << 22  # random numbers drawn per model; taken again from another place for every tensor: speed is the same
_BRANCH = 0.1  # how much attention and feed-forward add to a token's own vector: little, so that the next word is clear
_VERSION = 1  # grows when a file would have other bytes


@dataclass(frozen=True, slots=True)
class Shape:
    """Sizes of a model; `vocabulary` in tokens, the rest in numbers of values or layers."""

    name: str
    architecture: str
    width: int
    layers: int
    heads: int
    key_heads: int
    head_width: int
    inner: int
    vocabulary: int
    has_biases: bool = False

    @property
    def weights_read(self) -> int:
        """Weights that one written token needs: all but the embedding, of which it needs a row."""
        return self.vocabulary * self.width + self.layers * self.weights_of_layer

    @property
    def weights_of_layer(self) -> int:
        """Weights of one layer's matrices."""
        attention = 2 * self.heads * self.head_width * self.width + 2 * self.key_heads * self.head_width * self.width
        return attention + 3 * self.inner * self.width


SHAPES = {
    shape.name: shape
    for shape in (
        Shape("qwen2.5-0.5b", "qwen2", 896, 24, 14, 2, 64, 4864, 151_936, True),
        Shape("llama-3.2-1b", "llama", 2048, 16, 32, 8, 64, 8192, 128_256),
        Shape("tiny", "llama", 256, 2, 4, 2, 64, 512, 4096),
    )
}
"""The shapes as published with each model (their config.json); "tiny" is for trying the command out."""


def words() -> list[str]:
    """The made-up words, each beginning with a blank; the first `SAID` of them are what the models say."""
    parts = ("ba", "ke", "li", "mo", "nu", "ra", "se", "ti", "vo", "da", "fe", "gi", "po", "zu", "ha", "ju")
    return [f" {a}{b}{c}n" for a in parts for b in parts for c in parts[: WORDS // len(parts) ** 2]]


def file_of(folder: Path, shape: Shape, quantization: str) -> Path:
    """Where the model of a shape and a quantization lies in `folder`."""
    return folder / f"random-{shape.name}-{quantization}-v{_VERSION}.gguf"


def make(
    folder: Path, shape: Shape, quantizations: tuple[str, ...], quantize: Callable[[Path, Path, str], None]
) -> int:
    """Make what is not there yet; how many files were made. `quantize` (from, to, name) writes the quantized file.

    A file has its name only once it is whole. The 16-bit file in between takes up to 3 GB and is removed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    missing = [name for name in quantizations if not file_of(folder, shape, name).is_file()]
    if not missing:
        return 0
    full = folder / f"{shape.name}.f16.part"
    try:
        _write(full, shape)
        for name in missing:
            target = file_of(folder, shape, name)
            part = target.with_suffix(".part")
            quantize(full, part, name)
            part.replace(target)
    finally:
        for left in (full, *folder.glob("*.part")):
            left.unlink(missing_ok=True)
    return len(missing)


def _write(path: Path, shape: Shape) -> None:
    writer = gguf.GGUFWriter(str(path), shape.architecture)
    writer.add_name(f"random {shape.name}")
    writer.add_context_length(8192)
    writer.add_embedding_length(shape.width)
    writer.add_block_count(shape.layers)
    writer.add_feed_forward_length(shape.inner)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.key_heads)
    writer.add_key_length(shape.head_width)
    writer.add_value_length(shape.head_width)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_freq_base(1e6)
    writer.add_rope_dimension_count(shape.head_width)
    writer.add_vocab_size(shape.vocabulary)
    writer.add_file_type(1)
    _add_vocabulary(writer, shape.vocabulary)
    for name, values in _tensors(shape):
        writer.add_tensor(name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _add_vocabulary(writer: gguf.GGUFWriter, size: int) -> None:
    """256 bytes, the words (found as wholes in any text), three special tokens, filler."""
    known = [*_byte_letters(), *words(), *_SPECIALS]
    filler = [f"{chr(0x4E00)}{number}" for number in range(size - len(known))]
    kinds = [1] * 256 + [4] * WORDS + [3] * len(_SPECIALS) + [1] * len(filler)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list([*known, *filler])
    writer.add_token_types(kinds)
    writer.add_token_merges(["a b"])  # one, because a list must not be empty; no text of ours holds "a b" as one word
    writer.add_eos_token_id(256 + WORDS + 2)
    writer.add_bos_token_id(256 + WORDS)
    writer.add_add_bos_token(False)


def _byte_letters() -> list[str]:
    """One printable letter per byte, as GPT-2's tokenizer has them (Radford et al., 2019)."""
    printable = {*range(33, 127), *range(161, 173), *range(174, 256)}
    letters, spare = [], 256
    for byte in range(256):
        letters.append(chr(byte if byte in printable else spare))
        spare += byte not in printable
    return letters


def _tensors(shape: Shape) -> Iterator[tuple[str, NDArray[np.float16] | NDArray[np.float32]]]:
    block = np.random.default_rng(0).standard_normal(_BLOCK, dtype=np.float32)
    taken = 0

    def weights(rows: int, columns: int, scale: float) -> NDArray[np.float16]:
        nonlocal taken
        taken += 104_729  # a prime, so that no two tensors begin at the same place
        values = (np.roll(block, taken) * (scale / np.sqrt(columns))).astype(np.float16)
        return np.resize(values, (rows, columns))

    width, inner = shape.width, shape.inner
    embedding, output = _vocabulary_weights(shape)
    yield "token_embd.weight", embedding
    yield "output_norm.weight", np.ones(width, np.float32)
    yield "output.weight", output
    queries, keys = shape.heads * shape.head_width, shape.key_heads * shape.head_width
    for number in range(shape.layers):
        name = f"blk.{number}."
        yield name + "attn_norm.weight", np.ones(width, np.float32)
        yield name + "ffn_norm.weight", np.ones(width, np.float32)
        for part, rows in (("q", queries), ("k", keys), ("v", keys)):
            yield name + f"attn_{part}.weight", weights(rows, width, 1.0)
            if shape.has_biases:
                yield name + f"attn_{part}.bias", np.zeros(rows, np.float32)
        yield name + "attn_output.weight", weights(width, queries, _BRANCH)
        yield name + "ffn_gate.weight", weights(inner, width, 1.0)
        yield name + "ffn_up.weight", weights(inner, width, 1.0)
        yield name + "ffn_down.weight", weights(width, inner, _BRANCH)


def _vocabulary_weights(shape: Shape) -> tuple[NDArray[np.float16], NDArray[np.float16]]:
    """Embedding and output layer [vocabulary, width]: the row of each said word is the embedding of the one before."""
    draw = np.random.default_rng(1)
    embedding = draw.standard_normal((shape.vocabulary, shape.width), dtype=np.float32).astype(np.float16)
    output = np.roll(embedding, 7, axis=0) * np.float16(0.1)
    said = 256 + np.arange(SAID)
    output[said] = embedding[np.roll(said, 1)]
    output[said[0]] += embedding[_byte_letters().index("Ċ")]  # a prompt ends with a line break
    return embedding, output.astype(np.float16)


def bytes_per_token(path: Path) -> int:
    """Bytes of weights that are read to write one token: all tensors but the embedding."""
    tensors = gguf.GGUFReader(str(path)).tensors
    return int(sum(tensor.n_bytes for tensor in tensors if tensor.name != "token_embd.weight"))
