"""The widget's door: named sites may ask, from their pages and nothing else; everyone else stays outside."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from ragedge.errors import ConfigError
from ragedge.server.origins import plain_origin
from ragedge.server.security import Guard
from ragedge.server.settings import ServerSettings
from tests.server.clients import open_client
from tests.server.fakes import make_service

Client = TestClient[Litestar]
SITE = "http://intranet.local"
NAMED = (SITE, "https://shop.example:8443", "http://[fd00::1]:8080")
ROUTES = ["/v1/ask", "/v1/ask/stream"]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with open_client(make_service(tmp_path_factory.mktemp("index")), ServerSettings(widget_origins=NAMED)) as opened:
        yield opened


def cors(headers: object) -> list[str]:
    return [name for name in headers if name.startswith("access-control-")]  # type: ignore[attr-defined]


@pytest.mark.parametrize("path", ROUTES)
@pytest.mark.parametrize("origin", [*NAMED, "http://intranet.local:80", "http://INTRANET.local"])
@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_named_site_may_ask_and_read_the_answer(client: Client, path: str, origin: str, site: str) -> None:
    headers = {"Origin": origin, "Sec-Fetch-Site": site}
    reply = client.post(path, headers=headers, json={"text": "q"})
    assert reply.status_code == 200
    assert reply.headers["access-control-allow-origin"] == origin
    assert reply.headers["vary"] == "origin" and "x-request-id" in reply.headers["access-control-expose-headers"]
    assert "access-control-allow-credentials" not in reply.headers


@pytest.mark.parametrize("path", ROUTES)
def test_its_browser_may_ask_first_whether_it_may(client: Client, path: str) -> None:
    wanted = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    reply = client.options(path, headers={"Origin": SITE, "Sec-Fetch-Site": "cross-site", **wanted})
    assert reply.status_code == 204 and reply.content == b""
    assert reply.headers["access-control-allow-origin"] == SITE
    assert reply.headers["access-control-allow-methods"] == "POST"
    assert reply.headers["access-control-allow-headers"] == "content-type"
    other = client.options(path, headers={"Origin": "http://evil.example", **wanted})
    assert cors(other.headers) == []


def test_refusals_can_be_read_there_too(client: Client) -> None:
    reply = client.post("/v1/ask", headers={"Origin": SITE, "Sec-Fetch-Site": "cross-site"}, json={"text": ""})
    assert reply.status_code == 400 and reply.headers["access-control-allow-origin"] == SITE


OTHERS = [
    "http://evil.example", "https://intranet.local", "http://intranet.local:8080", "http://intranet.local.evil.example",
    "http://xintranet.local", "http://evil.example/http://intranet.local", "http://user@intranet.local", "null", "",
    "intranet.local", "http://intranet.local/", "http://intranet.local, http://evil.example", "file://", "http://*",
    "https://shop.example", "http://[fd00::1]", "http://fd00::1:8080",
]  # fmt: skip


@pytest.mark.parametrize("origin", OTHERS)
@pytest.mark.parametrize("path", ROUTES)
def test_other_origins_stay_outside(client: Client, path: str, origin: str) -> None:
    headers = {"Origin": origin, "Sec-Fetch-Site": "cross-site"}
    reply = client.post(path, headers=headers, json={"text": "q"})
    assert reply.status_code == 403 and cors(reply.headers) == []


CLOSED = [
    ("POST", "/v1/search"), ("POST", "/v1/feedback"), ("POST", "/v1/documents"), ("GET", "/v1/documents"),
    ("DELETE", "/v1/documents/0123456789abcdef"), ("DELETE", "/v1/documents?path=manual.txt"), ("GET", "/v1/index"),
    ("GET", "/v1/documents/0123456789abcdef/pages/1"), ("GET", "/v1/documents/0123456789abcdef/file"),
    ("POST", "/v1/chat/completions"), ("POST", "/v1/embeddings"), ("POST", "/api/chat"), ("GET", "/api/tags"),
    ("POST", "/v1/ask/"), ("POST", "/v1//ask"), ("POST", "/v1/ask/../documents"), ("POST", "/V1/ASK"),
    ("POST", "/v1/ask;x"), ("PUT", "/v1/ask"), ("DELETE", "/v1/ask"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path"), CLOSED)
def test_a_named_site_gets_at_nothing_but_asking(client: Client, method: str, path: str) -> None:
    headers = {"Origin": SITE, "Sec-Fetch-Site": "cross-site"}
    reply = client.request(method, path, headers=headers, json={"text": "q"} if method == "POST" else None)
    assert reply.status_code == 403 and cors(reply.headers) == []
    first = client.options(path, headers={**headers, "Access-Control-Request-Method": method}).headers
    assert cors(first) == [] or (path in ROUTES and first["access-control-allow-methods"] == "POST")
    assert client.get("/v1/documents/0123456789abcdef").status_code == 200


def test_the_host_is_checked_before_the_origin(client: Client) -> None:
    headers = {"Origin": SITE, "Host": "evil.example"}
    for reply in (
        client.post("/v1/ask", headers=headers, json={"text": "q"}),
        client.options("/v1/ask", headers=headers),
    ):
        assert reply.status_code == 403 and cors(reply.headers) == []


def test_two_origins_are_none(client: Client) -> None:
    headers = [("Origin", SITE), ("Origin", SITE), ("Content-Type", "application/json")]
    assert client.post("/v1/ask", headers=headers, content=b'{"text":"q"}').status_code == 403


def test_a_named_site_cannot_send_forms(client: Client) -> None:
    headers = {"Origin": SITE, "Content-Type": "text/plain"}
    assert client.post("/v1/ask", headers=headers, content=b'{"text":"q"}').status_code == 415


def test_the_script_may_be_loaded_by_pages_elsewhere_and_nothing_else_may(client: Client) -> None:
    reply = client.get("/widget.js", headers={"Sec-Fetch-Site": "cross-site"})
    assert reply.status_code == 200 and reply.headers["content-type"].startswith("text/javascript")
    assert reply.headers["cross-origin-resource-policy"] == "cross-origin" and cors(reply.headers) == []
    for path in ("/static/widget.js", "/static/app.js", "/", "/docs", "/source/0123456789abcdef/1"):
        assert client.get(path).headers["cross-origin-resource-policy"] == "same-origin"


def test_without_named_sites_there_is_no_widget_and_no_door(tmp_path: Path) -> None:
    with open_client(make_service(tmp_path)) as client:
        reply = client.get("/widget.js")
        assert reply.status_code == 404 and "widget_origins" in reply.json()["error"]["hint"]
        assert reply.headers["cross-origin-resource-policy"] == "same-origin"
        asked = client.post("/v1/ask", headers={"Origin": SITE}, json={"text": "q"})
        assert asked.status_code == 403 and cors(asked.headers) == []


@pytest.mark.parametrize(
    "origin",
    ["*", "", "intranet.local", "http://", "http://intranet.local/", "http://a b", "ftp://a", "null", "http://*.a"],
)
def test_a_site_that_is_no_origin_is_an_error_of_the_config(origin: str) -> None:
    with pytest.raises(ConfigError, match="widget_origins"):
        Guard((), request_limit=1, widget_origins=(origin,))


def test_origins_are_compared_in_one_spelling() -> None:
    assert plain_origin("HTTPS://Shop.Example:443") == "https://shop.example"
    assert plain_origin("http://[FD00::1]:80") == "http://[fd00::1]"
    assert plain_origin("http://a:443") == "http://a:443"
