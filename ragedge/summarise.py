"""A document, or a section of it, to a summary with citations.

Without a language model it is the sentences that say most, word for word (`answer.gist`). With one, the passages are
read in groups that fit its prompt, each group to a few sentences, of which only those go on that the group's own pages
bear out, and these to the summary; that is held against the pages of the document like any answer. Where a document has
more than is read in a few minutes, the passages nearest to its middle are read, and the answer says how many.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ragedge.answer.cite import Sources
from ragedge.answer.gist import gist
from ragedge.answer.phrases import SUMMARY, in_language
from ragedge.answer.prompt import build_prompt
from ragedge.answer.reader import quote_answer
from ragedge.answer.sentences import sentence_spans
from ragedge.answer.speech import Speech, whole
from ragedge.ask_settings import AskSettings
from ragedge.contracts import (
    Answer,
    Chunk,
    Embedder,
    Event,
    Evidence,
    Hit,
    ModelStats,
    Outcome,
    Passages,
    Piece,
    Prompt,
    Question,
    Retrieval,
    Sampling,
    SummaryRequest,
    Timings,
)
from ragedge.contracts import (
    Generator as LanguageModel,
)
from ragedge.document_names import chunks_of_section, find_document
from ragedge.errors import BadQuestion, ModelError, RemoteFailed
from ragedge.index.records import DocumentInfo
from ragedge.index.view import IndexView
from ragedge.model_prompt import epoch_of
from ragedge.portion import Portion

MOST_PASSAGES = 400
"""Of a document that are looked at; about 150 pages. Beyond, the first so many."""

MOST_GROUPS = 8
"""Prompts that a summary may cost, the last one aside: each is waited for."""

_WISH = "What are the main points of these sources? Summarise them in two to four sentences."
_LABEL_TOKENS = 40  # of the label above a passage in a prompt: title, pages, headings
_PART_SENTENCES = 2  # of a group of which no sentence of the model could be borne out


@dataclass(frozen=True, slots=True)
class _Matter:
    """What is summarised: `hits` are those that are read, in order, with their vectors [n, dimension].

    `epoch` is that of a prompt with them.
    """

    request: SummaryRequest
    info: DocumentInfo
    hits: tuple[Hit, ...]
    vectors: NDArray[np.float32]
    total: int
    evidence: tuple[Evidence, ...]
    epoch: int | None


class Summariser:
    """Summaries over one index."""

    def __init__(
        self, index: IndexView | Portion, embedder: Embedder, generator: LanguageModel | None, settings: AskSettings
    ) -> None:
        self._index = index
        self._embedder = embedder
        self._generator = generator
        self._settings = settings

    def events(
        self, request: SummaryRequest, is_cancelled: Callable[[], bool], client: str
    ) -> Generator[Event, None, None]:
        """One `Passages` with the sentences that say most, then `Piece`s, then one `Answer`.

        Raises:
            NotFound: no such document or section.
            InputError: several documents of that name.
            BadQuestion: there is no sentence in it.
        """
        started = time.perf_counter()
        matter = self._matter(request)
        retrieval, evidence = _cited_alone(matter)
        yield Passages(retrieval, evidence, Timings(total_ms=_ms(started)))
        if self._generator is None:
            yield from self._quoted(matter, started)
            return
        yield from self._spoken(matter, self._generator, started, is_cancelled, client)

    def _matter(self, request: SummaryRequest) -> _Matter:
        epoch = epoch_of(self._generator)
        info = find_document(self._index, request.document)
        ids = self._index.chunk_ids([info.id])
        found = self._index.chunks(ids[:MOST_PASSAGES])
        chunks = sorted(found.values(), key=lambda chunk: chunk.ordinal)
        if request.section:
            chunks = chunks_of_section(chunks, request.section, info.path)
        hits = tuple(Hit(chunk, 1.0, info.title, chunk_ids=(chunk.id,)) for chunk in chunks)
        vectors = self._index.vectors([chunk.id for chunk in chunks])
        evidence = gist(hits, vectors, page_of=self._index.page, embed=self._embedder.embed_passages) if hits else ()
        if not evidence:
            raise BadQuestion(f'there is no sentence in "{info.path}" that could be quoted', "open the document")
        total = len(chunks) if request.section else info.chunks
        return _Matter(request, info, hits, vectors, total, evidence, epoch)

    # ------------------------------------------------------------------------------------------- without a model

    def _quoted(self, matter: _Matter, started: float, note: str = "") -> Iterator[Event]:
        retrieval, evidence = _cited_alone(matter)
        lead = in_language(SUMMARY, self._language(matter))
        text, citations = quote_answer(retrieval, evidence, self._index.page, lead=lead, pieces=len(evidence))
        first = _ms(started)
        yield Piece(text)
        read = _read(len(matter.hits), matter.total)
        reason = f"{len(evidence)} sentences quoted out of {read}; {note or 'no language model'}"
        answer = _answer(retrieval, evidence, text, "answered", "extractive", reason)
        timings = Timings(first_piece_ms=first, total_ms=_ms(started))
        yield replace(answer, citations=citations, timings=timings)

    # ---------------------------------------------------------------------------------------------- with a model

    def _spoken(
        self, matter: _Matter, model: LanguageModel, started: float, is_cancelled: Callable[[], bool], client: str
    ) -> Iterator[Event]:
        wanted = self._settings.max_answer_tokens
        room = min(self._settings.prompt_tokens, model.context_tokens - wanted)
        spent = ModelStats()
        speech: Speech | None = None
        try:
            read = _chosen(matter, _groups(matter.hits, model.count_tokens, room))
            sources = Sources(read, page_of=self._index.page, embed=self._embedder.embed_passages)
            parts: Sequence[Hit] = read
            while len(groups := _groups(parts, model.count_tokens, room)) > 1 and not is_cancelled():
                said = [self._part(matter, group, sources, model, room, is_cancelled, client) for group in groups]
                spent = sum((stats for _, stats in said), spent)
                parts = [_as_hit(matter, number, text) for number, (text, _) in enumerate(said)]
            speech = Speech(sources, self._language(matter))
            prompt = _prompt(matter, parts, model, room)
            yield from speech.pieces(model.stream(prompt, Sampling(wanted), is_cancelled, client=client))
            problem = "" if speech.text.strip() or is_cancelled() else "the model said nothing"
        except (ModelError, RemoteFailed) as error:
            if speech is not None and speech.text:
                raise
            problem = error.message
        if speech is None or problem:
            yield from self._quoted(matter, started, note=f"quoted, because {problem}")
            return
        last = speech.stats or ModelStats()
        outcome: Outcome = "cancelled" if is_cancelled() else "truncated" if last.eval_count >= wanted else "answered"
        reason = f"a summary of {_read(len(read), matter.total)}"
        retrieval, evidence = _cited_alone(matter)
        answer = _answer(retrieval, evidence, speech.text, outcome, model.name, reason)
        cited = speech.cited()
        first = None if speech.first_at is None else (speech.first_at - started) * 1e3
        timings = Timings(first_piece_ms=first, total_ms=_ms(started))
        yield replace(answer, citations=cited.citations, sentences=cited.sentences, stats=spent + last, timings=timings)

    def _part(
        self, matter: _Matter, group: Sequence[Hit], everything: Sources, model: LanguageModel, room: int,
        is_cancelled: Callable[[], bool], client: str,
    ) -> tuple[str, ModelStats]:  # fmt: skip
        """A group of passages in sentences that its own pages bear out; quoted ones where none is."""
        sampling = Sampling(self._settings.max_answer_tokens)
        said, spent = whole(model.stream(_prompt(matter, group, model, room), sampling, is_cancelled, client=client))
        is_made = not group[0].chunk.spans  # of parts, whose sentences were held against their pages before
        pages = everything if is_made else Sources(group, page_of=self._index.page, embed=self._embedder.embed_passages)
        kept = " ".join(said[s.start : s.end] for s in pages.cite(said).sentences if s.citation is not None)
        if kept:
            return kept, spent
        if is_made:
            firsts = (hit.chunk.text[: sentence_spans(hit.chunk.text)[0][1]] for hit in group if hit.chunk.text)
            return " ".join(firsts), spent
        vectors = self._index.vectors([hit.chunk.id for hit in group])
        embed = self._embedder.embed_passages
        best = gist(group, vectors, page_of=self._index.page, embed=embed, most=_PART_SENTENCES)
        return " ".join(" ".join(item.text.split()) for item in best), spent

    def _language(self, matter: _Matter) -> str:
        return matter.request.language or self._settings.language


def _prompt(matter: _Matter, parts: Sequence[Hit], model: LanguageModel, room: int) -> Prompt:
    wish = Question(_WISH, language=matter.request.language)
    prompt = build_prompt(wish, parts, count_tokens=model.count_tokens, budget_tokens=room)
    return replace(prompt, epoch=matter.epoch)


def _answer(
    retrieval: Retrieval, evidence: tuple[Evidence, ...], text: str, outcome: Outcome, engine: str, reason: str
) -> Answer:
    return Answer(
        text=text,
        outcome=outcome,
        citations=(),
        unsupported=(),
        hits=retrieval.hits,
        evidence=evidence,
        engine=engine,
        confidence=1.0,
        reason=reason,
        timings=Timings(),
    )


def _cited_alone(matter: _Matter) -> tuple[Retrieval, tuple[Evidence, ...]]:
    """The passages of the evidence alone: a document can have hundreds, and all of them go over the wire."""
    used = sorted({item.hit_index for item in matter.evidence})
    place = {old: new for new, old in enumerate(used)}
    evidence = tuple(replace(item, hit_index=place[item.hit_index]) for item in matter.evidence)
    name = f"{matter.info.title or matter.info.path}" + (
        f": {matter.request.section}" if matter.request.section else ""
    )
    return Retrieval(Question(name), "", tuple(matter.hits[i] for i in used)), evidence


def _chosen(matter: _Matter, groups: Sequence[Sequence[Hit]]) -> tuple[Hit, ...]:
    """All passages where that is not too much to read, else those nearest to the middle of all, in order."""
    if len(groups) <= MOST_GROUPS:
        return matter.hits
    most = max(1, len(matter.hits) * MOST_GROUPS // len(groups))
    nearness = matter.vectors @ matter.vectors.mean(axis=0)
    nearest = sorted(range(len(matter.hits)), key=lambda i: (-float(nearness[i]), i))[:most]
    return tuple(matter.hits[i] for i in sorted(nearest))


def _groups(hits: Sequence[Hit], count_tokens: Callable[[str], int], room: int) -> list[list[Hit]]:
    """Neighbouring passages that fit one prompt, at least two a group, so that each round makes fewer."""
    overhead = count_tokens(_WISH) + 2 * _LABEL_TOKENS
    groups: list[list[Hit]] = []
    left = 0
    for hit in hits:
        needed = count_tokens(hit.chunk.text) + _LABEL_TOKENS
        if not groups or (needed > left and len(groups[-1]) >= 2):
            groups.append([])
            left = room - overhead
        groups[-1].append(hit)
        left -= needed
    return groups


def _as_hit(matter: _Matter, number: int, text: str) -> Hit:
    """A part of a summary as what the next prompt reads."""
    chunk = Chunk(f"part-{number}", matter.info.id, matter.info.path, number, text, (), (), 0)
    return Hit(chunk, 1.0, matter.info.title)


def _read(read: int, total: int) -> str:
    return f"{total:,} passages" if read >= total else f"{read:,} of {total:,} passages"


def _ms(started: float) -> float:
    return (time.perf_counter() - started) * 1e3
