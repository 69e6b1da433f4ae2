"""Small stand-ins for pipeline, index and syncer, and the records that they hand out."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ragedge.contracts import (
    Answer,
    AnswerSpan,
    Chunk,
    Citation,
    DocumentName,
    Event,
    Evidence,
    Hit,
    ModelStats,
    Page,
    PageProblem,
    PageSpan,
    Passages,
    Piece,
    Question,
    Retrieval,
    Timings,
)
from ragedge.errors import NotFound, UnreadableDocument
from ragedge.index.records import Counts, Details, DocumentInfo, FileRow, PageSummary
from ragedge.model_registry import Registry
from ragedge.server.settings import Service
from ragedge.server.surroundings import Surroundings

SUFFIXES = (".pdf", ".txt", ".md")
PAGE_TEXT = (
    "Bleed the pump first. Then torque the head bolts to 42 Nm in two steps. Let it cool. \U0001f527 Check again."
)
QUOTE = "Then torque the head bolts to 42 Nm in two steps."


def span_of(text: str, part: str, page: int = 1) -> PageSpan:
    start = text.index(part)
    return PageSpan(page, start, start + len(part))


def make_hit(
    *, document_id: str = "0123456789abcdef", path: str = "manual.txt", title: str = "Pump manual",
    text: str = PAGE_TEXT, page: int = 1, ordinal: int = 0, score: float = 0.9,
) -> Hit:  # fmt: skip
    chunk = Chunk(
        id=f"{document_id}-{ordinal:05d}", document_id=document_id, document_path=path, ordinal=ordinal, text=text,
        spans=(PageSpan(page, 0, len(text)),), headings=("Engine", "Cylinder head"), tokens=30,
    )  # fmt: skip
    return Hit(chunk, score, title, lexical_rank=1, vector_rank=2, cosine=0.7, chunk_ids=(chunk.id,))


def make_passages(
    hits: tuple[Hit, ...], question: str = "what torque for the head bolts?", quote: str = QUOTE
) -> Passages:
    evidence = ()
    if hits and quote in hits[0].chunk.text:
        evidence = (Evidence(0, quote, span_of(hits[0].chunk.text, quote, hits[0].chunk.spans[0].page), 0.8),)
    return Passages(
        Retrieval(Question(question), question, hits),
        evidence,
        Timings(embed_ms=4.0, lexical_ms=2.0, vector_ms=3.0, read_ms=1.0),
    )


def make_answer(
    hits: tuple[Hit, ...], text: str = "Torque the head bolts to 42 Nm. They are blue.", **changes: object
) -> Answer:
    cut = text.find(". ") + 1 or len(text)
    hit = hits[0] if hits else None
    citations: tuple[Citation, ...] = ()
    if hit is not None:
        citations = (
            Citation(
                number=1, chunk_id=hit.chunk.id, document_id=hit.chunk.document_id,
                document_path=hit.chunk.document_path, title=hit.title, pages=(hit.chunk.spans[0].page,),
                page_label="iv", span=span_of(hit.chunk.text, QUOTE, hit.chunk.spans[0].page)
                if QUOTE in hit.chunk.text else PageSpan(hit.chunk.spans[0].page, 0, min(20, len(hit.chunk.text))),
                quote=QUOTE if QUOTE in hit.chunk.text else hit.chunk.text[:20],
                answer_start=0, answer_end=cut, support=0.95,
            ),
        )  # fmt: skip
    loose = AnswerSpan(cut + 1, len(text), 0.0, None, "words_not_found", ((cut + 1, cut + 5),))
    unsupported = (loose,) if cut + 1 < len(text) else ()
    sentences = tuple(AnswerSpan(0, c.answer_end, c.support, c.number) for c in citations)
    fields: dict[str, object] = {
        "text": text,
        "outcome": "answered",
        "citations": citations,
        "unsupported": unsupported,
        "hits": hits,
        "evidence": make_passages(hits).evidence,
        "engine": "llama:tiny.gguf",
        "confidence": 0.8,
        "reason": "the passage names it",
        "timings": Timings(4.0, 2.0, 3.0, None, 1.0, 150.0, 900.0),
        "stats": ModelStats(900, 10, 300, 0, 500_000_000, 20, 1_000_000_000),
        "sentences": (*sentences, *unsupported),
    }
    return Answer(**{**fields, **changes})  # type: ignore[arg-type]


def make_events(hits: tuple[Hit, ...] | None = None, text: str | None = None) -> list[Event]:
    hits = (make_hit(),) if hits is None else hits
    answer = make_answer(hits) if text is None else make_answer(hits, text)
    words = answer.text.split(" ")
    pieces = [Piece(word + (" " if i + 1 < len(words) else "")) for i, word in enumerate(words)]
    return [make_passages(hits), *pieces, answer]


class FakePipeline:
    """Plays events. An exception among them is raised; a threading.Event is waited for, or until cancelled."""

    def __init__(self, events: list[object] | None = None) -> None:
        self.events: list[object] = list(make_events()) if events is None else events
        self.questions: list[Question] = []
        self.clients: list[str] = []
        self.closed = threading.Semaphore(0)
        self.waiting = threading.Semaphore(0)
        self.was_cancelled = False
        self.open_count = 0

    def stream(
        self, question: Question, is_cancelled: Callable[[], bool] = lambda: False, *, client: str = ""
    ) -> Iterator[Event]:
        self.questions.append(question)
        self.clients.append(client)
        self.open_count += 1
        try:
            for event in list(self.events):
                if isinstance(event, Exception):
                    raise event
                if isinstance(event, threading.Event):
                    self.waiting.release()
                    while not event.wait(0.005):
                        if is_cancelled():
                            self.was_cancelled = True
                            return
                    continue
                yield event  # type: ignore[misc]
        finally:
            self.open_count -= 1
            self.closed.release()


class FakeTasks:
    """Plays events for summaries and rewritten answers."""

    def __init__(self, events: list[object] | None = None) -> None:
        self.events: list[object] = list(make_events()) if events is None else events
        self.requests: list[object] = []

    def stream(
        self,
        request: object,
        is_cancelled: Callable[[], bool] = lambda: False,
        *,
        client: str = "",
        readable: Sequence[str] | None = None,
    ) -> Iterator[Event]:
        self.requests.append(request)
        for event in self.events:
            if isinstance(event, Exception):
                raise event
            yield event  # type: ignore[misc]


@dataclass(frozen=True)
class FakeIndexSettings:
    """The part of IndexSettings that a test looks at."""

    embedder_id: str = "fake"
    dimension: int = 8


class FakeIndex:
    """Documents in memory; `put` is what the syncer calls."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.generation = 7
        self.vector_engine = "exact"
        self.settings = FakeIndexSettings()
        self._documents: dict[str, DocumentInfo] = {}
        self._pages: dict[str, tuple[Page, ...]] = {}
        self._files: dict[str, FileRow] = {}
        self.said: dict[str, Details] = {}

    def put(
        self, path: str, content: bytes, pages: tuple[Page, ...], *, title: str | None = None,
        media_type: str = "text/plain", document_id: str | None = None, problems: tuple[PageProblem, ...] = (),
    ) -> FileRow:  # fmt: skip
        digest = hashlib.sha256(content).hexdigest()
        document_id = document_id or digest[:16]
        self._documents[document_id] = DocumentInfo(
            document_id, path, title or path, media_type, len(content), "en", len(pages), len(pages),
            "2024-05-01T10:00:00+00:00", problems, (),
        )  # fmt: skip
        self._pages[document_id] = pages
        (self.folder / document_id).write_bytes(content)
        self._files[path] = FileRow(path, len(content), 1, digest, document_id, problems=problems)
        self.generation += 1
        return self._files[path]

    def reject(self, path: str, content: bytes, reason: str, detail: str) -> FileRow:
        digest = hashlib.sha256(content).hexdigest()
        self._files[path] = FileRow(path, len(content), 1, digest, None, reason, detail)  # type: ignore[arg-type]
        return self._files[path]

    def drop(self, path: str) -> None:
        row = self._files.pop(path)
        if row.document_id is not None:
            del self._documents[row.document_id]

    def counts(self) -> Counts:
        pages = sum(len(self._pages[document_id]) for document_id in self._documents)
        return Counts(len(self._documents), pages, pages, len(self._files))

    def names(self) -> list[DocumentName]:
        return [
            DocumentName(info.id, info.path, info.title, info.media_type, info.language, {}, info.chunks)
            for info in self._documents.values()
        ]

    def files(self) -> dict[str, FileRow]:
        return dict(self._files)

    def documents(self) -> list[DocumentInfo]:
        return list(self._documents.values())

    def document(self, document_id: str) -> DocumentInfo:
        if document_id not in self._documents:
            raise NotFound(f'there is no document "{document_id}"', "see /v1/documents")
        return self._documents[document_id]

    def page(self, document_id: str, number: int) -> Page:
        self.document(document_id)
        pages = self._pages[document_id]
        if not 1 <= number <= len(pages):
            raise NotFound(f"there is no page {number}", "")
        return pages[number - 1]

    def chunks(self, ids: list[str]) -> dict[str, Chunk]:
        """One chunk for each page."""
        found = {}
        for chunk_id in ids:
            document_id, _, ordinal = chunk_id.rpartition("-")
            info, page = self._documents[document_id], self.page(document_id, int(ordinal) + 1)
            spans = (PageSpan(page.number, 0, len(page.text)),)
            found[chunk_id] = Chunk(chunk_id, document_id, info.path, int(ordinal), page.text, spans, (), 9)
        return found

    def document_frequency(self, words: list[str]) -> dict[str, int]:
        return {}

    def source(self, document_id: str) -> Path:
        return self.folder / document_id

    def page_summaries(self, document_id: str) -> list[PageSummary]:
        self.document(document_id)
        return [PageSummary(p.number, p.label, p.origin, len(p.text), 1, None) for p in self._pages[document_id]]

    def details(self, document_id: str) -> Details:
        return self.said.get(document_id, Details())

    def all_details(self) -> dict[str, Details]:
        return dict(self.said)

    def check(self) -> list[str]:
        return []


