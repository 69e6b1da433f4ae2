"""Question -> stream of events -> Answer: the one read path of terminal, service, evaluation and bench.

First what was found, at once; then, unless the gate refuses, text piece by piece; then the answer with citations that
code attached. A language model speaks only where the gate says that the sources hold the answer; where it is unsure,
or there is no model, exact quotes speak. Synchronous; the model's own queue decides who waits.
"""

from __future__ import annotations

import contextlib
import time
from collections import abc
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from ragedge.answer.cite import Sources
from ragedge.answer.conflict import find_conflict
from ragedge.answer.gate import decide
from ragedge.answer.phrases import DISAGREE, REFUSALS, UNSURE, in_language
from ragedge.answer.reader import quote_answer, short_answer
from ragedge.answer.signals import Signals
from ragedge.answer.speech import Speech
from ragedge.answer_store import AnswerStore
from ragedge.ask_settings import AskSettings
from ragedge.checking import checked_again, tidied
from ragedge.contracts import (
    Answer,
    Embedder,
    Event,
    Evidence,
    EvidenceReader,
    Generator,
    Outcome,
    Passages,
    Piece,
    Question,
    Records,
    Retrieval,
    Sampling,
    Timings,
    Verdict,
)
from ragedge.energy import EnergyMeter
from ragedge.errors import ModelError, RemoteFailed
from ragedge.follow_up import FollowUp
from ragedge.index.store import Index
from ragedge.model_prompt import answer_tokens, epoch_of, model_prompt
from ragedge.portion import Portion
from ragedge.reviewed import Reviewed
from ragedge.search.retriever import Retriever
from ragedge.weighing import Weigher

__all__ = ["AskSettings", "Pipeline"]


@dataclass(frozen=True, slots=True)
class _Found:
    """What an answer is made from."""

    retrieval: Retrieval
    evidence: tuple[Evidence, ...]
    verdict: Verdict
    timings: Timings
    epoch: int | None


