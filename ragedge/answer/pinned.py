"""A curator's file of reviewed answers: TOML, read strictly, looked up by the question before anything is searched.

    [[answer]]
    questions = ["When is the museum open?", "opening hours"]
    text = "Daily from 10 to 17, closed on Mondays."
    source = {path = "visit.md", page = 1, quote = "Open 10-17 except Mondays"}    # page and quote may be left out
    valid_from = 2026-01-01      # optional, both days included
    valid_until = 2026-12-31
    reviewed_by = "front desk"   # optional

An answer out of its time is never given. Knows no index: whether the quote still stands is found out above.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from ragedge.answer.same_question import Asked, asked, is_same_question
from ragedge.errors import ConfigError

MAX_FILE_BYTES = 4_194_304  # ten thousand answers of a paragraph each
MAX_ANSWERS = 10_000
MAX_VARIANTS = 50  # of one question
MAX_QUESTION_CHARS = 2_000
MAX_TEXT_CHARS = 8_000  # of an answer or a quote: a page
_ANSWER_KEYS = ("questions", "text", "source", "valid_from", "valid_until", "reviewed_by")
_SOURCE_KEYS = ("path", "page", "quote")


@dataclass(frozen=True, slots=True)
class PinnedSource:
    """Where a reviewed answer comes from: a path in the index, a page by position and an exact quote, where known."""

    path: str
    page: int | None = None
    quote: str | None = None


@dataclass(frozen=True, slots=True)
class PinnedAnswer:
    """A reviewed answer; `number` is its place in the file, from 1; it holds on both days of its bounds, too."""

    number: int
    questions: tuple[str, ...]
    text: str
    source: PinnedSource
    valid_from: date | None = None
    valid_until: date | None = None
    reviewed_by: str = ""

    def is_valid_on(self, day: date) -> bool:
        """Whether the answer may be given on this day."""
        return (self.valid_from or date.min) <= day <= (self.valid_until or date.max)


class PinnedAnswers:
    """Reviewed answers, to be found by a question; safe to use from several threads."""

    def __init__(self, answers: Sequence[PinnedAnswer], *, today: Callable[[], date] = date.today) -> None:
        self.answers = tuple(answers)
        self._today = today
        self._exact: dict[str, list[PinnedAnswer]] = {}
        self._forms: dict[object, list[tuple[Asked, PinnedAnswer]]] = {}
        self._words: dict[str, list[PinnedAnswer]] = {}
        for answer in self.answers:
            for question in answer.questions:
                form = asked(question)
                self._exact.setdefault(form.plain, []).append(answer)
                self._forms.setdefault(form.key, []).append((form, answer))
                for word in form.words:
                    self._words.setdefault(word, []).append(answer)

    def use(self, other: PinnedAnswers) -> None:
        """Hold the answers of another one from now on, for everybody who holds this one.

        A question that is asked at this very moment may still get an old answer, as if it had come before.
        """
        self.answers, self._exact, self._forms, self._words = other.answers, other._exact, other._forms, other._words

    def find(
        self,
        text: str,
        is_known: Callable[[str], bool] = lambda word: False,
        may_give: Callable[[PinnedAnswer], bool] = lambda answer: True,
    ) -> PinnedAnswer | None:
        """The one reviewed answer to a question, or None: there is none, it is out of its time, or two would do.

        `is_known`: whether a word stands in the documents, so that "value" is not taken for a mistyped "valve".
        `may_give`: whether an answer is one for who asks; others are as if they did not stand in the file.
        """
        day, form = self._today(), asked(text)
        for answer in self._exact.get(form.plain, ()):
            if answer.is_valid_on(day) and may_give(answer):
                return answer

        def is_word(word: str) -> bool:
            return any(may_give(answer) for answer in self._words.get(word, ())) or is_known(word)

        near = [
            (other, answer)
            for other, answer in self._forms.get(form.key, ())
            if answer.is_valid_on(day) and may_give(answer) and is_same_question(form, other, is_word)
        ]
        same_words = [answer for other, answer in near if other.bag == form.bag]
        found = {answer.number: answer for answer in same_words or [answer for _, answer in near]}
        return next(iter(found.values())) if len(found) == 1 else None


def load_pinned(path: Path, *, today: Callable[[], date] = date.today) -> PinnedAnswers:
    """Read a file of reviewed answers.

    Raises:
        ConfigError: the file is missing, too large, not TOML, or says something that does not fit; the message names
            the answer and the key.
    """
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ConfigError(f'"{path}" is larger than {MAX_FILE_BYTES:,} bytes', "split the file")
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ConfigError(f'there is no file "{path}"', "correct [answer] pinned in the config") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f'"{path}" cannot be read: {error}', "correct that line") from error
    return parse_pinned(text, str(path), today=today)


def parse_pinned(text: str, origin: str, *, today: Callable[[], date] = date.today) -> PinnedAnswers:
    """The reviewed answers of a file's text; `origin` is what messages call it. A file may hold none.

    Raises:
        ConfigError: it is not TOML, or says something that does not fit.
    """
    try:
        table = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(f'"{origin}" cannot be read: {error}', "correct that line") from error
    _known_keys(table, ("answer",), origin)
    rows = table.get("answer", [])
    if not isinstance(rows, list) or len(rows) > MAX_ANSWERS:
        raise ConfigError(f'"{origin}" must hold at most {MAX_ANSWERS:,} answers', "begin each one with [[answer]]")
    answers = [_answer(row, number, f'answer {number} in "{origin}"') for number, row in enumerate(rows, 1)]
    _refuse_doubles(answers, origin)
    return PinnedAnswers(answers, today=today)


def _answer(row: Any, number: int, where: str) -> PinnedAnswer:
    if not isinstance(row, Mapping):
        raise ConfigError(f"{where} is not a section", "begin each answer with [[answer]]")
    _known_keys(row, _ANSWER_KEYS, where)
    questions = row.get("questions")
    if not isinstance(questions, list) or not 1 <= len(questions) <= MAX_VARIANTS:
        raise ConfigError(f'"questions" of {where} must be a list of 1 to {MAX_VARIANTS} texts', 'questions = ["…?"]')
    source = row.get("source")
    if not isinstance(source, Mapping):
        raise ConfigError(f'{where} needs a "source"', 'source = {path = "FILE", page = 1, quote = "…"}')
    _known_keys(source, _SOURCE_KEYS, f"the source of {where}")
    page = source.get("page")
    if page is not None and (type(page) is not int or page < 1):
        raise ConfigError(f'"page" of {where} is {page!r}', "pages count from 1, by position in the file")
    answer = PinnedAnswer(
        number=number,
        questions=tuple(_text(question, "questions", where, MAX_QUESTION_CHARS) for question in questions),
        text=_text(row.get("text"), "text", where, MAX_TEXT_CHARS),
        source=PinnedSource(
            _text(source.get("path"), "path", where, MAX_QUESTION_CHARS),
            page,
            _text(source["quote"], "quote", where, MAX_TEXT_CHARS) if "quote" in source else None,
        ),
        valid_from=_day(row.get("valid_from"), "valid_from", where),
        valid_until=_day(row.get("valid_until"), "valid_until", where),
        reviewed_by=_text(row["reviewed_by"], "reviewed_by", where, 200) if "reviewed_by" in row else "",
    )
    if not all(asked(question).words for question in answer.questions):
        raise ConfigError(f"{where} has a question without any word that tells", "write the question out")
    if answer.valid_from and answer.valid_until and answer.valid_from > answer.valid_until:
        raise ConfigError(f"{where} ends before it begins", "valid_from must not be later than valid_until")
    return answer


def _known_keys(table: Mapping[str, Any], known: Sequence[str], where: str) -> None:
    for key in table:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
            hint = f'did you mean "{near[0]}"?' if near else f"valid keys here: {', '.join(known)}"
            raise ConfigError(f'unknown key "{key}" in {where}', hint)


def _text(value: Any, key: str, where: str, limit: int) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ConfigError(f'"{key}" of {where} is {value!r}', "it must be a text that is not empty")
    if len(value) > limit:
        raise ConfigError(f'"{key}" of {where} has {len(value):,} characters', f"at most {limit:,} are allowed")
    if any(not (c.isprintable() or c.isspace()) for c in value):
        raise ConfigError(f'"{key}" of {where} holds control characters', "write plain text")
    return value.strip()


def _day(value: Any, key: str, where: str) -> date | None:
    if value is None:
        return None
    if not isinstance(value, date) or isinstance(value, datetime):
        raise ConfigError(f'"{key}" of {where} is {value!r}', f"write a day without quotes: {key} = 2026-01-31")
    return value


def _refuse_doubles(answers: Sequence[PinnedAnswer], path: str) -> None:
    """Two answers to one question at one time: nobody could say which is right."""
    seen: dict[str, list[PinnedAnswer]] = {}
    for answer in answers:
        for plain in {asked(question).plain for question in answer.questions}:
            for other in seen.get(plain, ()):
                latest_start = max(a.valid_from or date.min for a in (answer, other))
                if latest_start <= min(a.valid_until or date.max for a in (answer, other)):
                    raise ConfigError(
                        f'answers {other.number} and {answer.number} in "{path}" answer the same question: "{plain}"',
                        "keep one, or give them times that do not overlap",
                    )
            seen.setdefault(plain, []).append(answer)
