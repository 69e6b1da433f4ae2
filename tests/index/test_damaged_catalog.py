"""A damaged catalog is refused, reported, or harmless; it never gives a wrong text."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from ragedge.errors import IndexCorrupt, RagedgeError
from ragedge.index.store import Index
from tests.index import test_damaged_vectors as damages
from tests.index.make import new_document, settings, unit

DOCUMENTS, CHUNKS = 30, 12


def sentence(document: int, chunk: int) -> str:
    rng = random.Random(document * 1000 + chunk)
    return f"document {document} passage {chunk}: " + " ".join(f"word{rng.randrange(400)}" for _ in range(60))


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("pristine")
    new = [new_document(f"{i}.txt", [sentence(i, j) for j in range(CHUNKS)]) for i in range(DOCUMENTS)]
    with Index.open(folder / "now", settings(), mode="write", create=True) as index:
        index.put(new[:-3])
    shutil.copytree(folder / "now", folder / "earlier")
    with Index.open(folder / "now", settings(), mode="write") as index:
        index.put(new[-3:])
    return folder / "now", folder / "earlier"


def read_everything(index: Index) -> None:
    """Every text must be the one that was stored, or reading it must be refused."""
    for info in index.documents():
        document = int(info.path.split(".")[0])
        assert info.title == info.path
        for number in range(1, info.pages + 1):
            assert index.page(info.id, number).text == sentence(document, number - 1)
        ids = [f"{info.id}-{i:05d}" for i in range(info.chunks)]
        for chunk_id, chunk in index.chunks(ids).items():
            assert chunk.text == sentence(document, int(chunk_id[-5:]))
            assert chunk.document_path == info.path
    index.search_vectors(unit("anything"), 5)


def outcome(folder: Path) -> str:
    """ "refused" at opening, "refused reading", "reported" by check, or "sound"; a wrong text fails the test."""
    try:
        index = Index.open(folder, settings())
    except IndexCorrupt as error:
        assert "ragedge ingest" in error.hint
        return "refused"
    with index:
        problems = index.check()
        try:
            read_everything(index)
        except RagedgeError:
            assert problems, "reading failed, but check said nothing"
            return "refused reading"
        return "reported" if problems else "sound"


@pytest.mark.parametrize("damage", damages.DAMAGES, ids=lambda damage: damage.__name__)
def test_every_kind_of_damage_is_refused_or_reported(
    pristine: tuple[Path, Path], quick_path: Path, damage: Callable[[Path, Path], None]
) -> None:
    folder = quick_path / "index"
    shutil.copytree(pristine[0], folder)
    damage(folder / "catalog.db", pristine[1] / "catalog.db")
    expected = {"reported"} if damage is damages.stale_generation else {"refused"}
    assert outcome(folder) in expected


@pytest.mark.parametrize("seed", range(40))
def test_flipped_bits_in_an_unsealed_catalog_never_give_a_wrong_text(
    pristine: tuple[Path, Path], quick_path: Path, seed: int
) -> None:
    """After a kill there is no seal: then rows are compared with their digests as they are read."""
    folder = quick_path / "index"
    shutil.copytree(pristine[0], folder)
    (folder / "catalog.seal").unlink()
    path, rng = folder / "catalog.db", random.Random(seed)
    data = bytearray(path.read_bytes())
    for _ in range(16):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    path.write_bytes(data)
    assert outcome(folder) in {"refused", "refused reading", "reported"}


def test_an_undamaged_catalog_is_sound(pristine: tuple[Path, Path], quick_path: Path) -> None:
    shutil.copytree(pristine[0], quick_path / "index")
    assert outcome(quick_path / "index") == "sound"


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE chunks SET text = replace(text, 'passage', 'message') WHERE rowid = 3",
        "UPDATE pages SET text = 'other words' WHERE number = 2",
        "UPDATE documents SET title = 'another'",
        "UPDATE vectors SET vector = zeroblob(128) WHERE rowid = 5",
        "UPDATE files SET size_bytes = 1",
        "DELETE FROM vectors WHERE rowid = 1",
        "DELETE FROM pages WHERE number = 3",
        "DELETE FROM chunks WHERE rowid = 9",
        "DELETE FROM files WHERE path = '1.txt'",
        "DELETE FROM fts_data WHERE rowid > 10",
    ],
)
def test_rows_changed_behind_our_back_are_reported(pristine: tuple[Path, Path], quick_path: Path, sql: str) -> None:
    folder = quick_path / "index"
    shutil.copytree(pristine[0], folder)
    (folder / "catalog.seal").unlink()
    db = sqlite3.connect(folder / "catalog.db")
    db.execute(sql)
    db.commit()
    db.close()
    with Index.open(folder, settings(), mode="write") as index:
        assert index.check() != []


def test_a_broken_word_index_is_made_anew_by_rebuild(pristine: tuple[Path, Path], quick_path: Path) -> None:
    folder = quick_path / "index"
    shutil.copytree(pristine[0], folder)
    (folder / "catalog.seal").unlink()
    db = sqlite3.connect(folder / "catalog.db")
    db.execute("INSERT INTO fts (fts) VALUES ('delete-all')")
    db.commit()
    db.close()
    with Index.open(folder, settings(), mode="write") as index:
        assert index.search_text(["passage"], [], 5) == []
        assert any("rebuild" in problem for problem in index.check())
        seen: list[tuple[int, int]] = []
        index.rebuild(lambda done, total: seen.append((done, total)))
        assert seen[-1] == (DOCUMENTS * CHUNKS, DOCUMENTS * CHUNKS)
        assert len(index.search_text(["passage"], [], 5)) == 5
        assert index.check() == []


def test_a_damaged_or_lost_copy_of_a_source_is_reported(quick_path: Path) -> None:
    sources = quick_path / "sources"
    sources.mkdir()
    with Index.open(quick_path / "index", settings(), mode="write", create=True) as index:
        index.put([new_document(name, [name], folder=sources) for name in ("a", "b", "c")])
        copies = sorted((quick_path / "index" / "files").iterdir())
        copies[0].write_bytes(b"something else")
        copies[1].unlink()
        problems = index.check()
        assert [problem.rsplit(" ", 1)[1] for problem in problems] == ["damaged", "missing"]
