"""Verbs `ragedge journal list|export|clear`: what people asked, and drafts of golden questions made of it.

A draft says what was asked and what was found; whether that was right a person has to fill in. Cells of the CSV that
a spreadsheet would take for a formula get an apostrophe in front (OWASP, CSV injection).
"""

from __future__ import annotations

import argparse
import csv
import io
import json
from collections.abc import Sequence
from dataclasses import astuple, fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TextIO

from ragedge.errors import InputError
from ragedge.index.disk import write_whole
from ragedge.journal import Entry, clear_journal, read_journal
from ragedge.terminal import plain

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "|", "%", "＝", "＋", "－", "＠")


def run(path: Path, options: argparse.Namespace, out: TextIO) -> int:
    """One of the verbs over the journal at `path`.

    Raises:
        InputError: a time, the file to write or the journal itself cannot be used.
    """
    now = datetime.now(UTC)
    if options.action == "clear":
        return clear(path, out, before=since_moment(options.before, now) if options.before else None)
    since = since_moment(options.since, now) if options.since else None
    entries = read_journal(path, is_unanswered=options.unanswered, is_down=options.down, since=since)
    if options.action == "list":
        return show_list(entries, out, limit=max(options.limit, 1))
    if options.file is None:
        raise InputError("there is no file to write", "ragedge journal export questions.jsonl")
    return export(entries, options.file, out)


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


def show_list(entries: Sequence[Entry], out: TextIO, *, limit: int) -> int:
    """A line per question, newest last."""
    for entry in entries[-limit:]:
        thumb = {"up": "+", "down": "-"}.get(entry.verdict or "", " ")
        where = f"{entry.document}, page {entry.page}" if entry.page is not None else entry.document
        when = entry.asked_at[:16].replace("T", " ")
        print(f"{when}  {thumb} {entry.outcome:<9} {entry.confidence:4.2f}  {plain(entry.question)}", file=out)
        details = [f"[{plain(where)}]"] * bool(where) + [f'"{plain(entry.reason)}"'] * bool(entry.reason)
        if details:
            print(f"{'':>34}{'  '.join(details)}", file=out)
    print(f"{len(entries):,} questions" + (f", the last {limit} shown" if len(entries) > limit else ""), file=out)
    return 0


def export(entries: Sequence[Entry], path: Path, out: TextIO) -> int:
    """Write the entries as drafts of golden questions (.jsonl) or as a table (.csv).

    Raises:
        InputError: the file has another suffix, or cannot be written.
    """
    if path.suffix == ".jsonl":
        rows = drafts(entries)
        count, text = len(rows), "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    elif path.suffix == ".csv":
        count, text = len(entries), as_csv(entries)
    else:
        raise InputError(f'"{path}" is neither .jsonl nor .csv', "ragedge journal export questions.jsonl")
    try:
        write_whole(path, text.encode("utf-8"))
    except OSError as error:
        raise InputError(f'"{path}" cannot be written: {error.strerror}', "name another file") from error
    print(f"{count:,} questions written to {path}", file=out)
    return 0


def drafts(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """Golden questions to complete, each question once, with what was known about it last; the oldest first.

    `answerable` is a guess by the outcome; a source is only proposed where a person found the answer good.
    """
    last: dict[str, Entry] = {}
    times: dict[str, int] = {}
    for entry in entries:
        key = " ".join(entry.question.casefold().split()).rstrip(" ?!.")
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


def clear(path: Path, out: TextIO, *, before: datetime | None) -> int:
    """Delete for good."""
    print(f"{clear_journal(path, before=before):,} questions deleted", file=out)
    return 0


def _cell(value: object) -> object:
    if isinstance(value, str) and value.lstrip().startswith(_FORMULA_STARTS):
        return "'" + value
    return "" if value is None else value
