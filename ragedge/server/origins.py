"""Hosts and origins as requests name them: taken apart, compared, refused.

Litestar 2.25's own host check refuses every host with a port (issue 4869), so this is our own: lower case, port cut
off, compared exactly. Plain functions over header values; knows nothing of routes and callers.
"""

from __future__ import annotations

from typing import Any

from ragedge.errors import AccessError, ConfigError

_DEFAULT_PORTS = {"http": "80", "https": "443"}
#: A Host or Origin longer than this is no name: DNS ends at 253 characters.
_NAME_CHARS = 300


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


def configured_origin(text: str) -> str:
    """An origin out of the config in its one spelling.

    Raises:
        ConfigError: it is not one.
    """
    origin = plain_origin(text)
    if origin is None or "*" in origin:
        raise ConfigError(
            f'"{text}" under widget_origins is not an origin',
            'write scheme and host as the browser shows them, without a path: "http://intranet.local:8080"',
        )
    return origin


def check_site(values: list[str]) -> None:
    """Whether the page that asks is ours, by what browsers say in Sec-Fetch-Site.

    Raises:
        AccessError: it is not.
    """
    if any(value not in ("same-origin", "none") for value in values):
        raise AccessError("another web site may not do this", "use the page of this service itself")


def is_same_origin(origin: str, scheme: str, host: tuple[str, str]) -> bool:
    """Whether `origin` names the scheme, host and port that the request itself was sent to."""
    named, mark, authority = origin.partition("://")
    parts = split_host(authority) if mark and named == scheme else None
    if parts is None:
        return False
    default = _DEFAULT_PORTS.get(scheme, "")
    return (parts[0], parts[1] or default) == (host[0], host[1] or default)


def header_values(scope: Any, name: bytes) -> list[str]:
    """All values of a header of an ASGI request; `name` in lower case."""
    return [value.decode("latin-1") for key, value in scope["headers"] if key.lower() == name]
