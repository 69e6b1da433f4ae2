"""What is said of one route in the description of the interface, and the refusals that several of them share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

BODY = ((413, "too_large"), (415, "unsupported_file"))
ABSENT = ((404, "not_found"),)
CHANGE = ((503, "index_read_only"), (507, "disk_full"))


@dataclass(frozen=True, slots=True)
class Described:
    """One route. `reply` is the record that comes back (None: not one of ours), `errors` are (status, code).

    `more_types` are those that the same reply may have besides `media_type`.
    """

    errors: tuple[tuple[int, str], ...] = ()
    request: Any = None
    reply: type | None = None
    example: Any = None
    media_type: str = "application/json"
    request_type: str = "application/json"
    more_types: tuple[str, ...] = ()
