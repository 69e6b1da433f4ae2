"""An index kept in lists: plain word counting and exact cosines, for tests of what stands above an index."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ragedge.contracts import Chunk, Document, DocumentName, Embedder, Page, PageSpan


def chunk(document: Document, ordinal: int, *spans: tuple[int, int, int], headings: tuple[str, ...] = ()) -> Chunk:
    """A chunk out of (page, start, end) spans of a document, by the rule of the contract."""
    texts = [document.pages[page - 1].text[start:end] for page, start, end in spans]
    return Chunk(
        id=f"{document.id}-{ordinal:05d}",
        document_id=document.id,
        document_path=document.path,
        ordinal=ordinal,
        text="\n".join(texts),
        spans=tuple(PageSpan(*span) for span in spans),
        headings=headings,
        tokens=sum(len(text.split()) for text in texts),
    )


def chunks_by_line(document: Document) -> list[Chunk]:
    """One chunk per non-blank line of each page."""
    chunks: list[Chunk] = []
    for page in document.pages:
        for match in re.finditer(r"\S[^\n]*", page.text):
            chunks.append(chunk(document, len(chunks), (page.number, *match.span())))
    return chunks


@dataclass
class ListIndex:
    """What `ragedge.search.retriever.SearchIndex` asks for, and `page` for the reader."""

    documents: Sequence[Document]
    embedder: Embedder
    passages: list[Chunk] = field(default_factory=list)
    asked: list[tuple[tuple[str, ...], tuple[str, ...]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not self.passages:
            self.passages = [c for document in self.documents for c in chunks_by_line(document)]
        self.matrix = self.embedder.embed_passages([c.text for c in self.passages])
        self.position = {c.id: i for i, c in enumerate(self.passages)}

    @property
    def generation(self) -> int:
        return len(self.documents)

    def names(self) -> list[DocumentName]:
        return [
            DocumentName(
                d.id,
                d.path,
                d.title,
                d.media_type,
                d.language,
                d.metadata,
                sum(c.document_id == d.id for c in self.passages),
            )
            for d in self.documents
        ]

    def chunk_ids(self, document_ids: Sequence[str]) -> list[str]:
        return sorted(c.id for c in self.passages if c.document_id in document_ids)

    def search_text(
        self, words: Sequence[str], phrases: Sequence[str], limit: int, within: Sequence[str] | None = None
    ) -> list[tuple[str, float]]:
        self.asked.append((tuple(words), tuple(phrases)))
        return self._scored(words, phrases, limit, within, self.passages)

    def search_among(
        self, words: Sequence[str], phrases: Sequence[str], limit: int, within: Sequence[str]
    ) -> list[tuple[str, float]]:
        return self._scored(words, phrases, limit, within, [p for p in self.passages if p.document_id in within])

    def _scored(
        self,
        words: Sequence[str],
        phrases: Sequence[str],
        limit: int,
        within: Sequence[str] | None,
        counted: Sequence[Chunk],
    ) -> list[tuple[str, float]]:
        scores: dict[str, float] = {}
        for passage in self.passages:
            if within is not None and passage.document_id not in within:
                continue
            tokens = f" {' '.join(_tokens(passage.text))} "
            for term in (*words, *phrases):
                needle = f" {' '.join(_tokens(term))} "
                count = tokens.count(needle) if needle.strip() else 0
                if count:
                    scores[passage.id] = scores.get(passage.id, 0.0) + count * self._rarity(needle, counted)
        return sorted(scores.items(), key=lambda item: (-item[1], item[0]))[:limit]

    def search_vectors(
        self, vector: NDArray[np.float32], limit: int, within: Sequence[str] | None = None
    ) -> list[tuple[str, float]]:
        cosines = self.matrix @ vector
        chosen = [i for i, p in enumerate(self.passages) if within is None or p.document_id in within]
        order = sorted(chosen, key=lambda i: (-float(cosines[i]), self.passages[i].id))
        return [(self.passages[i].id, float(cosines[i])) for i in order[:limit]]

    def chunks(self, ids: Sequence[str]) -> Mapping[str, Chunk]:
        return {i: self.passages[self.position[i]] for i in ids}

    def vectors(self, ids: Sequence[str]) -> NDArray[np.float32]:
        return self.matrix[[self.position[i] for i in ids]]

    def nearby(self, ids: Sequence[str], words: Sequence[str]) -> Mapping[str, float]:
        shares = {}
        for chunk_id in ids:
            at = self.position[chunk_id]
            near = [self.passages[i] for i in (at - 1, at, at + 1) if 0 <= i < len(self.passages)]
            tokens = {t for p in near if p.document_id == self.passages[at].document_id for t in _tokens(p.text)}
            shares[chunk_id] = sum(word in tokens for word in words) / max(len(words), 1)
        return shares

    def documents_with(self, words: Sequence[str]) -> dict[str, dict[str, int]]:
        return {word: dict(Counter(p.document_id for p in self.passages if word in _tokens(p.text))) for word in words}

    def document_frequency(self, words: Sequence[str]) -> dict[str, int]:
        return {word: sum(word.lower() in _tokens(p.text) for p in self.passages) for word in words}

    def terms_like(self, word: str) -> list[tuple[str, int]]:
        terms = Counter(t for p in self.passages for t in set(_tokens(p.text)))
        return sorted((term, count) for term, count in terms.items() if term[0] == word[0])

    def stem(self, word: str) -> str:
        return word

    def example_of(self, term: str) -> str:
        return next((p.text for p in self.passages if term in _tokens(p.text)), "")

    def titles(self, document_ids: Sequence[str]) -> Mapping[str, str]:
        return {d.id: d.title for d in self.documents if d.id in document_ids}

    def page(self, document_id: str, number: int) -> Page:
        return next(d for d in self.documents if d.id == document_id).pages[number - 1]

    def rarity(self, words: Sequence[str]) -> dict[str, float]:
        return {word: self._rarity(f" {word} ", self.passages) for word in words}

    def _rarity(self, needle: str, passages: Sequence[Chunk]) -> float:
        found = sum(needle in f" {' '.join(_tokens(p.text))} " for p in passages)
        return math.log(1 + len(passages) / (1 + found))


def _tokens(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.lower())
