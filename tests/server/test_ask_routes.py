"""Asking over HTTP: order of events, limits, errors in one shape, and a queue that says when it is full."""

from __future__ import annotations

import json
import logging
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from ragedge.contracts import Piece
from ragedge.errors import Busy, ModelMissing, PromptTooLong, RagedgeError, RemoteFailed
from ragedge.server.admission import Admission
from ragedge.server.problems import explain
from ragedge.server.settings import ServerSettings
from ragedge.views import answer_view
from tests.server.clients import ask_head, open_client, parse_events, raw_request, read_until, serving
from tests.server.fakes import FakePipeline, make_answer, make_events, make_hit, make_passages, make_service


def test_an_answer_is_the_view_of_the_pipelines_answer(tmp_path: Path) -> None:
    service = make_service(tmp_path)
    with open_client(service) as client:
        reply = client.post("/v1/ask", json={"text": "what torque?"})
    assert reply.status_code == 200
    assert reply.json() == json.loads(json.dumps(answer_view(make_answer((make_hit(),)))))
    assert service.pipeline.questions[0].text == "what torque?"


def test_every_field_of_a_question_arrives(tmp_path: Path) -> None:
    service = make_service(tmp_path)
    body = {
        "text": "and then?", "collection": "c", "history": [{"question": "a", "answer": "b"}], "filters": {"k": "v"},
        "top_k": 3, "max_answer_tokens": 50, "temperature": 0.5, "seed": 4, "language": "de",
    }  # fmt: skip
    with open_client(service) as client:
        assert client.post("/v1/ask", json=body).status_code == 200
    question = service.pipeline.questions[0]
    assert (question.history[0].question, question.history[0].answer) == ("a", "b")
    assert (question.collection, question.filters, question.top_k) == ("c", {"k": "v"}, 3)
    assert (question.max_answer_tokens, question.temperature, question.seed, question.language) == (50, 0.5, 4, "de")


def test_a_stream_is_passages_then_pieces_then_the_answer(tmp_path: Path) -> None:
    with open_client(make_service(tmp_path)) as client:
        reply = client.post("/v1/ask/stream", json={"text": "what torque?"})
    assert reply.headers["content-type"].startswith("text/event-stream")
    events = parse_events(reply.text)
    names = [name for name, _ in events]
    assert names == ["passages", *["piece"] * (len(names) - 2), "answer"]
    assert len(names) > 5
    assert "".join(data["text"] for name, data in events if name == "piece") == events[-1][1]["text"]
    assert events[0][1]["page_labels"] == {"0123456789abcdef": {"1": "iv"}}


def test_line_breaks_in_text_do_not_break_events(tmp_path: Path) -> None:
    hits = (make_hit(text="a\n\nevent: answer\ndata: {}\r\n\r\n\u2028b"),)
    events = [make_passages(hits), Piece("x\n\ny"), make_answer(hits, "x\n\nevent: error")]
    with open_client(make_service(tmp_path, events)) as client:
        got = parse_events(client.post("/v1/ask/stream", json={"text": "q"}).text)
    assert [name for name, _ in got] == ["passages", "piece", "answer"]
    assert got[2][1]["text"] == "x\n\nevent: error"


def test_passages_come_before_the_pipeline_goes_on(tmp_path: Path) -> None:
    gate = threading.Event()
    events = make_events()
    with serving(make_service(tmp_path, [events[0], gate, *events[1:]])) as port:
        body = b'{"text":"q"}'
        with raw_request(port, ask_head(port, len(body)), body) as connection:
            seen = read_until(connection, b"event: passages")
            assert b"event: answer" not in seen
            gate.set()
            assert b'"outcome":"answered"' in read_until(connection, b"0\r\n\r\n")


BAD_BODIES: list[tuple[Any, int, str]] = [
    ({}, 400, "bad_request"),
    ({"question": "x"}, 400, "bad_request"),
    ({"text": "x", "topk": 3}, 400, "bad_request"),
    ({"text": 5}, 400, "bad_request"),
    ({"text": None}, 400, "bad_request"),
    ([], 400, "bad_request"),
    ("x", 400, "bad_request"),
    ({"text": "x", "top_k": 0}, 400, "bad_request"),
    ({"text": "x", "top_k": 10**6}, 400, "bad_request"),
    ({"text": "x", "temperature": -1}, 400, "bad_request"),
    ({"text": "x", "seed": 2**80}, 400, "bad_request"),
    ({"text": "x", "history": [{"question": "a"}]}, 400, "bad_request"),
    ({"text": "x", "history": [{"question": "a", "answer": "b", "role": "c"}]}, 400, "bad_request"),
    ({"text": "x", "history": [{"question": "a", "answer": "b"}] * 51}, 400, "bad_request"),
    ({"text": "x", "filters": {"a": 1}}, 400, "bad_request"),
    ({"text": ""}, 400, "bad_question"),
    ({"text": " \n\t "}, 400, "bad_question"),
    ({"text": "x" * 2001}, 400, "bad_question"),
    ({"text": "x", "history": [{"question": "y" * 2001, "answer": ""}]}, 400, "bad_question"),
    ({"text": "x" * 70_000}, 413, "too_large"),
]


