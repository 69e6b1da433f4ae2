"""What the desk shows of the box around the service: folders, models, what was measured. Reads and names, no more."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ragedge.admin_replies import DeskModel, IndexSize, MeasuredModel
from ragedge.device_state import folder_bytes
from ragedge.model_registry import Registry

#: Written by `ragedge bench --calibrate`.
PROFILE = ".device-profile.json"
_PROFILE_BYTES = 1_048_576
_MOST_MEASURED = 50


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where things lie. `configured_model` is what the config names ("": nothing); `speaking` the file that speaks."""

    indexes_folder: Path
    models: Registry
    configured_model: str = ""
    speaking: Path | None = None

    def index_sizes(self, here: Path) -> tuple[IndexSize, ...]:
        """The indexes of the folder with their bytes, by name; `here` is the service's own."""
        found = (path.parent for path in sorted(self.indexes_folder.glob("*/manifest.json")))
        return tuple(IndexSize(path.name, folder_bytes(path), path.resolve() == here.resolve()) for path in found)

    def models_bytes(self) -> int:
        """Bytes of models kept beside the indexes."""
        return folder_bytes(self.indexes_folder / ".models")

    def desk_models(self) -> tuple[DeskModel, ...]:
        """The models of this box."""
        chosen = self.models.chosen
        rows = []
        for record in self.models.records():
            path = self.models.path_of(record)
            is_speaking = self.speaking is not None and path.resolve() == self.speaking.resolve()
            rows.append(
                DeskModel(
                    record.name, record.size_bytes, record.licence, record.source, record.added_at, record.is_linked,
                    record.name == chosen, is_speaking, path.is_file(),
                )
            )  # fmt: skip
        return tuple(rows)

    def measured(self) -> tuple[MeasuredModel, ...]:
        """What was measured of this box; () where nobody measured, or the file cannot be understood."""
        file = self.indexes_folder / PROFILE
        try:
            if file.stat().st_size > _PROFILE_BYTES:
                return ()
            entries = json.loads(file.read_bytes())["profiles"]
            return tuple(_measured(entry) for entry in entries[:_MOST_MEASURED])
        except (OSError, ValueError, KeyError, TypeError):
            return ()


def _measured(entry: dict[str, Any]) -> MeasuredModel:
    return MeasuredModel(
        str(entry["model_name"]),
        float(entry["prompt_tokens_per_second"]),
        float(entry["tokens_per_second"]),
        str(entry.get("machine", "")),
        str(entry.get("measured_on", "")),
    )
