"""Questions that are likely to be asked: those asked most often, those that visitors are shown, the golden ones.

What was asked comes from the journal, where one is kept, and counts if it was answered, however it was worded in case
and spaces. Each comes once, the likeliest first. Knows no index.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

from ragedge.errors import InputError
from ragedge.evaluation.goldens import read_questions
from ragedge.journal_reading import Selection, question_key, read_entries, repeats

MOST_QUESTIONS = 300
"""Searched for at a tenth of a second to a second each; the first ones find nearly all that is used."""


def used_questions(journal: Path | None, shown: Sequence[str], golden: Path | None) -> list[str]:
    """At most `MOST_QUESTIONS`; a file that cannot be read has none."""
    found: dict[str, str] = {}
    for text in itertools.chain(_asked(journal), shown, _golden(golden)):
        found.setdefault(question_key(text), text)
    return list(found.values())[:MOST_QUESTIONS]


def _asked(journal: Path | None) -> list[str]:
    try:
        entries = [] if journal is None else read_entries(journal, Selection())
    except InputError:
        return []
    return [one.question for one in repeats([entry for entry in entries if entry.outcome == "answered"])]


def _golden(file: Path | None) -> list[str]:
    try:
        return [] if file is None or not file.is_file() else [one.question for one in read_questions(file)]
    except InputError:
        return []
