"""Golden questions, for the desk: their file, a run in the background, what came of earlier ones.

A run waits while anybody else's question is at work here, whichever interface it came by.
"""

from __future__ import annotations

from typing import Annotated, Any

import anyio.to_thread
from litestar import MediaType, Response, delete, get, post
from litestar.datastructures import State
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from ragedge.errors import InputError, NotFound
from ragedge.golden_runs import MAX_FILE_BYTES
from ragedge.server.admin_questions import curated
from ragedge.server.ask import check_body
from ragedge.server.documents import json_reply
from ragedge.server.settings import Service
from ragedge.views import record_view

#: The lines as a JSON text: each quotation mark in them takes two bytes.
_MAX_BODY_BYTES = 2 * MAX_FILE_BYTES
_LARGEST_ID = 2**63 - 1


class GoldenBody(Struct, forbid_unknown_fields=True):
    """The lines of a questions file (JSONL), as `ragedge eval` takes it."""

    lines: Annotated[str, Meta(min_length=1, max_length=MAX_FILE_BYTES)]


class RunBody(Struct, forbid_unknown_fields=True):
    """How many of the questions are asked, drawn at random and always the same; all where it is left out."""

    limit: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None


@get(
    "/v1/admin/golden",
    media_type=MediaType.JSON,
    summary="Golden questions and their runs",
    description="The file, what is going on, and the figures of earlier runs, the oldest first.",
)
async def show_golden(state: State) -> Response[bytes]:
    """What the tab shows."""
    return json_reply(await anyio.to_thread.run_sync(_overview, state.service))


@get(
    "/v1/admin/golden/runs/{run:int}",
    media_type=MediaType.JSON,
    summary="One run with its failures",
    description="Each failure with what was expected and what was shown instead.",
)
async def show_golden_run(run: FromPath[int], state: State) -> Response[bytes]:
    """The failures of a run."""
    store = curated(state.service).golden.store
    if not 0 < run <= _LARGEST_ID:
        raise NotFound("there is no such run", "look at the list again")
    found, failures = await anyio.to_thread.run_sync(store.find, run)
    return json_reply({"run": record_view(found), "failures": [record_view(failure) for failure in failures]})


@post(
    "/v1/admin/golden/questions",
    status_code=200,
    before_request=check_body,
    request_max_body_size=_MAX_BODY_BYTES,
    media_type=MediaType.JSON,
    summary="Put golden questions in the place of those there are",
    description="`lines` is a questions file (JSONL). The earlier file stays beside the new one. Refused where the "
    "config names the file.",
)
async def save_golden(data: JSONBody[GoldenBody], state: State) -> Response[bytes]:
    """Another file."""
    golden = curated(state.service).golden
    return json_reply({"questions": await anyio.to_thread.run_sync(golden.save, data.lines)})


@post(
    "/v1/admin/golden/runs",
    status_code=200,
    before_request=check_body,
    media_type=MediaType.JSON,
    summary="Ask the golden questions",
    description="In the background, one run at a time; before each question it waits until no visitor's is at work.",
)
async def start_golden(data: JSONBody[RunBody], state: State) -> Response[bytes]:
    """Begin."""
    golden, admission = curated(state.service).golden, state.desk.admission
    await anyio.to_thread.run_sync(lambda: golden.start(lambda: admission.taken > 0, limit=data.limit))
    return json_reply(record_view(golden.progress))


@delete(
    "/v1/admin/golden/runs",
    status_code=200,
    summary="Stop asking the golden questions",
    description="The run at work ends and leaves no result; earlier ones stay.",
)
async def stop_golden(state: State) -> Response[bytes]:
    """End the run."""
    golden = curated(state.service).golden
    await anyio.to_thread.run_sync(golden.cancel)
    return json_reply(record_view(golden.progress))


def _overview(service: Service) -> dict[str, Any]:
    golden, count, problem = curated(service).golden, 0, ""
    try:
        count = golden.count()
    except InputError as error:
        problem = f"{error.message}: {error.hint}"
    return {
        "file": str(golden.file),
        "is_configured": golden.is_configured,
        "questions": count,
        "problem": problem,
        "progress": record_view(golden.progress),
        "runs": [record_view(run) for run in golden.store.runs()],
    }
