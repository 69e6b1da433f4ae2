"""A museum's file of rooms and objects: TOML, read strictly, to the questions that its kiosk suggests.

    [questions]                                     # where no exhibit is named
    en = ["When is the museum open?"]

    [[exhibit]]
    id = "1923.14"                                  # as in /kiosk?exhibit=1923.14
    title = "Harbour bell"                          # or one per language, that of the documents first: {en = "..", ..}
    documents = ["objects/1923-14-*"]               # paths in the index, * and ? as in a shell
    [exhibit.questions]
    en = ["Who rang this bell for nineteen hours?"]
    de = ["Wer läutete diese Glocke neunzehn Stunden lang?"]

A room is an exhibit with more documents. Knows no index: which documents the paths mean is found out above.
"""

from __future__ import annotations

import difflib
import fnmatch
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ragedge.errors import ConfigError

MAX_FILE_BYTES = 4_194_304  # thousands of exhibits
MAX_ID_CHARS = 100  # an address holds it, and a QR code stays coarse enough to print
MAX_TEXT_CHARS = 300  # of a title or a question: what a button can show
_EXHIBIT_KEYS = ("id", "title", "documents", "questions")

Texts = Mapping[str, tuple[str, ...]]
"""Language ("en") to texts."""


@dataclass(frozen=True, slots=True)
class Exhibit:
    """A room or an object. `titles` is language to title, "" for any; `documents` are patterns of paths."""

    id: str
    titles: Mapping[str, str]
    documents: tuple[str, ...]
    questions: Texts

    @property
    def topic(self) -> str:
        """What "it" means in a question asked before it, in words that the documents use: the first title."""
        return next(iter(self.titles.values()))

    def meant(self, paths: Iterable[str]) -> list[str]:
        """Those of `paths` that belong to this exhibit."""
        return [path for path in paths if any(fnmatch.fnmatchcase(path, pattern) for pattern in self.documents)]


@dataclass(frozen=True, slots=True)
class Exhibits:
    """A whole file."""

    questions: Texts = field(default_factory=dict)
    exhibits: Mapping[str, Exhibit] = field(default_factory=dict)


def load_exhibits(path: Path) -> Exhibits:
    """Read a file of exhibits.

    Raises:
        ConfigError: it is missing, no TOML, or a key or value does not fit.
    """
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ConfigError(f'the file of exhibits "{path}" is too large', f"{MAX_FILE_BYTES} bytes are allowed")
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(f'there is no file of exhibits "{path}"', "correct exhibits under [kiosk]") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f'the file of exhibits "{path}" cannot be read: {error}', "correct that line") from error
    _check_keys(table, ("questions", "exhibit"), str(path))
    rows = table.get("exhibit", [])
    if not isinstance(rows, list):
        raise ConfigError(f'"exhibit" in {path} must be tables', "write [[exhibit]] before each")
    found: dict[str, Exhibit] = {}
    for number, row in enumerate(rows, 1):
        where = f"exhibit {number} in {path}"
        exhibit = _exhibit(row, where)
        if exhibit.id in found:
            raise ConfigError(f'{where} has the id "{exhibit.id}" of another one', "give each an id of its own")
        found[exhibit.id] = exhibit
    return Exhibits(_questions(table.get("questions", {}), str(path)), found)


def _exhibit(row: Any, where: str) -> Exhibit:
    if not isinstance(row, Mapping):
        raise ConfigError(f"{where} must be a table", "write [[exhibit]] and its keys below")
    _check_keys(row, _EXHIBIT_KEYS, where)
    name = row.get("id")
    if not isinstance(name, str) or not name.strip() or len(name) > MAX_ID_CHARS or not name.isprintable():
        raise ConfigError(f"{where} needs an id of 1 to {MAX_ID_CHARS} characters", 'write id = "1923.14"')
    title = row.get("title", name)
    titles = {"": title} if isinstance(title, str) else title
    if not isinstance(titles, Mapping) or not titles:
        raise ConfigError(f"{where}: title must be a text, or one per language", 'write title = "Harbour bell"')
    checked = {str(language): _text(text, f"{where}: title") for language, text in titles.items()}
    documents = row.get("documents", [])
    if not isinstance(documents, list) or not all(isinstance(pattern, str) for pattern in documents):
        raise ConfigError(f"{where}: documents must be a list of paths", 'write documents = ["objects/1923-14-*"]')
    return Exhibit(name, checked, tuple(documents), _questions(row.get("questions", {}), where))


def _questions(table: Any, where: str) -> Texts:
    if not isinstance(table, Mapping):
        raise ConfigError(f"{where}: questions must be lists by language", 'write en = ["..", ".."] below questions')
    found: dict[str, tuple[str, ...]] = {}
    for language, texts in table.items():
        if not isinstance(texts, list):
            raise ConfigError(f"{where}: questions.{language} must be a list of texts", f'write {language} = [".."]')
        found[str(language)] = tuple(_text(text, f"{where}: questions.{language}") for text in texts)
    return found


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > MAX_TEXT_CHARS:
        raise ConfigError(f"{where} must be a text of 1 to {MAX_TEXT_CHARS} characters", "correct that line")
    return value.strip()


def _check_keys(table: Mapping[str, Any], known: Sequence[str], where: str) -> None:
    for key in table:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
            hint = f'did you mean "{near[0]}"?' if near else f"valid keys here: {', '.join(known)}"
            raise ConfigError(f'unknown key "{key}" in {where}', hint)
