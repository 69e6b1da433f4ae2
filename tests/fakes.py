"""Fakes with the behaviour of the real parts, small enough to reason about: no model, no network, no clock."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ragedge.contracts import Block, Document, Page
from ragedge.errors import InputError

_WORD = re.compile(r"\w+|[^\w\s]")


class HashEmbedder:
    """An Embedder whose vectors are bags of hashed words: equal words mean near vectors. Deterministic."""

    id = "fake-hash"
    sha256 = "0" * 64
    dimension = 64
    max_tokens = 256

    def __init__(self) -> None:
        self.calls = 0
        self.embedded: list[str] = []

    def token_spans(self, text: str) -> list[tuple[int, int]]:
        return [match.span() for match in _WORD.finditer(text)]

    def _vector(self, text: str) -> NDArray[np.float32]:
        vector = np.full(self.dimension, 1e-3, dtype=np.float32)
        for word in _WORD.findall(text.lower()):
            digest = hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest()
            vector[int.from_bytes(digest[:4], "big") % self.dimension] += 1.0 if digest[4] % 2 else -1.0
        return (vector / np.linalg.norm(vector)).astype(np.float32)

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        if any(len(self.token_spans(text)) > self.max_tokens for text in texts):
            raise InputError("a passage is longer than the embedder reads")
        self.calls += 1
        self.embedded.extend(texts)
        return np.stack([self._vector(text) for text in texts]) if texts else np.zeros((0, self.dimension), np.float32)

    def embed_question(self, text: str) -> NDArray[np.float32]:
        return self._vector(text)


def document(text: str, *, path: str = "a.txt", title: str = "A", blocks: Sequence[Block] = ()) -> Document:
    """A one-page document with the identity that ingestion would give it."""
    return documents_pages((text,), path=path, title=title, blocks=blocks)


def documents_pages(
    texts: Sequence[str],
    *,
    path: str = "a.txt",
    title: str = "A",
    blocks: Sequence[Block] = (),
    media_type: str = "text/plain",
) -> Document:
    """A document with one page per text."""
    data = "\f".join(texts).encode("utf-8", "surrogatepass")
    pages = tuple(Page(i, None, text, "text", tuple(blocks)) for i, text in enumerate(texts, start=1))
    digest = hashlib.sha256(data).hexdigest()[:16]
    return Document(digest, path, title, media_type, len(data), None, {}, pages)
