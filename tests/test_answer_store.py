"""The store of answers: the same question on the same documents costs nothing, anything else is a miss."""

from __future__ import annotations

import random
from collections.abc import Callable, Generator, Iterator
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

from ragedge.answer.gate import Thresholds
from ragedge.answer.process_generator import ProcessGenerator
from ragedge.answer_store import AnswerStore, key_of
from ragedge.ask import AskSettings, Pipeline
from ragedge.contracts import Answer, Event, Passages, Piece, Question, Timings, Turn
from ragedge.contracts import Generator as LanguageModel
from ragedge.errors import RemoteFailed
from ragedge.follow_up import FollowUp
from ragedge.index.store import Index
from ragedge.search.retriever import Retriever
from tests.fakes import HashEmbedder
from tests.fakes_generator import FakeGenerator
from tests.recipes.answer_store_misses import mutated, wrong_hits
from tests.server.fakes import make_answer, make_hit, make_passages
from tests.test_ask import ANSWERS_ALL, BULLETIN, HEAD, QUESTION, REFUSES_ALL, SETTINGS, put
from tests.tiny_gguf import make_tiny_gguf

MUTATIONS = 400
"""In the suite; `python -m tests.recipes.answer_store_misses` tries 10,000."""


class Known(FakeGenerator):
    """A model whose file is known, so that its answers may be kept; counts what it was asked."""

    def __init__(self, identity: str | None = "one", **options: Any) -> None:
        super().__init__(**options)
        self.identity = identity
        self.asked = 0

    def stream(self, *arguments: Any, **options: Any) -> Iterator[Any]:
        self.asked += 1
        return super().stream(*arguments, **options)


class Kept(list[tuple[Question, Answer, str]]):
    """A journal in memory."""

    def record(self, question: Question, answer: Answer, question_id: str, *_: object) -> None:
        self.append((question, answer, question_id))


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    with Index.open(tmp_path / "index", SETTINGS, mode="write", create=True) as opened:
        put(opened, HashEmbedder(), {})
        yield opened


@pytest.fixture
def make(index: Index) -> Callable[..., Pipeline]:
    store = AnswerStore(lambda: index.generation, max_bytes=1_000_000)

    def build(generator: LanguageModel | None = None, thresholds: Thresholds = ANSWERS_ALL, **more: Any) -> Pipeline:
        embedder = HashEmbedder()
        settings = AskSettings(thresholds=thresholds)
        return Pipeline(index, Retriever(index, embedder), embedder, generator, settings, store=store, **more)

    return build


def is_kept(answer: Answer) -> bool:
    return answer.timings.stored_ms is not None


def bare(answer: Answer) -> Answer:
    return replace(answer, timings=Timings(), stats=None)


@pytest.mark.parametrize("thresholds", [ANSWERS_ALL, REFUSES_ALL, Thresholds(bias=100.0, answered=2.0)])
@pytest.mark.parametrize("said", [None, "It takes 12 Nm.", "Of 35 Nm nobody speaks. The pump head bolts take 12 Nm."])
def test_what_comes_out_of_the_store_is_the_fresh_answer(
    make: Callable[..., Pipeline], thresholds: Thresholds, said: str | None
) -> None:
    pipeline = make(Known(said=said) if said else None, thresholds)
    first, second = list(pipeline.stream(QUESTION)), list(pipeline.stream(QUESTION))
    fresh, kept = first[-1], second[-1]
    assert isinstance(fresh, Answer) and isinstance(kept, Answer)
    assert not is_kept(fresh) and is_kept(kept)
    assert bare(kept) == bare(fresh)
    assert isinstance(first[0], Passages) and isinstance(second[0], Passages)
    assert replace(second[0], timings=Timings()) == replace(first[0], timings=Timings())
    shown = ["".join(e.text for e in events if isinstance(e, Piece)) for events in (first, second)]
    assert shown[0] == shown[1]


def test_the_model_is_asked_once_and_what_is_served_says_that_it_spent_nothing(make: Callable[..., Pipeline]) -> None:
    model = Known()
    pipeline = make(model)
    answers = [pipeline.ask(QUESTION) for _ in range(3)]
    assert model.asked == 1
    assert [is_kept(answer) for answer in answers] == [False, True, True]
    assert answers[0].stats is not None and answers[1].stats is None


def test_each_served_answer_has_its_own_row_in_the_journal(make: Callable[..., Pipeline]) -> None:
    journal = Kept()
    pipeline = make(journal=journal)
    for question_id in ("a", "b"):
        list(pipeline.stream(QUESTION, question_id=question_id))
    assert [question_id for _, _, question_id in journal] == ["a", "b"]
    assert is_kept(journal[1][1])


