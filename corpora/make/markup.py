"""The small markup of the hand-written prose: headings, paragraphs, steps, bullets, boxes, places for tables.

`# `, `## ` are headings (numbered by the reader of the blocks); `1. ` is a step; `- ` a bullet; a paragraph that begins
with WARNING, CAUTION or NOTE is a box; `:name argument` is a place for a table; `**word**` is bold.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

Kind = Literal["h1", "h2", "text", "step", "bullet", "box", "table"]
_STEP = re.compile(r"(\d+)\. (.+)")


@dataclass(frozen=True)
class Block:
    """One block. `label` is the step's number, the box's word or the table's name."""

    kind: Kind
    text: str
    label: str = ""


def blocks(source: str) -> list[Block]:
    """The blocks of a text in their order. Lines of one paragraph are joined by a space."""
    found: list[Block] = []
    for has_text, lines in groupby(source.splitlines(), key=lambda line: bool(line.strip())):
        if has_text:
            found.extend(_paragraph([line.strip() for line in lines]))
    return found


def _paragraph(lines: list[str]) -> list[Block]:
    if all(_STEP.fullmatch(line) for line in lines):
        return [Block("step", match[2], match[1]) for line in lines if (match := _STEP.fullmatch(line))]
    if all(line.startswith("- ") for line in lines):
        return [Block("bullet", line[2:]) for line in lines]
    text = " ".join(lines)
    word, _, rest = text.partition(" ")
    if word in ("WARNING", "CAUTION", "NOTE"):
        return [Block("box", rest, word)]
    if word == "#":
        return [Block("h1", rest)]
    if word == "##":
        return [Block("h2", rest)]
    if word.startswith(":"):
        return [Block("table", rest, word[1:])]
    return [Block("text", text)]
