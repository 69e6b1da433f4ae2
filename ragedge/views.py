"""Records as JSON: the one shape that the service, `--json` and evaluation files share.

A view is the record's own field names, in their order, with nested records as objects and tuples as lists; figures
that are computed (tokens per second) are added under their property's name. Views hold plain Python values only.
`encode` also takes text that is not valid Unicode (a lone surrogate out of a model or a damaged file) and never fails
on it. This module knows no index, no server and no terminal.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from typing import Any

import msgspec

from ragedge.contracts import Answer, ModelStats, Page, Passages, Piece

#: Names of computed properties that belong to a record's view.
_COMPUTED: dict[type, tuple[str, ...]] = {ModelStats: ("prompt_tokens_per_second", "tokens_per_second")}

#: Fields of a question that say what its asker may read: between parts of the service, for nobody else.
_INTERNAL = ("readable", "portion")


def record_view(record: Any) -> dict[str, Any]:
    """A dataclass instance as a dict of its fields, all the way down."""
    view = {f.name: _plain(getattr(record, f.name)) for f in dataclasses.fields(record)}
    for name in _COMPUTED.get(type(record), ()):
        view[name] = _plain(getattr(record, name))
    return view


def answer_view(answer: Answer) -> dict[str, Any]:
    """An answer as a dict with the field names of `contracts.Answer`; offsets count characters (code points)."""
    return record_view(answer)


def passages_view(
    passages: Passages, page_labels: Mapping[str, Mapping[int, str | None]] | None = None
) -> dict[str, Any]:
    """What was found as a dict with the field names of `contracts.Passages`, and `page_labels`.

    `page_labels` is {document id: {page number: label as printed, or None}} for the pages that the hits touch; JSON
    turns the numbers into strings.
    """
    view = record_view(passages)
    for name in _INTERNAL:
        view["retrieval"]["question"].pop(name, None)
    view["page_labels"] = {
        document_id: {str(number): label for number, label in labels.items()}
        for document_id, labels in (page_labels or {}).items()
    }
    return view


def piece_view(piece: Piece) -> dict[str, Any]:
    """A bit of the answer's text."""
    return record_view(piece)


def page_view(page: Page, *, pages: int, offset: int, limit: int) -> dict[str, Any]:
    """One page with the characters `[offset, offset + limit)` of its text, and its neighbours' numbers.

    `pages` is the number of pages of the document; `text_start` is where `text` begins in the whole page's text, which
    is `total_chars` long; `previous` and `next` are page numbers or None.
    """
    start = max(0, min(offset, len(page.text)))
    return {
        "number": page.number,
        "label": page.label,
        "origin": page.origin,
        "pages": pages,
        "previous": page.number - 1 if page.number > 1 else None,
        "next": page.number + 1 if page.number < pages else None,
        "text": page.text[start : start + limit],
        "text_start": start,
        "total_chars": len(page.text),
    }


def encode(view: Any) -> bytes:
    """A view as compact UTF-8 JSON in one line; lone surrogates become escapes instead of an error."""
    try:
        return msgspec.json.encode(view)
    except UnicodeEncodeError:
        return json.dumps(view, ensure_ascii=True, separators=(",", ":")).encode("ascii")


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, (str, bool, int)):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if dataclasses.is_dataclass(value):
        return record_view(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    if hasattr(value, "item"):  # a numpy scalar
        return _plain(value.item())
    raise TypeError(f"{type(value).__name__} has no place in a view")
