"""Sessions of browsers: the cookie, the page's token, other origins, and how everything ends at once."""

from __future__ import annotations

import http.client
import json
import ssl
import threading
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import ragedge
from ragedge.errors import AccessError, InputError, NotAuthenticated, RateLimited
from ragedge.keys import KeyFile, digest_of
from ragedge.server.access import SESSION_SECONDS, Access, Caller, page_token
from ragedge.server.app import create_app
from ragedge.server.certificate import certificate_for
from ragedge.server.listening import listen, make_server
from tests.server.clients import open_client, serving
from tests.server.fakes import make_service
from tests.server.keyed import DOCUMENT, JSON, UNLIMITED, Keyed, keyed, make_keys


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Keyed]:
    with keyed(tmp_path) as opened:
        yield opened


ASK = ("POST", "/v1/ask", b'{"text":"q"}')


def test_a_login_gives_a_cookie_that_no_script_and_no_other_site_can_use(box: Keyed) -> None:
    for role in ("visitor", "curator", "owner"):
        reply = box.log_in(role)
        assert reply.json() == {"role": role}
        name_value, *attributes = reply.headers["set-cookie"].split("; ")
        assert set(attributes) == {"Path=/", f"Max-Age={SESSION_SECONDS[role]}", "HttpOnly", "SameSite=Strict"}
        name, _, number = name_value.partition("=")
        assert name == f"ragedge_{box.file.read().id}" and len(number) == 43 and number not in box.tokens.values()
        view = box.send("GET", "/v1/session", {"Cookie": name_value}).json()
        token, has_desk = box.page_tokens[role], role != "visitor"
        assert view == {"role": role, "name": role, "has_login": True, "token": token, "has_desk": has_desk}
        assert number not in view["token"] and len(view["token"]) == 64
        assert box.send(*ASK[:2], {**JSON, **box.browser(role)}, ASK[2]).status == 200


def test_over_https_the_cookie_never_leaves_it(tmp_path: Path) -> None:
    file, _ = make_keys(tmp_path)
    cookie = Access(file, is_secure=True).cookie("x", 60)
    assert cookie.startswith(f"__Host-ragedge_{file.read().id}=x; Path=/;") and cookie.endswith("; Secure")


@pytest.mark.parametrize(
    ("body", "status"),
    [(b'{"key":"wrong"}', 401), (b'{"key":""}', 400), (b"{}", 400), (b"[]", 400), (b'{"key":1}', 400), (b"{", 400),
     (b'{"key":"' + b"a" * 300 + b'"}', 400), (b'{"key":"x","more":1}', 400), (b'{"key":"\\ud800"}', 400),
     (b'{"key":"\xff"}', 400), (b'{"key":"   "}', 401), (b'{"key":"\xc3\xa4"}', 401)],
)  # fmt: skip
def test_what_is_no_key_gives_no_cookie(box: Keyed, body: bytes, status: int) -> None:
    reply = box.send("POST", "/login", JSON, body)
    assert reply.status == status and "set-cookie" not in reply.headers
    assert box.file.read().sessions == ()


