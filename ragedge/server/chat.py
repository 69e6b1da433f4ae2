"""What the chat protocols of other programs share: their messages as a question, and an answer as they can show it.

The last user message is the question, earlier ones with their replies are the history. Instructions (system messages)
are not taken over: what the model is told is decided here, so that answers stay tied to the documents. Two model names
are offered: "ragedge", whose text is the answer alone, and "ragedge-sources", whose text ends with the outcome and the
sources for people, as most chat programs show nothing but text.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from msgspec import Meta, Struct

from ragedge.contracts import Answer, Hit
from ragedge.errors import AnswerError, BadQuestion, NotFound
from ragedge.server.ask import AskBody, Text, TurnBody
from ragedge.server.settings import ServerSettings
from ragedge.views import record_view

MODEL = "ragedge"
MODEL_WITH_SOURCES = "ragedge-sources"
MODELS = (MODEL, MODEL_WITH_SOURCES)
#: Chat programs send the whole conversation each time; 1 MiB is some 500 pages of it.
MAX_CHAT_BYTES = 1_048_576
#: What `ask` takes; older exchanges are left out, they do not help to understand a follow-up.
_MAX_TURNS = 50
_MAX_ANSWER_TOKENS = 4096
_OUTCOMES = {
    "unsure": "Unsure: check the source.",
    "truncated": "Cut short: the limit of words was reached.",
    "cancelled": "Stopped before the end.",
}
_PLACES = 8


class Part(Struct):
    """A piece of a message; only text is read."""

    type: str
    text: Text = ""


class Message(Struct):
    """One message of a conversation."""

    role: Annotated[str, Meta(max_length=20)]
    content: Text | list[Part] | None = None


def check_model(model: str, names: Sequence[str] = MODELS) -> None:
    """Refuse a model that is not offered; ":latest", as Ollama's clients add it, is no matter.

    Raises:
        NotFound: it is none of `names`.
    """
    if model.removesuffix(":latest") not in names:
        raise NotFound(f'there is no model "{model[:100]}" here', f"use {' or '.join(names)}")


def lists_sources(model: str) -> bool:
    """Whether the text of this model's answers ends with outcome and sources."""
    return model.removesuffix(":latest") == MODEL_WITH_SOURCES


def question_of(messages: Sequence[Message], settings: ServerSettings, **wanted: Any) -> AskBody:
    """The question of a conversation; `wanted` are further fields of `AskBody`.

    Raises:
        BadQuestion: the last message is not a user's, or is not text.
    """
    talk = [message for message in messages if message.role in ("user", "assistant")]
    if not talk or talk[-1].role != "user" or messages[-1] is not talk[-1]:
        raise BadQuestion("the last message is not a question", 'end the messages with one of role "user"')
    turns: list[TurnBody] = []
    for message in talk[:-1]:
        text = text_of(message)
        if message.role == "user":
            turns.append(TurnBody(question=text[: settings.max_question_chars], answer=""))
        elif turns:
            turns[-1].answer = f"{turns[-1].answer}\n{text}".strip()
    return AskBody(text=text_of(talk[-1]), history=turns[-_MAX_TURNS:], **wanted)


def text_of(message: Message) -> str:
    """The text of a message.

    Raises:
        BadQuestion: it holds something else.
    """
    if isinstance(message.content, str):
        return message.content
    parts = message.content or []
    if any(part.type != "text" for part in parts):
        raise BadQuestion("only text can be asked, not pictures, sound or files", "leave them out")
    return "\n".join(part.text for part in parts)


def token_limit(*limits: int | None) -> int | None:
    """The first limit that was given, as far as `ask` takes it; programs send far more than any answer here has."""
    given = next((limit for limit in limits if limit is not None and limit > 0), None)
    return None if given is None else min(given, _MAX_ANSWER_TOKENS)


def page_url(base: str, document_id: str, page: int, start: int | None = None, end: int | None = None) -> str:
    """Where a person can look at a page, with what is quoted marked; `base` is the service's address without slash."""
    place = "" if start is None else f"?start={start}&end={end}#quote"
    return f"{base}/source/{document_id}/{page}{place}"


def sources_view(hits: Sequence[Hit], base: str) -> list[dict[str, Any]]:
    """What was found, best first: document, pages, text, and an address to look at."""
    return [
        {
            "document_id": hit.chunk.document_id,
            "document_path": hit.chunk.document_path,
            "title": hit.title,
            "pages": sorted({span.page for span in hit.chunk.spans}),
            "text": hit.chunk.text,
            "score": hit.score,
            "url": page_url(base, hit.chunk.document_id, hit.chunk.spans[0].page) if hit.chunk.spans else "",
        }
        for hit in hits
    ]


def extra_view(answer: Answer, base: str, question_id: str) -> dict[str, Any]:
    """What these protocols have no field for, under the name "ragedge"."""
    view = record_view(answer)
    for cited, citation in zip(view["citations"], answer.citations, strict=True):
        span = citation.span
        cited["url"] = page_url(base, citation.document_id, span.page, span.start, span.end)
    names = ("outcome", "confidence", "reason", "engine", "citations", "unsupported", "timings", "stats")
    extra = {**{name: view[name] for name in names}, "sources": sources_view(answer.hits, base)}
    return {**extra, "question_id": question_id} if question_id else extra


def answer_rest(answer: Answer, said: str) -> str:
    """What of an answer's text is still to be said after the pieces `said`; a refusal comes without pieces."""
    return answer.text[len(said) :] if answer.text.startswith(said) else ""


def no_answer() -> AnswerError:
    """The failure of a stream whose answer did not come: out of time, or the service is ending."""
    return AnswerError("the question ended without an answer", "ask again")


def footer(answer: Answer, base: str) -> str:
    """Outcome and sources as lines of Markdown under an answer; "" where there is nothing to say."""
    lines = [_OUTCOMES[answer.outcome]] if answer.outcome in _OUTCOMES else []
    places: dict[str, None] = {}
    for citation in answer.citations:
        span = citation.span
        name = f"{_plain(citation.title or citation.document_path)}, page {span.page}"
        url = page_url(base, citation.document_id, span.page, span.start, span.end)
        places[f"{citation.number}. [{name}]({url})"] = None
    if not answer.citations:
        for hit in answer.hits[:_PLACES]:
            page = hit.chunk.spans[0].page if hit.chunk.spans else 1
            name = f"{_plain(hit.title or hit.chunk.document_path)}, page {page}"
            places[f"- [{name}]({page_url(base, hit.chunk.document_id, page)})"] = None
    if places:
        lines += ["", "Sources:" if answer.citations else "Closest passages:", *places]
    return "\n\n" + "\n".join(lines).strip() if lines else ""


def _plain(name: str) -> str:
    """A title that cannot end a link or begin another."""
    return " ".join(name.translate(str.maketrans("[]()<>`", "       ")).split())
