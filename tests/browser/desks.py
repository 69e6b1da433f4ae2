"""Desks for tests: a service over the real index, readers and sync, with something of every kind in it."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reportlab.pdfgen.canvas import Canvas

from ragedge.ask import AskSettings, Pipeline
from ragedge.contracts import ReadOptions
from ragedge.index.store import Index, IndexSettings
from ragedge.ingest.chunker import CHUNKER_VERSION
from ragedge.ingest.readers import SUPPORTED_SUFFIXES
from ragedge.ingest.sandbox import Limits, Sandbox
from ragedge.ingest.sync import Sync
from ragedge.model_registry import Registry
from ragedge.search.retriever import Retriever
from ragedge.server.access import Access
from ragedge.server.settings import ServerSettings, Service
from ragedge.server.surroundings import Surroundings
from tests.browser.scenes import PDF_PAGES, make_pdf
from tests.fakes import HashEmbedder
from tests.server.clients import serving
from tests.server.fakes import add_model

SETTINGS = IndexSettings("fake-hash", "0" * 64, 64, "", "", CHUNKER_VERSION, 64)
#: Rows of the list, and how many the folder gives: five documents, one of them under two names, and a damaged file.
IN_FOLDER = 6
ROWS = "document.querySelectorAll('#desk-rows tr').length"


@dataclass
class Desk:
    """A running desk with the parts behind it, and the folder that its index follows."""

    port: int
    index: Index
    sync: Sync
    folder: Path
    models: Registry


def scanned_pdf() -> bytes:
    """Three pages: text, a picture of none (what a scan is without OCR), and the text of the first once more."""
    stream = io.BytesIO()
    canvas = Canvas(stream, pagesize=(420, 595))
    for words in ("The well lies north of the road.", "", "The well lies north of the road."):
        if words:
            canvas.drawString(50, 500, words)
        else:
            canvas.rect(50, 50, 300, 400, fill=1)
        canvas.showPage()
    canvas.save()
    return stream.getvalue()


def fill_folder(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "generator.pdf").write_bytes(make_pdf(PDF_PAGES))
    (folder / "price list 2023.txt").write_text("The gasket costs nine euros.\n")
    (folder / "price list 2024.txt").write_text("The gasket costs eleven euros.\n")
    (folder / "copy of price list 2024.txt").write_text("The gasket costs eleven euros.\n")
    (folder / "survey.pdf").write_bytes(scanned_pdf())
    (folder / "notes.txt").write_text("The key hangs in the hall.\n")
    (folder / "sealed.pdf").write_bytes(b"%PDF-1.4 nothing")


@contextmanager
def desk(
    folder: Path, settings: ServerSettings | None = None, access: Access | None = None, models: tuple[str, ...] = (),
    curated: Callable[[Service], Service] = lambda service: service,
) -> Iterator[Desk]:  # fmt: skip
    """The service with a folder read in, and models of these names, which no engine would load.

    `curated` adds what is kept beside the documents.
    """
    documents = folder / "documents"
    fill_folder(documents)
    embedder = HashEmbedder()
    with Index.open(folder / "index", SETTINGS, mode="write", create=True) as index:
        sync = Sync(index, embedder, lambda: Sandbox(ReadOptions(ocr="off"), Limits()), chunk_tokens=64)
        sync.run(documents)
        pipeline = Pipeline(index, Retriever(index, embedder), embedder, None, AskSettings())
        registry = Registry(folder / ".models" / "language")
        service = Service(
            pipeline, index, sync, pipeline.engine, "0.1.0", SUPPORTED_SUFFIXES, embedder=embedder, access=access,
            surroundings=Surroundings(folder, registry),
        )  # fmt: skip
        for name in models:
            add_model(service, documents.parent, name)
        with serving(curated(service), settings) as port:
            yield Desk(port, index, sync, documents, registry)


def open_desk(browser: Any, port: int, place: str = "") -> None:
    """The browser before the desk, at a tab or one of its places, when it is drawn."""
    browser.driver.get("about:blank")
    browser.open(port, f"/admin{place}")
    browser.wait(
        "document.querySelector('#tabs a[aria-current]') && document.getElementById('tab-panel').children.length"
    )
