"""What the routes of the curator's desk reply with, as records; see `replies` for the rest of the interface."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ragedge.contracts import PageProblem, Reason
from ragedge.device import Device
from ragedge.device_state import DeviceState

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


@dataclass(frozen=True, slots=True)
class Said:
    """What is said of a document by hand; empty where nothing is."""

    title: str = ""
    date: str = ""
    edition: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class PageState:
    """What was got out of one page: `chars` of text, `chunks` that touch it, and `how` it was read.

    "skipped": it holds something, but no text came of it, for `reason`; "empty": there is nothing on it. `same_as` is
    the number of an earlier page with the very same text.
    """

    number: int
    label: str | None
    how: Literal["text", "ocr", "empty", "skipped"]
    chars: int
    chunks: int
    same_as: int | None
    reason: Reason | None
    detail: str


@dataclass(frozen=True, slots=True)
class DeskReport:
    """One document; `problems` are those that belong to no page."""

    document: DeskDocument
    said: Said
    pages: tuple[PageState, ...]
    problems: tuple[PageProblem, ...]


@dataclass(frozen=True, slots=True)
class DeskReading:
    """A long reading: where it stands, or how it ended. `what` None: there was none since the service started.

    Counts are files; `failed` are the first of `failed_total` that gave no text, each with why. `problem` and `hint`
    say what ended it before its time.
    """

    what: Literal["folder", "everything"] | None = None
    is_running: bool = False
    was_stopped: bool = False
    started_at: str | None = None
    seconds: float = 0.0
    files_done: int = 0
    files_total: int = 0
    path: str = ""
    added: int = 0
    changed: int = 0
    renamed: int = 0
    removed: int = 0
    unchanged: int = 0
    failed: tuple[str, ...] = ()
    failed_total: int = 0
    problem: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class IndexSize:
    """An index of this box; `is_this`: the service answers from it."""

    name: str
    size_bytes: int
    is_this: bool


@dataclass(frozen=True, slots=True)
class MeasuredModel:
    """What `ragedge bench --calibrate` measured of a model on a machine; speeds in tokens per second."""

    model: str
    prompt_tokens_per_second: float
    tokens_per_second: float
    machine: str
    measured_on: str


@dataclass(frozen=True, slots=True)
class DeskSystem:
    """How the box is doing. `resident_bytes` is the service without the language model's process; `models_bytes` the
    models kept beside the indexes; `started_at` in seconds since 1970."""

    version: str
    engine: str
    vector_engine: str
    started_at: int
    device: Device
    now: DeviceState
    resident_bytes: int
    peak_resident_bytes: int
    threads: int
    indexes: tuple[IndexSize, ...]
    models_bytes: int
    measured: tuple[MeasuredModel, ...]


@dataclass(frozen=True, slots=True)
class DeskModel:
    """A language model of this box. `is_linked`: its file belongs to somebody else, and stays when it is removed."""

    name: str
    size_bytes: int
    licence: str
    source: str
    added_at: str
    is_linked: bool
    is_chosen: bool
    is_speaking: bool
    is_there: bool


@dataclass(frozen=True, slots=True)
class DeskModels:
    """`configured` is what the config names; where it names something, the choice on the desk does not count."""

    engine: str
    configured: str
    models: tuple[DeskModel, ...]


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found; no `problems`: all is as it was stored."""

    what: Literal["index", "models"]
    problems: tuple[str, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line; `request_id` is "" where it belongs to no request."""

    number: int
    at: str
    level: str
    request_id: str
    text: str


@dataclass(frozen=True, slots=True)
class LogLines:
    """Lines, oldest first."""

    lines: tuple[LogLine, ...]
