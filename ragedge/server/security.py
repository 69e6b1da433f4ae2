"""What stands in front of every route: who may call (Host, Origin), and which headers each reply carries.

A page on another site can reach a service on 127.0.0.1 in two ways: by a name of its own that it lets point here (DNS
rebinding), which the Host check stops, and by sending forms or fetches from the browser of someone who has the page
open, which the Origin and Sec-Fetch-Site checks stop. Litestar 2.25's own host check refuses every host with a port
(issue 4869), so this is our own: lower case, port cut off, compared with an exact set. CORS headers are sent to the
origins that the config names for the widget alone, and on the routes that it asks alone. Replies that the web framework
makes itself (no such route, wrong method) pass here, too.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from ragedge.errors import AccessError, Busy, ConfigError, InputError, NotFound, RagedgeError
from ragedge.server.problems import explain
from ragedge.server.shapes import dressed
from ragedge.views import encode

_LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
_SAFE_METHODS = frozenset({b"GET", b"HEAD", b"OPTIONS"})
_DEFAULT_PORTS = {"http": "80", "https": "443"}
#: What a page of an origin under `widget_origins` may call, and the script it does so with.
_WIDGET_ROUTES = frozenset({"/v1/ask", "/v1/ask/stream"})
WIDGET_SCRIPT = "/widget.js"
#: Seconds for which a browser need not ask again whether it may ask.
_PREFLIGHT_SECONDS = 600
#: A Host or Origin longer than this is no name: DNS ends at 253 characters.
_NAME_CHARS = 300

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; media-src 'self' blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_SAME_ORIGIN = (b"cross-origin-resource-policy", b"same-origin")
SECURITY_HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"content-security-policy", CONTENT_SECURITY_POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    _SAME_ORIGIN,
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
)
_FORCED = frozenset(name for name, _ in SECURITY_HEADERS) | {b"x-request-id", b"server"}

Scope = Any
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]


def split_host(value: str) -> tuple[str, str] | None:
    """A Host header or an origin's authority as (name in lower case, port or ""); None when it is not one.

    An IPv6 address loses its brackets: "[::1]:8321" -> ("::1", "8321").
    """
    text = value.strip().lower()
    if not text or len(text) > _NAME_CHARS or any(c in text for c in "@/\\?# \t,%"):
        return None
    if text.startswith("["):
        name, bracket, rest = text[1:].partition("]")
        if not bracket or ":" not in name:
            return None
    else:
        name, colon, digits = text.partition(":")
        rest = colon + digits
        if not name:
            return None
    if not rest:
        return name, ""
    port = rest[1:]
    if rest[0] != ":" or not (port.isascii() and port.isdigit()) or int(port[:6]) > 65_535 or len(port) > 5:
        return None
    return name, port


def plain_origin(value: str) -> str | None:
    """An origin in its one spelling: "HTTP://Intranet:80" -> "http://intranet"; None when it is not one."""
    scheme, mark, authority = value.partition("://")
    scheme = scheme.lower()
    parts = split_host(authority) if mark and scheme in _DEFAULT_PORTS else None
    if parts is None:
        return None
    name, port = parts
    name = f"[{name}]" if ":" in name else name
    return f"{scheme}://{name}" if port in ("", _DEFAULT_PORTS[scheme]) else f"{scheme}://{name}:{port}"


class Guard:
    """Checks a request before the application sees it, and completes the headers of whatever it answers.

    Raises:
        ConfigError: one of `widget_origins` is not an origin.
    """

    def __init__(self, allowed_hosts: Iterable[str], *, request_limit: int, widget_origins: Iterable[str] = ()) -> None:
        names = set(_LOCAL_HOSTS)
        for host in allowed_hosts:
            parts = split_host(host if host.count(":") < 2 or host.startswith("[") else f"[{host}]")
            if parts is not None:
                names.add(parts[0])
        self._hosts = frozenset(names)
        self._guests = frozenset(_configured_origin(origin) for origin in widget_origins)
        self._request_limit = request_limit
        self._active = 0

    async def __call__(
        self, app: Callable[[Scope, Receive, Send], Awaitable[None]], scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Run one HTTP request through the checks and `app`."""
        request_id = secrets.token_hex(8)
        scope.setdefault("state", {})["request_id"] = request_id
        guarded = _Reply(send, request_id, scope["path"])
        self._active += 1
        try:
            try:
                self._check(scope, guarded)
            except RagedgeError as error:
                await guarded.refuse(error)
                return
            if guarded.guest and scope["method"] == "OPTIONS":
                await guarded.allow()
                return
            try:
                await app(scope, receive, guarded)
            except Exception as error:
                await guarded.fail(error)
        finally:
            self._active -= 1

    def _check(self, scope: Scope, reply: _Reply) -> None:
        host = self._check_host(_values(scope, b"host"))
        reply.guest = self._guest(scope)
        reply.is_for_all = bool(self._guests) and scope["path"] == WIDGET_SCRIPT
        if self._active > self._request_limit:
            raise Busy("too many requests at once", "try again in a few seconds", retry_after_s=2)
        method = scope["method"].encode() if isinstance(scope["method"], str) else scope["method"]
        if reply.guest:
            pass
        elif method not in _SAFE_METHODS:
            self._check_origin(scope, host)
        elif scope["path"].startswith(("/v1/", "/api/")):
            _check_site(_values(scope, b"sec-fetch-site"))
        if scope["path"].startswith("/schema") and scope["path"] != "/schema/openapi.json":
            raise NotFound("there is nothing at this address", "the interface is described at /docs")

    def _guest(self, scope: Scope) -> str:
        """The Origin of a page that the config lets ask, as the browser wrote it; "" for everyone else."""
        if scope["path"] not in _WIDGET_ROUTES or scope["method"] not in ("POST", "OPTIONS"):
            return ""
        origins = _values(scope, b"origin")
        return origins[0] if len(origins) == 1 and plain_origin(origins[0]) in self._guests else ""

    def _check_host(self, values: list[str]) -> tuple[str, str]:
        if len(values) != 1:
            raise InputError(f"a request needs one Host header, this one has {len(values)}", "send exactly one")
        host = split_host(values[0])
        if host is None:
            raise InputError("the Host header is not a host name", "open the page at http://localhost")
        if host[0] not in self._hosts:
            raise AccessError(
                f'this service is not called "{host[0]}"',
                "open it as http://localhost, or add the name to allowed_hosts under [server] in the config",
            )
        return host

    def _check_origin(self, scope: Scope, host: tuple[str, str]) -> None:
        _check_site(_values(scope, b"sec-fetch-site"))
        origins = _values(scope, b"origin")
        if not origins:
            return  # not a browser: those always send Origin with these methods
        if len(origins) > 1 or not _is_same_origin(origins[0], scope["scheme"], host):
            raise AccessError("another web site may not do this", "use the page of this service itself")


