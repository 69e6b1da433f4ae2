"""Evidence widened to what a person needs with it: a step to its whole run, a label to the sentence it names.

A line such as "E-417 MEMBRANE PRESSURE (stop)" matches a question best and says nothing; what it means stands right
below. Knows only units and pages; what is widened stays an exact part of one page.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from ragedge.answer.units import Unit, step_number
from ragedge.contracts import Evidence, Page, PageSpan

PageOf = Callable[[str, int], Page]

MAX_RUN_CHARS = 1_500  # of a run of steps that is quoted as one
_MAX_LABEL_CHARS = 80  # a longer line without a full stop is a sentence of a bad typist, or a table row
_MAX_SENTENCES = 2  # after a label: what it means and why
_MAX_HOW_TO_SENTENCES = 5  # and what to do, where that is asked: a fault's cause stands before its remedy
_MAX_LABEL_RUN_CHARS = 400
_REMEDY = re.compile(
    r"(?:causes?|remed(?:y|ies)|solution|action|ursachen?|abhilfe|remède|causas?|solución|remedio)\s?:", re.I
)
_SOON = 2  # sentences between a fault and its cause or remedy
_SENTENCE_END = re.compile(r"[.!?…。！？][\"'”’»)\]]*\Z")


def with_sentence(
    evidence: Evidence, units: Sequence[Unit], best: Unit, page_of: PageOf, *, is_how_to: bool = False
) -> Evidence:
    """`evidence` with the sentences right below it, where it is a label: a short line that ends no sentence.

    With `is_how_to` with more of them, and also below a sentence that names a fault whose cause and remedy follow.
    Table rows are no labels: what follows them are other rows, which end no sentence either.
    """
    below = [u for u in units if (u.document_id, u.page) == (best.document_id, best.page) and u.start >= best.end]
    below.sort(key=lambda unit: unit.start)
    if not _is_label(best) and not (is_how_to and any(_REMEDY.match(unit.text) for unit in below[:_SOON])):
        return evidence
    end = best.end
    text = page_of(best.document_id, best.page).text
    for unit in below[: _MAX_HOW_TO_SENTENCES if is_how_to else _MAX_SENTENCES]:
        is_sentence = unit.kind == "text" and unit.text[:1].isupper() and _SENTENCE_END.search(unit.text)
        if not is_sentence or not _is_next(text, end, unit) or unit.end - best.start > _MAX_LABEL_RUN_CHARS:
            break
        end = unit.end
    return _spanning(evidence, best, best.start, end, page_of)


def _is_label(unit: Unit) -> bool:
    is_short = len(unit.text) <= _MAX_LABEL_CHARS
    return unit.kind in ("text", "heading") and is_short and not _SENTENCE_END.search(unit.text)


def whole_run(evidence: Evidence, units: Sequence[Unit], best: Unit, page_of: PageOf) -> Evidence:
    """`evidence` widened to the run of list items around it, or after it where it introduces one.

    A sentence does so with a colon, or where the first of numbered steps stands right below it.
    """
    on_page = [u for u in units if u.document_id == best.document_id and u.page == best.page]
    on_page.sort(key=lambda unit: unit.start)
    at = on_page.index(best)
    text = page_of(best.document_id, best.page).text

    def continues(upper: int) -> bool:
        return _is_next(text, on_page[upper].end, on_page[upper + 1])

    has_steps = at + 1 < len(on_page) and step_number(on_page[at + 1]) == 1 and continues(at)
    introduces = best.kind == "text" and (best.text.rstrip().endswith(":") or has_steps)
    if best.kind != "list" and not introduces:
        return evidence
    first = last = at
    while first > 0 and best.kind == "list" and on_page[first - 1].kind == "list" and continues(first - 1):
        first -= 1
    while last + 1 < len(on_page) and on_page[last + 1].kind == "list" and continues(last):
        last += 1
    if first > 0 and on_page[first - 1].text.rstrip().endswith(":") and continues(first - 1):
        first -= 1
    while on_page[last].end - on_page[first].start > MAX_RUN_CHARS and last > at:
        last -= 1
    while on_page[last].end - on_page[first].start > MAX_RUN_CHARS and first < at:
        first += 1
    return _spanning(evidence, best, on_page[first].start, on_page[last].end, page_of)


def _is_next(text: str, end: int, unit: Unit) -> bool:
    """Whether nothing, such as a heading, stands between `end` and a unit below it on the page."""
    return not text[end : unit.start].strip()


def _spanning(evidence: Evidence, best: Unit, start: int, end: int, page_of: PageOf) -> Evidence:
    text = page_of(best.document_id, best.page).text[start:end]
    return replace(evidence, text=text, span=PageSpan(best.page, start, end))
