"""OpenAI's own client against the running service: chats, streams, embeddings, and refusals it can read."""

from __future__ import annotations

import base64
import json
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import openai
import pytest

from ragedge.contracts import Piece
from ragedge.errors import Busy, ModelMissing, PromptTooLong
from ragedge.server.settings import ServerSettings, Service
from tests.fakes import HashEmbedder
from tests.server.clients import ask_head, open_client, raw_request, read_until, serving
from tests.server.fakes import QUOTE, FakePipeline, make_answer, make_events, make_hit, make_passages, make_service

ASK = [{"role": "user", "content": "what torque?"}]
BODY = {"model": "ragedge", "messages": ASK}


@contextmanager
def opened(service: Service, settings: ServerSettings | None = None) -> Iterator[openai.OpenAI]:
    with (
        serving(service, settings) as port,
        openai.OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="none", max_retries=0, timeout=20) as client,
    ):
        yield client


def refusal(text: str = "This is not in these documents.") -> list[object]:
    hits = (make_hit(),)
    answer = make_answer(hits, text, outcome="abstained", citations=(), unsupported=(), engine="none", stats=None)
    return [make_passages(hits), answer]


def test_a_completion_holds_the_answer_the_counts_and_the_sources(tmp_path: Path) -> None:
    with opened(make_service(tmp_path)) as client:
        done = client.chat.completions.create(model="ragedge", messages=ASK)
        assert len(done._request_id or "") == 16
    answer = make_answer((make_hit(),))
    assert done.choices[0].message.content == answer.text
    assert (done.choices[0].message.role, done.choices[0].finish_reason) == ("assistant", "stop")
    assert done.usage is not None
    assert (done.usage.prompt_tokens, done.usage.completion_tokens, done.usage.total_tokens) == (300, 20, 320)
    extra: dict[str, Any] = done.ragedge  # type: ignore[attr-defined]
    assert (extra["outcome"], extra["engine"]) == ("answered", "llama:tiny.gguf")
    citation = extra["citations"][0]
    assert citation["quote"] == QUOTE
    span = citation["span"]
    assert citation["url"].endswith(f"/source/0123456789abcdef/1?start={span['start']}&end={span['end']}#quote")
    assert extra["sources"][0]["document_path"] == "manual.txt" and extra["sources"][0]["pages"] == [1]


def test_a_stream_says_the_same_in_pieces_with_sources_first(tmp_path: Path) -> None:
    with opened(make_service(tmp_path)) as client:
        stream = client.chat.completions.create(
            model="ragedge", messages=ASK, stream=True, stream_options={"include_usage": True}
        )
        chunks = list(stream)
    assert chunks[0].ragedge["sources"][0]["document_path"] == "manual.txt"  # type: ignore[attr-defined]
    assert chunks[0].choices[0].delta.role == "assistant"
    texts = [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]
    assert "".join(texts) == make_answer((make_hit(),)).text and len(texts) > 5
    assert [c.choices[0].finish_reason for c in chunks if c.choices and c.choices[0].finish_reason] == ["stop"]
    assert chunks[-2].ragedge["outcome"] == "answered"  # type: ignore[attr-defined]
    assert chunks[-1].choices == [] and chunks[-1].usage is not None and chunks[-1].usage.completion_tokens == 20
    assert len({chunk.id for chunk in chunks}) == 1


def test_the_async_client_streams_too(tmp_path: Path) -> None:
    import anyio

    async def read(port: int) -> str:
        async with openai.AsyncOpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="x", max_retries=0) as client:
            stream = await client.chat.completions.create(model="ragedge", messages=ASK, stream=True)  # type: ignore
            return "".join([c.choices[0].delta.content or "" async for c in stream])

    with serving(make_service(tmp_path)) as port:
        assert anyio.run(read, port) == make_answer((make_hit(),)).text


