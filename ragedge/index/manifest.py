"""manifest.json: what an index was made with, so that it is never asked with other settings.

An index answers only questions embedded as its passages were. Any difference, and any key that is missing, is refused
by name together with the command that makes the index anew.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from ragedge.errors import IndexCorrupt, IndexStale
from ragedge.index.disk import write_whole

FORMAT_VERSION = 1
MANIFEST_NAME = "manifest.json"
_MAX_BYTES = 1 << 20  # a manifest has a few hundred bytes; anything larger is not one
FRESH_HINT = "make it anew: `ragedge ingest FOLDER --fresh`"


@dataclass(frozen=True, slots=True)
class IndexSettings:
    """Everything that changes what is stored. `dimension` counts floats, `chunk_tokens` the embedder's tokens."""

    embedder_id: str
    embedder_sha256: str
    dimension: int
    question_prefix: str
    passage_prefix: str
    chunker_version: int
    chunk_tokens: int


def write_manifest(folder: Path, settings: IndexSettings, *, generation: int, counts: dict[str, int]) -> None:
    """Write the manifest; `counts` are for people, `generation` shows when an older catalog is put in its place."""
    data = {"format": FORMAT_VERSION, "settings": asdict(settings), "generation": generation, "counts": counts}
    write_whole(folder / MANIFEST_NAME, (json.dumps(data, indent=2, sort_keys=True) + "\n").encode())


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest as a mapping.

    Raises:
        FileNotFoundError: when there is none.
        IndexCorrupt: when it is not a JSON object.
    """
    path = folder / MANIFEST_NAME
    with path.open("rb") as file:
        raw = file.read(_MAX_BYTES + 1)
    try:
        data = json.loads(raw) if len(raw) <= _MAX_BYTES else None
    except ValueError:
        data = None
    if not isinstance(data, dict):
        raise IndexCorrupt(f'"{path.name}" of the index "{folder.name}" is damaged', FRESH_HINT)
    return data


def settings_of(data: dict[str, Any], name: str, wanted: IndexSettings | None) -> IndexSettings:
    """The settings in a manifest, compared with `wanted` (None: any are accepted, as long as none is missing).

    Raises:
        IndexStale: naming every key that differs or is missing.
    """
    if data.get("format") != FORMAT_VERSION:
        raise IndexStale(f'the index "{name}" has format {data.get("format")!r}, not {FORMAT_VERSION}', FRESH_HINT)
    stored = data.get("settings")
    stored = stored if isinstance(stored, dict) else {}
    kinds = {field.name: int if field.type == "int" else str for field in fields(IndexSettings)}
    missing = [key for key, kind in kinds.items() if type(stored.get(key)) is not kind]
    if missing:
        raise IndexStale(f'the manifest of the index "{name}" lacks: {", ".join(missing)}', FRESH_HINT)
    settings = IndexSettings(**{key: stored[key] for key in kinds})
    if wanted is not None:
        was, now = asdict(settings), asdict(wanted)
        changed = [f"{key} (was {was[key]!r}, now {now[key]!r})" for key in kinds if was[key] != now[key]]
        if changed:
            raise IndexStale(f'the index "{name}" was made with other settings: {", ".join(changed)}', FRESH_HINT)
    return settings
