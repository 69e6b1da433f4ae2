"""Words, identifiers and odd scripts are found, and nothing a person types is ever query syntax."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as budget
from hypothesis import strategies as st

from ragedge.index.folding import fold, match_expression
from ragedge.index.store import Index
from tests.index.make import new_document, settings

TEXTS = {
    "fault": "When the display shows E-417 the pump has stopped.",
    "other fault": "Fault 417 follows fault E and code E 418.",
    "part": "Order the seal 4.510.210 from the list.",
    "other part": "The seal 4.210.510 is for the other pump, so is 510.210.4 too.",
    "german": "Die Pu\u0308mpe fo\u0308rdert Wa\u00adsser u\u200bberall.",
    "ligature": "Clean the \ufb01lter and the \uff30\uff35\uff2d\uff30.",
    "japanese": "\u6771\u4eac\u90fd\u306e\u4eba\u53e3\u306f\u7d041400\u4e07\u4eba\u3067\u3059\u3002",
    "chinese": "\u4eac\u6771\u662f\u4e00\u5bb6\u516c\u53f8\u3002",
    "thai": "\u0e01\u0e23\u0e38\u0e07\u0e40\u0e17\u0e1e\u0e21\u0e2b\u0e32\u0e19\u0e04\u0e23",
    "khmer": "\u1797\u17d2\u1793\u17c6\u1796\u17c1\u1789",
    "korean": "\uc11c\uc6b8\uc5d0\uc11c \ud38c\ud504\ub97c",
    "operators": 'AND OR NOT NEAR are words, so is title: and star * and "quote".',
    "long": "the the the the pumps pumping pumped",
}


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Index]:
    folder = tmp_path_factory.mktemp("searching") / "index"
    with Index.open(folder, settings(), mode="write", create=True) as opened:
        opened.put([new_document(name, [text], title="Untitled") for name, text in TEXTS.items()])
        opened.put([new_document("headed", ["nothing else"], title="Grinder manual", headings=("Safety", "Gloves"))])
        yield opened


def found(index: Index, words: list[str], phrases: list[str]) -> set[str]:
    ids = [hit[0] for hit in index.search_text(words, phrases, 50)]
    return {chunk.document_path for chunk in index.chunks(ids).values()}


@pytest.mark.parametrize(
    ("phrase", "names"),
    [
        ("E-417", {"fault"}),
        ("e 417", {"fault"}),
        ("417-E", set()),
        ("4.510.210", {"part"}),
        ("4.210.510", {"other part"}),
        ("510.210.4", {"other part"}),
        ("210.510.4", set()),
        ("4.510", {"part"}),
        ("seal 4.510.210", {"part"}),
        ("\u6771\u4eac\u90fd", {"japanese"}),
        ("\u4eac\u6771", {"chinese"}),
        ("\u4eba\u53e3", {"japanese"}),
        ("1400", {"japanese"}),
    ],
)
def test_identifiers_and_phrases_are_found_exactly(index: Index, phrase: str, names: set[str]) -> None:
    assert found(index, [], [phrase]) == names


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("pumpe", "german"),
        ("P\u00fcmpe", "german"),
        ("wasser", "german"),
        ("\u00fcberall", "german"),
        ("filter", "ligature"),
        ("pump", "ligature"),
        ("\u4eba\u53e3\u306f\u4f55\u4eba\u3067\u3059\u304b", "japanese"),
        ("\u0e01\u0e23\u0e38\u0e07\u0e40\u0e17\u0e1e", "thai"),
        ("\u1797\u17d2\u1793\u17c6", "khmer"),
        ("\uc11c\uc6b8", "korean"),
        ("pump", "long"),
        ("grinders", "headed"),
        ("glove", "headed"),
    ],
)
def test_words_are_found_in_every_form_and_script(index: Index, word: str, name: str) -> None:
    assert name in found(index, [word], [])


def test_words_are_any_of_and_rarer_ones_count_more(index: Index) -> None:
    hits = index.search_text(["display", "pump"], [], 10)
    assert len(hits) > 1
    assert index.chunks([hits[0][0]])[hits[0][0]].document_path == "fault"
    assert [score for _, score in hits] == sorted((score for _, score in hits), reverse=True)
    assert all(score > 0 for _, score in hits)


@pytest.mark.parametrize(
    "text",
    ["AND", "OR", "NOT", "NEAR(a b)", "title: x", "title:pump", "pump*", "^pump", '"', '""', 'a" OR "b', "(", ")", "-",
     "{title}: x", "a + b", "pump AND NOT pump", "\x00", "\ud800", "'; DROP TABLE chunks; --", "", " ", "\u00ad"],
)  # fmt: skip
def test_operators_are_only_words(index: Index, text: str) -> None:
    for words, phrases in (([text], []), ([], [text]), ([text, "zzz"], [text])):
        index.search_text(words, phrases, 5)
    index.document_frequency([text])


def test_an_operator_does_not_operate(index: Index) -> None:
    assert found(index, ["pump AND NOT pump"], []) == set()
    assert found(index, [], ["title: and star"]) == {"operators"}
    assert found(index, ["display*"], []) == {"fault"}
    assert found(index, ["displ*"], []) == set()


@budget(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=st.lists(st.text(max_size=40), max_size=5), phrases=st.lists(st.text(max_size=40), max_size=5))
def test_no_text_whatever_is_an_error(index: Index, words: list[str], phrases: list[str]) -> None:
    for chunk_id, score in index.search_text(words, phrases, 20):
        assert chunk_id and score > 0


@budget(max_examples=300, deadline=None)
@given(st.text(max_size=200))
def test_folding_is_stable_and_keeps_words_whole(text: str) -> None:
    assert fold(fold(text)).split() == fold(text).split()
    assert "\x00" not in fold(text)


def test_what_is_too_long_or_too_much_is_bounded(index: Index) -> None:
    assert match_expression([f"w{i}" for i in range(10_000)], []).count(" OR ") < 256
    index.search_text(["x" * 1_000_000], ["y " * 500_000], 5)
    index.search_text(["\u6771\u4eac" * 10_000], [], 5)


def test_nothing_asked_nothing_found(index: Index) -> None:
    assert index.search_text([], [], 5) == []
    assert index.search_text(["pump"], [], 0) == []
    assert index.search_text(["?!", "..."], [], 5) == []


def test_document_frequency_counts_passages(index: Index) -> None:
    counts = index.document_frequency(["pump", "seal", "4.510.210", "grinder", "unseen", "?"])
    assert counts == {"pump": 5, "seal": 2, "4.510.210": 1, "grinder": 1, "unseen": 0, "?": 0}
