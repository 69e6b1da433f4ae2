"""What the search asks of an index beside words and vectors: choices of documents, neighbours, stems, names."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from ragedge.index import reading, words
from ragedge.index.store import Index
from tests.index.make import new_document, settings, unit

PARTS = {
    "old.md": ["The pump is red.", "It has a seal of rubber.", "Water runs out."],
    "new.md": ["The pump is blue.", "It has a seal of steel.", "Pumps are loud."],
}


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    with Index.open(tmp_path / "index", settings(), mode="write", create=True) as opened:
        opened.put([new_document(p, texts, title=p, metadata={"date": "2020-01-02"}) for p, texts in PARTS.items()])
        yield opened


def ids(index: Index) -> dict[str, str]:
    return {name.path: name.id for name in index.names()}


def test_words_and_vectors_look_in_the_chosen_documents_alone(index: Index) -> None:
    new = ids(index)["new.md"]
    found = index.search_text(["pump", "seal"], [], 10, [new])
    assert len(found) == 3 and all(chunk_id.startswith(new) for chunk_id, _ in found)
    vector = unit("any question")
    chosen = index.search_vectors(vector, 10, [new])
    everything = [hit for hit in index.search_vectors(vector, 10) if hit[0].startswith(new)]
    assert [hit[0] for hit in chosen] == [hit[0] for hit in everything]
    assert np.allclose([c for _, c in chosen], [c for _, c in everything], atol=1e-5)


def test_the_words_are_looked_up_once_and_not_once_per_passage_of_the_choice(index: Index) -> None:
    statements: list[str] = []
    reader = index._catalog._reader
    reader.set_trace_callback(statements.append)
    index.search_text(["pump", "seal"], [], 10, list(ids(index).values()))
    reader.set_trace_callback(None)
    (statement,) = [text for text in statements if "bm25" in text]
    plan = " ".join(str(row[-1]) for row in reader.execute(f"EXPLAIN QUERY PLAN {statement}"))
    used = re.search(r"fts VIRTUAL TABLE INDEX \d+:(\S*)", plan)
    assert used is not None and "=" not in used[1], plan  # "=": FTS5 is asked for one rowid at a time


def test_a_word_is_as_rare_as_it_is_among_the_chosen_documents(tmp_path: Path) -> None:
    own = ["Acme Acme Acme, says Acme.", "Acme sells more.", "The profit fell.", "Acme was founded by Acme."]
    others = [f"The profit of house number {i}." for i in range(9)]
    with Index.open(tmp_path / "index", settings(), mode="write", create=True) as index:
        index.put([new_document("own.md", own, title="A"), new_document("others.md", others, title="B")])
        asked = ["acme", "profit"], [], 10, [ids(index)["own.md"]]
        assert index.search_text(*asked)[0][0].endswith("-00000"), "in all documents Acme is the rarer word"
        found = index.search_among(*asked)
        assert found[0][0].endswith("-00002") and len(found) == 4
        # One term of a score is frequency times rarity: only the second factor may change.
        (before,) = (s for i, s in index.search_text(["acme"], [], 10) if i.endswith("-00001"))
        (after,) = (s for i, s in index.search_among(["acme"], [], *asked[2:]) if i.endswith("-00001"))
        rarity, rarity_among = math.log((13 - 3 + 0.5) / (3 + 0.5)), math.log(1 + (4 - 3 + 0.5) / (3 + 0.5))
        assert after / before == pytest.approx(rarity_among / rarity)
        # A word that half of all passages hold has next to no weight over all, but its due one among these.
        assert (
            index.search_text(["profit"], [], 10, asked[3])[0][1]
            < 1e-5
            < 0.5
            < index.search_among(["profit"], [], *asked[2:])[0][1]
        )
        assert index.search_among(["acme"], [], 0, asked[3]) == [] == index.search_among(["acme"], [], 5, [])
        assert index.search_among(["acme"], [], 2, asked[3]) == index.search_among(["acme"], [], 9, asked[3])[:2]


def test_too_many_chosen_passages_are_not_searched_word_by_word(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words, "MOST_SEARCHED", 3)
    both = ids(index)
    assert index.search_among(["pump"], [], 9, list(both.values())) == []
    assert len(index.search_among(["pump"], [], 9, [both["new.md"]])) == 2


def test_a_choice_of_none_finds_nothing_and_unknown_ids_are_passed_over(index: Index) -> None:
    assert index.search_text(["pump"], [], 10, []) == [] and index.search_vectors(unit("x"), 10, []) == []
    assert index.search_vectors(unit("x"), 10, ["unknown"]) == []


def test_choosing_in_parts_gives_the_best_of_all_parts(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    vector, everything = unit("any question"), list(ids(index).values())
    whole = index.search_vectors(vector, 4, everything)
    monkeypatch.setattr(reading, "_PART", 2)
    assert index.search_vectors(vector, 4, everything) == whole and len(whole) == 4


def test_names_carry_what_filters_need_and_follow_every_change(index: Index) -> None:
    name = index.names()[0]
    assert (name.path, name.media_type, name.metadata, name.chunks) == (
        "new.md",
        "text/plain",
        {"date": "2020-01-02"},
        3,
    )
    index.forget(["new.md"])
    assert [name.path for name in index.names()] == ["old.md"]


def test_nearby_counts_the_passage_and_those_next_to_it_in_its_document(index: Index) -> None:
    document = ids(index)["old.md"]
    first, middle, last = (f"{document}-{ordinal:05d}" for ordinal in range(3))
    shares = index.nearby([first, middle, last], ["red", "rubber", "blue"])
    assert shares[first] == shares[middle] > shares[last] > 0
    assert index.nearby([last], ["blue"]) == {last: 0.0}  # the next passage in the catalog is another document's
    assert index.nearby([first], ["red"]) == {first: 1.0}
    assert index.nearby([first], []) == {}


def test_words_are_counted_per_document_by_their_stem(index: Index) -> None:
    found = index.documents_with(["pumps", "steel", "unseen"])
    assert found == {
        "pumps": {ids(index)["old.md"]: 1, ids(index)["new.md"]: 2},
        "steel": {ids(index)["new.md"]: 1},
        "unseen": {},
    }


def test_stems_near_a_word_come_from_the_documents(index: Index) -> None:
    assert index.stem("running") == "run" and index.stem("two words") == ""
    assert ("rubber", 1) in index.terms_like("rubbre") and ("seal", 2) in index.terms_like("esal")
    assert index.terms_like("!") == [] and "Water runs" in index.example_of("run")
    index.put([new_document("third.md", ["Rubbish is taken away."])])
    assert "rubbish" in [term for term, _ in index.terms_like("rubbihs")]


def test_a_second_reader_and_a_closed_catalog_answer_the_same(index: Index, tmp_path: Path) -> None:
    with Index.open(tmp_path / "index", settings()) as beside:
        assert beside.terms_like("rubbre") == index.terms_like("rubbre")
        assert beside.names() == index.names()
