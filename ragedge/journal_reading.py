"""The journal for somebody who looks through it: chosen, by pages, repeats taken together, single rows deleted.

Words are searched without regard to case. Deleting overwrites: the row stands nowhere in the files afterwards. Knows
no server and no index.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from ragedge.errors import InputError
from ragedge.journal import COLUMNS, Entry, damaged, open_journal, stamp

Mark = Literal["unanswered", "unsure", "down"]
MARKS: tuple[Mark, ...] = ("unanswered", "unsure", "down")
_CONDITIONS = {
    "unanswered": "outcome = 'abstained'",
    "unsure": "outcome = 'unsure'",
    "down": "verdict = 'down'",
}
_SEARCHED = ("question", "reason", "document")


@dataclass(frozen=True, slots=True)
class Selection:
    """Which questions: those with any of `marks` (none: all), asked since a moment, with `text` in them.

    `text` is looked for in the question, the reason of a thumb and the name of the first source.
    """

    marks: tuple[Mark, ...] = ()
    since: datetime | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One question with its number in the journal."""

    id: int
    entry: Entry


@dataclass(frozen=True, slots=True)
class Repeats:
    """One question however often it was asked: its last wording, how often, when last, and what came of it."""

    question: str
    times: int
    last_asked_at: str
    last_outcome: str
    unanswered: int
    unsure: int
    down: int
    reasons: tuple[str, ...]


def read_rows(path: Path, selection: Selection, *, offset: int = 0, limit: int = 50) -> tuple[int, list[Row]]:
    """How many questions there are, and `limit` of them from `offset` on, the newest first; (0, []) without a file.

    Raises:
        InputError: the file is no journal, or it is damaged.
    """
    with _reading(path) as connection:
        if connection is None:
            return 0, []
        where, values = _where(selection)
        total = connection.execute(f"SELECT count(*) FROM asked WHERE {where}", values).fetchone()[0]
        sql = f"SELECT id, {COLUMNS} FROM asked WHERE {where} ORDER BY asked_at DESC, id DESC LIMIT ? OFFSET ?"
        rows = connection.execute(sql, (*values, limit, offset))
        return int(total), [Row(row[0], Entry(*row[1:])) for row in rows]


def read_entries(path: Path, selection: Selection) -> list[Entry]:
    """All chosen questions, the oldest first.

    Raises:
        InputError: the file is no journal, or it is damaged.
    """
    with _reading(path) as connection:
        if connection is None:
            return []
        where, values = _where(selection)
        sql = f"SELECT {COLUMNS} FROM asked WHERE {where} ORDER BY asked_at, id"
        return [Entry(*row) for row in connection.execute(sql, values)]


def repeats(entries: Sequence[Entry], *, reasons: int = 5) -> list[Repeats]:
    """The questions, each once, the most asked first, then the one asked last; `entries` as `read_entries` has them."""
    groups: dict[str, list[Entry]] = {}
    for entry in entries:
        groups.setdefault(question_key(entry.question), []).append(entry)
    found = []
    for group in groups.values():
        last, outcomes = group[-1], Counter(entry.outcome for entry in group)
        found.append(
            Repeats(
                last.question,
                len(group),
                last.asked_at,
                last.outcome,
                outcomes["abstained"],
                outcomes["unsure"],
                sum(entry.verdict == "down" for entry in group),
                tuple(dict.fromkeys(entry.reason for entry in group if entry.reason))[:reasons],
            )
        )
    found.sort(key=lambda one: one.last_asked_at, reverse=True)
    return sorted(found, key=lambda one: -one.times)


def question_key(text: str) -> str:
    """What two wordings of one question share: case, spaces and the mark at its end do not count."""
    return " ".join(text.casefold().split()).rstrip(" ?!.？！。؟")


def since_moment(text: str, now: datetime) -> datetime:
    """A day ("2026-01-31"), or how long ago ("7d", "12h").

    Raises:
        InputError: it is neither.
    """
    try:
        if text[-1:] in ("d", "h") and text[:-1].isdecimal() and len(text) < 8:
            count = int(text[:-1])
            return now - (timedelta(days=count) if text[-1] == "d" else timedelta(hours=count))
        moment = datetime.fromisoformat(text)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise InputError(f'"{text}" is not a time', "write a day such as 2026-01-31, or 7d, or 12h") from error


def delete_row(path: Path, row_id: int) -> bool:
    """Delete one question for good; False: there is none of this number.

    Raises:
        InputError: the file is no journal, or another process keeps it busy.
    """
    with _reading(path) as connection:
        if connection is None:
            return False
        with connection:  # secure_delete is on: the row's bytes are overwritten
            count = connection.execute("DELETE FROM asked WHERE id = ?", (row_id,)).rowcount
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return count == 1


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection | None]:
    if not path.is_file():
        yield None
        return
    try:
        with contextlib.closing(open_journal(path)) as connection:
            connection.create_function("folded", 1, str.casefold, deterministic=True)
            yield connection
    except sqlite3.Error as error:
        raise damaged(path, error) from error


def _where(selection: Selection) -> tuple[str, tuple[Any, ...]]:
    parts, values = ["asked_at >= ?"], [stamp(selection.since) if selection.since else ""]
    if selection.marks:
        parts.append("(" + " OR ".join(_CONDITIONS[mark] for mark in selection.marks) + ")")
    if text := " ".join(selection.text.casefold().split()):
        parts.append(
            "(" + " OR ".join(f"instr(folded({name}), ?)" for name in ("question", "reason", "document")) + ")"
        )
        values += [text] * 3
    return " AND ".join(parts), tuple(values)
