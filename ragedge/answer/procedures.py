"""Which units belong to the procedure that a how-to question names: its numbered steps, and what introduces them.

"How do I change the filter bag?" is answered by the steps below "8.2 Changing the filter bag", though no single step
says "change the filter bag", and a row of the maintenance plan does. Pure; knows units and headings, no page.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ragedge.answer.scoring import Asked, bag_of, coverage_of
from ragedge.answer.units import Unit
from ragedge.contracts import Hit

_LEAST_COVERED = 0.6  # of the question's words, weighed by rarity
_STEP = re.compile(r"\s*\(?\d{1,3}[.)]\s")
_SENTENCE_END = re.compile(r"[.!:。！：][\"'”’»)\]]*\s*\Z")
_FIRST_STEP = re.compile(r"\s*\(?1[.)]\s")


def procedure_units(asked: Asked, everything: Sequence[Unit], hits: Sequence[Hit]) -> tuple[bool, ...]:
    """Per unit of `everything` that is no heading whether it is a step, or the sentence above the first one.

    `everything` is in the order of reading. A step counts where its heading covers the question, the sentence where it
    does so together with its heading. For questions that ask for no how-to nothing counts.
    """
    units = [unit for unit in everything if unit.kind != "heading"]
    if asked.kind != "how_to":
        return (False,) * len(units)
    found: list[bool] = []
    for i, (unit, heading) in enumerate(zip(units, _headings_of(everything, hits), strict=True)):
        below = units[i + 1] if i + 1 < len(units) else None
        if unit.kind == "list":
            found.append(_STEP.match(unit.text) is not None and _covers(asked, heading))
        else:
            found.append(_introduces(unit, below) and _covers(asked, f"{heading}\n{unit.text}"))
    return tuple(found)


def _introduces(unit: Unit, below: Unit | None) -> bool:
    if below is None or (below.document_id, below.page) != (unit.document_id, unit.page):
        return False
    return _SENTENCE_END.search(unit.text) is not None and _FIRST_STEP.match(below.text) is not None


def _covers(asked: Asked, text: str) -> bool:
    return coverage_of(asked.weights, bag_of(text)) >= _LEAST_COVERED


def _headings_of(everything: Sequence[Unit], hits: Sequence[Hit]) -> list[str]:
    """Per unit that is no heading the nearest heading above it in its passage, else the passage's own one, or ""."""
    headings: list[str] = []
    hit_index, heading = -1, ""
    for unit in everything:
        if unit.hit_index != hit_index:
            hit_index, heading = unit.hit_index, (hits[unit.hit_index].chunk.headings or ("",))[-1]
        if unit.kind == "heading":
            heading = unit.text
        else:
            headings.append(heading)
    return headings
