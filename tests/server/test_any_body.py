"""Whatever JSON is sent to the routes that ask, the reply is an answer or a refusal in the route's own shape."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from litestar import Litestar
from litestar.testing import TestClient

from tests.fakes import HashEmbedder
from tests.server.clients import open_client
from tests.server.fakes import make_service

PATHS = (
    "/v1/ask",
    "/v1/summarise",
    "/v1/rewrite",
    "/v1/search",
    "/v1/chat/completions",
    "/v1/embeddings",
    "/api/chat",
    "/api/show",
    "/v1/feedback",
)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient[Litestar]]:
    service = replace(make_service(tmp_path_factory.mktemp("index")), embedder=HashEmbedder())
    with open_client(service) as opened:
        yield opened


SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9)
)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
ROLES = st.sampled_from(["user", "assistant", "system", "developer", "tool", ""]) | st.text(max_size=5)
PARTS = st.lists(
    st.fixed_dictionaries({"type": st.sampled_from(["text", "image_url"])}, optional={"text": ANYTHING}), max_size=3
)
MESSAGES = st.lists(
    st.fixed_dictionaries({"role": ROLES}, optional={"content": st.text(max_size=20) | PARTS | ANYTHING}), max_size=4
)
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "text": st.text(max_size=20) | ANYTHING, "history": ANYTHING, "filters": ANYTHING, "top_k": ANYTHING,
    "messages": MESSAGES | ANYTHING, "stream": st.booleans() | ANYTHING, "stream_options": ANYTHING, "n": ANYTHING,
    "seed": st.integers() | ANYTHING, "temperature": st.floats(0, 2) | ANYTHING, "max_tokens": st.integers() | ANYTHING,
    "options": ANYTHING, "format": ANYTHING, "response_format": ANYTHING, "tool_choice": ANYTHING,
    "input": st.text(max_size=20) | st.lists(st.text(max_size=9), max_size=4) | ANYTHING, "dimensions": ANYTHING,
    "encoding_format": st.sampled_from(["float", "base64"]) | ANYTHING, "name": ANYTHING,
}  # fmt: skip
MODELS = st.sampled_from(["ragedge", "ragedge-sources", "ragedge:latest", "fake-hash", "gpt"]) | ANYTHING
BODIES = st.fixed_dictionaries({}, optional={"model": MODELS, **FIELDS}) | ANYTHING


@pytest.mark.parametrize("path", PATHS)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=BODIES)
def test_no_body_is_a_failure_of_ours(client: TestClient[Litestar], path: str, body: Any) -> None:
    reply = client.post(path, content=json.dumps(body), headers={"Content-Type": "application/json"})
    assert reply.status_code < 500
    if reply.status_code >= 400:
        error = reply.json()["error"]
        assert isinstance(error, str) == path.startswith("/api/")
        assert error if isinstance(error, str) else error["message"] and error["request_id"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("body", [b"", b"{", b'{"text": "\xff"}', b"\x00", b"[" * 3000, b"1" * 400, b'{"a":1e999}'])
def test_bodies_that_are_no_json_are_bad_requests(client: TestClient[Litestar], path: str, body: bytes) -> None:
    reply = client.post(path, content=body, headers={"Content-Type": "application/json"})
    assert reply.status_code == 400
