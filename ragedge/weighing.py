"""Passages to evidence and to the figures of the gate: the part of the read path that looks into passages.

First what words alone mark, at once; then what the evidence model reads, where there is one, and what vectors say. One
place for the pipeline, calibration and the recipes, so that a gate is fitted on what the product does.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from ragedge.answer.reader import Candidates, candidates_of, rank
from ragedge.answer.readings import Readings, read_units, reader_figures
from ragedge.answer.scoring import DEFAULT_WEIGHTS, READ_WEIGHTS
from ragedge.answer.signals import READER_ID, Signals, read_signals, remembering
from ragedge.contracts import Embedder, Evidence, EvidenceReader, Retrieval
from ragedge.index.store import Index
from ragedge.portion import Portion
from ragedge.search.retriever import Retriever

_ID_DIGITS = 12


class Weigher:
    """Weighs passages of one index; safe to use from several threads."""

    def __init__(
        self, index: Index | Portion, retriever: Retriever, embedder: Embedder, evidence_reader: EvidenceReader | None
    ) -> None:
        self._index = index
        self._retriever = retriever
        self._embedder = embedder
        self.reader = evidence_reader

    @property
    def id(self) -> str:
        """What the gate's figures come from; a gate fitted with others does not fit."""
        return figures_id(self.reader)

    def candidates(self, retrieval: Retrieval) -> Candidates:
        """The units of the passages, with what words say of them."""
        return candidates_of(retrieval.search_text, retrieval, page_of=self._index.page, rarity=self.rarity)

    def mark(self, candidates: Candidates) -> tuple[Evidence, ...]:
        """Evidence by words alone."""
        return rank(candidates, page_of=self._index.page)

    def read(self, retrieval: Retrieval, candidates: Candidates) -> Readings | None:
        """What the evidence model says; None where there is none."""
        if self.reader is None:
            return None
        hits = retrieval.hits
        return read_units(self.reader, retrieval.search_text, candidates.everything, hits, candidates.promise())

    def weigh(self, retrieval: Retrieval, candidates: Candidates) -> tuple[tuple[Evidence, ...], Signals]:
        """Evidence, best first, and the figures of the gate."""
        vector = self._retriever.question_vector(retrieval.search_text)
        embed = remembering(self._embedder.embed_passages)
        readings = self.read(retrieval, candidates)
        evidence = rank(
            candidates,
            page_of=self._index.page,
            embed=embed,
            question_vector=vector,
            readings=readings,
            weights=DEFAULT_WEIGHTS if readings is None else READ_WEIGHTS,
        )
        extra = _figures(candidates, evidence, readings)
        signals = read_signals(
            candidates.asked, retrieval.hits, evidence, embed=embed, question_vector=vector, extra=extra
        )
        return evidence, signals

    def rarity(self, words: Sequence[str]) -> dict[str, float]:
        """How much a word tells, in [0, 1]: inverse document frequency over chunks; 1 if it stands in none."""
        chunks = max(self._index.counts().chunks, 1)
        found = self._index.document_frequency(words)
        top = math.log(1 + chunks)
        return {word: math.log(1 + chunks / (1 + found.get(word, 0))) / top for word in words}


def figures_id(reader: EvidenceReader | None) -> str:
    """What the gate's figures come from, with this evidence model or without one."""
    return READER_ID if reader is None else f"{READER_ID}/{reader.sha256[:_ID_DIGITS]}"


def _figures(candidates: Candidates, evidence: Sequence[Evidence], readings: Readings | None) -> dict[str, float]:
    if readings is None:
        return {}
    best = None
    if evidence:  # its span may have been widened: what counts is the best unit inside
        item = evidence[0]
        inside = [
            read
            for unit in candidates.units
            if unit.hit_index == item.hit_index
            and unit.page == item.span.page
            and item.span.start <= unit.start < item.span.end
            and (read := readings.of(unit)) is not None
        ]
        best = max(inside, key=lambda read: read.unit, default=None)
    return reader_figures(readings, best)
