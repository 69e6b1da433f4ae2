"""What the service is given: assembled parts (`Service`) and limits (`ServerSettings`).

The Protocols name the few members of pipeline, index and syncer that the routes call, so that a test can hand in
small fakes and the routes depend on nothing that loads a model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from ragedge.contracts import DocumentName, Embedder, Event, Page, Question, RewriteRequest, SummaryRequest
from ragedge.exhibits import Exhibits
from ragedge.index.records import Details
from ragedge.parts import Parts
from ragedge.reading_ahead import ReadingAhead
from ragedge.server.access import Access
from ragedge.server.curated import Curated
from ragedge.server.owner_settings import OwnerSettings
from ragedge.server.surroundings import Surroundings


class Asking(Protocol):
    """The read path: `ragedge.ask.Pipeline`."""

    def stream(
        self, question: Question, is_cancelled: Callable[[], bool] = ..., *, question_id: str = ..., client: str = ...
    ) -> Iterator[Event]: ...


class Doing(Protocol):
    """Summaries and rewritten answers: `ragedge.tasks.Tasks`."""

    def stream(
        self,
        request: SummaryRequest | RewriteRequest,
        is_cancelled: Callable[[], bool] = ...,
        *,
        client: str = ...,
        readable: Sequence[str] | None = ...,
    ) -> Iterator[Event]: ...


class Reading(Protocol):
    """What the routes read of `ragedge.index.store.Index`; its records are passed on as views."""

    @property
    def generation(self) -> int: ...
    @property
    def vector_engine(self) -> str: ...
    @property
    def settings(self) -> Any: ...
    def counts(self) -> Any: ...
    def files(self) -> Any: ...
    def names(self) -> list[DocumentName]: ...
    def documents(self) -> Any: ...
    def document(self, document_id: str) -> Any: ...
    def page(self, document_id: str, number: int) -> Page: ...
    def source(self, document_id: str) -> Path: ...


class WholeIndex(Reading, Protocol):
    """What only the desk of those who read everything asks."""

    @property
    def folder(self) -> Path: ...
    def page_summaries(self, document_id: str) -> Any: ...
    def details(self, document_id: str) -> Details: ...
    def all_details(self) -> dict[str, Details]: ...
    def check(self) -> list[str]: ...


class Syncing(Protocol):
    """Changes to the index, one file at a time."""

    @property
    def upload_folder(self) -> Path:
        """Where a file may lie while it is received: on the index's own disk. Made by the server if it is absent."""
        ...

    def add_file(self, path: Path, name: str) -> Any:
        """Read the file at `path` into the index under `name`; the `FileRow` says what became of it."""
        ...

    def remove(self, path: str) -> None:
        """Take the file known as `path` out of the index."""
        ...

    def run(
        self, folder: Path, *, retry: bool = ..., on_progress: Callable[[Any], None] = ...,
        is_stopped: Callable[[], bool] = ...,
    ) -> Any:  # fmt: skip
        """Bring the index in step with `folder`; a `SyncReport`."""
        ...

    def read_again(self, path: str) -> Any:
        """Read the file known as `path` anew; its `FileRow`."""
        ...

    def read_each(self, paths: Sequence[str], tell: Callable[[str], None]) -> dict[str, str]:
        """Read some documents anew, telling each that is done; path -> why of those that stay as they were."""
        ...

    def replace(self, path: str, file: Path) -> Any:
        """Let `file` take the place of the upload known as `path`; its `FileRow`."""
        ...

    def describe(self, document_id: str, details: Details) -> None:
        """Keep what people say of a document."""
        ...


class Remembering(Protocol):
    """The journal, as far as feedback goes: `ragedge.journal.Journal`."""

    def feedback(self, question_id: str, verdict: Literal["up", "down"], reason: str = "") -> bool:
        """Keep what a person thought of an answer; False when there is no such question."""
        ...


Suggest = Callable[[Sequence[str] | None, str, Callable[[], bool]], tuple[str, ...]]
"""(collections that may be read, collection, whether to stop) -> questions that are surely answered."""


