"""POST /v1/ask (one JSON answer) and POST /v1/ask/stream (Server-Sent Events: passages, piece, answer, error).

Both run the same pump over `Pipeline.stream`, take a place in one bounded queue, and stop the pipeline when the
caller hangs up or the time is over. The body has the field names of `contracts.Question`; an unknown key is an error.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Any

import msgspec
from litestar import MediaType, Request, Response, post
from litestar.datastructures import State
from litestar.params import JSONBody
from litestar.response.base import ASGIResponse
from litestar.types import ASGIApp
from msgspec import Meta, Struct, field

from ragedge.contracts import Answer, Event, Passages, Piece, Question, RewriteRequest, SummaryRequest, Turn
from ragedge.errors import AnswerError, BadQuestion, NotFound, UnsupportedFile
from ragedge.server.admission import Admission
from ragedge.server.metrics import Meter
from ragedge.server.problems import explain
from ragedge.server.settings import ServerSettings, Service
from ragedge.server.sight import Asker, asker_of
from ragedge.server.sse import Cancel, EventStream, Pump, Style, encode_event, while_connected
from ragedge.views import answer_view, encode, passages_view, piece_view

#: Beyond this no text field is even looked at; the setting `max_question_chars` is tighter.
_MAX_CHARS = 100_000
#: Documents that go first; a room has some dozens.
MAX_PREFERRED = 100
#: Nobody is left to read it; the number is nginx's for "client closed request".
_GONE = 499

Text = Annotated[str, Meta(max_length=_MAX_CHARS)]
Short = Annotated[str, Meta(max_length=200)]


class TurnBody(Struct, forbid_unknown_fields=True):
    """One earlier exchange."""

    question: Text
    answer: Text


class AskBody(Struct, forbid_unknown_fields=True):
    """A question; everything but `text` may be left out."""

    text: Text
    collection: Short = ""
    history: Annotated[list[TurnBody], Meta(max_length=50)] = field(default_factory=list)
    filters: Annotated[dict[Short, Short], Meta(max_length=20)] = field(default_factory=dict)
    top_k: Annotated[int, Meta(ge=1, le=50)] | None = None
    max_answer_tokens: Annotated[int, Meta(ge=1, le=4096)] | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    seed: Annotated[int, Meta(ge=0, le=2**32 - 1)] | None = None
    language: Annotated[str, Meta(max_length=35)] | None = None
    prefer: Annotated[list[Short], Meta(max_length=MAX_PREFERRED)] = field(default_factory=list)


class AskDesk:
    """Opens questions: checks them, gives them a place, and names their events."""

    def __init__(self, service: Service, settings: ServerSettings, is_stopping: Callable[[], bool]) -> None:
        self.service = service
        self._settings = settings
        self._is_stopping = is_stopping
        self.admission = Admission(settings.queue_limit, what="questions", retry_after_s=5)
        self.meter = Meter()

    def open(self, body: AskBody, asker: Asker, question_id: str = "") -> Pump:
        """A pump over the question's events, its place taken; `question_id` is the journal's name for it.

        `asker.client` tells callers apart, so that nobody waits for all the questions of another one.

        Raises:
            BadQuestion: empty or too long.
            Busy: no place.
        """
        question = replace(self._question(body), readable=asker.readable)
        client = asker.client
        self.admission.enter(client)
        pipeline = self.service.pipeline
        cancel = Cancel(self._settings.question_timeout_s, self._is_stopping)
        named = {"question_id": question_id} if question_id else {}
        return Pump(
            lambda is_cancelled: self.meter.watch(pipeline.stream(question, is_cancelled, client=client, **named)),
            cancel,
            lambda: self.admission.leave(client),
        )

    def open_task(self, task: SummaryRequest | RewriteRequest, asker: Asker) -> Pump:
        """A pump over a task's events, its place taken.

        Raises:
            NotFound: no tasks are done here.
            Busy: no place.
        """
        tasks, client = self.service.tasks, asker.client
        if tasks is None:
            raise NotFound("this service answers questions only", "see /docs for what it takes")
        self.admission.enter(client)
        name = "summarise" if isinstance(task, SummaryRequest) else task.kind
        return Pump(
            lambda is_cancelled: self.meter.watch(
                tasks.stream(task, is_cancelled, client=client, readable=asker.readable), task=name
            ),
            Cancel(self._settings.question_timeout_s, self._is_stopping),
            lambda: self.admission.leave(client),
        )

    def new_id(self) -> str:
        """A name for a question, by which feedback on it can come back; "" where no journal is kept."""
        return secrets.token_hex(8) if self.service.journal is not None else ""

    def describe(self, event: Event, question_id: str = "") -> tuple[str, bytes]:
        """An event's name and JSON. Reads the index for the pages' printed labels: call it in a thread."""
        if isinstance(event, Piece):
            return "piece", encode(piece_view(event))
        if isinstance(event, Passages):
            return "passages", encode(passages_view(event, self._page_labels(event)))
        return "answer", encode(named_view(event, question_id))

    def _question(self, body: AskBody) -> Question:
        limit = self._settings.max_question_chars
        if not body.text.strip():
            raise BadQuestion("the question is empty", "type a question")
        longest = max([len(body.text), *(len(turn.question) for turn in body.history)])
        if longest > limit:
            raise BadQuestion(f"the question has {longest} characters, {limit} are allowed", "ask more briefly")
        return Question(
            text=body.text,
            collection=body.collection,
            history=tuple(Turn(turn.question, turn.answer) for turn in body.history),
            filters=dict(body.filters),
            top_k=body.top_k,
            max_answer_tokens=body.max_answer_tokens,
            temperature=body.temperature,
            seed=body.seed,
            language=body.language,
            prefer=tuple(body.prefer),
        )

    def _page_labels(self, passages: Passages) -> dict[str, dict[int, str | None]]:
        labels: dict[str, dict[int, str | None]] = {}
        for hit in passages.retrieval.hits:
            known = labels.setdefault(hit.chunk.document_id, {})
            for number in {span.page for span in hit.chunk.spans} - known.keys():
                try:
                    known[number] = self.service.index.page(hit.chunk.document_id, number).label
                except NotFound:  # removed since it was found
                    known[number] = None
        return labels


def named_view(answer: Answer, question_id: str) -> dict[str, Any]:
    """An answer as JSON; where a journal is kept, with the `question_id` that `POST /v1/feedback` takes."""
    view = answer_view(answer)
    return {**view, "question_id": question_id} if question_id else view


async def check_body(request: Request[Any, Any, Any]) -> None:
    """Runs before Litestar decodes the body: it must say that it is JSON, which a form of another page cannot.

    msgspec answers bytes that are not UTF-8 and thousands of brackets with errors that Litestar takes for ours.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise UnsupportedFile(f'a question comes as JSON, not as "{kind[:100]}"', "send Content-Type: application/json")
    try:
        msgspec.json.decode(await request.body())
    except (UnicodeDecodeError, RecursionError) as error:
        raise BadQuestion("the body is not JSON in UTF-8", "see /docs for what it takes") from error
    except msgspec.DecodeError:
        return  # Litestar says what is wrong with it


