"""Collections: named parts of one index, told by the paths of documents, and who may read each.

A document belongs to every collection whose patterns one of its paths meets, else to the one without patterns. It may
be read where all its collections may be: a copy of a public file in a closed folder stays closed. Pure; decides over
paths and names, knows no index, no key and no server.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from ragedge.errors import NotFound
from ragedge.search.filters import path_test

Sight = Literal["guest", "visitor", "curator", "owner"]
SIGHTS: tuple[Sight, ...] = get_args(Sight)
"""Who reads, from the least: who comes without a key, then the roles of keys. Each may read what those before it may.
"""

REST = "other"
"""The collection of what no other takes, where the config gives it no name of its own."""

UPLOADS = "@uploads/"
"""What the paths of uploaded files begin with; patterns need not repeat it."""


@dataclass(frozen=True, slots=True)
class Collection:
    """A part of an index. `paths` are files, folders or patterns; none: it takes what no other takes.

    `readers` is the least who may read it; curators and owners read everything.
    """

    name: str
    title: str = ""
    paths: tuple[str, ...] = ()
    readers: Sight = "guest"


class Collections:
    """All collections of an index; the one without patterns is always among them, last."""

    def __init__(self, collections: Sequence[Collection] = ()) -> None:
        named = [collection for collection in collections if collection.paths]
        rest = [collection for collection in collections if not collection.paths] or [Collection(REST)]
        self.all: tuple[Collection, ...] = (*named, rest[0])
        self._rest = frozenset({rest[0].name})
        self._tests: list[tuple[str, Callable[[str], bool]]] = [
            (collection.name, path_test(pattern)) for collection in named for pattern in collection.paths
        ]
        rules = repr([(collection.name, collection.paths) for collection in self.all])
        self._rules = hashlib.sha256(rules.encode("utf-8", "surrogatepass")).hexdigest()[:16]

    @property
    def are_configured(self) -> bool:
        """Whether there is more than what every index has."""
        return len(self.all) > 1 or self.all[0] != Collection(REST)

    def of(self, paths: Iterable[str]) -> frozenset[str]:
        """The names of the collections that a file known under `paths` belongs to."""
        found: set[str] = set()
        for path in paths:
            plain = path.removeprefix(UPLOADS)
            found |= {name for name, test in self._tests if test(path) or test(plain)} or self._rest
        return frozenset(found) or self._rest

    def readable(self, sight: Sight) -> tuple[str, ...] | None:
        """Names of what `sight` may read; None: everything."""
        rank = SIGHTS.index(sight)
        names = tuple(c.name for c in self.all if SIGHTS.index(c.readers) <= rank or rank >= SIGHTS.index("curator"))
        return None if len(names) == len(self.all) else names

    def check(self, name: str, readable: Sequence[str] | None) -> None:
        """Whether a collection may be asked for by who reads `readable` (None: everything).

        Raises:
            NotFound: it is not there or closed, which looks the same.
        """
        known = [collection.name for collection in self.all] if self.are_configured else []
        if name and name not in (known if readable is None else readable):
            raise NotFound(
                "there is no such collection here",
                "see those there are: ragedge index info, GET /v1/index",
            )

    def key(self, readable: Sequence[str] | None, name: str) -> str:
        """Names a part of the index, the rules that make it included; "" for all of it."""
        if readable is None and not name:
            return ""
        seen = "*" if readable is None else "+".join(sorted(readable))
        return f"{seen}/{name}:{self._rules}"


def admits(belongs: frozenset[str], readable: Sequence[str] | None, name: str) -> bool:
    """Whether what `belongs` to some collections is part of `name` ("": of any) and may be read."""
    return (readable is None or belongs.issubset(readable)) and (not name or name in belongs)