def test_a_form_and_another_site_cannot_log_anyone_in(box: Keyed) -> None:
    body = json.dumps({"key": box.tokens["owner"]}).encode()
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        assert box.send("POST", "/login", {"Content-Type": kind}, body).status == 415
    for header in ({"Origin": "http://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
        assert box.send("POST", "/login", {**JSON, **header}, body).status == 403
    assert box.file.read().sessions == ()


def test_logging_out_ends_the_session_also_for_who_copied_the_cookie(box: Keyed) -> None:
    box.log_in("owner")
    assert box.send("POST", "/logout", {"Cookie": box.cookies["owner"]}).status == 403  # not by our page
    reply = box.send("POST", "/logout", box.browser("owner"))
    assert reply.status == 200 and "Max-Age=0" in reply.headers["set-cookie"]
    assert box.send("GET", "/v1/health", {"Cookie": box.cookies["owner"]}).status == 401
    assert box.send("GET", "/v1/health", box.bearer("owner")).status == 200


def test_logging_in_again_ends_the_session_before(box: Keyed) -> None:
    box.log_in("visitor")
    old = box.cookies["visitor"]
    body = json.dumps({"key": box.tokens["owner"]}).encode()
    assert box.send("POST", "/login", {**JSON, "Cookie": old}, body).json() == {"role": "owner"}
    assert box.send("GET", "/v1/health", {"Cookie": old}).status == 401
    assert len(box.file.read().sessions) == 1


def test_a_key_revoked_elsewhere_is_out_with_the_next_request(box: Keyed) -> None:
    box.log_in("curator")
    assert box.send("GET", "/v1/health", box.browser("curator")).status == 200
    KeyFile(box.file.path).revoke("curator")  # as `ragedge keys revoke` does, in another process
    for headers in (box.bearer("curator"), box.browser("curator")):
        assert box.send("GET", "/v1/health", headers).status == 401
    assert box.send("GET", "/v1/health", box.bearer("visitor")).status == 200
    token = KeyFile(box.file.path).add("new", "curator")[1]
    assert box.send("GET", "/v1/health", {"Authorization": f"Bearer {token}"}).status == 200


def test_with_a_damaged_file_nobody_gets_in(box: Keyed) -> None:
    box.log_in("owner")
    good = box.file.path.read_bytes()
    for content in (b"", b"{}", good[:-5], None):
        if content is None:
            box.file.path.unlink()
        else:
            box.file.path.write_bytes(content)
        for headers in ({}, box.bearer("owner"), box.browser("owner")):
            assert box.send("GET", "/v1/health", headers).status == 401
    box.file.path.write_bytes(good)
    for headers in (box.bearer("owner"), box.browser("owner")):
        assert box.send("GET", "/v1/health", headers).status == 200


def test_a_session_ends_by_itself(tmp_path: Path) -> None:
    now = 5_000.0
    file = KeyFile(tmp_path / "keys", clock=lambda: now)
    key, _ = file.add("desk", "owner")
    access = Access(file, clock=lambda: now)
    number = file.open_session(key.id, 60)
    scope = {"headers": [(b"cookie", access.cookie(number, 60).partition(";")[0].encode())]}
    assert access.caller(scope).role == "owner"
    now = 5_060.0
    assert access.caller(scope).role is None


def test_page_tokens_differ_and_are_bound_to_the_session(tmp_path: Path) -> None:
    file, _ = make_keys(tmp_path)
    access = Access(file)
    one, other = Caller("owner", None, "a" * 43), Caller("owner", None, "b" * 43)
    assert page_token(one) != page_token(other) and page_token(Caller("owner")) == ""
    access.check_token({"headers": [(b"x-ragedge-token", page_token(one).encode())]}, one)
    access.check_token({"headers": []}, Caller("owner"))
    for headers in ([], [(b"x-ragedge-token", page_token(other).encode())], [(b"x-ragedge-token", b"\xff")]):
        with pytest.raises(AccessError):
            access.check_token({"headers": headers}, one)


ORIGINS = [
    "null", "", "http://evil.example", "http://127.0.0.1", "http://localhost:{port}", "https://127.0.0.1:{port}",
    "http://127.0.0.1:{port}.evil.example", "http://user@127.0.0.1:{port}", "http://127.0.0.1:{port}/", "file://",
    "http://127.0.0.1:{port}, http://evil.example", "HTTP://127.0.0.1:{port}", "//127.0.0.1:{port}", "http://[::1]:{port}",
]  # fmt: skip
CHANGES = [
    ("POST", "/v1/ask"), ("POST", "/v1/ask/stream"), ("POST", "/v1/search"), ("POST", "/v1/feedback"),
    ("POST", "/v1/documents"), ("DELETE", f"/v1/documents/{DOCUMENT}"), ("DELETE", "/v1/documents?path=manual.txt"),
    ("POST", "/v1/chat/completions"), ("POST", "/v1/embeddings"), ("POST", "/api/chat"), ("POST", "/api/show"),
    ("POST", "/logout"), ("POST", "//v1//documents/"), ("DELETE", f"//v1/documents//{DOCUMENT}/"),
]  # fmt: skip


def test_another_origin_changes_nothing_even_with_cookie_and_token(box: Keyed) -> None:
    box.log_in("owner")
    for method, path in CHANGES:
        for origin in ORIGINS:
            headers = {**JSON, **box.browser("owner"), "Origin": origin.format(port=box.port)}
            reply = box.send(method, path, headers, b'{"text":"q"}')
            assert reply.status == 403, (method, path, origin)
            assert not [name for name in reply.headers if name.startswith("access-control-")]
        for site in ("cross-site", "same-site", "", "x"):
            headers = {**JSON, **box.browser("owner"), "Origin": f"http://127.0.0.1:{box.port}", "Sec-Fetch-Site": site}
            assert box.send(method, path, headers, b'{"text":"q"}').status == 403
    own = {**JSON, **box.browser("owner"), "Origin": f"http://127.0.0.1:{box.port}", "Sec-Fetch-Site": "same-origin"}
    assert box.send("POST", "/v1/ask", own, b'{"text":"q"}').status == 200


@pytest.mark.parametrize(
    "path", ["/v1/documents", "//v1/documents", "/v1//documents/", "/v1/session", "//v1/session", "/api/tags"]
)
def test_another_site_reads_nothing_whatever_the_spelling(box: Keyed, path: str) -> None:
    box.log_in("owner")
    for site in ("cross-site", "same-site"):
        assert box.send("GET", path, {**box.browser("owner"), "Sec-Fetch-Site": site}).status == 403
    assert box.send("GET", path, {**box.browser("owner"), "Sec-Fetch-Site": "same-origin"}).status == 200


def test_the_widgets_site_asks_as_a_guest_and_never_as_who_is_logged_in(tmp_path: Path) -> None:
    settings = replace(UNLIMITED, widget_origins=("http://intranet.local",))
    with keyed(tmp_path / "a", settings) as box:
        box.log_in("owner")
        headers = {**JSON, **box.browser("owner"), "Origin": "http://intranet.local", "Sec-Fetch-Site": "cross-site"}
        assert box.send("POST", "/v1/ask", headers, b'{"text":"q"}').status == 401
        headers |= box.bearer("owner")
        assert box.send("POST", "/v1/ask", headers, b'{"text":"q"}').status == 401
        assert box.send("GET", "/widget.js").status == 200
    with keyed(tmp_path / "b", settings, guests=True) as box:
        headers = {**JSON, "Origin": "http://intranet.local", "Sec-Fetch-Site": "cross-site"}
        assert box.send("POST", "/v1/ask", headers, b'{"text":"q"}').status == 200
        assert box.send("POST", "/v1/documents", headers, b"{}").status == 403


HOSTS_REFUSED = [
    "evil.example", "127.0.0.2", "10.0.0.1", "[::1]x", "127.0.0.1.evil.example", "0.0.0.0", "127.1", "2130706433",
    "[::ffff:127.0.0.1]", "[fd00::1]", "0x7f.1", "017700000001", "127.0.0.1%00", "192.168.1.77",
]  # fmt: skip


def test_on_the_network_a_service_is_called_by_the_address_it_was_reached_at(tmp_path: Path) -> None:
    file, tokens = make_keys(tmp_path)
    service = replace(make_service(tmp_path / "index"), access=Access(file))
    settings = replace(UNLIMITED, is_lan=True, allowed_hosts=("box.local",))
    with serving(service, settings) as port:
        box = Keyed(file, tokens, service, port)
        for host in ("127.0.0.1", "localhost", "box.local:8321", f"127.0.0.1:{port}"):
            assert box.send("GET", "/v1/health", {"Host": host, **box.bearer("owner")}).status == 200
        for host in HOSTS_REFUSED:
            reply = box.send("GET", "/v1/health", {"Host": host, **box.bearer("owner")})
            assert reply.status in (400, 403), host


@pytest.mark.parametrize(("is_lan", "status"), [(True, 200), (False, 403)])
def test_its_own_address_is_a_name_only_on_the_network(tmp_path: Path, is_lan: bool, status: int) -> None:
    """The whole 127/8 is this machine: 127.0.0.9 stands for an address of its own."""
    app = create_app(make_service(tmp_path / "index"), replace(UNLIMITED, is_lan=is_lan))
    listener = listen("127.0.0.9", 0)
    server = make_server(app, listener)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        for host, expected in (("127.0.0.9", status), ("127.0.0.10", 403)):
            connection = http.client.HTTPConnection("127.0.0.9", listener.getsockname()[1], timeout=20)
            connection.request("GET", "/v1/health", headers={"Host": host})
            assert connection.getresponse().status == expected
            connection.close()
    finally:
        server.end()
        thread.join(20)
        listener.close()


def test_https_with_the_self_made_certificate(tmp_path: Path) -> None:
    certificate = certificate_for(tmp_path / "tls", ["box.local"])
    file, tokens = make_keys(tmp_path)
    service = replace(make_service(tmp_path / "index"), access=Access(file, is_secure=True))
    listener, ready = listen("127.0.0.1", 0), threading.Event()
    server = make_server(create_app(service, UNLIMITED), listener, ready.set, certificate)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        assert ready.wait(20)
        url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        trust = ssl.create_default_context(cafile=str(certificate.certificate_path))
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trust)
        )
        body = json.dumps({"key": tokens["owner"]}).encode()
        origin = {**JSON, "Origin": url}
        with opener.open(urllib.request.Request(f"{url}/login", body, origin)) as reply:
            cookie = reply.headers["set-cookie"]
            assert cookie.startswith("__Host-") and "; Secure" in cookie
            assert "strict-transport-security" not in {name.lower() for name in reply.headers}
        with opener.open(
            urllib.request.Request(f"{url}/v1/session", headers={"Cookie": cookie.partition(";")[0]})
        ) as reply:
            assert json.load(reply)["role"] == "owner"
    finally:
        server.end()
        thread.join(20)
        listener.close()


