"""Results of golden-question runs over time: a small SQLite file beside the index.

Each run keeps its figures (by the names of `acceptance.measures`), what it was made with, and its failures in full.
Old runs go when there are too many. Knows no index and no model.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ragedge.desk_replies import GoldenFailure, GoldenRun
from ragedge.errors import InputError, NotFound

MAX_RUNS = 500  # one a day for more than a year; some 50 KB each
_WAIT_SECONDS = 5.0
_SCHEMA = """
CREATE TABLE IF NOT EXISTS run (
    id INTEGER PRIMARY KEY, started_at TEXT NOT NULL, seconds REAL NOT NULL, questions INTEGER NOT NULL,
    drawn_from INTEGER NOT NULL, generation INTEGER NOT NULL, engine TEXT NOT NULL, level TEXT NOT NULL,
    figures TEXT NOT NULL, failed INTEGER NOT NULL, failures TEXT NOT NULL
) STRICT;
"""
_COLUMNS = "id, started_at, seconds, questions, drawn_from, generation, engine, level, figures, failed"


class RunStore:
    """The runs of one index; opened for each call, so that nothing is held."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, run: GoldenRun, failures: Sequence[GoldenFailure]) -> int:
        """Keep a run; returns its id.

        Raises:
            InputError: the file is damaged or cannot be written.
        """
        failed = json.dumps([_plain(failure) for failure in failures], ensure_ascii=False)
        values = (
            run.started_at, run.seconds, run.questions, run.drawn_from, run.generation, run.engine, run.level,
            json.dumps(run.figures), run.failed, failed,
        )  # fmt: skip
        with self._open(create=True) as connection, connection:
            sql = f"INSERT INTO run ({_COLUMNS.removeprefix('id, ')}, failures) VALUES ({', '.join('?' * 10)})"
            added = connection.execute(sql, values).lastrowid
            last = "SELECT id FROM run ORDER BY id DESC LIMIT 1 OFFSET ?"
            connection.execute(f"DELETE FROM run WHERE id <= ({last})", (MAX_RUNS,))
        return int(added or 0)

    def runs(self, limit: int = 100) -> list[GoldenRun]:
        """The last runs, the oldest first.

        Raises:
            InputError: the file is damaged.
        """
        if not self._path.is_file():
            return []
        with self._open() as connection:
            rows = connection.execute(f"SELECT {_COLUMNS} FROM run ORDER BY id DESC LIMIT ?", (limit,)).fetchall()
        return [_run(row) for row in reversed(rows)]

    def find(self, run_id: int) -> tuple[GoldenRun, list[GoldenFailure]]:
        """A run with its failures.

        Raises:
            NotFound: there is none of this id.
            InputError: the file is damaged.
        """
        row = None
        if self._path.is_file():
            with self._open() as connection:
                sql = f"SELECT {_COLUMNS}, failures FROM run WHERE id = ?"
                row = connection.execute(sql, (run_id,)).fetchone()
        if row is None:
            raise NotFound(f"there is no run {run_id}", "look at the list again")
        return _run(row[:-1]), [_failure(item) for item in json.loads(row[-1])]

    @contextlib.contextmanager
    def _open(self, *, create: bool = False) -> Iterator[sqlite3.Connection]:
        try:
            if create:
                self._path.parent.mkdir(parents=True, exist_ok=True)
            with contextlib.closing(sqlite3.connect(self._path, timeout=_WAIT_SECONDS)) as connection:
                connection.executescript(_SCHEMA)
                yield connection
        except (sqlite3.Error, OSError, ValueError) as error:
            hint = "move the file away; it holds results of earlier runs only"
            raise InputError(f'the results in "{self._path}" cannot be used: {error}', hint) from error


def _run(row: Sequence[Any]) -> GoldenRun:
    values = dict(zip(_COLUMNS.split(", "), row, strict=True))
    return GoldenRun(**{**values, "figures": json.loads(values["figures"])})


def _plain(failure: GoldenFailure) -> dict[str, Any]:
    return {name: getattr(failure, name) for name in GoldenFailure.__slots__}


def _failure(item: dict[str, Any]) -> GoldenFailure:
    values: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in item.items()}
    return GoldenFailure(**values)
