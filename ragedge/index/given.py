"""What people say of a document that its file does not: title, date, edition, language; rows of the table `meta`.

They belong to the content (the document's id is made of its bytes), so reading the same file again keeps them and a
new version of it starts without. They go with the document. Each carries a digest, like every row with content.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Protocol

from ragedge.index.records import Details
from ragedge.index.schema import checked, row_digest

_PREFIX = "given:"


class Rows(Protocol):
    """The asking side of a catalog."""

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]: ...


def read_given(catalog: Rows, document_id: str | None = None) -> dict[str, Details]:
    """Details by document id, of all documents that have some or of the one.

    Raises:
        IndexCorrupt: they are not what was stored.
    """
    where, key = ("key GLOB ?", f"{_PREFIX}*") if document_id is None else ("key = ?", f"{_PREFIX}{document_id}")
    found = {}
    for name, value in catalog.rows(f"SELECT key, value FROM meta WHERE {where}", (key,)):
        text, digest = json.loads(value)
        checked((name, text, bytes.fromhex(digest)), "what was said of a document")
        found[name.removeprefix(_PREFIX)] = Details(**json.loads(text))
    return found


def write_given(db: sqlite3.Connection, document_id: str, details: Details) -> None:
    """Keep details in the place of earlier ones; empty ones are none."""
    key = f"{_PREFIX}{document_id}"
    if details == Details():
        db.execute("DELETE FROM meta WHERE key = ?", (key,))
        return
    text = json.dumps(asdict(details))
    value = json.dumps([text, row_digest(key, text).hex()])
    db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))


def drop_given(db: sqlite3.Connection) -> None:
    """Forget what was said of documents that are gone."""
    sql = "DELETE FROM meta WHERE key GLOB ? AND substr(key, ?) NOT IN (SELECT id FROM documents)"
    db.execute(sql, (f"{_PREFIX}*", len(_PREFIX) + 1))
