"""Which corpus is made by which function: name of the folder under corpora/ -> {path: bytes} of its documents."""

from __future__ import annotations

from collections.abc import Callable

from corpora.make import field_manual, museum, small_business

CORPORA: dict[str, Callable[[], dict[str, bytes]]] = {
    "field-manual": field_manual.documents,
    "museum": museum.documents,
    "small-business": small_business.documents,
}
