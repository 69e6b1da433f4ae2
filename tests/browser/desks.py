"""Desks for tests: a service over the real index, readers and sync, with something of every kind in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ragedge.ask import AskSettings, Pipeline
from ragedge.contracts import ReadOptions
from ragedge.index.store import Index, IndexSettings
from ragedge.ingest.chunker import CHUNKER_VERSION
from ragedge.ingest.readers import SUPPORTED_SUFFIXES
from ragedge.ingest.sandbox import Limits, Sandbox
from ragedge.ingest.sync import Sync
from ragedge.search.retriever import Retriever
from ragedge.server.access import Access
from ragedge.server.settings import ServerSettings, Service
from tests.browser.scenes import PDF_PAGES, make_pdf
from tests.fakes import HashEmbedder
from tests.server.clients import serving

SETTINGS = IndexSettings("fake-hash", "0" * 64, 64, "", "", CHUNKER_VERSION, 64)
#: A page that is painted on but holds no letter: what a scan is without OCR.
PICTURE_PAGE = ["\u2022"]
ROWS = "document.querySelectorAll('#desk-rows tr').length"


@dataclass
class Desk:
    """A running desk with the parts behind it, and the folder that its index follows."""

    port: int
    index: Index
    sync: Sync
    folder: Path


def fill_folder(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "generator.pdf").write_bytes(make_pdf([*PDF_PAGES, PICTURE_PAGE]))
    (folder / "price list 2023.txt").write_text("The gasket costs nine euros.\n")
    (folder / "price list 2024.txt").write_text("The gasket costs eleven euros.\n")
    (folder / "copy of price list 2024.txt").write_text("The gasket costs eleven euros.\n")
    (folder / "notes.txt").write_text("The key hangs in the hall.\n")
    (folder / "sealed.pdf").write_bytes(b"%PDF-1.4 nothing")


@contextmanager
def desk(
    folder: Path, settings: ServerSettings | None = None, access: Access | None = None,
    curated: Callable[[Service], Service] = lambda service: service,
) -> Iterator[Desk]:  # fmt: skip
    """The service with a folder read in; `curated` adds what is kept beside the documents."""
    documents = folder / "documents"
    fill_folder(documents)
    embedder = HashEmbedder()
    with Index.open(folder / "index", SETTINGS, mode="write", create=True) as index:
        sync = Sync(index, embedder, lambda: Sandbox(ReadOptions(ocr="off"), Limits()), chunk_tokens=64)
        sync.run(documents)
        pipeline = Pipeline(index, Retriever(index, embedder), embedder, None, AskSettings())
        service = Service(
            pipeline, index, sync, pipeline.engine, "0.1.0", SUPPORTED_SUFFIXES, embedder=embedder, access=access
        )
        with serving(curated(service), settings) as port:
            yield Desk(port, index, sync, documents)


def open_desk(browser: Any, port: int, place: str = "") -> None:
    """The browser before the desk, at a tab or one of its places, when it is drawn."""
    browser.driver.get("about:blank")
    browser.open(port, f"/admin{place}")
    browser.wait(
        "document.querySelector('#tabs a[aria-current]') && document.getElementById('tab-panel').children.length"
    )
