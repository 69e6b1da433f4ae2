"""A part of an index that is asked like the whole: some documents, and no trace of the others.

Every question that words, vectors, spelling, editions, reviewed answers or routes ask of an index has its answer here
from the documents that are let in alone; whatever else there is does not exist. It is a class of its own, not a kind of
`IndexView`: what is missing here fails instead of reaching past the documents let in. Which those are is looked up anew
with each generation of the index. Knows no key and no config.

One thing is not parted: how rare a word is to BM25 and to `nearby` is told by all passages of the index, so that scores
of the same hits may differ in their digits with what stands elsewhere.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ragedge.contracts import Chunk, DocumentName, Page
from ragedge.errors import NotFound
from ragedge.index.records import Counts, DocumentInfo, FileRow
from ragedge.index.view import IndexView
from ragedge.search.collections import Collections, admits
from ragedge.search.fusion import document_of
from ragedge.search.spelling import distance

_MOST_NEIGHBOURS = 2_000  # asked of the vectors of the whole index; beyond it those of the part are read one by one
_WIDER = 2  # times as many neighbours as the share of the part calls for
_MOST_ERRORS = 2  # typing errors that `spelling` puts right: only terms so near are looked up


class Sorting:
    """Which collections the documents and files of an index belong to; made once per generation."""

    def __init__(self, index: IndexView, collections: Collections) -> None:
        self.index = index
        self.collections = collections
        self._lock = threading.Lock()
        self._made: tuple[int, dict[str, frozenset[str]]] | None = None

    def documents(self) -> tuple[int, Mapping[str, frozenset[str]]]:
        """The generation, and document id -> names of its collections."""
        generation = self.index.generation
        with self._lock:
            if self._made is None or self._made[0] != generation:
                paths: dict[str, list[str]] = {name.id: [name.path] for name in self.index.names()}
                for path, row in self.index.files().items():
                    if row.document_id in paths:
                        paths[row.document_id].append(path)
                self._made = generation, {name: self.collections.of(known) for name, known in paths.items()}
            return self._made

    def counts(self, readable: Sequence[str] | None = None) -> dict[str, int]:
        """Collection -> number of its documents that one who may read `readable` (None: all) may read."""
        found = dict.fromkeys((c.name for c in self.collections.all if readable is None or c.name in readable), 0)
        for belongs in self.documents()[1].values():
            for name in belongs & found.keys():
                found[name] += admits(belongs, readable, name)
        return found


class Portion:
    """The documents of an index that belong to collection `name` ("": any) and that one may read.

    Args:
        sorting: of the index.
        readable: collections that may be read; None: all.
    """

    def __init__(self, sorting: Sorting, readable: Sequence[str] | None, name: str) -> None:
        self._index = sorting.index
        self._sorting = sorting
        self._readable = None if readable is None else tuple(readable)
        self._name = name
        self._lock = threading.Lock()
        self._let_in: tuple[int, dict[str, None]] | None = None
        self._counted: tuple[int, Counts] | None = None

    def _ids(self) -> dict[str, None]:
        """Ids of the documents let in, in the order of paths."""
        generation, documents = self._sorting.documents()
        with self._lock:
            if self._let_in is None or self._let_in[0] != generation:
                ids = [i for i, belongs in documents.items() if admits(belongs, self._readable, self._name)]
                self._let_in = generation, dict.fromkeys(ids)
            return self._let_in[1]

    def _within(self, within: Sequence[str] | None) -> list[str]:
        ids = self._ids()
        return list(ids) if within is None else [name for name in within if name in ids]

    def _chunks_in(self, ids: Sequence[str]) -> list[str]:
        known = self._ids()
        return [chunk_id for chunk_id in ids if document_of(chunk_id) in known]

    @property
    def generation(self) -> int:
        """As of the whole index."""
        return self._index.generation

    @property
    def vector_engine(self) -> str:
        """As of the whole index."""
        return self._index.vector_engine

    @property
    def settings(self) -> Any:
        """As of the whole index."""
        return self._index.settings

    def search_text(
        self, words: Sequence[str], phrases: Sequence[str], limit: int, within: Sequence[str] | None = None
    ) -> list[tuple[str, float]]:
        """(chunk id, BM25 score), best first."""
        return self._index.search_text(words, phrases, limit, self._within(within))

    def search_among(
        self, words: Sequence[str], phrases: Sequence[str], limit: int, within: Sequence[str]
    ) -> list[tuple[str, float]]:
        """(chunk id, BM25 score), best first, words as rare as among these documents."""
        return self._index.search_among(words, phrases, limit, self._within(within))

    def search_vectors(
        self, vector: NDArray[np.float32], limit: int, within: Sequence[str] | None = None
    ) -> list[tuple[str, float]]:
        """(chunk id, cosine), best first: out of the neighbours in the whole index, where enough of them are let in."""
        if within is None and limit > 0:
            ours, everything = self.counts().chunks, self._index.counts().chunks
            wanted = math.ceil(_WIDER * limit * everything / ours) if ours else everything
            if ours and wanted <= _MOST_NEIGHBOURS:
                known = self._ids()
                near = self._index.search_vectors(vector, wanted)
                found = [hit for hit in near if document_of(hit[0]) in known][:limit]
                if len(found) == min(limit, ours):
                    return found
        return self._index.search_vectors(vector, limit, self._within(within))

    def chunks(self, ids: Sequence[str]) -> dict[str, Chunk]:
        """Passages by id; others are left out."""
        return self._index.chunks(self._chunks_in(ids))

    def chunk_ids(self, document_ids: Sequence[str]) -> list[str]:
        """Ids of all passages of some documents."""
        return self._index.chunk_ids(self._within(document_ids))

    def vectors(self, ids: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors, float32 [len(ids), dimension].

        Raises:
            NotFound: when there is no such passage here.
        """
        if len(self._chunks_in(ids)) != len(ids):
            raise NotFound("no such passage in this index")
        return self._index.vectors(ids)

    def names(self) -> list[DocumentName]:
        """What the documents are called, by path."""
        known = self._ids()
        return [name for name in self._index.names() if name.id in known]

    def documents_with(self, words: Sequence[str]) -> dict[str, dict[str, int]]:
        """For each word: document id -> number of its passages that hold it."""
        known = self._ids()
        found = self._index.documents_with(words)
        return {word: {i: n for i, n in counts.items() if i in known} for word, counts in found.items()}

    def document_frequency(self, words: Sequence[str]) -> dict[str, int]:
        """In how many passages each word occurs; one of several tokens is a phrase."""
        return self._index.document_frequency(words, self._within(None))

    def nearby(self, ids: Sequence[str], words: Sequence[str]) -> dict[str, float]:
        """Chunk id -> share in [0, 1] of the words that stand in the passage or next to it, in its own document."""
        return self._index.nearby(self._chunks_in(ids), words)

    def terms_like(self, word: str) -> list[tuple[str, int]]:
        """(stem, number of passages) of the words that could be meant by a mistyped one."""
        stemmed = self._index.stem(word)
        near = [t for t, _ in self._index.terms_like(word) if distance(stemmed, t, _MOST_ERRORS) <= _MOST_ERRORS]
        counts = self.document_frequency(near)
        return [(term, counts[term]) for term in near if counts[term]]

    def stem(self, word: str) -> str:
        """A word as the word index holds it."""
        return self._index.stem(word)

    def example_of(self, term: str) -> str:
        """The text of a passage that holds a stem, with its headings; "" where there is none."""
        found = [chunk_id for chunk_id, _ in self.search_text((), (term,), 1)]
        return "".join("\n".join((*chunk.headings, chunk.text)) for chunk in self.chunks(found).values())

    def titles(self, document_ids: Sequence[str]) -> dict[str, str]:
        """Titles by document id."""
        return self._index.titles(self._within(document_ids))

    def page(self, document_id: str, number: int) -> Page:
        """A page of a document.

        Raises:
            NotFound: when there is no such document or page here.
        """
        if document_id not in self._ids():
            raise NotFound(f'no page {number} of a document "{document_id}" in this index')
        return self._index.page(document_id, number)

    def documents(self) -> list[DocumentInfo]:
        """All of them, by path."""
        known = self._ids()
        return [info for info in self._index.documents() if info.id in known]

    def document(self, document_id: str) -> DocumentInfo:
        """One document.

        Raises:
            NotFound: when there is no such document here.
        """
        self._check(document_id)
        return self._index.document(document_id)

    def source(self, document_id: str) -> Path:
        """The copy of the file that a document was read from.

        Raises:
            NotFound: when there is no such document here, or no copy of it was kept.
        """
        self._check(document_id)
        return self._index.source(document_id)

    def _check(self, document_id: str) -> None:
        if document_id not in self._ids():
            raise NotFound(f'no document "{document_id}" in this index')

    def files(self) -> dict[str, FileRow]:
        """Files of the documents let in, and rejected files whose paths are."""
        known, of = self._ids(), self._sorting.collections.of
        return {
            path: row
            for path, row in self._index.files().items()
            if row.document_id in known
            or (row.document_id is None and admits(of((path,)), self._readable, self._name))
        }  # fmt: skip

    def counts(self) -> Counts:
        """How much is here; pages and passages of the documents let in."""
        generation = self._index.generation
        with self._lock:
            if self._counted is not None and self._counted[0] == generation:
                return self._counted[1]
        infos = self.documents()
        counts = Counts(len(infos), sum(i.pages for i in infos), sum(i.chunks for i in infos), len(self.files()))
        with self._lock:
            self._counted = generation, counts
        return counts
