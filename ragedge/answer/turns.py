"""One job at a time, turns by client, with a bounded number of waiters.

llama.cpp is not thread-safe (four threads on one model end the process), so a model's work goes through one `Turns`.
Clients take turns (round robin: Nagle, "On Packet Switches with Infinite Storage", 1985), each client's own jobs come
first come first served: whoever asks a lot waits behind himself, not in front of the others. Where the queue is full,
the newest job of the client with the most of them makes room for one with fewer. Who finds no place is told at once,
with the time after which one is likely to be free. A waiter can give up.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

from ragedge.errors import Busy, ModelError

_POLL_S = 0.05  # seconds between two looks at a waiter's cancel flag, only while somebody waits; nobody notices less
_FIRST_GUESS_S = 5.0  # seconds a job takes, until one was measured
_LONGEST_RETRY_S = 120  # seconds; beyond two minutes a number is a guess at best


class Turns:
    """A fair lock: `take` waits its turn, `give` passes it on."""

    def __init__(self, queue_limit: int) -> None:
        self._limit = max(0, queue_limit)
        self._changed = threading.Condition(threading.Lock())
        self._queues: dict[str, deque[object]] = {}  # by client, in the order of their turns; none is empty
        self._is_taken = self._is_borrowed = False
        self._is_closed = False
        self._took_at = 0.0
        self._job_s = _FIRST_GUESS_S

    @property
    def waiting(self) -> int:
        """Jobs that wait."""
        with self._changed:
            return self._count()

    def take(self, is_cancelled: Callable[[], bool], client: str = "") -> bool:
        """Wait for the turn of `client`; False when `is_cancelled` became true before it came.

        Raises:
            Busy: when the turn is taken and the queue is full, or later to make room for a client with fewer jobs.
            ModelError: when closed.
        """
        ticket = object()
        with self._changed:
            if (self._is_taken or self._queues) and self._count() >= self._limit + self._is_borrowed:
                self._make_room(client)
            self._queues.setdefault(client, deque()).append(ticket)
        try:
            while not self._try(client, ticket):
                if is_cancelled():
                    return False
        finally:
            with self._changed:
                self._leave(client, ticket)
        return True

    def _count(self) -> int:
        return sum(map(len, self._queues.values()))

    def _make_room(self, client: str) -> None:
        """Send the newest job of the client with the most jobs away, if `client` has fewer even with one more."""
        most = max(self._queues, key=lambda name: len(self._queues[name]), default="")
        if len(self._queues.get(client, ())) + 1 >= len(self._queues.get(most, ())):
            raise self._busy()
        self._leave(most, self._queues[most][-1])

    def _leave(self, client: str, ticket: object) -> None:
        queue = self._queues.get(client)
        if queue is not None and ticket in queue:
            queue.remove(ticket)
            if not queue:
                del self._queues[client]
            self._changed.notify_all()

    def _try(self, client: str, ticket: object) -> bool:
        """Take the turn if it is free and ours; else sleep a little."""
        with self._changed:
            if not self._is_next(client, ticket):
                self._changed.wait(_POLL_S)
            if not self._is_next(client, ticket):
                return False
            queue = self._queues.pop(client)
            queue.popleft()
            if queue:
                self._queues[client] = queue  # at the end of the round
            self._is_taken = True
            self._took_at = time.monotonic()
            return True

    def _is_next(self, client: str, ticket: object) -> bool:
        if self._is_closed:
            raise ModelError("The language model has been closed.", "Start the program again.")
        if ticket not in self._queues.get(client, ()):
            raise self._busy()
        return not self._is_taken and next(iter(self._queues)) == client and self._queues[client][0] is ticket

    def borrow(self) -> bool:
        """Take the turn if nobody has it or waits, for work that is given up as soon as somebody does.

        It counts for nobody's place in the queue, nor for how long a job takes.
        """
        with self._changed:
            if self._is_taken or self._queues or self._is_closed:
                return False
            self._is_taken = self._is_borrowed = True
            return True

    def give(self) -> None:
        """Pass the turn on."""
        with self._changed:
            if not self._is_borrowed:
                self._job_s = 0.7 * self._job_s + 0.3 * (time.monotonic() - self._took_at)  # follows the last few jobs
            self._is_taken = self._is_borrowed = False
            self._changed.notify_all()

    def close(self) -> None:
        """Refuse everyone from now on, also those who wait."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def _busy(self) -> Busy:
        wait_s = self._job_s * (self._count() + 1)
        retry_s = max(1, min(_LONGEST_RETRY_S, round(wait_s)))
        message = f"The language model is busy, and {self._count()} are waiting."
        return Busy(message, f"Ask again in {retry_s} seconds.", retry_after_s=retry_s)
