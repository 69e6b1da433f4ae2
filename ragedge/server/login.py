"""How a browser logs in: a key once, then a cookie that no script can read.

GET /login is the page, POST /login takes a key and gives a session, POST /logout ends it, GET /v1/session tells our
page who is logged in and the token that its changes carry. Where no keys are used there is no login.
"""

from __future__ import annotations

from typing import Annotated, Any

import anyio.to_thread
from litestar import MediaType, Request, Response, get, post
from litestar.datastructures import State
from litestar.params import JSONBody
from msgspec import Meta, Struct

from ragedge.errors import NotAuthenticated, NotFound
from ragedge.server.access import SESSION_SECONDS, Access, Caller, page_token
from ragedge.server.ask import check_body
from ragedge.server.documents import json_reply
from ragedge.server.permissions import LOGIN, may
from ragedge.server.settings import Service, has_desk
from ragedge.server.site import file_reply


class LoginBody(Struct, forbid_unknown_fields=True):
    """A key, as it was shown when it was made."""

    key: Annotated[str, Meta(min_length=1, max_length=200)]


@get(LOGIN, sync_to_thread=False, include_in_schema=False)
def show_login(request: Request[Any, Any, Any], state: State) -> Response[bytes]:
    """The page that asks for a key."""
    _access(state)
    return file_reply(request, state.site["login.html"])


@post(LOGIN, status_code=200, before_request=check_body, media_type=MediaType.JSON, include_in_schema=False)
async def log_in(data: JSONBody[LoginBody], request: Request[Any, Any, Any], state: State) -> Response[bytes]:
    """A session for a key; one that this browser had before ends."""
    access = _access(state)
    key = access.find(data.key.strip())
    if key is None:
        raise NotAuthenticated("this key is not valid here", "copy it whole, or ask whoever looks after this box")
    caller: Caller = request.scope["state"]["caller"]
    if caller.session:
        await anyio.to_thread.run_sync(access.file.close_session, caller.session)
    seconds = SESSION_SECONDS[key.role]
    number = await anyio.to_thread.run_sync(access.file.open_session, key.id, float(seconds))
    reply = json_reply({"role": key.role})
    reply.headers["Set-Cookie"] = access.cookie(number, seconds)
    return reply


@post("/logout", status_code=200, media_type=MediaType.JSON, include_in_schema=False)
async def log_out(request: Request[Any, Any, Any], state: State) -> Response[bytes]:
    """The session ends, here and in the file."""
    access = _access(state)
    caller: Caller = request.scope["state"]["caller"]
    if caller.session:
        await anyio.to_thread.run_sync(access.file.close_session, caller.session)
    reply = json_reply({"role": None})
    reply.headers["Set-Cookie"] = access.cookie("", 0)
    return reply


@get("/v1/session", sync_to_thread=False, media_type=MediaType.JSON, include_in_schema=False)
def show_session(request: Request[Any, Any, Any], state: State) -> Response[bytes]:
    """Who calls, and what our page sends with its changes."""
    service: Service = state.service
    caller: Caller = request.scope["state"]["caller"]
    return json_reply(
        {
            "role": caller.role,
            "name": caller.key.name if caller.key is not None else "",
            "has_login": service.access is not None,
            "token": page_token(caller),
            "has_desk": may(caller.role, "curator") and has_desk(service, state.settings),
        }
    )


def _access(state: State) -> Access:
    access: Access | None = state.service.access
    if access is None:
        raise NotFound("no login is needed here", "the page is at /")
    return access
