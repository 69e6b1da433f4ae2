"""Verb `ragedge ingest`: a progress bar while a folder comes in, a report after it, an orderly stop at Ctrl-C."""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
import threading
from collections.abc import Iterator

from ragedge import terminal, views
from ragedge.errors import INTERRUPTED, InputError
from ragedge.ingest.sync import Sync
from ragedge.ingest.watch import follow


@contextlib.contextmanager
def stop_on_interrupt() -> Iterator[threading.Event]:
    """The first Ctrl-C asks for a stop after the current batch, the second one stops at once."""
    stop = threading.Event()

    def ask_to_stop(*_: object) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()
        print("\nstopping after the current batch; once more to stop at once", file=sys.stderr)

    before = signal.signal(signal.SIGINT, ask_to_stop)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, before)


def ingest_once(sync: Sync, options: argparse.Namespace, stop: threading.Event) -> int:
    """Bring the folder into the index and report; the exit code."""
    bar = terminal.ProgressBar()
    try:
        report = sync.run(
            options.folder, retry=options.retry or bool(options.password), on_progress=bar, is_stopped=stop.is_set
        )
    finally:
        bar.close()
    if options.json:
        print(views.encode(views.record_view(report)).decode("utf-8"))
    else:
        terminal.show_report(report, sys.stdout)
    sys.stdout.flush()
    if report.was_stopped:
        return INTERRUPTED
    return InputError.exit_code if options.strict and report.rejected else 0


def watch(sync: Sync, options: argparse.Namespace, stop: threading.Event) -> None:
    """Follow the folder until `stop`."""

    def again() -> None:
        ingest_once(sync, options, stop)

    print(f'following "{options.folder}"; Ctrl-C ends it', file=sys.stderr)
    follow(options.folder, again, stop)
