"""A bounded number of places for work that costs much: a question, an upload, a picture.

Nobody waits at the door: who finds no place is told so at once (`Busy`), with the time to come back, which keeps
memory and threads bounded however many ask.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from ragedge.errors import Busy


class Admission:
    """`limit` places; `enter` takes one, `leave` gives it back."""

    def __init__(self, limit: int, *, what: str, retry_after_s: int) -> None:
        self.limit = limit
        self._what = what
        self._retry_after_s = retry_after_s
        self._taken = 0
        self._lock = threading.Lock()

    @property
    def taken(self) -> int:
        """Places in use now."""
        return self._taken

    def enter(self) -> None:
        """Take a place.

        Raises:
            Busy: all places are taken.
        """
        with self._lock:
            if self._taken >= self.limit:
                raise Busy(
                    f"{self._taken} {self._what} are already at work or waiting",
                    f"try again in {self._retry_after_s} seconds",
                    retry_after_s=self._retry_after_s,
                )
            self._taken += 1

    def leave(self) -> None:
        """Give the place back."""
        with self._lock:
            self._taken -= 1

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
