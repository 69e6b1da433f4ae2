"""Putting, replacing, renaming and forgetting documents, and what is to be seen of it."""

from __future__ import annotations

import os
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ragedge.contracts import PageProblem
from ragedge.errors import IndexReadOnly, NotFound
from ragedge.index.store import Counts, FileRow, Index
from tests.index.make import new_document, settings, unit


@pytest.fixture
def sources(quick_path: Path) -> Path:
    (quick_path / "sources").mkdir()
    return quick_path / "sources"


@pytest.fixture
def index(quick_path: Path):  # type: ignore[no-untyped-def]
    with Index.open(quick_path / "index", settings(), mode="write", create=True) as opened:
        yield opened


def test_everything_that_was_put_comes_back_as_it_was(index: Index, sources: Path) -> None:
    problems = (PageProblem(2, "no_text", "scanned"), PageProblem(None, "broken", "a part"))
    new = new_document(
        "folder/ä.txt",
        ["first \u00e9\n\nwords\x00here", "", "zw\u00f6lf \U0001f600"],
        title="T\u00eftle",
        headings=("One", "Two, \u6771"),
        folder=sources,
        metadata={"author": "n\u00f6body", "": "x"},
        problems=problems,
    )
    index.put([new])
    document = new.document
    assert tuple(index.page(document.id, n) for n in (1, 2, 3)) == document.pages
    assert index.chunks([chunk.id for chunk in new.chunks]) == {chunk.id: chunk for chunk in new.chunks}
    assert np.array_equal(index.vectors([chunk.id for chunk in reversed(new.chunks)]), new.vectors[::-1])
    assert index.files() == {"folder/ä.txt": new.file}
    info = index.document(document.id)
    assert (info.title, info.pages, info.chunks, info.problems) == ("T\u00eftle", 3, 3, problems)
    assert index.titles([document.id, "unknown"]) == {document.id: "T\u00eftle"}
    assert new.source is not None
    assert index.source(document.id).read_bytes() == new.source.read_bytes()
    assert index.counts() == Counts(documents=1, pages=3, chunks=3, files=1)
    assert index.check() == []


def test_lone_surrogates_in_names_and_texts_survive_exactly(index: Index) -> None:
    new = new_document("odd\udcff.txt", ["half \ud83d of a pair", "whole"], title="t\udc80", headings=("h\ud800",))
    index.put([new])
    assert index.page(new.document.id, 1) == new.document.pages[0]
    assert index.chunks([new.chunks[0].id])[new.chunks[0].id] == new.chunks[0]
    assert index.files() == {"odd\udcff.txt": new.file}
    assert index.titles([new.document.id]) == {new.document.id: "t\udc80"}
    assert [hit[0] for hit in index.search_text(["half"], [], 3)] == [new.chunks[0].id]
    assert index.search_text(["\ud83d"], ["\udc80"], 3) == []
    assert index.check() == []
    index.forget(["odd\udcff.txt"])
    assert index.counts() == Counts(0, 0, 0, 0)
    assert index.check() == []


def test_a_changed_file_replaces_its_old_version_in_one_step(index: Index, sources: Path) -> None:
    old = new_document("a.txt", ["old words"], folder=sources)
    index.put([old])
    before = index.generation
    source = index.source(old.document.id)
    new = new_document("a.txt", ["new words"], folder=sources)
    index.put([replace(new, replaces="a.txt")])
    assert index.generation == before + 1
    assert index.search_text(["old"], [], 5) == []
    assert index.search_text(["new"], [], 5)[0][0] == new.chunks[0].id
    assert [hit[0] for hit in index.search_vectors(unit("old words"), 5)] == [new.chunks[0].id]
    assert not source.exists()
    with pytest.raises(NotFound):
        index.page(old.document.id, 1)
    assert index.check() == []


def test_putting_the_same_twice_changes_nothing(index: Index, sources: Path) -> None:
    new = new_document("a.txt", ["one", "two"], folder=sources)
    index.put([new, new])
    known = (index.documents(), index.files(), index.counts())
    index.put([new])
    assert (index.documents(), index.files(), index.counts()) == known
    assert index.check() == []


def test_the_same_bytes_read_differently_replace_text_and_vectors(index: Index) -> None:
    new = new_document("a.txt", ["badly read", "twice"])
    index.put([new])
    better = replace(
        new,
        document=replace(new.document, pages=(replace(new.document.pages[0], text="well read"),)),
        chunks=(replace(new.chunks[0], text="well read"),),
        vectors=unit("well read")[np.newaxis],
    )
    index.put([better])
    assert index.page(new.document.id, 1).text == "well read"
    assert index.search_vectors(unit("well read"), 5) == [(new.chunks[0].id, 1.0)]
    assert index.search_text(["badly"], [], 5) == []
    assert index.check() == []