@pytest.mark.parametrize("is_streamed", [False, True])
def test_a_refusal_is_said_as_text_with_its_outcome(tmp_path: Path, is_streamed: bool) -> None:
    with opened(make_service(tmp_path, refusal())) as client:
        if is_streamed:
            chunks = list(client.chat.completions.create(model="ragedge", messages=ASK, stream=True))
            text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
            extra = chunks[-1].ragedge  # type: ignore[attr-defined]
        else:
            done = client.chat.completions.create(model="ragedge", messages=ASK)
            text, extra = done.choices[0].message.content or "", done.ragedge  # type: ignore[attr-defined]
            assert done.usage is not None and done.usage.total_tokens == 0
    assert text == "This is not in these documents."
    assert extra["outcome"] == "abstained" and extra["citations"] == [] and len(extra["sources"]) == 1


@pytest.mark.parametrize("is_streamed", [False, True])
def test_the_model_with_sources_names_them_in_its_text(tmp_path: Path, is_streamed: bool) -> None:
    hostile = (make_hit(title="Pump](javascript:alert(1)) [manual"),)
    answer = make_answer(hostile, outcome="unsure")
    events = [make_passages(hostile), Piece(answer.text), answer]
    with opened(make_service(tmp_path, events)) as client:
        if is_streamed:
            chunks = client.chat.completions.create(model="ragedge-sources", messages=ASK, stream=True)
            text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
        else:
            done = client.chat.completions.create(
                model="ragedge-sources:latest", messages=ASK
            )  # as Ollama's clients say it
            text = done.choices[0].message.content or ""
    assert text.startswith(f"{answer.text}\n\nUnsure: check the source.\n\nSources:\n1. [Pump javascript:alert 1")
    assert text.count("](") == 1 and "/source/0123456789abcdef/1?start=" in text


@pytest.mark.parametrize(("outcome", "reason"), [("truncated", "length"), ("cancelled", "length"), ("unsure", "stop")])
def test_an_answer_cut_short_says_so(tmp_path: Path, outcome: str, reason: str) -> None:
    hits = (make_hit(),)
    with opened(make_service(tmp_path, [make_passages(hits), make_answer(hits, outcome=outcome)])) as client:
        assert client.chat.completions.create(model="ragedge", messages=ASK).choices[0].finish_reason == reason


def test_messages_become_question_history_and_settings(tmp_path: Path) -> None:
    service = make_service(tmp_path)
    messages: list[Any] = [
        {"role": "system", "content": "speak like a pirate"},
        {"role": "user", "content": "what pump?"},
        {"role": "assistant", "content": "the red one"},
        {"role": "user", "content": [{"type": "text", "text": "and what"}, {"type": "text", "text": "torque?"}]},
    ]
    with opened(service) as client:
        client.chat.completions.create(
            model="ragedge", messages=messages, max_completion_tokens=99_999, temperature=0.5, seed=-1
        )
    question = service.pipeline.questions[0]  # type: ignore[attr-defined]
    assert question.text == "and what\ntorque?"
    assert [(turn.question, turn.answer) for turn in question.history] == [("what pump?", "the red one")]
    assert (question.max_answer_tokens, question.temperature, question.seed) == (4096, 0.5, 2**32 - 1)


def test_a_long_conversation_is_cut_not_refused(tmp_path: Path) -> None:
    service = make_service(tmp_path)
    talk: list[Any] = []
    for number in range(80):
        talk += [{"role": "user", "content": f"{number} " + "x" * 3000}, {"role": "assistant", "content": "y" * 2000}]
    with opened(service) as client:
        client.chat.completions.create(model="ragedge", messages=[*talk, *ASK])
    history = service.pipeline.questions[0].history  # type: ignore[attr-defined]
    assert len(history) == 50 and history[-1].question.startswith("79 ") and len(history[0].question) == 2000