@pytest.mark.parametrize(("body", "status", "code"), BAD_BODIES)
@pytest.mark.parametrize("path", ["/v1/ask", "/v1/ask/stream"])
def test_bad_questions_never_reach_the_pipeline(tmp_path: Path, path: str, body: Any, status: int, code: str) -> None:
    service = make_service(tmp_path)
    with open_client(service) as client:
        reply = client.post(path, json=body)
    assert (reply.status_code, reply.json()["error"]["code"]) == (status, code)
    assert set(reply.json()["error"]) == {"code", "message", "hint", "request_id"}
    assert reply.json()["error"]["request_id"] == reply.headers["x-request-id"]
    assert service.pipeline.questions == []


@pytest.mark.parametrize("body", [b"", b"{", b'{"text": "\xff"}', b"\x00", b'{"text":"a"}{"text":"b"}', b"[" * 3000])
def test_bodies_that_are_no_json_are_bad_requests(tmp_path: Path, body: bytes) -> None:
    with open_client(make_service(tmp_path)) as client:
        reply = client.post("/v1/ask", content=body, headers={"Content-Type": "application/json"})
    assert reply.status_code == 400
    assert reply.json()["error"]["code"] in ("bad_request", "bad_question")


def test_a_misspelt_field_is_named(tmp_path: Path) -> None:
    with open_client(make_service(tmp_path)) as client:
        reply = client.post("/v1/ask", json={"text": "x", "topk": 3})
    assert "topk" in reply.json()["error"]["message"]


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Busy("full", "come back", 7), 503, "busy"),
        (ModelMissing("no model", "fetch it"), 503, "model_missing"),
        (PromptTooLong("too long", "ask less"), 400, "prompt_too_long"),
        (RemoteFailed("away", "look"), 502, "remote_failed"),
        (ValueError("secret words of a question"), 500, "internal_error"),
    ],
)
@pytest.mark.parametrize("path", ["/v1/ask", "/v1/ask/stream"])
def test_a_failure_before_the_first_event_is_a_real_status(
    tmp_path: Path, path: str, error: Exception, status: int, code: str
) -> None:
    service = make_service(tmp_path, [error])
    with open_client(service) as client:
        reply = client.post(path, json={"text": "q"})
        assert client.get("/v1/health").json()["questions"] == 0
    assert (reply.status_code, reply.json()["error"]["code"]) == (status, code)
    assert reply.headers.get("retry-after") == ("7" if code == "busy" else None)
    assert "secret" not in reply.text and "Traceback" not in reply.text


def test_a_failure_after_the_first_event_is_an_error_event_in_the_same_shape(tmp_path: Path) -> None:
    events = [*make_events()[:3], PromptTooLong("too long", "ask less")]
    with open_client(make_service(tmp_path, events)) as client:
        reply = client.post("/v1/ask/stream", json={"text": "q"})
    name, data = parse_events(reply.text)[-1]
    assert reply.status_code == 200 and name == "error"
    assert data["error"]["code"] == "prompt_too_long" and data["error"]["hint"] == "ask less"
    assert data["error"]["request_id"] == reply.headers["x-request-id"]


def test_a_pipeline_that_ends_without_an_answer_is_an_error(tmp_path: Path) -> None:
    with open_client(make_service(tmp_path, make_events()[:2])) as client:
        reply = client.post("/v1/ask", json={"text": "q"})
    assert (reply.status_code, reply.json()["error"]["code"]) == (500, "answer_error")


def all_errors(root: type[RagedgeError] = RagedgeError) -> list[type[RagedgeError]]:
    return [root, *[deep for child in root.__subclasses__() for deep in all_errors(child)]]


@pytest.mark.parametrize("kind", all_errors(), ids=lambda kind: kind.__name__)
def test_every_error_has_its_status_and_the_one_shape(kind: type[RagedgeError]) -> None:
    error = kind("broken", "what happened", "what to do") if kind.__name__ == "UnreadableDocument" else None
    error = error or kind("what happened", "what to do")
    status, view = explain(error, "id1")
    assert status == kind.http_status and 400 <= status <= 599
    assert view["error"]["code"] == error.code
    assert view["error"]["message"] == "what happened" and view["error"]["hint"] == "what to do"
    assert view["error"]["request_id"] == "id1"


def test_a_full_disk_is_told_as_such() -> None:
    status, view = explain(OSError(28, "No space left on device"), "id")
    assert (status, view["error"]["code"]) == (507, "disk_full")


