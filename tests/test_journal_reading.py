"""The journal for somebody who looks through it: choosing, pages, repeats, days, deletion, earlier journals."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pytest

from ragedge.contracts import Question, Timings
from ragedge.errors import InputError
from ragedge.journal import Entry, Journal, clear_journal, read_journal
from ragedge.journal_days import by_day
from ragedge.journal_reading import Mark, Selection, delete_row, read_entries, read_rows, repeats
from tests.server.fakes import make_answer, make_hit
from tests.test_journal import ANSWER, REFUSAL, START, Clock

UNSURE = make_answer((make_hit(),), outcome="unsure")
#: As journals were made before times were kept.
OLD_SCHEMA = """
CREATE TABLE asked (
    id INTEGER PRIMARY KEY, question_id TEXT UNIQUE, asked_at TEXT NOT NULL, question TEXT NOT NULL,
    outcome TEXT NOT NULL, confidence REAL NOT NULL, engine TEXT NOT NULL, document TEXT NOT NULL, page INTEGER,
    verdict TEXT, reason TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX asked_when ON asked (asked_at);
INSERT INTO asked VALUES (7, 'a', '2026-02-01T08:00:00+00:00', 'Old one?', 'answered', 0.9, 'none', 'm.txt', 3, 'up',
    '');
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Five questions, an hour apart, the fourth with a thumb down."""
    clock = Clock()
    journal = Journal(tmp_path / "j.db", now=clock)
    for number, (text, answer) in enumerate(
        (("Wie schwer ist die GLOCKE?", ANSWER), ("who won?", REFUSAL), ("maybe?", UNSURE), ("bad one", ANSWER),
         ("Who WON", REFUSAL))
    ):  # fmt: skip
        journal.record(Question(text), answer, f"q{number}", 30.0)
        clock.now += timedelta(hours=1)
    assert journal.feedback("q3", "down", "Wrong Unit")
    journal.close()
    return journal.path


@pytest.mark.parametrize(
    ("marks", "found"),
    [
        ((), ["Who WON", "bad one", "maybe?", "who won?", "Wie schwer ist die GLOCKE?"]),
        (("unanswered",), ["Who WON", "who won?"]),
        (("unsure",), ["maybe?"]),
        (("down",), ["bad one"]),
        (("unsure", "down"), ["bad one", "maybe?"]),
    ],
)
def test_marks_choose_and_the_newest_comes_first(path: Path, marks: tuple[Mark, ...], found: list[str]) -> None:
    total, rows = read_rows(path, Selection(marks))
    assert total == len(found)
    assert [row.entry.question for row in rows] == found


def test_words_are_found_in_question_reason_and_document_whatever_their_case(path: Path) -> None:
    assert [row.entry.question for row in read_rows(path, Selection(text="  glocke "))[1]] == [
        "Wie schwer ist die GLOCKE?"
    ]
    assert [row.entry.question for row in read_rows(path, Selection(text="wrong unit"))[1]] == ["bad one"]
    assert read_rows(path, Selection(text="MANUAL.TXT"))[0] == 5
    assert read_rows(path, Selection(text="%"))[0] == read_rows(path, Selection(text="' OR 1=1"))[0] == 0


def test_pages_add_up_and_time_cuts(path: Path) -> None:
    pages = [read_rows(path, Selection(), offset=offset, limit=2) for offset in (0, 2, 4, 6)]
    assert [total for total, _ in pages] == [5] * 4
    assert len({row.id for _, rows in pages for row in rows}) == 5
    since = Selection(since=START + timedelta(hours=2))
    assert [entry.question for entry in read_entries(path, since)] == ["maybe?", "bad one", "Who WON"]


def test_repeats_are_one_row_with_what_came_of_them(path: Path) -> None:
    first, *others = repeats(read_entries(path, Selection()))
    assert (first.question, first.times, first.unanswered, first.last_outcome) == ("Who WON", 2, 2, "abstained")
    assert [group.times for group in others] == [1, 1, 1]
    assert others[0].question == "bad one" and others[0].down == 1 and others[0].reasons == ("Wrong Unit",)


def test_a_deleted_question_stands_nowhere_in_the_files(path: Path) -> None:
    (row,) = read_rows(path, Selection(text="glocke"))[1]
    assert delete_row(path, row.id) is True
    assert delete_row(path, row.id) is False
    assert read_rows(path, Selection())[0] == 4
    for file in path.parent.iterdir():
        assert b"GLOCKE" not in file.read_bytes()


def test_what_is_deleted_while_the_service_writes_stands_nowhere_either(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j.db")
    journal.record(Question("secret one"), ANSWER, "a")
    journal.record(Question("secret two"), ANSWER, "b")
    assert journal.feedback("b", "up")  # both are written, and the journal is still open
    (row,) = read_rows(journal.path, Selection(text="secret one"))[1]
    assert delete_row(journal.path, row.id)
    content = b"".join(file.read_bytes() for file in tmp_path.glob("j.db*"))
    assert b"secret one" not in content and b"secret two" in content
    assert clear_journal(journal.path) == 1
    assert b"secret" not in b"".join(file.read_bytes() for file in tmp_path.glob("j.db*"))
    journal.record(Question("third"), ANSWER)
    journal.close()
    assert [entry.question for entry in read_journal(journal.path)] == ["third"]


def test_without_a_file_there_is_nothing_and_a_broken_one_says_so(tmp_path: Path) -> None:
    missing = tmp_path / "none.db"
    assert read_rows(missing, Selection()) == (0, []) and read_entries(missing, Selection()) == []
    assert delete_row(missing, 1) is False and not missing.exists()
    broken = tmp_path / "broken.db"
    broken.write_bytes(b"this is no database " * 500)
    with pytest.raises(InputError, match=r"broken\.db"):
        read_rows(broken, Selection())


# ---------------------------------------------------------------------------------------------- earlier journals


def old_journal(folder: Path) -> Path:
    path = folder / "old.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(OLD_SCHEMA)
    return path


def test_an_earlier_journal_is_read_and_written_on_and_keeps_its_rows(tmp_path: Path) -> None:
    path = old_journal(tmp_path)
    (old,) = read_journal(path)
    assert old == Entry("2026-02-01T08:00:00+00:00", "Old one?", "answered", 0.9, "none", "m.txt", 3, "up", "")
    journal = Journal(path, now=Clock())
    journal.record(Question("new"), ANSWER, "b", 42.5)
    assert journal.feedback("a", "down", "after all")
    journal.close()
    assert [(row.id, row.entry.question, row.entry.passages_ms, row.entry.total_ms) for row in
            read_rows(path, Selection())[1]] == [(8, "new", 42.5, 900.0), (7, "Old one?", None, None)]  # fmt: skip
    assert read_journal(path, is_down=True)[0].reason == "after all"


def test_an_earlier_version_can_still_write_into_the_journal(tmp_path: Path) -> None:
    path = old_journal(tmp_path)
    read_journal(path)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "INSERT OR IGNORE INTO asked (question_id, asked_at, question, outcome, confidence, engine, document,"
            " page) VALUES ('c', '2026-02-02', 'from before', 'answered', 1, 'none', '', NULL)"
        )
    assert [entry.question for entry in read_journal(path)] == ["Old one?", "from before"]


def test_two_who_open_an_earlier_journal_at_once_bring_it_up_to_date_once(tmp_path: Path) -> None:
    path = old_journal(tmp_path)
    from threading import Barrier, Thread

    barrier, failures = Barrier(4), []

    def open_it() -> None:
        barrier.wait()
        try:
            assert len(read_journal(path)) == 1
        except Exception as error:
            failures.append(error)

    threads = [Thread(target=open_it) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


# ---------------------------------------------------------------------------------------------- days


def entry(moment: datetime, outcome: str, total_ms: float | None) -> Entry:
    return Entry(
        moment.isoformat(), "q", outcome, 0.5, "none", "", None, None, "", total_ms and total_ms / 10, total_ms
    )


def test_every_day_has_a_row_with_its_outcomes_and_times() -> None:
    noon = datetime(2026, 3, 3, 12, tzinfo=UTC)
    times = [entry(noon, "answered", float(ms)) for ms in (100, 200, 300)]
    others = [entry(noon, "unsure", 5000.0), entry(noon, "abstained", None), entry(noon, "truncated", 400.0)]
    stopped = [entry(noon, "cancelled", 90_000.0)]
    days = by_day([*times, *others, *stopped], last=date(2026, 3, 4), count=3, zone=UTC)
    assert [day.day for day in days] == ["2026-03-02", "2026-03-03", "2026-03-04"]
    middle = days[1]
    assert (middle.answered, middle.unsure, middle.refused, middle.other) == (4, 1, 1, 1)
    assert (middle.timed, middle.total_median_ms, middle.total_p95_ms) == (5, 300.0, 5000.0), "stopped: no time"
    assert (middle.passages_median_ms, middle.passages_p95_ms) == (30.0, 500.0)
    assert replace(days[0], day="") == replace(days[2], day="")
    assert (days[0].answered, days[0].timed, days[0].total_median_ms) == (0, 0, None)


def test_a_day_is_that_of_the_box() -> None:
    late = datetime(2026, 3, 3, 23, 30, tzinfo=UTC)
    zone = timezone(timedelta(hours=1))
    days = by_day([entry(late, "answered", 1.0)], last=date(2026, 3, 4), count=2, zone=zone)
    assert [day.answered for day in days] == [0, 1]


def test_the_time_until_the_passages_is_that_of_their_event(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j.db")
    journal.record(Question("q"), replace(ANSWER, timings=Timings(total_ms=250.0)), "", 12.5)
    journal.close()
    (kept,) = read_journal(journal.path)
    assert (kept.passages_ms, kept.total_ms) == (12.5, 250.0)
