"""Filters choose documents before the search, in both of its halves; what they cannot mean is an error."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ragedge.contracts import DocumentName, Question
from ragedge.errors import BadQuestion
from ragedge.search.editions import Described
from ragedge.search.filters import chosen
from ragedge.search.retriever import Mode, Retriever
from tests.fakes import HashEmbedder, document
from tests.search.list_index import ListIndex

NAMES = [
    DocumentName("a", "manuals/pump 2021.pdf", "Pump Manual", "application/pdf", "en", {"date": "2021-03-04"}),
    DocumentName("b", "manuals/deep/valve.md", "Valves [draft]", "text/markdown", "en-GB", {}),
    DocumentName("c", "mails/2023-11-05 offer.eml", "Offer", "message/rfc822", "de", {}),
    DocumentName("d", "manualsold/pump.PDF", "Old pump", "application/pdf", None, {"created": "D:20190301120000"}),
]


@pytest.mark.parametrize(
    ("filters", "ids"),
    [
        ({}, "abcd"),
        ({"path": "manuals"}, "ab"),
        ({"path": "manuals/"}, "ab"),
        ({"path": "./Manuals/deep/valve.md"}, "b"),
        ({"path": "*.pdf"}, "ad"),
        ({"path": "manuals/*.md|mails"}, "bc"),
        ({"media_type": "pdf"}, "ad"),
        ({"media_type": ".md"}, "b"),
        ({"media_type": "text/*"}, "b"),
        ({"language": "en"}, "ab"),
        ({"language": "en_GB"}, "b"),
        ({"title": "pump"}, "ad"),
        ({"title": "pump*"}, "a"),
        ({"date": "2021"}, "a"),
        ({"date": "2019-03"}, "d"),
        ({"date": "2019-03-01"}, "d"),
        ({"date": "2020..2022"}, "a"),
        ({"date": "2021-03-04.."}, "ac"),
        ({"date": "..2021-03-03"}, "d"),
        ({"path": "manuals", "date": "2019"}, ""),
    ],
)
def test_documents_that_meet_all_filters_are_chosen(filters: dict[str, str], ids: str) -> None:
    assert "".join(chosen(filters, [Described(name) for name in NAMES])) == ids


@pytest.mark.parametrize(
    ("filters", "message", "hint"),
    [
        ({"pth": "x"}, '"pth"', 'did you mean "path"'),
        ({"colour": "red"}, '"colour"', "path, media_type, language, title, date"),
        ({"path": " | "}, "empty", "path="),
        ({"date": "yesterday"}, "yesterday", "date=2024"),
        ({"date": "2024-13"}, "2024-13", "date=2024"),
        ({"date": ".."}, "no date", "date=2024"),
    ],
)
def test_what_is_no_filter_is_refused_by_name(filters: dict[str, str], message: str, hint: str) -> None:
    with pytest.raises(BadQuestion) as caught:
        chosen(filters, [])
    assert message in caught.value.message and hint in caught.value.hint


PUMP = document("The pump runs on twelve volts.\n\nThe pump is red.\n", path="new/pump.txt", title="New")
OLD = document("The pump runs on six volts.\n\nThe pump runs on six volts today.\n", path="old/pump.txt", title="Old")


@pytest.mark.parametrize("mode", ["lexical", "vector", "hybrid"])
def test_a_filter_excludes_in_each_half_of_the_search(mode: Mode) -> None:
    index = ListIndex([PUMP, OLD], HashEmbedder())
    retriever = Retriever(index, index.embedder, top_k=5, candidates=10, mode=mode)
    question = Question("The pump runs on six volts")
    assert retriever.retrieve(question)[0].hits[0].chunk.document_id == OLD.id
    kept = retriever.retrieve(replace(question, filters={"path": "new"}))[0].hits
    assert kept and {hit.chunk.document_id for hit in kept} == {PUMP.id}
    assert retriever.retrieve(replace(question, filters={"path": "nowhere"}))[0].hits == ()
