"""Which units belong to the procedure that a how-to question names: its numbered steps, and what introduces them.

"How do I change the filter bag?" is answered by the steps below "8.2 Changing the filter bag", though no single step
says "change the filter bag", and a row of the maintenance plan does. Pure; knows units and headings, no page.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ragedge.answer.scoring import Asked, bag_of, coverage_of
from ragedge.answer.units import Unit, step_number
from ragedge.contracts import Hit

_LEAST_COVERED = 0.6  # of the question's words, weighed by rarity
_SENTENCE_END = re.compile(r"[.!:。！：][\"'”’»)\]]*\s*\Z")


def procedure_units(asked: Asked, everything: Sequence[Unit], hits: Sequence[Hit]) -> tuple[bool, ...]:
    """Per unit of `everything` that is no heading whether it is a step, or the sentence above the first one.

    `everything` is in the order of reading. A step counts where its heading covers the question, the sentence where it
    does so together with its heading. For questions that ask for no how-to nothing counts.
    """
    found: list[bool] = []
    hit_index, heading = -1, ""
    for at, unit in enumerate(everything):
        if unit.hit_index != hit_index:
            hit_index, heading = unit.hit_index, (hits[unit.hit_index].chunk.headings or ("",))[-1]
        if unit.kind == "heading":
            heading = unit.text
        elif asked.kind != "how_to":
            found.append(False)
        elif unit.kind == "list":
            found.append(step_number(unit) > 0 and _covers(asked, heading))
        else:
            introduces = at + 1 < len(everything) and _introduces(unit, everything[at + 1])
            found.append(introduces and _covers(asked, f"{heading}\n{unit.text}"))
    return tuple(found)


def _introduces(unit: Unit, below: Unit) -> bool:
    is_near = (below.document_id, below.page) == (unit.document_id, unit.page)
    return is_near and step_number(below) == 1 and _SENTENCE_END.search(unit.text) is not None


def _covers(asked: Asked, text: str) -> bool:
    return coverage_of(asked.weights, bag_of(text)) >= _LEAST_COVERED
