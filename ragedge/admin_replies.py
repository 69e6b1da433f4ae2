"""What the routes of the curator's desk reply with, as records; see `replies` for the rest of the interface."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ragedge.contracts import Reason

FileState = Literal["ready", "partial", "rejected"]


@dataclass(frozen=True, slots=True)
class DeskDocument:
    """One document, or (`id` None) one file that gave none, for `reason`.

    `date` is a year, month or day ("2024", "2024-05", "2024-05-31") and `edition` a number with dots, declared by the
    file, read out of its name, or set by hand (`is_described`). `problems` counts them. `is_upload`: it came through
    the page or the interface, not out of the folder.
    """

    id: str | None
    path: str
    title: str
    state: FileState
    media_type: str
    size_bytes: int
    language: str | None
    pages: int
    chunks: int
    date: str | None
    edition: str | None
    added_at: str | None
    problems: int
    reason: Reason | None
    detail: str
    other_paths: tuple[str, ...]
    is_upload: bool
    is_described: bool


@dataclass(frozen=True, slots=True)
class DeskCounts:
    """How many rows each choice of the list has; `doubled` have another file with the same bytes."""

    all: int
    ready: int
    partial: int
    rejected: int
    doubled: int
    undated: int


@dataclass(frozen=True, slots=True)
class DeskList:
    """`documents` are those from `offset` on of the `total` that were asked for; `counts` and `languages` are of all.

    `folder` is the one that the index follows, None where it follows none; `can_change`: whether the caller may.
    """

    total: int
    offset: int
    documents: tuple[DeskDocument, ...]
    counts: DeskCounts
    languages: tuple[str, ...]
    folder: str | None
    can_change: bool
