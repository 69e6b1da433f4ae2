"""`Question.filters` to a choice of documents: path, media type, language, title, date.

Each filter is a key and a pattern; a document must meet all of them, and within one pattern any of the alternatives
that "|" sets apart. Pure: decides over `Described`s, knows no index. An unknown key is an error that
names the valid ones.
"""

from __future__ import annotations

import difflib
import fnmatch
import re
from collections.abc import Callable, Iterable, Mapping

from ragedge.errors import BadQuestion
from ragedge.search.editions import Described, Moment

_GLOB = re.compile(r"[*?\[]")
_DATE = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?")

Test = Callable[[Described], bool]


def chosen(filters: Mapping[str, str], documents: Iterable[Described]) -> list[str]:
    """Ids of the documents that meet all `filters`.

    Raises:
        BadQuestion: a key is unknown, or a value cannot be understood.
    """
    tests = tests_of(filters)
    return [document.name.id for document in documents if all(test(document) for test in tests)]


def tests_of(filters: Mapping[str, str]) -> list[Test]:
    """One test per filter.

    Raises:
        BadQuestion: a key is unknown, or a value cannot be understood.
    """
    tests: list[Test] = []
    for key, value in filters.items():
        if key not in _KINDS:
            near = difflib.get_close_matches(key, _KINDS, n=1)
            meant = f'did you mean "{near[0]}"? ' if near else ""
            raise BadQuestion(f'"{key}" is no filter', f"{meant}valid: {', '.join(_KINDS)}")
        parts = [part.strip() for part in value.split("|") if part.strip()]
        if not parts:
            raise BadQuestion(f'the filter "{key}" is empty', f"for example {_EXAMPLES[key]}")
        tests.append(_any_of([_KINDS[key](part) for part in parts]))
    return tests


def _any_of(tests: list[Test]) -> Test:
    return lambda document: any(test(document) for test in tests)


def path_test(value: str) -> Callable[[str], bool]:
    """A glob over the whole path, or a path, or a folder with all that is in it; letter case does not matter."""
    wanted = value.casefold().removeprefix("./")
    if _GLOB.search(wanted):
        return lambda path: fnmatch.fnmatchcase(path.casefold(), wanted)
    folder = wanted.rstrip("/") + "/"
    return lambda path: path.casefold() == wanted or path.casefold().startswith(folder)


def _path(value: str) -> Test:
    test = path_test(value)
    return lambda document: test(document.name.path)


def _media_type(value: str) -> Test:
    """ "application/pdf", "text/*", or the ending of the file's name: "pdf", ".pdf"."""
    wanted = value.casefold()
    if "/" in wanted:
        return lambda document: fnmatch.fnmatchcase(document.name.media_type.casefold(), wanted)
    ending = "." + wanted.lstrip(".")
    return lambda document: document.name.path.casefold().endswith(ending)


def _language(value: str) -> Test:
    wanted = value.casefold().replace("_", "-")

    def test(document: Described) -> bool:
        language = (document.name.language or "").casefold().replace("_", "-")
        return language == wanted or language.startswith(wanted + "-")

    return test


def _title(value: str) -> Test:
    """A glob over the whole title, or a part of it; letter case does not matter."""
    wanted = value.casefold()
    if _GLOB.search(wanted):
        return lambda document: fnmatch.fnmatchcase(document.name.title.casefold(), wanted)
    return lambda document: wanted in document.name.title.casefold()


def _date(value: str) -> Test:
    """A year, month or day ("2024", "2024-05", "2024-05-31"), or from..until with either left out."""
    first, dots, last = value.partition("..")
    start = _moment(first) if first.strip() else None
    end = _moment(last) if last.strip() else start if not dots else None
    if start is None and end is None:
        raise BadQuestion(f'the filter date = "{value}" says no date', f"for example {_EXAMPLES['date']}")

    def test(document: Described) -> bool:
        date = document.date
        if date is None:
            return False
        latest: Moment = (date[0], date[1] or 12, date[2] or 31)
        earliest: Moment = (date[0], date[1] or 1, date[2] or 1)
        after = start is None or latest >= (start[0], start[1] or 1, start[2] or 1)
        return after and (end is None or earliest <= (end[0], end[1] or 12, end[2] or 31))

    return test


def _moment(text: str) -> Moment:
    match = _DATE.fullmatch(text.strip())
    month, day = (int(match[2] or 0), int(match[3] or 0)) if match else (99, 0)
    if match is None or month > 12 or day > 31 or (match[2] and not month) or (match[3] and not day):
        raise BadQuestion(f'"{text.strip()}" is not a date', f"for example {_EXAMPLES['date']}")
    return int(match[1]), month, day


_KINDS: dict[str, Callable[[str], Test]] = {
    "path": _path,
    "media_type": _media_type,
    "language": _language,
    "title": _title,
    "date": _date,
}
_EXAMPLES = {
    "path": "path=manuals/*.pdf",
    "media_type": "media_type=pdf",
    "language": "language=en",
    "title": "title=pump manual",
    "date": "date=2024 or date=2023-05..2024-01",
}