class FakeSyncer:
    """Reads plain text, one page per form feed; a file that starts with "locked" counts as encrypted."""

    def __init__(self, index: FakeIndex) -> None:
        self._index = index
        self.upload_folder = index.folder / "incoming"
        self.names: list[str] = []
        self.paths: list[Path] = []

    def add_file(self, path: Path, name: str) -> FileRow:
        self.names.append(name)
        self.paths.append(path)
        content = path.read_bytes()
        if content.startswith(b"raise"):
            raise UnreadableDocument("broken", f'"{name}" is damaged', "")
        if content.startswith(b"locked"):
            return self._index.reject(name, content, "encrypted", "it needs a password")
        pages = tuple(Page(i + 1, None, t) for i, t in enumerate(content.decode("utf-8").split("\f")))
        return self._index.put(name, content, pages)

    def remove(self, path: str) -> None:
        self._index.drop(path)

    def read_again(self, path: str) -> FileRow:
        if path not in self._index.files():
            raise NotFound(f'there is no file "{path}"', "")
        return self._index.files()[path]

    def read_each(self, paths: Sequence[str], tell: Callable[[str], None]) -> dict[str, str]:
        for path in paths:
            tell(path)
        return {}

    def replace(self, path: str, file: Path) -> FileRow:
        old = self.read_again(path)
        return self._index.put(path, file.read_bytes(), (Page(1, None, "new"),), document_id=old.document_id)

    def describe(self, document_id: str, details: Details) -> None:
        self._index.said[document_id] = details


def make_service(folder: Path, events: list[object] | None = None, *, is_empty: bool = False) -> Service:
    folder.mkdir(parents=True, exist_ok=True)
    index = FakeIndex(folder)
    if not is_empty:
        index.put(
            "manual.txt", b"manual", (Page(1, "iv", PAGE_TEXT), Page(2, "v", "The second page.")),
            title="Pump manual", document_id="0123456789abcdef",
        )  # fmt: skip
    around = Surroundings(folder.parent, Registry(folder / ".models"))
    parts: dict[str, Any] = {"tasks": FakeTasks(), "surroundings": around}
    return Service(FakePipeline(events), index, FakeSyncer(index), "llama:tiny.gguf", "0.1.0", SUFFIXES, **parts)


def add_model(service: Service, folder: Path, name: str = "tiny") -> None:
    """A model in the service's list of them; no engine would load it."""
    assert service.surroundings is not None
    (folder / f"{name}.gguf").write_bytes(b"no model")
    service.surroundings.models.add(folder / f"{name}.gguf", name)
