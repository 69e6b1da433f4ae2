"""The OpenAI-compatible routes for chat: POST /v1/chat/completions, and GET /v1/models.

Everything goes through the same pipeline and the same queue as `ask`; sources, citations and outcome come along as the
extra field "ragedge". A refusal is said as text, as these clients show it. `usage` counts what a language model read
and wrote: 0 where the answer was quoted. What cannot be done is refused rather than ignored where a program would
build on it (several choices, JSON formats, forced tools); stop words, penalties and the like are ignored.
"""

from __future__ import annotations

import time
from typing import Annotated, Any

from litestar import MediaType, Request, Response, get, post
from litestar.datastructures import State
from litestar.params import FromPath, JSONBody
from litestar.types import ASGIApp
from msgspec import Meta, Struct

from ragedge.contracts import Answer, Event, Passages, Piece
from ragedge.errors import BadQuestion
from ragedge.server.ask import (
    AskBody,
    AskDesk,
    Short,
    check_body,
    drain,
    open_reply,
    request_id_of,
    whole_reply,
)
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
    sources_view,
    token_limit,
)
from ragedge.server.documents import json_reply
from ragedge.server.problems import explain
from ragedge.server.settings import Service
from ragedge.server.shapes import dressed
from ragedge.server.sight import asker_of
from ragedge.server.sse import Style
from ragedge.views import encode

_PATH = "/v1/chat/completions"


class StreamOptions(Struct):
    """`include_usage`: a last chunk with the token counts."""

    include_usage: bool = False


class ResponseFormat(Struct):
    """Only text is spoken."""

    type: str = "text"


class CompletionBody(Struct):
    """A conversation; `collection` is a field of ours. Further fields of the protocol are ignored."""

    model: Short
    messages: Annotated[list[Message], Meta(min_length=1, max_length=1000)]
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    max_completion_tokens: int | None = None
    max_tokens: int | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    seed: int | None = None
    n: int | None = 1
    response_format: ResponseFormat | None = None
    tool_choice: Any = None
    collection: Short = ""


@post(
    _PATH,
    status_code=200,
    before_request=check_body,
    request_max_body_size=MAX_CHAT_BYTES,
    media_type=MediaType.JSON,
    summary="OpenAI-compatible: ask in a conversation",
    description=(
        "The last message is the question, earlier ones are history. `ragedge` in the reply (in a stream: in its first "
        "and last chunk) holds outcome, citations and sources. With `stream` the reply is Server-Sent Events."
    ),
)
async def chat_completions(data: JSONBody[CompletionBody], request: Request[Any, Any, Any], state: State) -> ASGIApp:
    """One completion, whole or in chunks."""
    desk: AskDesk = state.desk
    body = _question(data, state)
    question_id = desk.new_id()
    pump = desk.open(body, asker_of(request), question_id)
    talk = _Completion(data, request, question_id)
    if data.stream:
        style = Style("text/event-stream; charset=utf-8", talk.render, talk.render_error, talk.finish)
        return await open_reply(pump, style)
    answer = await drain(pump, request.receive)
    return whole_reply(None if answer is None else talk.whole(answer))


def _question(data: CompletionBody, state: State) -> AskBody:
    check_model(data.model)
    if data.n not in (None, 1):
        raise BadQuestion("one question has one answer here", "leave n out")
    if data.response_format is not None and data.response_format.type != "text":
        raise BadQuestion("answers are text, not JSON", "leave response_format out")
    if data.tool_choice not in (None, "none", "auto"):
        raise BadQuestion("no tools are called here", "leave tools and tool_choice out")
    return question_of(
        data.messages,
        state.settings,
        max_answer_tokens=token_limit(data.max_completion_tokens, data.max_tokens),
        temperature=data.temperature,
        seed=None if data.seed is None else data.seed % 2**32,
        collection=data.collection,
    )


