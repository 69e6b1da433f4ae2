"""A running service as Python: the same records and the same errors as in the process itself, over HTTP.

    with ragedge.Client("http://127.0.0.1:8321") as client:
        answer = client.ask("What does E-417 mean?")

Refusals of the service come out as the product's own exceptions, with its message and hint. Talks to the address it was
given and to no other: no proxy of the environment, no redirect.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx
import msgspec

from ragedge.contracts import (
    Answer,
    Event,
    Piece,
    Question,
    RewriteKind,
    RewriteRequest,
    SummaryRequest,
    rewriting_of,
)
from ragedge.errors import Busy, InputError, RagedgeError, RateLimited, RemoteFailed, UnreadableDocument
from ragedge.replies import DocumentList, Found, Health, IndexReport, PageReport, Removed, Uploaded
from ragedge.views import encode, record_view

#: Seconds for a connection; a service on the same network answers at once or not at all.
_CONNECT_SECONDS = 5.0
#: Longer than the service itself lets a question take.
_ANSWER_SECONDS = 660.0
#: Codes that the service gives where its framework refuses; the others are names of exceptions.
_INPUT_CODES = frozenset({"bad_request", "method_not_allowed", "unsupported_media_type", "refused"})

_SEARCH_FIELDS = frozenset({"text", "collection", "filters", "top_k", "language"})

T = TypeVar("T")


class Client:
    """One service; close it when done, or use it in a `with`. Safe to use from several threads.

    Args:
        url: the service's address, as `ragedge serve` says it.
        timeout_s: seconds to wait for an answer.
        key: what opens a service on the network ("" for none); see `ragedge keys`.

    Raises, from every method:
        RagedgeError: what the service refused with, as the exception that it is there (`Busy`, `NotFound`, ..).
        RemoteFailed: no service can be reached there, or it does not answer as one.
    """

    def __init__(
        self, url: str = "http://127.0.0.1:8321", *, timeout_s: float = _ANSWER_SECONDS, key: str = ""
    ) -> None:
        self.url = url.rstrip("/")
        if not _is_address(self.url):
            raise InputError(f'"{url}" is not an address', "write it as http://127.0.0.1:8321")
        if not key.isascii() or not key.isprintable():
            raise InputError("this is not a key", "copy it whole, as `ragedge keys add` showed it")
        shown = {"Authorization": f"Bearer {key.strip()}"} if key.strip() else {}
        self._http = httpx.Client(
            base_url=self.url,
            timeout=httpx.Timeout(timeout_s, connect=_CONNECT_SECONDS),
            trust_env=False,
            headers={"Accept": "application/json, text/event-stream", **shown},
        )

    def ask(self, question: str | Question, *, collection: str = "") -> Answer:
        """The answer to a question, out of one collection where one is named."""
        return self._decoded(self._sent("POST", "/v1/ask", **_json(_body(question, collection))), Answer)

    def stream(self, question: str | Question, *, collection: str = "") -> Iterator[Event]:
        """What was found as `Found` (a `Passages`), then the answer's text in `Piece`s, then the `Answer`.

        Closing the iterator stops the answer at the service.
        """
        return self._streamed("/v1/ask/stream", _body(question, collection))

    def _streamed(self, address: str, body: dict[str, Any]) -> Iterator[Event]:
        request = self._http.build_request("POST", address, **_json(body))
        try:
            reply = self._http.send(request, stream=True)
            try:
                if reply.status_code >= 400:
                    reply.read()
                    raise _refusal(reply)
                for name, data in _events(reply.iter_lines()):
                    yield _event(name, data, reply)
            finally:
                reply.close()
        except httpx.HTTPError as error:
            raise self._unreachable(error) from error

    def summarise(self, document: str, *, section: str = "", language: str | None = None) -> Answer:
        """A summary, with citations, of a document (by id, path, file name or title) or of one section of it."""
        return self.run(SummaryRequest(document, section, language))

    def rewrite(self, answer: Answer, kind: RewriteKind, *, language: str | None = None) -> Answer:
        """An answer said "simpler", or with "translate" in the language `language` ("de"); its citations stay.

        Raises:
            ModelMissing: there is no language model there.
        """
        return self.run(rewriting_of(answer, kind, language))

    def run(self, request: SummaryRequest | RewriteRequest) -> Answer:
        """The answer to a task."""
        address, body = _task(request)
        return self._decoded(self._sent("POST", address, **_json(body)), Answer)

    def stream_task(self, request: SummaryRequest | RewriteRequest) -> Iterator[Event]:
        """The events of a task, as of `stream`."""
        address, body = _task(request)
        return self._streamed(f"{address}/stream", body)

    def search(self, text: str | Question, *, top_k: int | None = None, collection: str = "") -> Found:
        """The passages for a question, best first, without an answer."""
        body = _body(text, collection)
        kept = {name: value for name, value in body.items() if name in _SEARCH_FIELDS}
        if top_k is not None:
            kept["top_k"] = top_k
        return self._decoded(self._sent("POST", "/v1/search", **_json(kept)), Found)

    def documents(self, *, offset: int = 0, limit: int = 200, collection: str = "") -> DocumentList:
        """A stretch of the documents in the order of their paths, and the files that gave none."""
        wanted = {"offset": offset, "limit": limit, **({"collection": collection} if collection else {})}
        return self._decoded(self._sent("GET", "/v1/documents", params=wanted), DocumentList)

    def index(self) -> IndexReport:
        """The index behind the service: how much it holds, its collections, and what may be sent."""
        return self._decoded(self._sent("GET", "/v1/index"), IndexReport)

    def upload(self, path: str | Path, *, name: str | None = None) -> Uploaded:
        """Add a file; `name` is what it is called there (default: its own name).

        Raises:
            InputError: the file cannot be read here.
            UnreadableDocument: the service got no text out of it.
        """
        path = Path(path)
        try:
            with path.open("rb") as file:
                reply = self._sent("POST", "/v1/documents", files={"file": (name or path.name, file)})
        except OSError as error:
            raise InputError(f'"{path}" cannot be read: {error.strerror}') from error
        return self._decoded(reply, Uploaded)

    def delete(self, document_id: str) -> tuple[str, ...]:
        """Remove a document; the paths that are gone with it."""
        return self._decoded(self._sent("DELETE", f"/v1/documents/{_part(document_id)}"), Removed).removed

    def page(self, document_id: str, number: int, *, offset: int = 0, limit: int = 40_000) -> PageReport:
        """A window of a page's text; `number` counts from 1, `offset` and `limit` are characters."""
        address = f"/v1/documents/{_part(document_id)}/pages/{number}"
        return self._decoded(self._sent("GET", address, params={"offset": offset, "limit": limit}), PageReport)

    def health(self) -> Health:
        """Whether the service is up, who speaks there, and how many questions are at work."""
        return self._decoded(self._sent("GET", "/v1/health"), Health)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _sent(self, method: str, address: str, **options: Any) -> httpx.Response:
        try:
            reply = self._http.request(method, address, **options)
        except httpx.HTTPError as error:
            raise self._unreachable(error) from error
        if not reply.is_success:
            raise _refusal(reply)
        return reply

    def _decoded(self, reply: httpx.Response, kind: type[T]) -> T:
        try:
            return msgspec.json.decode(reply.content, type=kind)
        except msgspec.DecodeError as error:
            raise RemoteFailed(f'"{self.url}" does not answer as ragedge does', "look at the address") from error

    def _unreachable(self, error: httpx.HTTPError) -> RemoteFailed:
        if isinstance(error, httpx.TimeoutException):
            return RemoteFailed(f'"{self.url}" did not answer in time', "try again later, or raise timeout_s")
        return RemoteFailed(f'the service at "{self.url}" cannot be reached', "start it: ragedge serve")


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False