def test_the_python_client_shows_its_key(box: Keyed) -> None:
    url = f"http://127.0.0.1:{box.port}"
    with ragedge.Client(url, key=box.tokens["visitor"]) as client:
        assert client.ask("what torque?").outcome == "answered"
        with pytest.raises(AccessError) as refused:
            client.delete(DOCUMENT)
        assert not isinstance(refused.value, NotAuthenticated) and "curator" in refused.value.hint
    with ragedge.Client(url) as client, pytest.raises(NotAuthenticated):
        client.health()
    with pytest.raises(InputError):
        ragedge.Client(url, key="a\nb")


def test_the_python_client_knows_when_to_come_back(tmp_path: Path) -> None:
    settings = replace(UNLIMITED, tokens_per_second=0.5, token_burst=1)
    with (
        keyed(tmp_path, settings) as box,
        ragedge.Client(f"http://127.0.0.1:{box.port}", key=box.tokens["owner"]) as client,
    ):
        client.health()
        with pytest.raises(RateLimited) as caught:
            client.health()
    assert 1 <= caught.value.retry_after_s <= 2


def test_the_openai_package_shows_its_key(box: Keyed) -> None:
    openai = pytest.importorskip("openai")
    address = f"http://127.0.0.1:{box.port}/v1"
    with openai.OpenAI(base_url=address, api_key=box.tokens["visitor"], max_retries=0) as client:
        assert [model.id for model in client.models.list()]
    revoked = openai.OpenAI(base_url=address, api_key=box.tokens["revoked"], max_retries=0)
    with revoked, pytest.raises(openai.AuthenticationError):
        revoked.models.list()


def test_sessions_are_kept_as_digests(box: Keyed) -> None:
    box.log_in("owner")
    number = box.cookies["owner"].partition("=")[2]
    assert [session.digest for session in box.file.read().sessions] == [digest_of(number)]
    assert number.encode() not in box.file.path.read_bytes()


def test_the_login_page_and_its_files_are_plain_and_open(tmp_path: Path) -> None:
    file, _ = make_keys(tmp_path)
    with open_client(replace(make_service(tmp_path / "i"), access=Access(file)), UNLIMITED) as client:
        page = client.get("/login").text
        assert "<script type=" in page and "style=" not in page and " onclick" not in page
        for name in ("login.js", "login.css", "style.css", "icon.png"):
            assert client.get(f"/static/{name}").status_code == 200
        assert (
            client.get("/static/login.html").status_code == 404 and client.get("/static/index.html").status_code == 404
        )
