"""The headers that every reply carries, also those that the web framework or the guard makes itself.

CORS headers are sent to the origins that the config names for the widget alone. There is no Strict-Transport-Security:
with a self-made certificate it would leave browsers no way in after the certificate has changed.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from ragedge.errors import InputError
from ragedge.server.problems import explain, retry_headers
from ragedge.server.shapes import dressed
from ragedge.views import encode

#: Seconds for which a browser need not ask again whether it may ask.
_PREFLIGHT_SECONDS = 600

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

Send = Callable[[Any], Awaitable[None]]


class Reply:
    """An ASGI `send` that puts our headers on the start of every reply, and that can reply by itself."""

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
        headers += [(name.lower().encode(), value.encode()) for name, value in retry_headers(error).items()]
        headers.append((b"connection", b"close"))  # the body, if any, is not read
        await self({"type": "http.response.start", "status": status, "headers": headers})
        await self({"type": "http.response.body", "body": body})

    async def show(self, status: int, page: bytes) -> None:
        """Answer with a page of ours instead of the application."""
        headers = [
            (b"content-type", b"text/html; charset=utf-8"),
            (b"content-length", str(len(page)).encode()),
            (b"www-authenticate", b"Bearer"),
        ]
        await self({"type": "http.response.start", "status": status, "headers": headers})
        await self({"type": "http.response.body", "body": page})

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


def broken_request_reply() -> bytes:
    """A whole reply, head and body, to bytes that are no HTTP request."""
    request_id = secrets.token_hex(8)
    _, view = explain(InputError("this is not a request in HTTP", "see /docs for what there is"), request_id)
    body = encode(view)
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"connection", b"close"),
        (b"cache-control", b"no-store"),
        *SECURITY_HEADERS,
        (b"x-request-id", request_id.encode()),
    ]
    return b"HTTP/1.1 400 Bad Request\r\n" + b"".join(b"%s: %s\r\n" % header for header in headers) + b"\r\n" + body
