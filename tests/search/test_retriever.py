from __future__ import annotations

import threading

import pytest

from ragedge.contracts import Question
from ragedge.errors import BadQuestion, ConfigError
from ragedge.search.retriever import MAX_TOP_K, Retriever, Steps, fuse
from tests.fakes import HashEmbedder, document
from tests.search.list_index import ListIndex

MANUAL = document(
    "The intake pump runs on twelve volts.\n\n"
    "Fault E-417 means that the intake is blocked.\n\n"
    "Fault E-418 means that the tank is empty.\n\n"
    "The filter cartridge has part number 4.510.210 and is changed every month.\n\n"
    "Tighten the housing bolts crosswise to 45 Nm.\n",
    path="manual.txt",
    title="Manual",
)
LABELS = document(
    "A bronze mirror from the river bank.\n\nA clay lamp, made about 1839.\n\nA map of the intake canal.\n",
    path="labels.txt",
    title="Labels",
)


@pytest.fixture
def index() -> ListIndex:
    return ListIndex([MANUAL, LABELS], HashEmbedder())


def ask(index: ListIndex, text: str, **settings: object):  # type: ignore[no-untyped-def]
    settings = {"top_k": 3, "candidates": 10} | settings
    return Retriever(index, index.embedder, **settings).retrieve(Question(text))  # type: ignore[arg-type]


def test_the_passage_comes_first_with_both_ranks_cosine_and_title(index: ListIndex) -> None:
    retrieval, timings = ask(index, "How tight are the housing bolts?")
    best = retrieval.hits[0]
    assert "Tighten the housing bolts" in best.chunk.text and best.chunk.id == index.passages[4].id
    assert best.title == "Manual" and best.lexical_rank == 1 and best.vector_rank is not None
    members = index.vectors(best.chunk_ids) @ index.embedder.embed_question("How tight are the housing bolts?")
    assert best.cosine == pytest.approx(float(members.max()), abs=1e-5)
    assert timings.embed_ms is not None and timings.lexical_ms is not None and timings.vector_ms is not None


def test_hits_come_best_first_and_all_have_a_cosine(index: ListIndex) -> None:
    retrieval, _ = ask(index, "intake pump and tank", top_k=5)
    scores = [hit.score for hit in retrieval.hits]
    assert scores == sorted(scores, reverse=True)
    assert all(hit.cosine is not None and -1.001 <= hit.cosine <= 1.001 for hit in retrieval.hits)


@pytest.mark.parametrize("text", ["What does E-417 mean?", "meaning of e417", "Is E-417 there when the tank is empty?"])
def test_a_code_that_stands_in_one_passage_decides(index: ListIndex, text: str) -> None:
    retrieval, _ = ask(index, text)
    assert "E-417" in retrieval.hits[0].chunk.text


def test_a_part_number_is_found_exactly(index: ListIndex) -> None:
    retrieval, _ = ask(index, "What is 4.510.210?")
    assert "4.510.210" in retrieval.hits[0].chunk.text


def test_words_that_stand_together_as_in_the_question_go_before_the_same_words_apart() -> None:
    notes = document("Filter the oil.\n\nRain.\n\nThe oil filter of the pump is in the shed.\n", path="notes.txt")
    index = ListIndex([notes], HashEmbedder())
    found = {
        is_used: ask(index, "Where is the oil filter?", steps=Steps(pairs=is_used))[0].hits[0].chunk.id
        for is_used in (True, False)
    }
    apart, _, together = (passage.id for passage in index.passages)
    assert found == {True: together, False: apart}


def test_modes_ask_one_half_alone(index: ListIndex) -> None:
    words, words_time = ask(index, "filter cartridge", mode="lexical")
    assert words.hits and all(hit.cosine is None and hit.vector_rank is None for hit in words.hits)
    assert words_time.embed_ms is None
    index.asked.clear()
    vectors, vectors_time = ask(index, "filter cartridge", mode="vector")
    assert index.asked == [] and vectors_time.lexical_ms is None
    assert all(hit.lexical_rank is None and hit.cosine is not None for hit in vectors.hits)


def test_the_same_question_gives_the_same_hits(index: ListIndex) -> None:
    assert ask(index, "intake")[0] == ask(index, "intake")[0]


def test_ties_break_by_chunk_id() -> None:
    twins = ListIndex([document("same words\n\nother\n\nsame words\n")], HashEmbedder())
    retrieval, _ = ask(twins, "same words", mode="lexical")
    assert [hit.chunk.ordinal for hit in retrieval.hits] == [0, 2]


def test_neighbours_are_merged_and_name_all_their_chunks(index: ListIndex) -> None:
    retrieval, _ = ask(index, "Fault means intake blocked tank empty", top_k=2)
    best = retrieval.hits[0]
    assert len(best.chunk_ids) > 1 and best.chunk.id in best.chunk_ids
    assert list(best.chunk_ids) == sorted(best.chunk_ids)


