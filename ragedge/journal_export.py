"""Journal entries -> a table for a spreadsheet, or drafts of golden questions.

A draft says what was asked and what was found; whether that was right a person has to fill in. Cells of the CSV that
a spreadsheet would take for a formula get an apostrophe in front (OWASP, CSV injection).
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import astuple, fields
from typing import Any

from ragedge.journal import Entry
from ragedge.journal_reading import question_key

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "|", "%", "＝", "＋", "－", "＠")


def drafts(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """Golden questions to complete, each question once, with what was known about it last; the oldest first.

    `answerable` is a guess by the outcome; a source is only proposed where a person found the answer good.
    """
    last: dict[str, Entry] = {}
    times: dict[str, int] = {}
    for entry in entries:
        key = question_key(entry.question)
        last[key] = entry
        times[key] = times.get(key, 0) + 1
    rows = []
    for number, (key, entry) in enumerate(last.items(), 1):
        sources = []
        if entry.verdict == "up" and entry.document:
            sources = [{"path": entry.document, "page": entry.page, "quote": None}]
        tags = ["draft", f"was:{entry.outcome}", f"asked:{times[key]}"]
        rows.append(
            {
                "id": f"journal-{entry.asked_at[:10]}-{number:04d}",
                "question": entry.question,
                "answers": [],
                "answerable": entry.outcome != "abstained",
                "sources": sources,
                "tags": tags + ([f"thumb:{entry.verdict}"] if entry.verdict else []),
                "note": entry.reason,
            }
        )
    return rows


def as_csv(entries: Sequence[Entry]) -> str:
    """A table with a header; no cell of it is a formula."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\r\n")
    writer.writerow([f.name for f in fields(Entry)])
    for entry in entries:
        writer.writerow([_cell(value) for value in astuple(entry)])
    return file.getvalue()


def as_lines(entries: Sequence[Entry]) -> tuple[int, str]:
    """How many drafts there are, and they as a questions file (JSONL)."""
    rows = drafts(entries)
    return len(rows), "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _cell(value: object) -> object:
    if isinstance(value, str) and value.lstrip().startswith(_FORMULA_STARTS):
        return "'" + value
    return "" if value is None else value
