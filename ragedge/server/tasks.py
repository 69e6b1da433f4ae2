"""POST /v1/summarise and /v1/rewrite: one JSON answer each, or (with /stream) the events of a question's stream.

They take their places in the queue of questions, stop when the caller hangs up, and reply with the records of answers.
The citations of a text to be rewritten name places alone; what stands there is looked up, never believed.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from litestar import MediaType, Request, Response, post
from litestar.datastructures import State
from litestar.params import JSONBody
from litestar.types import ASGIApp
from msgspec import Meta, Struct, field

from ragedge.contracts import CitedPlace, RewriteRequest, SummaryRequest
from ragedge.rewrite import MAX_CITATIONS, MAX_TEXT_CHARS
from ragedge.server.ask import AskDesk, Short, check_body, drain, followed, gone
from ragedge.server.sight import asker_of
from ragedge.server.sse import Pump
from ragedge.views import answer_view, encode

#: Of an offset or a page number; nothing is allocated by it.
_MOST = 2**31

Place = Annotated[int, Meta(ge=0, le=_MOST)]


class SummaryBody(Struct, forbid_unknown_fields=True):
    """A document by id, path, file name or title; `section` is a heading in it."""

    document: Annotated[str, Meta(min_length=1, max_length=1000)]
    section: Short = ""
    language: Annotated[str, Meta(max_length=35)] | None = None


class PlaceBody(Struct, forbid_unknown_fields=True):
    """What `[answer_start, answer_end)` of the text rests on: `[start, end)` of a page."""

    number: Annotated[int, Meta(ge=1, le=1000)]
    chunk_id: Short
    page: Place
    start: Place
    end: Place
    answer_start: Place
    answer_end: Place


class RewriteBody(Struct, forbid_unknown_fields=True):
    """An answer's text and the places it cites, to be said simpler, or in `language`."""

    text: Annotated[str, Meta(max_length=MAX_TEXT_CHARS)]
    kind: Literal["simpler", "translate"]
    language: Annotated[str, Meta(max_length=35)] | None = None
    citations: Annotated[list[PlaceBody], Meta(max_length=MAX_CITATIONS)] = field(default_factory=list)


@post(
    "/v1/summarise",
    status_code=200,
    before_request=check_body,
    media_type=MediaType.JSON,
    summary="Summarise a document or a section",
    description="The reply is an answer with citations: sentences as they stand there, or a language model's.",
)
async def summarise(data: JSONBody[SummaryBody], request: Request[Any, Any, Any], state: State) -> Response[bytes]:
    """Drain the events into one answer."""
    return await _whole(_summary(data), request, state)


@post(
    "/v1/summarise/stream",
    status_code=200,
    before_request=check_body,
    summary="Summarise, and follow it",
    description="Server-Sent Events as of `/v1/ask/stream`; `passages` holds the sentences that say most, at once.",
)
async def summarise_stream(data: JSONBody[SummaryBody], request: Request[Any, Any, Any], state: State) -> ASGIApp:
    """Pull the first event, then reply with the stream."""
    return await _streamed(_summary(data), request, state)


@post(
    "/v1/rewrite",
    status_code=200,
    before_request=check_body,
    media_type=MediaType.JSON,
    summary="Say an answer simpler, or in another language",
    description="Needs a language model. Citations stay; a sentence whose numbers do not survive stays as it was.",
)
async def rewrite(data: JSONBody[RewriteBody], request: Request[Any, Any, Any], state: State) -> Response[bytes]:
    """Drain the events into one answer."""
    return await _whole(_rewriting(data), request, state)


@post(
    "/v1/rewrite/stream",
    status_code=200,
    before_request=check_body,
    summary="Rewrite, and follow it",
    description="Server-Sent Events as of `/v1/ask/stream`, a `piece` per sentence.",
)
async def rewrite_stream(data: JSONBody[RewriteBody], request: Request[Any, Any, Any], state: State) -> ASGIApp:
    """Pull the first event, then reply with the stream."""
    return await _streamed(_rewriting(data), request, state)


async def _whole(
    task: SummaryRequest | RewriteRequest, request: Request[Any, Any, Any], state: State
) -> Response[bytes]:
    pump: Pump = state.desk.open_task(task, asker_of(request))
    answer = await drain(pump, request.receive)
    if answer is None:
        return gone()
    return Response(encode(answer_view(answer)), status_code=200, media_type=MediaType.JSON)


async def _streamed(task: SummaryRequest | RewriteRequest, request: Request[Any, Any, Any], state: State) -> ASGIApp:
    desk: AskDesk = state.desk
    return await followed(desk, desk.open_task(task, asker_of(request)), request)


def _summary(body: SummaryBody) -> SummaryRequest:
    return SummaryRequest(body.document, body.section, body.language)


def _rewriting(body: RewriteBody) -> RewriteRequest:
    places = tuple(
        CitedPlace(c.number, c.chunk_id, c.page, c.start, c.end, c.answer_start, c.answer_end) for c in body.citations
    )
    return RewriteRequest(body.text, body.kind, body.language, places)
