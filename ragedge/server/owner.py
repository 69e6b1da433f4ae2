"""What owners alone may do: GET and PATCH /v1/settings, GET, POST and DELETE /v1/keys.

A new key's token is in the one reply that makes it and nowhere else. The last owner's key cannot be taken away here,
so that nobody locks himself out; on the box itself `ragedge keys` can.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import anyio.to_thread
from litestar import MediaType, Request, Response, delete, get, patch, post
from litestar.datastructures import State
from litestar.params import FromPath, JSONBody
from msgspec import UNSET, Meta, Struct, UnsetType

from ragedge.config_edit import Value
from ragedge.errors import InputError, NotFound
from ragedge.keys import Key, KeyFile, Role
from ragedge.owner_replies import KeyList, KeyReport, NewKey
from ragedge.server.access import Caller
from ragedge.server.ask import check_body
from ragedge.server.documents import json_reply
from ragedge.server.owner_settings import KEYS, OwnerSettings
from ragedge.views import record_view

Line = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
Language = Annotated[str, Meta(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=35)]


class SettingsBody(Struct, forbid_unknown_fields=True):
    """Those to be changed; what is left out stays."""

    title: Line | UnsetType = UNSET
    questions: Annotated[list[Line], Meta(max_length=20)] | UnsetType = UNSET
    language: Language | UnsetType = UNSET
    top_k: Annotated[int, Meta(ge=1, le=50)] | UnsetType = UNSET
    max_answer_tokens: Annotated[int, Meta(ge=1, le=4096)] | UnsetType = UNSET
    journal: bool | UnsetType = UNSET
    model: Annotated[str, Meta(max_length=200)] | UnsetType = UNSET
    evidence_model: Literal["packaged", "off"] | UnsetType = UNSET


class KeyBody(Struct, forbid_unknown_fields=True):
    """A key to be made."""

    name: Annotated[str, Meta(min_length=1, max_length=64)]
    role: Role = "visitor"


@get(
    "/v1/settings",
    media_type=MediaType.JSON,
    summary="The settings that an owner may change",
    description="As the config file has them; `after_restart` names those that wait for the next start.",
)
async def show_settings(state: State) -> Response[bytes]:
    """Out of the file."""
    return json_reply(record_view(await anyio.to_thread.run_sync(_settings(state).report)))


@patch(
    "/v1/settings",
    status_code=200,
    before_request=check_body,
    media_type=MediaType.JSON,
    summary="Change settings",
    description="Written to the config file, comments kept; at once in effect but for those in `after_restart`.",
)
async def change_settings(data: JSONBody[SettingsBody], state: State) -> Response[bytes]:
    """Into the file, and into what runs."""
    changes: dict[str, Value] = {
        name: value for name in KEYS if not isinstance(value := getattr(data, name), UnsetType)
    }
    if not changes:
        raise InputError("nothing is to be changed", f"name one of {', '.join(KEYS)}")
    return json_reply(record_view(await anyio.to_thread.run_sync(_settings(state).change, changes)))


@get(
    "/v1/keys",
    media_type=MediaType.JSON,
    summary="The keys of this service",
    description="Names, roles and days; what opens the service is kept nowhere.",
)
async def list_keys(request: Request[Any, Any, Any], state: State) -> Response[bytes]:
    """In the order they were made."""
    ring = await anyio.to_thread.run_sync(_file(state).read)
    return json_reply(record_view(KeyList(tuple(_report(key, request) for key in ring.keys))))


@post(
    "/v1/keys",
    status_code=201,
    before_request=check_body,
    media_type=MediaType.JSON,
    summary="Make a key",
    description="`token` is told this once. It works from the next request on.",
)
async def make_key(data: JSONBody[KeyBody], request: Request[Any, Any, Any], state: State) -> Response[bytes]:
    """The key and its token."""
    key, token = await anyio.to_thread.run_sync(_file(state).add, data.name, data.role)
    return json_reply(record_view(NewKey(_report(key, request), token)), 201)


@delete(
    "/v1/keys/{key_id:str}",
    status_code=200,
    media_type=MediaType.JSON,
    summary="Take a key away",
    description="By its id; it and its logins are refused from the next request on.",
)
async def revoke_key(key_id: FromPath[str], request: Request[Any, Any, Any], state: State) -> Response[bytes]:
    """The key that is gone."""
    return json_reply(record_view(_report(await anyio.to_thread.run_sync(_revoke, _file(state), key_id), request)))


def _revoke(file: KeyFile, key_id: str) -> Key:
    keys = file.read().keys
    key = next((key for key in keys if key.id == key_id), None)
    if key is None:
        raise NotFound("there is no such key", "see GET /v1/keys")
    if key.role == "owner" and sum(other.role == "owner" for other in keys) == 1:
        raise InputError(
            "this is the last key of an owner", f"make another first, or on the box: ragedge keys revoke {key.name}"
        )
    return file.revoke(key.id)


def _report(key: Key, request: Request[Any, Any, Any]) -> KeyReport:
    caller: Caller = request.scope["state"]["caller"]
    return KeyReport(key.id, key.name, key.role, key.created_at, caller.key is not None and caller.key.id == key.id)


def _settings(state: State) -> OwnerSettings:
    found: OwnerSettings | None = state.service.owner_settings
    if found is None:
        raise NotFound("this service has no settings to be changed", "see its config file")
    return found


def _file(state: State) -> KeyFile:
    if state.service.access is None:
        raise NotFound("no keys are used on this machine alone", "start the service for others: ragedge serve --lan")
    file: KeyFile = state.service.access.file
    return file


OWNER_HANDLERS: tuple[Any, ...] = (show_settings, change_settings, list_keys, make_key, revoke_key)