def test_white_space_alone_makes_no_other_question_but_a_letter_does(make: Callable[..., Pipeline]) -> None:
    pipeline = make()
    pipeline.ask(QUESTION)
    assert is_kept(pipeline.ask(replace(QUESTION, text=f"  {QUESTION.text.replace(' ', '   ')}\n")))
    for text in (QUESTION.text.lower(), QUESTION.text.rstrip("?"), QUESTION.text.replace("tight", "tigth")):
        assert not is_kept(pipeline.ask(replace(QUESTION, text=text))), text


def test_adding_replacing_and_removing_a_document_misses(make: Callable[..., Pipeline], index: Index) -> None:
    pipeline, embedder = make(), HashEmbedder()
    assert pipeline.ask(QUESTION).citations[0].quote == HEAD
    put(index, embedder, {"new.pdf": (("An unrelated page about towels.",), ("1",))})
    assert not is_kept(pipeline.ask(QUESTION)) and is_kept(pipeline.ask(QUESTION))
    put(index, embedder, {"pump.pdf": ((BULLETIN,), ("1",))})
    changed = pipeline.ask(QUESTION)
    assert not is_kept(changed) and "15 Nm" in changed.text
    index.forget(["pump.pdf"])
    gone = pipeline.ask(QUESTION)
    assert not is_kept(gone) and "15 Nm" not in gone.text
    assert is_kept(pipeline.ask(QUESTION))


def test_a_document_removed_is_gone_from_the_store_with_the_next_question(
    make: Callable[..., Pipeline], index: Index
) -> None:
    pipeline = make()
    store = pipeline.store
    assert store is not None
    pipeline.ask(QUESTION)
    assert len(store) == 1 and store.bytes_held > 0
    index.forget(["pump.pdf"])
    pipeline.ask(Question("What about the filter cap?"))
    assert not any(b"12 Nm" in data for data in store._entries.values())


def test_a_change_while_the_answer_is_made_keeps_it_out(make: Callable[..., Pipeline], index: Index) -> None:
    pipeline = make(Known(before_piece=lambda number: index.forget(["winter.pdf"]) if number == 1 else None))
    pipeline.ask(QUESTION)
    assert pipeline.store is not None and len(pipeline.store) == 0


@pytest.mark.parametrize(
    "change",
    [
        lambda p: setattr(p, "settings", replace(p.settings, language="de")),
        lambda p: setattr(p, "settings", replace(p.settings, max_answer_tokens=7)),
        lambda p: setattr(p, "settings", replace(p.settings, thresholds=Thresholds(bias=99.0))),
        lambda p: setattr(p, "generator", Known("another file")),
        lambda p: setattr(p, "generator", None),
        lambda p: setattr(p, "retriever", Retriever(p.index, p.embedder, top_k=3)),
    ],
)
def test_a_changed_setting_gate_or_model_misses(
    make: Callable[..., Pipeline], change: Callable[[Pipeline], None]
) -> None:
    pipeline = make(Known())
    pipeline.ask(QUESTION)
    assert is_kept(pipeline.ask(QUESTION))
    change(pipeline)
    assert not is_kept(pipeline.ask(QUESTION))


def test_every_field_of_a_question_counts() -> None:
    other: dict[str, Any] = {
        "text": "Other?", "collection": "c", "history": (Turn("a", "b"),), "filters": {"path": "x"}, "top_k": 3,
        "max_answer_tokens": 9, "temperature": 0.5, "seed": 4, "language": "de", "prefer": ("0" * 16,),
        "readable": ("staff",), "portion": "p",
    }  # fmt: skip
    assert set(other) == {field.name for field in fields(Question)}, "a new field must change the key, too"
    keys = [key_of(QUESTION, 1, ()), key_of(QUESTION, 2, ()), key_of(QUESTION, 1, ("x",))]
    keys += [key_of(replace(QUESTION, **{name: value}), 1, ()) for name, value in other.items()]
    assert len(set(keys)) == len(keys)
    two = [replace(QUESTION, filters=dict(order)) for order in ((("a", "1"), ("b", "2")), (("b", "2"), ("a", "1")))]
    assert key_of(two[0], 1, ()) == key_of(two[1], 1, ()), "the order of filters says nothing"


