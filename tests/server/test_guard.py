"""Who may call: Host, Origin and Sec-Fetch-Site, and the headers that every reply carries."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar import Litestar
from litestar.testing import TestClient

from ragedge.server.headers import CONTENT_SECURITY_POLICY
from ragedge.server.origins import split_host
from ragedge.server.settings import ServerSettings
from tests.server.clients import open_client, raw_request, serving
from tests.server.fakes import make_service

Client = TestClient[Litestar]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    settings = ServerSettings(allowed_hosts=("Museum.local", "192.168.1.20", "fe80::1"))
    with open_client(make_service(tmp_path_factory.mktemp("index")), settings) as opened:
        yield opened


ALLOWED = [
    "localhost", "LOCALHOST", "LocalHost:8321", "localhost:1", "localhost:65535", "127.0.0.1", "127.0.0.1:8321",
    "[::1]", "[::1]:8321", "museum.local", "MUSEUM.LOCAL:8321", "192.168.1.20:80", "[fe80::1]:8321", "[FE80::1]",
]  # fmt: skip
REFUSED = [
    "evil.example", "evil.example:8321", "localhost.evil.example", "evil-localhost", "localhost.",
    "127.0.0.1.nip.io", "127.0.0.2", "127.1", "2130706433", "0.0.0.0", "0x7f.0.0.1", "[::]", "[::ffff:127.0.0.1]",
    "museum.local.evil.example", "xmuseum.local", "192.168.1.2",
]  # fmt: skip
MALFORMED = [
    "", " ", "localhost:", "localhost:x", "localhost:-1", "localhost:65536", "localhost:999999999999",
    "localhost:80:80", "::1", "[::1", "::1]", "[localhost]", "[]", "user@localhost", "localhost@evil.example",
    "localhost/evil.example", "localhost?x", "localhost#x", "localhost,evil.example", "localhost evil.example",
    ":8321", "%6cocalhost", "localhost\\evil", "a" * 400,
]  # fmt: skip


@pytest.mark.parametrize("host", ALLOWED)
def test_known_hosts_are_served(client: Client, host: str) -> None:
    assert client.get("/v1/health", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", REFUSED)
@pytest.mark.parametrize("path", ["/", "/v1/health", "/nowhere"])
def test_other_hosts_are_refused_everywhere(client: Client, host: str, path: str) -> None:
    reply = client.get(path, headers={"Host": host})
    assert reply.status_code == 403
    assert reply.json()["error"]["code"] == "access_error"


@pytest.mark.parametrize("host", MALFORMED)
def test_malformed_hosts_are_bad_requests(client: Client, host: str) -> None:
    assert client.get("/v1/health", headers={"Host": host}).status_code == 400


@pytest.mark.parametrize("name", ["X-Forwarded-Host", "Forwarded", "X-Host", "X-Original-Host"])
def test_forwarding_headers_neither_open_nor_close_the_door(client: Client, name: str) -> None:
    assert client.get("/v1/health", headers={"Host": "evil.example", name: "localhost"}).status_code == 403
    assert client.get("/v1/health", headers={"Host": "localhost", name: "evil.example"}).status_code == 200


def test_missing_and_doubled_hosts_are_refused_over_a_real_socket(tmp_path: Path) -> None:
    with serving(make_service(tmp_path)) as port:
        for head in (
            b"GET /v1/health HTTP/1.0",
            b"GET /v1/health HTTP/1.1\r\nHost: localhost\r\nHost: evil.example",
            b"GET /v1/health HTTP/1.1\r\nHost: localhost\r\nHost: localhost",
            b"GET /v1/health HTTP/1.1",
        ):
            with raw_request(port, head) as connection:
                status = connection.recv(65_536).split(b"\r\n")[0]
            assert b" 400 " in status, head


SAME = "http://127.0.0.1:8321"
ORIGINS_REFUSED = [
    "null", "", "http://evil.example", "https://127.0.0.1:8321", "http://127.0.0.1", "http://127.0.0.1:9999",
    "http://localhost:8321", "http://127.0.0.1:8321.evil.example", "http://user@127.0.0.1:8321", "127.0.0.1:8321",
    "file://", "chrome-extension://abc", "http://127.0.0.1:8321/", "http://127.0.0.1:8321, http://evil.example",
]  # fmt: skip
CHANGES = [
    ("POST", "/v1/ask"), ("POST", "/v1/ask/stream"), ("POST", "/v1/documents"),
    ("DELETE", "/v1/documents/0123456789abcdef"), ("DELETE", "/v1/documents?path=manual.txt"),
]  # fmt: skip


@pytest.mark.parametrize("origin", ORIGINS_REFUSED)
@pytest.mark.parametrize(("method", "path"), CHANGES)
def test_other_origins_may_neither_ask_nor_change(client: Client, method: str, path: str, origin: str) -> None:
    reply = client.request(method, path, headers={"Origin": origin}, json={"text": "x"})
    assert reply.status_code == 403
    assert client.get("/v1/documents/0123456789abcdef").status_code == 200


@pytest.mark.parametrize("site", ["cross-site", "same-site", "", "garbage"])
@pytest.mark.parametrize("origin", [{}, {"Origin": SAME}])
def test_foreign_fetches_are_refused_by_their_site(client: Client, site: str, origin: dict[str, str]) -> None:
    reply = client.post("/v1/ask", headers={"Sec-Fetch-Site": site, **origin}, json={"text": "x"})
    assert reply.status_code == 403
    assert client.get("/v1/documents", headers={"Sec-Fetch-Site": site}).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": SAME},
        {"Origin": SAME, "Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
        {"Host": "localhost", "Origin": "http://localhost"},
        {"Host": "localhost", "Origin": "http://localhost:80"},
        {"Host": "LOCALHOST:80", "Origin": "http://localhost"},
        {"Host": "[::1]:8321", "Origin": "http://[::1]:8321"},
    ],
)
def test_the_own_page_and_programs_may_ask(client: Client, headers: dict[str, str]) -> None:
    assert client.post("/v1/ask", headers=headers, json={"text": "x"}).status_code == 200


def test_two_origins_are_refused(client: Client) -> None:
    headers = [("Origin", SAME), ("Origin", SAME), ("Content-Type", "application/json")]
    assert client.post("/v1/ask", headers=httpx.Headers(headers), content=b'{"text":"x"}').status_code == 403


def test_the_page_may_be_opened_from_a_link_elsewhere(client: Client) -> None:
    assert client.get("/", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 200


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_a_form_of_another_page_cannot_ask(client: Client, kind: str) -> None:
    reply = client.post("/v1/ask", headers={"Content-Type": kind}, content=b'{"text":"x"}')
    assert reply.status_code == 415


REPLIES = [
    ("GET", "/", 200), ("GET", "/static/app.js", 200), ("GET", "/static/style.css", 200),
    ("GET", "/static/none.js", 404), ("GET", "/static/..%2fapp.js", 404), ("GET", "/nowhere", 404),
    ("PUT", "/v1/ask", 405), ("OPTIONS", "/v1/ask", 204), ("GET", "/v1/health", 200), ("GET", "/v1/index", 200),
    ("GET", "/v1/documents", 200), ("POST", "/v1/ask", 200), ("POST", "/v1/ask/stream", 200),
    ("GET", "/v1/documents/0123456789abcdef", 200), ("GET", "/v1/documents/nope", 404),
    ("GET", "/v1/documents/0123456789abcdef/file", 200), ("GET", "/v1/documents/0123456789abcdef/pages/1", 200),
    ("GET", "/v1/documents/0123456789abcdef/pages/1/image", 404), ("GET", "/schema/openapi.json", 200),
    ("GET", "/schema", 404), ("GET", "/schema/swagger", 404), ("HEAD", "/", 405),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "status"), REPLIES)
@pytest.mark.parametrize("host", ["127.0.0.1:8321", "evil.example"])
def test_every_reply_carries_the_security_headers(
    client: Client, method: str, path: str, status: int, host: str
) -> None:
    body = {"json": {"text": "x"}} if method == "POST" else {}
    reply = client.request(method, path, headers={"Host": host}, **body)
    assert reply.status_code == (status if host != "evil.example" else 403)
    assert reply.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["referrer-policy"] == "no-referrer"
    assert reply.headers["cross-origin-resource-policy"] == "same-origin"
    assert len(reply.headers["x-request-id"]) == 16
    assert "cache-control" in reply.headers
    assert "server" not in reply.headers
    assert not [name for name in reply.headers if name.startswith("access-control-")]


def test_the_policy_is_the_strict_one() -> None:
    assert CONTENT_SECURITY_POLICY == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; media-src 'self' blob:; "
        "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )


def test_request_ids_differ_and_are_not_taken_from_the_caller(client: Client) -> None:
    replies = [client.get("/v1/health", headers={"X-Request-Id": "mine"}) for _ in range(3)]
    assert len({reply.headers["x-request-id"] for reply in replies}) == 3
    assert "mine" not in {reply.headers["x-request-id"] for reply in replies}


@given(st.text(max_size=80))
def test_host_splitting_never_fails_and_never_invents_a_name(text: str) -> None:
    parts = split_host(text)
    if parts is not None:
        name, port = parts
        assert name in text.strip().lower()
        assert port == "" or 0 <= int(port) <= 65_535
        assert not set(name) & set("@/\\?# \t,%")