REFUSED: list[tuple[dict[str, Any], int, str]] = [
    ({"model": "gpt-4o"}, 404, "not_found"),
    ({"messages": []}, 400, "bad_request"),
    ({"messages": [{"role": "user", "content": ""}]}, 400, "bad_question"),
    ({"messages": [{"role": "user", "content": "x" * 2001}]}, 400, "bad_question"),
    ({"messages": [{"role": "system", "content": "x"}]}, 400, "bad_question"),
    ({"messages": [*ASK, {"role": "assistant", "content": "It is"}]}, 400, "bad_question"),
    ({"messages": [*ASK, {"role": "tool", "content": "x"}]}, 400, "bad_question"),
    ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]}, 400,
     "bad_question"),
    ({"n": 2}, 400, "bad_question"),
    ({"response_format": {"type": "json_object"}}, 400, "bad_question"),
    ({"tool_choice": "required"}, 400, "bad_question"),
    ({"temperature": 5}, 400, "bad_request"),
    ({"messages": [{"role": "user", "content": "x" * 1_100_000}]}, 413, "too_large"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "status", "code"), REFUSED)
def test_refusals_have_the_protocols_shape_and_a_hint(
    tmp_path: Path, change: dict[str, Any], status: int, code: str
) -> None:
    service = make_service(tmp_path)
    with open_client(service) as client:
        reply = client.post("/v1/chat/completions", json={**BODY, **change})
    error = reply.json()["error"]
    assert (reply.status_code, error["code"], error["type"]) == (status, code, "invalid_request_error")
    assert error["hint"] and error["message"].endswith(error["hint"]) and error["param"] is None
    assert error["request_id"] == reply.headers["x-request-id"]
    assert service.pipeline.questions == []  # type: ignore[attr-defined]


def test_the_client_raises_its_own_errors(tmp_path: Path) -> None:
    with opened(make_service(tmp_path)) as client:
        with pytest.raises(openai.NotFoundError, match="use ragedge or ragedge-sources"):
            client.chat.completions.create(model="gpt-4o", messages=ASK)
        with pytest.raises(openai.BadRequestError, match="type a question"):
            client.chat.completions.create(model="ragedge", messages=[{"role": "user", "content": " "}])


@pytest.mark.parametrize("is_streamed", [False, True])
@pytest.mark.parametrize(("error", "status"), [(Busy("full", "come back", 7), 503), (ModelMissing("no", "go"), 503)])
def test_a_failure_before_the_first_chunk_is_a_status(
    tmp_path: Path, error: Exception, status: int, is_streamed: bool
) -> None:
    with open_client(make_service(tmp_path, [error])) as client:
        reply = client.post("/v1/chat/completions", json={**BODY, "stream": is_streamed})
        assert client.get("/v1/health").json()["questions"] == 0
    assert (reply.status_code, reply.json()["error"]["type"]) == (status, "server_error")
    assert reply.headers.get("retry-after") == ("7" if isinstance(error, Busy) else None)


def test_a_failure_in_the_middle_reaches_the_client_as_an_error(tmp_path: Path) -> None:
    with opened(make_service(tmp_path, [*make_events()[:3], PromptTooLong("too long", "ask less")])) as client:
        stream = client.chat.completions.create(model="ragedge", messages=ASK, stream=True)
        with pytest.raises(openai.APIError, match="too long: ask less"):
            list(stream)


def test_a_stream_that_runs_out_of_time_does_not_look_whole(tmp_path: Path) -> None:
    service = make_service(tmp_path, [*make_events()[:3], threading.Event()])
    with opened(service, ServerSettings(question_timeout_s=0.05)) as client:
        stream = client.chat.completions.create(model="ragedge", messages=ASK, stream=True)
        with pytest.raises(openai.APIError, match="without an answer"):
            list(stream)


@pytest.mark.parametrize("is_streamed", [False, True])
def test_chats_share_the_queue_and_give_their_place_back_when_hung_up(tmp_path: Path, is_streamed: bool) -> None:
    service = make_service(tmp_path, [make_events()[0], threading.Event()])
    pipeline = service.pipeline
    assert isinstance(pipeline, FakePipeline)
    body = json.dumps({**BODY, "stream": is_streamed}).encode()
    with serving(service, ServerSettings(queue_limit=1)) as port:
        for _ in range(3):
            waiting = raw_request(port, ask_head(port, len(body), "/v1/chat/completions"), body)
            assert pipeline.waiting.acquire(timeout=10)
            question = b'{"text":"q"}'
            with raw_request(port, ask_head(port, len(question), "/v1/ask"), question) as refused:
                assert b"retry-after: 5" in read_until(refused, b'"request_id"')
            waiting.close()
            assert pipeline.closed.acquire(timeout=10) and pipeline.was_cancelled
            head = f"GET /v1/health HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close".encode()
            for _ in range(1_000):
                with raw_request(port, head) as connection:
                    if b'"questions":0' in read_until(connection, b"queue_limit"):
                        break
            else:
                raise AssertionError("the place was never given back")


