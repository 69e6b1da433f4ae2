"""Which collection a document belongs to, who may read it, and that a part is asked like an index of its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ragedge.config import load_config
from ragedge.errors import ConfigError, NotFound
from ragedge.index.store import FileRow, Index
from ragedge.index.view import IndexView
from ragedge.parts import Parts
from ragedge.portion import Portion, Sorting
from ragedge.search.collections import SIGHTS, Collection, Collections, Sight
from tests.index.make import new_document, settings, unit

PRICES = Collection("prices", "Prices", ("prices", "*.xlsx"), "curator")
ROTA = Collection("rota", "", ("staff/*",), "visitor")
ALL = Collections([PRICES, ROTA])
TEXTS = {
    "guides/pump.txt": ["the pump head bolts take twelve newton metres", "the seal is greased"],
    "guides/filter.txt": ["the filter cap is tightened by hand"],
    "prices/list.txt": ["a pump costs four hundred", "a quillwort seal costs nine", "the pump is sold with quillwort"],
    "staff/rota.txt": ["anselma has the pump on monday"],
}


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (("guides/pump.txt",), {"other"}),
        (("prices/list.txt",), {"prices"}),
        (("Prices/2024/List.txt",), {"prices"}),
        (("@uploads/prices/list.txt",), {"prices"}),
        (("@uploads/list.xlsx",), {"prices"}),
        (("staff/list.xlsx",), {"prices", "rota"}),
        (("guides/pump.txt", "prices/copy.txt"), {"other", "prices"}),
        (("pricesheet.txt",), {"other"}),
        ((), {"other"}),
    ],
)
def test_a_document_belongs_where_one_of_its_paths_says(paths: tuple[str, ...], names: set[str]) -> None:
    assert ALL.of(paths) == names


def test_who_may_read_what() -> None:
    found = {sight: ALL.readable(sight) for sight in SIGHTS}
    assert found == {"guest": ("other",), "visitor": ("rota", "other"), "curator": None, "owner": None}
    assert Collections().readable("guest") is None and not Collections().are_configured
    closed = Collections([Collection("staff", "", (), "curator"), Collection("open", "", ("open",))])
    assert closed.readable("guest") == ("open",) and closed.of(("x.txt",)) == {"staff"}


def test_a_collection_that_is_closed_is_none() -> None:
    ALL.check("prices", None)
    ALL.check("other", ("other",))
    for name, readable in (("prices", ("other",)), ("nowhere", None), ("nowhere", ("other",))):
        with pytest.raises(NotFound) as caught:
            ALL.check(name, readable)
        assert name not in f"{caught.value.message} {caught.value.hint}"
    with pytest.raises(NotFound):
        Collections().check("other", None)


def test_the_key_of_a_part_tells_readers_collections_and_rules_apart() -> None:
    others = Collections([PRICES, Collection("rota", "", ("staff/new/*",), "visitor")])
    keys = {c.key(r, n) for c in (ALL, others) for r in (None, ("other",), ("rota", "other")) for n in ("", "other")}
    assert len(keys) == 2 * 5 + 1 and "" in keys


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "ragedge.toml"
    path.write_text(text)
    return path


def test_the_config_names_collections(tmp_path: Path) -> None:
    text = '[collections.prices]\ntitle = "Prices"\npaths = ["prices/*"]\nreaders = "curator"\n[collections.rest]\n'
    config = load_config(write(tmp_path, text))
    assert list(config.collections) == ["prices", "rest"] and config.collections["prices"].readers == "curator"


@pytest.mark.parametrize(
    "text",
    [
        '[collections.prices]\nreaders = "owner"\n',
        '[collections.prices]\npath = ["x"]\n',
        "[collections]\nprices = 3\n",
        '[collections."Price lists"]\npaths = ["x"]\n',
        "[collections.a]\n[collections.b]\n",
    ],
)
def test_a_config_that_leaves_open_who_reads_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError):
        load_config(write(tmp_path, text))


def fill(folder: Path, paths: list[str]) -> Index:
    index = Index.open(folder, settings(), mode="write", create=True)
    index.put([new_document(path, TEXTS[path]) for path in paths])
    return index


def part(index: IndexView, sight: Sight, name: str = "") -> IndexView | Portion:
    return Parts(index, ALL).index(ALL.readable(sight), name)


def test_a_part_answers_like_an_index_that_holds_nothing_else(tmp_path: Path) -> None:
    visible = ["guides/pump.txt", "guides/filter.txt"]
    with fill(tmp_path / "all", list(TEXTS)) as whole, fill(tmp_path / "bare", visible) as bare:
        ours = part(whole, "guest")
        assert isinstance(ours, Portion)
        assert ours.names() == bare.names() and ours.counts() == bare.counts()
        assert [info.path for info in ours.documents()] == [info.path for info in bare.documents()]
        assert ours.files().keys() == bare.files().keys()
        words = ["pump", "seal", "quillwort", "four", "bolts", "anselma"]
        assert ours.document_frequency(words) == bare.document_frequency(words)
        assert ours.documents_with(words) == bare.documents_with(words)
        for word in ("quillwart", "pamp", "anselna", "boltz", "filtre"):
            assert ours.terms_like(word) == [t for t in bare.terms_like(word) if t in ours.terms_like(word)]
            assert not {"quillwort", "anselma"} & {term for term, _ in ours.terms_like(word)}
        assert ("bolt", 1) in ours.terms_like("boltz")
        for term in ("quillwort", "anselma", "pump"):
            assert ours.example_of(term) == bare.example_of(term).rpartition("\n")[2]
        assert [i for i, _ in ours.search_text(["pump", "seal"], [], 9)] == [
            i for i, _ in bare.search_text(["pump", "seal"], [], 9)
        ]
        for text in ("a pump costs four hundred", "the seal is greased"):
            for limit in (1, 2, 9):
                assert ours.search_vectors(unit(text), limit) == bare.search_vectors(unit(text), limit)
        hidden = [name.id for name in whole.names() if name.path not in visible]
        assert ours.chunk_ids(hidden) == [] and ours.titles(hidden) == {}
        assert ours.search_among(["pump", "seal"], [], 9, hidden) == []
        readable = list(ours._ids())
        assert ours.search_among(["pump"], [], 9, readable + hidden) == whole.search_among(["pump"], [], 9, readable)
        assert ours.search_text(["pump"], [], 9, hidden) == [] and ours.search_vectors(unit("x"), 9, hidden) == []
        chunks = whole.chunk_ids(hidden)
        assert ours.chunks(chunks) == {} and ours.nearby(chunks, ["pump"]) == {}
        for call in (lambda: ours.page(hidden[0], 1), lambda: ours.document(hidden[0]), lambda: ours.source(hidden[0])):
            with pytest.raises(NotFound) as caught:
                call()
            assert caught.value.message.startswith(("no document", "no page"))
        with pytest.raises(NotFound):
            ours.vectors(chunks)


def test_what_is_asked_of_many_neighbours_is_exact_for_a_small_part(tmp_path: Path) -> None:
    many = {f"other/{i}.txt": [f"passage {i} {j}" for j in range(30)] for i in range(20)}
    with Index.open(tmp_path / "all", settings(), mode="write", create=True) as index:
        index.put([new_document(path, texts) for path, texts in {**many, **TEXTS}.items()])
        ours = part(index, "owner", "prices")
        ids = ours.chunk_ids([name.id for name in ours.names()])
        matrix = index.vectors(ids)
        query = unit("passage 3 4")
        expected = sorted(zip(ids, np.round(matrix @ query, 6), strict=True), key=lambda hit: (-hit[1], hit[0]))
        assert [i for i, _ in ours.search_vectors(query, 3)] == [i for i, _ in expected]


def test_a_copy_in_a_closed_folder_closes_the_document_and_its_removal_opens_it(tmp_path: Path) -> None:
    with fill(tmp_path / "all", ["guides/pump.txt"]) as index:
        ours, info = part(index, "guest"), index.documents()[0]
        assert ours.document(info.id)
        row = index.files()["guides/pump.txt"]
        index.put_files([FileRow("prices/copy.txt", row.size_bytes, 1, row.sha256, info.id)])
        with pytest.raises(NotFound):
            ours.document(info.id)
        assert ours.files() == {} and ours.counts().documents == 0
        index.forget(["prices/copy.txt"])
        assert ours.document(info.id).path == "guides/pump.txt"


def test_counts_by_collection(tmp_path: Path) -> None:
    with fill(tmp_path / "all", list(TEXTS)) as index:
        sorting = Sorting(index, ALL)
        assert sorting.counts() == {"prices": 1, "rota": 1, "other": 2}
        assert sorting.counts(("other",)) == {"other": 2}


def test_a_part_has_every_question_that_can_be_asked_of_an_index() -> None:
    # asked of whole indexes by those who look after them
    for_others = {"check", "folder", "neighbours", "repairs", "details", "all_details", "page_summaries"}
    for_others |= {"whole_document"}
    asked = {name for name in vars(IndexView) if not name.startswith("_")}
    assert asked - for_others <= set(vars(Portion))
