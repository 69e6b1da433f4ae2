"""Which protocol an address speaks, and our failures in that protocol's own error shape.

Programs made for OpenAI's or Ollama's interface show people the message alone, so the hint goes into it there. Status,
Retry-After and X-Request-Id are the same everywhere.
"""

from __future__ import annotations

from typing import Any, Literal

Protocol = Literal["ragedge", "openai", "ollama"]

_OPENAI_ROOTS = ("/v1/chat/", "/v1/embeddings", "/v1/models")
_OLLAMA_ROOT = "/api/"
#: OpenAI's names for kinds of failure, by status; the rest of 4xx is "invalid_request_error", of 5xx "server_error".
_OPENAI_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}


def protocol_of(path: str) -> Protocol:
    """The protocol that is spoken at an address, also at one that no route takes."""
    if path.startswith(_OLLAMA_ROOT):
        return "ollama"
    return "openai" if path.startswith(_OPENAI_ROOTS) else "ragedge"


def dressed(path: str, status: int, view: dict[str, Any]) -> dict[str, Any]:
    """Our error view, in the shape that is spoken at `path`."""
    protocol = protocol_of(path)
    if protocol == "ragedge":
        return view
    error = view["error"]
    text = f"{error['message']}: {error['hint']}" if error["hint"] else error["message"]
    if protocol == "ollama":
        return {"error": text}
    kind = _OPENAI_TYPES.get(status, "server_error" if status >= 500 else "invalid_request_error")
    return {"error": {**error, "message": text, "type": kind, "param": None}}
