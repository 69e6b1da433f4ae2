"""The interface's description: every route is in it, its examples are true, and its page needs no script."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from litestar import Litestar
from litestar.testing import TestClient

from ragedge.server.described import ROUTES
from ragedge.server.plain_page import Html, element, joined
from tests.fakes import HashEmbedder
from tests.server.clients import open_client, parse_events
from tests.server.fakes import add_model, make_service

Client = TestClient[Litestar]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    service = replace(make_service(tmp_path_factory.mktemp("index")), embedder=HashEmbedder())
    add_model(service, tmp_path_factory.mktemp("models"))
    with open_client(service) as opened:
        yield opened


@pytest.fixture(scope="module")
def schema(client: Client) -> dict[str, Any]:
    reply = client.get("/schema/openapi.json")
    assert reply.headers["content-type"].startswith("application/vnd.oai.openapi+json")
    return reply.json()  # type: ignore[no-any-return]


def operations(schema: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        f"{method.upper()} {path}": operation
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
    }


def test_every_route_of_the_service_is_described_and_no_other(client: Client, schema: dict[str, Any]) -> None:
    served = {
        f"{method} {re.sub(r':[a-z]+', '', route.path)}"
        for route in client.app.routes
        for method in route.methods - {"OPTIONS"}
    }
    hidden = {"GET /login", "POST /login", "POST /logout", "GET /v1/session"}
    hidden |= {"GET /", "GET /static/{name}", "GET /docs", "GET /widget.js", "GET /schema/openapi.json"}
    hidden |= {"GET /admin", "GET /kiosk", "GET /static/languages.json", "GET /static/languages/{name}"}
    served = {name for name in served - hidden if not name.startswith("GET /schema/raw")}
    assert set(operations(schema)) == set(ROUTES) == served


@pytest.mark.parametrize("name", ROUTES)
def test_each_route_says_what_it_does_what_comes_back_and_what_it_refuses(schema: dict[str, Any], name: str) -> None:
    operation = operations(schema)[name]
    assert operation["summary"] and operation["description"]
    responses = operation["responses"]
    assert {"400", "401", "403", "429", "500", "503"} <= set(responses)
    for status, response in responses.items():
        assert response["description"]
        content = next(iter(response["content"].values()))
        if not status.startswith("2"):
            assert "error" in content["example"]
    if name.split()[0] == "POST":
        assert "example" in next(iter(operation["requestBody"]["content"].values()))


@pytest.mark.parametrize("name", [n for n, route in ROUTES.items() if route.reply is not None])
def test_examples_of_replies_fit_their_records(name: str) -> None:
    route = ROUTES[name]
    assert route.reply is not None
    record = msgspec.convert(route.example, type=route.reply)
    assert json.loads(msgspec.json.encode(record)).keys() >= route.example.keys() - {"question_id"}


def test_the_example_of_a_stream_is_one() -> None:
    events = parse_events(ROUTES["POST /v1/ask/stream"].example)
    assert [name for name, _ in events] == ["passages", "piece", "answer"]


@pytest.mark.parametrize("name", [n for n, route in ROUTES.items() if isinstance(route.request, dict)])
def test_examples_of_requests_are_taken_and_answered_with_the_names_promised(client: Client, name: str) -> None:
    route = ROUTES[name]
    method, path = name.replace("{document_id}", "0123456789abcdef").split()
    body = {**route.request}
    if path == "/v1/embeddings":
        body["model"] = "fake-hash"
    reply = client.request(method, path, json=body)
    absent = ("/v1/feedback", "/v1/kiosk/speech", "/v1/settings", "/v1/keys", "/v1/admin/pinned", "/v1/admin/golden")
    if path.startswith(absent):
        assert reply.status_code == 404  # no journal, kiosk, config, keys or curation; the tests of each have one
        return
    assert reply.status_code == 200
    if route.media_type == "application/json":
        assert set(reply.json()) >= set(route.example)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("GET /v1/health", "/v1/health"), ("GET /v1/index", "/v1/index"), ("GET /v1/documents", "/v1/documents"),
        ("GET /v1/documents/{document_id}", "/v1/documents/0123456789abcdef"),
        ("GET /v1/documents/{document_id}/pages/{number}", "/v1/documents/0123456789abcdef/pages/1"),
        ("GET /v1/admin/documents", "/v1/admin/documents"), ("GET /v1/admin/reading", "/v1/admin/reading"),
        ("GET /v1/admin/documents/{document_id}", "/v1/admin/documents/0123456789abcdef"),
        ("GET /v1/admin/system", "/v1/admin/system"), ("GET /v1/admin/models", "/v1/admin/models"),
        ("GET /v1/admin/log", "/v1/admin/log"),
        ("GET /v1/models", "/v1/models"), ("GET /v1/models/{model}", "/v1/models/ragedge"),
        ("GET /api/tags", "/api/tags"), ("GET /api/version", "/api/version"),
    ],
)  # fmt: skip
def test_replies_have_exactly_the_names_of_their_examples(client: Client, name: str, path: str) -> None:
    route = ROUTES[name]
    reply = client.get(path)
    assert set(reply.json()) == set(route.example)
    if route.reply is not None:
        msgspec.json.decode(reply.content, type=route.reply)


def test_every_reference_in_the_schema_leads_somewhere(schema: dict[str, Any]) -> None:
    found = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(schema)))
    assert found and found <= schema["components"]["schemas"].keys()


def test_the_page_names_every_route_and_needs_nothing_from_elsewhere(client: Client) -> None:
    reply = client.get("/docs")
    text = reply.text
    assert reply.status_code == 200 and reply.headers["content-type"].startswith("text/html")
    for name in ROUTES:
        assert f"<code>{name.split()[1]}</code>" in text
    assert (
        "<script" not in text and "style=" not in text and " on" not in "".join(re.findall(r"<[a-z0-9]+ [^>]*>", text))
    )
    links = re.findall(r'(?:href|src)="([^"]*)"', text)
    assert links and all(link.startswith(("/", "#")) for link in links)
    anchors = set(re.findall(r'id="([^"]*)"', text))
    assert {link[1:] for link in links if link.startswith("#")} <= anchors
    ids = re.findall(r'id="([^"]*)"', text)
    assert len(ids) == len(set(ids))


def test_the_stylesheet_of_the_page_is_served(client: Client) -> None:
    assert client.get("/static/plain.css").status_code == 200


def test_text_is_never_markup() -> None:
    made = element("p", "<b>&", Html("<i>"), title='"><script>', class_="a")
    assert made == '<p title="&quot;&gt;&lt;script&gt;" class="a">&lt;b&gt;&amp;<i></p>'
    assert joined("<", Html("<")) == "&lt;<"
