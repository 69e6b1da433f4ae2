"""The door as written tables: Host x Origin x Sec-Fetch-Site x request, and the least role of every route.

The statuses stand here by hand; nothing of them is worked out from the code that they check. A route that is added
without a line in `LEAST` fails, and test_permissions.py holds every kind of caller and spelling to the same roles.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from ragedge.server.permissions import RIGHTS
from ragedge.server.settings import ServerSettings
from tests.server.clients import open_client
from tests.server.fakes import make_service

SITE = "http://intranet.example"
#: Name -> Host header. The first two are ours, the third is by the config; "rebound" is another site's name for us.
HOSTS = {
    "own": "127.0.0.1:8321", "ipv6": "[::1]:8321", "alias": "museum.local:8321", "rebound": "evil.example:8321",
    "lookalike": "127.0.0.1.evil.example:8321", "broken": "user@127.0.0.1:8321",
}  # fmt: skip
ORIGINS = {
    "none": None, "same": "http://{host}", "port": "http://{name}:9999", "https": "https://{host}",
    "evil": "http://evil.example", "null": "null", "site": SITE,
}  # fmt: skip
SITES = {"-": None, "same-origin": "same-origin", "none": "none", "same-site": "same-site", "cross-site": "cross-site"}
#: What is sent: the page, a list, a question, a removal of what is not there (404 is "would have been done").
REQUESTS = (("GET", "/"), ("GET", "/v1/documents"), ("POST", "/v1/ask"), ("DELETE", "/v1/documents?path=absent.txt"))

#: (Origin, Sec-Fetch-Site) -> the statuses of REQUESTS under a Host that is ours.
OURS = {
    ("none", "-"): "200 200 200 404", ("none", "same-origin"): "200 200 200 404", ("none", "none"): "200 200 200 404",
    ("none", "same-site"): "200 403 403 403", ("none", "cross-site"): "200 403 403 403",
    ("same", "-"): "200 200 200 404", ("same", "same-origin"): "200 200 200 404", ("same", "none"): "200 200 200 404",
    ("same", "same-site"): "200 403 403 403", ("same", "cross-site"): "200 403 403 403",
    ("port", "-"): "200 200 403 403", ("port", "same-origin"): "200 200 403 403", ("port", "none"): "200 200 403 403",
    ("port", "same-site"): "200 403 403 403", ("port", "cross-site"): "200 403 403 403",
    ("https", "-"): "200 200 403 403", ("https", "same-origin"): "200 200 403 403",
    ("https", "none"): "200 200 403 403",
    ("https", "same-site"): "200 403 403 403", ("https", "cross-site"): "200 403 403 403",
    ("evil", "-"): "200 200 403 403", ("evil", "same-origin"): "200 200 403 403", ("evil", "none"): "200 200 403 403",
    ("evil", "same-site"): "200 403 403 403", ("evil", "cross-site"): "200 403 403 403",
    ("null", "-"): "200 200 403 403", ("null", "same-origin"): "200 200 403 403", ("null", "none"): "200 200 403 403",
    ("null", "same-site"): "200 403 403 403", ("null", "cross-site"): "200 403 403 403",
    ("site", "-"): "200 200 200 403", ("site", "same-origin"): "200 200 200 403", ("site", "none"): "200 200 200 403",
    ("site", "same-site"): "200 403 200 403", ("site", "cross-site"): "200 403 200 403",
}  # fmt: skip
#: Under a Host that is not, whatever else is sent.
OTHERS = {"rebound": "403 403 403 403", "lookalike": "403 403 403 403", "broken": "400 400 400 400"}
CASES = [(host, origin, site) for host in HOSTS for origin in ORIGINS for site in SITES]


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient[Litestar]]:
    settings = ServerSettings(allowed_hosts=("museum.local",), widget_origins=(SITE,))
    with open_client(make_service(tmp_path_factory.mktemp("index")), settings) as opened:
        yield opened


def test_there_are_60_cases_and_more() -> None:
    assert len(CASES) == 210 and len(OURS) == len(ORIGINS) * len(SITES)


@pytest.mark.parametrize(("host", "origin", "site"), CASES)
def test_the_door_does_what_is_written(client: TestClient[Litestar], host: str, origin: str, site: str) -> None:
    name = HOSTS[host]
    headers = {"Host": name}
    template = ORIGINS[origin]
    if template is not None:
        headers["Origin"] = template.format(host=name, name=name.rpartition(":")[0])
    if SITES[site] is not None:
        headers["Sec-Fetch-Site"] = site
    expected = OTHERS.get(host) or OURS[(origin, site)]
    got = []
    for method, path in REQUESTS:
        reply = client.request(method, path, headers=headers, json={"text": "q"} if method == "POST" else None)
        got.append(str(reply.status_code))
        may_read = host not in OTHERS and origin == "site" and path == "/v1/ask"
        assert reply.headers.get("access-control-allow-origin") == (SITE if may_read else None)
    assert " ".join(got) == expected


LEAST = {
    "GET /login": "anyone", "POST /login": "anyone", "POST /logout": "anyone", "GET /v1/session": "anyone",
    "GET /static/{name}": "anyone", "GET /static/languages.json": "anyone", "GET /static/languages/{name}": "anyone",
    "GET /widget.js": "anyone",
    "GET /": "visitor", "GET /docs": "visitor", "GET /kiosk": "visitor", "GET /kiosk/qr": "visitor",
    "GET /v1/kiosk": "visitor", "POST /v1/kiosk/speech": "visitor", "GET /schema/openapi.json": "visitor",
    "GET /v1/health": "visitor", "GET /v1/index": "visitor", "POST /v1/ask": "visitor",
    "POST /v1/ask/stream": "visitor",
    "POST /v1/search": "visitor", "POST /v1/feedback": "visitor", "GET /v1/documents": "visitor",
    "GET /v1/documents/{document_id}": "visitor", "GET /v1/documents/{document_id}/file": "visitor",
    "GET /v1/documents/{document_id}/pages/{number}": "visitor",
    "GET /v1/documents/{document_id}/pages/{number}/image": "visitor", "GET /source/{document_id}/{number}": "visitor",
    "POST /v1/chat/completions": "visitor", "POST /v1/embeddings": "visitor", "GET /v1/models": "visitor",
    "GET /v1/models/{model}": "visitor", "POST /api/chat": "visitor", "GET /api/tags": "visitor",
    "GET /api/version": "visitor", "POST /api/show": "visitor",
    "GET /metrics": "curator", "POST /v1/documents": "curator", "DELETE /v1/documents": "curator",
    "DELETE /v1/documents/{document_id}": "curator",
    "GET /schema/raw": "nobody", "GET /schema/raw/openapi.json": "nobody", "GET /schema/raw/{path}": "nobody",
    "POST /v1/summarise": "visitor", "POST /v1/summarise/stream": "visitor", "POST /v1/rewrite": "visitor",
    "POST /v1/rewrite/stream": "visitor", "GET /v1/suggestions": "visitor",
    "GET /admin": "curator", "GET /v1/admin/documents": "curator", "GET /v1/admin/documents/{document_id}": "curator",
    "PUT /v1/admin/documents/{document_id}": "curator", "POST /v1/admin/documents/replace": "curator",
    "POST /v1/admin/documents/again": "curator", "GET /v1/admin/reading": "curator",
    "POST /v1/admin/reading": "curator", "DELETE /v1/admin/reading": "curator", "GET /v1/admin/system": "curator",
    "GET /v1/admin/models": "curator", "POST /v1/admin/check": "curator", "GET /v1/admin/log": "curator",
    "GET /v1/admin/questions": "curator", "GET /v1/admin/questions/repeats": "curator",
    "GET /v1/admin/questions/days": "curator", "GET /v1/admin/questions/export": "curator",
    "DELETE /v1/admin/questions": "curator", "DELETE /v1/admin/questions/{question}": "curator",
    "GET /v1/admin/pinned": "curator", "POST /v1/admin/pinned": "curator",
    "POST /v1/admin/pinned/{number}": "curator", "DELETE /v1/admin/pinned/{number}": "curator",
    "GET /v1/admin/golden": "curator", "GET /v1/admin/golden/runs/{run}": "curator",
    "POST /v1/admin/golden/questions": "curator", "POST /v1/admin/golden/runs": "curator",
    "DELETE /v1/admin/golden/runs": "curator",
    "POST /v1/admin/models": "owner", "GET /v1/settings": "owner", "PATCH /v1/settings": "owner",
    "GET /v1/keys": "owner", "POST /v1/keys": "owner", "DELETE /v1/keys/{key_id}": "owner",
}  # fmt: skip


def test_every_route_is_open_from_the_role_that_is_written_here() -> None:
    assert {name: right.needed for name, right in RIGHTS.items()} == LEAST, "say here who may use a new route"
