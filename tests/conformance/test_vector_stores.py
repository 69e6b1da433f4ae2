"""One suite for every vector store: what `contracts.VectorStore` promises."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from ragedge.contracts import VectorStore
from ragedge.index.exact import ExactVectors
from ragedge.index.vectors import ChromaVectors
from tests.fakes import HashEmbedder

DIMENSION = 24


def chroma(folder: Path) -> VectorStore:
    return ChromaVectors(folder, DIMENSION, create=True)


def exact(folder: Path) -> VectorStore:
    return ExactVectors(DIMENSION)


@pytest.fixture(params=[chroma, exact], ids=["chroma", "exact"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[VectorStore]:
    make: Callable[[Path], VectorStore] = request.param
    made = make(tmp_path)
    yield made
    made.close()


def units(count: int, seed: int = 0) -> NDArray[np.float32]:
    vectors = np.random.default_rng(seed).normal(size=(count, DIMENSION)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def names(count: int) -> list[str]:
    return [f"{i:016x}-{i:05d}" for i in range(count)]


def test_an_empty_store_finds_nothing(store: VectorStore) -> None:
    assert store.count() == 0
    assert store.search(units(1)[0], 5) == []
    store.delete(["unknown"])


def test_every_vector_finds_itself_with_cosine_one(store: VectorStore) -> None:
    vectors = units(300)
    store.upsert(names(300), vectors)
    assert store.count() == 300
    for row in range(0, 300, 7):
        name, cosine = store.search(vectors[row], 1)[0]
        assert name == names(300)[row]
        assert cosine == pytest.approx(1.0, abs=1e-5)


def test_answers_are_those_of_the_definition_best_first(store: VectorStore) -> None:
    vectors = units(500)
    store.upsert(names(500), vectors)
    for query in units(20, seed=1):
        cosines = vectors @ query
        best = np.argsort(-cosines)[:10]
        found = store.search(query, 10)
        assert [name for name, _ in found] == [names(500)[row] for row in best]
        assert [cosine for _, cosine in found] == pytest.approx([float(cosines[row]) for row in best], abs=1e-5)


def test_upsert_replaces_a_known_id(store: VectorStore) -> None:
    old, new = units(2)
    store.upsert(["a"], old[np.newaxis])
    store.upsert(["a"], new[np.newaxis])
    assert store.count() == 1
    assert store.search(new, 1)[0][1] == pytest.approx(1.0, abs=1e-5)


def test_of_an_id_given_twice_the_last_counts(store: VectorStore) -> None:
    first, last = units(2)
    store.upsert(["a", "a"], np.stack([first, last]))
    assert store.count() == 1
    assert store.search(last, 1)[0][1] == pytest.approx(1.0, abs=1e-5)


def test_more_vectors_than_chroma_takes_at_once_are_stored(store: VectorStore) -> None:
    store.upsert(names(6000), units(6000))
    assert store.count() == 6000
    store.delete(names(6000)[:5999])
    assert store.count() == 1


def test_deleted_vectors_are_not_found_again(store: VectorStore) -> None:
    vectors = units(50)
    store.upsert(names(50), vectors)
    store.delete([names(50)[3], "unknown", names(50)[3]])
    assert store.count() == 49
    assert names(50)[3] not in [name for name, _ in store.search(vectors[3], 50)]
    store.upsert([names(50)[3]], vectors[3:4])
    assert store.search(vectors[3], 1)[0][0] == names(50)[3]


def test_equal_cosines_are_ordered_by_id(store: VectorStore) -> None:
    twin = units(1)
    store.upsert(["c", "a", "b"], np.repeat(twin, 3, axis=0))
    assert [name for name, _ in store.search(twin[0], 3)] == ["a", "b", "c"]


@pytest.mark.parametrize("limit", [0, -1])
def test_no_places_no_hits(store: VectorStore, limit: int) -> None:
    store.upsert(names(3), units(3))
    assert store.search(units(1)[0], limit) == []


def test_a_limit_beyond_the_count_gives_all(store: VectorStore) -> None:
    store.upsert(names(3), units(3))
    assert len(store.search(units(1)[0], 100)) == 3


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_no_numbers_are_refused(store: VectorStore, value: float) -> None:
    vectors = units(2)
    vectors[1, 3] = value
    with pytest.raises(ValueError):
        store.upsert(["a", "b"], vectors)
    with pytest.raises(ValueError):
        store.search(vectors[1], 1)
    assert store.count() == 0


def test_other_dimensions_and_lengths_are_refused(store: VectorStore) -> None:
    with pytest.raises(ValueError):
        store.upsert(["a"], units(1)[:, :-1])
    with pytest.raises(ValueError):
        store.upsert(["a", "b"], units(1))
    with pytest.raises(ValueError):
        store.search(units(1)[0][:-1], 1)


def test_closing_twice_is_harmless(store: VectorStore) -> None:
    store.close()
    store.close()


def test_an_index_that_grew_in_small_steps_finds_every_near_alike_passage(tmp_path: Path) -> None:
    """With 32 neighbours in the graph 1 to 4 of these 220 are out of reach in most orders, with 100 none."""
    embedder = HashEmbedder()
    matrix = embedder.embed_passages([f"Note number {i} is about topic{i}." for i in range(220)])
    for seed in range(6):
        order = np.random.default_rng(seed).permutation(len(matrix))
        store = ChromaVectors(tmp_path / str(seed), embedder.dimension, create=True)
        for start in range(0, len(order), 50):
            rows = order[start : start + 50]
            store.upsert([str(row) for row in rows], matrix[rows])
            store.search(matrix[0], 1)  # what was added enters the graph when something is asked
        lost = [row for row in order if store.search(matrix[row], 1)[0][1] < 1 - 1e-4]
        store.close()
        assert lost == []
