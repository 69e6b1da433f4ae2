"""Every route, every kind of caller, every spelling: exactly what the table says, and nothing by another way."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from ragedge.keys import ROLES
from ragedge.server.app import create_app
from ragedge.server.described import ROUTES
from ragedge.server.headers import SECURITY_HEADERS
from ragedge.server.permissions import RIGHTS, is_open, may, right_of
from ragedge.server.settings import ServerSettings
from tests.server.fakes import make_service
from tests.server.keyed import DOCUMENT, JSON, ROUTE_VALUES, UNLIMITED, VALUES, Keyed, keyed, with_kiosk

NAMES = list(RIGHTS)
#: What the desk works on besides the documents; one of each kind is there once.
CURATED = [
    name for name in NAMES if name.partition(" ")[2].startswith(("/v1/admin/pinned", "/v1/admin/golden"))
    or name in ("DELETE /v1/admin/questions", "DELETE /v1/admin/questions/{question}")
]  # fmt: skip
CLOSED = [name for name in NAMES if RIGHTS[name].needed not in ("anyone",)]
#: What only who may ask must ever see: text of documents, their names, the model, what the index holds.
SECRETS = (b"torque", b"manual.txt", b"Pump manual", b"tiny.gguf", b"fake-hash", b"generation", b"openapi")


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keyed]:
    folder = tmp_path_factory.mktemp("keyed")
    with keyed(folder, with_kiosk(folder, UNLIMITED)) as opened:
        for role in ROLES:
            opened.log_in(role)
        yield opened


def address(name: str) -> tuple[str, str]:
    method, template = name.split(" ")
    values = VALUES | ROUTE_VALUES.get(template, {})
    return method, re.sub(r"\{(\w+)\}", lambda found: values[found[1]], template)


def request_of(name: str) -> tuple[str, str, dict[str, str], bytes]:
    """A request that is answered well where the caller may."""
    method, path = address(name)
    if name in ("POST /v1/documents", "POST /v1/admin/documents/replace"):
        path += "?path=manual.txt" if "replace" in name else ""
        body = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\nhello\r\n--x--\r\n'
        return method, path, {"Content-Type": "multipart/form-data; boundary=x"}, body
    if name == "POST /login":
        return method, path, JSON, b'{"key": "x"}'
    if method in ("POST", "PUT", "PATCH") and name in ROUTES:
        return method, path, JSON, json.dumps(ROUTES[name].request).encode()
    return method, f"{path}?path=manual.txt" if name == "DELETE /v1/documents" else path, {}, b""


def test_the_table_names_every_route_of_the_application_and_no_other(tmp_path_factory: pytest.TempPathFactory) -> None:
    app = create_app(make_service(tmp_path_factory.mktemp("index")), ServerSettings())
    served = {
        f"{method} {re.sub(r':[a-z]+', '', route.path)}"
        for route in app.routes
        for method in route.methods - {"OPTIONS"}
    }
    assert served == set(RIGHTS)


def test_a_route_without_an_entry_is_closed_also_to_the_owner(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    with keyed(tmp_path_factory.mktemp("forgotten")) as box:
        assert box.send("GET", "/v1/health", box.bearer("owner")).status == 200
        monkeypatch.delitem(RIGHTS, "GET /v1/health")
        assert box.send("GET", "/v1/health", box.bearer("owner")).status == 403


def check_refused(reply: object, name: str, status: int) -> None:
    assert reply.status == status, (name, reply.status, reply.body[:200])  # type: ignore[attr-defined]
    body = reply.body  # type: ignore[attr-defined]
    assert not [secret for secret in SECRETS if secret in body], (name, body[:300])
    for header, value in SECURITY_HEADERS:
        assert reply.headers[header.decode()] == value.decode()  # type: ignore[attr-defined]


def strangers(box: Keyed) -> dict[str, list[tuple[str, str]]]:
    """Callers without a right to anything, and whether they show a key (those are refused everywhere)."""
    good = box.tokens["owner"]
    cookie = box.cookies["owner"]
    name, _, number = cookie.partition("=")
    return {
        "none": [],
        "wrong cookie": [("Cookie", f"{name}={'A' * 43}")],
        "empty cookie": [("Cookie", f"{name}=")],
        "key as cookie": [("Cookie", f"{name}={good}")],
        "two cookies": [("Cookie", f"{cookie}; {cookie}")],
        "two cookie headers": [("Cookie", cookie), ("Cookie", f"{name}=x")],
        "cookie of another name": [("Cookie", f"ragedge={number}")],
        "cookie in other case": [("Cookie", f"{name.upper()}={number}")],
        "page token alone": [("X-Ragedge-Token", box.page_tokens["owner"])],
        "key in other headers": [("X-Api-Key", good), ("Proxy-Authorization", f"Bearer {good}"), ("Api-Key", good)],
        "wrong key": [("Authorization", f"Bearer ragedge_{'A' * 43}")],
        "revoked key": [("Authorization", f"Bearer {box.tokens['revoked']}")],
        "empty key": [("Authorization", "Bearer ")],
        "no scheme": [("Authorization", good)],
        "basic": [("Authorization", f"Basic {good}")],
        "short key": [("Authorization", f"Bearer {good[:-1]}")],
        "long key": [("Authorization", f"Bearer {good}A")],
        "key in other case": [("Authorization", f"Bearer {good.swapcase()}")],
        "two keys": [("Authorization", f"Bearer {good}"), ("Authorization", f"Bearer {good}")],
        "key with a list": [("Authorization", f"Bearer {good}, Bearer {good}")],
        "session as key": [("Authorization", f"Bearer {number}")],
        "digest as key": [("Authorization", f"Bearer {box.file.read().keys[2].digest}")],
        "huge key": [("Authorization", f"Bearer {'A' * 5000}")],
        "wrong key beside a good cookie": [("Authorization", "Bearer x"), ("Cookie", cookie)],
        "key in bytes": [("Authorization", "Bearer \xff\xfe")],
    }


@pytest.mark.parametrize("name", NAMES)
def test_strangers_get_nothing_whatever_they_show(box: Keyed, name: str) -> None:
    method, path, headers, body = request_of(name)
    for kind, shown in strangers(box).items():
        reply = box.send(method, path, [*headers.items(), *shown], body)
        has_key = any(header == "Authorization" for header, _ in shown)
        if RIGHTS[name].needed == "anyone" and not has_key:
            expected = {"POST /login": 401, "GET /widget.js": 404}.get(name, 200)
            assert reply.status == expected, (name, kind)
            assert not [secret for secret in SECRETS if secret in reply.body]
        else:
            check_refused(reply, f"{name} {kind}", 401)
            assert reply.headers["www-authenticate"] == "Bearer"
    assert DOCUMENT in {info.id for info in box.service.index.documents()}


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("name", NAMES)
def test_each_role_may_what_the_table_says(box: Keyed, name: str, role: str) -> None:
    right = RIGHTS[name]
    method, path, headers, body = request_of(name)
    shown = [box.bearer(role), box.browser(role)]
    if name in ("POST /login", "POST /logout"):
        shown = shown[:1]  # would end the session that the other cases need
    for pairs in shown:
        if name == "POST /v1/keys":
            body = json.dumps({"name": f"made-{len(box.file.read().keys)}"}).encode()
        elif "DELETE /v1/documents" in name and may(role, right.needed):  # type: ignore[arg-type]
            path = f"/v1/documents/{'f' * 16}" if "{" in name else "/v1/documents?path=absent.txt"
        reply = box.send(method, path, {**headers, **pairs}, body)
        if right.needed == "nobody":
            assert reply.status == 404
        elif not may(role, right.needed):  # type: ignore[arg-type]
            check_refused(reply, f"{name} {role}", 403)
        elif name in CURATED:
            assert reply.status in (200, 400, 404, 409, 503)  # done once, refused after that: test_desk.py has each
        elif name.startswith(("DELETE /v1/documents", "DELETE /v1/keys", "POST /v1/feedback", "GET /widget.js")):
            assert reply.status == 404  # not there, but would have been done
        elif name == "POST /login":
            assert reply.status == 401  # the key in this body is none
        elif name.endswith(("/image", "/v1/embeddings")):
            assert reply.status in (200, 404)  # the fakes have no PDF, and an embedder of another name
        else:
            assert 200 <= reply.status < 300, (name, role, reply.status, reply.body[:200])


CHANGES = [name for name in CLOSED if not name.startswith("GET")]


@pytest.mark.parametrize("name", [*CHANGES, "POST /logout"])
def test_a_cookie_alone_changes_nothing(box: Keyed, name: str) -> None:
    method, path, headers, body = request_of(name)
    cookie, other = ("Cookie", box.cookies["owner"]), box.page_tokens["curator"]
    good = box.page_tokens["owner"]
    for token in (
        [],
        [""],
        ["x"],
        [other],
        [good[:-1]],
        [good + "0"],
        [good.upper() + " "],
        [good, good],
        [f"{good}, {good}"],
    ):
        pairs = [*headers.items(), cookie, *(("X-Ragedge-Token", value) for value in token)]
        check_refused(box.send(method, path, pairs, body), f"{name} {token}", 403)
    spelled = f"{path}{'&' if '?' in path else '?'}X-Ragedge-Token={good}"
    assert box.send(method, spelled, [*headers.items(), cookie], body).status == 403
    assert box.send("GET", "/v1/session", [cookie]).json()["role"] == "owner"


def tricks(path: str) -> Iterator[str]:
    """Other ways to write an address."""
    yield from (f"/{path}", f"//{path}", path.replace("/", "//"), f"{path}/", f"{path}//", f"{path}/.", f"/.{path}")
    yield from (f"{path}/..", f"{path}/x/..", f"/x/..{path}", f"{path}%2f", f"%2f{path[1:]}", f"/%2e{path}")
    yield from (
        f"{path};x",
        f"{path};/login",
        f"{path}%00",
        f"{path}%20",
        f"{path}?x=/login",
        f"{path}#/login",
        f"{path}.js",
    )
    yield from (path.upper(), path.title(), path.replace("v1", "V1"), path.replace("1", "%31"), f"{path}%3f/static/x")
    yield from ("/" + "".join(f"%{ord(c):02x}" for c in path[1:]), f"{path}/%2e%2e/login", f"\\{path[1:]}", path + "\\")


OPEN_FIRST = (
    "/static/..", "/static/../", "/static/%2e%2e", "/static/x/..", "/login/..", "/login/%2e%2e", "/login", "/login;",
    "/v1/session/..", "/static", "/static/app.js/..", "/logout/..", "/widget.js/..", "//static//..//",
)  # fmt: skip


@pytest.mark.parametrize("name", CLOSED)
def test_no_spelling_of_an_address_leads_around_the_table(box: Keyed, name: str) -> None:
    method, path, headers, body = request_of(name)
    plain = path.partition("?")[0]
    for trick in tricks(plain):
        reply = box.send(method, trick, headers, body)
        assert reply.status in (400, 401), (method, trick, reply.status)
        check_refused(reply, trick, reply.status)
    for root in OPEN_FIRST if plain != "/" else ():  # before "/" they are themselves
        reply = box.send(method, f"{root}{plain}", headers, body)
        assert reply.status in (400, 401, 404, 405), (method, root + plain, reply.status)
        check_refused(reply, root + plain, reply.status)
    for verb in ("HEAD", "OPTIONS", "PUT", "PATCH", "TRACE", "get", "FOO", "PROPFIND"):
        reply = box.send(verb, plain, headers)
        assert reply.status in (400, 401), (verb, plain, reply.status)
    for header in ("X-Original-URL", "X-Rewrite-URL", "X-Forwarded-Path", "X-HTTP-Method-Override", "X-Forwarded-For"):
        value = {"X-HTTP-Method-Override": "GET", "X-Forwarded-For": "127.0.0.1"}.get(header, plain)
        assert box.send(method, plain, {**headers, header: value}, body).status == 401
        assert not [s for s in SECRETS if s in box.send("GET", "/login", {header: value}).body]


@pytest.mark.parametrize("name", [name for name in NAMES if RIGHTS[name].needed in ("curator", "owner")])
def test_no_spelling_lets_a_visitor_change_anything(box: Keyed, name: str) -> None:
    method, path, headers, body = request_of(name)
    plain, mark, query = path.partition("?")
    before = (len(box.service.index.documents()), list(box.service.syncer.names))  # type: ignore[union-attr]
    read = right_of("GET", name.split(" ")[1])
    plain_get = 405 if read is None else 200 if may("visitor", read.needed) else 403
    for pairs in (box.bearer("visitor"), box.browser("visitor")):
        for trick in (*tricks(plain), *(root + plain for root in OPEN_FIRST)):
            reply = box.send(method, f"{trick}{mark}{query}", {**headers, **pairs}, body)
            assert reply.status in (400, 403, 404, 405), (method, trick, reply.status)
        for header in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"):
            reply = box.send("GET", plain, {**pairs, header: method})
            assert reply.status == plain_get, (header, reply.status)
        for override in (f"?_method={method}", f"?method={method}"):
            box.send("GET", plain + override, pairs)
    assert (len(box.service.index.documents()), list(box.service.syncer.names)) == before  # type: ignore[union-attr]


@pytest.mark.parametrize("name", NAMES)
def test_asking_for_methods_needs_what_the_least_of_them_needs(box: Keyed, name: str) -> None:
    _, path = address(name)
    template = name.split(" ")[1]
    least = right_of("OPTIONS", template)
    assert least is not None
    for role in (None, *ROLES):
        reply = box.send("OPTIONS", path, box.bearer(role) if role else {})
        lacking = 404 if least.needed == "nobody" else 403  # as with each of its methods
        expected = 401 if role is None and not is_open(path) else 204 if may(role, least.needed) else lacking
        assert reply.status == expected, (path, role)
        assert not [header for header in reply.headers if header.startswith("access-control-")]


def test_who_comes_without_a_key_does_not_learn_what_there_is(box: Keyed) -> None:
    bodies = set()
    for path in (
        "/v1/index",
        "/v1/nowhere",
        "/admin",
        "/v1/documents/0123456789abcdef",
        "/v1/documents/ffffffffffffffff",
    ):
        reply = box.send("GET", path)
        view = reply.json()["error"]
        view.pop("request_id")
        bodies.add((reply.status, json.dumps(view)))
    assert len(bodies) == 1


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/v1/chat/completions", dict),
        ("/v1/embeddings", dict),
        ("/v1/models", dict),
        ("/api/chat", str),
        ("/api/tags", str),
    ],
)
def test_other_protocols_refuse_in_their_own_shape(box: Keyed, path: str, kind: type) -> None:
    error = box.send("GET" if path in ("/v1/models", "/api/tags") else "POST", path, JSON, b"{}").json()["error"]
    assert isinstance(error, kind)
    if isinstance(error, dict):
        assert error["type"] == "authentication_error"


def test_a_browser_is_shown_the_login_page_and_a_program_the_reason(box: Keyed) -> None:
    for path in ("/", "/docs", f"/source/{DOCUMENT}/1", "/nowhere"):
        page = box.send("GET", path, {"Accept": "text/html,application/xhtml+xml"})
        assert (
            page.status == 401 and page.headers["content-type"].startswith("text/html") and b"login-form" in page.body
        )
        assert page.headers["cache-control"] == "no-store"
        assert box.send("GET", path).json()["error"]["code"] == "not_authenticated"


def test_without_keys_this_machine_may_everything(tmp_path_factory: pytest.TempPathFactory) -> None:
    from tests.server.clients import open_client

    with open_client(make_service(tmp_path_factory.mktemp("open"))) as client:
        assert client.get("/v1/session").json() == {
            "role": "owner",
            "name": "",
            "has_login": False,
            "token": "",
            "has_desk": True,
        }
        assert client.get("/v1/index", headers={"Authorization": "Bearer anything"}).status_code == 200
        assert client.get("/login").status_code == 404
        assert client.post("/login", json={"key": "x"}).status_code == 404
        assert client.delete(f"/v1/documents/{DOCUMENT}").status_code == 200
        for _ in range(30):
            assert client.post("/v1/ask", json={"text": "q"}).status_code == 200  # and no limit


def test_guests_may_ask_where_the_config_says_so_and_nothing_more(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("guests")
    with keyed(folder, with_kiosk(folder, UNLIMITED), guests=True) as box:
        for name, right in RIGHTS.items():
            method, path, headers, body = request_of(name)
            reply = box.send(method, path, headers, body)
            if right.needed in ("curator", "owner"):
                assert reply.status == 403, name
            elif name != "POST /login":
                assert reply.status not in (401, 403), name
        assert box.send("GET", "/v1/index").json()["can_change"] is False
        assert box.send("GET", "/v1/index", box.bearer("curator")).json()["can_change"] is True
        assert box.send("GET", "/v1/index", {"Authorization": "Bearer wrong"}).status == 401
