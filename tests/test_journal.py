"""The journal: what is kept, for how long, how it leaves as a file, and that it never costs an answer."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
import stat
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ragedge import journal_verbs
from ragedge.ask import AskSettings, Pipeline
from ragedge.contracts import Answer, Question
from ragedge.errors import InputError
from ragedge.evaluation.goldens import read_questions
from ragedge.index.store import Index
from ragedge.journal import Entry, Journal, clear_journal, read_journal
from ragedge.journal_export import as_csv
from ragedge.search.retriever import Retriever
from tests.fakes import HashEmbedder
from tests.server.fakes import make_answer, make_hit
from tests.test_ask import SETTINGS, put

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
ANSWER = make_answer((make_hit(),))
REFUSAL = make_answer((make_hit(),), "Not here.", outcome="abstained", citations=(), unsupported=(), engine="none")


class Clock:
    """A time that moves by hand."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def journal(tmp_path: Path, clock: Clock) -> Iterator[Journal]:
    opened = Journal(tmp_path / ".journal" / "a.db", now=clock)
    yield opened
    opened.close()


def test_a_question_is_kept_with_outcome_engine_and_first_source(journal: Journal) -> None:
    journal.record(Question("what torque?"), ANSWER, "id1")
    journal.record(Question("who won the cup?"), REFUSAL)
    journal.close()
    first, second = read_journal(journal.path)
    assert first == Entry(
        "2026-03-01T12:00:00+00:00", "what torque?", "answered", 0.8, "llama:tiny.gguf", "manual.txt", 1, None, "",
        None, 900.0,
    )  # fmt: skip
    assert (second.outcome, second.engine, second.document) == ("abstained", "none", "manual.txt")


