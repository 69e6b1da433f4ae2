"""Follows a folder: runs the sync verb again whenever something below it changed.

Owner of the `watchfiles` package (inotify through Rust: no polling, no cost while nothing happens). What changed is
not looked at here; the sync verb compares the folder with the index anyway, so that a missed event costs a delay, not
a file.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Event

from watchfiles import watch

SETTLE_MS = 1_600
"""Quiet time before a run: copying a file fires many events, and half a file would be read in vain."""

LOOK_AGAIN_MS = 60_000
"""A run at least this often: a file too fresh to be trusted, or an event that the kernel dropped, is caught then."""


def follow(folder: Path, on_change: Callable[[], None], stop: Event) -> None:
    """Call `on_change` after each burst of changes below `folder` until `stop` is set."""
    for _ in watch(
        folder, debounce=SETTLE_MS, rust_timeout=LOOK_AGAIN_MS, yield_on_timeout=True, stop_event=stop,
        raise_interrupt=False,
    ):  # fmt: skip
        on_change()
