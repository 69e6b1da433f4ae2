"""Reading ahead: only while it is quiet, the most used first, each once, within its limits, and then nothing more."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ragedge.answer.ahead import Ahead, one_by_one
from ragedge.contracts import PassagePart, Prompt, Question
from ragedge.errors import ModelCrashed, PromptTooLong
from ragedge.journal import Journal
from ragedge.reading_ahead import IDLE_SECONDS, ReadingAhead, Work
from ragedge.used_questions import MOST_QUESTIONS, used_questions
from tests.server.fakes import make_answer

FOUND = {"how tight": ("bolts", "cap"), "how hot": ("boiler", "cap"), "how far": ("valve",)}


class Reader:
    """Keeps passages in a list; what `answers` holds for one is said of it the first time."""

    def __init__(self) -> None:
        self.kept: list[str] = []
        self.answers: dict[str, Ahead | Exception | Callable[[], Ahead]] = {}
        self.is_ready = True
        self.number = 1
        self.epochs: list[int | None] = []

    def epoch(self) -> int:
        return self.number

    def read_ahead(self, prompt: Prompt, is_cancelled: Callable[[], bool]) -> Ahead:
        text = prompt.user[: prompt.passages[0].chars]
        self.epochs.append(prompt.epoch)
        answer = self.answers.pop(text, None)
        if isinstance(answer, Exception):
            raise answer
        if answer is not None:
            return answer() if callable(answer) else answer
        if is_cancelled():
            return "stopped"
        if text in self.kept:
            return "known"
        self.kept.append(text)
        return "read"


class Box:
    """A service whose clock, visitors and index a test moves by hand."""

    def __init__(self, most: int = 100) -> None:
        self.reader = Reader()
        self.time, self.generation = 0.0, 1
        self.work = Work(False, 0)
        self.shown: Sequence[str] | None = tuple(FOUND)
        self.searched: list[str] = []
        self.ahead = ReadingAhead(
            self.reader,
            lambda shown: list(shown),
            self.prompt_for,
            lambda: self.generation,
            most,
            now=lambda: self.time,
        )
        self.ahead.watch(lambda: self.work, lambda: self.shown)

    def prompt_for(self, question: str) -> Prompt | None:
        self.searched.append(question)
        if question not in FOUND:
            raise PromptTooLong("long", "")
        texts = FOUND[question]
        parts = tuple(PassagePart(f"document-{text}", len(text)) for text in texts)
        return Prompt("system", "".join(texts) + question, (), 0, passages=parts)

    def look(self, seconds: float = IDLE_SECONDS) -> list[str]:
        self.ahead.look()
        self.time += seconds
        self.ahead.look()
        return self.reader.kept


def test_the_most_used_are_read_first_and_each_once_and_then_nothing_is_done() -> None:
    box = Box()
    assert box.look() == ["bolts", "cap", "boiler", "valve"]
    assert box.ahead.figures.state == "done" and box.ahead.figures.read == 4
    searched = len(box.searched)
    for _ in range(100):
        box.look()
    assert len(box.searched) == searched == 3 and len(box.reader.epochs) == 4


def test_nothing_is_read_before_it_is_quiet_for_a_while() -> None:
    box = Box()
    assert box.look(IDLE_SECONDS - 1) == []
    box.work = Work(False, 1)  # a question came and went between two looks
    assert box.look(IDLE_SECONDS - 1) == []
    box.work = Work(True, 2)
    assert box.look(50) == [] and box.searched == []
    box.work = Work(False, 2)
    assert box.look() != []


def test_no_model_is_loaded_for_it_and_suggestions_are_waited_for() -> None:
    box = Box()
    box.reader.is_ready = False
    assert box.look(100) == [] and box.searched == []
    box.reader.is_ready, box.shown = True, None
    assert box.look(100) == [] and box.searched == []
    box.shown = ("how far",)
    assert box.look() == ["valve"]


def test_a_visitor_stops_it_and_later_it_goes_on_where_it_was() -> None:
    box = Box()

    def visitor() -> Ahead:
        box.work = Work(True, 1)
        return "stopped"

    box.reader.answers["boiler"] = visitor
    assert box.look() == ["bolts", "cap"]
    assert box.ahead.figures.interrupted == 1 and box.ahead.figures.state == "waiting"
    box.work = Work(False, 1)
    assert box.look() == ["bolts", "cap", "boiler", "valve"]
    assert box.searched == ["how tight", "how hot", "how hot", "how far"]


def test_a_visitor_who_comes_during_the_search_is_seen_before_anything_is_read() -> None:
    box = Box()
    search = box.prompt_for

    def prompt_for(question: str) -> Prompt | None:
        box.work = Work(True, 1)
        return search(question)

    box.ahead._prompt_for = prompt_for
    assert box.look() == [] and box.ahead.figures.interrupted == 1


def test_it_ends_at_its_number_and_where_there_is_no_room() -> None:
    box = Box(most=3)
    assert box.look() == ["bolts", "cap", "boiler"] and box.ahead.figures.state == "done"
    full = Box()
    full.reader.answers["cap"] = "full"
    assert full.look() == ["bolts"] and full.ahead.figures.state == "full"
    assert full.look() == ["bolts"] and full.searched == ["how tight"]


def test_a_changed_index_is_read_for_anew_and_what_is_known_is_not_read_again() -> None:
    box = Box()
    box.look()
    box.generation, box.reader.number = 2, 7
    box.reader.kept.remove("cap")
    assert box.look() == ["bolts", "boiler", "valve", "cap"]
    assert box.ahead.figures.read == 5 and box.reader.epochs[-1] == 7


def test_documents_that_go_meanwhile_end_the_round_and_the_next_has_another_epoch() -> None:
    box = Box()

    def gone() -> Ahead:
        box.generation, box.reader.number = 2, 2
        return "stale"

    box.reader.answers["cap"] = gone
    assert box.look() == ["bolts"]
    box.look()
    assert box.reader.epochs == [1, 1, 2, 2, 2, 2] and box.ahead.figures.state == "done"


@pytest.mark.parametrize(("outcome", "state"), [("impossible", "off"), (ModelCrashed("dead", ""), "failed")])
def test_a_model_that_cannot_or_dies_is_left_alone(
    outcome: Ahead | Exception, state: str, caplog: pytest.LogCaptureFixture
) -> None:
    box = Box()
    box.reader.answers["bolts"] = outcome
    with caplog.at_level(logging.WARNING, "ragedge.answer"):
        assert box.look() == [] and box.look() == []
    assert box.ahead.figures.state == state and len(box.searched) == 1
    assert ("dead" in caplog.text) == (state == "failed")


def test_a_question_that_nobody_could_ask_is_passed_over() -> None:
    box = Box()
    box.shown = ("far too long", "how far")
    assert box.look() == ["valve"] and box.ahead.figures.state == "done"


def test_its_thread_ends_when_it_is_closed() -> None:
    box = Box()
    box.ahead.start()
    thread = box.ahead._thread
    box.ahead.close()
    assert thread is not None and not thread.is_alive()


def test_a_prompt_is_taken_apart_into_its_passages() -> None:
    prompt = Prompt("s", "[1] A\n\n[2] BB\n\nQuestion: x", (), 0, passages=(PassagePart("a", 7), PassagePart("b", 8)))
    apart = list(one_by_one(prompt))
    assert [part.user for part in apart] == ["[1] A\n\nQuestion: x", "[2] BB\n\nQuestion: x"]
    assert [part.passages for part in apart] == [(PassagePart("a", 7),), (PassagePart("b", 8),)]
    assert list(one_by_one(replace(prompt, passages=()))) == []


def test_the_journals_most_asked_answered_questions_go_first_and_each_comes_once(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.db", now=lambda: datetime(2026, 1, 1, tzinfo=UTC))
    for text, outcome in [
        ("Rare?", "answered"), ("Often?", "answered"), ("often", "answered"), ("Unknown?", "abstained"),
        ("Unknown?", "abstained"), ("Unknown?", "abstained"),
    ]:  # fmt: skip
        journal.record(Question(text), make_answer((), outcome=outcome))
    journal.close()
    golden = tmp_path / "questions.jsonl"
    golden.write_text(
        '{"id": "1", "question": "Golden?", "answers": ["yes"], "answerable": true, "sources": [{"path": "a"}]}\n'
    )
    found = used_questions(journal.path, ("Shown?", "RARE"), golden)
    assert found[:3] == ["often", "Rare?", "Shown?"] and found[3:] == ["Golden?"]
    assert used_questions(None, ("Shown?",), tmp_path / "none") == ["Shown?"]
    assert len(used_questions(None, [f"q {n}" for n in range(2 * MOST_QUESTIONS)], None)) == MOST_QUESTIONS


def test_files_that_cannot_be_read_have_no_questions(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.write_text("neither")
    assert used_questions(broken, ("Shown?",), broken) == ["Shown?"]
