"""Reading again at length: the folder that the index follows, or every document from its kept copy; one at a time.

It runs in a thread of its own, is looked at and stopped from the desk, and ends with the service. What it has done by
then stays.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import anyio.to_thread
from litestar import MediaType, Response, delete, get, post
from litestar.datastructures import State
from litestar.params import JSONBody
from msgspec import Struct

from ragedge.admin_replies import DeskReading
from ragedge.errors import InputError, RagedgeError
from ragedge.ingest.scan import UPLOADS, followed_folder, walk
from ragedge.server.ask import check_body
from ragedge.server.documents import json_reply, syncer_of
from ragedge.server.settings import Service, Syncing
from ragedge.views import record_view

_log = logging.getLogger("ragedge.server")

_FAILED_SHOWN = 100
_AT_ONCE = 16  # documents between two looks at whether to stop, and for which an upload waits
_END_SECONDS = 30.0  # for files being read when the service ends

What = Literal["folder", "everything"]


class ReadingBody(Struct, forbid_unknown_fields=True):
    """What is to be read: the followed folder as it is now, or everything that is here."""

    what: What


class ReadingJob:
    """The one long reading of a service; safe to use from several threads."""

    def __init__(self, service: Service, is_ending: Callable[[], bool]) -> None:
        self._service = service
        self._is_ending = is_ending
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._began = 0.0
        self._state = DeskReading()

    def start(self, what: What) -> None:
        """Begin, unless one is running: then that goes on.

        Raises:
            InputError: there is no folder to read, or it is empty.
            IndexReadOnly: nothing can be changed here.
        """
        syncer = syncer_of(self._service)
        folder = self._folder() if what == "folder" else None
        with self._lock:
            if self._state.is_running:
                return
            self._stop.clear()
            self._began = time.monotonic()
            started_at = datetime.now(UTC).isoformat(timespec="seconds")
            self._state = DeskReading(what=what, is_running=True, started_at=started_at)
            work = (lambda: self._read_everything(syncer)) if folder is None else (lambda: self._run(syncer, folder))
            self._thread = threading.Thread(target=self._work, args=(work,), name="reading", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """Ask it to end after the file that it is at."""
        self._stop.set()

    def end(self) -> None:
        """Stop and wait for the end, before the index is closed."""
        self.stop()
        if self._thread is not None:
            self._thread.join(_END_SECONDS)

    def state(self) -> DeskReading:
        """Where it stands, or how the last one ended."""
        with self._lock:
            if not self._state.is_running:
                return self._state
            return replace(self._state, seconds=time.monotonic() - self._began)

    def _folder(self) -> Path:
        found = followed_folder(self._service.index.folder)
        if found is None:
            raise InputError("this index follows no folder", "read one: ragedge ingest FOLDER")
        folder = Path(found)
        known = sum(not path.startswith(UPLOADS) for path in self._service.index.files())
        if known and next(walk(folder), None) is None:
            # most likely a disk that is not there: reading it would take every document out of the index
            raise InputError(f'the folder "{folder}" is empty', "is its disk attached?")
        return folder

    def _note(self, **changes: Any) -> None:
        with self._lock:
            self._state = replace(self._state, **changes)

    def _is_stopped(self) -> bool:
        return self._stop.is_set() or self._is_ending()

    def _work(self, work: Callable[[], None]) -> None:
        problem, hint = "something went wrong inside the service", "see the log"
        try:
            work()
            problem = hint = ""
        except RagedgeError as error:
            problem, hint = error.message, error.hint
        except Exception as error:  # its message may name what is in a document
            _log.error("reading again failed: %s", type(error).__name__)
        finally:
            self._note(is_running=False, problem=problem, hint=hint, seconds=time.monotonic() - self._began, path="")

    def _run(self, syncer: Syncing, folder: Path) -> None:
        def tell(progress: Any) -> None:
            self._note(files_done=progress.files_done, files_total=progress.files_total, path=progress.path)

        report = syncer.run(folder, retry=True, on_progress=tell, is_stopped=self._is_stopped)
        self._note(
            added=len(report.added), changed=len(report.changed), renamed=len(report.renamed),
            removed=len(report.removed), unchanged=report.unchanged, was_stopped=report.was_stopped,
            failed=tuple(f"{row.path}: {row.detail or row.reason}" for row in report.rejected[:_FAILED_SHOWN]),
            failed_total=len(report.rejected),
        )  # fmt: skip

    def _read_everything(self, syncer: Syncing) -> None:
        paths = [info.path for info in self._service.index.documents()]
        failed: list[str] = []
        done = 0

        def tell(path: str) -> None:
            nonlocal done
            done += 1
            self._note(files_done=done, path=path)

        self._note(files_total=len(paths))
        for start in range(0, len(paths), _AT_ONCE):
            if self._is_stopped():
                self._note(was_stopped=True)
                break
            kept = syncer.read_each(paths[start : start + _AT_ONCE], tell)
            failed += [f"{path}: {why}" for path, why in kept.items()]
            self._note(failed=tuple(failed[:_FAILED_SHOWN]), failed_total=len(failed))
        self._note(changed=done - len(failed))


@get(
    "/v1/admin/reading",
    sync_to_thread=False,
    media_type=MediaType.JSON,
    summary="Where a long reading stands, or how the last one ended",
    description="`what` is null where none was begun since the service started.",
)
def show_reading(state: State) -> Response[bytes]:
    """The state of the job."""
    return json_reply(record_view(state.reading.state()))


@post(
    "/v1/admin/reading",
    status_code=200,
    before_request=check_body,
    media_type=MediaType.JSON,
    summary="Read the folder, or everything, again",
    description="`folder` brings the index in step with the folder that it follows, files that failed included; "
    "`everything` reads each document from the copy kept here. Replies at once; one that is running goes on.",
)
async def start_reading(data: JSONBody[ReadingBody], state: State) -> Response[bytes]:
    """Begin a reading."""
    await anyio.to_thread.run_sync(state.reading.start, data.what)
    return json_reply(record_view(state.reading.state()))


@delete(
    "/v1/admin/reading",
    status_code=200,
    media_type=MediaType.JSON,
    summary="Stop the long reading",
    description="It ends after the file that it is at; what was done stays.",
)
async def stop_reading(state: State) -> Response[bytes]:
    """Stop it."""
    state.reading.stop()
    return json_reply(record_view(state.reading.state()))


async def end_reading(app: Any) -> None:
    """When the service ends: nothing writes to the index after it is closed."""
    await anyio.to_thread.run_sync(app.state.reading.end)
