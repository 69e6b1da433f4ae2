"""Changing which model a config file uses, without touching anything else in it.

Only the lines of `[answer]` that name the model are replaced; comments, order and everything else stay byte for byte.
The new text is read back as a config before it takes the old one's place, whole or not at all.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
import tomllib
from pathlib import Path

from ragedge.config import load_config
from ragedge.errors import ConfigError

_SECTION = re.compile(r"^\s*\[(?P<name>[^\[\]]+)\]\s*(#.*)?$")


def set_model(path: Path, name: str) -> None:
    """Make the config file at `path` use the model `name`, out of the models of this box.

    A `sha256` of another model is emptied (the list of models knows the sum), and a `kind` that never speaks or speaks
    elsewhere becomes "auto".

    Raises:
        ConfigError: the file cannot be read, or cannot be changed without guessing.
    """
    before = load_config(path)
    text = path.read_text(encoding="utf-8")
    text = _with(text, "model", name)
    if before.answer.sha256:
        text = _with(text, "sha256", "")
    if before.answer.kind not in ("auto", "llama"):
        text = _with(text, "kind", "auto")
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        after = load_config(Path(temporary))
        if after.answer.model != name or after.answer.sha256:
            hint = f'write it yourself: [answer] model = "{name}"'
            raise ConfigError(f'the config file "{path}" cannot be changed without guessing', hint)
        Path(temporary).chmod(path.stat().st_mode & 0o777)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _with(text: str, key: str, value: str) -> str:
    """`text` with `key` of [answer] set to a string."""
    line = f"{key} = {json.dumps(value)}"
    lines = text.splitlines(keepends=True)
    start = next((i for i, row in enumerate(lines) if _name(row) == "answer"), None)
    if start is None:
        gap = "" if not text or text.endswith("\n\n") else "\n" if text.endswith("\n") else "\n\n"
        return f"{text}{gap}[answer]\n{line}\n"
    end = next((i for i in range(start + 1, len(lines)) if _name(lines[i])), len(lines))
    for i in range(start + 1, end):
        if re.match(rf"\s*{key}\s*=", lines[i]):
            lines[i] = _replaced(lines[i], line)
            return "".join(lines)
    if not lines[start].endswith("\n"):
        lines[start] += "\n"
    lines.insert(start + 1, f"{line}\n")
    return "".join(lines)


def _replaced(row: str, line: str) -> str:
    """The row with its value replaced and its comment kept: the longest tail after a '#' that leaves valid TOML."""
    stripped = row.rstrip("\r\n")
    for at in (i for i, letter in enumerate(stripped) if letter == "#"):
        try:
            tomllib.loads(stripped[:at])
        except tomllib.TOMLDecodeError:
            continue
        spaces = len(stripped[:at]) - len(stripped[:at].rstrip())
        return f"{line}{' ' * max(1, spaces)}{stripped[at:]}{row[len(stripped) :]}"
    return line + row[len(stripped) :]


def _name(row: str) -> str:
    found = _SECTION.match(row)
    return found["name"].strip() if found else ""
