"""A thread that writes states to disk while nobody waits for the model.

It starts with the first state. While an answer is made it stands still between two pieces of a file; what is not
written when the process ends is made again another time.
"""

from __future__ import annotations

import queue
import threading
from collections import deque

from ragedge.state_files import StateFolder, StateHead

_MOST_WAITING_BYTES = 64 * 2**20  # of memory; more comes together only where questions never pause, and is let go


class StateWriter:
    """Writes into one folder; used by one thread."""

    def __init__(self, folder: StateFolder) -> None:
        self._folder = folder
        self._is_idle = threading.Event()
        self._waiting: queue.SimpleQueue[tuple[StateHead, memoryview, int, bool] | None] = queue.SimpleQueue()
        self._sizes: deque[int] = deque()
        self._is_closed = False
        self._thread: threading.Thread | None = None

    @property
    def held_bytes(self) -> int:
        """Bytes that wait to be written."""
        return sum(tuple(self._sizes))

    @property
    def is_full(self) -> bool:
        """Whether so much waits that no more should be put."""
        return self.held_bytes >= _MOST_WAITING_BYTES

    def put(self, head: StateHead, state: memoryview, epoch: int, *, is_ahead: bool = False) -> None:
        """Write a state when there is time; `is_ahead`: see `StateFolder.write`."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="state-writer", daemon=True)
            self._thread.start()
        self._sizes.append(len(state))
        self._waiting.put((head, state, epoch, is_ahead))

    def pause(self) -> None:
        """An answer is being made."""
        self._is_idle.clear()

    def go_on(self) -> None:
        """Nobody waits."""
        self._is_idle.set()

    def flush(self) -> None:
        """Wait until all that was put is written, or given up; then no more may be put."""
        self.go_on()
        self._waiting.put(None)
        if self._thread is not None:
            self._thread.join()

    def close(self) -> None:
        """Give up what is not written yet."""
        self._is_closed = True
        self._waiting.put(None)
        self.go_on()

    def _run(self) -> None:
        while (job := self._waiting.get()) is not None:
            head, state, epoch, is_ahead = job
            self._folder.write(head, state, epoch, self._goes_on, is_ahead=is_ahead)
            del job, state  # its memory, before the next one is waited for
            self._sizes.popleft()

    def _goes_on(self) -> bool:
        self._is_idle.wait()
        return not self._is_closed
