"""The documents of an index as a whole: which are editions of one, which is the newest, which does a question mean.

"What was the turnover in Q3 2023?" means the editions of that quarter, "in the latest report" the newest ones; the
words that say so are taken out of the question, because the passages themselves hardly ever repeat them. Without such
words the newest edition goes before its elders where both say the same. Documents that are no edition of anything are
never touched. Pure; what the passages hold is asked of the caller.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ragedge.contracts import DocumentName
from ragedge.search.editions import Described, Moment, find_date

MAX_EDITIONS = 40  # of one name; more are a diary or a log, in which a newer entry does not replace an older one
_OTHER_EDITION = 0.4  # taken off other editions than the one asked for: as much as all words of a question weigh
_SUBJECT_GAIN = 0.4  # at most, for the document among the editions that the question's rarest words are typical of
_LIKE_THE_BEST = 0.9  # of the best one's share: such documents are asked for, too
_MOST_SUBJECTS = 3  # more than these say that the question names none
_OLDER_EDITION = 0.08  # taken off older editions, where none is asked for: decides between equals only

_ORDINALS = {"first": 1, "1st": 1, "second": 2, "2nd": 2, "third": 3, "3rd": 3, "fourth": 4, "4th": 4}
_LEAD = (
    r"(?:\b(?:in|for|of|from|during|as of|im|für|vom|en|de|du)\s+)?(?:\b(?:the|its|their|der|die|das|dem|le|la|el)\s+)?"
)
_QUARTER = re.compile(
    rf"{_LEAD}\b(?:(first|second|third|fourth|1st|2nd|3rd|4th) quarter|q([1-4]))"
    r"(?:\s+of)?(?:\s+the\s+year)?,?\s*((?:19|20)\d\d)\b",
    re.I,
)
_DATED = re.compile(
    rf"{_LEAD}(?<![\w.,-])((?:19|20)\d\d[-/]\d\d(?:[-/]\d\d)?|(?:19|20)\d\d\s?q[1-4]|(?:\d{{1,2}}\.? )?"
    r"(?:jan|feb|mar|mär|apr|may|mai|jun|jul|aug|sep|oct|okt|nov|dec|dez)[a-zäöü]*\.? (?:\d{1,2}, )?(?:19|20)\d\d|"
    r"(?:19|20)\d\d)(?![\w-]|[.,]\d)",
    re.I,
)
_LATEST = re.compile(
    rf"{_LEAD}\b(?:latest|newest|most recent|most current|neueste[nrsm]?|letzte[nrsm]?|dernier|dernière|plus récente?|"
    r"más reciente|último|última|"
    r"(?:current|last)(?=\s+(?:edition|version|revision|issue|report|filing|quarter|year)))\b",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Meant:
    """What a question says of editions: its `text` without that, and the documents `others` than those meant."""

    text: str
    is_asked: bool = False
    others: frozenset[str] = field(default_factory=frozenset)

    def gain(self, document_id: str, subjects: Mapping[str, float]) -> float:
        """What to add to the score of a document's passages; `subjects` as from `typical`."""
        if document_id in self.others:
            return -_OTHER_EDITION if self.is_asked else -_OLDER_EDITION
        return _SUBJECT_GAIN * subjects.get(document_id, 0.0) if self.is_asked else 0.0

    def subject_of(self, subjects: Mapping[str, float]) -> tuple[str, ...]:
        """The documents asked for that the question's words are most typical of; () where it asks for no edition."""
        fitting = {i: share for i, share in subjects.items() if self.is_asked and i not in self.others}
        least = _LIKE_THE_BEST * max(fitting.values(), default=0.0)
        found = tuple(sorted(i for i, share in fitting.items() if share >= least > 0))
        return found if len(found) <= _MOST_SUBJECTS else ()


class Library:
    """Documents by what their names say; made once per state of an index."""

    def __init__(self, names: Sequence[DocumentName]) -> None:
        self.documents = [Described(name) for name in names]
        self._sizes = {name.id: max(name.chunks, 1) for name in names}
        self._families = _families(self.documents)
        self._older = frozenset(
            document.name.id
            for family in self._families
            for document in family
            if document.edition != max(d.edition for d in family if d.edition is not None)
        )
        self._editions = {document.name.id for family in self._families for document in family}

    def meant(self, text: str) -> Meant:
        """Which editions a question is about."""
        if not self._families:
            return Meant(text)
        for pattern in (_QUARTER, _DATED):
            for match in pattern.finditer(text):
                period = _period(match)
                fitting = {d.name.id for d in self.documents if d.name.id in self._editions and _is_of(d, period)}
                if fitting and fitting != self._editions:
                    return Meant(_without(text, match), True, frozenset(self._editions - fitting))
        if (latest := _LATEST.search(text)) is not None:
            return Meant(_without(text, latest), True, self._older)
        return Meant(text, False, self._older)

    def typical(self, passages_with: Mapping[str, Mapping[str, int]]) -> dict[str, float]:
        """Document id -> how much the words are its own, in [0, 1]; `passages_with` is word -> document id -> count.

        A word counts by how few documents share it (one less its normalized entropy, squared): a company's name tells
        its reports apart, "revenue" stands in all of them.
        """
        totals: dict[str, float] = {}
        weights = 0.0
        for counts in passages_with.values():
            shares = {i: count / self._sizes[i] for i, count in counts.items() if i in self._sizes}
            if not shares:
                continue
            weight = _concentration(list(shares.values()), len(self._sizes)) ** 2
            best = max(shares.values())
            weights += weight
            for document_id, share in shares.items():
                totals[document_id] = totals.get(document_id, 0.0) + weight * share / best
        return {i: total / weights for i, total in totals.items()} if weights > 0 else {}


def _families(documents: Sequence[Described]) -> list[list[Described]]:
    """Documents of one name with different editions; by path first, then by title among those left."""
    found: list[list[Described]] = []
    left = [document for document in documents if document.edition is not None]
    for is_path in (True, False):
        groups: dict[str, list[Described]] = {}
        for document in left:
            for name in document.families:
                if name.startswith("/") == is_path:
                    groups.setdefault(name, []).append(document)
        good = [g for g in groups.values() if len({d.edition for d in g}) > 1 and len(g) <= MAX_EDITIONS]
        found += good
        taken = {document.name.id for group in good for document in group}
        left = [document for document in left if document.name.id not in taken]
    return found


def _period(match: re.Match[str]) -> Moment:
    if match.re is _QUARTER:
        return int(match[3]), 3 * (_ORDINALS[match[1].lower()] if match[1] else int(match[2])), 0
    return find_date(match[1]) or (int(match[1][:4]), 0, 0)


def _is_of(document: Described, period: Moment) -> bool:
    """Whether a document's edition lies in a period, which may be a year, a month or a day."""
    date = document.named_date or document.date
    return date is not None and all(asked in (0, known) for asked, known in zip(period, date, strict=True))


def _without(text: str, match: re.Match[str]) -> str:
    rest = " ".join(f"{text[: match.start()]} {text[match.end() :]}".split()).lstrip(" ,;:").replace(" ?", "?")
    return rest if re.search(r"[^\W\d_]{3}", rest) else text


def _concentration(shares: Sequence[float], documents: int) -> float:
    """1 where one document has it all, 0 where all have the same share (Shannon 1948)."""
    if documents < 2:
        return 0.0
    total = sum(shares)
    entropy = -sum(share / total * math.log(share / total) for share in shares)
    return max(0.0, 1 - entropy / math.log(documents))
