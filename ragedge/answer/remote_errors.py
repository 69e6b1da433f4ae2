"""What goes wrong with another server, as errors of ours: what happened, and what to do.

A server's own words are shown in one short line; the key and the question never are.
"""

from __future__ import annotations

import http.client
import json
import ssl
from typing import NoReturn

from ragedge.errors import Busy, RemoteFailed

_BODY_BYTES = 1 << 20  # of an error's body; it is some hundred bytes
_DETAIL_CHARS = 200  # of a server's own words in an error of ours
_LONGEST_RETRY_S = 600  # a larger Retry-After is not passed on


def silent(timeout_s: float) -> RemoteFailed:
    """It has said nothing for too long."""
    return RemoteFailed(f"the server said nothing for {timeout_s:g} s", "raise [answer] timeout_s, or look at its load")


def raise_translated(error: Exception, timeout_s: float) -> NoReturn:
    """Raise an error of the connection as one of ours."""
    if isinstance(error, RemoteFailed | Busy):
        raise error
    if isinstance(error, TimeoutError):
        raise silent(timeout_s) from error
    if isinstance(error, ssl.SSLError):
        raise RemoteFailed("the server's certificate is not trusted", "check [answer] url, or use http") from error
    if isinstance(error, http.client.HTTPException):
        raise RemoteFailed("the server broke its answer off", "ask again; look into the server's log") from error
    if isinstance(error, OSError):
        reason = error.strerror or type(error).__name__
        raise RemoteFailed(f"the server cannot be reached: {reason}", "check [answer] url; is it running?") from error
    raise RemoteFailed("the server's answer could not be read", "is it an OpenAI-compatible server?") from error


def refused(response: http.client.HTTPResponse, model: str) -> NoReturn:
    """What a status other than 200 means."""
    status, detail = response.status, ""
    try:
        detail = detail_of(json.loads(response.read(_BODY_BYTES)))
    except (ValueError, OSError, http.client.HTTPException):
        detail = ""
    words = f": {detail}" if detail else ""
    if status in (401, 403):
        raise RemoteFailed(f"the server does not accept the key (status {status}){words}", "check [answer] api_key_env")
    if status == 404:
        raise RemoteFailed(f'the server has no model "{model}" at this address{words}', "check [answer] url and model")
    if status in (429, 503):
        retry = response.headers.get("Retry-After", "")
        retry_s = max(1, min(_LONGEST_RETRY_S, int(retry))) if retry.isascii() and retry.isdigit() else 5
        raise Busy(f"the server is busy (status {status}){words}", f"try again in {retry_s} seconds", retry_s)
    raise RemoteFailed(f"the server answered with status {status}{words}", "look into the server's log")


def detail_of(body: object) -> str:
    """A server's own words in its error body, in one short line."""
    error = body.get("error") if isinstance(body, dict) else None
    message = error.get("message") if isinstance(error, dict) else error
    return " ".join(message.split())[:_DETAIL_CHARS] if isinstance(message, str) else ""
