"""POST /v1/feedback: what a person thought of an answer, kept in the journal of this box.

The body names the question by the `question_id` that came with its answer. Where no journal is kept there is nothing
at this address, as far as a caller can tell.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from litestar import MediaType, Request, Response, post
from litestar.datastructures import State
from litestar.params import JSONBody
from msgspec import Meta, Struct

from ragedge.errors import NotFound
from ragedge.server.ask import check_body
from ragedge.server.settings import Service
from ragedge.views import encode


class FeedbackBody(Struct, forbid_unknown_fields=True):
    """Thumbs up or down for one answer, with a reason if there is one."""

    question_id: Annotated[str, Meta(min_length=1, max_length=64)]
    verdict: Literal["up", "down"]
    reason: Annotated[str, Meta(max_length=500)] = ""


@post(
    "/v1/feedback",
    status_code=200,
    sync_to_thread=True,
    before_request=check_body,
    media_type=MediaType.JSON,
    summary="Say whether an answer helped",
    description="`question_id` is the answer's; `verdict` is up or down; sent again, the last word counts.",
)
def feedback(data: JSONBody[FeedbackBody], request: Request[Any, Any, Any], state: State) -> Response[bytes]:
    """Write it down."""
    service: Service = state.service
    if service.journal is None:
        raise NotFound("no journal is kept here", "set [journal] enabled = true in the config")
    if not service.journal.feedback(data.question_id, data.verdict, data.reason):
        raise NotFound("no such question is known here", "ask it again; old questions are forgotten")
    return Response(encode({"recorded": True}), status_code=200, media_type=MediaType.JSON)
