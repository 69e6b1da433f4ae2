"""Training examples of the evidence reader as flat arrays: small enough to travel, fast enough to feed a GPU.

A passage is its prefix (title and headings) and its units (sentences, items, rows) as token numbers; a question points
to the passage that answers it, to the answering units and, where known, to the answer's tokens. Knows no text source
and no model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

PREFIX_TOKENS = 24  # of title and headings
PASSAGE_TOKENS = 224  # prefix included; the product's passages are at most 200
QUESTION_TOKENS = 40
UNKNOWN = -1
EXPLICIT = 4  # hard negatives a question can name; others are mined

SOURCES = ("squad", "clapnq", "medquad", "text", "records", "bare", "cloze", "recurring")


@dataclass
class Pack:
    """Growing lists of passages and questions; `save` turns them into arrays.

    Passage: `tokens` with `units`, the unit number of each token (0: prefix). Question: `positive` passage or UNKNOWN,
    answering units `first_unit` to `last_unit` (1-based, inclusive; UNKNOWN: somewhere), answer tokens `start` to `end`
    (inclusive, in the passage; UNKNOWN: none), `negatives` that certainly do not answer, `source`.
    """

    tokenizer: Tokenizer
    tokens: list[NDArray[np.uint16]] = field(default_factory=list)
    units: list[NDArray[np.uint8]] = field(default_factory=list)
    passage_source: list[int] = field(default_factory=list)
    questions: list[NDArray[np.uint16]] = field(default_factory=list)
    rows: list[tuple[int, ...]] = field(default_factory=list)

    def passage(self, prefix: str, units: Sequence[str], source: str) -> int:
        """Add a passage, cut at a unit's border where it is too long; returns its number."""
        ids = self._encode(prefix)[:PREFIX_TOKENS]
        marks = [0] * len(ids)
        for number, encoding in enumerate(self.tokenizer.encode_batch_fast(list(units), add_special_tokens=False), 1):
            room = PASSAGE_TOKENS - len(ids)
            if number > 250 or room <= 0 or (len(encoding.ids) > room and number > 1):
                break
            ids = ids + encoding.ids[:room]
            marks += [number] * min(room, len(encoding.ids))
        self.tokens.append(np.asarray(ids, np.uint16))
        self.units.append(np.asarray(marks, np.uint8))
        self.passage_source.append(SOURCES.index(source))
        return len(self.tokens) - 1

    def holds_unit(self, passage: int, unit: int) -> bool:
        """Whether the unit was not cut off."""
        return bool(len(self.units[passage])) and int(self.units[passage][-1]) >= unit

    def span_in_unit(self, passage: int, unit_text: str, unit: int, start: int, end: int) -> tuple[int, int]:
        """Token numbers in the passage of the characters `[start, end)` of a unit's text; UNKNOWN twice: cut off."""
        where = np.flatnonzero(self.units[passage] == unit)
        offsets = self.tokenizer.encode(unit_text, add_special_tokens=False).offsets[: len(where)]
        inside = [i for i, (a, b) in enumerate(offsets) if a < end and b > start]
        if not inside or offsets[inside[-1]][1] < end:
            return UNKNOWN, UNKNOWN
        return int(where[inside[0]]), int(where[inside[-1]])

    def question(
        self,
        text: str,
        source: str,
        positive: int = UNKNOWN,
        units: tuple[int, int] = (UNKNOWN, UNKNOWN),
        span: tuple[int, int] = (UNKNOWN, UNKNOWN),
        negatives: Sequence[int] = (),
    ) -> None:
        """Add a question."""
        self.questions.append(np.asarray(self._encode(text)[:QUESTION_TOKENS], np.uint16))
        named = [*negatives[:EXPLICIT], *[UNKNOWN] * (EXPLICIT - len(negatives))]
        self.rows.append((SOURCES.index(source), positive, *units, *span, *named))

    def save(self, path: Path) -> None:
        """Write everything as one uncompressed npz (compress it for travelling)."""
        np.savez(path, **self.arrays())

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Flat arrays and their offsets."""
        return {
            "tokens": np.concatenate(self.tokens),
            "units": np.concatenate(self.units),
            "passage_at": _offsets(self.tokens),
            "passage_source": np.asarray(self.passage_source, np.uint8),
            "questions": np.concatenate(self.questions),
            "question_at": _offsets(self.questions),
            "rows": np.asarray(self.rows, np.int32),
        }

    def _encode(self, text: str) -> list[int]:
        ids: list[int] = self.tokenizer.encode(text, add_special_tokens=False).ids
        return ids


def _offsets(pieces: Sequence[NDArray[Any]]) -> NDArray[np.int32]:
    return np.concatenate([[0], np.cumsum([len(piece) for piece in pieces])]).astype(np.int32)
