"""Read the content files under `texts/`: tables with `|` between cells, values put in for `{{name}}`.

An unknown name or a row of the wrong length raises ValueError, so that a slip in the content never reaches a document.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

TEXTS = Path(__file__).resolve().parent / "texts"
_PLACE = re.compile(r"\{\{([\w.]+)\}\}")


def read(name: str) -> str:
    return (TEXTS / name).read_text(encoding="utf-8")


def fill(text: str, values: Mapping[str, str]) -> str:
    """Put the values in for their names; a value may hold names itself."""

    def value(match: re.Match[str]) -> str:
        if match[1] not in values:
            raise ValueError(f"no value named {match[1]!r}")
        return fill(values[match[1]], values)

    return _PLACE.sub(value, text)


def rows(text: str, cells: int | None = None) -> list[list[str]]:
    """The lines of a table as lists of cells; empty lines and lines that begin with `#` are left out."""
    found = [
        [cell.strip() for cell in line.split("|")] for line in text.splitlines() if line.strip() and line[0] != "#"
    ]
    for row in found:
        if len(row) != (cells or len(found[0])):
            raise ValueError(f"{len(row)} cells in {row}")
    return found