def test_words_of_a_question_reach_no_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    secret = "zanzibar-4711"
    with open_client(make_service(tmp_path, [ValueError(f"cannot read {secret}")])) as client:
        reply = client.post("/v1/ask", json={"text": secret})
        client.post("/v1/ask", json={"text": secret, "wrong": secret})
    ours = [record for record in caplog.records if record.name.startswith(("ragedge", "litestar", "uvicorn"))]
    assert any(reply.headers["x-request-id"] in record.getMessage() for record in ours)
    assert any("ValueError" in record.getMessage() for record in ours)
    assert not any(secret in record.getMessage() or record.exc_info for record in ours)


def test_the_queue_refuses_at_once_when_it_is_full_and_recovers(tmp_path: Path) -> None:
    gate = threading.Event()
    events = make_events()
    service = make_service(tmp_path, [events[0], gate, *events[1:]])
    body = b'{"text":"q"}'
    with serving(service, ServerSettings(queue_limit=2)) as port:
        waiting = [raw_request(port, ask_head(port, len(body)), body) for _ in range(2)]
        for connection in waiting:
            read_until(connection, b"event: passages")
        for path in ("/v1/ask", "/v1/ask/stream"):
            with raw_request(port, ask_head(port, len(body), path), body) as refused:
                reply = read_until(refused, b'"request_id"')
            assert reply.startswith(b"HTTP/1.1 503") and b"retry-after: 5" in reply
        gate.set()
        for connection in waiting:
            assert b"event: answer" in read_until(connection, b"0\r\n\r\n")
            connection.close()
        for _ in range(2):
            assert service.pipeline.closed.acquire(timeout=10)
        wait_until_idle(port)
        with raw_request(port, ask_head(port, len(body), "/v1/ask"), body) as connection:
            assert read_until(connection, b'"outcome"').startswith(b"HTTP/1.1 200")


def test_one_caller_never_gets_the_last_quarter_of_the_places_and_names_are_forgotten() -> None:
    admission = Admission(8, what="questions", retry_after_s=5)
    for _ in range(6):
        admission.enter("greedy")
    with pytest.raises(Busy) as caught:
        admission.enter("greedy")
    assert caught.value.retry_after_s == 5
    admission.enter("other")
    admission.enter("third")
    with pytest.raises(Busy):
        admission.enter("fourth")
    for name in ("greedy",) * 6 + ("other", "third"):
        admission.leave(name)
    assert admission.taken == 0 and not admission._held


def test_the_model_is_told_who_asks_so_that_its_queue_is_fair(tmp_path: Path) -> None:
    service = make_service(tmp_path)
    body = b'{"text":"q"}'
    with serving(service, ServerSettings()) as port:
        for path in ("/v1/ask", "/v1/ask/stream"):
            with raw_request(port, ask_head(port, len(body), path), body) as connection:
                read_until(connection, b'"outcome"')
    assert service.pipeline.clients == ["127.0.0.1"] * 2


@pytest.mark.parametrize("path", ["/v1/ask", "/v1/ask/stream"])
def test_hanging_up_frees_the_pipeline_and_the_place(tmp_path: Path, path: str) -> None:
    never = threading.Event()
    service = make_service(tmp_path, [make_events()[0], never])
    pipeline = service.pipeline
    assert isinstance(pipeline, FakePipeline)
    body = b'{"text":"q"}'
    with serving(service, ServerSettings(queue_limit=1)) as port:
        for _ in range(5):  # a place that leaked would refuse the second
            connection = raw_request(port, ask_head(port, len(body), path), body)
            if path.endswith("stream"):
                assert read_until(connection, b"event: passages").startswith(b"HTTP/1.1 200")
            assert pipeline.waiting.acquire(timeout=10)
            connection.close()
            assert pipeline.closed.acquire(timeout=10)
            assert pipeline.was_cancelled
            assert pipeline.open_count == 0
            wait_until_idle(port)


def wait_until_idle(port: int) -> None:
    """The place is given back just after the generator is closed."""
    head = f"GET /v1/health HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close".encode()
    for _ in range(1_000):
        with raw_request(port, head) as connection:
            if b'"questions":0' in read_until(connection, b"queue_limit"):
                return
    raise AssertionError("a place was never given back")


def test_time_out_cancels_the_question(tmp_path: Path) -> None:
    service = make_service(tmp_path, [make_events()[0], threading.Event()])
    with open_client(service, ServerSettings(question_timeout_s=0.05)) as client:
        reply = client.post("/v1/ask/stream", json={"text": "q"})
    assert [name for name, _ in parse_events(reply.text)] == ["passages"]
    assert service.pipeline.was_cancelled


def test_ending_the_service_stops_open_questions_at_once(tmp_path: Path) -> None:
    service = make_service(tmp_path, [make_events()[0], threading.Event()])
    body = b'{"text":"q"}'
    with serving(service) as port:
        connection = raw_request(port, ask_head(port, len(body)), body)
        read_until(connection, b"event: passages")
        asked_to_end = time.monotonic()
    assert time.monotonic() - asked_to_end < 2.5  # uvicorn itself would wait three seconds
    assert service.pipeline.was_cancelled  # `serving` has joined the server by now
    connection.close()