def test_a_document_held_by_several_files_stays_until_the_last_is_forgotten(index: Index, sources: Path) -> None:
    new = new_document("b.txt", ["shared words"], folder=sources)
    index.put([new])
    index.put_files([replace(new.file, path="a.txt"), replace(new.file, path="c.txt")])
    assert index.document(new.document.id).other_paths == ("a.txt", "c.txt")
    index.forget(["b.txt"])
    assert index.document(new.document.id).path == "a.txt"
    assert index.chunks([new.chunks[0].id])[new.chunks[0].id].document_path == "a.txt"
    index.forget(["a.txt", "c.txt", "never seen"])
    assert index.counts() == Counts(0, 0, 0, 0)
    assert index.check() == []


def test_a_renamed_file_keeps_its_document(index: Index, sources: Path) -> None:
    new = new_document("old name.txt", ["words"], folder=sources)
    index.put([new])
    index.rename("old name.txt", replace(new.file, path="new/name.txt", mtime_ns=9))
    assert list(index.files()) == ["new/name.txt"]
    assert index.document(new.document.id).path == "new/name.txt"
    assert index.source(new.document.id).is_file()
    index.rename("new/name.txt", replace(new.file, path="new/name.txt", mtime_ns=10))
    assert index.files()["new/name.txt"].mtime_ns == 10
    with pytest.raises(NotFound):
        index.rename("unknown", new.file)
    assert index.check() == []


def test_a_file_renamed_over_another_takes_its_place(index: Index) -> None:
    first, second = new_document("first", ["first words"]), new_document("second", ["second words"])
    index.put([first, second])
    index.rename("first", replace(first.file, path="second"))
    assert [info.id for info in index.documents()] == [first.document.id]
    assert index.check() == []


def test_files_that_gave_nothing_are_rows_too(index: Index) -> None:
    row = FileRow("scan.pdf", 10, 5, "a" * 64, None, "no_text", "no text layer", (PageProblem(1, "no_text", ""),))
    index.put_files([row])
    assert index.files() == {"scan.pdf": row}
    index.put([new_document("scan.pdf", ["now readable"])])
    assert index.files()["scan.pdf"].reason is None
    index.put_files([row])  # and unreadable again: the document goes
    assert index.counts() == Counts(0, 0, 0, 1)
    with pytest.raises(NotFound):
        index.put_files([replace(row, path="x", document_id="0" * 16)])
    assert list(index.files()) == ["scan.pdf"]
    assert index.check() == []


@pytest.mark.parametrize(
    "spoil",
    [
        lambda new: replace(new, vectors=new.vectors[:1]),
        lambda new: replace(new, vectors=new.vectors[:, :-1]),
        lambda new: replace(new, vectors=new.vectors * 2),
        lambda new: replace(new, vectors=new.vectors * np.float32(np.nan)),
        lambda new: replace(new, vectors=new.vectors.astype(np.float64)),
        lambda new: replace(new, chunks=(new.chunks[0], new.chunks[0])),
        lambda new: replace(new, chunks=(new.chunks[0], replace(new.chunks[1], id="f" * 16 + "-00001"))),
        lambda new: replace(new, chunks=(new.chunks[0], replace(new.chunks[1], document_id="f" * 16))),
        lambda new: replace(new, file=replace(new.file, document_id=None)),
        lambda new: replace(new, file=replace(new.file, path="elsewhere")),
        lambda new: replace(new, document=replace(new.document, pages=new.document.pages[:1] * 2)),
    ],
)
def test_what_does_not_fit_together_is_refused_before_anything_is_written(index: Index, spoil) -> None:  # type: ignore[no-untyped-def]
    good, bad = new_document("good", ["good"]), spoil(new_document("bad", ["one", "two"]))
    with pytest.raises(ValueError):
        index.put([good, bad])
    assert index.counts() == Counts(0, 0, 0, 0)


