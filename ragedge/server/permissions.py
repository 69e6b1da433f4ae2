"""Which role may use which route, and what a request costs: the one table, and the check that every route passes.

The check is made on the route that the framework has found, not on the address as it was written, so that no spelling
of an address leads around it. A route without an entry is closed to everyone; a test holds the table to the routes.

Here roles part what callers may do; what they may read is parted by collections (sight.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from ragedge.errors import AccessError, NotAuthenticated, NotFound
from ragedge.keys import ROLES, Role
from ragedge.server.access import Caller
from ragedge.server.settings import has_desk

LOGIN = "/login"
DESK, DESK_ROUTES = "/admin", ("/v1/admin/", "/v1/settings", "/v1/keys")
Needed = Role | Literal["anyone", "nobody"]

#: Tokens of a client's bucket (rates.py): a question occupies the box for seconds, a picture one core for half of one.
_QUESTION, _FILE, _PICTURE, _SEARCH = 20, 10, 3, 2


@dataclass(frozen=True, slots=True)
class Right:
    """What a route asks for: a role, and tokens."""

    needed: Needed
    cost: int = 1


RIGHTS: dict[str, Right] = {
    f"GET {LOGIN}": Right("anyone"),
    f"POST {LOGIN}": Right("anyone", 10),
    "POST /logout": Right("anyone"),
    "GET /v1/session": Right("anyone"),
    "GET /static/{name}": Right("anyone"),
    "GET /static/languages.json": Right("anyone"),
    "GET /static/languages/{name}": Right("anyone"),
    "GET /widget.js": Right("anyone"),
    "GET /": Right("visitor"),
    "GET /docs": Right("visitor"),
    "GET /kiosk": Right("visitor"),
    "GET /kiosk/qr": Right("visitor"),
    "GET /v1/kiosk": Right("visitor"),
    "POST /v1/kiosk/speech": Right("visitor", _PICTURE),
    "GET /schema/openapi.json": Right("visitor"),
    "GET /v1/health": Right("visitor"),
    "GET /v1/index": Right("visitor"),
    "POST /v1/ask": Right("visitor", _QUESTION),
    "POST /v1/ask/stream": Right("visitor", _QUESTION),
    "POST /v1/summarise": Right("visitor", _QUESTION),
    "POST /v1/summarise/stream": Right("visitor", _QUESTION),
    "POST /v1/rewrite": Right("visitor", _QUESTION),
    "POST /v1/rewrite/stream": Right("visitor", _QUESTION),
    "POST /v1/search": Right("visitor", _SEARCH),
    "GET /v1/suggestions": Right("visitor"),
    "POST /v1/feedback": Right("visitor"),
    "GET /v1/documents": Right("visitor"),
    "GET /v1/documents/{document_id}": Right("visitor"),
    "GET /v1/documents/{document_id}/file": Right("visitor"),
    "GET /v1/documents/{document_id}/pages/{number}": Right("visitor"),
    "GET /v1/documents/{document_id}/pages/{number}/image": Right("visitor", _PICTURE),
    "GET /source/{document_id}/{number}": Right("visitor"),
    "POST /v1/chat/completions": Right("visitor", _QUESTION),
    "POST /v1/embeddings": Right("visitor", _SEARCH),
    "GET /v1/models": Right("visitor"),
    "GET /v1/models/{model}": Right("visitor"),
    "POST /api/chat": Right("visitor", _QUESTION),
    "GET /api/tags": Right("visitor"),
    "GET /api/version": Right("visitor"),
    "POST /api/show": Right("visitor"),
    "GET /metrics": Right("curator"),
    "GET /admin": Right("curator"),
    "GET /v1/admin/documents": Right("curator"),
    "GET /v1/admin/documents/{document_id}": Right("curator"),
    "PUT /v1/admin/documents/{document_id}": Right("curator", _FILE),
    "POST /v1/admin/documents/replace": Right("curator", _FILE),
    "POST /v1/admin/documents/again": Right("curator", _FILE),
    "GET /v1/admin/reading": Right("curator"),
    "POST /v1/admin/reading": Right("curator", _FILE),
    "DELETE /v1/admin/reading": Right("curator"),
    "GET /v1/admin/system": Right("curator"),
    "GET /v1/admin/models": Right("curator"),
    "POST /v1/admin/models": Right("owner"),
    "POST /v1/admin/check": Right("curator", _QUESTION),
    "GET /v1/admin/log": Right("curator"),
    "POST /v1/documents": Right("curator", _FILE),
    "DELETE /v1/documents": Right("curator", _FILE),
    "DELETE /v1/documents/{document_id}": Right("curator", _FILE),
    "GET /v1/settings": Right("owner"),
    "PATCH /v1/settings": Right("owner", _FILE),
    "GET /v1/keys": Right("owner"),
    "POST /v1/keys": Right("owner", _FILE),
    "DELETE /v1/keys/{key_id}": Right("owner", _FILE),
    "GET /v1/admin/questions": Right("curator"),
    "GET /v1/admin/questions/repeats": Right("curator"),
    "GET /v1/admin/questions/days": Right("curator"),
    "GET /v1/admin/questions/export": Right("curator"),
    "DELETE /v1/admin/questions": Right("curator"),
    "DELETE /v1/admin/questions/{question}": Right("curator"),
    "GET /v1/admin/pinned": Right("curator"),
    "POST /v1/admin/pinned": Right("curator"),
    "POST /v1/admin/pinned/{number}": Right("curator"),
    "DELETE /v1/admin/pinned/{number}": Right("curator"),
    "GET /v1/admin/golden": Right("curator"),
    "GET /v1/admin/golden/runs/{run}": Right("curator"),
    "POST /v1/admin/golden/questions": Right("curator"),
    "POST /v1/admin/golden/runs": Right("curator"),
    "DELETE /v1/admin/golden/runs": Right("curator"),
    # the framework's own pages of the schema: /docs and /schema/openapi.json stand for them
    "GET /schema/raw": Right("nobody"),
    "GET /schema/raw/openapi.json": Right("nobody"),
    "GET /schema/raw/{path}": Right("nobody"),
}

_OPEN_PATHS = {name.partition(" ")[2] for name, right in RIGHTS.items() if right.needed == "anyone"}
_OPEN = frozenset(path for path in _OPEN_PATHS if "{" not in path)
_OPEN_ROOTS = tuple(path.partition("{")[0] for path in _OPEN_PATHS if "{" in path)


def right_of(method: str, template: str) -> Right | None:
    """The entry of a route; OPTIONS and HEAD need what the least of its methods needs."""
    if method not in ("OPTIONS", "HEAD"):
        return RIGHTS.get(f"{method} {template}")
    found = [right for name, right in RIGHTS.items() if name.partition(" ")[2] == template]
    order: tuple[Needed, ...] = ("anyone", *ROLES, "nobody")
    return Right(min(found, key=lambda right: order.index(right.needed)).needed) if found else None


def may(role: Role | None, needed: Needed) -> bool:
    """Whether a role is enough."""
    if needed in ("anyone", "nobody"):
        return needed == "anyone"
    return role is not None and ROLES.index(role) >= ROLES.index(needed)


async def check_right(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Litestar's guard of every route; takes what the request costs. Not async, it would run in a thread each time.

    Raises:
        NotAuthenticated: a key is needed.
        AccessError: another role is needed, or the route is in no list.
        NotFound: the route is nobody's, or one of the curator's desk where there is none.
        RateLimited: this client asks too much.
    """
    scope: Any = connection.scope
    caller: Caller = scope["state"]["caller"]
    right = right_of(scope["method"], scope["path_template"])
    if right is None:
        raise AccessError("this address is not open to anyone", "report this: a route has no entry in the table")
    state, path = connection.app.state, scope["path_template"]
    is_desk = path == DESK or path.startswith(DESK_ROUTES)
    if right.needed == "nobody" or (is_desk and not has_desk(state.service, state.settings)):
        raise NotFound("there is nothing at this address", "the interface is described at /docs")
    if not may(caller.role, right.needed):
        if caller.role is None:
            raise no_key()
        raise AccessError(f"a {caller.role} may not do this", f"log in with a key of a {right.needed}")
    scope["state"]["pay"](right.cost - 1)  # one was paid at the door


def no_key() -> NotAuthenticated:
    """The refusal for who comes without a key, at whatever address."""
    return NotAuthenticated(
        "this service asks for a key",
        "open /login; programs send it as Authorization: Bearer KEY, the command takes it from RAGEDGE_KEY",
    )


def is_open(path: str) -> bool:
    """Whether there is something for who has no key at an address, as far as the address itself tells."""
    return path in _OPEN or any(path.startswith(root) and "/" not in path[len(root) :] for root in _OPEN_ROOTS)
