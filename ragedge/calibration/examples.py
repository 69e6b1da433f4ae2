"""Questions with known places -> examples for the gate: asked as the product asks, and again with its passages gone.

What comes up when every passage that tells the answer is taken out is near the topic and cannot answer, by
construction. Knows an index only through the read path that is handed in; writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from ragedge.answer.locate import fold
from ragedge.answer.signals import Signals
from ragedge.calibration.sections import MadeQuestion
from ragedge.contracts import Embedder, Evidence, Hit, PageSpan, Question, Retrieval, Timings
from ragedge.evaluation.goldens import GoldPlace, GoldQuestion, PlaceFinder, covered_share
from ragedge.evaluation.measures import holds_answer

Condition = Literal["present", "taken out", "unanswerable", "off topic"]

DEPTH = 24  # passages looked at; eight are left over when those with the answer are taken out
SHOWN = 8  # passages the product reads
_LEAST_ANSWER_CHARS = 3  # "5" stands everywhere
_LEAST_QUOTE_CHARS = 20  # a shorter quote stands in passages that tell nothing


class Finds(Protocol):
    """What is asked for passages."""

    def retrieve(self, question: Question) -> tuple[Retrieval, Timings]: ...


class Weighs(Protocol):
    """The read path up to the gate (`ragedge.ask.Pipeline`)."""

    @property
    def retriever(self) -> Finds: ...

    def weigh(self, retrieval: Retrieval) -> tuple[tuple[Evidence, ...], Signals]: ...


@dataclass(frozen=True, slots=True)
class Known:
    """A question with the spans that answer it, per document; without spans it is unanswerable here.

    `answers` are strings that answer wherever they stand; `quotes` texts that tell the answer in any document.
    """

    question: str
    kind: str
    spans: tuple[tuple[str, PageSpan], ...] = ()
    answers: tuple[str, ...] = ()
    quotes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Example:
    """The figures of one asking; `is_right`: the passages at hand tell the answer."""

    question: str
    kind: str
    condition: Condition
    values: Mapping[str, float]
    missing_codes: tuple[str, ...] = ()

    @property
    def is_right(self) -> bool:
        return self.condition == "present"


def known_from_made(made: Iterable[MadeQuestion]) -> list[Known]:
    """Made questions; their short answers stand in other records, too, so only span and quote count."""
    return [Known(q.question, f"made {q.kind}", ((q.document_id, q.span),), (), (fold(q.quote)[0],)) for q in made]


def known_from_golden(golds: Iterable[GoldQuestion], finder: PlaceFinder) -> list[Known]:
    """Golden questions; answerable ones whose quotes the index does not hold are left out."""
    found: list[Known] = []
    for gold in golds:
        if not gold.is_answerable:
            found.append(Known(gold.question, "golden"))
            continue
        spans = _spans(finder.find(source) for source in gold.sources)
        if spans:
            answers = tuple(answer for answer in gold.answers if len(answer) >= _LEAST_ANSWER_CHARS)
            found.append(Known(gold.question, "golden", spans, answers))
    return found


def _spans(places: Iterable[GoldPlace]) -> tuple[tuple[str, PageSpan], ...]:
    return tuple((place.document_id, span) for place in places if place.document_id for span in place.spans)


def examples_of(pipeline: Weighs, question: Known) -> Iterator[Example]:
    """One or two examples: as found, and with its passages taken out; none where nothing was found at all."""
    deep = pipeline.retriever.retrieve(Question(question.question, top_k=DEPTH))[0]
    found = replace(deep, hits=deep.hits[:SHOWN])
    if not question.spans:
        yield from _weighed(pipeline, question, found, "unanswerable")
        return
    telling = [tells(hit, question) for hit in deep.hits]
    if any(telling[:SHOWN]):
        yield from _weighed(pipeline, question, found, "present")
    rest = tuple(hit for hit, is_telling in zip(deep.hits, telling, strict=True) if not is_telling)[:SHOWN]
    yield from _weighed(pipeline, question, replace(deep, hits=rest), "taken out")


def off_topic_of(pipeline: Weighs, question: str, kind: str = "off topic") -> Iterator[Example]:
    """A question of another corpus, asked here."""
    found = pipeline.retriever.retrieve(Question(question, top_k=SHOWN))[0]
    yield from _weighed(pipeline, Known(question, kind), found, "off topic")


def tells(hit: Hit, question: Known) -> bool:
    """Whether a passage holds any of what answers the question."""
    if any(doc == hit.chunk.document_id and covered_share(span, hit.chunk.spans) > 0 for doc, span in question.spans):
        return True
    if question.answers and holds_answer(hit.chunk.text, question.answers):
        return True
    quotes = [quote for quote in question.quotes if len(quote) >= _LEAST_QUOTE_CHARS]
    return bool(quotes) and any(quote in fold(hit.chunk.text)[0] for quote in quotes)


def _weighed(pipeline: Weighs, question: Known, found: Retrieval, condition: Condition) -> Iterator[Example]:
    if not found.hits:
        return
    _, signals = pipeline.weigh(found)
    yield Example(question.question, question.kind, condition, signals.values, signals.missing_codes)


class RememberingEmbedder:
    """An embedder that embeds each text once: a question's units are read with and without its passages."""

    def __init__(self, embedder: Embedder, known: dict[str, NDArray[np.float32]] | None = None) -> None:
        self._embedder = embedder
        self.known: dict[str, NDArray[np.float32]] = {} if known is None else known

    def __getattr__(self, name: str) -> Any:
        return getattr(self._embedder, name)

    def embed_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors, float32 [len(texts), dimension]."""
        missing = [text for text in dict.fromkeys(texts) if text not in self.known]
        if missing:
            self.known.update(zip(missing, self._embedder.embed_passages(missing), strict=True))
        return np.stack([self.known[text] for text in texts])

    def embed_question(self, text: str) -> NDArray[np.float32]:
        """Unit vector, float32 [dimension]."""
        key = f"?{text}"
        if key not in self.known:
            self.known[key] = self._embedder.embed_question(text)
        return self.known[key]
