"""Verbs `ragedge journal list|export|clear`: what people asked, and drafts of golden questions made of it.

What leaves as a file is made in `journal_export.py`, which the curator's desk shares.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from ragedge.errors import InputError
from ragedge.index.disk import write_whole
from ragedge.journal import Entry, clear_journal, read_journal
from ragedge.journal_export import as_csv, as_lines
from ragedge.journal_reading import since_moment
from ragedge.terminal import plain


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
        count, text = as_lines(entries)
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


def clear(path: Path, out: TextIO, *, before: datetime | None) -> int:
    """Delete for good."""
    print(f"{clear_journal(path, before=before):,} questions deleted", file=out)
    return 0
