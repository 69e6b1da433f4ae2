"""The asking side of an index: words, vectors, passages, pages, files, figures; nothing here changes anything."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ragedge.contracts import Chunk, Document, DocumentName, Page
from ragedge.errors import NotFound
from ragedge.index import reading
from ragedge.index import words as words_of_index
from ragedge.index.catalog import Catalog
from ragedge.index.check import problems_of
from ragedge.index.derived import DerivedVectors
from ragedge.index.exact import ExactVectors, as_matrix
from ragedge.index.given import read_given
from ragedge.index.manifest import IndexSettings
from ragedge.index.records import Counts, Details, DocumentInfo, FileRow, PageSummary
from ragedge.index.sources import SourceFiles
from ragedge.index.whole import page_summaries, whole_document

_EXTRA_HITS = 16  # asked of Chroma beyond the limit, for those the catalog does not know (yet, or any more)


class IndexView:
    """What can be asked of an index. Every method may be called from several threads."""

    def __init__(self, folder: Path, settings: IndexSettings, catalog: Catalog) -> None:
        self.folder = folder
        self.settings = settings
        self._catalog = catalog
        self._sources = SourceFiles(folder / "files")
        self._derived: DerivedVectors | None = None
        self._exact_lock = threading.Lock()
        self._names_lock = threading.Lock()
        self._names: tuple[int, list[DocumentName]] | None = None
        self._exact: tuple[str, ExactVectors] | None = None

    def search_text(
        self, words: Sequence[str], phrases: Sequence[str], limit: int, within: Sequence[str] | None = None
    ) -> list[tuple[str, float]]:
        """(chunk id, BM25 score) for any of `words` or `phrases`, best first; higher is better.

        A phrase is found where its tokens stand next to each other. Nothing in either is ever query syntax. `within`
        are the ids of the only documents that are searched (None: all).
        """
        return self._catalog.search_text(words, phrases, limit, within)

    def search_vectors(
        self, vector: NDArray[np.float32], limit: int, within: Sequence[str] | None = None
    ) -> list[tuple[str, float]]:
        """(chunk id, cosine), best first, for a unit vector, float32 [dimension]; `within` as for `search_text`."""
        query = as_matrix(np.asarray(vector)[np.newaxis], 1, self.settings.dimension)[0]
        if limit <= 0:
            return []
        if within is not None:
            return reading.nearest_within(self._catalog, query, limit, within)
        if self._derived is not None:
            found = self._derived.search(query, limit + _EXTRA_HITS)
            if found is not None:
                ids = [hit[0] for hit in found]
                known = {row[0] for row in self._catalog.rows_by_id("SELECT id FROM chunks WHERE id IN", ids)}
                hits = [hit for hit in found if hit[0] in known][:limit]
                if len(hits) == limit or len(hits) == self.counts().chunks:
                    return hits
        return self._exact_vectors().search(query, limit)

    def _exact_vectors(self) -> ExactVectors:
        """The matrix of all vectors, read again when they have changed."""
        with self._exact_lock:
            state = str(self._catalog.meta("vectors_state", ""))
            if self._exact is None or self._exact[0] != state:
                self._exact = None  # the old matrix goes before the new one comes
                ids, matrix = self._catalog.all_vectors(self.settings.dimension)
                self._exact = (state, ExactVectors(self.settings.dimension, ids, matrix))
            return self._exact[1]

    @property
    def vector_engine(self) -> Literal["chroma", "exact"]:
        """Who answers `search_vectors`."""
        return "chroma" if self._derived is not None and self._derived.is_usable else "exact"

    @property
    def generation(self) -> int:
        """A number that grows with every visible change, also one made by another process."""
        return int(self._catalog.meta("generation", 0))

    @property
    def repairs(self) -> tuple[str, ...]:
        """What was mended since this index was opened, in plain words."""
        return () if self._derived is None else tuple(self._derived.repairs)

    def chunks(self, ids: Sequence[str]) -> dict[str, Chunk]:
        """Passages by id; unknown ids are left out."""
        return reading.chunks(self._catalog, ids)

    def chunk_ids(self, document_ids: Sequence[str]) -> list[str]:
        """Ids of all passages of some documents; unknown documents have none."""
        return reading.chunk_ids(self._catalog, document_ids)

    def neighbours(self, chunk_id: str, before: int = 1, after: int = 1) -> list[Chunk]:
        """The passage with up to `before` and `after` others around it in its document, in order.

        Raises:
            NotFound: when there is no such passage.
        """
        return reading.neighbours(self._catalog, chunk_id, before, after)

    def vectors(self, ids: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors, float32 [len(ids), dimension], in the order of `ids`.

        Raises:
            NotFound: when there is no such passage.
        """
        return reading.chunk_vectors(self._catalog, ids, self.settings.dimension)

    def names(self) -> list[DocumentName]:
        """What all documents are called and when they are of, by path; read again when anything has changed."""
        generation = self.generation
        with self._names_lock:
            if self._names is None or self._names[0] != generation:
                self._names = (generation, reading.names(self._catalog))
            return self._names[1]

    def search_among(
        self, words: Sequence[str], phrases: Sequence[str], limit: int, within: Sequence[str]
    ) -> list[tuple[str, float]]:
        """As `search_text`, but a word is as rare as it is among the documents `within` alone; [] where these hold
        too many passages for that."""
        return words_of_index.search_among(self._catalog, words, phrases, limit, within)

    def documents_with(self, words: Sequence[str]) -> dict[str, dict[str, int]]:
        """For each word: document id -> number of its passages that hold the word."""
        return words_of_index.documents_with(self._catalog, words)

    def nearby(self, ids: Sequence[str], words: Sequence[str]) -> dict[str, float]:
        """Chunk id -> share in [0, 1] of the words, by rarity, that stand in the passage or in one next to it."""
        return words_of_index.nearby(self._catalog, ids, words)

    def terms_like(self, word: str) -> list[tuple[str, int]]:
        """(stem, number of passages with it) of the words of the index that could be meant by a mistyped one."""
        stemmed = words_of_index.stem(word)
        return words_of_index.terms_like(self._catalog, stemmed) if stemmed else []

    def stem(self, word: str) -> str:
        """`word` as the word index holds it; "" where it is not one token."""
        return words_of_index.stem(word)

    def example_of(self, term: str) -> str:
        """The text of a passage that holds a stem; "" where there is none."""
        return words_of_index.example_of(self._catalog, term)

    def titles(self, document_ids: Sequence[str]) -> dict[str, str]:
        """Titles by document id; unknown ids are left out."""
        return reading.titles(self._catalog, document_ids)

    def page(self, document_id: str, number: int) -> Page:
        """A page of a document.

        Raises:
            NotFound: when there is no such document or page.
        """
        return reading.page(self._catalog, document_id, number)

    def documents(self) -> list[DocumentInfo]:
        """All documents, by path."""
        return reading.documents(self._catalog)

    def document(self, document_id: str) -> DocumentInfo:
        """One document.

        Raises:
            NotFound: when there is no such document.
        """
        return reading.documents(self._catalog, document_id)[0]

    def details(self, document_id: str) -> Details:
        """What people say of a document; empty where they say nothing."""
        return read_given(self._catalog, document_id).get(document_id, Details())

    def all_details(self) -> dict[str, Details]:
        """What people say, by the ids of those documents of which they say anything."""
        return read_given(self._catalog)

    def whole_document(self, document_id: str) -> Document:
        """A document with all its pages, as its reader gave it.

        Raises:
            NotFound: when there is no such document.
        """
        return whole_document(self._catalog, document_id)

    def page_summaries(self, document_id: str) -> list[PageSummary]:
        """What was got out of each page of a document, by number.

        Raises:
            NotFound: when there is no such document.
        """
        return page_summaries(self._catalog, document_id)

    def source(self, document_id: str) -> Path:
        """The copy of the file a document was read from.

        Raises:
            NotFound: when there is no such document, or no copy of it was kept.
        """
        path = self._sources.path(reading.document_sha256(self._catalog, document_id))
        if path is None:
            raise NotFound(f'no copy of the document "{document_id}" is kept in this index')
        return path

    def files(self) -> dict[str, FileRow]:
        """Every file that was seen, by path."""
        return reading.files(self._catalog)

    def document_frequency(self, words: Sequence[str], within: Sequence[str] | None = None) -> dict[str, int]:
        """In how many passages (title and headings included) each word occurs; `within` as for `search_text`."""
        return self._catalog.document_frequency(words, within)

    def counts(self) -> Counts:
        """How much the index holds."""
        return reading.counts(self._catalog)

    def check(self) -> list[str]:
        """Read everything and name what is wrong, in plain words; [] when the index is sound."""
        found = problems_of(self._catalog, self.folder, self.settings.dimension)
        if not found and self._derived is not None:
            found += self._derived.differences()
        return found