def test_a_failed_transaction_leaves_everything_as_it_was(index: Index, sources: Path) -> None:
    first = new_document("a", ["first"], folder=sources)
    index.put([first])
    bad = new_document("b", ["second"], folder=sources)
    bad = replace(bad, document=replace(bad.document, size_bytes=1 << 70))  # more than SQLite can hold
    with pytest.raises(OverflowError):
        index.put([new_document("c", ["third"], folder=sources), bad])
    assert [info.path for info in index.documents()] == ["a"]
    assert len(list((index.folder / "files").iterdir())) == 1
    assert index.search_vectors(unit("first"), 1) == [(first.chunks[0].id, 1.0)]
    assert index.search_vectors(unit("third"), 5)[0][0] == first.chunks[0].id
    assert index.check() == []


def test_a_source_that_changed_or_is_a_link_is_not_kept(index: Index, sources: Path) -> None:
    changed, linked, piped = (new_document(name, [name], folder=sources) for name in ("changed", "linked", "piped"))
    assert changed.source and linked.source and piped.source
    changed.source.write_text("other bytes by now")
    linked.source.rename(sources / "target")
    linked.source.symlink_to(sources / "target")
    piped.source.unlink()
    os.mkfifo(piped.source)
    index.put([changed, linked, piped, replace(new_document("gone", ["gone"]), source=sources / "missing")])
    for info in index.documents():
        with pytest.raises(NotFound):
            index.source(info.id)
    assert list((index.folder / "files").glob("*")) == []
    assert index.check() == []


def test_forgotten_words_are_nowhere_to_be_found_as_bytes(index: Index, sources: Path) -> None:
    words = [f"uniquemarker{i}x" for i in range(30)]
    index.put(
        [
            new_document(f"{i}.txt", [f"{word} and more"], title=f"title{word}", folder=sources)
            for i, word in enumerate(words)
        ]
    )
    index.forget([f"{i}.txt" for i in range(0, 30, 2)])
    index.put([new_document(f"{i}.txt", ["something else"], replaces=f"{i}.txt") for i in range(1, 30, 4)])
    blobs = [path.read_bytes() for path in index.folder.rglob("*") if path.is_file()]
    for i, word in enumerate(words):
        assert any(word.encode() in blob for blob in blobs) == (i % 4 == 3)
    assert index.check() == []


def test_neighbours_are_those_of_the_same_document_in_order(index: Index) -> None:
    new = new_document("a", [f"text {i}" for i in range(5)])
    index.put([new, new_document("b", ["other"])])
    ids = [chunk.id for chunk in new.chunks]
    assert [chunk.id for chunk in index.neighbours(ids[2])] == ids[1:4]
    assert [chunk.id for chunk in index.neighbours(ids[0], before=2, after=3)] == ids[:4]
    assert [chunk.id for chunk in index.neighbours(ids[4], before=0, after=9)] == ids[4:]
    with pytest.raises(NotFound):
        index.neighbours("unknown")


def test_unknown_things_are_not_found(index: Index) -> None:
    for ask in (
        lambda: index.document("x"),
        lambda: index.page("x", 1),
        lambda: index.source("x"),
        lambda: index.vectors(["x"]),
    ):
        with pytest.raises(NotFound):
            ask()
    assert index.chunks(["x"]) == {}


def test_a_closed_index_takes_nothing_more(quick_path: Path) -> None:
    index = Index.open(quick_path / "index", settings(), mode="write", create=True)
    index.close()
    index.close()
    with pytest.raises(IndexReadOnly):
        index.put([new_document("a", ["a"])])


def test_many_deletions_make_the_vector_store_anew_instead_of_growing(index: Index) -> None:
    for turn in range(4):
        index.put([new_document("a", [f"turn {turn} text {i}" for i in range(600)])])
    assert any("deleted" in repair for repair in index.repairs)
    assert index.vector_engine == "chroma"
    assert index.search_vectors(unit("turn 3 text 7"), 1)[0][1] == 1.0
    assert index.check() == []


def test_threads_ask_while_another_changes(index: Index) -> None:
    index.put([new_document(f"steady {i}", [f"steady {i}"]) for i in range(20)])
    failures: list[BaseException] = []
    done = threading.Event()

    def ask() -> None:
        try:
            while not done.is_set():
                assert len(index.search_vectors(unit("steady 3"), 20)) == 20
                assert index.search_vectors(unit("steady 3"), 1)[0][1] == 1.0
                assert index.search_text(["steady"], [], 100)
                for chunk in index.chunks([hit[0] for hit in index.search_vectors(unit("moving"), 5)]).values():
                    assert chunk.text
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for i in range(15):
        index.put([new_document("moving", [f"moving {i} {j}" for j in range(30)])])
        index.forget(["moving"])
    done.set()
    for thread in threads:
        thread.join()
    assert failures == []
    assert index.check() == []
