"""A question to the passages that may answer it: words and vectors, fused by score, neighbours merged.

Knows no model and no file; asks an index and an embedder. Before the search a question is made self-contained from its
history, its mistyped words are put right, and its filters and what it says of editions choose documents; see
`followup`, `spelling`, `filters`, `library`. Both halves then look in those documents, and `fusion` makes one score.
Ties break by chunk id; the same question gives the same hits.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ragedge.answer.identifiers import spellings
from ragedge.contracts import Embedder, Hit, Question, Retrieval, Timings
from ragedge.errors import BadQuestion, ConfigError
from ragedge.search.filters import chosen
from ragedge.search.followup import self_contained
from ragedge.search.fusion import Ranking, adjust, document_of, fuse, rescored
from ragedge.search.library import Library, Meant
from ragedge.search.merge import group_neighbours, merge
from ragedge.search.query import Query, analyse
from ragedge.search.search_index import SearchIndex
from ragedge.search.spelling import corrected

Mode = Literal["hybrid", "lexical", "vector"]

MAX_TOP_K = 50  # passages; beyond this nobody reads them and merging would slow down
_DEEPER = 4  # times as many entries of the word list are scored as come from it alone, for what the vectors find
_WIDER = 8  # times as many neighbours are asked of the vectors where editions are told apart: most are then left out
_PREFERRED_GAIN = 0.5  # half of the best score without a code: an exhibit's text wins over its like, not over a code
_PREFERRED_MOST = 400  # passages of preferred documents that are looked at; an exhibit has a few
_VECTOR_CACHE = 64  # questions whose vector is kept: the reader asks for it again, and people repeat themselves


@dataclass(frozen=True, slots=True)
class Steps:
    """What the search does beyond words and vectors; each can be left out, to measure what it gives."""

    follow_up: bool = True
    spelling: bool = True
    exact: bool = True
    pairs: bool = True
    editions: bool = True
    subjects: bool = True
    own_rarity: bool = True
    nearby: bool = True
    deep_words: bool = True


@dataclass(frozen=True, slots=True)
class _Search:
    """A question made ready: what is looked for, and where (`within` None: in all documents)."""

    text: str
    query: Query
    meant: Meant
    within: tuple[str, ...] | None
    subjects: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class _Lists:
    """What the halves of the search found, and the cosines of all that either found."""

    by_words: Ranking
    by_vector: Ranking
    exact: Sequence[Ranking]
    cosines: Mapping[str, float]


class Retriever:
    """Finds passages in one index; holds no state but small caches, safe to use from several threads.

    Args:
        index: what is searched.
        embedder: makes the question's vector; in mode "lexical" it only says which words it knows.
        top_k: passages per question unless the question says otherwise.
        candidates: length of each list before fusion.
        mode: "hybrid", or one of its halves alone (for comparison).
        steps: what is left out, for measuring; only "hybrid" takes all steps, the halves alone are plain.

    Raises:
        ConfigError: a setting is out of range.
    """

    def __init__(
        self,
        index: SearchIndex,
        embedder: Embedder,
        *,
        top_k: int = 8,
        candidates: int = 50,
        mode: Mode = "hybrid",
        steps: Steps | None = None,
    ) -> None:
        if mode not in ("hybrid", "lexical", "vector"):
            raise ConfigError(f"unknown search mode '{mode}'", "use one of: hybrid, lexical, vector")
        self._index = index
        self._embedder = embedder
        self._candidates = candidates
        self.choose(top_k)
        self._mode: Mode = mode
        plain = Steps(
            spelling=False, exact=mode == "lexical", pairs=False, editions=False, subjects=False, nearby=False
        )
        self._steps = steps or (Steps() if mode == "hybrid" else plain)
        self._lock = threading.Lock()
        self._cache: OrderedDict[str, NDArray[np.float32]] = OrderedDict()
        self._library: tuple[int, Library] | None = None

    @property
    def setup(self) -> tuple[object, ...]:
        """What beside question and index its results follow from."""
        return self.top_k, self._candidates, self._mode, self._steps, self._embedder.id, self._embedder.sha256

    def choose(self, top_k: int) -> None:
        """Give so many passages from now on.

        Raises:
            ConfigError: that is out of range.
        """
        if not 1 <= top_k <= MAX_TOP_K or self._candidates < top_k:
            raise ConfigError(
                f"top_k = {top_k} with candidates = {self._candidates} cannot be used",
                f"use a top_k of 1 to {MAX_TOP_K} and at least as many candidates",
            )
        self.top_k = top_k

    def question_vector(self, text: str) -> NDArray[np.float32]:
        """Unit vector of a question, float32 [dimension]; the last few are remembered."""
        with self._lock:
            if text in self._cache:
                self._cache.move_to_end(text)
                return self._cache[text]
        vector = self._embedder.embed_question(text)
        with self._lock:
            self._cache[text] = vector
            while len(self._cache) > _VECTOR_CACHE:
                self._cache.popitem(last=False)
        return vector

    def retrieve(self, question: Question) -> tuple[Retrieval, Timings]:
        """The passages for `question`, best first, and what each stage took.

        Raises:
            BadQuestion: `question.text` is blank, `question.top_k` out of range, or a filter cannot be understood.
        """
        text = question.text.strip()
        if not text:
            raise BadQuestion("the question is empty", "type a question")
        top_k = self.top_k if question.top_k is None else question.top_k
        if not 1 <= top_k <= MAX_TOP_K:
            raise BadQuestion(f"top_k = {top_k} is out of range", f"use 1 to {MAX_TOP_K}")
        limit = max(self._candidates, 2 * top_k)
        start = time.perf_counter()
        search = self._prepared(question, text)
        ready = time.perf_counter()
        vector = None if self._mode == "lexical" else self.question_vector(search.text)
        embedded = time.perf_counter()
        by_words, exact = ([], []) if self._mode == "vector" else self._search_words(search, limit)
        searched = time.perf_counter()
        by_vector = [] if vector is None else self._search_vectors(search, vector, limit)
        preferred = self._index.chunk_ids(question.prefer)[:_PREFERRED_MOST] if question.prefer else []
        cosines = self._cosines(
            by_words[:limit], by_vector, [*exact, [(chunk_id, 1.0) for chunk_id in preferred]], vector
        )
        lists = _Lists(by_words, by_vector, exact, cosines)
        scores = self._scores(search, lists, limit)
        scores |= {chunk_id: scores.get(chunk_id, 0.0) + _PREFERRED_GAIN for chunk_id in preferred}
        hits = self._hits(scores, lists, top_k)
        done = time.perf_counter()
        timings = Timings(
            embed_ms=None if vector is None else 1e3 * (embedded - ready),
            lexical_ms=None if self._mode == "vector" else 1e3 * (searched - embedded + ready - start),
            vector_ms=1e3 * (done - searched),
        )
        return Retrieval(question, search.text, hits), timings

    def _prepared(self, question: Question, text: str) -> _Search:
        library = self._documents()
        within = tuple(chosen(question.filters, library.documents)) if question.filters else None
        if self._steps.follow_up:
            text = self_contained(text, question.history)
        if self._steps.spelling:
            index = self._index
            text = corrected(
                text, unknown=self._unknown, stem=index.stem, terms_like=index.terms_like, example_of=index.example_of
            )
        meant = library.meant(text) if self._steps.editions else Meant(text)
        query = analyse(meant.text)
        is_asked = meant.is_asked and self._steps.subjects
        subjects = library.typical(self._index.documents_with(query.words)) if is_asked else {}
        return _Search(meant.text, query, meant, within, subjects)

    def _documents(self) -> Library:
        generation = self._index.generation
        with self._lock:
            if self._library is None or self._library[0] != generation:
                self._library = (generation, Library(self._index.names()))
            return self._library[1]

    def _unknown(self, words: Sequence[str]) -> list[str]:
        """Those that are several pieces to the embedder and stand in no passage."""
        rare = [word for word in words if len(self._embedder.token_spans(word)) > 1]
        counts = self._index.document_frequency(rare) if rare else {}
        return [word for word in rare if not counts.get(word)]

    def _search_words(self, search: _Search, limit: int) -> tuple[Ranking, list[Ranking]]:
        """The BM25 list, and for each code or quoted phrase the list of passages that hold it."""
        names = (*search.query.phrases, *search.query.identifiers) if self._steps.exact else ()
        phrases = [spelling for name in names for spelling in spellings(name)]
        phrases += search.query.pairs if self._steps.pairs else ()
        words, within, index = search.query.words, search.within, self._index
        depth = limit * (_DEEPER if self._steps.deep_words else 1)
        by_words = index.search_text(words, phrases, depth, within)
        if search.meant.is_asked and within is None:
            by_words = _joined(by_words, index.search_text(words, phrases, limit, self._editions_meant(search)))
            if self._steps.own_rarity and (own := search.meant.subject_of(search.subjects)):
                # A firm's name says nothing in its own report: the rest of the question tells its passages apart.
                by_words = rescored(by_words, index.search_among(words, phrases, depth, own), own)
        return by_words, [index.search_text((), spellings(name), limit, within) for name in names]

    def _search_vectors(self, search: _Search, vector: NDArray[np.float32], limit: int) -> Ranking:
        if not search.meant.is_asked or search.within is not None:
            return self._index.search_vectors(vector, limit, search.within)
        found = self._index.search_vectors(vector, limit * _WIDER)
        fitting = [item for item in found if document_of(item[0]) not in search.meant.others]
        return _joined(found[:limit], fitting[:limit])

    def _editions_meant(self, search: _Search) -> list[str]:
        everything = (document.name.id for document in self._documents().documents)
        return [document_id for document_id in everything if document_id not in search.meant.others]

    def _scores(self, search: _Search, lists: _Lists, limit: int) -> dict[str, float]:
        """Chunk id -> score of all candidates."""
        scores = fuse(lists.by_words, lists.cosines, lists.exact)
        if lists.cosines:  # deeper entries of the word list only add to what the vectors found
            scores = {chunk_id: score for chunk_id, score in scores.items() if chunk_id in lists.cosines}
        words = search.query.words
        nearby = self._index.nearby(list(scores), words) if self._steps.nearby and lists.by_words else {}
        return adjust(scores, nearby, lambda document_id: search.meant.gain(document_id, search.subjects))

    def _hits(self, scores: Mapping[str, float], lists: _Lists, top_k: int) -> tuple[Hit, ...]:
        ids = sorted(scores, key=lambda chunk_id: (-scores[chunk_id], chunk_id))[: 2 * top_k]
        groups = group_neighbours(ids, self._index.chunks(ids), top_k)
        titles = self._index.titles(list({group[0].document_id: None for group in groups}))
        word_ranks = {chunk_id: rank for rank, (chunk_id, _) in enumerate(lists.by_words, 1)}
        vector_ranks = {chunk_id: rank for rank, (chunk_id, _) in enumerate(lists.by_vector, 1)}
        cosines = lists.cosines
        return tuple(
            Hit(
                chunk=merge(group),
                score=scores[group[0].id],
                title=titles.get(group[0].document_id, ""),
                lexical_rank=min((word_ranks[c.id] for c in group if c.id in word_ranks), default=None),
                vector_rank=min((vector_ranks[c.id] for c in group if c.id in vector_ranks), default=None),
                cosine=max((cosines[c.id] for c in group if c.id in cosines), default=None),
                chunk_ids=tuple(c.id for c in sorted(group, key=lambda chunk: chunk.ordinal)),
            )
            for group in groups
        )

    def _cosines(
        self, by_words: Ranking, by_vector: Ranking, exact: Sequence[Ranking], vector: NDArray[np.float32] | None
    ) -> dict[str, float]:
        """Cosine of question and chunk for all candidates: from the vector list where it holds them, else computed."""
        if vector is None:
            return {}
        cosines = dict(by_vector)
        others = dict.fromkeys(chunk_id for ranking in (by_words, *exact) for chunk_id, _ in ranking)
        missing = [chunk_id for chunk_id in others if chunk_id not in cosines]
        if missing:
            computed = self._index.vectors(missing) @ vector
            cosines.update((chunk_id, float(c)) for chunk_id, c in zip(missing, computed, strict=True))
        return cosines


def _joined(first: Ranking, second: Ranking) -> Ranking:
    """Both lists as one, best first, each chunk once; their scores come from one scale."""
    best = dict(second) | dict(first)
    return sorted(best.items(), key=lambda item: (-item[1], item[0]))