@post(
    "/v1/ask",
    status_code=200,
    before_request=check_body,
    media_type=MediaType.JSON,
    summary="Ask, and get one answer",
    description="The body has the fields of a question, only `text` is needed; the reply is the answer with citations.",
)
async def ask(data: JSONBody[AskBody], request: Request[Any, Any, Any], state: State) -> Response[bytes]:
    """Drain the events into one answer; stop when the caller hangs up."""
    question_id: str = state.desk.new_id()
    pump: Pump = state.desk.open(data, asker_of(request), question_id)
    answer = await drain(pump, request.receive)
    if answer is None:
        return gone()
    return Response(encode(named_view(answer, question_id)), status_code=200, media_type=MediaType.JSON)


@post(
    "/v1/ask/stream",
    status_code=200,
    before_request=check_body,
    summary="Ask, and follow the answer",
    description="Server-Sent Events: one `passages`, then `piece`s, then one `answer`; or `error`, in the error shape.",
)
async def ask_stream(data: JSONBody[AskBody], request: Request[Any, Any, Any], state: State) -> ASGIApp:
    """Pull the first event, then reply with the stream."""
    desk: AskDesk = state.desk
    question_id = desk.new_id()
    return await followed(desk, desk.open(data, asker_of(request), question_id), request, question_id)


async def followed(desk: AskDesk, pump: Pump, request: Request[Any, Any, Any], question_id: str = "") -> EventStream:
    """The events of a pump as Server-Sent Events in the desk's own shape."""
    request_id = request_id_of(request)
    style = Style(
        "text/event-stream; charset=utf-8",
        lambda event: encode_event(*desk.describe(event, question_id)),
        lambda error: encode_event("error", encode(explain(error, request_id)[1])),
    )
    return await open_reply(pump, style)


async def open_reply(pump: Pump, style: Style) -> EventStream:
    """Pull the first event, so that a failure before it is a real status, and leave the rest to the stream."""
    try:
        first = await pump.pull()
    except BaseException:
        await pump.close()
        raise
    return EventStream(pump, first, style)


def request_id_of(request: Request[Any, Any, Any]) -> str:
    """The name that the guard gave this request."""
    return str(request.scope["state"]["request_id"])


async def drain(pump: Pump, receive: Callable[[], Any]) -> Answer | None:
    """The answer at the end of the events; None when the caller hung up first. The pump is closed either way.

    Raises:
        AnswerError: the events ended without an answer.
    """

    async def work() -> Answer:
        answer: Answer | None = None
        while (event := await pump.pull()) is not None:
            if isinstance(event, Answer):
                answer = event
        if answer is None:
            raise AnswerError("the question ended without an answer", "ask again")
        return answer

    try:
        return await while_connected(receive, work, pump.cancel)
    finally:
        await pump.close()


def whole_reply(view: dict[str, Any] | None) -> ASGIResponse:
    """A view as a reply, for handlers that otherwise stream; None where the caller has hung up."""
    if view is None:
        return ASGIResponse(status_code=_GONE, media_type=MediaType.JSON)
    return ASGIResponse(body=encode(view), media_type=MediaType.JSON)


def gone() -> Response[bytes]:
    """The reply to a caller who has hung up."""
    return Response(b"", status_code=_GONE, media_type=MediaType.JSON)