def _configured_origin(text: str) -> str:
    origin = plain_origin(text)
    if origin is None or "*" in origin:
        raise ConfigError(
            f'"{text}" under widget_origins is not an origin',
            'write scheme and host as the browser shows them, without a path: "http://intranet.local:8080"',
        )
    return origin


def _check_site(values: list[str]) -> None:
    if any(value not in ("same-origin", "none") for value in values):
        raise AccessError("another web site may not do this", "use the page of this service itself")


def _is_same_origin(origin: str, scheme: str, host: tuple[str, str]) -> bool:
    """Whether `origin` names the scheme, host and port that the request itself was sent to."""
    named, mark, authority = origin.partition("://")
    parts = split_host(authority) if mark and named == scheme else None
    if parts is None:
        return False
    default = _DEFAULT_PORTS.get(scheme, "")
    return (parts[0], parts[1] or default) == (host[0], host[1] or default)


def _values(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key.lower() == name]


class _Reply:
    """An ASGI `send` that puts our headers on the start of every reply."""

    def __init__(self, send: Send, request_id: str, path: str) -> None:
        self._send = send
        self._request_id = request_id
        self._path = path
        self._is_started = False
        #: The origin of another page that may read this reply, or "".
        self.guest = ""
        #: Whether any page may load this as a script.
        self.is_for_all = False

    async def __call__(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self._is_started = True
            message = {**message, "headers": self._headers(message.get("headers", ()))}
        await self._send(message)

    async def refuse(self, error: Exception) -> None:
        """Answer with the error shape instead of the application."""
        status, view = explain(error, self._request_id)
        body = encode(dressed(self._path, status, view))
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        if isinstance(error, Busy):
            headers.append((b"retry-after", str(error.retry_after_s).encode()))
        headers.append((b"connection", b"close"))  # the body, if any, is not read
        await self({"type": "http.response.start", "status": status, "headers": headers})
        await self({"type": "http.response.body", "body": body})

    async def allow(self) -> None:
        """Answer a browser that asks whether a page may ask."""
        headers = [
            (b"access-control-allow-methods", b"POST"),
            (b"access-control-allow-headers", b"content-type"),
            (b"access-control-max-age", str(_PREFLIGHT_SECONDS).encode()),
            (b"access-control-allow-private-network", b"true"),
        ]
        start = {"type": "http.response.start", "status": 204, "headers": [*self._headers(()), *headers]}
        await self._send(start)
        await self._send({"type": "http.response.body", "body": b""})

    async def fail(self, error: Exception) -> None:
        """A failure outside the application's own handlers; with a reply begun, only the log can tell."""
        if self._is_started:
            explain(error, self._request_id)
        else:
            await self.refuse(error)

    def _headers(self, headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        kept = [
            (name, value)
            for name, value in headers
            if name.lower() not in _FORCED and not name.lower().startswith(b"access-control-")
        ]
        if not any(name.lower() == b"cache-control" for name, _ in kept):
            kept.append((b"cache-control", b"no-store"))
        kept += SECURITY_HEADERS
        if self.is_for_all:
            kept[kept.index(_SAME_ORIGIN)] = (_SAME_ORIGIN[0], b"cross-origin")
        if self.guest:
            kept += [
                (b"access-control-allow-origin", self.guest.encode("latin-1")),
                (b"access-control-expose-headers", b"x-request-id, retry-after"),
                (b"vary", b"origin"),
            ]
        return [*kept, (b"x-request-id", self._request_id.encode())]
