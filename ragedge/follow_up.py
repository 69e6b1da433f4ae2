"""A follow-up question to one that can be searched: by rules, or by the language model where the box is fast enough.

The model is asked only where earlier answers showed that its rewriting takes less than a second. What it says is
searched, never shown as the user's words, and thrown away for the rules (`search.followup`) where it brings in a
number, code, name or other word that stands neither in the question nor in the conversation, drops what was asked, or
turns a "not".
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Protocol

from ragedge.answer.claims import capitals_in, is_form, plain_words, tokens_of
from ragedge.answer.facts import claims_of, facts_of
from ragedge.answer.prompt import neutral
from ragedge.answer.sentences import sentence_spans
from ragedge.contracts import Generator, ModelStats, Piece, Prompt, Question, Retrieval, Sampling, Timings, Turn
from ragedge.errors import RagedgeError
from ragedge.search.followup import MAX_CHARS, leans

MOST_SECONDS = 1.0
"""For a rewriting; the rules take none, and are right more often than not."""

_SYSTEM = (
    "Rewrite the last question so that it can be understood without the conversation. Use only words of the "
    "conversation. Say the question alone, in its own language, on one line."
)
_MAX_TOKENS = 48  # of a rewritten question
_USUAL_TOKENS = 24
_MAX_TURNS = 2
_TURN_CHARS = 300
_NEW_SHARE = 0.3  # of the last answer in a speed that is kept: one slow answer is not the box


class Searching(Protocol):
    """What finds passages: `ragedge.search.retriever.Retriever`."""

    def retrieve(self, question: Question) -> tuple[Retrieval, Timings]: ...


class FollowUp:
    """Rewrites with `generator`, or never where there is none; safe to use from several threads."""

    def __init__(
        self, generator: Generator | None = None, *, prompt_speed: float | None = None, speed: float | None = None
    ) -> None:
        """`prompt_speed` and `speed`: tokens per second read and written, where they were measured before."""
        self._generator = generator
        self._lock = threading.Lock()
        self._prompt_speed = prompt_speed
        self._speed = speed

    def note(self, stats: ModelStats) -> None:
        """Learn from what an answer spent."""
        with self._lock:
            self._prompt_speed = _mixed(self._prompt_speed, stats.prompt_tokens_per_second)
            self._speed = _mixed(self._speed, stats.tokens_per_second)

    def may_rewrite(self, question: Question) -> bool:
        """Whether the model could be asked about this question, if it is fast enough then."""
        return self._generator is not None and bool(question.history) and leans(question.text)

    def retrieve(
        self, retriever: Searching, question: Question, is_cancelled: Callable[[], bool], client: str
    ) -> tuple[Retrieval, Timings]:
        """The passages for a question; `search_text` says what was searched, `question` stays the user's."""
        if self._generator is not None and self.may_rewrite(question):
            rewritten = self._rewritten(self._generator, question, is_cancelled, client)
            if rewritten:
                retrieval, timings = retriever.retrieve(replace(question, text=rewritten, history=()))
                return replace(retrieval, question=question), timings
        return retriever.retrieve(question)

    def seconds(self, prompt_tokens: int) -> float | None:
        """How long a rewriting is going to take, as far as it is known."""
        with self._lock:
            if not self._prompt_speed or not self._speed:
                return None
            return prompt_tokens / self._prompt_speed + _USUAL_TOKENS / self._speed

    def _rewritten(
        self, generator: Generator, question: Question, is_cancelled: Callable[[], bool], client: str
    ) -> str:
        """What the model makes of the question; "" where it is too slow, fails, or says anything odd."""
        if self.seconds(0) is None:  # nothing measured yet: the model is not loaded to count tokens
            return ""
        user = f"{_conversation(question.history)}Last question: {_short(question.text)}"
        said = ""
        try:
            tokens = generator.count_tokens(_SYSTEM) + generator.count_tokens(user)
            expected = self.seconds(tokens)
            if expected is None or expected >= MOST_SECONDS:
                return ""
            prompt = Prompt(_SYSTEM, user, (), tokens)
            for part in generator.stream(prompt, Sampling(_MAX_TOKENS), is_cancelled, client=client):
                if isinstance(part, Piece):
                    said += part.text
                else:
                    self.note(part)
        except RagedgeError:  # busy, dead, too long: the answer itself will say so where it matters
            return ""
        return "" if is_cancelled() else accepted(said, question)


def accepted(said: str, question: Question) -> str:
    """The rewritten question where it only says what was said before, else "".

    It must be one sentence on one line, with all that the question itself asks in it, of no more than `MAX_CHARS`
    characters, with no number, code, name or word of its own, and as negative as the question is.
    """
    lines = [line for line in said.strip().splitlines() if line.strip()]
    if len(lines) != 1 or not 0 < len(lines[0]) <= MAX_CHARS:
        return ""
    text = " ".join(lines[0].removeprefix("Last question:").removeprefix("Question:").strip(' "“”').split())
    turns = question.history[-_MAX_TURNS:]
    known = " ".join([question.text, *(side for turn in turns for side in (turn.question, turn.answer))])
    numbers, codes = claims_of(text)
    there = facts_of(known)
    if not codes <= there.codes or not all(any(n.is_same(o) for o in there.numbers) for n in numbers):
        return ""
    words, known_words = plain_words(text), plain_words(known)
    if not words or not all(_is_among(word, known_words) for word in words):
        return ""
    if not capitals_in(text) <= set(tokens_of(known)) or len(sentence_spans(text)) != 1:
        return ""
    own = plain_words(question.text)
    is_whole = all(_is_among(word, words) for word in own)
    is_turned = facts_of(text).is_negative != facts_of(question.text).is_negative
    return "" if not is_whole or is_turned or text == question.text else text


def _is_among(word: str, words: Sequence[str]) -> bool:
    return any(is_form(word, other) for other in words)


def _conversation(history: Sequence[Turn]) -> str:
    turns = history[-_MAX_TURNS:]
    return "".join(
        f"Earlier question: {_short(turn.question)}\nEarlier answer: {_short(turn.answer)}\n" for turn in turns
    )


def _short(text: str) -> str:
    return " ".join(neutral(text).split())[:_TURN_CHARS]


def _mixed(old: float | None, new: float | None) -> float | None:
    if not new:
        return old
    return new if not old else old + _NEW_SHARE * (new - old)
