"""A table out of a TOML file -> a frozen struct: keys, types and ranges are checked against the struct's own fields.

Messages name the key, the file, and what would be right. Knows no particular section.
"""

from __future__ import annotations

import difflib
import re
import types
import typing
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, Literal

from ragedge.errors import ConfigError

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
"""Of a section that the file names itself: it stands in addresses and commands."""


def struct_of(kind: type[Any], table: Mapping[str, Any], origin: str, section: str) -> Any:
    """The struct `kind` out of a table; `origin` and `section` are for messages.

    Raises:
        ConfigError: a key or value does not fit.
    """
    hints = typing.get_type_hints(kind)
    known = {f.name: f for f in fields(kind)}
    values: dict[str, Any] = {}
    for key, value in table.items():
        where = f"{section}.{key}" if section else key
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
            raise ConfigError(
                f'unknown key "{where}" in {origin}',
                f'did you mean "{near[0]}"?' if near else f"valid keys here: {', '.join(known)}",
            )
        if is_dataclass(hints[key]):
            if not isinstance(value, Mapping):
                raise ConfigError(f'"{where}" in {origin} must be a section', f"write [{where}] and its keys below")
            values[key] = struct_of(typing.cast(type, hints[key]), value, origin, where)
        elif typing.get_origin(hints[key]) is Mapping:
            values[key] = _named(typing.get_args(hints[key])[1], value, origin, where)
        else:
            values[key] = _value(hints[key], value, known[key].metadata, where, origin)
    return kind(**values)


def _named(kind: type[Any], table: Any, origin: str, where: str) -> dict[str, Any]:
    """Sections that the file itself names, `[where.NAME]`; at most one of them may be for the rest."""
    if not isinstance(table, Mapping) or not all(isinstance(value, Mapping) for value in table.values()):
        raise ConfigError(f'"{where}" in {origin} must hold sections', f"write [{where}.NAME] and its keys below")
    for name in table:
        if not _NAME.fullmatch(name):
            raise ConfigError(f'"{where}.{name}" in {origin} is no name', "use 1 to 40 of a-z, 0-9, '-' and '_'")
    found = {name: struct_of(kind, value, origin, f"{where}.{name}") for name, value in table.items()}
    rest = [name for name, part in found.items() if not part.paths]
    if len(rest) > 1:
        raise ConfigError(
            f'"{where}.{rest[0]}" and "{where}.{rest[1]}" in {origin} both lack paths', "only one can take the rest"
        )
    return found


def _value(hint: Any, value: Any, metadata: Mapping[str, Any], where: str, origin: str) -> Any:
    if typing.get_origin(hint) is Literal:
        choices = typing.get_args(hint)
        if value not in choices:
            raise ConfigError(f'"{where}" in {origin} is {value!r}', f"valid: {', '.join(map(repr, choices))}")
        return value
    if typing.get_origin(hint) is tuple:
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise ConfigError(
                f'"{where}" in {origin} must be a list of texts', f'write a list, for example {where} = ["a", "b"]'
            )
        return tuple(value)
    expected = (int, float) if hint is float else (hint,)
    if isinstance(hint, types.UnionType) or type(value) not in expected:
        raise ConfigError(f'"{where}" in {origin} is {value!r}', f"it must be of type {hint.__name__}")
    low, high = metadata.get("range", (None, None))
    if low is not None and not low <= value <= high:
        raise ConfigError(f'"{where}" in {origin} is {value!r}', f"it must lie between {low:g} and {high:g}")
    return value
