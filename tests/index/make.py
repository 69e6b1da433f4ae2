"""Small documents with vectors of their own making, for the tests of the index."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ragedge.contracts import Block, Chunk, Document, Page, PageProblem, PageSpan
from ragedge.index.store import FileRow, IndexSettings, NewDocument

DIMENSION = 32


def settings(**changes: object) -> IndexSettings:
    values: dict[str, object] = {
        "embedder_id": "hash",
        "embedder_sha256": "0" * 64,
        "dimension": DIMENSION,
        "question_prefix": "",
        "passage_prefix": "",
        "chunker_version": 1,
        "chunk_tokens": 200,
    }
    return IndexSettings(**{**values, **changes})  # type: ignore[arg-type]


def unit(text: str, dimension: int = DIMENSION) -> NDArray[np.float32]:
    """A unit vector that depends on nothing but the text."""
    seed = int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:8], "big")
    vector = np.random.default_rng(seed).normal(size=dimension)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def new_document(
    path: str,
    texts: list[str],
    *,
    title: str = "",
    headings: tuple[str, ...] = (),
    folder: Path | None = None,
    replaces: str | None = None,
    metadata: dict[str, str] | None = None,
    problems: tuple[PageProblem, ...] = (),
) -> NewDocument:
    """One page and one chunk per text; with `folder`, the source file is written there and kept."""
    data = ("\f".join(texts) + "\0" + title).encode("utf-8", "surrogatepass")
    sha256 = hashlib.sha256(data).hexdigest()
    source = None
    if folder is not None:
        source = folder / hashlib.sha256(path.encode("utf-8", "surrogatepass")).hexdigest()
        source.write_bytes(data)
    pages = tuple(
        Page(i + 1, f"p. {i + 1}", text, blocks=(Block("text", 0, len(text)),)) for i, text in enumerate(texts)
    )
    document = Document(
        sha256[:16], path, title or path, "text/plain", len(data), "en", metadata or {"author": "none"}, pages
    )
    chunks = tuple(
        Chunk(f"{document.id}-{i:05d}", document.id, path, i, text, (PageSpan(i + 1, 0, len(text)),), headings, 7)
        for i, text in enumerate(texts)
    )
    vectors = np.array([unit(text) for text in texts], np.float32).reshape(len(texts), DIMENSION)
    row = FileRow(path, len(data), 1_700_000_000_000_000_000, sha256, document.id, problems=problems)
    return NewDocument(document, chunks, vectors, row, source, replaces)
