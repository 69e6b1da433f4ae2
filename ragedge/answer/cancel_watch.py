"""While a model computes, a thread looks at the cancel flag of whoever asked and stops the computation."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

_WATCH_S = 0.005  # seconds between two looks at the cancel flag while a prompt is read


class Stoppable(Protocol):
    """What computes."""

    def stop(self) -> None: ...


@contextmanager
def watched(engine: Stoppable, is_cancelled: Callable[[], bool]) -> Iterator[None]:
    """While the body computes, another thread looks at the cancel flag and stops the computation."""
    is_done = threading.Event()

    def watch() -> None:
        while not is_done.wait(_WATCH_S):
            if is_cancelled():
                engine.stop()
                return

    watcher = threading.Thread(target=watch, name="cancel-watch", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        is_done.set()
        watcher.join()
