"""Reviewed answers, for the desk: list with problems, add, change, remove; live with the next question.

Who changes or removes an answer says which state of the file was looked at; after somebody else's change the reply is
409 and nothing is written. An answer whose source does not stand in the index as quoted is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Annotated, Any

import anyio.to_thread
from litestar import MediaType, Response, delete, get, post
from litestar.datastructures import State
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta, Struct

from ragedge.answer.pinned import MAX_QUESTION_CHARS, MAX_TEXT_CHARS, MAX_VARIANTS, PinnedAnswer, PinnedSource
from ragedge.pinned_file import PinnedState
from ragedge.server.admin_questions import curated
from ragedge.server.ask import check_body
from ragedge.server.curated import Curated
from ragedge.server.documents import json_reply
from ragedge.server.settings import Service

Line = Annotated[str, Meta(min_length=1, max_length=MAX_QUESTION_CHARS)]
Paragraph = Annotated[str, Meta(min_length=1, max_length=MAX_TEXT_CHARS)]
Revision = Annotated[str, Meta(max_length=64)]


class PinnedBody(Struct, forbid_unknown_fields=True):
    """A reviewed answer with the place it comes from; both days of its time are included."""

    questions: Annotated[list[Line], Meta(min_length=1, max_length=MAX_VARIANTS)]
    text: Paragraph
    path: Line
    revision: Revision
    page: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None
    quote: Paragraph | None = None
    valid_from: date | None = None
    valid_until: date | None = None
    reviewed_by: Annotated[str, Meta(max_length=200)] = ""


@get(
    "/v1/admin/pinned",
    media_type=MediaType.JSON,
    summary="The reviewed answers",
    description="In the order of their file, each with what is wrong with its source as the index is now. `revision` "
    "names this state of the file; changes send it back.",
)
async def list_pinned(state: State) -> Response[bytes]:
    """All of them."""
    parts = curated(state.service)
    return json_reply(await anyio.to_thread.run_sync(_list, parts, date.today()))


@post(
    "/v1/admin/pinned",
    status_code=200,
    before_request=check_body,
    media_type=MediaType.JSON,
    summary="Write a reviewed answer",
    description="It is given from the next question on. Its source must stand in the index as quoted.",
)
async def add_pinned(data: JSONBody[PinnedBody], state: State) -> Response[bytes]:
    """One answer more."""
    file = curated(state.service).pinned
    return await _changed(state.service, lambda: file.add(_answer(data), data.revision))


@post(
    "/v1/admin/pinned/{number:int}",
    status_code=200,
    before_request=check_body,
    media_type=MediaType.JSON,
    summary="Change a reviewed answer",
    description="The whole answer is sent. Comments and all other answers in the file stay as they are.",
)
async def change_pinned(number: FromPath[int], data: JSONBody[PinnedBody], state: State) -> Response[bytes]:
    """Another text, source or time."""
    file = curated(state.service).pinned

    def change() -> int:
        file.change(number, _answer(data), data.revision)
        return number

    return await _changed(state.service, change)


@delete(
    "/v1/admin/pinned/{number:int}",
    status_code=200,
    summary="Remove a reviewed answer",
    description="Its question is searched for from now on; later answers move up by one number.",
)
async def remove_pinned(
    number: FromPath[int], state: State, revision: Annotated[str, QueryParameter(max_length=64)]
) -> Response[bytes]:
    """One answer less."""
    file = curated(state.service).pinned

    def remove() -> int:
        file.remove(number, revision)
        return number

    return await _changed(state.service, remove)


async def _changed(service: Service, change: Callable[[], int]) -> Response[bytes]:
    def work() -> dict[str, Any]:
        number = change()
        return {"number": number, "revision": curated(service).pinned.state().revision}

    return json_reply(await anyio.to_thread.run_sync(work))


def _list(parts: Curated, today: date) -> dict[str, Any]:
    found: PinnedState = parts.pinned.state()
    return {
        "file": str(parts.pinned.path),
        "is_configured": parts.pinned.is_configured,
        "revision": found.revision,
        "answers": [_view(answer, found.problems.get(answer.number, ""), today) for answer in found.answers],
        "fault": found.fault,
    }


def _view(answer: PinnedAnswer, problem: str, today: date) -> dict[str, Any]:
    is_ahead = answer.valid_from is not None and answer.valid_from > today
    return {
        "number": answer.number,
        "questions": list(answer.questions),
        "text": answer.text,
        "path": answer.source.path,
        "page": answer.source.page,
        "quote": answer.source.quote,
        "valid_from": answer.valid_from.isoformat() if answer.valid_from else None,
        "valid_until": answer.valid_until.isoformat() if answer.valid_until else None,
        "reviewed_by": answer.reviewed_by,
        "state": "valid" if answer.is_valid_on(today) else "waiting" if is_ahead else "over",
        "problem": problem,
    }


def _answer(body: PinnedBody) -> PinnedAnswer:
    return PinnedAnswer(
        number=0,
        questions=tuple(question.strip() for question in body.questions),
        text=body.text.strip(),
        source=PinnedSource(body.path.strip(), body.page, body.quote.strip() if body.quote else None),
        valid_from=body.valid_from,
        valid_until=body.valid_until,
        reviewed_by=body.reviewed_by.strip(),
    )