def test_what_people_ask_can_be_read_by_the_owner_alone(journal: Journal) -> None:
    journal.record(Question("q"), ANSWER)
    journal.close()
    assert stat.S_IMODE(journal.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(journal.path.parent.stat().st_mode) == 0o700


def test_feedback_finds_its_question_and_the_last_word_counts(journal: Journal) -> None:
    journal.record(Question("q"), ANSWER, "id1")
    assert journal.feedback("id1", "up") is True
    assert journal.feedback("id1", "down", "wrong\x1b[2J page" + "x" * 900) is True
    assert journal.feedback("id2", "up") is False
    assert journal.feedback("", "up") is False
    (entry,) = read_journal(journal.path)
    assert entry.verdict == "down"
    assert entry.reason.startswith("wrong [2J page") and len(entry.reason) == 500


def test_texts_are_bounded_and_one_line(journal: Journal) -> None:
    journal.record(Question("a\nb\x00\ud800" + "c" * 9000), ANSWER, "i" * 9000)
    journal.close()
    (entry,) = read_journal(journal.path)
    assert len(entry.question) == 2000 and entry.question.startswith("a b ")


def test_selections_by_outcome_thumb_and_time(journal: Journal, clock: Clock) -> None:
    journal.record(Question("good"), ANSWER, "1")
    journal.record(Question("refused"), REFUSAL, "2")
    clock.now += timedelta(days=1)
    journal.record(Question("bad"), ANSWER, "3")
    assert journal.feedback("3", "down")
    path = journal.path
    assert [e.question for e in read_journal(path, is_unanswered=True)] == ["refused"]
    assert [e.question for e in read_journal(path, is_down=True)] == ["bad"]
    assert [e.question for e in read_journal(path, is_unanswered=True, is_down=True)] == ["refused", "bad"]
    assert [e.question for e in read_journal(path, since=START + timedelta(hours=1))] == ["bad"]


def test_old_and_surplus_questions_go_by_themselves(tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "j.db"
    for days, texts in ((0, "ab"), (40, "c"), (41, "defg")):
        clock.now = START + timedelta(days=days)
        opened = Journal(path, max_rows=3, max_age_days=30, now=clock)
        for text in texts:
            opened.record(Question(text), ANSWER)
        opened.close()
    assert [e.question for e in read_journal(path)] == ["c", "d", "e", "f", "g"], "age goes at the next look"
    opened = Journal(path, max_rows=3, max_age_days=30, now=clock)
    opened.record(Question("h"), ANSWER)
    opened.close()
    assert [e.question for e in read_journal(path)] == ["f", "g", "h"]


def test_cleared_questions_stand_nowhere_in_the_files(journal: Journal) -> None:
    journal.record(Question("very secret question"), ANSWER)
    journal.close()
    assert clear_journal(journal.path) == 1
    assert read_journal(journal.path) == []
    for path in journal.path.parent.iterdir():
        assert b"very secret" not in path.read_bytes()


def test_clearing_the_older_ones_keeps_the_newer(journal: Journal, clock: Clock) -> None:
    journal.record(Question("old"), ANSWER)
    clock.now += timedelta(days=2)
    journal.record(Question("new"), ANSWER)
    journal.close()
    assert clear_journal(journal.path, before=START + timedelta(days=1)) == 1
    assert [e.question for e in read_journal(journal.path)] == ["new"]


def test_no_journal_is_an_empty_one_and_a_broken_one_says_so(tmp_path: Path) -> None:
    assert read_journal(tmp_path / "none.db") == []
    assert clear_journal(tmp_path / "none.db") == 0
    broken = tmp_path / "broken.db"
    broken.write_bytes(b"this is no database " * 500)
    for verb in (read_journal, clear_journal):
        with pytest.raises(InputError, match=r"broken\.db"):
            verb(broken)


# ---------------------------------------------------------------------------------------------- never in the way


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    with Index.open(tmp_path / "index", SETTINGS, mode="write", create=True) as opened:
        put(opened, HashEmbedder(), {})
        yield opened


def answer_of(index: Index, journal: Journal) -> Answer:
    embedder = HashEmbedder()
    pipeline = Pipeline(index, Retriever(index, embedder), embedder, None, AskSettings(), journal=journal)
    return pipeline.ask(Question("How tight are the pump head bolts?"))


def test_the_pipeline_keeps_every_question_once(index: Index, journal: Journal) -> None:
    answer = answer_of(index, journal)
    journal.close()
    (entry,) = read_journal(journal.path)
    assert (entry.question, entry.outcome) == ("How tight are the pump head bolts?", answer.outcome)


def test_a_journal_that_cannot_be_written_costs_one_warning_and_no_answer(
    index: Index, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("in the way")
    journal = Journal(tmp_path / "file" / "a.db")
    for _ in range(3):
        assert answer_of(index, journal).text
    assert journal.feedback("x", "up") is False
    journal.close()
    assert capsys.readouterr().err.count("the journal is not written") == 1


def test_a_locked_journal_delays_no_answer(journal: Journal, capsys: pytest.CaptureFixture[str]) -> None:
    journal.record(Question("first"), ANSWER, "1")
    assert journal.feedback("1", "up")
    with closing(sqlite3.connect(journal.path)) as other:
        other.execute("BEGIN IMMEDIATE")
        started = time.perf_counter()
        for number in range(100):
            journal.record(Question(f"q{number}"), ANSWER)
        took = time.perf_counter() - started
        other.rollback()
    assert took < 1.0, "a hundred rows behind a lock; writing them would wait for seconds"
    journal.close()
    assert len(read_journal(journal.path)) == 101
    assert capsys.readouterr().err == ""


def test_more_than_can_be_written_is_dropped_with_one_warning(
    journal: Journal, capsys: pytest.CaptureFixture[str]
) -> None:
    journal.record(Question("first"), ANSWER, "1")
    assert journal.feedback("1", "up")
    with closing(sqlite3.connect(journal.path)) as other:
        other.execute("BEGIN IMMEDIATE")
        for number in range(1000):
            journal.record(Question(f"q{number}"), ANSWER)
        other.rollback()
    journal.close()
    assert 400 < len(read_journal(journal.path)) < 1000
    assert capsys.readouterr().err.count("the journal is not written") == 1


def test_after_closing_nothing_is_kept_and_nothing_fails(journal: Journal) -> None:
    journal.close()
    journal.close()
    journal.record(Question("q"), ANSWER, "1")
    assert journal.feedback("1", "up") is False
    assert read_journal(journal.path) == []


# ---------------------------------------------------------------------------------------------- as files


def entry(question: str, outcome: str = "answered", verdict: str | None = None, reason: str = "") -> Entry:
    return Entry("2026-03-01T12:00:00+00:00", question, outcome, 0.5, "none", "manual.txt", 2, verdict, reason)


def test_drafts_are_golden_questions_each_once(tmp_path: Path) -> None:
    entries = [
        entry("What torque?", "abstained"), entry("what  torque"), entry("Who?", "abstained", "down", "it is there"),
        entry("Where?", verdict="up"),
    ]  # fmt: skip
    path = tmp_path / "questions.jsonl"
    journal_verbs.export(entries, path, io.StringIO())
    first, second, third = read_questions(path)
    assert (first.question, first.is_answerable, first.sources) == ("what  torque", True, ())
    assert {"draft", "was:answered", "asked:2"} <= set(first.tags)
    assert (second.is_answerable, second.tags[-1]) == (False, "thumb:down")
    assert (third.sources[0].path, third.sources[0].page) == ("manual.txt", 2)
    assert json.loads(path.read_text().splitlines()[1])["note"] == "it is there"
    assert len({q.id for q in (first, second, third)}) == 3


@pytest.mark.parametrize("text", ["=1+1", "+cmd", "-2+3", "@SUM(A1)", "\t=1", " =HYPERLINK()", "|calc", "＝1"])
def test_no_cell_of_the_table_is_a_formula(text: str) -> None:
    rows = list(csv.reader(io.StringIO(as_csv([entry(text, reason=text)]))))
    assert rows[0][1] == "question"
    assert rows[1][1] == rows[1][8] == "'" + text


def test_quotes_and_commas_come_back_from_the_table_whole() -> None:
    rows = list(csv.reader(io.StringIO(as_csv([entry('a "b", c')]))))
    assert rows[1][1] == 'a "b", c'


def test_the_list_shows_no_control_characters_and_says_what_it_left_out() -> None:
    out = io.StringIO()
    journal_verbs.show_list([entry("one"), entry("two\x1b[2J", verdict="down", reason="bad")], out, limit=1)
    assert "one" not in out.getvalue() and "\x1b" not in out.getvalue()
    assert "- answered" in out.getvalue() and '"bad"' in out.getvalue()
    assert "2 questions, the last 1 shown" in out.getvalue()


@pytest.mark.parametrize(("text", "expected"), [("7d", START - timedelta(days=7)), ("12h", START - timedelta(hours=12)),
    ("2026-01-31", datetime(2026, 1, 31, tzinfo=UTC))])  # fmt: skip
def test_a_time_is_a_day_or_how_long_ago(text: str, expected: datetime) -> None:
    assert journal_verbs.since_moment(text, START) == expected


@pytest.mark.parametrize("text", ["", "d", "soon", "9999999d", "2026-13-01"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        journal_verbs.since_moment(text, START)


def test_another_kind_of_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="neither"):
        journal_verbs.export([], tmp_path / "q.xlsx", io.StringIO())
