"""POST /v1/search: the passages alone, without an answer; the first event of the same pipeline.

Nothing is kept in the journal, and no language model is waited for.
"""

from __future__ import annotations

from typing import Annotated, Any

import anyio.to_thread
from litestar import MediaType, Request, Response, post
from litestar.datastructures import State
from litestar.params import JSONBody
from msgspec import Meta, Struct, field

from ragedge.contracts import Event
from ragedge.errors import AnswerError
from ragedge.server.ask import AskBody, AskDesk, Short, Text, check_body, gone
from ragedge.server.sight import asker_of
from ragedge.server.sse import while_connected


class SearchBody(Struct, forbid_unknown_fields=True):
    """What to look for; everything but `text` may be left out."""

    text: Text
    collection: Short = ""
    filters: Annotated[dict[Short, Short], Meta(max_length=20)] = field(default_factory=dict)
    top_k: Annotated[int, Meta(ge=1, le=50)] | None = None
    language: Annotated[str, Meta(max_length=35)] | None = None


@post(
    "/v1/search",
    status_code=200,
    before_request=check_body,
    media_type=MediaType.JSON,
    summary="Search: passages without an answer",
    description="The reply is what `ask` finds first: passages, best first, and the sentences in them to look at.",
)
async def search(data: JSONBody[SearchBody], request: Request[Any, Any, Any], state: State) -> Response[bytes]:
    """Pull one event and end the pipeline."""
    desk: AskDesk = state.desk
    pump = desk.open(
        AskBody(
            text=data.text,
            collection=data.collection,
            filters=data.filters,
            top_k=data.top_k,
            language=data.language,
        ),
        asker_of(request),
    )

    async def work() -> Event:
        event = await pump.pull()
        if event is None:
            raise AnswerError("the search ended without a result", "search again")
        return event

    try:
        event = await while_connected(request.receive, work, pump.cancel)
    finally:
        await pump.close()
    if event is None:
        return gone()
    _, body = await anyio.to_thread.run_sync(desk.describe, event)
    return Response(body, status_code=200, media_type=MediaType.JSON)
