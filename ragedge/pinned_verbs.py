"""Verbs `ragedge pinned check|list|find`: look after the file of reviewed answers.

`check` looks every source up in the index as it is now: an answer whose quote has gone is still given, so somebody has
to know. Exit code of an evaluation that failed where something is wrong.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from datetime import date
from typing import Any, TextIO

from ragedge.answer.pinned import PinnedAnswer, PinnedAnswers
from ragedge.config import Config
from ragedge.errors import ConfigError, EvaluationFailed, InputError
from ragedge.index.store import Index
from ragedge.reviewed import Reviewed
from ragedge.terminal import plain


def run(config: Config, options: argparse.Namespace, parts: Any, out: TextIO) -> int:
    """One of the verbs over the index of `config`; `parts` is the module `ragedge.assemble`.

    Raises:
        ConfigError: no file of reviewed answers is named, or it cannot be used.
    """
    if options.file:
        config = replace(config, answer=replace(config.answer, pinned=str(options.file)))
    if options.action == "find" and not options.question:
        raise InputError("there is no question", 'ragedge pinned find "When is it open?"')
    with Index.open(config.index_folder(), None) as index:  # as it is: nothing is embedded for reviewed answers
        if not config.answer.pinned and not config.pinned_file().exists():
            raise ConfigError(
                "there are no reviewed answers",
                'write one at the curator\'s desk, set [answer] pinned = "FILE.toml", or add --file',
            )
        reviewed = parts.make_reviewed(config, index)
        if options.action == "check":
            return check(reviewed, out, today=date.today())
        if options.action == "list":
            return show_list(reviewed.answers, out, today=date.today())
        return find(reviewed, options.question, out)


def check(reviewed: Reviewed, out: TextIO, *, today: date) -> int:
    """A line per answer whose source is not as the file says, or whose time is over."""
    problems = reviewed.problems()
    over = [a for a in reviewed.answers.answers if a.valid_until is not None and a.valid_until < today]
    for answer, problem in problems:
        print(f"answer {answer.number:<4} {_question(answer)}: {plain(problem)}", file=out)
    for answer in over:
        print(f"answer {answer.number:<4} {_question(answer)}: out of its time since {answer.valid_until}", file=out)
    total = len(reviewed.answers.answers)
    if problems or over:
        print(f"{total:,} reviewed answers, {len(problems)} with a source to check, {len(over)} out of time", file=out)
    else:
        print(f"{total:,} reviewed answers; every source stands as quoted", file=out)
    return EvaluationFailed.exit_code if problems else 0


def show_list(answers: PinnedAnswers, out: TextIO, *, today: date) -> int:
    """A line per answer: first question, source, time."""
    for answer in answers.answers:
        state = "valid  " if answer.is_valid_on(today) else "waiting" if _is_ahead(answer, today) else "over   "
        page = f", page {answer.source.page}" if answer.source.page else ""
        print(f"{answer.number:>4}  {state}  {_question(answer)}  [{plain(answer.source.path)}{page}]", file=out)
    return 0


def find(reviewed: Reviewed, question: str, out: TextIO) -> int:
    """Which reviewed answer a question gets."""
    answer = reviewed.find(question)
    if answer is None:
        print("no reviewed answer; this question is searched for", file=out)
        return 0
    print(f"answer {answer.number}: {plain(answer.text)}", file=out)
    return 0


def _question(answer: PinnedAnswer) -> str:
    text = plain(answer.questions[0])
    return text if len(text) <= 60 else text[:59].rstrip() + "…"


def _is_ahead(answer: PinnedAnswer, today: date) -> bool:
    return answer.valid_from is not None and answer.valid_from > today
