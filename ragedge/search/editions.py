"""What a document's name, path and metadata say of its date and edition, and which documents are editions of one.

"reports/2023 Q3 ACME.pdf" and "reports/2024 Q1 ACME.pdf" are two editions, told apart by their quarter; so are two
files with one title and two dates in their metadata. Marks are years, quarters, months, days, versions, revisions and
edition numbers. Pure; nothing here reads a file or knows an index.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from ragedge.contracts import GIVEN_DATE, GIVEN_EDITION, DocumentName

_YEAR = r"(?:19|20)\d\d"
_MONTHS = (
    "jan(?:uary|uar|vier)?|feb(?:ruary|ruar)?|mar(?:ch)?|märz|apr(?:il)?|may|mai|june?|juni|july?|juli|aug(?:ust)?|"
    "sep(?:t|tember)?|oct(?:ober)?|okt(?:ober)?|nov(?:ember)?|dec(?:ember)?|dez(?:ember)?"
)
_MONTH_NUMBERS = {
    name: number
    for number, names in enumerate(
        ("jan", "feb", "mar mär", "apr", "may mai", "jun", "jul", "aug", "sep", "oct okt", "nov", "dec dez"), 1
    )
    for name in names.split()
}
_PDF_DAY = re.compile(rf"D:({_YEAR})(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])")  # ISO 32000-1, section 7.9.4
_DAY = re.compile(rf"(?<!\d)({_YEAR})[-._/ ]?(0[1-9]|1[0-2])[-._/ ]?(0[1-9]|[12]\d|3[01])(?!\d)")
_MONTH = re.compile(rf"(?<!\d)({_YEAR})[-._/](0[1-9]|1[0-2])(?!\d)")
_NAMED_DAY = re.compile(rf"(?<!\d)([0-3]?\d)\.?[ -]({_MONTHS})\.?,?[ -]({_YEAR})(?!\d)", re.I)
_DAY_NAMED = re.compile(rf"\b({_MONTHS})\.? ([0-3]?\d),? ({_YEAR})(?!\d)", re.I)
_NAMED_MONTH = re.compile(rf"\b({_MONTHS})\.?[ _-]({_YEAR})(?!\d)", re.I)
_QUARTER = re.compile(rf"(?<![^\W_])(?:({_YEAR})[-_ .]?q([1-4])|q([1-4])[-_ .]?({_YEAR}))(?![^\W_])", re.I)
_ONLY_YEAR = re.compile(rf"(?<![\d.,])({_YEAR})(?![\d]|[.,]\d)")
_VERSION = re.compile(
    r"(?<![^\W_])(?:(?:version|ver|v|revision|rev|edition|ed|issue|ausgabe|auflage|édition|edición)[-_. ]{0,2}"
    r"(\d{1,3}(?:\.\d{1,3}){0,3}|[a-h])|(\d{1,3})(?:st|nd|rd|th|\.|e|ª|a)?[-_ ]"
    r"(?:edition|revision|auflage|ausgabe|édition|edición))(?![^\W_])",
    re.I,
)
_MARKS = (_QUARTER, _DAY, _MONTH, _NAMED_DAY, _DAY_NAMED, _NAMED_MONTH, _ONLY_YEAR, _VERSION)
_DATE_KEYS = (GIVEN_DATE, "date", "updated", "revised", "modified", "published", "issued", "created")
_EDITION_KEYS = (GIVEN_EDITION, "edition", "version", "revision", "issue")
_WORD = re.compile(r"[^\W_]+")
_LONG_WORD = re.compile(r"[^\W\d_]{3,}")  # a title of less ("10-Q", "Report") is a kind of document, no name

Moment = tuple[int, int, int]
"""(year, month, day); month and day are 0 where they are not known. A quarter counts as its last month."""


@dataclass(frozen=True)
class Described:
    """A document's name, and what can be read out of it."""

    name: DocumentName

    @cached_property
    def date(self) -> Moment | None:
        """From the metadata, else from file name, folder or title; None: it declares none."""
        declared = (find_date(self.name.metadata.get(key, "")) for key in _DATE_KEYS)
        named = (find_date(text) for text in (self._stem, self.name.path, self.name.title))
        return next((found for found in (*declared, *named) if found is not None), None)

    @cached_property
    def named_date(self) -> Moment | None:
        """The date in file name, folder or title alone, what people call it by; or the one they gave it."""
        if (given := find_date(self.name.metadata.get(GIVEN_DATE, ""))) is not None:
            return given
        return next((d for t in (self._stem, self.name.path, self.name.title) if (d := find_date(t)) is not None), None)

    @cached_property
    def version(self) -> tuple[int, ...]:
        """Numbers of the edition, version or revision; () where none is declared. A letter counts from 1."""
        for key in _EDITION_KEYS:
            if found := re.findall(r"\d{1,4}", self.name.metadata.get(key, ""))[:4]:
                return tuple(map(int, found))
        match = _VERSION.search(self._stem) or _VERSION.search(self.name.title)
        if match is None:
            return ()
        mark = match[1] or match[2]
        return tuple(map(int, mark.split("."))) if mark[0].isdigit() else (ord(mark.lower()) - 96,)

    @cached_property
    def families(self) -> frozenset[str]:
        """Names without their marks: documents that share one, and differ in date or edition, are editions of one."""
        path = _bare(self.name.path.rpartition(".")[0] or self.name.path)
        title = _bare(self.name.title) if len(_LONG_WORD.findall(self.name.title)) > 1 else ""
        return frozenset(name for name in ("/" + path if path else "", title) if name)

    @cached_property
    def edition(self) -> tuple[Moment, tuple[int, ...]] | None:
        """What editions are ordered by; greater is newer; None: it declares nothing."""
        if self.named_date is None and self.date is None and not self.version:
            return None
        return (self.named_date or self.date or (0, 0, 0), self.version)

    @property
    def _stem(self) -> str:
        return self.name.path.rpartition("/")[2].rpartition(".")[0] or self.name.path.rpartition("/")[2]


def find_date(text: str) -> Moment | None:
    """The first date in `text`, the most exact kind first."""
    if match := _QUARTER.search(text):
        year, quarter = (match[1], match[2]) if match[1] else (match[4], match[3])
        return int(year), 3 * int(quarter), 0
    if match := _PDF_DAY.match(text) or _DAY.search(text):
        return int(match[1]), int(match[2]), int(match[3])
    if match := _NAMED_DAY.search(text):
        return int(match[3]), _MONTH_NUMBERS[match[2][:3].lower()], min(int(match[1]), 31)
    if match := _DAY_NAMED.search(text):
        return int(match[3]), _MONTH_NUMBERS[match[1][:3].lower()], min(int(match[2]), 31)
    if match := _MONTH.search(text):
        return int(match[1]), int(match[2]), 0
    if match := _NAMED_MONTH.search(text):
        return int(match[2]), _MONTH_NUMBERS[match[1][:3].lower()], 0
    if match := _ONLY_YEAR.search(text):
        return int(match[1]), 0, 0
    return None


def _bare(text: str) -> str:
    for pattern in _MARKS:
        text = pattern.sub(" ", text)
    return " ".join(_WORD.findall(text.casefold()))
