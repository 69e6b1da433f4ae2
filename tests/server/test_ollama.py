"""Ollama's own client against the running service: chats, lines, names, and refusals it can read."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ollama
import pytest

from ragedge.errors import Busy, PromptTooLong
from ragedge.server.settings import ServerSettings, Service
from tests.server.clients import open_client, serving
from tests.server.fakes import make_answer, make_events, make_hit, make_passages, make_service
from tests.server.test_openai import refusal

ASK = [{"role": "user", "content": "what torque?"}]
BODY = {"model": "ragedge", "messages": ASK}


@contextmanager
def opened(service: Service, settings: ServerSettings | None = None) -> Iterator[ollama.Client]:
    with serving(service, settings) as port, ollama.Client(f"http://127.0.0.1:{port}", timeout=20) as client:
        yield client


def test_a_chat_holds_the_answer_and_the_models_figures(tmp_path: Path) -> None:
    with opened(make_service(tmp_path)) as client:
        reply = client.chat("ragedge", messages=ASK)
    assert reply.message.content == make_answer((make_hit(),)).text
    assert (reply.done, reply.done_reason, reply.model) == (True, "stop", "ragedge")
    assert (reply.prompt_eval_count, reply.eval_count, reply.eval_duration) == (300, 20, 1_000_000_000)
    assert reply.total_duration is not None and reply.total_duration > 0


def test_a_stream_is_lines_of_which_the_last_is_done(tmp_path: Path) -> None:
    with opened(make_service(tmp_path)) as client:
        parts = list(client.chat("ragedge:latest", messages=ASK, stream=True))
    assert "".join(part.message.content or "" for part in parts) == make_answer((make_hit(),)).text
    assert [part.done for part in parts] == [False] * (len(parts) - 1) + [True] and len(parts) > 5


def test_without_a_word_about_it_the_reply_is_a_stream_with_sources_in_its_last_line(tmp_path: Path) -> None:
    with open_client(make_service(tmp_path)) as client:
        reply = client.post("/api/chat", json=BODY)
    assert reply.headers["content-type"] == "application/x-ndjson"
    lines = [json.loads(line) for line in reply.text.splitlines()]
    assert lines[-1]["ragedge"]["outcome"] == "answered"
    assert lines[-1]["ragedge"]["sources"][0]["url"] == "http://127.0.0.1:8321/source/0123456789abcdef/1"


@pytest.mark.parametrize("is_streamed", [False, True])
def test_a_refusal_is_said_as_text(tmp_path: Path, is_streamed: bool) -> None:
    with opened(make_service(tmp_path, refusal())) as client:
        if is_streamed:
            parts = list(client.chat("ragedge", messages=ASK, stream=True))
            text = "".join(part.message.content or "" for part in parts)
        else:
            reply = client.chat("ragedge", messages=ASK)
            text = reply.message.content or ""
            assert reply.eval_count is None  # no model spoke
    assert text == "This is not in these documents."


def test_the_model_with_sources_names_the_closest_passages_of_a_refusal(tmp_path: Path) -> None:
    with opened(make_service(tmp_path, refusal())) as client:
        text = client.chat("ragedge-sources", messages=ASK).message.content or ""
    assert "Closest passages:\n- [Pump manual, page 1](http://127.0.0.1:" in text


def test_options_and_history_arrive(tmp_path: Path) -> None:
    service = make_service(tmp_path)
    talk = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}, *ASK]
    with opened(service) as client:
        client.chat("ragedge", messages=talk, options={"temperature": 0.5, "seed": 4, "num_predict": 50, "top_k": 40})
        client.chat("ragedge", messages=ASK, options={"num_predict": -1})
    first, second = service.pipeline.questions  # type: ignore[attr-defined]
    assert (first.history[0].question, first.history[0].answer, first.text) == ("a", "b", "what torque?")
    assert (first.temperature, first.seed, first.max_answer_tokens) == (0.5, 4, 50)
    assert second.max_answer_tokens is None


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"model": "llama3"}, 404), ({"messages": []}, 400), ({"format": "json"}, 400),
        ({"messages": [{"role": "assistant", "content": "x"}]}, 400), ({"messages": "x"}, 400),
    ],
)  # fmt: skip
@pytest.mark.parametrize("is_streamed", [False, True])
def test_refusals_are_one_line_of_text(tmp_path: Path, change: dict[str, Any], status: int, is_streamed: bool) -> None:
    with open_client(make_service(tmp_path)) as client:
        reply = client.post("/api/chat", json={**BODY, "stream": is_streamed, **change})
    assert reply.status_code == status and list(reply.json()) == ["error"]
    assert ": " in reply.json()["error"] and len(reply.headers["x-request-id"]) == 16


def test_the_client_raises_its_own_errors(tmp_path: Path) -> None:
    with opened(make_service(tmp_path)) as client, pytest.raises(ollama.ResponseError, match="use ragedge") as caught:
        client.chat("llama3", messages=ASK)
    assert caught.value.status_code == 404


def test_a_full_queue_is_a_503_with_a_time_to_come_back(tmp_path: Path) -> None:
    with open_client(make_service(tmp_path, [Busy("full", "come back", 7)])) as client:
        reply = client.post("/api/chat", json=BODY)
    assert (reply.status_code, reply.json(), reply.headers["retry-after"]) == (503, {"error": "full: come back"}, "7")


def test_a_failure_in_the_middle_reaches_the_client_as_an_error(tmp_path: Path) -> None:
    service = make_service(tmp_path, [*make_events()[:3], PromptTooLong("too long", "ask less")])
    with opened(service) as client, pytest.raises(ollama.ResponseError, match="too long: ask less"):
        list(client.chat("ragedge", messages=ASK, stream=True))


def test_a_stream_that_runs_out_of_time_does_not_look_whole(tmp_path: Path) -> None:
    service = make_service(tmp_path, [*make_events()[:3], threading.Event()])
    settings = ServerSettings(question_timeout_s=0.05)
    with opened(service, settings) as client, pytest.raises(ollama.ResponseError, match="without an answer"):
        list(client.chat("ragedge", messages=ASK, stream=True))


def test_line_breaks_stay_inside_a_line(tmp_path: Path) -> None:
    hits = (make_hit(),)
    answer = make_answer(hits, 'a\n{"done":true}\r\nb')
    with opened(make_service(tmp_path, [make_passages(hits), answer])) as client:
        assert [part.message.content for part in client.chat("ragedge", messages=ASK, stream=True)] == [answer.text]


def test_names_versions_and_details_are_what_the_client_expects(tmp_path: Path) -> None:
    with opened(make_service(tmp_path)) as client:
        assert [model.model for model in client.list().models] == ["ragedge:latest", "ragedge-sources:latest"]
        assert client.show("ragedge").capabilities == ["completion"]
        with pytest.raises(ollama.ResponseError):
            client.show("llama3")
    with open_client(make_service(tmp_path)) as plain:
        assert plain.get("/api/version").json() == {"version": "0.1.0"}


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/api/nowhere", 404), ("GET", "/api/chat", 405)])
def test_what_no_route_takes_is_refused_in_the_same_shape(tmp_path: Path, method: str, path: str, status: int) -> None:
    with open_client(make_service(tmp_path)) as client:
        reply = client.request(method, path)
        foreign = client.get("/api/tags", headers={"Host": "evil.example"})
        crossing = client.get("/api/tags", headers={"Sec-Fetch-Site": "cross-site"})
    assert reply.status_code == status and isinstance(reply.json()["error"], str)
    assert foreign.status_code == 403 and "not called" in foreign.json()["error"]
    assert crossing.status_code == 403
