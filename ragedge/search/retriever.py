"""A question to the passages that may answer it: words and vectors, fused by score, neighbours merged.

Knows no model and no file; asks an index and an embedder. Fusion: a convex combination of the two scores, each scaled
by its best (Bruch, Gai, Ingber 2023); on our training cases its mean reciprocal rank was 0.85 where reciprocal rank
fusion gave 0.82. A passage that holds a code or a quoted phrase of the question gains by how few others do: what stands
in one or two passages decides. Ties break by chunk id; the same question gives the same hits.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from ragedge.answer.identifiers import spellings
from ragedge.contracts import Chunk, Embedder, Hit, Question, Retrieval, Timings
from ragedge.errors import BadQuestion, ConfigError
from ragedge.search.followup import self_contained
from ragedge.search.merge import group_neighbours, merge
from ragedge.search.query import Query, analyse

Mode = Literal["hybrid", "lexical", "vector"]
Ranking = list[tuple[str, float]]

MAX_TOP_K = 50  # passages; beyond this nobody reads them and merging would slow down
_LEXICAL_SHARE = 0.4  # of the fused score; 0.35 to 0.45 measure alike, all above 0.3 and 0.5
_COSINE_FLOOR = 0.2  # what unrelated texts have with the embedder at hand; counts as nothing
_LEAST_SPREAD = 0.05  # between floor and best cosine, where nothing is near: no division by next to nothing
_EXACT_GAIN = 2.2  # shared by the passages that hold a code
_EXACT_MOST = 1.1  # of it for one passage: more than words and vector together
_PREFERRED_GAIN = 0.5  # half of the best score without a code: the exhibit's text wins over its like, not over a code
_PREFERRED_MOST = 400  # passages of preferred documents that are looked at; an exhibit has a few
_VECTOR_CACHE = 64  # questions whose vector is kept: the reader asks for it again, and people repeat themselves


class SearchIndex(Protocol):
    """What the retriever asks of an index (`ragedge.index.store.Index`)."""

    def search_text(self, words: Sequence[str], phrases: Sequence[str], limit: int) -> Ranking: ...
    def search_vectors(self, vector: NDArray[np.float32], limit: int) -> Ranking: ...
    def chunks(self, ids: Sequence[str]) -> Mapping[str, Chunk]: ...
    def chunk_ids(self, document_ids: Sequence[str]) -> list[str]: ...
    def vectors(self, ids: Sequence[str]) -> NDArray[np.float32]: ...
    def titles(self, document_ids: Sequence[str]) -> Mapping[str, str]: ...


class Retriever:
    """Finds passages in one index; holds no state but a small cache, safe to use from several threads.

    Args:
        index: what is searched.
        embedder: makes the question's vector; not asked in mode "lexical".
        top_k: passages per question unless the question says otherwise.
        candidates: length of each list before fusion.
        mode: "hybrid", or one of its halves alone (for comparison).

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
    ) -> None:
        if mode not in ("hybrid", "lexical", "vector"):
            raise ConfigError(f"unknown search mode '{mode}'", "use one of: hybrid, lexical, vector")
        if not 1 <= top_k <= MAX_TOP_K or candidates < top_k:
            raise ConfigError(
                f"top_k = {top_k} with candidates = {candidates} cannot be used",
                f"use a top_k of 1 to {MAX_TOP_K} and at least as many candidates",
            )
        self._index = index
        self._embedder = embedder
        self._top_k = top_k
        self._candidates = candidates
        self._mode: Mode = mode
        self._lock = threading.Lock()
        self._cache: OrderedDict[str, NDArray[np.float32]] = OrderedDict()

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
            BadQuestion: `question.text` is blank or `question.top_k` out of range.
        """
        text = question.text.strip()
        if not text:
            raise BadQuestion("the question is empty", "type a question")
        top_k = self._top_k if question.top_k is None else question.top_k
        if not 1 <= top_k <= MAX_TOP_K:
            raise BadQuestion(f"top_k = {top_k} is out of range", f"use 1 to {MAX_TOP_K}")
        text = self_contained(text, question.history)
        query = analyse(text)
        limit = max(self._candidates, 2 * top_k)
        start = time.perf_counter()
        vector = None if self._mode == "lexical" else self.question_vector(text)
        embedded = time.perf_counter()
        by_words, exact = ([], []) if self._mode == "vector" else self._search_words(query, limit)
        searched = time.perf_counter()
        by_vector = [] if vector is None else self._index.search_vectors(vector, limit)
        preferred = self._index.chunk_ids(question.prefer)[:_PREFERRED_MOST] if question.prefer else []
        cosines = self._cosines(by_words, by_vector, [*exact, [(chunk_id, 1.0) for chunk_id in preferred]], vector)
        scores = fuse(by_words, cosines, exact)
        for chunk_id in preferred:
            scores[chunk_id] = scores.get(chunk_id, 0.0) + _PREFERRED_GAIN
        hits = self._hits(scores, by_words, by_vector, cosines, top_k)
        done = time.perf_counter()
        timings = Timings(
            embed_ms=None if vector is None else 1e3 * (embedded - start),
            lexical_ms=None if self._mode == "vector" else 1e3 * (searched - embedded),
            vector_ms=1e3 * (done - searched),
        )
        return Retrieval(question, text, hits), timings

    def _search_words(self, query: Query, limit: int) -> tuple[Ranking, list[Ranking]]:
        """The BM25 list, and for each code or quoted phrase the list of passages that hold it."""
        names = (*query.phrases, *query.identifiers)
        phrases = [spelling for name in names for spelling in spellings(name)]
        by_words = self._index.search_text(query.words, phrases, limit)
        return by_words, [self._index.search_text((), spellings(name), limit) for name in names]

    def _hits(
        self,
        scores: Mapping[str, float],
        by_words: Ranking,
        by_vector: Ranking,
        cosines: Mapping[str, float],
        top_k: int,
    ) -> tuple[Hit, ...]:
        ids = sorted(scores, key=lambda chunk_id: (-scores[chunk_id], chunk_id))[: 2 * top_k]
        groups = group_neighbours(ids, self._index.chunks(ids), top_k)
        titles = self._index.titles(list({group[0].document_id: None for group in groups}))
        word_ranks = {chunk_id: rank for rank, (chunk_id, _) in enumerate(by_words, 1)}
        vector_ranks = {chunk_id: rank for rank, (chunk_id, _) in enumerate(by_vector, 1)}
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


def fuse(by_words: Ranking, cosines: Mapping[str, float], exact: Sequence[Ranking]) -> dict[str, float]:
    """Chunk id to score, higher is better: at most 1 from words and vector, more per code or phrase held."""
    lexical_share = 0.0 if not by_words else _LEXICAL_SHARE if cosines else 1.0
    best_words = max((score for _, score in by_words), default=0.0) or 1.0
    spread = max(max(cosines.values(), default=0.0) - _COSINE_FLOOR, _LEAST_SPREAD)
    scores = {i: (1 - lexical_share) * max(0.0, c - _COSINE_FLOOR) / spread for i, c in cosines.items()}
    for chunk_id, score in by_words:
        scores[chunk_id] = scores.get(chunk_id, 0.0) + lexical_share * score / best_words
    for ranking in exact:
        for chunk_id, _ in ranking:
            # All passages with the code are equal: which of them is best, the words and the vector say.
            scores[chunk_id] = scores.get(chunk_id, 0.0) + min(_EXACT_MOST, _EXACT_GAIN / len(ranking))
    return scores
