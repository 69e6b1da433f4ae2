"""The box on the curator's desk: device, memory, disk, models, the soundness of the index, and the last log lines.

Models come from the network by the command line alone; here they are compared with their sums, chosen and removed. A
choice counts from the next start: the one that speaks stays loaded.
"""

from __future__ import annotations

import threading
import time
from typing import Annotated, Literal

import anyio.to_thread
from litestar import MediaType, Response, get, post
from litestar.datastructures import State
from litestar.params import FromQuery, JSONBody, QueryParameter
from msgspec import Meta, Struct

from ragedge import device
from ragedge.admin_replies import Checked, DeskModels, DeskSystem, LogLines
from ragedge.device_state import device_state
from ragedge.errors import Busy, InputError, NotFound
from ragedge.server.ask import check_body
from ragedge.server.documents import json_reply
from ragedge.server.settings import Service
from ragedge.server.surroundings import Surroundings
from ragedge.views import record_view

After = Annotated[int, QueryParameter(ge=0, le=2**53)]


class ModelBody(Struct, forbid_unknown_fields=True):
    """A model of this box, and what becomes of it."""

    name: Annotated[str, Meta(min_length=1, max_length=100)]
    do: Literal["use", "remove"]


class CheckBody(Struct, forbid_unknown_fields=True):
    """What is read whole and compared with its sums."""

    what: Literal["index", "models"]


@get(
    "/v1/admin/system",
    media_type=MediaType.JSON,
    summary="How the box is doing",
    description="Load, memory, temperature where a sensor can be read, and with `sizes` the room that indexes and "
    "models take, for which every file is looked at.",
)
async def show_system(state: State, sizes: FromQuery[bool] = True) -> Response[bytes]:
    """Figures of this moment."""
    return json_reply(record_view(await anyio.to_thread.run_sync(_system, state, sizes)))


def _system(state: State, sizes: bool) -> DeskSystem:
    service: Service = state.service
    around = service.surroundings
    folder = service.index.folder
    return DeskSystem(
        version=service.version,
        engine=service.engine,
        vector_engine=service.index.vector_engine,
        started_at=state.started_at,
        device=device.this_device(),
        now=device_state(folder),
        resident_bytes=device.resident_bytes(),
        peak_resident_bytes=device.peak_resident_bytes(),
        threads=threading.active_count(),
        indexes=() if around is None or not sizes else around.index_sizes(folder),
        models_bytes=0 if around is None or not sizes else around.models_bytes(),
        measured=() if around is None else around.measured(),
    )


@get(
    "/v1/admin/models",
    media_type=MediaType.JSON,
    summary="The language models of this box",
    description="`is_chosen` answers where the config names none, `is_speaking` since the service started.",
)
async def show_models(state: State) -> Response[bytes]:
    """What `ragedge models` knows."""
    return json_reply(record_view(await anyio.to_thread.run_sync(_models, state.service)))


@post(
    "/v1/admin/models",
    status_code=200,
    before_request=check_body,
    media_type=MediaType.JSON,
    summary="Choose or remove a model",
    description="`use`: it answers from the next start on, where the config names no other. `remove`: its file goes, "
    "unless it was only linked; the one that speaks now cannot go.",
)
async def change_model(data: JSONBody[ModelBody], state: State) -> Response[bytes]:
    """The models after the change."""
    service: Service = state.service

    def work() -> DeskModels:
        around = _around(service)
        record = around.models.get(data.name)
        if data.do == "use":
            around.models.choose(record.name)
        elif any(model.is_speaking for model in around.desk_models() if model.name == record.name):
            raise InputError(f'"{record.name}" speaks now', "choose another one and start the service again first")
        else:
            around.models.remove(record.name)
        return _models(service)

    return json_reply(record_view(await anyio.to_thread.run_sync(work)))


def _models(service: Service) -> DeskModels:
    around = service.surroundings
    if around is None:
        return DeskModels(service.engine, "", ())
    return DeskModels(service.engine, around.configured_model, around.desk_models())


def _around(service: Service) -> Surroundings:
    if service.surroundings is None:
        raise NotFound("there is no list of models here", "see ragedge models list")
    return service.surroundings


@post(
    "/v1/admin/check",
    status_code=200,
    before_request=check_body,
    media_type=MediaType.JSON,
    summary="Is everything as it was stored?",
    description="Reads the index, or all models, whole and compares sums: minutes on a small box. One at a time.",
)
async def check(data: JSONBody[CheckBody], state: State) -> Response[bytes]:
    """What is wrong, in plain words."""
    return json_reply(record_view(await anyio.to_thread.run_sync(_check, state, data.what)))


def _check(state: State, what: Literal["index", "models"]) -> Checked:
    lock: threading.Lock = state.checking
    if not lock.acquire(blocking=False):
        raise Busy("a check is running already", "wait for its end", retry_after_s=10)
    try:
        began = time.monotonic()
        if what == "index":
            problems = tuple(state.service.index.check())
        else:
            models = _around(state.service).models
            faults = {record.name: models.fault(record) for record in models.records()}
            problems = tuple(f"{name}: {fault}" for name, fault in faults.items() if fault)
        return Checked(what, problems, time.monotonic() - began)
    finally:
        lock.release()


@get(
    "/v1/admin/log",
    sync_to_thread=False,
    media_type=MediaType.JSON,
    summary="The last log lines",
    description="Those after the number `after`, out of a few hundred kept in memory. They name routes and request "
    "ids, no question and no document.",
)
def show_log(state: State, after: After = 0) -> Response[bytes]:
    """Lines, oldest first."""
    return json_reply(record_view(LogLines(state.log.lines(after))))
