"""gate.json beside an index's manifest: the gate fitted to this very index, and what it was fitted on.

It is written whole or not at all, and used only while it fits: same embedder, same reader, and about as many passages
as when it was made. Otherwise the gate that ships decides, and one line says why. A damaged file is ignored likewise:
it can be made again by `ragedge index calibrate`.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ragedge.answer.gate import Thresholds
from ragedge.answer.signals import READER_ID
from ragedge.index.disk import write_whole
from ragedge.index.opening import GATE_NAME
from ragedge.index.view import IndexView

FORMAT_VERSION = 1
_MAX_BYTES = 1 << 20  # a gate has a few kilobytes
_MOST_CHANGED = 0.2  # of the passages; beyond it the questions it was fitted on are another corpus's
_MOST_WEIGHTS = 1_000
_AGAIN = "make it again: ragedge index calibrate"


@dataclass(frozen=True, slots=True)
class IndexGate:
    """A fitted gate with where it comes from.

    `curve`: (share of answerable questions answered, share of the others refused), measured on questions that the fit
    had not seen; `answerable` and `unanswerable` count them, `golden` those of people.
    """

    thresholds: Thresholds
    target: float
    answerable: int
    unanswerable: int
    golden: int
    curve: tuple[tuple[float, float], ...]
    chunks: int
    embedder_sha256: str
    reader_id: str
    made_at: str


def write_gate(folder: Path, gate: IndexGate) -> Path:
    """Put the gate beside the manifest; returns its path.

    Raises:
        DiskFull: there is no room; an older gate is then untouched.
        OSError: the folder cannot be written.
    """
    path = folder / GATE_NAME
    data = {"format": FORMAT_VERSION, **asdict(gate)}
    write_whole(path, (json.dumps(data, indent=2, sort_keys=True) + "\n").encode())
    return path


def read_gate(folder: Path) -> IndexGate | None:
    """The gate beside the manifest; None where there is none.

    Raises:
        ValueError: there is one that cannot be used, in plain words.
    """
    try:
        with (folder / GATE_NAME).open("rb") as file:
            raw = file.read(_MAX_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ValueError(f"it cannot be read: {error.strerror}") from error
    try:
        data = json.loads(raw) if len(raw) <= _MAX_BYTES else None
        if not isinstance(data, dict) or data.get("format") != FORMAT_VERSION:
            raise ValueError("another format")
        return _gate(data)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError("it is damaged or of another version") from error


def gate_for(folder: Path, *, chunks: int, embedder_sha256: str, reader_id: str) -> tuple[IndexGate | None, str]:
    """The gate to use for an index as it is now, or None for the one that ships; and a line where one is ignored."""
    try:
        gate = read_gate(folder)
    except ValueError as error:
        return None, f'the calibration of the index "{folder.name}" is ignored: {error}; {_AGAIN} {folder.name}'
    if gate is None:
        return None, ""
    why = ""
    if gate.embedder_sha256 != embedder_sha256:
        why = "it was made with another embedder"
    elif gate.reader_id != reader_id:
        why = "it was made with another reader"
    elif abs(chunks - gate.chunks) > _MOST_CHANGED * max(gate.chunks, 1):
        why = f"it was made for {gate.chunks:,} passages, now there are {chunks:,}"
    if not why:
        return gate, ""
    return None, f'the calibration of the index "{folder.name}" is ignored: {why}; {_AGAIN} {folder.name}'


def own_gate(index: IndexView) -> tuple[IndexGate | None, str]:
    """The gate that was fitted to an opened index, if it still fits; and a line for people where one is ignored."""
    sha256 = index.settings.embedder_sha256
    return gate_for(index.folder, chunks=index.counts().chunks, embedder_sha256=sha256, reader_id=READER_ID)


def _gate(data: dict[str, Any]) -> IndexGate:
    rows = data["thresholds"]
    weights = tuple((_text(name), _number(weight), _number(centre)) for name, weight, centre in rows["weights"])
    if len(weights) > _MOST_WEIGHTS:
        raise ValueError("too many weights")
    thresholds = Thresholds(
        weights=weights,
        bias=_number(rows["bias"]),
        answered=_number(rows["answered"]),
        unsure=_number(rows["unsure"]),
        missing=_number(rows["missing"]),
    )
    return IndexGate(
        thresholds=thresholds,
        target=_number(data["target"]),
        answerable=int(data["answerable"]),
        unanswerable=int(data["unanswerable"]),
        golden=int(data["golden"]),
        curve=tuple((_number(answered), _number(refused)) for answered, refused in data["curve"]),
        chunks=int(data["chunks"]),
        embedder_sha256=_text(data["embedder_sha256"]),
        reader_id=_text(data["reader_id"]),
        made_at=_text(data["made_at"]),
    )


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{value!r} is not a number")
    return float(value)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not text")
    return value