def embedding_service(folder: Path) -> Service:
    return replace(make_service(folder), embedder=HashEmbedder())


def test_embeddings_are_the_embedders_vectors_in_both_encodings(tmp_path: Path) -> None:
    embedder = HashEmbedder()
    texts = [f"head bolt {number}" for number in range(40)]
    wanted = embedder.embed_passages(texts)
    with opened(embedding_service(tmp_path)) as client:
        by_default = client.embeddings.create(model="fake-hash", input=texts)  # the client asks for base64
        as_floats = client.embeddings.create(model="fake-hash", input=texts[0], encoding_format="float")
    assert [item.index for item in by_default.data] == list(range(40))
    assert np.allclose([item.embedding for item in by_default.data], wanted)
    assert np.allclose(as_floats.data[0].embedding, wanted[0])
    assert (by_default.usage.prompt_tokens, as_floats.usage.total_tokens) == (120, 3)


def test_base64_is_little_endian_float32(tmp_path: Path) -> None:
    with open_client(embedding_service(tmp_path)) as client:
        body = {"model": "fake-hash", "input": "bolt", "encoding_format": "base64"}
        text = client.post("/v1/embeddings", json=body).json()["data"][0]["embedding"]
    values = struct.unpack("<64f", base64.b64decode(text))
    assert np.allclose(values, HashEmbedder().embed_question("bolt"))


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"model": "ragedge"}, 404), ({"input": []}, 400), ({"input": ""}, 400), ({"input": ["a", " "]}, 400),
        ({"input": [1, 2, 3]}, 400), ({"input": "word " * 300}, 400), ({"dimensions": 8}, 400),
        ({"input": ["x"] * 2049}, 400),
    ],
)  # fmt: skip
def test_texts_that_cannot_be_embedded_whole_are_refused(tmp_path: Path, change: dict[str, Any], status: int) -> None:
    service = embedding_service(tmp_path)
    with open_client(service) as client:
        reply = client.post("/v1/embeddings", json={"model": "fake-hash", "input": "x", **change})
        assert client.get("/v1/health").json()["questions"] == 0
    assert reply.status_code == status and reply.json()["error"]["type"] == "invalid_request_error"
    assert service.embedder.embedded == []  # type: ignore[union-attr]


def test_embedding_takes_a_place_in_the_queue(tmp_path: Path) -> None:
    seen: list[int] = []
    with open_client(embedding_service(tmp_path)) as client:
        embedder = client.app.state.service.embedder
        embed = embedder.embed_passages
        embedder.embed_passages = lambda texts: (seen.append(client.app.state.desk.admission.taken), embed(texts))[1]
        assert client.post("/v1/embeddings", json={"model": "fake-hash", "input": ["a"] * 20}).status_code == 200
    assert seen == [1, 1]


def test_without_an_embedder_none_is_offered(tmp_path: Path) -> None:
    with open_client(make_service(tmp_path)) as client:
        assert client.post("/v1/embeddings", json={"model": "x", "input": "x"}).status_code == 404
        assert [m["id"] for m in client.get("/v1/models").json()["data"]] == ["ragedge", "ragedge-sources"]


def test_models_are_listed_and_shown(tmp_path: Path) -> None:
    with opened(embedding_service(tmp_path)) as client:
        assert [model.id for model in client.models.list()] == ["ragedge", "ragedge-sources", "fake-hash"]
        assert client.models.retrieve("fake-hash").owned_by == "ragedge"
        with pytest.raises(openai.NotFoundError):
            client.models.retrieve("gpt-4o")
