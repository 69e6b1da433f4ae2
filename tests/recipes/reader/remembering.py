"""An evidence reader that remembers what it read between runs: fits ask the same questions again and again."""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

from ragedge.contracts import EvidenceReader, UnitReading, WindowReading, WindowText
from ragedge.search.evidence_reader import packaged_reader

_SHAPE = tuple(field.name for field in fields(UnitReading))  # what was kept of other records is read again


def remembering_reader(memory: Path, index: str) -> RememberingReader:
    """The packaged reader with a memory of its own for one index, in the folder `memory`."""
    memory.mkdir(parents=True, exist_ok=True)
    reader = packaged_reader("packaged", None)
    assert reader is not None
    return RememberingReader(reader, memory / f"{index}.readings")


class RememberingReader:
    """The `EvidenceReader` Protocol over another one; `save` writes what is new to `path`."""

    def __init__(self, reader: EvidenceReader, path: Path) -> None:
        self._reader = reader
        self._path = path
        self._known: dict[bytes, WindowReading] = {}
        if path.exists():
            self._known = pickle.loads(path.read_bytes())  # a file of our own, from an earlier run of a recipe

    @property
    def sha256(self) -> str:
        """Of the model file."""
        return self._reader.sha256

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """As the reader counts."""
        return self._reader.count_tokens(texts)

    def read(self, question: str, windows: Sequence[WindowText]) -> list[WindowReading]:
        """As the reader reads; windows that it has seen with this question are not read again."""
        keys = [hashlib.sha256(repr((self.sha256, _SHAPE, question, w)).encode()).digest()[:12] for w in windows]
        new = [i for i, key in enumerate(keys) if key not in self._known]
        for i, reading in zip(new, self._reader.read(question, [windows[i] for i in new]), strict=True):
            self._known[keys[i]] = reading
        return [self._known[key] for key in keys]

    def save(self) -> None:
        """Write everything to the file, whole or not at all."""
        part = self._path.with_suffix(".part")
        part.write_bytes(pickle.dumps(self._known))
        part.replace(self._path)
