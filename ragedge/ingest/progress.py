"""What a run over a folder tells: where it stands, and in the end what it did."""

from __future__ import annotations

from dataclasses import dataclass, field

from ragedge.index.store import FileRow


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run stands. Bytes weigh the work: a file counts by its size, in part while it is being embedded."""

    stage: str
    path: str
    files_done: int
    files_total: int
    bytes_done: int
    bytes_total: int
    chunks_done: int
    seconds: float


@dataclass(slots=True)
class SyncReport:
    """What a run did, as paths; `rejected` are the rows of all files that gave no text, also from earlier runs."""

    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    renamed: list[tuple[str, str]] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    duplicates: list[tuple[str, str]] = field(default_factory=list)
    unchanged: int = 0
    rejected: list[FileRow] = field(default_factory=list)
    partial: list[FileRow] = field(default_factory=list)
    pages: int = 0
    chunks: int = 0
    seconds: float = 0.0
    was_stopped: bool = False
