"""The Ollama-compatible routes: POST /api/chat, GET /api/tags, GET /api/version, POST /api/show.

The same pipeline and queue as `ask`; outcome, citations and sources come along as the extra field "ragedge" of the last
line. Counts and durations are those of the language model; where the answer was quoted, only `total_duration` is there.
Nothing here is a model file of Ollama, so sizes are 0 and digests empty.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Annotated, Any

from litestar import MediaType, Request, Response, get, post
from litestar.datastructures import State
from litestar.params import JSONBody
from litestar.types import ASGIApp
from msgspec import Meta, Struct

from ragedge.contracts import Answer, Event, Passages, Piece
from ragedge.errors import BadQuestion
from ragedge.server.ask import AskDesk, Short, check_body, drain, open_reply, request_id_of, whole_reply
from ragedge.server.chat import (
    MAX_CHAT_BYTES,
    MODELS,
    Message,
    answer_rest,
    check_model,
    extra_view,
    footer,
    lists_sources,
    no_answer,
    question_of,
    token_limit,
)
from ragedge.server.documents import json_reply
from ragedge.server.problems import explain
from ragedge.server.settings import Service
from ragedge.server.shapes import dressed
from ragedge.server.sight import asker_of
from ragedge.server.sse import Style
from ragedge.views import encode

_PATH = "/api/chat"
_NS_PER_MS = 1_000_000


class Options(Struct):
    """Those of Ollama's options that mean something here; others are ignored."""

    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    seed: int | None = None
    num_predict: int | None = None


class ChatBody(Struct):
    """A conversation; as with Ollama, the reply is a stream unless `stream` is false. `collection` is ours."""

    model: Short
    messages: Annotated[list[Message], Meta(min_length=1, max_length=1000)]
    stream: bool | None = True
    format: Any = None
    options: Options | None = None
    collection: Short = ""


class ShowBody(Struct):
    """A model's name, under either of the names that clients use."""

    model: Short = ""
    name: Short = ""


@post(
    _PATH,
    status_code=200,
    before_request=check_body,
    request_max_body_size=MAX_CHAT_BYTES,
    media_type=MediaType.JSON,
    summary="Ollama-compatible: ask in a conversation",
    description=(
        "The last message is the question, earlier ones are history. The reply is one JSON object per line, or with "
        '`"stream": false` one object; the last one holds outcome, citations and sources as `ragedge`.'
    ),
)
async def chat(data: JSONBody[ChatBody], request: Request[Any, Any, Any], state: State) -> ASGIApp:
    """One reply, whole or line by line."""
    check_model(data.model)
    if data.format not in (None, ""):
        raise BadQuestion("answers are text, not JSON", "leave format out")
    desk: AskDesk = state.desk
    options = data.options or Options()
    body = question_of(
        data.messages,
        state.settings,
        max_answer_tokens=token_limit(options.num_predict),
        temperature=options.temperature,
        seed=None if options.seed is None else options.seed % 2**32,
        collection=data.collection,
    )
    question_id = desk.new_id()
    pump = desk.open(body, asker_of(request), question_id)
    talk = _Chat(data, request, question_id)
    if data.stream is not False:
        style = Style("application/x-ndjson", talk.render, talk.render_error, talk.finish, ping=b"")
        return await open_reply(pump, style)
    answer = await drain(pump, request.receive)
    return whole_reply(None if answer is None else talk.last(answer, answer.text))


class _Chat:
    """Events -> the protocol's lines, for one request."""

    def __init__(self, data: ChatBody, request: Request[Any, Any, Any], question_id: str) -> None:
        self._model = data.model
        self._has_footer = lists_sources(data.model)
        self._base = str(request.base_url).rstrip("/")
        self._question_id = question_id
        self._request_id = request_id_of(request)
        self._started = time.monotonic_ns()
        self._said = ""
        self._is_finished = False

    def render(self, event: Event) -> bytes:
        """One event as a line."""
        if isinstance(event, Passages):
            return b""
        if isinstance(event, Piece):
            self._said += event.text
            return encode(self._line(event.text)) + b"\n"
        self._is_finished = True
        return encode(self.last(event, answer_rest(event, self._said))) + b"\n"

    def last(self, answer: Answer, text: str) -> dict[str, Any]:
        """The last line, with `text` as what is still to be said."""
        text += footer(answer, self._base) if self._has_footer else ""
        reason = "length" if answer.outcome in ("truncated", "cancelled") else "stop"
        return {
            **self._line(text),
            "done": True,
            "done_reason": reason,
            **self._figures(answer),
            "ragedge": extra_view(answer, self._base, self._question_id),
        }

    def render_error(self, error: Exception) -> bytes:
        """A failure after the first line."""
        status, view = explain(error, self._request_id)
        return encode(dressed(_PATH, status, view)) + b"\n"

    def finish(self) -> bytes:
        """Nothing more, or that the answer is missing."""
        return b"" if self._is_finished else self.render_error(no_answer())

    def _line(self, text: str) -> dict[str, Any]:
        now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        message = {"role": "assistant", "content": text}
        return {"model": self._model, "created_at": now, "message": message, "done": False}

    def _figures(self, answer: Answer) -> dict[str, int]:
        stats = answer.stats
        figures = {"total_duration": time.monotonic_ns() - self._started}
        if stats is None:
            return figures
        return {
            **figures,
            "load_duration": stats.load_duration,
            "prompt_eval_count": stats.prompt_eval_count,
            "prompt_eval_cached_count": stats.prompt_eval_cached_count,
            "prompt_eval_duration": stats.prompt_eval_duration,
            "eval_count": stats.eval_count,
            "eval_duration": stats.eval_duration,
        }


def _details(service: Service) -> dict[str, Any]:
    return {
        "parent_model": "",
        "format": "ragedge",
        "family": service.engine,
        "families": [service.engine],
        "parameter_size": "",
        "quantization_level": "",
    }


def _started_at(state: State) -> str:
    return datetime.fromtimestamp(state.started_at, UTC).isoformat().replace("+00:00", "Z")


@get(
    "/api/tags",
    sync_to_thread=False,
    media_type=MediaType.JSON,
    summary="Ollama-compatible: the models",
    description="`ragedge` answers from the documents, `ragedge-sources` also lists the sources in its text.",
)
def tags(state: State) -> Response[bytes]:
    """The names that `/api/chat` takes."""
    service: Service = state.service
    models = [
        {
            "name": f"{name}:latest",
            "model": f"{name}:latest",
            "modified_at": _started_at(state),
            "size": 0,
            "digest": "",
            "details": _details(service),
        }
        for name in MODELS
    ]
    return json_reply({"models": models})


@get(
    "/api/version",
    sync_to_thread=False,
    media_type=MediaType.JSON,
    summary="Ollama-compatible: the version",
    description="That of ragedge, not of Ollama.",
)
def version(state: State) -> Response[bytes]:
    """Some clients ask before all else."""
    return json_reply({"version": state.service.version})


@post(
    "/api/show",
    status_code=200,
    sync_to_thread=False,
    before_request=check_body,
    media_type=MediaType.JSON,
    summary="Ollama-compatible: one model",
    description="What there is to say of a model: who speaks, and that it completes text.",
)
def show(data: JSONBody[ShowBody], state: State) -> Response[bytes]:
    """Describe one of the two."""
    check_model(data.model or data.name)
    service: Service = state.service
    return json_reply(
        {
            "modified_at": _started_at(state),
            "details": _details(service),
            "model_info": {"general.architecture": "ragedge", "general.name": service.engine},
            "capabilities": ["completion"],
        }
    )
