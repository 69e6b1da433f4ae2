"""The service over a real model in its process: a closed page frees it, its death is an answer's error and no more."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from ragedge.answer.gate import Thresholds
from ragedge.answer.process_generator import ProcessGenerator
from ragedge.ask import AskSettings, Pipeline
from ragedge.contracts import ReadOptions
from ragedge.index.store import Index, IndexSettings
from ragedge.ingest.chunker import CHUNKER_VERSION
from ragedge.ingest.sandbox import Limits, Sandbox
from ragedge.ingest.sync import Sync
from ragedge.search.retriever import Retriever
from ragedge.server.settings import ServerSettings, Service
from tests.fakes import HashEmbedder
from tests.server.clients import ask_head, raw_request, read_until, serving
from tests.server.test_ask_routes import wait_until_idle
from tests.tiny_gguf import make_tiny_gguf

SETTINGS = IndexSettings("fake-hash", "0" * 64, 64, "", "", CHUNKER_VERSION, 64)
ENDLESS = json.dumps({"text": "What does the gasket cost?", "max_answer_tokens": 3000}).encode()
SHORT = json.dumps({"text": "What does the gasket cost?", "max_answer_tokens": 4}).encode()


@pytest.fixture
def running(tmp_path: Path) -> Iterator[tuple[int, ProcessGenerator]]:
    """Port and generator of a service whose model has no queue: it answers only while it is free."""
    (tmp_path / "documents").mkdir()
    (tmp_path / "documents" / "notes.txt").write_text("The gasket costs nine euros. The pump is dry.")
    embedder = HashEmbedder()
    path = make_tiny_gguf(tmp_path / "random.gguf")
    generator = ProcessGenerator(path, context_tokens=4096, threads=1, queue_limit=0)
    with Index.open(tmp_path / "index", SETTINGS, mode="write", create=True) as index:
        Sync(index, embedder, lambda: Sandbox(ReadOptions(ocr="off"), Limits()), chunk_tokens=64).run(
            tmp_path / "documents"
        )
        asking = AskSettings(thresholds=Thresholds(bias=100.0))
        pipeline = Pipeline(index, Retriever(index, embedder), embedder, generator, asking)
        try:
            with serving(Service(pipeline, index, None, pipeline.engine, "0.1.0"), ServerSettings()) as port:
                yield port, generator
        finally:
            generator.close()


def test_a_closed_page_frees_the_model_and_the_same_process_answers_the_next(
    running: tuple[int, ProcessGenerator],
) -> None:
    port, generator = running
    for _ in range(3):
        connection = raw_request(port, ask_head(port, len(ENDLESS)), ENDLESS)
        read_until(connection, b"event: piece")
        with raw_request(port, ask_head(port, len(SHORT), "/v1/ask"), SHORT) as refused:
            reply = read_until(refused, b'"request_id"')
        assert reply.startswith(b"HTTP/1.1 503") and b"retry-after: " in reply
        connection.close()
        wait_until_idle(port)
        pid = generator.pid
        with raw_request(port, ask_head(port, len(SHORT), "/v1/ask"), SHORT) as answered:
            assert b'"engine":"llama:random"' in read_until(answered, b'"stats"')
        assert generator.pid == pid


def test_when_the_model_dies_the_answer_ends_with_an_error_and_the_service_answers_on(
    running: tuple[int, ProcessGenerator],
) -> None:
    port, generator = running
    for _ in range(2):
        with raw_request(port, ask_head(port, len(ENDLESS)), ENDLESS) as connection:
            read_until(connection, b"event: piece")
            assert generator.pid is not None
            os.kill(generator.pid, signal.SIGKILL)
            assert b'"code":"model_crashed"' in read_until(connection, b"request_id")
        wait_until_idle(port)
        with raw_request(port, ask_head(port, len(SHORT), "/v1/ask"), SHORT) as answered:
            reply = read_until(answered, b'"stats"')
        assert reply.startswith(b"HTTP/1.1 200") and b'"engine":"llama:random"' in reply
