"""What was asked and how it was answered: a small SQLite file of its own beside the indexes; it never leaves the box.

An answer is only put into a queue; one thread writes it down. Nothing here can fail or delay an answer: when the disk
is full, the file locked or the folder read-only, that is said once on stderr and the question is not kept. Texts are
bounded, old and surplus rows go by themselves, and what is cleared is overwritten. Knows no index and no model.
"""

from __future__ import annotations

import contextlib
import queue
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from ragedge.contracts import Answer, Question
from ragedge.errors import InputError

Verdict = Literal["up", "down"]
MAX_QUESTION_CHARS = 2_000
MAX_REASON_CHARS = 500
_MAX_NAME_CHARS = 300  # of an engine, a path, an outcome
_QUEUE_ROWS = 500  # waiting to be written; a disk that is this far behind is not going to catch up
_PRUNE_EVERY = 200  # rows written between two looks at age and number
_FLUSH_SECONDS = 5.0  # a card that needs longer for a row is broken
_RETRY_SECONDS = 0.01
COLUMNS = "asked_at, question, outcome, confidence, engine, document, page, verdict, reason, passages_ms, total_ms"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS asked (
    id INTEGER PRIMARY KEY, question_id TEXT UNIQUE, asked_at TEXT NOT NULL, question TEXT NOT NULL,
    outcome TEXT NOT NULL, confidence REAL NOT NULL, engine TEXT NOT NULL, document TEXT NOT NULL, page INTEGER,
    verdict TEXT, reason TEXT NOT NULL DEFAULT '', passages_ms REAL, total_ms REAL
) STRICT;
CREATE INDEX IF NOT EXISTS asked_when ON asked (asked_at);
"""
_LATER_COLUMNS = ("passages_ms", "total_ms")  # journals begun before 2026-11-27 lack them; their rows keep NULL


@dataclass(frozen=True, slots=True)
class Entry:
    """One question: `asked_at` is ISO 8601 in UTC, `document` and `page` what was cited first or else found first.

    `passages_ms` and `total_ms`: wall clock until the passages stood and until the answer did; None: not measured.
    """

    asked_at: str
    question: str
    outcome: str
    confidence: float
    engine: str
    document: str
    page: int | None
    verdict: str | None
    reason: str
    passages_ms: float | None = None
    total_ms: float | None = None


class Journal:
    """Writes to one journal; safe to use from several threads. Close it, or the last rows may be missing."""

    def __init__(
        self,
        path: Path,
        *,
        max_rows: int = 20_000,
        max_age_days: int = 365,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.path = path
        self._max_rows = max_rows
        self._max_age = timedelta(days=max_age_days)
        self._now = now
        self._queue: queue.Queue[Callable[[sqlite3.Connection], None] | None] = queue.Queue(_QUEUE_ROWS)
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._has_warned = False
        self._is_closed = False
        self._written = 0

    def record(
        self, question: Question, answer: Answer, question_id: str = "", passages_ms: float | None = None
    ) -> None:
        """Keep a question and its outcome, soon; returns at once and never raises."""
        try:
            times = (passages_ms, answer.timings.total_ms)
            row = (*_row(self._now(), question, answer, question_id), *(ms and round(ms, 1) for ms in times))
            self._put(lambda connection: self._insert(connection, row))
        except Exception as error:
            self._warn(error)

    def feedback(self, question_id: str, verdict: Verdict, reason: str = "") -> bool:
        """Keep what a person thought of an answer; the last word counts. False: no such question, or no journal."""
        if not question_id or self._is_closed:
            return False
        done, found = threading.Event(), [False]
        values = (verdict, _bounded(reason, MAX_REASON_CHARS), _bounded(question_id, _MAX_NAME_CHARS))

        def update(connection: sqlite3.Connection) -> None:
            try:
                with connection:
                    sql = "UPDATE asked SET verdict = ?, reason = ? WHERE question_id = ?"
                    found[0] = connection.execute(sql, values).rowcount == 1
            finally:
                done.set()

        try:
            self._put(update)
        except queue.Full as error:
            self._warn(error)
            return False
        return done.wait(_FLUSH_SECONDS) and found[0]

    def close(self) -> None:
        """Write what is waiting and end; safe to call twice."""
        with self._lock:
            thread, self._is_closed = self._thread, True
        if thread is not None and thread.is_alive():
            with contextlib.suppress(queue.Full):
                self._queue.put(None, timeout=_FLUSH_SECONDS)
            thread.join(_FLUSH_SECONDS)

    def _put(self, work: Callable[[sqlite3.Connection], None]) -> None:
        with self._lock:
            if self._is_closed:
                return
            if self._thread is None:
                self._thread = threading.Thread(target=self._write, name="journal", daemon=True)
                self._thread.start()
            self._queue.put_nowait(work)

    def _write(self) -> None:
        """The thread: one connection, one row after the other. A failure costs that row."""
        connection: sqlite3.Connection | None = None
        while (work := self._queue.get()) is not None:
            try:
                if connection is None:
                    connection = open_journal(self.path)
                work(connection)
            except (sqlite3.Error, OSError) as error:
                self._warn(error)
                if connection is not None:
                    connection.close()
                    connection = None
        if connection is not None:
            connection.close()

    def _insert(self, connection: sqlite3.Connection, row: Sequence[object]) -> None:
        with connection:
            connection.execute(
                "INSERT OR IGNORE INTO asked (question_id, asked_at, question, outcome, confidence, engine, document,"
                " page, passages_ms, total_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                row,
            )
            if self._written % _PRUNE_EVERY == 0:
                connection.execute("DELETE FROM asked WHERE asked_at < ?", (stamp(self._now() - self._max_age),))
                last = "SELECT id FROM asked ORDER BY id DESC LIMIT 1 OFFSET ?"
                connection.execute(f"DELETE FROM asked WHERE id <= ({last})", (self._max_rows,))
        self._written += 1

    def _warn(self, error: Exception) -> None:
        if not self._has_warned:
            self._has_warned = True
            print(f"the journal is not written ({error}); answers go on", file=sys.stderr)


def read_journal(
    path: Path, *, is_unanswered: bool = False, is_down: bool = False, since: datetime | None = None
) -> list[Entry]:
    """The entries, oldest first; with both marks, those that have either. [] where there is no journal.

    Raises:
        InputError: the file is no journal, or it is damaged.
    """
    if not path.is_file():
        return []
    marks = ["outcome IN ('abstained', 'unsure')"] * is_unanswered + ["verdict = 'down'"] * is_down
    where = f"({' OR '.join(marks)})" if marks else "1"
    sql = f"SELECT {COLUMNS} FROM asked WHERE {where} AND asked_at >= ? ORDER BY asked_at, id"
    try:
        with contextlib.closing(open_journal(path)) as connection:
            return [Entry(*row) for row in connection.execute(sql, (stamp(since) if since else "",))]
    except sqlite3.Error as error:
        raise damaged(path, error) from error


def clear_journal(path: Path, *, before: datetime | None = None) -> int:
    """Delete entries (all, or the older ones) so that they stand nowhere in the file; returns how many.

    Raises:
        InputError: the file is no journal, or another process keeps it busy.
    """
    if not path.is_file():
        return 0
    try:
        with contextlib.closing(open_journal(path)) as connection:
            with connection:
                sql = "DELETE FROM asked" + (" WHERE asked_at < ?" if before else "")
                count = connection.execute(sql, (stamp(before),) if before else ()).rowcount
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            return int(count)
    except sqlite3.Error as error:
        raise damaged(path, error) from error


def remove_journal(path: Path) -> None:
    """Delete the whole file, with what SQLite keeps beside it."""
    for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
        path.with_name(name).unlink(missing_ok=True)


def open_journal(path: Path) -> sqlite3.Connection:
    """A connection to the journal at `path`, which is made or brought up to date; may be used from other threads.

    Raises:
        sqlite3.Error, OSError: it cannot be opened.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        path.touch(mode=0o600)  # what people ask is theirs
    connection = sqlite3.connect(path, timeout=_FLUSH_SECONDS, check_same_thread=False)
    try:
        # WAL with NORMAL writes without waiting for the disk; a power cut may cost the last rows, never the file
        _use_wal(connection)
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA secure_delete = ON")
        connection.executescript(_SCHEMA)
        _add_later_columns(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _use_wal(connection: sqlite3.Connection) -> None:
    """Switch to WAL; SQLite does not wait by itself where two switch the same file at once."""
    deadline = time.monotonic() + _FLUSH_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(_RETRY_SECONDS)


def _add_later_columns(connection: sqlite3.Connection) -> None:
    """Bring an older journal up to date; two processes may try at once."""
    if set(_LATER_COLUMNS) <= {row[1] for row in connection.execute("PRAGMA table_info(asked)")}:
        return
    connection.execute("BEGIN IMMEDIATE")
    with connection:
        there = {row[1] for row in connection.execute("PRAGMA table_info(asked)")}
        for name in _LATER_COLUMNS:
            if name not in there:
                connection.execute(f"ALTER TABLE asked ADD COLUMN {name} REAL")


def _row(now: datetime, question: Question, answer: Answer, question_id: str) -> tuple[object, ...]:
    document, page = "", None
    if answer.citations:
        document, page = answer.citations[0].document_path, answer.citations[0].span.page
    elif answer.hits:
        chunk = answer.hits[0].chunk
        document, page = chunk.document_path, chunk.spans[0].page if chunk.spans else None
    return (
        _bounded(question_id, _MAX_NAME_CHARS) or None,
        stamp(now),
        _bounded(question.text, MAX_QUESTION_CHARS),
        _bounded(answer.outcome, _MAX_NAME_CHARS),
        float(answer.confidence),
        _bounded(answer.engine, _MAX_NAME_CHARS),
        _bounded(document, _MAX_NAME_CHARS),
        page,
    )


def _bounded(text: str, limit: int) -> str:
    """One line of text that any file can hold, cut off at the limit."""
    plain = "".join(c if c.isprintable() else " " for c in text[: 2 * limit])
    return " ".join(plain.encode("utf-8", "replace").decode("utf-8").split())[:limit]


def stamp(moment: datetime) -> str:
    """A moment as the journal keeps it."""
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def damaged(path: Path, error: Exception) -> InputError:
    """The error for a file that is no journal, or not a whole one."""
    hint = "if this stays so, delete the file; it holds past questions only"
    return InputError(f'the journal "{path}" cannot be read: {error}', hint)
