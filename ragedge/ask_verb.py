"""Questions to answers in the terminal, from this box's own pipeline or from a service elsewhere.

Knows only that both can `ask` and `stream`; what an answer looks like is said by `terminal` and `views`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol, TextIO

from ragedge import terminal, views
from ragedge.contracts import Answer, Event, Passages, Piece, Question
from ragedge.errors import InputError


class Asked(Protocol):
    """Whoever answers: `ragedge.ask.Pipeline` or `ragedge.client.Client`."""

    def ask(self, question: Question) -> Answer: ...
    def stream(self, question: Question) -> Iterator[Event]: ...


def read_questions(
    typed: Sequence[str], file: Path | None, filters: Sequence[str] = (), collection: str = ""
) -> list[Question]:
    """The questions typed, then those of a file with one per line, each with the filters and the collection given.

    Raises:
        InputError: there is none, the file cannot be read, or a filter is none.
    """
    questions = list(typed)
    if file is not None:
        try:
            lines = file.read_text(encoding="utf-8").splitlines()
        except OSError as error:
            raise InputError(f'"{file}" cannot be read: {error.strerror}') from error
        questions += [line.strip() for line in lines if line.strip()]
    if not questions:
        raise InputError("there is no question", 'ragedge ask "What torque for the pump head bolts?"')
    chosen = read_filters(filters)
    return [Question(text, collection, filters=chosen) for text in questions]


def read_filters(given: Sequence[str]) -> dict[str, str]:
    """`--filter key=value` as a question carries it; a key given twice means either value.

    Raises:
        InputError: one of them is no such pair.
    """
    filters: dict[str, str] = {}
    for text in given:
        key, sign, value = text.partition("=")
        if not sign or not key.strip() or not value.strip():
            raise InputError(f'--filter "{text}" is not KEY=VALUE', "for example --filter path=manuals/*.pdf")
        key = key.strip()
        filters[key] = f"{filters[key]}|{value.strip()}" if key in filters else value.strip()
    return filters


def show(asked: Asked, questions: Sequence[Question], out: TextIO, *, as_json: bool, has_model: bool) -> None:
    """Passages first, then the answer, word by word where a language model speaks; or one JSON document for all."""
    if as_json:
        answers = [views.answer_view(asked.ask(question)) for question in questions]
        print(views.encode(answers[0] if len(answers) == 1 else answers).decode("utf-8"), file=out)
        return
    for question in questions:
        if len(questions) > 1:
            print(f"\n> {terminal.plain(question.text)}", file=out)
        is_streamed = False
        for event in asked.stream(question):
            if isinstance(event, Passages):
                terminal.show_passages(event, out)
            elif isinstance(event, Piece) and has_model:
                is_streamed = True
                print(terminal.plain_piece(event.text), end="", flush=True, file=out)
            elif isinstance(event, Answer):
                print(end="\n" if is_streamed else "", file=out)
                terminal.show_answer(event, out, text=not is_streamed)
