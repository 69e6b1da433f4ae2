"""What stands in front of every route: who may call (Host, Origin, key or cookie, how often), before anything is read.

A page on another site can reach a service on 127.0.0.1 in two ways: by a name of its own that it lets point here (DNS
rebinding), which the Host check stops, and by sending forms or fetches from the browser of someone who has the page
open, which the Origin and Sec-Fetch-Site checks stop, and with a login the page's token, too. Who comes without a key
learns of no address whether there is anything; which role a route needs is checked once it is known (permissions.py).
Replies that the web framework makes itself (no such route, wrong method) pass here, too.
"""

from __future__ import annotations

import ipaddress
import re
import secrets
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from typing import Any

from ragedge.errors import AccessError, Busy, InputError, NotAuthenticated, RagedgeError
from ragedge.server.access import OWNER, WIDGET, Access, Caller
from ragedge.server.headers import Reply, Send
from ragedge.server.origins import (
    check_site,
    configured_origin,
    header_values,
    is_same_origin,
    plain_origin,
    split_host,
)
from ragedge.server.permissions import LOGIN, is_open, no_key
from ragedge.server.rates import Buckets, caller_of

_LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
#: What a page of an origin under `widget_origins` may call, and the script it does so with.
_WIDGET_ROUTES = frozenset({"/v1/ask", "/v1/ask/stream"})
WIDGET_SCRIPT = "/widget.js"
#: Tokens of a bucket that a wrong key costs.
_WRONG_KEY = 20

Scope = Any
Receive = Callable[[], Awaitable[Any]]


class Guard:
    """Checks a request before the application sees it, and completes the headers of whatever it answers.

    Args:
        allowed_hosts: names beyond those of this machine under which the service may be called.
        request_limit: requests at once.
        widget_origins: sites whose pages may ask.
        access: the keys; None where everybody is the owner.
        buckets: how much a client may ask; None for no limit.
        is_lan: whether the address that a request was sent to is a name of this service, too.
        login_page: what a browser without a session is shown.

    Raises:
        ConfigError: one of `widget_origins` is not an origin.
    """

    def __init__(
        self, allowed_hosts: Iterable[str], *, request_limit: int, widget_origins: Iterable[str] = (),
        access: Access | None = None, buckets: Buckets | None = None, is_lan: bool = False, login_page: bytes = b"",
    ) -> None:  # fmt: skip
        names = set(_LOCAL_HOSTS)
        for host in allowed_hosts:
            parts = split_host(host if host.count(":") < 2 or host.startswith("[") else f"[{host}]")
            if parts is not None:
                names.add(parts[0])
        self._hosts = frozenset(names)
        self._guests = frozenset(configured_origin(origin) for origin in widget_origins)
        self._request_limit = request_limit
        self._access = access
        self._buckets = buckets
        self._is_lan = is_lan
        self._login_page = login_page
        self._active = 0

    async def __call__(
        self, app: Callable[[Scope, Receive, Send], Awaitable[None]], scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Run one HTTP request through the checks and `app`."""
        request_id = secrets.token_hex(8)
        state = scope.setdefault("state", {})
        state["request_id"] = request_id
        state["caller"] = Caller(None)
        state["pay"] = partial(self._pay, scope)
        guarded = Reply(send, request_id, scope["path"])
        self._active += 1
        try:
            try:
                self._check(scope, guarded)
            except NotAuthenticated as error:
                await (guarded.show(401, self._login_page) if _wants_page(scope) else guarded.refuse(error))
                return
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

    def _check(self, scope: Scope, reply: Reply) -> None:
        path = plain_path(scope["path"])
        host = self._check_host(scope)
        reply.guest = self._guest(scope)
        reply.is_for_all = bool(self._guests) and scope["path"] == WIDGET_SCRIPT
        if self._active > self._request_limit:
            raise Busy("too many requests at once", "try again in a few seconds", retry_after_s=2)
        self._pay(scope, 1)
        is_change = scope["method"] not in _SAFE_METHODS
        if reply.guest:
            pass
        elif is_change:
            self._check_origin(scope, host)
        elif path.startswith(("/v1/", "/api/")):
            check_site(header_values(scope, b"sec-fetch-site"))
        caller = scope["state"]["caller"] = self._caller(scope, reply)
        if caller.role is None and not is_open(path):
            raise no_key()
        if is_change and path != LOGIN and self._access is not None:
            self._access.check_token(scope, caller)

    def _caller(self, scope: Scope, reply: Reply) -> Caller:
        if reply.guest:  # a page of another site never speaks for who is logged in here, or sits here
            return WIDGET if self._access is None else self._access.guest
        if self._access is None:
            return OWNER
        try:
            return self._access.caller(scope)
        except NotAuthenticated:
            if self._buckets is not None:
                self._buckets.drain(_client(scope), _WRONG_KEY)
            raise

    def _pay(self, scope: Scope, cost: int) -> None:
        if self._buckets is not None and cost > 0:
            self._buckets.take(_client(scope), cost)

    def _guest(self, scope: Scope) -> str:
        """The Origin of a page that the config lets ask, as the browser wrote it; "" for everyone else."""
        if scope["path"] not in _WIDGET_ROUTES or scope["method"] not in ("POST", "OPTIONS"):
            return ""
        origins = header_values(scope, b"origin")
        return origins[0] if len(origins) == 1 and plain_origin(origins[0]) in self._guests else ""

    def _check_host(self, scope: Scope) -> tuple[str, str]:
        values = header_values(scope, b"host")
        if len(values) != 1:
            raise InputError(f"a request needs one Host header, this one has {len(values)}", "send exactly one")
        host = split_host(values[0])
        if host is None:
            raise InputError("the Host header is not a host name", "open the page at http://localhost")
        if host[0] not in self._hosts and not (self._is_lan and _is_own_address(host[0], scope)):
            raise AccessError(
                f'this service is not called "{host[0]}"',
                "open it as http://localhost, or add the name to allowed_hosts under [server] in the config",
            )
        return host

    def _check_origin(self, scope: Scope, host: tuple[str, str]) -> None:
        check_site(header_values(scope, b"sec-fetch-site"))
        origins = header_values(scope, b"origin")
        if not origins:
            return  # not a browser: those always send Origin with these methods
        if len(origins) > 1 or not is_same_origin(origins[0], scope["scheme"], host):
            raise AccessError("another web site may not do this", "use the page of this service itself")


def plain_path(path: str) -> str:
    """An address as the framework finds its route: one slash where there are several, none at the end."""
    return re.sub("/+", "/", path).rstrip("/") or "/"


def _is_own_address(name: str, scope: Scope) -> bool:
    """Whether a Host is the very address that the connection came in at: no other site can have that for its name."""
    server = scope.get("server")
    try:
        return server is not None and ipaddress.ip_address(name) == ipaddress.ip_address(server[0].partition("%")[0])
    except ValueError:
        return False


def _client(scope: Scope) -> str:
    client = scope.get("client")
    return caller_of(client[0]) if client else ""


def _wants_page(scope: Scope) -> bool:
    """Whether a person in a browser asked for a page, rather than a program or a script for data."""
    return scope["method"] == "GET" and any("text/html" in value for value in header_values(scope, b"accept"))
