"""Changes one entry in the text of a file of reviewed answers, and leaves every other character as it is.

The file belongs to people who also write it by hand: comments, order, spelling of the other entries and of unchanged
keys stay byte for byte. The text is cut into statements by a scanner that knows strings, brackets and comments; whoever
calls reads the result back and compares, so what this cannot cut is refused and never written wrongly. Pure.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ragedge.answer.pinned import PinnedAnswer

_KEYS = ("questions", "text", "source", "valid_from", "valid_until", "reviewed_by")
_NAME = re.compile(r"\s*[\"']?(\w+)")


@dataclass(frozen=True, slots=True)
class _Part:
    """A stretch of whole lines: blank or comment, a header, or a key with its value; `comments` stand inside of it."""

    kind: Literal["blank", "array", "table", "key"]
    name: str
    text: str
    comments: tuple[str, ...] = ()


def with_added(text: str, answer: PinnedAnswer) -> str:
    """The text with one more entry at its end."""
    end = "\r\n" if "\r\n" in text else "\n"
    gap = "" if not text.strip() else end if text.endswith("\n") else end * 2
    lines = ["[[answer]]", *(line for key in _KEYS if (line := _line(answer, key)))]
    return text + gap + end.join(lines) + end


def with_changed(text: str, before: PinnedAnswer, after: PinnedAnswer) -> str:
    """The text with the entry at the place of `before` saying what `after` says; keys that say the same stay."""
    parts = list(_parts(text))
    start, stop = _block(parts, before.number)
    end = "\r\n" if "\r\n" in text else "\n"
    block = parts[start:stop]
    for key in _KEYS:
        line = _line(after, key)
        if line != _line(before, key):
            block = _with_key(block, key, f"{line}{end}" if line else "", end)
    return "".join(part.text for part in (*parts[:start], *block, *parts[stop:]))


def with_removed(text: str, answer: PinnedAnswer) -> str:
    """The text without an entry; comments above it and below its last key stay."""
    parts = list(_parts(text))
    start, stop = _block(parts, answer.number)
    last = max(i for i in range(start, stop) if parts[i].kind != "blank")
    return "".join(part.text for part in (*parts[:start], *parts[last + 1 :]))


def _line(answer: PinnedAnswer, key: str) -> str:
    """A key with its value in one line; "" where the answer has none."""
    if key == "questions":
        return f"questions = [{', '.join(map(_string, answer.questions))}]"
    if key == "text":
        return f"text = {_string(answer.text)}"
    if key == "source":
        source = answer.source
        fields = [f"path = {_string(source.path)}"]
        fields += [f"page = {source.page}"] if source.page is not None else []
        fields += [f"quote = {_string(source.quote)}"] if source.quote is not None else []
        return f"source = {{{', '.join(fields)}}}"
    if key == "reviewed_by":
        return f"reviewed_by = {_string(answer.reviewed_by)}" if answer.reviewed_by else ""
    day = answer.valid_from if key == "valid_from" else answer.valid_until
    return f"{key} = {day.isoformat()}" if day is not None else ""


def _string(text: str) -> str:
    """A TOML basic string: JSON's escapes are among TOML's."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _block(parts: list[_Part], number: int) -> tuple[int, int]:
    """Where the entry with this number begins and where the next one does; (n, n) where there is none."""
    heads = [i for i, part in enumerate(parts) if part.kind == "array" and part.name == "answer"]
    if not 1 <= number <= len(heads):
        raise IndexError(number)
    return heads[number - 1], heads[number] if number < len(heads) else len(parts)


def _with_key(block: list[_Part], key: str, line: str, end: str) -> list[_Part]:
    """An entry's parts with one key said anew, or left out where `line` is empty; the key's comments stay."""
    owners, table = [], ""
    for part in block:
        table = part.name.rpartition(".")[2] if part.kind == "table" else table
        owners.append("" if part.kind in ("blank", "array") else table or part.name)
    old = [i for i, owner in enumerate(owners) if owner == key]
    comments = [comment for i in old for comment in block[i].comments]
    if line and len(comments) == 1 and len(old) == 1 and block[old[0]].text.count("\n") <= 1:
        new = f"{line.rstrip()}  {comments[0]}{end}"
    else:
        new = "".join(f"{comment}{end}" for comment in comments) + line
    rest = [part for i, part in enumerate(block) if i not in old]
    if old and block[old[0]].kind == "key" and "table" not in {part.kind for part in block[: old[0]]}:
        place = old[0]
    else:  # after the entry's last key, before its tables
        tables = next((i for i, part in enumerate(rest) if part.kind == "table"), len(rest))
        place = max((i for i in range(tables) if rest[i].kind in ("key", "array")), default=0) + 1
    if place and not rest[place - 1].text.endswith("\n"):
        new = end + new
    return [*rest[:place], _Part("key", key, new), *rest[place:]]


def _parts(text: str) -> Iterator[_Part]:
    at = 0
    while at < len(text):
        stop = text.find("\n", at) + 1 or len(text)
        line = text[at:stop].strip()
        if not line or line.startswith("#"):
            yield _Part("blank", "", text[at:stop])
        elif line.startswith("["):
            kind: Literal["array", "table"] = "array" if line.startswith("[[") else "table"
            head, mark, comment = line.partition("#")
            name = "".join(head.strip().strip("[]").replace('"', "").replace("'", "").split())
            yield _Part(kind, name, text[at:stop], (mark + comment,) if mark else ())
        else:
            stop, comments = _end_of_value(text, at)
            found = _NAME.match(text, at)
            yield _Part("key", found[1] if found else "", text[at:stop], comments)
        at = stop


def _end_of_value(text: str, at: int) -> tuple[int, tuple[str, ...]]:
    """Where the statement that begins here ends (behind its line break), and the comments in it."""
    depth, comments = 0, []
    while at < len(text):
        letter = text[at]
        if letter in "\"'":
            at = _end_of_string(text, at)
            continue
        if letter == "#":
            stop = text.find("\n", at)
            stop = len(text) if stop < 0 else stop
            comments.append(text[at:stop].rstrip())
            at = stop
            continue
        depth += (letter in "[{") - (letter in "]}")
        at += 1
        if letter == "\n" and depth <= 0:
            break
    return at, tuple(comments)


def _end_of_string(text: str, at: int) -> int:
    """The place behind the string that begins here."""
    mark = text[at : at + 3] if text[at : at + 3] in ('"""', "'''") else text[at]
    at += len(mark)
    while at < len(text) and not text.startswith(mark, at):
        at += 2 if text[at] == "\\" and mark[0] == '"' else 1
    at += len(mark)
    if len(mark) == 3:  # up to two quotation marks may stand before the closing ones
        while text.startswith(mark[0], at):
            at += 1
    return min(at, len(text))
