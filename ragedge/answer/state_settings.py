"""How much of what a language model has read is kept, where, and whether passages may be joined."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class StateSettings:
    """Budgets in bytes; 0 keeps nothing of that kind. Without a `folder` nothing is kept on disk.

    `prompt_bytes` are memory of the model's process, `prompt_disk_bytes` and `passage_disk_bytes` files. With
    `joins_passages`, passages are read each by itself and joined; the last `reread_tokens` of each are read in place.
    """

    folder: Path | None = None
    prompt_bytes: int = 0
    prompt_disk_bytes: int = 0
    passage_disk_bytes: int = 0
    joins_passages: bool = False
    reread_tokens: int = 0
