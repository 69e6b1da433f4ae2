"""CSV, TSV, JSON and JSON lines -> pages: rows as lines that name their columns, records as `key: value` lines."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from typing import Any, BinaryIO

from ragedge.contracts import PageProblem, ReadOptions
from ragedge.errors import UnreadableDocument
from ragedge.ingest.readers.parts import PageBuilder, Part, Progress, one_line
from ragedge.ingest.readers.tables import PAGE_CHARS, TablePages
from ragedge.ingest.readers.text import decode

SNIFF_LINES = 50
"""Lines from which the delimiter is judged."""
MAX_FIELD_CHARS = 4_000_000
"""Longest cell; the default of the csv module, 131,072, is met by real exports."""
MAX_NESTING = 200
"""Depth of JSON that is followed; deeper than any record that people read."""
_DELIMITERS = ",;\t|"


def read_csv(stream: BinaryIO, options: ReadOptions) -> Iterator[Part]:
    """A table in delimited text."""
    text = decode(stream.read()).replace("\0", "")
    yield from TablePages(1, None).pages(_rows(text))


def _rows(text: str) -> Iterator[list[str]]:
    """Rows by the delimiter that fits best; the rest after a quote that never closes is taken line by line."""
    csv.field_size_limit(MAX_FIELD_CHARS)
    lines = text.splitlines(keepends=True)
    delimiter = _delimiter(lines[:SNIFF_LINES])
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
    odd_quotes = text.count('"') % 2 == 1
    before = 0
    try:
        for row in reader:
            if odd_quotes and reader.line_num == len(lines) > before + 1:
                break  # the last row swallowed all lines up to the end
            before = reader.line_num
            yield row
        else:
            return
    except csv.Error:
        pass  # a field beyond the limit: a quote that closes far too late
    yield from csv.reader(lines[before:], delimiter=delimiter, quoting=csv.QUOTE_NONE)


def _delimiter(lines: list[str]) -> str:
    """The delimiter that cuts most lines into the same number of cells, the more cells the better."""
    best, best_score = ",", 0.0
    for delimiter in _DELIMITERS:
        try:
            widths = [len(row) for row in csv.reader(lines, delimiter=delimiter, skipinitialspace=True) if row]
        except csv.Error:
            continue
        if not widths or max(widths) < 2:
            continue
        common = max(set(widths), key=lambda width: (widths.count(width), width))
        score = widths.count(common) / len(widths) * (1 + min(common, 50) / 100) if common > 1 else 0.01
        if score > best_score:
            best, best_score = delimiter, score
    return best


def read_json(stream: BinaryIO, options: ReadOptions) -> Iterator[Part]:
    """A JSON file: a list of records, or one record; a list of objects inside becomes records too."""
    text = decode(stream.read())
    try:
        value = _load(text)
    except (ValueError, RecursionError) as error:
        lines = [line for line in text.split("\n") if line.strip()]
        if len(lines) > 1 and _is_record(lines[0]):
            yield from _record_pages(_line_records(lines), options)  # JSON lines under the wrong name
            return
        raise UnreadableDocument("broken", "is no valid JSON") from error
    yield from _record_pages(_records(value), options)


def read_jsonl(stream: BinaryIO, options: ReadOptions) -> Iterator[Part]:
    """JSON lines: one record per line; lines that are none are reported."""
    text = decode(stream.read())
    lines = [line for line in text.split("\n") if line.strip()]
    if lines and not any(_is_record(line) for line in lines[:100]):
        yield from read_json_text(text, options)
        return
    yield from _record_pages(_line_records(lines), options)


def read_json_text(text: str, options: ReadOptions) -> Iterator[Part]:
    """One JSON value under the name of JSON lines."""
    try:
        value = _load(text)
    except (ValueError, RecursionError) as error:
        raise UnreadableDocument("broken", "holds no line that is valid JSON") from error
    yield from _record_pages(_records(value), options)


def _load(text: str) -> Any:
    """Numbers stay as they are written: 1.10 is not 1.1."""
    return json.loads(text, parse_float=str, parse_int=str, parse_constant=str)


def _is_record(line: str) -> bool:
    try:
        return isinstance(_load(line), dict | list)
    except (ValueError, RecursionError):
        return False


def _line_records(lines: list[str]) -> Iterator[tuple[str, Any] | None]:
    for line in lines:
        try:
            yield "", _load(line)
        except (ValueError, RecursionError):
            yield None


def _records(value: Any) -> Iterator[tuple[str, Any] | None]:
    """(prefix of the keys, record): a list's items, and for an object its lists of objects apart from the rest."""
    if isinstance(value, list):
        yield from (("", item) for item in value)
        return
    if not isinstance(value, dict):
        yield "", value
        return
    lists = {k: v for k, v in value.items() if isinstance(v, list) and v and all(isinstance(i, dict) for i in v)}
    rest = {k: v for k, v in value.items() if k not in lists}
    if rest:
        yield "", rest
    for key, items in lists.items():
        yield from ((key, item) for item in items)


def _record_pages(records: Iterator[tuple[str, Any] | None], options: ReadOptions) -> Iterator[Part]:
    page, number, first, bad = PageBuilder(), 1, 1, 0
    at = 0
    for at, record in enumerate(records, start=1):
        if at % 10_000 == 0:
            yield Progress()
        if record is None:
            bad += 1
            continue
        page.add("text", "\n".join(_lines(*record)))
        if len(page) > PAGE_CHARS:
            yield page.page(number, f"records {first}-{at}")
            page, number, first = PageBuilder(), number + 1, at + 1
    if len(page) or number == 1:
        yield page.page(number, f"records {first}-{at}" if number > 1 else None)
    if bad:
        yield PageProblem(None, "broken", f"{bad} of {at} lines are no valid JSON and were left out")


def _lines(prefix: str, record: Any) -> Iterator[str]:
    """`key: value` lines of one record, nested keys joined with dots; lists of plain values on one line."""
    stack: list[tuple[str, Any, int]] = [(prefix, record, 0)]
    while stack:
        key, value, depth = stack.pop()
        if isinstance(value, dict) and depth < MAX_NESTING:
            stack.extend((f"{key}.{k}" if key else k, v, depth + 1) for k, v in reversed(value.items()))
        elif isinstance(value, list) and depth < MAX_NESTING and any(isinstance(item, dict | list) for item in value):
            stack.extend((key, item, depth + 1) for item in reversed(value))
        else:
            plain = ", ".join(_plain(item) for item in value) if isinstance(value, list) else _plain(value)
            if plain:
                yield f"{one_line(key)}: {plain}" if key else plain


def _plain(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return one_line(str(value)[:MAX_FIELD_CHARS])
