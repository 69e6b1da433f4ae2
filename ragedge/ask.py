"""Question -> stream of events -> Answer: the one read path of terminal, service, evaluation and bench.

First what was found, at once; then, unless the gate refuses, text piece by piece; then the answer with citations that
code attached. A language model speaks only where the gate says that the sources hold the answer; where it is unsure,
or there is no model, exact quotes speak. Synchronous; the model's own queue decides who waits.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections import abc
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from ragedge.answer.cite import cite
from ragedge.answer.gate import Thresholds, decide
from ragedge.answer.prompt import build_prompt
from ragedge.answer.reader import candidates_of, quote_answer, rank
from ragedge.contracts import (
    Answer,
    Embedder,
    Event,
    Evidence,
    Generator,
    ModelStats,
    Outcome,
    Passages,
    Piece,
    Question,
    Retrieval,
    Sampling,
    Timings,
    Verdict,
)
from ragedge.errors import BadQuestion, ModelError
from ragedge.index.store import Index
from ragedge.reviewed import Reviewed
from ragedge.search.retriever import Retriever

REFUSALS = {
    "en": "This is not in these documents.",
    "de": "Das steht nicht in diesen Dokumenten.",
    "fr": "Cela ne figure pas dans ces documents.",
    "es": "Esto no está en estos documentos.",
    "zh": "这些文件中没有这方面的内容。",
    "ar": "هذا غير موجود في هذه المستندات.",
}
"""What is said when the gate refuses, per language; English where the language is unknown."""


class Records(Protocol):
    """Keeps what was asked (`ragedge.journal.Journal`); must neither fail nor wait."""

    def record(self, question: Question, answer: Answer, question_id: str) -> None: ...


@dataclass(frozen=True, slots=True)
class AskSettings:
    """How answers are made. Sizes in tokens of the model that speaks, lengths in characters."""

    prompt_tokens: int = 1200
    max_answer_tokens: int = 200
    temperature: float = 0.0
    language: str = "en"
    max_question_chars: int = 2000
    thresholds: Thresholds = field(default_factory=Thresholds)


@dataclass(frozen=True, slots=True)
class _Found:
    """What an answer is made from."""

    retrieval: Retrieval
    evidence: tuple[Evidence, ...]
    verdict: Verdict
    timings: Timings


class Pipeline:
    """Answers questions from one index; safe to use from several threads."""

    def __init__(
        self,
        index: Index,
        retriever: Retriever,
        embedder: Embedder,
        generator: Generator | None,
        settings: AskSettings,
        *,
        reviewed: Reviewed | None = None,
        journal: Records | None = None,
    ) -> None:
        self.index = index
        self.retriever = retriever
        self.embedder = embedder
        self.generator = generator
        self.settings = settings
        self.reviewed = reviewed
        self.journal = journal

    @property
    def engine(self) -> str:
        """Who speaks: the model's name, or "extractive"."""
        return self.generator.name if self.generator is not None else "extractive"

    def warm_up(self) -> None:
        """Load what the first question would otherwise wait for."""
        self.retriever.retrieve(Question("warm up"))

    def ask(self, question: Question) -> Answer:
        """Drain `stream` and return its answer."""
        for event in self.stream(question):
            if isinstance(event, Answer):
                return event
        raise AssertionError("a stream ends with an Answer")

    def stream(
        self, question: Question, is_cancelled: Callable[[], bool] = lambda: False, *, question_id: str = ""
    ) -> Iterator[Event]:
        """One `Passages`, then `Piece`s, then one `Answer`; a reviewed answer goes before everything else.

        `question_id` is the name under which the journal keeps the question, for feedback on it later.

        Raises:
            BadQuestion: the question is empty or too long.
            Busy: the model's queue is full.
        """
        started = time.perf_counter()
        question = self._checked(question)
        pinned = self.reviewed.find(question.text) if self.reviewed is not None else None
        if self.reviewed is not None and pinned is not None:
            events = self.reviewed.events(question, pinned, started)
        else:
            events = self._found(question, started, is_cancelled)
        with contextlib.closing(events):  # whoever hangs up frees the model at once
            for event in events:
                if self.journal is not None and isinstance(event, Answer):
                    self.journal.record(question, event, question_id)
                yield event

    def _found(
        self, question: Question, started: float, is_cancelled: Callable[[], bool]
    ) -> abc.Generator[Event, None, None]:
        retrieval, timings = self.retriever.retrieve(question)
        candidates = candidates_of(retrieval.search_text, retrieval, page_of=self.index.page, rarity=self._rarity)
        marked = rank(candidates, page_of=self.index.page)
        timings = replace(timings, total_ms=_ms(started))
        yield Passages(retrieval, marked, timings)
        reading = time.perf_counter()
        evidence = rank(
            candidates,
            page_of=self.index.page,
            embed=self.embedder.embed_passages,
            question_vector=self.retriever.question_vector(retrieval.search_text),
        )
        verdict = decide(question.text, retrieval, evidence, self.settings.thresholds)
        found = _Found(retrieval, evidence, verdict, replace(timings, read_ms=_ms(reading)))
        if verdict.outcome == "abstained":
            yield self._refusal(found, started)
        elif self.generator is None or verdict.outcome == "unsure":
            yield from self._quoted(found, started)
        else:
            yield from self._generated(found, self.generator, started, is_cancelled)

    def _checked(self, question: Question) -> Question:
        text = " ".join("".join(c for c in question.text if c.isprintable() or c.isspace()).split())
        if not text:
            raise BadQuestion("the question is empty", "type a question")
        limit = self.settings.max_question_chars
        if len(text) > limit:
            raise BadQuestion(f"the question has {len(text)} characters; the limit is {limit}", "ask it shorter")
        return replace(question, text=text)

    def _rarity(self, words: Sequence[str]) -> dict[str, float]:
        """How much a word tells, in [0, 1]: inverse document frequency over chunks; 1 if it stands in none."""
        chunks = max(self.index.counts().chunks, 1)
        found = self.index.document_frequency(words)
        top = math.log(1 + chunks)
        return {word: math.log(1 + chunks / (1 + found.get(word, 0))) / top for word in words}

    def _refusal(self, found: _Found, started: float) -> Answer:
        language = (found.retrieval.question.language or self.settings.language)[:2]
        text = REFUSALS.get(language, REFUSALS["en"])
        return self._answer(found, text, "abstained", "none", started)

    def _quoted(self, found: _Found, started: float, note: str = "") -> Iterator[Event]:
        text, citations = quote_answer(found.retrieval, found.evidence, self.index.page)
        if not text:
            yield self._refusal(found, started)
            return
        first_ms = _ms(started)
        yield Piece(text)
        answer = self._answer(found, text, found.verdict.outcome, "extractive", started, first_ms)
        reason = f"{answer.reason} ({note})" if note else answer.reason
        yield replace(answer, citations=citations, reason=reason)

    def _generated(
        self, found: _Found, generator: Generator, started: float, is_cancelled: Callable[[], bool]
    ) -> Iterator[Event]:
        question = found.retrieval.question
        wanted = question.max_answer_tokens or self.settings.max_answer_tokens
        room = generator.context_tokens - wanted
        text, stats, first_ms = "", None, None
        try:
            prompt = build_prompt(
                question,
                found.retrieval.hits,
                count_tokens=generator.count_tokens,
                budget_tokens=min(self.settings.prompt_tokens, room),
            )
            temperature = self.settings.temperature if question.temperature is None else question.temperature
            for part in generator.stream(prompt, Sampling(wanted, temperature, question.seed or 0), is_cancelled):
                if isinstance(part, ModelStats):
                    stats = part
                    continue
                first_ms = first_ms if first_ms is not None else _ms(started)
                text += part.text
                yield part
        except ModelError as error:
            if text:
                raise
            yield from self._quoted(found, started, note=f"quoted, because {error.message}")
            return
        if not text.strip() and not is_cancelled():
            yield from self._quoted(found, started, note="quoted, because the model said nothing")
            return
        outcome: Outcome = found.verdict.outcome
        if is_cancelled():
            outcome = "cancelled"
        elif stats is not None and stats.eval_count >= wanted:
            outcome = "truncated"
        citations, unsupported = cite(text, found.retrieval.hits, page_of=self.index.page)
        answer = self._answer(found, text, outcome, generator.name, started, first_ms)
        yield replace(answer, citations=citations, unsupported=unsupported, stats=stats)

    def _answer(
        self,
        found: _Found,
        text: str,
        outcome: Outcome,
        engine: str,
        started: float,
        first_ms: float | None = None,
    ) -> Answer:
        return Answer(
            text=text,
            outcome=outcome,
            citations=(),
            unsupported=(),
            hits=found.retrieval.hits,
            evidence=found.evidence,
            engine=engine,
            confidence=found.verdict.confidence,
            reason=found.verdict.reason,
            timings=replace(found.timings, first_piece_ms=first_ms, total_ms=_ms(started)),
        )


def _ms(started: float) -> float:
    return (time.perf_counter() - started) * 1e3
