"""Every damaged file of the vector store is noticed at opening and made anew; answers stay what they were."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ragedge.index.store import Index
from ragedge.index.verify import verify_in_child
from tests.index.make import DIMENSION, new_document, settings, unit

DOCUMENTS, CHUNKS, QUERIES = 21, 100, 200
LATER = 4  # documents put after the stale copy was taken; in between, Chroma writes its graph down
NAMES = ("chroma.sqlite3", "header.bin", "data_level0.bin", "length.bin", "link_lists.bin", "index_metadata.pickle")
Answers = list[list[str]]


def delete(path: Path, stale: Path) -> None:
    path.unlink()


def empty(path: Path, stale: Path) -> None:
    path.write_bytes(b"")


def half(path: Path, stale: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def one_byte_short(path: Path, stale: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def zero_page(path: Path, stale: Path) -> None:
    data = bytearray(path.read_bytes())
    start = (len(data) // 2) // 4096 * 4096
    end = min(len(data), start + 4096)
    data[start:end] = bytes(end - start)
    path.write_bytes(data)


def flipped_bits(path: Path, stale: Path) -> None:
    data = bytearray(path.read_bytes())
    rng = random.Random(path.name)
    for _ in range(16):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    path.write_bytes(data)


def all_zero(path: Path, stale: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def stale_generation(path: Path, stale: Path) -> None:
    shutil.copyfile(stale, path)


DAMAGES: tuple[Callable[[Path, Path], None], ...] = (
    delete,
    empty,
    half,
    one_byte_short,
    zero_page,
    flipped_bits,
    all_zero,
    stale_generation,
)


def found_in(folder: Path) -> dict[str, Path]:
    """The files of the only generation of a vector store, by name."""
    (generation,) = [path for path in (folder / "chroma").iterdir() if path.is_dir()]
    return {path.name: path for path in generation.rglob("*") if path.is_file()}


def answers(index: Index) -> Answers:
    questions = [
        unit(f"document {i % DOCUMENTS} passage {i % CHUNKS}") + 0.2 * unit(f"noise {i}") for i in range(QUERIES)
    ]
    return [[hit[0] for hit in index.search_vectors(q / np.linalg.norm(q), 10)] for q in questions]


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Answers]:
    """A closed index of 2,100 chunks, its state some documents earlier, and what it answers."""
    folder = tmp_path_factory.mktemp("pristine")
    new = [new_document(f"{i}.txt", [f"document {i} passage {j}" for j in range(CHUNKS)]) for i in range(DOCUMENTS)]
    with Index.open(folder / "now", settings(), mode="write", create=True) as index:
        index.put(new[:-LATER])
    shutil.copytree(folder / "now", folder / "earlier")
    with Index.open(folder / "now", settings(), mode="write") as index:
        index.put(new[-LATER:])
        known = answers(index)
        assert index.vector_engine == "chroma"
    return folder / "now", folder / "earlier", known


def test_the_files_damaged_here_are_all_that_chroma_keeps(pristine: tuple[Path, Path, Answers]) -> None:
    assert set(found_in(pristine[0])) == set(NAMES)


def test_an_undamaged_store_is_opened_as_it_is(pristine: tuple[Path, Path, Answers], tmp_path: Path) -> None:
    folder = tmp_path / "index"
    shutil.copytree(pristine[0], folder)
    with Index.open(folder, settings()) as index:
        assert answers(index) == pristine[2]
        assert index.repairs == ()


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
@pytest.mark.parametrize("name", NAMES)
def test_damage_is_noticed_and_answers_stay_equal(
    pristine: tuple[Path, Path, Answers], quick_path: Path, name: str, damage: Callable[[Path, Path], None]
) -> None:
    now, earlier, known = pristine
    folder = quick_path / "index"
    shutil.copytree(now, folder)
    victim = found_in(folder)[name]
    before = victim.read_bytes()
    damage(victim, found_in(earlier)[name])
    if victim.exists() and victim.read_bytes() == before:
        pytest.skip(f"{damage.__name__} leaves {name} as it is")
    with Index.open(folder, settings()) as index:
        assert index.repairs == ("the vector store was damaged or missing",)
        assert index.vector_engine == "chroma"
        assert answers(index) == known
    with Index.open(folder, settings()) as index:
        assert index.repairs == ()


@pytest.mark.parametrize("part", ["segment", "generation", "chroma", "current", "foreign file", "symlink"])
def test_missing_or_strange_folders_are_made_anew(
    pristine: tuple[Path, Path, Answers], quick_path: Path, part: str
) -> None:
    folder = quick_path / "index"
    shutil.copytree(pristine[0], folder)
    segment = found_in(folder)["header.bin"].parent
    if part == "foreign file":
        (segment / "extra.bin").write_bytes(b"from elsewhere")
    elif part == "symlink":
        segment.parent.rename(quick_path / "elsewhere")
        segment.parent.symlink_to(quick_path / "elsewhere")
    elif part == "current":
        (folder / "chroma" / "current").unlink()
    else:
        shutil.rmtree({"segment": segment, "generation": segment.parent, "chroma": folder / "chroma"}[part])
    with Index.open(folder, settings()) as index:
        assert len(index.repairs) == 1
        assert answers(index) == pristine[2]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_damage_without_a_seal_never_takes_this_process_down(
    pristine: tuple[Path, Path, Answers], quick_path: Path, damage: Callable[[Path, Path], None]
) -> None:
    """A killed process leaves no seal: then a child opens the folder first, whatever that does to the child."""
    now, earlier, known = pristine
    folder = quick_path / "index"
    shutil.copytree(now, folder)
    damage(found_in(folder)["link_lists.bin"], found_in(earlier)["link_lists.bin"])
    damage(found_in(folder)["data_level0.bin"], found_in(earlier)["data_level0.bin"])
    (folder / "chroma" / "seal.json").unlink()
    with Index.open(folder, settings()) as index:
        assert index.vector_engine == "chroma"
        assert answers(index) == known
        assert index.check() == []


def test_an_undamaged_store_without_a_seal_is_kept(pristine: tuple[Path, Path, Answers], quick_path: Path) -> None:
    folder = quick_path / "index"
    shutil.copytree(pristine[0], folder)
    (folder / "chroma" / "seal.json").unlink()
    with Index.open(folder, settings()) as index:
        assert index.repairs == ()
        assert answers(index) == pristine[2]
        assert index.check() == []


def test_a_runaway_file_is_refused_without_being_read(pristine: tuple[Path, Path, Answers], quick_path: Path) -> None:
    folder = quick_path / "index"
    shutil.copytree(pristine[0], folder)
    links = found_in(folder)["link_lists.bin"]
    with links.open("r+b") as file:
        file.truncate(1 << 40)  # sparse: a terabyte that takes no room
    generation = links.parent.parent
    verdict = verify_in_child(folder / "catalog.db", generation, DOCUMENTS * CHUNKS, DIMENSION)
    assert not verdict.is_usable
    with Index.open(folder, settings()) as index:
        assert answers(index) == pristine[2]


def test_a_power_cut_makes_the_store_anew_without_looking_inside(
    pristine: tuple[Path, Path, Answers], quick_path: Path
) -> None:
    folder = quick_path / "index"
    shutil.copytree(pristine[0], folder)
    (folder / "chroma" / "seal.json").unlink()
    (folder / "chroma" / "seal.json.broken").write_text("another start of the machine")
    with Index.open(folder, settings()) as index:
        assert index.repairs == ("the vector store was not closed",)
        assert answers(index) == pristine[2]


def test_a_catalog_put_back_from_a_backup_gets_its_own_vectors(
    pristine: tuple[Path, Path, Answers], quick_path: Path
) -> None:
    folder = quick_path / "index"
    shutil.copytree(pristine[0], folder)
    shutil.copyfile(pristine[1] / "catalog.db", folder / "catalog.db")
    with Index.open(folder, settings()) as index:
        assert index.counts().chunks == (DOCUMENTS - LATER) * CHUNKS
        gone = f"document {DOCUMENTS - 1} passage 0"
        assert all(hit[1] < 0.999 for hit in index.search_vectors(unit(gone), 10))
        assert any("older than manifest.json" in problem for problem in index.check())


def test_a_reader_that_is_killed_leaves_the_seal_whole(pristine: tuple[Path, Path, Answers], quick_path: Path) -> None:
    folder = quick_path / "index"
    shutil.copytree(pristine[0], folder)
    asked = Index.open(folder, settings())
    asked.search_vectors(unit("anything"), 3)
    shutil.copytree(folder, quick_path / "copy")  # what a kill at this moment would leave
    asked.close()
    with Index.open(quick_path / "copy", settings()) as index:
        assert answers(index) == pristine[2]
        assert index.repairs == ()


def test_a_store_that_fails_in_use_costs_no_document_and_is_made_anew_at_the_next_opening(quick_path: Path) -> None:
    with Index.open(quick_path / "index", settings(), mode="write", create=True) as index:
        index.put([new_document("a.txt", ["first words"])])
        assert index.vector_engine == "chroma"
        found_in(index.folder)["chroma.sqlite3"].unlink()  # as a careless person would
        index.put([new_document("b.txt", ["second words"])])
        index.forget(["a.txt"])
        assert index.vector_engine == "exact"
        assert [hit[1] for hit in index.search_vectors(unit("second words"), 5)] == [1.0]
        assert index.check() == ["the vector store is missing"]
    with Index.open(quick_path / "index", settings(), mode="write") as index:
        assert index.repairs == ("the vector store was damaged or missing",)
        assert index.vector_engine == "chroma"
        assert [hit[1] for hit in index.search_vectors(unit("second words"), 5)] == [1.0]
        assert index.check() == []


def test_a_folder_that_vanishes_in_use_is_made_anew_at_the_next_change(quick_path: Path) -> None:
    with Index.open(quick_path / "index", settings(), mode="write", create=True) as index:
        index.put([new_document("a.txt", ["first words"])])
        shutil.rmtree(found_in(index.folder)["chroma.sqlite3"].parent)
        index.put([new_document("b.txt", ["second words"])])
        assert index.vector_engine == "chroma"
        assert [hit[1] for hit in index.search_vectors(unit("second words"), 1)] == [1.0]
        assert index.check() == []


def test_a_given_up_store_is_made_anew_by_rebuild_too(quick_path: Path) -> None:
    with Index.open(quick_path / "index", settings(), mode="write", create=True) as index:
        index.put([new_document("a.txt", ["first words"])])
        found_in(index.folder)["chroma.sqlite3"].unlink()
        index.put([new_document("b.txt", ["second words"])])
        index.rebuild()
        assert index.vector_engine == "chroma"
        assert index.check() == []