def test_what_failed_was_cancelled_or_comes_from_elsewhere_is_not_kept(make: Callable[..., Pipeline]) -> None:
    class Broken(Known):
        def stream(self, *arguments: Any, **options: Any) -> Iterator[Any]:
            raise RemoteFailed("away")

    pipeline = make(Broken())
    assert "quoted, because" in pipeline.ask(QUESTION).reason
    assert not is_kept(pipeline.ask(QUESTION))
    pipeline = make(Known("stopped", said="one two three"))
    list(pipeline.stream(QUESTION, lambda: True))
    assert not is_kept(pipeline.ask(QUESTION))
    pipeline = make(Known(None))  # as a server elsewhere: nobody knows when its model changes
    pipeline.ask(QUESTION)
    assert not is_kept(pipeline.ask(QUESTION))


def test_a_quote_that_is_gone_is_not_served_even_from_the_store(index: Index) -> None:
    """The last check runs on what comes out, too: here the store believes that nothing has changed."""
    embedder = HashEmbedder()
    store = AnswerStore(lambda: 1, max_bytes=1_000_000)
    settings = AskSettings(thresholds=ANSWERS_ALL)
    pipeline = Pipeline(index, Retriever(index, embedder), embedder, None, settings, store=store)
    assert pipeline.ask(QUESTION).citations
    index.forget(["pump.pdf"])
    kept = pipeline.ask(QUESTION)
    assert is_kept(kept) and not kept.citations
    assert "[unconfirmed: 12 Nm]" in kept.text


def events_of(text: str, chars: int = 0) -> Callable[[], Generator[Event, None, None]]:
    def events() -> Generator[Event, None, None]:
        hit = make_hit(text=text + "x" * chars)
        yield make_passages((hit,))
        yield Piece(text)
        yield make_answer((hit,), text)

    return events


def test_it_holds_no_more_entries_and_bytes_than_it_may_and_the_longest_unused_goes_first() -> None:
    store = AnswerStore(lambda: 1, max_bytes=60_000, max_entries=5)

    def served(name: str) -> bool:
        (*_, last) = store.events(Question(name), (), events_of(name), 0.0)
        return isinstance(last, Answer) and is_kept(last)

    for name in "abcde":
        assert not served(name)
    assert served("a") and len(store) == 5
    assert not served("f") and len(store) == 5
    assert served("a"), "it was used again"
    assert not served("b"), "it was the longest unused"
    for number in range(40):
        list(store.events(Question(f"long {number}"), (), events_of(f"long {number}", 8_000), 0.0))
        assert store.bytes_held <= 60_000
    held = store.bytes_held
    list(store.events(Question("huge"), (), events_of("huge", 30_000), 0.0))
    assert store.bytes_held == held, "one answer does not drive out all others"
    store.clear()
    assert (len(store), store.bytes_held) == (0, 0)


def test_half_a_character_is_not_kept_and_harms_nothing() -> None:
    store = AnswerStore(lambda: 1, max_bytes=60_000)
    events = list(store.events(Question("q"), (), events_of("half \ud83d of a pair"), 0.0))
    assert isinstance(events[-1], Answer) and len(store) == 0


def test_no_mutated_question_or_setting_is_ever_taken_for_another() -> None:
    assert wrong_hits(MUTATIONS, seed=1) == 0
    rng = random.Random(2)
    assert len({repr(mutated(QUESTION, rng)) for _ in range(200)}) > 50, "the mutations differ from each other"


def test_a_model_file_that_was_exchanged_is_another_model_and_a_sum_is_what_counts(tmp_path: Path) -> None:
    path = make_tiny_gguf(tmp_path / "a.gguf")
    known = [ProcessGenerator(path, sha256=letter * 64) for letter in "ab"] + [
        ProcessGenerator(path, context_tokens=512)
    ]
    unknown = ProcessGenerator(path)
    assert len({model.identity for model in (*known, unknown)}) == 4
    before = unknown.identity, known[0].identity
    make_tiny_gguf(path, seed=8)
    assert unknown.identity != before[0] and known[0].identity == before[1]
    path.unlink()
    assert unknown.identity is None, "nobody knows what the next process would read"


def test_a_follow_up_that_the_model_may_rewrite_is_not_kept_and_one_by_rules_is(make: Callable[..., Pipeline]) -> None:
    history = (Turn("How tight are the pump head bolts?", "12 Nm."),)
    leaning = Question("And how are they tightened?", history=history)
    for rewriter, expected in ((True, False), (False, True)):
        model = Known(said="How are the pump head bolts tightened?")
        follow_up = FollowUp(model, prompt_speed=1e6, speed=1e6) if rewriter else FollowUp()
        pipeline = make(model, follow_up=follow_up)
        events = list(pipeline.stream(leaning))
        assert isinstance(events[0], Passages)
        assert events[0].retrieval.question.text == leaning.text, "the user's words stay"
        assert (events[0].retrieval.search_text == "How are the pump head bolts tightened?") is rewriter
        assert is_kept(pipeline.ask(leaning)) is expected