class _Completion:
    """Events -> the protocol's objects, for one request."""

    def __init__(self, data: CompletionBody, request: Request[Any, Any, Any], question_id: str) -> None:
        self._model = data.model
        self._has_footer = lists_sources(data.model)
        self._has_usage = data.stream_options is not None and data.stream_options.include_usage
        self._base = str(request.base_url).rstrip("/")
        self._question_id = question_id
        self._request_id = request_id_of(request)
        self._created = int(time.time())
        self._said = ""
        self._is_finished = False

    def whole(self, answer: Answer) -> dict[str, Any]:
        """A completion in one piece."""
        text = answer.text + (footer(answer, self._base) if self._has_footer else "")
        message = {"role": "assistant", "content": text, "refusal": None}
        choice = {"index": 0, "message": message, "finish_reason": _finish_reason(answer), "logprobs": None}
        return {
            **self._head("chat.completion"),
            "choices": [choice],
            "usage": usage_view(answer),
            "ragedge": extra_view(answer, self._base, self._question_id),
        }

    def render(self, event: Event) -> bytes:
        """One event as chunks."""
        if isinstance(event, Passages):
            sources = sources_view(event.retrieval.hits, self._base)
            return self._chunk({"role": "assistant", "content": ""}, ragedge={"sources": sources})
        if isinstance(event, Piece):
            self._said += event.text
            return self._chunk({"content": event.text})
        self._is_finished = True
        rest = answer_rest(event, self._said) + (footer(event, self._base) if self._has_footer else "")
        chunks = self._chunk({"content": rest}) if rest else b""
        extra = extra_view(event, self._base, self._question_id)
        chunks += self._chunk({}, _finish_reason(event), ragedge=extra)
        if self._has_usage:
            counted = {**self._head("chat.completion.chunk"), "choices": [], "usage": usage_view(event)}
            chunks += b"data: " + encode(counted) + b"\n\n"
        return chunks + b"data: [DONE]\n\n"

    def render_error(self, error: Exception) -> bytes:
        """A failure after the first chunk."""
        status, view = explain(error, self._request_id)
        return b"data: " + encode(dressed(_PATH, status, view)) + b"\n\n"

    def finish(self) -> bytes:
        """Nothing more, or that the answer is missing."""
        return b"" if self._is_finished else self.render_error(no_answer())

    def _head(self, kind: str) -> dict[str, Any]:
        name = f"chatcmpl-{self._request_id}"
        return {"id": name, "object": kind, "created": self._created, "model": self._model}

    def _chunk(self, delta: dict[str, Any], finish_reason: str | None = None, **more: Any) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason, "logprobs": None}
        usage = {"usage": None} if self._has_usage else {}
        view = {**self._head("chat.completion.chunk"), "choices": [choice], **usage, **more}
        return b"data: " + encode(view) + b"\n\n"


def usage_view(answer: Answer) -> dict[str, Any]:
    """Tokens that a language model read and wrote for this answer; none where it was quoted."""
    read = answer.stats.prompt_eval_count if answer.stats is not None else 0
    cached = answer.stats.prompt_eval_cached_count if answer.stats is not None else 0
    written = answer.stats.eval_count if answer.stats is not None else 0
    return {
        "prompt_tokens": read,
        "completion_tokens": written,
        "total_tokens": read + written,
        "prompt_tokens_details": {"cached_tokens": cached},
    }


def _finish_reason(answer: Answer) -> str:
    return "length" if answer.outcome in ("truncated", "cancelled") else "stop"


def model_views(state: State) -> list[dict[str, Any]]:
    """What can be named as `model`: two ways to chat, and the embedder."""
    service: Service = state.service
    names = [*MODELS, *([service.embedder.id] if service.embedder is not None else [])]
    return [{"id": name, "object": "model", "created": state.started_at, "owned_by": "ragedge"} for name in names]


@get(
    "/v1/models",
    sync_to_thread=False,
    media_type=MediaType.JSON,
    summary="OpenAI-compatible: the models",
    description=(
        "`ragedge` answers from the documents, `ragedge-sources` also lists the sources in its text, the third is the "
        "embedder. `created` is when the service was started."
    ),
)
def list_models(state: State) -> Response[bytes]:
    """All of them."""
    return json_reply({"object": "list", "data": model_views(state)})


@get(
    "/v1/models/{model:str}",
    sync_to_thread=False,
    media_type=MediaType.JSON,
    summary="OpenAI-compatible: one model",
    description="By its id.",
)
def show_model(model: FromPath[str], state: State) -> Response[bytes]:
    """One of them."""
    views = {view["id"]: view for view in model_views(state)}
    check_model(model, list(views))
    return json_reply(views[model.removesuffix(":latest")])
