"""GET /v1/health and GET /v1/index: whether the service is up, what it holds, and what may be sent to it."""

from __future__ import annotations

from typing import Any

from litestar import MediaType, Request, Response, get
from litestar.datastructures import State

from ragedge.server.access import Caller
from ragedge.server.admission import Admission
from ragedge.server.documents import json_reply
from ragedge.server.permissions import may
from ragedge.server.settings import ServerSettings, Service
from ragedge.server.sight import collection_views, index_for, readable
from ragedge.views import record_view


@get(
    "/v1/health",
    sync_to_thread=False,
    media_type=MediaType.JSON,
    summary="Whether the service is up",
    description="Touches neither index nor model. `questions` are at work or waiting now.",
)
def health(state: State) -> Response[bytes]:
    """Answers without touching index or model."""
    service: Service = state.service
    admission: Admission = state.desk.admission
    return json_reply(
        {
            "status": "ok",
            "version": service.version,
            "engine": service.engine,
            "questions": admission.taken,
            "queue_limit": admission.limit,
        }
    )


@get(
    "/v1/index",
    sync_to_thread=True,
    media_type=MediaType.JSON,
    summary="The index and the limits of this service",
    description="How much it holds, what it was made with, and what may be sent; `generation` grows with each change.",
)
def show_index(request: Request[Any, Any, Any], state: State) -> Response[bytes]:
    """Counts, settings of the index, and what may be sent."""
    service: Service = state.service
    settings: ServerSettings = state.settings
    caller: Caller = request.scope["state"]["caller"]
    index = index_for(request)
    return json_reply(
        {
            "title": settings.title,
            "version": service.version,
            "engine": service.engine,
            "vector_engine": index.vector_engine,
            "generation": index.generation,
            "counts": record_view(index.counts()),
            "settings": record_view(index.settings),
            "collections": collection_views(request),
            "can_change": service.syncer is not None and may(caller.role, "curator") and readable(request) is None,
            "suffixes": list(service.suffixes),
            "max_upload_bytes": settings.max_upload_bytes,
            "max_question_chars": settings.max_question_chars,
            "questions": list(settings.questions),
            "keeps_history": settings.kiosk is None,
        }
    )