class Pipeline:
    """Answers questions from one index; safe to use from several threads."""

    def __init__(
        self,
        index: Index | Portion,
        retriever: Retriever,
        embedder: Embedder,
        generator: Generator | None,
        settings: AskSettings,
        *,
        evidence_reader: EvidenceReader | None = None,
        reviewed: Reviewed | None = None,
        journal: Records | None = None,
        store: AnswerStore | None = None,
        energy: EnergyMeter | None = None,
        follow_up: FollowUp | None = None,
    ) -> None:
        self.index = index
        self.retriever = retriever
        self.embedder = embedder
        self.generator = generator
        self.settings = settings
        self.weigher = Weigher(index, retriever, embedder, evidence_reader)
        self.reviewed = reviewed
        self.journal = journal
        self.store = store
        self.energy = energy or EnergyMeter()
        self.follow_up = follow_up or FollowUp()

    @property
    def engine(self) -> str:
        """Who speaks: the model's name, or "extractive"."""
        return self.generator.name if self.generator is not None else "extractive"

    @property
    def reader_id(self) -> str:
        """What the gate's figures come from; a gate fitted with others does not fit."""
        return self.weigher.id

    def warm_up(self) -> None:
        """Load what the first question would otherwise wait for."""
        retrieval, _ = self.retriever.retrieve(Question("warm up"))
        self.weigh(retrieval)

    def ask(self, question: Question) -> Answer:
        """Drain `stream` and return its answer."""
        for event in self.stream(question):
            if isinstance(event, Answer):
                return event
        raise AssertionError("a stream ends with an Answer")

    def stream(
        self,
        question: Question,
        is_cancelled: Callable[[], bool] = lambda: False,
        *,
        question_id: str = "",
        client: str = "",
    ) -> Iterator[Event]:
        """One `Passages`, then `Piece`s, then one `Answer`; a reviewed answer goes before everything else.

        `question_id` is the journal's name for the question; `client`, kept nowhere, makes the model's queue fair.

        Raises:
            BadQuestion: the question is empty or too long.
            Busy: the model's queue is full.
        """
        started, passages_ms = time.perf_counter(), None
        question = tidied(question, self.settings.max_question_chars)
        pinned = self.reviewed.find(question.text) if self.reviewed is not None else None
        if self.reviewed is not None and pinned is not None:
            events = self.reviewed.events(question, pinned, started)
        else:
            events = self._kept_or_found(question, started, is_cancelled, client)
        with contextlib.closing(self.energy.measured(events)) as measured:  # whoever hangs up frees the model at once
            for event in measured:
                passages_ms = event.timings.total_ms if isinstance(event, Passages) else passages_ms
                if isinstance(event, Answer):
                    event = checked_again(event, question.language or self.settings.language, self.index.page)
                    if self.journal is not None:
                        self.journal.record(question, event, question_id, passages_ms)
                yield event

    def _kept_or_found(
        self, question: Question, started: float, is_cancelled: Callable[[], bool], client: str
    ) -> abc.Generator[Event, None, None]:
        """The answer out of the store where one is kept there that still holds, else a fresh one."""
        identity = "" if self.generator is None else getattr(self.generator, "identity", None)
        if self.store is None or identity is None or self.follow_up.may_rewrite(question):
            return self._found(question, started, is_cancelled, client)
        return self.store.events(
            question,
            (self.settings, self.retriever.setup, self.reader_id, identity, self.index.vector_engine),
            lambda: self._found(question, started, is_cancelled, client),
            started,
            speaker="" if self.generator is None else self.generator.name,
        )

    def _found(
        self, question: Question, started: float, is_cancelled: Callable[[], bool], client: str
    ) -> abc.Generator[Event, None, None]:
        epoch = epoch_of(self.generator)
        retrieval, timings = self.follow_up.retrieve(self.retriever, question, is_cancelled, client)
        candidates = self.weigher.candidates(retrieval)
        marked = self.weigher.mark(candidates)
        timings = replace(timings, total_ms=_ms(started))
        yield Passages(retrieval, marked, timings)
        reading = time.perf_counter()
        evidence, signals = self.weigher.weigh(retrieval, candidates)
        verdict = decide(signals, self.settings.thresholds)
        found = _Found(retrieval, evidence, verdict, replace(timings, read_ms=_ms(reading)), epoch)
        conflict = find_conflict(candidates.asked, retrieval.hits, evidence)
        if verdict.outcome == "abstained":
            yield self._refusal(found, started)
        elif conflict is not None:
            reason = f"two sources give different values: {conflict.values[0]} and {conflict.values[1]}"
            both = replace(found, evidence=conflict.first_in(evidence), verdict=replace(verdict, reason=reason))
            yield from self._quoted(both, started, lead=DISAGREE, pieces=2)
        elif verdict.outcome == "unsure":
            yield from self._quoted(found, started, lead=UNSURE)
        elif self.generator is None:
            yield from self._quoted(found, started)
        else:
            yield from self._generated(found, self.generator, started, is_cancelled, client)

    def weigh(self, retrieval: Retrieval) -> tuple[tuple[Evidence, ...], Signals]:
        """Evidence, best first, and the figures of the gate; what `ragedge index calibrate` measures."""
        return self.weigher.weigh(retrieval, self.weigher.candidates(retrieval))

    def _refusal(self, found: _Found, started: float) -> Answer:
        return self._answer(found, in_language(REFUSALS, self._language(found)), "abstained", "none", started)

    def _language(self, found: _Found) -> str:
        return found.retrieval.question.language or self.settings.language

    def _quoted(
        self,
        found: _Found,
        started: float,
        note: str = "",
        *,
        lead: Mapping[str, str] | None = None,
        pieces: int | None = None,
    ) -> Iterator[Event]:
        """Exact quotes, `pieces` of them or as many as are good, below a sentence of our own (`lead`)."""
        above = in_language(lead, self._language(found)) if lead else ""
        text, citations = quote_answer(found.retrieval, found.evidence, self.index.page, lead=above, pieces=pieces)
        if not text:
            yield self._refusal(found, started)
            return
        first_ms = _ms(started)
        yield Piece(text)
        answer = self._answer(found, text, found.verdict.outcome, "extractive", started, first_ms)
        reason = f"{answer.reason} ({note})" if note else answer.reason
        short = "" if lead else short_answer(found.evidence)
        yield replace(answer, citations=citations, reason=reason, short=short)

    def _generated(
        self, found: _Found, generator: Generator, started: float, is_cancelled: Callable[[], bool], client: str
    ) -> Iterator[Event]:
        question = found.retrieval.question
        wanted = answer_tokens(question, self.settings)
        sources = Sources(found.retrieval.hits, page_of=self.index.page, embed=self.embedder.embed_passages)
        speech = Speech(sources, question.language or self.settings.language)
        try:
            prompt = model_prompt(question, found.retrieval.hits, found.evidence, self.settings, generator)
            prompt = replace(prompt, epoch=found.epoch)
            temperature = self.settings.temperature if question.temperature is None else question.temperature
            sampling = Sampling(wanted, temperature, question.seed or 0)
            yield from speech.pieces(generator.stream(prompt, sampling, is_cancelled, client=client))
            problem = "" if speech.text.strip() or is_cancelled() else "the model said nothing"
        except (ModelError, RemoteFailed) as error:
            if speech.text:
                raise
            problem = error.message
        if speech.stats is not None:
            self.follow_up.note(speech.stats)
        if problem:
            yield from self._quoted(found, started, note=f"quoted, because {problem}")
            return
        outcome: Outcome = found.verdict.outcome
        if is_cancelled():
            outcome = "cancelled"
        elif speech.stats is not None and speech.stats.eval_count >= wanted:
            outcome = "truncated"
        cited = speech.cited()
        first_ms = None if speech.first_at is None else (speech.first_at - started) * 1e3
        answer = self._answer(found, speech.text, outcome, generator.name, started, first_ms)
        yield replace(answer, citations=cited.citations, sentences=cited.sentences, stats=speech.stats)

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