def _body(question: str | Question, collection: str = "") -> dict[str, Any]:
    """The fields of a question that say something."""
    asked = question if isinstance(question, Question) else Question(question)
    asked = replace(asked, collection=collection or asked.collection)
    view = record_view(replace(asked, readable=None, portion=""))  # what one may read is the service's matter
    return {name: value for name, value in view.items() if value or name == "text" or value == 0}


def _task(request: SummaryRequest | RewriteRequest) -> tuple[str, dict[str, Any]]:
    """The address of a task and its fields that say something."""
    address = "/v1/summarise" if isinstance(request, SummaryRequest) else "/v1/rewrite"
    return address, {name: value for name, value in record_view(request).items() if value not in (None, "", [])}


def _json(body: dict[str, Any]) -> dict[str, Any]:
    return {"content": encode(body), "headers": {"Content-Type": "application/json"}}


def _part(text: str) -> str:
    """One part of an address; what cannot be an id must not lead elsewhere."""
    if not text or not all(c.isascii() and c.isalnum() for c in text):
        raise InputError(f'"{text[:100]}" is not the id of a document', "see Client.documents()")
    return text


def _events(lines: Iterator[str]) -> Iterator[tuple[str, str]]:
    """(name, data) of Server-Sent Events; comments are left out."""
    name, data = "message", []
    for line in lines:
        if line.startswith("event: "):
            name = line[7:]
        elif line.startswith("data: "):
            data.append(line[6:])
        elif not line and data:
            yield name, "\n".join(data)
            name, data = "message", []


def _event(name: str, data: str, reply: httpx.Response) -> Event:
    kinds: dict[str, type[Found] | type[Piece] | type[Answer]] = {"passages": Found, "piece": Piece, "answer": Answer}
    try:
        if name in kinds:
            return msgspec.json.decode(data, type=kinds[name])
        failure = json.loads(data)
    except (msgspec.DecodeError, ValueError) as error:
        raise RemoteFailed(f'the service sent an event "{name[:50]}" that is not known here') from error
    raise _exception(failure, reply)


def _refusal(reply: httpx.Response) -> RagedgeError:
    try:
        view = reply.json()
    except ValueError:
        view = None
    return _exception(view, reply)


def _exception(view: Any, reply: httpx.Response) -> RagedgeError:
    """The exception that the service had, out of its error shape."""
    error = view.get("error") if isinstance(view, dict) else None
    if not isinstance(error, dict) or not isinstance(error.get("message"), str):
        return RemoteFailed(f"the service answered with status {reply.status_code}", "look at the address")
    code, message, hint = str(error.get("code", "")), error["message"], str(error.get("hint", ""))
    if code == "unreadable_document":
        return UnreadableDocument(error.get("reason", "unreadable"), message, hint)
    if code in ("busy", "rate_limited"):
        after = reply.headers.get("retry-after", "")
        waiting = Busy if code == "busy" else RateLimited
        return waiting(message, hint, retry_after_s=int(after) if after.isdigit() else 5)
    if code in _INPUT_CODES:
        return InputError(message, hint)
    kind = _KINDS.get(code)
    return kind(message, hint) if kind is not None else RemoteFailed(message, hint)


def _all_kinds(root: type[RagedgeError]) -> Iterator[type[RagedgeError]]:
    yield root
    for kind in root.__subclasses__():
        yield from _all_kinds(kind)


_KINDS = {kind.code_name(): kind for kind in _all_kinds(RagedgeError)}
