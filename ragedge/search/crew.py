"""Jobs that know nothing of each other, done by a few threads that each compute alone.

Instead of letting a native library share every single multiplication among its threads: those wait for each other
hundreds of times a text, and as soon as anything else runs on the box they wait for the one that was put aside.
Threads that share nothing lose only the time that others really take. Knows no models.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Job = TypeVar("Job")
Result = TypeVar("Result")


class Crew:
    """`size` threads, the caller's among them; safe to use from several threads, which then share the others."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._pool = ThreadPoolExecutor(size - 1, "crew") if size > 1 else None

    def run(self, jobs: Sequence[Job], do: Callable[[int, Job], Result]) -> list[Result]:
        """`do(place, job)` for every job, results in the order of `jobs`; long jobs should come first.

        `place` in [0, size) is held by one thread at a time within this call. The first error ends the call, once the
        jobs that had begun are done.
        """
        left = deque(enumerate(jobs))
        results: dict[int, Result] = {}

        def work(place: int) -> None:
            while True:
                try:
                    number, job = left.popleft()
                except IndexError:
                    return
                try:
                    results[number] = do(place, job)
                except BaseException:
                    left.clear()
                    raise

        helpers: list[Future[None]] = []
        if self._pool is not None:
            helpers = [self._pool.submit(work, place) for place in range(1, min(self.size, len(jobs)))]
        try:
            work(0)
        finally:  # who has not begun finds nothing left; who has is waited for, whatever happened here
            failed = [error for helper in helpers if not helper.cancel() and (error := helper.exception()) is not None]
        if failed:
            raise failed[0]
        return [results[number] for number in range(len(jobs))]