def test_the_question_decides_how_many_passages(index: ListIndex) -> None:
    retriever = Retriever(index, index.embedder, top_k=3, candidates=10)
    assert len(retriever.retrieve(Question("intake", top_k=1))[0].hits) == 1


@pytest.mark.parametrize(
    "question", [Question("  \n"), Question("pump", top_k=0), Question("pump", top_k=MAX_TOP_K + 1)]
)
def test_questions_that_cannot_be_asked_are_refused(index: ListIndex, question: Question) -> None:
    with pytest.raises(BadQuestion):
        Retriever(index, index.embedder).retrieve(question)


@pytest.mark.parametrize("settings", [{"mode": "magic"}, {"top_k": 0}, {"top_k": 9, "candidates": 8}])
def test_settings_out_of_range_are_refused(index: ListIndex, settings: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        Retriever(index, index.embedder, **settings)  # type: ignore[arg-type]


def test_an_index_without_passages_gives_no_hits() -> None:
    retrieval, _ = Retriever(ListIndex([], HashEmbedder()), HashEmbedder()).retrieve(Question("anything at all"))
    assert retrieval.hits == ()


def best(scores: dict[str, float]) -> str:
    return max(scores, key=scores.__getitem__)


def test_being_good_in_both_outweighs_being_best_in_one() -> None:
    assert best(fuse([("a", 9.0), ("b", 8.0)], {"c": 0.62, "b": 0.6, "a": 0.1}, [])) == "b"


def test_words_alone_and_vectors_alone_keep_their_order() -> None:
    assert best(fuse([("a", 9.0), ("b", 8.0)], {}, [])) == "a"
    assert best(fuse([], {"a": 0.3, "b": 0.4}, [])) == "b"
    assert all(0 <= score <= 1.0001 for score in fuse([("a", 9.0)], {"a": 0.9, "b": -0.5}, []).values())


def test_a_cosine_of_unrelated_texts_counts_as_nothing() -> None:
    scores = fuse([], {"a": 0.1, "b": 0.5, "c": -0.2}, [])
    assert scores["a"] == scores["c"] == 0.0 and scores["b"] == pytest.approx(1.0)


def test_a_code_held_by_few_outweighs_both_and_one_held_by_many_does_not() -> None:
    first, near = [("a", 1.0)], {"a": 0.9, "z": 0.1}
    assert best(fuse(first, near, [[("z", 1.0)]])) == "z"
    many = [(f"m{i}", 1.0) for i in range(50)]
    assert best(fuse(first, near | {i: 0.1 for i, _ in many}, [many])) == "a"


def test_a_question_is_embedded_once_and_remembered_within_bounds(index: ListIndex) -> None:
    calls: list[str] = []

    class Counting(HashEmbedder):
        def embed_question(self, text: str):  # type: ignore[no-untyped-def]
            calls.append(text)
            return super().embed_question(text)

    retriever = Retriever(index, Counting(), top_k=3, candidates=10)
    retriever.retrieve(Question("pump"))
    retriever.question_vector("pump")
    assert calls == ["pump"]
    for i in range(200):
        retriever.question_vector(f"question {i}")
    retriever.question_vector("pump")
    assert calls.count("pump") == 2


def test_several_threads_may_ask_at_once(index: ListIndex) -> None:
    retriever = Retriever(index, index.embedder, top_k=3, candidates=10)
    expected = retriever.retrieve(Question("intake canal"))[0]
    found: list[object] = []
    threads = [
        threading.Thread(target=lambda: found.append(retriever.retrieve(Question("intake canal"))[0])) for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 6


def test_passages_of_preferred_documents_go_first_but_not_before_a_code() -> None:
    like = [
        document(f"The {name} jug was made of clay by a potter.\n", path=f"{name}.txt", title=name)
        for name in ("blue", "green", "red")
    ]
    index = ListIndex([*like, MANUAL], HashEmbedder())
    retriever = Retriever(index, index.embedder, top_k=4, candidates=4)
    for chosen in like[:2]:  # without it, the first of them wins always
        found, _ = retriever.retrieve(Question("Who made the jug?", prefer=(chosen.id,)))
        assert found.hits[0].chunk.document_id == chosen.id and found.hits[0].cosine is not None
    coded, _ = retriever.retrieve(Question("What does E-417 mean?", prefer=(like[0].id,)))
    assert "E-417" in coded.hits[0].chunk.text
    plain, _ = retriever.retrieve(Question("Who made the jug?"))
    unknown, _ = retriever.retrieve(Question("Who made the jug?", prefer=("0" * 16,)))
    assert [hit.chunk.id for hit in plain.hits] == [hit.chunk.id for hit in unknown.hits]
