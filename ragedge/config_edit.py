"""Changing values of a config file without touching anything else in it.

Only the lines of the keys that change are replaced, or one is added below its section; comments, order and everything
else stay byte for byte. The new text is read back as a config before it takes the old one's place, whole or not at all:
where it says more or less than what was to change, the file is left as it was.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import is_dataclass, replace
from pathlib import Path
from typing import Any

from ragedge.config import Config, load_config
from ragedge.errors import ConfigError

Value = str | bool | int | float | Sequence[str]

_SECTION = re.compile(r"^\s*\[\[?(?P<name>[^\[\]]+)\]\]?\s*(#.*)?$")
#: What may stand in a line, taken apart so that a "#" in a text is no comment.
_TOKEN = re.compile(r"\"\"\".*?\"\"\"|'''.*?'''|\"(?:\\.|[^\"\\])*\"|'[^'\n]*'|#[^\n]*|[^\"'#]+", re.S)


def set_model(path: Path, name: str) -> None:
    """Make the config file at `path` use the model `name`, out of the models of this box.

    A `sha256` of another model is emptied (the list of models knows the sum), and a `kind` that never speaks or speaks
    elsewhere becomes "auto".

    Raises:
        ConfigError: the file cannot be read, or cannot be changed without guessing.
    """
    change(path, model_changes(load_config(path), name))


def model_changes(before: Config, name: str) -> dict[str, Value]:
    """What `change` must set so that a config uses the model `name`."""
    changes: dict[str, Value] = {"answer.model": name}
    if before.answer.sha256:
        changes["answer.sha256"] = ""
    if before.answer.kind not in ("auto", "llama"):
        changes["answer.kind"] = "auto"
    return changes


def change(path: Path, changes: Mapping[str, Value]) -> Config:
    """Set keys ("answer.model", or "language" before all sections) of the config file at `path`; the config it then is.

    Raises:
        ConfigError: the file cannot be read or written, a value does not fit its key, or it cannot be changed without
            guessing.
    """
    before = load_config(path)
    text = path.read_bytes().decode("utf-8")  # line ends as they are
    for key, value in changes.items():
        section, _, name = key.rpartition(".")
        text = _with(text, section, name, value)
    try:
        return _write(path, text, before, changes)
    except OSError as error:
        raise ConfigError(f'the config file "{path}" cannot be written: {error.strerror}', "see its rights") from error


def _write(path: Path, text: str, before: Config, changes: Mapping[str, Value]) -> Config:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        try:
            after = load_config(Path(temporary))
        except ConfigError as error:
            message = error.message.replace(temporary, str(path))
            raise ConfigError(message, error.hint) from error
        if after != _expected(before, changes):
            lines = ", ".join(f"{key} = {_toml(value)}" for key, value in changes.items())
            message = f'the config file "{path}" cannot be changed without guessing'
            raise ConfigError(message, f"write it yourself: {lines}")
        Path(temporary).chmod(path.stat().st_mode & 0o777)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return after


def _expected(before: Config, changes: Mapping[str, Value]) -> Config:
    config: Any = before
    for key, value in changes.items():
        kept = value if isinstance(value, str | bool | int | float) else tuple(value)
        section, _, name = key.rpartition(".")
        part = getattr(config, section) if section else config
        if not is_dataclass(part):
            raise ConfigError(f'"{key}" is no key of a config', "see configs/default.toml")
        changed: Any = replace(part, **{name: kept})  # type: ignore[type-var]
        config = replace(config, **{section: changed}) if section else changed
    return config  # type: ignore[no-any-return]


def _toml(value: Value) -> str:
    """A value as TOML in one line; JSON's texts, numbers and lists of texts are TOML's, too."""
    return json.dumps(value if isinstance(value, str | bool | int | float) else list(value), ensure_ascii=False)


def _with(text: str, section: str, key: str, value: Value) -> str:
    """`text` with `key` of a section ("": before all sections) set to a value."""
    line = f"{key} = {_toml(value)}"
    lines = text.splitlines(keepends=True)
    start = -1 if not section else next((i for i, row in enumerate(lines) if _name(row) == section), None)
    if start is None:
        gap = "" if not text or text.endswith("\n\n") else "\n" if text.endswith("\n") else "\n\n"
        return f"{text}{gap}[{section}]\n{line}\n"
    end = next((i for i in range(start + 1, len(lines)) if _name(lines[i])), len(lines))
    for i in range(start + 1, end):
        if re.match(rf"\s*{re.escape(key)}\s*=", lines[i]):
            stop = _end_of_value(lines, i, end)
            lines[i:stop] = _replaced(lines[i:stop], line)
            return "".join(lines)
    if start >= 0 and not lines[start].endswith("\n"):
        lines[start] += "\n"
    at = start + 1 if section else _first_place(lines, end)
    lines.insert(at, f"{line}\n")
    return "".join(lines)


def _first_place(lines: Sequence[str], end: int) -> int:
    """Where a key goes before all sections: behind the last that is there, else behind the comment at the top."""
    last = max((i for i in range(end) if re.match(r"\s*[\w-]+\s*=", lines[i])), default=-1)
    if last >= 0:
        return _end_of_value(lines, last, end)
    return next((i for i in range(end) if not lines[i].startswith("#")), end)


def _end_of_value(lines: Sequence[str], start: int, end: int) -> int:
    """The line behind a key's value, which may take several."""
    for stop in range(start + 1, end + 1):
        try:
            tomllib.loads("".join(lines[start:stop]))
        except tomllib.TOMLDecodeError:
            continue
        return stop
    return start + 1


def _replaced(rows: Sequence[str], line: str) -> list[str]:
    """The rows of one key with its value replaced and its comments kept, above where it took several rows."""
    last = rows[-1]
    ending = last[len(last.rstrip("\r\n")) :]
    comments = list(_comments("".join(rows)))
    if len(rows) == 1:
        at = last.rfind(comments[0]) if comments else -1
        before = last[:at] if comments else ""
        spaces = " " * max(1, len(before) - len(before.rstrip())) if comments else ""
        return [f"{line}{spaces}{comments[0] if comments else ''}{ending}"]
    return [*(f"{comment}{ending or chr(10)}" for comment in comments), f"{line}{ending}"]


def _comments(text: str) -> Iterator[str]:
    for match in _TOKEN.finditer(text):
        if match.group().startswith("#"):
            yield match.group().rstrip("\r\n")


def _name(row: str) -> str:
    found = _SECTION.match(row)
    return found["name"].strip() if found else ""
