"""Small real GGUF models for tests, made in under a second: llama architecture, byte-level BPE trained on our own text.

`kind="random"`: weights so large that every token depends on the whole context, so that a mixed-up cache shows at
once. `kind="recite"`: the same, with an output layer that says `RECITED` and then ends its turn, whatever was asked.
Both are deterministic. "€" was not in the training text, so that it is three tokens. The vocabulary has ChatML's
special tokens as control tokens, and all 256 bytes.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from pathlib import Path
from typing import Literal

import gguf
import numpy as np

RECITED = "Zulauf prüfen: Pumpe fördert 水 und Öl, sobald Ventil öffnet €."
_TEXT = """
    The pump must be primed before the first start of the day. Close the drain valve and open the inlet valve. Tighten
    the four housing bolts crosswise. Replace the filter when the pressure drops. Answer the question from the
    sources, in the language of the question. Question: what is the pressure of the pump? Sources: page of the manual.
    system user assistant think answer only If the sources do not contain it, say so. Keep numbers and units exactly.
"""
_SPECIALS = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
_WIDTH, _LAYERS, _KV_HEADS, _HEAD_DIM = 128, 2, 2, 32
_MERGES = 400


def make_tiny_gguf(
    path: Path,
    kind: Literal["random", "recite"] = "random",
    *,
    context_tokens: int = 4096,
    seed: int = 7,
    tokenizer: Literal["bpe", "bytes", "none"] = "bpe",
    layers: int = _LAYERS,
    width: int = _WIDTH,
    template: str = "",
    architecture: Literal["llama", "cohere2", "qwen2vl"] = "llama",
) -> Path:
    """Write a model to `path`.

    With the tokenizer "bytes" it is of the SentencePiece kind, knows nothing but bytes, and wants a first token. With
    "none" it is a model that llama.cpp loads and then dies of. "cohere2" has sliding windows, "qwen2vl" positions of
    several numbers.
    """
    tokens, merges = _train(" ".join(_TEXT.split()) * 2 + RECITED.replace("€", "") * 40)
    tokens += _SPECIALS
    if tokenizer == "bytes":
        tokens = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    writer = gguf.GGUFWriter(str(path), architecture)
    writer.add_name("tiny")
    if template:
        writer.add_chat_template(template)
    _add_shape(writer, len(tokens), context_tokens, layers, width)
    if architecture == "cohere2":
        writer.add_sliding_window(64)
        writer.add_logit_scale(1.0)
        writer.add_layer_norm_eps(1e-5)
    elif architecture == "qwen2vl":
        writer.add_rope_dimension_sections([4, 6, 6, 0])
    if tokenizer == "bpe":
        _add_bpe(writer, tokens, merges)
    elif tokenizer == "bytes":
        _add_bytes(writer, tokens)
    else:
        writer.add_tokenizer_model("no_vocab")
    _add_weights(
        writer, tokens, merges, kind, np.random.default_rng(seed), layers, width, is_parallel=architecture == "cohere2"
    )
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _add_bpe(writer: gguf.GGUFWriter, tokens: list[str], merges: list[str]) -> None:
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types([1] * (len(tokens) - len(_SPECIALS)) + [3] * len(_SPECIALS))
    writer.add_token_merges(merges)
    writer.add_bos_token_id(tokens.index("<|endoftext|>"))
    writer.add_eos_token_id(tokens.index("<|im_end|>"))
    writer.add_add_bos_token(False)


def _add_bytes(writer: gguf.GGUFWriter, tokens: list[str]) -> None:
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores([0.0] * len(tokens))
    writer.add_token_types([2, 3, 3] + [6] * 256)
    writer.add_unk_token_id(0)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)


def _add_shape(writer: gguf.GGUFWriter, tokens: int, context_tokens: int, layers: int, width: int) -> None:
    writer.add_context_length(context_tokens)
    writer.add_embedding_length(width)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(2 * width)
    writer.add_head_count(width // _HEAD_DIM)
    writer.add_head_count_kv(_KV_HEADS)
    writer.add_rope_dimension_count(_HEAD_DIM)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_vocab_size(tokens)
    writer.add_file_type(0)


def _add_weights(
    writer: gguf.GGUFWriter,
    tokens: list[str],
    merges: list[str],
    kind: str,
    rng: np.random.Generator,
    layers: int,
    width: int,
    *,
    is_parallel: bool,
) -> None:
    def weights(rows: int, columns: int, scale: float = 1.0) -> np.ndarray:
        return (rng.standard_normal((rows, columns), dtype=np.float32) * scale / np.sqrt(columns)).astype(np.float32)

    branch = 1.5 if kind == "random" else 0.05  # how much attention and feed-forward add to the token's own vector
    embedding = weights(len(tokens), width, np.sqrt(width))
    writer.add_tensor("token_embd.weight", embedding)
    writer.add_tensor("output_norm.weight", np.ones(width, np.float32))
    output = weights(len(tokens), width)
    if kind == "recite":
        line = ["Ċ", *_encode(RECITED, merges), "<|im_end|>"]
        if len(set(line)) != len(line):
            raise AssertionError(f"a token stands twice in the recited text: {line}")
        for token, following in itertools.pairwise(line):
            output[tokens.index(following)] += embedding[tokens.index(token)]
    else:
        output[len(tokens) - len(_SPECIALS) :] = 0.0  # never the best choice: runs until it is stopped
    if not is_parallel:  # it has no output layer of its own, and one norm per layer for both branches
        writer.add_tensor("output.weight", output)
    inner = _KV_HEADS * _HEAD_DIM
    for i in range(layers):
        block = f"blk.{i}."
        writer.add_tensor(block + "attn_norm.weight", np.ones(width, np.float32))
        if not is_parallel:
            writer.add_tensor(block + "ffn_norm.weight", np.ones(width, np.float32))
        writer.add_tensor(block + "attn_q.weight", weights(width, width, 2.0))
        writer.add_tensor(block + "attn_k.weight", weights(inner, width, 2.0))
        writer.add_tensor(block + "attn_v.weight", weights(inner, width))
        writer.add_tensor(block + "attn_output.weight", weights(width, width, branch))
        writer.add_tensor(block + "ffn_gate.weight", weights(2 * width, width))
        writer.add_tensor(block + "ffn_up.weight", weights(2 * width, width))
        writer.add_tensor(block + "ffn_down.weight", weights(width, 2 * width, branch))


# ------------------------------------------------------------------------------------------------- byte-level BPE


def _byte_letters() -> list[str]:
    """One printable letter per byte, as GPT-2's tokenizer has them (Radford et al., 2019)."""
    printable = {*range(33, 127), *range(161, 173), *range(174, 256)}
    letters, spare = [], 256
    for byte in range(256):
        letters.append(chr(byte if byte in printable else spare))
        spare += byte not in printable
    return letters


