"""A bounded number of places for work that costs much: a question, an upload, a picture.

Nobody waits at the door: who finds no place is told so at once (`Busy`), with the time to come back, which keeps
memory and threads bounded however many ask.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from ragedge.errors import Busy


class Admission:
    """`limit` places; `enter` takes one, `leave` gives it back.

    Where callers are told apart, none of them gets the last quarter: there is room for others however much it asks.
    """

    def __init__(self, limit: int, *, what: str, retry_after_s: int) -> None:
        self.limit = limit
        self._what = what
        self._retry_after_s = retry_after_s
        self._taken = self._entered = 0
        self._held: Counter[str] = Counter()
        self._lock = threading.Lock()

    @property
    def taken(self) -> int:
        """Places in use now."""
        return self._taken

    @property
    def entered(self) -> int:
        """Places that were taken since the start."""
        return self._entered

    def enter(self, client: str = "") -> None:
        """Take a place, for `client` where callers are told apart.

        Raises:
            Busy: all places are taken, or all that one caller may have.
        """
        own_limit = self.limit - self.limit // 4 if client else self.limit
        with self._lock:
            if self._taken >= self.limit or self._held[client] >= own_limit:
                raise Busy(
                    f"{self._taken} {self._what} are already at work or waiting",
                    f"try again in {self._retry_after_s} seconds",
                    retry_after_s=self._retry_after_s,
                )
            self._taken += 1
            self._entered += 1
            self._held[client] += 1

    def leave(self, client: str = "") -> None:
        """Give the place back that was taken for `client`."""
        with self._lock:
            self._taken -= 1
            self._held[client] -= 1
            if self._held[client] <= 0:
                del self._held[client]

    @contextmanager
    def place(self) -> Iterator[None]:
        """A place for the length of a block.

        Raises:
            Busy: all places are taken.
        """
        self.enter()
        try:
            yield
        finally:
            self.leave()
