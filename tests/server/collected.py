"""A real index with open, keyed and closed collections, behind keys; the closed ones are full of words of their own.

With `is_bare` the closed documents are not there at all: what a guest sees of both must be the same.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from litestar import Litestar
from litestar.testing import TestClient

from ragedge.answer.gate import Thresholds
from ragedge.answer.pinned import load_pinned
from ragedge.ask import AskSettings, Pipeline
from ragedge.contracts import Block, Document, Page
from ragedge.index.store import FileRow, Index, IndexSettings, NewDocument
from ragedge.ingest.chunker import CHUNKER_VERSION, chunk_document, passage_text
from ragedge.keys import KeyFile
from ragedge.parts import PartedPipeline, Parts
from ragedge.portion import Portion
from ragedge.reviewed import Reviewed
from ragedge.search.collections import Collection, Collections
from ragedge.search.retriever import Retriever
from ragedge.server.access import Access
from ragedge.server.settings import ServerSettings, Service
from ragedge.tasks import Tasks
from tests.fakes import HashEmbedder
from tests.fakes_generator import FakeGenerator
from tests.server.clients import open_client
from tests.server.fakes import SUFFIXES, FakeIndex, FakeSyncer
from tests.server.keyed import UNLIMITED, make_keys

SETTINGS = IndexSettings("fake-hash", "0" * 64, 64, "", "", CHUNKER_VERSION, 64)
COLLECTIONS = (
    Collection("guides", "Guides", ("guides/*",)),
    Collection("rota", "Staff rota", ("rota",), "visitor"),
    Collection("prices", "Price lists", ("prices/*", "*.tariff"), "curator"),
)

#: path -> title and text. Every word in capitals below stands in closed documents alone.
OPEN = {
    "guides/pump.txt": ("Pump guide", "The pump head bolts take 12 Nm, tightened crosswise in two steps."),
    "guides/report 2022.txt": ("Report", "The yearly report counts nine pumps sold in spring."),
    "notes.txt": ("Notes", "The filter cap is tightened by hand until it stops."),
}
KEYED = {"rota/week.txt": ("Rota VERTUMNUS", "SEPTIMUS opens the workshop on Monday, the pump stays with ANSELMA.")}
CLOSED = {
    "prices/QUILLWORT list.txt": (
        "Tariff MARCASITE",
        "A pump costs dealers 4711 ZECCHINI, code ZQ-4711, HELIOTROPE.",
    ),
    "prices/report 2023.txt": ("Report", "The yearly report counts CHALCEDONY margins on every pump sold."),
    "guides/PERIWINKLE.tariff": ("Pump guide tariff", "The pump head bolts are sold by LAPISLAZULI at a margin of 61."),
}
KEYED_WORDS = ("VERTUMNUS", "SEPTIMUS", "ANSELMA", "rota/week")
CLOSED_WORDS = (
    "QUILLWORT", "MARCASITE", "ZECCHINI", "HELIOTROPE", "CHALCEDONY", "PERIWINKLE", "LAPISLAZULI", "report 2023",
    "MALACHITE", "VERMILION", "CORNFLOWER", "Price lists",
)  # fmt: skip
PINNED = """
[[answer]]
questions = ["What do dealers pay?", "dealer price"]
text = "Dealers pay the price of the list MALACHITE."
source = {path = "prices/QUILLWORT list.txt"}

[[answer]]
questions = ["How tight are the bolts?"]
text = "Twelve newton metres."
source = {path = "guides/pump.txt"}
"""


class PiecesEmbedder(HashEmbedder):
    """Takes a word apart as a tokenizer does that does not know it, so that mistyped words are put right."""

    def token_spans(self, text: str) -> list[tuple[int, int]]:
        return [match.span() for match in re.finditer(r"\w{1,4}|[^\w\s]", text)]


def document_id(path: str) -> str:
    """Of one of the documents above."""
    text = {**OPEN, **KEYED, **CLOSED}[path][1]
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def put(index: Index, embedder: HashEmbedder, folder: Path, path: str, title: str, text: str) -> None:
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    source = folder / sha256
    source.write_text(text)
    pages = (Page(1, None, text, "text", (Block("text", 0, len(text)),)),)
    document = Document(sha256[:16], path, title, "text/plain", len(text), None, {}, pages)
    chunks = chunk_document(document, token_spans=embedder.token_spans, max_tokens=64)
    vectors = embedder.embed_passages([passage_text(title, chunk) for chunk in chunks])
    index.put([NewDocument(document, chunks, vectors, FileRow(path, len(text), 1, sha256, document.id), source)])


def fill(index: Index, embedder: HashEmbedder, folder: Path, *, is_bare: bool) -> None:
    """The documents, and rejected files; bare: the open ones only."""
    texts = OPEN if is_bare else {**OPEN, **KEYED, **CLOSED}
    for path, (title, text) in texts.items():
        put(index, embedder, folder, path, title, text)
    index.put_files([FileRow("guides/broken.pdf", 3, 1, "a" * 64, None, "broken", "it ends early")])
    if not is_bare:
        index.put_files([FileRow("prices/VERMILION.pdf", 3, 1, "b" * 64, None, "encrypted", "CORNFLOWER wanted")])


def make_pipeline(index: Index, embedder: HashEmbedder, folder: Path, bias: float) -> PartedPipeline:
    """As `assemble` does it."""
    asking = AskSettings(thresholds=Thresholds(bias=bias))
    file = folder / "pinned.toml"
    file.write_text(PINNED)
    answers = load_pinned(file)

    def over(part: Portion, _: Pipeline) -> Pipeline:
        given = Reviewed(answers, part, needs_source=True)
        return Pipeline(part, Retriever(part, embedder), embedder, None, asking, reviewed=given)

    whole = (index, Retriever(index, embedder), embedder, None, asking)
    parts = Parts(index, Collections(COLLECTIONS))
    return PartedPipeline(*whole, parts=parts, make=over, reviewed=Reviewed(answers, index))


@contextmanager
def collected(
    folder: Path,
    *,
    is_bare: bool = False,
    bias: float = 100.0,
    settings: ServerSettings = UNLIMITED,
    has_keys: bool = True,
) -> Iterator[tuple[TestClient[Litestar], dict[str, str], Service]]:
    """A client without a key, the tokens by role, and the service. Guests may ask."""
    folder.mkdir(parents=True, exist_ok=True)
    embedder = PiecesEmbedder()
    file: KeyFile
    file, tokens = make_keys(folder)
    with Index.open(folder / "index", SETTINGS, mode="write", create=True) as index:
        fill(index, embedder, folder, is_bare=is_bare)
        pipeline = make_pipeline(index, embedder, folder, bias)
        (folder / "uploads").mkdir()
        syncer = FakeSyncer(FakeIndex(folder / "uploads"))  # nothing is changed in these tests
        service = Service(
            pipeline, index, syncer, pipeline.engine, "0.1.0", SUFFIXES, embedder=embedder, parts=pipeline.parts
        )
        speaker = FakeGenerator(said="It is said in other words.")
        tasks = Tasks(index, embedder, speaker, pipeline.settings, parts=pipeline.parts)
        service = replace(service, tasks=tasks)
        if has_keys:
            service = replace(service, access=Access(file, guests=True))
        with open_client(service, settings) as client:
            yield client, tokens, service
