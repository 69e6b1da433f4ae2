"""A typing error finds what the right word finds; what is no error is left alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from ragedge.contracts import Question
from ragedge.index.store import Index
from ragedge.search.retriever import Retriever
from ragedge.search.spelling import corrected, distance
from tests.fakes import HashEmbedder
from tests.index.make import new_document, settings

TEXTS = {
    "receive": "Passengers receive a ticket at the counter of the northern terminal.",
    "filter": "The sediment filters are rinsed before the reservoir is opened.",
    "hydraulic": "Hydraulic pressure is checked with the gauge of the workshop.",
}
WORDS = frozenset(["passengers", "receive", "ticket", "where", "the", "which", "how", "tesla"])


class Pieces(HashEmbedder):
    """Knows the words above as one token each, everything else as two."""

    dimension = 32

    def token_spans(self, text: str) -> list[tuple[int, int]]:
        return [(0, len(text))] if text.casefold() in WORDS else [(0, 1), (1, len(text))]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    folder: Path = tmp_path_factory.mktemp("spelling") / "index"
    with Index.open(folder, settings(), mode="write", create=True) as opened:
        opened.put([new_document(name, [text], title="Untitled") for name, text in TEXTS.items()])
        yield opened


@pytest.mark.parametrize(
    ("mistyped", "right", "path"),
    [
        ("Where do I recieve it?", "receive", "receive"),
        ("Which fitlers are there?", "filters", "filter"),
        ("How is the presure?", "pressure", "hydraulic"),
        ("Which resrevoir?", "reservoir", "filter"),
        ("Which hydrualic thing?", "hydraulic", "hydraulic"),
    ],
)
def test_a_typing_error_finds_what_the_right_word_finds(index: Index, mistyped: str, right: str, path: str) -> None:
    retrieval, _ = Retriever(index, Pieces(), top_k=3).retrieve(Question(mistyped))
    assert right in retrieval.search_text and retrieval.question.text == mistyped
    assert {hit.chunk.document_path: hit.lexical_rank for hit in retrieval.hits}[path] == 1


@pytest.mark.parametrize("text", ["Where is the tesla?", "Which zzyzxq thing?", "Where is the gaug?", "Which filters?"])
def test_names_real_words_and_short_words_are_left_alone(index: Index, text: str) -> None:
    assert Retriever(index, Pieces(), top_k=1).retrieve(Question(text))[0].search_text == text


def test_between_two_equal_words_nothing_is_chosen() -> None:
    def ask(counts: Sequence[tuple[str, int]]) -> str:
        return corrected(
            "the hatrs",
            unknown=lambda words: [word for word in words if word == "hatrs"],
            stem=lambda word: word,
            terms_like=lambda word: counts,
            example_of=lambda term: term,
        )

    assert ask([("harts", 3), ("hatrz", 3)]) == "the hatrs"
    assert ask([("harts", 30), ("hatrz", 3)]) == "the harts"


@pytest.mark.parametrize(
    ("first", "second", "errors"),
    [
        ("same", "same", 0),
        ("form", "from", 1),
        ("cat", "cats", 1),
        ("cat", "cot", 1),
        ("abcd", "badc", 2),
        ("a", "xyz", 3),
    ],
)
def test_distance_counts_typing_errors(first: str, second: str, errors: int) -> None:
    assert distance(first, second, 2) == min(errors, 3)
