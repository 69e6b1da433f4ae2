"""XLSX -> pages, one per sheet (long sheets go on over several), rows as lines that name their columns.

The only user of openpyxl. Formulas give the value that was stored with them; dates are written as ISO; hidden sheets
are read too, as people look for what is in them. The package is unpacked within limits before openpyxl sees it.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import Any, BinaryIO

from openpyxl import load_workbook

from ragedge.contracts import PageProblem, ReadOptions
from ragedge.ingest.readers.office import core_properties
from ragedge.ingest.readers.package import Package
from ragedge.ingest.readers.parts import Part, clean_text
from ragedge.ingest.readers.tables import TablePages

MAX_ROWS = 1_048_576
"""Rows of a sheet by its format."""


def read_xlsx(stream: BinaryIO, options: ReadOptions) -> Iterator[Part]:
    """A workbook, sheet by sheet."""
    package = Package(stream)
    package.check()
    yield core_properties(package)
    stream.seek(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # openpyxl warns about each extension it drops
        book = load_workbook(stream, read_only=True, data_only=True, keep_links=False)
        try:
            number = 1
            for sheet in book.worksheets:
                pages = TablePages(number, clean_text(sheet.title).strip() or None)
                try:
                    yield from pages.pages(_rows(sheet))
                except MemoryError:
                    raise
                except Exception as error:
                    detail = f"sheet '{clean_text(sheet.title)}' is damaged ({type(error).__name__})"
                    yield PageProblem(None, "broken", detail)
                number = pages.number
        finally:
            book.close()


def _rows(sheet: Any) -> Iterable[list[str]]:
    sheet.reset_dimensions()  # a wrong size in the file would hide rows
    for row in islice(sheet.iter_rows(values_only=True), MAX_ROWS):
        yield [_cell(value) for value in row]


def _cell(value: Any) -> str:
    """A cell as a person would write it: whole numbers without ".0", dates without an empty time."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else f"{value:.15g}"
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ", "minutes")
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(value)
    return str(value)