_LETTERS = _byte_letters()


def _words(text: str) -> list[str]:
    """Words with their leading blank, as letters of bytes; close enough to GPT-2's pattern for plain text."""
    found = re.findall(r" ?[^\W\d_]+| ?\d+| ?(?:[^\s\w]|_)+|\s+", text)
    return ["".join(_LETTERS[byte] for byte in word.encode()) for word in found]


def _merge(word: list[str], pair: tuple[str, str]) -> list[str]:
    merged: list[str] = []
    for letter in word:
        if merged and (merged[-1], letter) == pair:
            merged[-1] += letter
        else:
            merged.append(letter)
    return merged


def _train(text: str) -> tuple[list[str], list[str]]:
    """Tokens and merges by counting pairs (Sennrich et al., 2016); ties break by the pair itself."""
    counts = Counter(_words(text))
    words = {word: list(word) for word in counts}
    tokens, merges = list(_LETTERS), []
    for _ in range(_MERGES):
        pairs: Counter[tuple[str, str]] = Counter()
        for word, letters in words.items():
            for pair in itertools.pairwise(letters):
                pairs[pair] += counts[word]
        if not pairs:
            break
        best = max(pairs, key=lambda pair: (pairs[pair], pair))
        words = {word: _merge(letters, best) for word, letters in words.items()}
        tokens.append("".join(best))
        merges.append(" ".join(best))
    return list(dict.fromkeys(tokens)), merges


def _encode(text: str, merges: list[str]) -> list[str]:
    encoded: list[str] = []
    for word in _words(text):
        letters = list(word)
        for merge in merges:
            first, second = merge.split(" ")
            letters = _merge(letters, (first, second))
        encoded.extend(letters)
    return encoded
