"""One job at a time, first come first served, with a bounded number of waiters.

llama.cpp is not thread-safe (four threads on one model end the process), so a model's work goes through one `Turns`.
A full queue is told at once, with the time after which a place is likely to be free. A waiter can give up.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

from ragedge.errors import Busy, ModelError

_POLL_S = 0.05  # seconds between two looks at a waiter's cancel flag; nobody notices less
_FIRST_GUESS_S = 5.0  # seconds a job takes, until one was measured
_LONGEST_RETRY_S = 120  # seconds; beyond two minutes a number is a guess at best


class Turns:
    """A fair lock: `take` waits its turn, `give` passes it on."""

    def __init__(self, queue_limit: int) -> None:
        self._limit = max(0, queue_limit)
        self._changed = threading.Condition(threading.Lock())
        self._queue: deque[object] = deque()
        self._is_taken = False
        self._is_closed = False
        self._took_at = 0.0
        self._job_s = _FIRST_GUESS_S

    def take(self, is_cancelled: Callable[[], bool]) -> bool:
        """Wait for the turn; False when `is_cancelled` became true before it came.

        Raises:
            Busy: when the turn is taken and the queue is full.
            ModelError: when closed.
        """
        ticket = object()
        with self._changed:
            if (self._is_taken or self._queue) and len(self._queue) >= self._limit:
                raise self._busy()
            self._queue.append(ticket)
        try:
            while not self._try(ticket):
                if is_cancelled():
                    return False
        finally:
            with self._changed:
                if ticket in self._queue:
                    self._queue.remove(ticket)
                    self._changed.notify_all()
        return True

    def _try(self, ticket: object) -> bool:
        """Take the turn if it is free and ours; else sleep a little."""
        with self._changed:
            if self._is_closed:
                raise ModelError("The language model has been closed.", "Start the program again.")
            if self._is_taken or self._queue[0] is not ticket:
                self._changed.wait(_POLL_S)
            if self._is_taken or self._is_closed or self._queue[0] is not ticket:
                return False
            self._queue.popleft()
            self._is_taken = True
            self._took_at = time.monotonic()
            return True

    def give(self) -> None:
        """Pass the turn on."""
        with self._changed:
            self._job_s = 0.7 * self._job_s + 0.3 * (time.monotonic() - self._took_at)  # follows the last few jobs
            self._is_taken = False
            self._changed.notify_all()

    def close(self) -> None:
        """Refuse everyone from now on, also those who wait."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def _busy(self) -> Busy:
        wait_s = self._job_s * (len(self._queue) + 1)
        retry_s = max(1, min(_LONGEST_RETRY_S, round(wait_s)))
        message = f"The language model is busy, and {len(self._queue)} are waiting."
        return Busy(message, f"Ask again in {retry_s} seconds.", retry_after_s=retry_s)
