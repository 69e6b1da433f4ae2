"""Sections of documents -> questions made by program, each with the span that answers it.

Four sources: records ("Name: value"), table rows, headings with what stands below them, sentences. Deterministic for a
seed; part of the questions is put in everyday words. A question that two places would answer alike is left out, because
nobody could say which one is meant. Pure: knows no index and no model.
"""

from __future__ import annotations

import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import replace

from ragedge.calibration.fields import record_questions
from ragedge.calibration.heads import heading_questions
from ragedge.calibration.sections import MadeQuestion, Section, pieces_of
from ragedge.calibration.statements import statement_questions
from ragedge.calibration.tables import row_questions
from ragedge.calibration.wording import everyday

__all__ = ["MadeQuestion", "Section", "make_questions"]

_MAKERS = (record_questions, row_questions, heading_questions, statement_questions)


def make_questions(
    sections: Iterable[Section], *, seed: int = 0, limit: int | None = None, everyday_share: float = 0.5
) -> list[MadeQuestion]:
    """Questions from `sections`, in the order of the sections.

    Args:
        seed: of the wording and of the choice.
        limit: how many are kept: every kind gets its turn, the documents take turns within a kind; None: all.
        everyday_share: share in [0, 1] of the questions put in other words than the text's.
    """
    made: list[MadeQuestion] = []
    for number, section in enumerate(sections):
        rng = random.Random(f"{seed}/{number}/{section.document_id}")
        pieces = pieces_of(section)
        for maker in _MAKERS:
            for question in maker(section, pieces, rng):
                words = everyday(question.question, question.language, rng, share=everyday_share)
                made.append(replace(question, question=_tidy(words)))
    counts = Counter(_key(question) for question in made)
    unique = [question for question in made if counts[_key(question)] == 1 and 8 <= len(question.question) <= 240]
    return unique if limit is None or len(unique) <= limit else _chosen(unique, limit, seed)


def _chosen(questions: list[MadeQuestion], limit: int, seed: int) -> list[MadeQuestion]:
    """`limit` of them: kinds in turn, within a kind documents in turn."""
    rng = random.Random(seed)
    queues: dict[str, list[int]] = {}
    for kind in sorted({question.kind for question in questions}):
        by_document: dict[str, list[int]] = defaultdict(list)
        for i, question in enumerate(questions):
            if question.kind == kind:
                by_document[question.document_id].append(i)
        for indices in by_document.values():
            rng.shuffle(indices)
        turns = [(turn, rng.random(), i) for indices in by_document.values() for turn, i in enumerate(indices)]
        queues[kind] = [i for _, _, i in sorted(turns, reverse=True)]  # the next one is the last
    kept: list[int] = []
    while len(kept) < limit and any(queues.values()):
        for queue in queues.values():
            if queue and len(kept) < limit:
                kept.append(queue.pop())
    return [questions[i] for i in sorted(kept)]


def _key(question: MadeQuestion) -> str:
    return " ".join(re.findall(r"\w+", question.question.casefold()))


def _tidy(text: str) -> str:
    """One line, one mark at the end, no marks of Markdown."""
    text = " ".join(re.sub(r"[*_`#]{1,3}", "", text).split())
    text = re.sub(r"\s+([?.,;])", r"\1", text) if "¿" in text or not text.endswith(" ?") else text
    return re.sub(r"[.?:,]+\?$", "?", text).strip()