@dataclass(frozen=True, slots=True)
class Service:
    """The parts behind the routes.

    Without a `syncer` the documents can be read but not changed; without a `journal` no feedback is taken; without an
    `embedder` no texts are embedded; without `tasks` there are no summaries.
    """

    pipeline: Asking
    index: WholeIndex
    syncer: Syncing | None
    engine: str
    version: str
    suffixes: tuple[str, ...] = ()
    journal: Remembering | None = None
    embedder: Embedder | None = None
    tasks: Doing | None = None
    #: The keys; without them everybody is the owner, so only this machine may reach the service.
    access: Access | None = None
    #: Behind the desk's tabs of questions, reviewed answers and golden questions; without it they find nothing.
    curation: Curated | None = None
    #: What the desk shows of the box beside the index; None: nothing.
    surroundings: Surroundings | None = None
    #: What of the index which collections hold; None: it has none. See sight.py for who may read what.
    parts: Parts | None = None
    #: What an owner may change over HTTP.
    owner_settings: OwnerSettings | None = None
    #: Makes questions to begin with; None: there are the config's alone.
    suggest: Suggest | None = None
    #: Reads passages that are used most while nobody asks; None: this service keeps none.
    ahead: ReadingAhead | None = None


@dataclass(frozen=True, slots=True)
class KioskSettings:
    """The page for people who pass by. `speech_program` is the path of espeak-ng, None where there is none."""

    exhibits: Exhibits = field(default_factory=Exhibits)
    #: After so long without a touch everything of a visitor is forgotten.
    idle_seconds: float = 90.0
    #: How a phone reaches this box; "" takes the Host of the request.
    address: str = ""
    #: Languages on the buttons, in this order; () takes all there are.
    languages: tuple[str, ...] = ()
    speech_program: str | None = None


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Limits and names of one server."""

    host: str = "127.0.0.1"
    port: int = 8321
    title: str = "ragedge"
    #: Suggested on the first page.
    questions: tuple[str, ...] = ()
    #: None: there is no kiosk.
    kiosk: KioskSettings | None = None
    #: The curator's desk: "auto" is behind the login where there is one, open on this machine, absent beside a kiosk
    #: that has no login; "off" is absent.
    admin: Literal["auto", "off"] = "auto"
    #: Names beyond localhost, 127.0.0.1 and ::1 under which the page may be opened, without port.
    allowed_hosts: tuple[str, ...] = ()
    #: Whether the service may also be called by the address of this machine that a request came in at.
    is_lan: bool = False
    #: With keys, what one client may take: tokens a second and at once; a question costs 20, most else 1.
    tokens_per_second: float = 10.0
    token_burst: float = 200.0
    #: Origins ("http://intranet.local") whose pages may show the widget and ask; no other route is open to them.
    widget_origins: tuple[str, ...] = ()
    #: A question with its history; 64 KiB is thirty times the longest question that is allowed by default.
    max_body_bytes: int = 65_536
    max_upload_bytes: int = 104_857_600
    max_question_chars: int = 2_000
    #: Questions at work or waiting; the next one is told to come back.
    queue_limit: int = 8
    #: A small board reads 1,000 prompt tokens in half a minute; ten minutes is beyond any useful wait.
    question_timeout_s: float = 600.0
    #: Uploads at work or waiting.
    upload_limit: int = 4
    #: Page pictures being drawn or waiting; each takes one process.
    picture_limit: int = 8
    picture_timeout_s: float = 20.0
    #: Address space for drawing one page; a large scan needs about 300 MB.
    picture_memory_bytes: int = 1_073_741_824
    picture_cache_bytes: int = 33_554_432
    #: Tried after the empty one when a protected PDF is drawn.
    pdf_passwords: tuple[str, ...] = ()
    #: Requests of all kinds at once; browsers open six connections each.
    request_limit: int = 128


def has_desk(service: Service, settings: ServerSettings) -> bool:
    """Whether there is a curator's desk: not where it is switched off, nor where whoever passes by is the owner."""
    return settings.admin != "off" and (settings.kiosk is None or service.access is not None)
