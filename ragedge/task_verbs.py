"""Summaries and rewritten answers in the terminal, from this box's own parts or from a service elsewhere.

What an answer looks like is said by `terminal` and `views`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, TextIO

from ragedge import terminal, views
from ragedge.ask_verb import Asked
from ragedge.contracts import (
    Answer,
    Event,
    Passages,
    Piece,
    Question,
    RewriteRequest,
    SummaryRequest,
    rewriting_of,
)
from ragedge.errors import InputError

Rewriting = Callable[[Answer], RewriteRequest]


class Doing(Protocol):
    """Whoever does tasks: `ragedge.tasks.Tasks` or `ragedge.client.Client`."""

    def stream_task(self, request: SummaryRequest | RewriteRequest) -> Iterator[Event]: ...


def rewriting(*, simpler: bool, translate: str | None) -> Rewriting | None:
    """What is to become of an answer, as it was typed; None: nothing.

    Raises:
        InputError: two things at once.
    """
    if simpler and translate:
        raise InputError("--simpler and --translate are two steps", "ask for one of them")
    if simpler:
        return lambda answer: rewriting_of(answer, "simpler")
    if translate:
        return lambda answer: rewriting_of(answer, "translate", translate)
    return None


def show_answers(
    asked: Asked, doing: Doing, questions: Sequence[Question], change: Rewriting, out: TextIO, *, as_json: bool
) -> None:
    """Ask, and show each answer in other words; as JSON one document for all."""
    shown = []
    for question in questions:
        answer = asked.ask(question)
        if not as_json and len(questions) > 1:
            print(f"\n> {terminal.plain(question.text)}", file=out)
        shown.append(_show(doing.stream_task(change(answer)), out, as_json=as_json, is_streamed=True))
    _print(shown, out, as_json=as_json)


def show_summary(
    doing: Doing, request: SummaryRequest, change: Rewriting | None, out: TextIO, *, as_json: bool, has_model: bool
) -> None:
    """A summary, as it comes, or in other words."""
    events = doing.stream_task(request)
    if change is not None:
        events = doing.stream_task(change(_answer_of(events)))
    _print([_show(events, out, as_json=as_json, is_streamed=has_model)], out, as_json=as_json)


def _show(events: Iterator[Event], out: TextIO, *, as_json: bool, is_streamed: bool) -> Answer:
    has_begun = False
    for event in events:
        if isinstance(event, Answer):
            if not as_json:
                print(end="\n" if has_begun else "", file=out)
                terminal.show_answer(event, out, text=not has_begun)
            return event
        if as_json:
            continue
        if isinstance(event, Passages) and event.retrieval.hits:
            terminal.show_passages(event, out)
        elif isinstance(event, Piece) and is_streamed:
            has_begun = True
            print(terminal.plain_piece(event.text), end="", flush=True, file=out)
    raise AssertionError("a stream ends with an Answer")


def _answer_of(events: Iterator[Event]) -> Answer:
    return next(event for event in events if isinstance(event, Answer))


def _print(answers: Sequence[Answer], out: TextIO, *, as_json: bool) -> None:
    if as_json:
        found = [views.answer_view(answer) for answer in answers]
        print(views.encode(found[0] if len(found) == 1 else found).decode("utf-8"), file=out)
