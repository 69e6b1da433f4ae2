"""Every failure as one JSON shape: {"error": {"code", "message", "hint", "request_id"}}, and the map that leads there.

Litestar's own refusals (no such route, body too large, field unknown) take the same shape. What nobody foresaw
becomes a plain 500 and one log line with the place in the code; its message may hold words of a question or a
document and is therefore neither sent nor logged. On the routes of other protocols the same failures take that
protocol's shape (shapes.py).
"""

from __future__ import annotations

import errno
import logging
import traceback
from typing import Any

from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException

from ragedge.errors import Busy, DiskFull, NotAuthenticated, RagedgeError, RateLimited, UnreadableDocument
from ragedge.server.shapes import dressed
from ragedge.views import encode

_log = logging.getLogger("ragedge.server")

#: Our words for the statuses that Litestar itself answers with: code, message, hint.
_REFUSALS: dict[int, tuple[str, str, str]] = {
    400: ("bad_request", "the request cannot be read", "see /docs for what it takes"),
    404: ("not_found", "there is nothing at this address", "the page is at /, the interface at /docs"),
    405: ("method_not_allowed", "this address does not take this method", "see /docs"),
    413: ("too_large", "the request is larger than allowed", "send less at once"),
    415: ("unsupported_media_type", "this address takes another kind of body", "send application/json"),
}

#: No route needs a longer explanation; the detail of a refusal can name fields out of the request.
_DETAIL_CHARS = 300


def problem_view(code: str, message: str, hint: str, request_id: str) -> dict[str, Any]:
    """The one error shape."""
    return {"error": {"code": code, "message": message, "hint": hint, "request_id": request_id}}


def explain(error: BaseException, request_id: str) -> tuple[int, dict[str, Any]]:
    """HTTP status and body for an exception; what is unforeseen is logged here by its place, without its message."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        error = DiskFull("there is no room left on the disk of the index", "free some space and try again")
    if isinstance(error, RagedgeError):
        if error.http_status >= 500 and not isinstance(error, Busy):
            _log.warning("request %s: %s", request_id, error.code)
        view = problem_view(error.code, error.message, error.hint, request_id)
        if isinstance(error, UnreadableDocument):
            view["error"]["reason"] = error.reason
        return error.http_status, view
    if isinstance(error, HTTPException) and error.status_code < 500:
        return error.status_code, _refusal(error, request_id)
    _log.error("request %s failed\n%s", request_id, _place(error))
    return 500, problem_view(
        "internal_error",
        "something went wrong inside the service",
        f"look for {request_id} in its log",
        request_id,
    )


def retry_headers(error: BaseException) -> dict[str, str]:
    """What tells the caller when or how to come back."""
    if isinstance(error, Busy | RateLimited):
        return {"Retry-After": str(error.retry_after_s)}
    return {"WWW-Authenticate": "Bearer"} if isinstance(error, NotAuthenticated) else {}


def problem_reply(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Litestar's exception handler for everything."""
    request_id = str(request.scope.get("state", {}).get("request_id", ""))
    status, view = explain(error, request_id)
    view = dressed(request.scope["path"], status, view)
    headers = retry_headers(error)
    if status == 405 and isinstance(error, HTTPException) and error.headers:
        headers |= {name: value for name, value in error.headers.items() if name.lower() == "allow"}
    return Response(encode(view), status_code=status, media_type="application/json", headers=headers)


def _refusal(error: HTTPException, request_id: str) -> dict[str, Any]:
    code, message, hint = _REFUSALS.get(error.status_code, ("refused", "the request was refused", ""))
    if isinstance(error, ValidationException):
        message = _faults(error) or message
    return problem_view(code, message, hint, request_id)


def _faults(error: ValidationException) -> str:
    """Which fields do not fit, in one line; never their values."""
    extra = error.extra if isinstance(error.extra, list) else []
    parts = []
    for item in extra:
        if isinstance(item, dict):
            key, text = str(item.get("key", "")), str(item.get("message", ""))
            parts.append(f"{key}: {text}" if key else text)
    return "; ".join(parts)[:_DETAIL_CHARS]


def _place(error: BaseException) -> str:
    """The traceback's frames and the kind of error, without its message."""
    frames = "".join(traceback.format_tb(error.__traceback__))
    return f"{frames}{type(error).__name__}"
