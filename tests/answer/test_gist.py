"""The sentences that say most of a document: real sentences, each once, in the document's order."""

from __future__ import annotations

import numpy as np
import pytest

from ragedge.answer.gist import gist
from ragedge.contracts import Chunk, Evidence, Hit, Page, PageSpan
from ragedge.errors import InputError
from tests.fakes import HashEmbedder

EMBEDDER = HashEmbedder()


def summed(*texts: str, most: int | None = None, embedder: HashEmbedder = EMBEDDER) -> list[str]:
    pages = {number: Page(number, None, text, "text") for number, text in enumerate(texts, start=1)}
    hits = [
        Hit(Chunk(f"d-{n:05d}", "d", "d.txt", n, text, (PageSpan(n + 1, 0, len(text)),), (), 9), 1.0)
        for n, text in enumerate(texts)
    ]
    vectors = np.stack([EMBEDDER.embed_question(text) for text in texts])
    found = gist(hits, vectors, page_of=lambda _, n: pages[n], embed=embedder.embed_passages, most=most)
    assert all(isinstance(item, Evidence) and 0 <= item.score <= 1 for item in found)
    for item in found:
        assert pages[item.span.page].text[item.span.start : item.span.end] == item.text
        assert hits[item.hit_index].chunk.spans[0].page == item.span.page
    return [item.text for item in found]


MANY = [f"The {name} of the unit is cleaned by the operator with {name} water." for name in
        ("filter", "pump", "tank", "hose", "valve", "lamp", "meter", "frame", "cover", "switch")]  # fmt: skip


def test_titles_labels_and_lines_of_tables_are_no_sentences() -> None:
    titles = ["Portable water treatment unit generator Ostrevane Works", "Edition 3, March 2024, printed Ostrevane"]
    text = "\n\n".join([*titles, *MANY[:4]])
    assert set(summed(text)) <= set(MANY)


def test_where_nothing_else_is_there_lines_will_do() -> None:
    assert summed("Portable water treatment unit generator Ostrevane Works") != []
    assert summed("4711 12 13") == []


def test_a_sentence_that_is_repeated_on_every_page_is_taken_once() -> None:
    pages = [f"{MANY[0]}\n\n{sentence}" for sentence in MANY[1:]]
    found = summed(*pages, most=6)
    assert len(found) == len(set(found)) == 6


def test_they_come_in_the_order_of_the_document_and_as_many_as_its_length_asks_for() -> None:
    for count, expected in ((2, 2), (5, 3), (10, 3)):
        found = summed(*MANY[:count])
        assert len(found) == expected
        assert found == sorted(found, key=MANY.index)
    long = [f"{sentence[:-1]} in the {number}th week of the year." for number, sentence in enumerate(MANY * 8)]
    assert len(summed(*long)) == 6


def test_what_most_of_the_document_is_about_goes_before_what_stands_there_once() -> None:
    odd = "In the year of the flood a circus with an elephant came to the village."
    found = summed(*MANY[:6], odd, *MANY[6:], most=3)
    assert odd not in found


def test_sentences_too_long_for_the_embedder_are_cut_not_refused() -> None:
    class Short(HashEmbedder):
        max_tokens = 45

    long = "The raw water pump of the whole treatment unit " + "is cleaned and " * 12 + "then is dry."
    with pytest.raises(InputError):
        Short().embed_passages([long])
    assert summed(long, embedder=Short()) == [long]
