"""Small retrievals over pages written in a test."""

from __future__ import annotations

from ragedge.answer.reader import read_evidence
from ragedge.contracts import Block, Document, Evidence, Hit, Page, Question, Retrieval
from tests.fakes import HashEmbedder, documents_pages
from tests.search.list_index import chunk


class Roomy(HashEmbedder):
    """Reads passages of any length."""

    max_tokens = 1_000_000


EMBEDDER = Roomy()


def retrieval_of(question: str, *documents: Document, headings: tuple[str, ...] = ()) -> Retrieval:
    """One hit per document, all pages whole, with true cosines."""
    vector = EMBEDDER.embed_question(question)
    hits = []
    for rank, document in enumerate(documents):
        spans = [(page.number, 0, len(page.text)) for page in document.pages]
        found = chunk(document, 0, *spans, headings=headings)
        cosine = float(EMBEDDER.embed_passages([found.text])[0] @ vector)
        hits.append(Hit(found, 1.0 / (60 + rank), document.title, rank + 1, rank + 1, cosine, None, (found.id,)))
    return Retrieval(Question(question), question, tuple(hits))


def pages_of(*documents: Document):  # type: ignore[no-untyped-def]
    """The `page_of` of these documents."""
    known = {document.id: document for document in documents}

    def page_of(document_id: str, number: int) -> Page:
        return known[document_id].pages[number - 1]

    return page_of


def even_rarity(words: object) -> dict[str, float]:
    """Every word weighs the same."""
    return {}


def evidence_for(question: str, *documents: Document) -> tuple[Evidence, ...]:
    """The evidence of these documents, by words and vectors, best first."""
    return read_evidence(
        question,
        retrieval_of(question, *documents),
        page_of=pages_of(*documents),
        embed=EMBEDDER.embed_passages,
        question_vector=EMBEDDER.embed_question(question),
        rarity=even_rarity,
    )


def with_blocks(text: str, *kinds: str, title: str = "A", path: str = "a.txt") -> Document:
    """A one-page document whose blank-line separated parts are blocks of these kinds."""
    blocks, start = [], 0
    for kind, part in zip(kinds, text.split("\n\n"), strict=True):
        start = text.index(part, start)
        blocks.append(Block(kind, start, start + len(part), has_header=kind == "table"))  # type: ignore[arg-type]
        start += len(part)
    return documents_pages([text], title=title, path=path, blocks=blocks)
