"""Who calls: a request's key or cookie -> `Caller`, and the sessions of browsers.

Without `Access` (this machine only) every caller is the owner and nothing is asked. With it a program shows its key as
`Authorization: Bearer`, a browser the cookie that a login gave it; what a cookie lets in must also carry, to change
anything, a token that only our own page can read. The file of keys is looked at with every request, so that a key
revoked by another process is gone with the next one.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ragedge.errors import AccessError, ConfigError, NotAuthenticated
from ragedge.keys import Key, KeyFile, KeyRing, Role, Session, digest_of
from ragedge.server.origins import header_values

_log = logging.getLogger("ragedge.server")

CSRF_HEADER = "x-ragedge-token"
#: Seconds that a login lasts: who may change things logs in every day, a reading device every month.
SESSION_SECONDS: dict[Role, int] = {"visitor": 30 * 86_400, "curator": 12 * 3_600, "owner": 12 * 3_600}
#: Nothing that is a key or a session number of ours is longer.
_CREDENTIAL_CHARS = 200


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request. `role` is None for who may do nothing but log in; `session` is a browser's number or ""."""

    role: Role | None
    key: Key | None = None
    session: str = ""


OWNER = Caller("owner")
"""Everybody on a service that only this machine reaches."""

WIDGET = Caller("visitor")
"""A page of another site there."""


class Access:
    """Keys and sessions as requests need them. Used by the event loop alone; logins change the file in threads.

    Args:
        file: the keys.
        guests: whether people without a key are visitors.
        is_secure: whether cookies may only travel over HTTPS.
        clock: seconds since 1970.

    Raises:
        ConfigError: the file is damaged.
    """

    def __init__(
        self, file: KeyFile, *, guests: bool = False, is_secure: bool = False, clock: Callable[[], float] = time.time
    ) -> None:
        self.file = file
        self._guest = Caller("visitor" if guests else None)
        self._is_secure = is_secure
        self._clock = clock
        self._version = file.version()
        self._take(file.read())

    @property
    def guest(self) -> Caller:
        """Who comes without a key."""
        return self._guest

    def caller(self, scope: Any) -> Caller:
        """Who sent this request.

        Raises:
            NotAuthenticated: it shows a key or a session that is not valid.
        """
        self._follow()
        shown = header_values(scope, b"authorization")
        if shown:
            return Caller((key := self._by_key(shown)).role, key)
        number = self._cookie(scope)
        if not number:
            return self._guest
        session = self._sessions.get(digest_of(number))
        key_of = self._keys.get(session.key_id) if session is not None and session.expires_at > self._clock() else None
        return Caller(key_of.role, key_of, number) if key_of is not None else self._guest

    def check_token(self, scope: Any, caller: Caller) -> None:
        """Whether a change that a cookie lets in was sent by our own page.

        Raises:
            AccessError: it does not carry the token of this session.
        """
        if not caller.session:
            return
        shown = header_values(scope, CSRF_HEADER.encode())
        if len(shown) != 1 or not hmac.compare_digest(shown[0].encode("latin-1"), page_token(caller).encode()):
            raise AccessError("this was not sent by a page of this service", "reload the page and try again")

    def find(self, token: str) -> Key | None:
        """The key whose token this is, as the file stands now."""
        self._follow()
        return self._ring.find(token) if 0 < len(token) <= _CREDENTIAL_CHARS else None

    def cookie(self, number: str, seconds: int) -> str:
        """The Set-Cookie header that gives a browser its session, or with 0 seconds takes it away."""
        secure = "; Secure" if self._is_secure else ""
        return f"{self._cookie_name}={number}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}"

    @property
    def _cookie_name(self) -> str:
        return f"{'__Host-' if self._is_secure else ''}ragedge_{self._ring.id}"

    def _by_key(self, shown: list[str]) -> Key:
        kind, _, token = shown[0].partition(" ")
        key = self.find(token.strip()) if len(shown) == 1 and kind.lower() == "bearer" else None
        if key is None:
            raise NotAuthenticated("this key is not valid here", "ask whoever looks after this box for a key")
        return key

    def _cookie(self, scope: Any) -> str:
        """The session's number that the browser shows; two of them are none."""
        found = []
        for header in header_values(scope, b"cookie"):
            for part in header.split(";"):
                name, _, value = part.strip().partition("=")
                if name == self._cookie_name:
                    found.append(value)
        return found[0] if len(found) == 1 and len(found[0]) <= _CREDENTIAL_CHARS else ""

    def _follow(self) -> None:
        version = self.file.version()
        if version == self._version:
            return
        self._version = version
        try:
            self._take(self.file.read())
        except ConfigError as error:
            _log.error("%s: nobody gets in", error.message)
            self._take(KeyRing(self._ring.id))

    def _take(self, ring: KeyRing) -> None:
        self._ring = ring
        self._keys = {key.id: key for key in ring.keys}
        # found by digest: who tries numbers learns from the time at most how their own digests begin
        self._sessions: dict[str, Session] = {session.digest: session for session in ring.sessions}


def page_token(caller: Caller) -> str:
    """What our page sends with each change. Made from the session's number, so nothing more has to be kept."""
    if not caller.session:
        return ""
    return hmac.new(caller.session.encode("latin-1"), b"page token", hashlib.sha256).hexdigest()
