"""Searching over HTTP: the first event alone, its place given back, nothing of an answer waited for."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from ragedge.errors import Busy
from ragedge.server.settings import ServerSettings
from ragedge.views import passages_view
from tests.server.clients import ask_head, open_client, raw_request, serving
from tests.server.fakes import FakePipeline, make_events, make_hit, make_passages, make_service


def test_a_search_is_the_first_event_and_ends_the_pipeline(tmp_path: Path) -> None:
    service = make_service(tmp_path, [make_events()[0], threading.Event(), *make_events()[1:]])
    pipeline = service.pipeline
    assert isinstance(pipeline, FakePipeline)
    with open_client(service) as client:
        reply = client.post("/v1/search", json={"text": "torque", "top_k": 3, "filters": {"a": "b"}, "language": "de"})
        assert client.get("/v1/health").json()["questions"] == 0
    wanted = passages_view(make_passages((make_hit(),)), {"0123456789abcdef": {1: "iv"}})
    assert reply.status_code == 200 and reply.json() == json.loads(json.dumps(wanted))
    question = pipeline.questions[0]
    assert (question.text, question.top_k, question.filters, question.language) == ("torque", 3, {"a": "b"}, "de")
    assert pipeline.open_count == 0 and not pipeline.waiting.acquire(blocking=False)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"text": ""}, "bad_question"), ({}, "bad_request"), ({"text": "x", "history": []}, "bad_request"),
        ({"text": "x", "top_k": 51}, "bad_request"), ({"text": "x" * 2001}, "bad_question"),
    ],
)  # fmt: skip
def test_bad_searches_are_refused_in_the_one_shape(tmp_path: Path, body: dict, code: str) -> None:
    with open_client(make_service(tmp_path)) as client:
        reply = client.post("/v1/search", json=body)
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, code)
    assert reply.json()["error"]["hint"]


def test_a_busy_box_and_an_empty_pipeline_are_told(tmp_path: Path) -> None:
    with open_client(make_service(tmp_path / "a", [Busy("full", "come back", 7)])) as client:
        reply = client.post("/v1/search", json={"text": "x"})
        assert (reply.status_code, reply.headers["retry-after"]) == (503, "7")
    with open_client(make_service(tmp_path / "b", [])) as client:
        assert client.post("/v1/search", json={"text": "x"}).json()["error"]["code"] == "answer_error"


def test_hanging_up_frees_the_place(tmp_path: Path) -> None:
    service = make_service(tmp_path, [threading.Event()])
    pipeline = service.pipeline
    assert isinstance(pipeline, FakePipeline)
    body = b'{"text":"q"}'
    with serving(service, ServerSettings(queue_limit=1)) as port:
        connection = raw_request(port, ask_head(port, len(body), "/v1/search"), body)
        assert pipeline.waiting.acquire(timeout=10)
        connection.close()
        assert pipeline.closed.acquire(timeout=10) and pipeline.was_cancelled
