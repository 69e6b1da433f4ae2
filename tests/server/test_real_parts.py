"""The service over the real index, sync, readers and pipeline: a PDF goes in, a cited page comes out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from ragedge.answer.gate import Thresholds
from ragedge.ask import AskSettings, Pipeline
from ragedge.contracts import ReadOptions
from ragedge.index.store import Index, IndexSettings
from ragedge.ingest.chunker import CHUNKER_VERSION
from ragedge.ingest.readers import SUPPORTED_SUFFIXES
from ragedge.ingest.sandbox import Limits, Sandbox
from ragedge.ingest.sync import Sync
from ragedge.search.retriever import Retriever
from ragedge.server.settings import Service
from tests.browser.scenes import PDF_PAGES, make_pdf
from tests.fakes import HashEmbedder
from tests.server.clients import open_client, parse_events

SETTINGS = IndexSettings("fake-hash", "0" * 64, 64, "", "", CHUNKER_VERSION, 64)


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient[Litestar]]:
    embedder = HashEmbedder()
    with Index.open(tmp_path / "index", SETTINGS, mode="write", create=True) as index:
        sync = Sync(index, embedder, lambda: Sandbox(ReadOptions(ocr="off"), Limits()), chunk_tokens=64)
        asking = AskSettings(thresholds=Thresholds(bias=100.0))
        pipeline = Pipeline(index, Retriever(index, embedder), embedder, None, asking)
        with open_client(Service(pipeline, index, sync, pipeline.engine, "0.1.0", SUPPORTED_SUFFIXES)) as opened:
            yield opened


def test_a_pdf_goes_in_and_its_page_comes_out_with_the_quote_marked(client: TestClient[Litestar]) -> None:
    content = make_pdf(PDF_PAGES)
    added = client.post("/v1/documents", files={"file": ("generator.pdf", content)})
    assert added.status_code == 201
    document = added.json()["document"]
    assert (document["pages"], document["has_pictures"], document["state"]) == (3, True, "ready")

    reply = client.post("/v1/ask/stream", json={"text": "How tight are the ten head bolts?"})
    events = parse_events(reply.text)
    assert [events[0][0], events[-1][0]] == ["passages", "answer"]
    answer = events[-1][1]
    assert (answer["outcome"], answer["engine"]) == ("answered", "extractive")
    citation = next(c for c in answer["citations"] if "42 Nm" in c["quote"])
    assert (citation["document_id"], citation["span"]["page"]) == (document["id"], 2)

    url = f"/v1/documents/{document['id']}/pages/2"
    page = client.get(url).json()
    span = citation["span"]
    assert page["text"][span["start"] : span["end"]] == citation["quote"]
    picture = client.get(f"{url}/image", params={"quote": citation["quote"]})
    assert picture.status_code == 200 and int(picture.headers["x-ragedge-marks"]) >= 1
    assert client.get(f"/v1/documents/{document['id']}/file").content == content


def test_a_removed_document_is_found_no_more(client: TestClient[Litestar]) -> None:
    added = client.post("/v1/documents", files={"file": ("notes.txt", b"The gasket costs nine euros.")}).json()
    assert added["document"]["title"].startswith("notes")
    assert client.delete(f"/v1/documents/{added['document']['id']}").status_code == 200
    hits = client.post("/v1/ask", json={"text": "What does the gasket cost?"}).json()["hits"]
    assert hits == []
    assert client.get("/v1/index").json()["counts"]["documents"] == 0


def test_rejected_and_doubled_files_are_told_apart(client: TestClient[Litestar]) -> None:
    text = b"The gasket costs nine euros."
    assert client.post("/v1/documents", files={"file": ("a.txt", text)}).json()["is_duplicate"] is False
    assert client.post("/v1/documents", files={"file": ("b.txt", text)}).json()["is_duplicate"] is True
    broken = client.post("/v1/documents", files={"file": ("broken.pdf", b"%PDF-1.4 nothing")})
    assert broken.status_code == 422 and broken.json()["error"]["reason"] == "broken"
    listed = client.get("/v1/documents").json()
    assert (listed["total"], len(listed["documents"][0]["other_paths"]), listed["rejected_total"]) == (1, 1, 1)
    rejected = listed["rejected"][0]["path"]
    assert client.delete("/v1/documents", params={"path": rejected}).status_code == 200
    assert client.delete(f"/v1/documents/{listed['documents'][0]['id']}").status_code == 200
    listed = client.get("/v1/documents").json()
    assert (listed["total"], listed["rejected_total"]) == (0, 0)


def test_filters_and_history_of_a_question_reach_the_search(client: TestClient[Litestar]) -> None:
    assert client.post("/v1/documents", files={"file": ("generator.pdf", make_pdf(PDF_PAGES))}).status_code == 201

    def ask(**body: object) -> dict[str, Any]:
        reply: dict[str, Any] = client.post(
            "/v1/ask", json={"text": "How tight are the ten head bolts?", **body}
        ).json()
        return reply

    assert ask(filters={"media_type": "pdf"})["hits"] and ask(filters={"path": "*generator*"})["hits"]
    assert ask(filters={"media_type": "md"})["hits"] == []
    error = client.post("/v1/ask", json={"text": "How tight?", "filters": {"colour": "red"}})
    assert error.status_code == 400 and "media_type" in error.json()["error"]["hint"]
    streamed = client.post("/v1/ask/stream", json={"text": "How tight?", "filters": {"colour": "red"}})
    assert streamed.status_code == 400
    turn = {
        "question": "How tight are the ten head bolts?",
        "answer": "See the page on the head of the engine.",
    }
    followed = ask(text="And in which order?", history=[turn])
    assert followed["hits"][0]["chunk"]["id"] == ask()["hits"][0]["chunk"]["id"]
