"""GET /v1/suggestions: questions to begin with; the config's, else some that are made of the documents in idle time.

Made ones are kept as long as the index does not change, for each part of it apart, so that nobody is offered a question
about what he may not read. One thread makes them, and only while nobody asks.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Annotated, Any

from litestar import MediaType, Request, Response, get
from litestar.datastructures import State
from litestar.params import QueryParameter

from ragedge.errors import RagedgeError
from ragedge.server.documents import json_reply
from ragedge.server.settings import Suggest
from ragedge.server.sight import index_for, readable

_log = logging.getLogger("ragedge.server")

_MOST_KEPT = 64
_LOOK_SECONDS = 0.5  # how often it is looked whether somebody still asks

Wanted = tuple[tuple[str, ...] | None, str, int]
"""Readable collections, collection, generation of the index."""


class Suggestions:
    """Makes and keeps them; close it when done.

    Args:
        make: does the work for one part; None: there are none.
        is_busy: whether somebody asks.
    """

    def __init__(self, make: Suggest | None, is_busy: Callable[[], bool]) -> None:
        self._make = make
        self._is_busy = is_busy
        self._lock = threading.Lock()
        self._kept: OrderedDict[Wanted, tuple[str, ...] | None] = OrderedDict()  # None: wanted, not made yet
        self._thread: threading.Thread | None = None
        self._is_over = threading.Event()

    def get(self, readable: tuple[str, ...] | None, collection: str, generation: int) -> tuple[str, ...] | None:
        """What was made for this part; None: it is being made."""
        if self._make is None:
            return ()
        wanted = (readable, collection, generation)
        with self._lock:
            if wanted not in self._kept:
                self._kept[wanted] = None
            self._kept.move_to_end(wanted)
            while len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
            if self._kept[wanted] is None and not self._is_over.is_set() and self._thread is None:
                self._thread = threading.Thread(target=self._work, name="suggestions", daemon=True)
                self._thread.start()
            return self._kept[wanted]

    @property
    def is_working(self) -> bool:
        """Whether some are being made."""
        return self._thread is not None

    def close(self) -> None:
        """Stop, and wait for the question at work."""
        self._is_over.set()
        with self._lock:
            thread = self._thread
        if thread is not None:
            thread.join()

    def _work(self) -> None:
        while True:
            with self._lock:
                waiting = [wanted for wanted, made in self._kept.items() if made is None]
                if not waiting or self._is_over.is_set():
                    self._thread = None
                    return
            wanted = waiting[-1]  # the newest; older ones may be of an index that is no more
            made = self._made(wanted)
            with self._lock:
                if wanted in self._kept:
                    self._kept[wanted] = made

    def _made(self, wanted: Wanted) -> tuple[str, ...]:
        try:
            return () if self._make is None else self._make(wanted[0], wanted[1], self._has_to_stop)
        except RagedgeError as error:
            _log.warning("no questions could be suggested: %s", error.message)
        except Exception:
            _log.exception("no questions could be suggested")
        return ()

    def _has_to_stop(self) -> bool:
        """Waits while somebody asks; True when the service ends."""
        while self._is_busy() and not self._is_over.is_set():
            self._is_over.wait(_LOOK_SECONDS)
        return self._is_over.is_set()


@get(
    "/v1/suggestions",
    sync_to_thread=True,
    media_type=MediaType.JSON,
    summary="Questions to begin with",
    description=(
        "Those of the config, else up to four that the documents surely answer; `is_ready` false: they are being made, "
        "ask again in a few seconds."
    ),
)
def suggestions(
    request: Request[Any, Any, Any],
    state: State,
    collection: Annotated[str, QueryParameter(max_length=200)] = "",
) -> Response[bytes]:
    """For the part that the caller may read."""
    index = index_for(request, collection)
    own: Suggestions = state.suggestions
    given = state.settings.questions
    if given or state.settings.kiosk is not None:
        return json_reply({"questions": list(given), "is_ready": True})
    found = own.get(readable(request), collection, index.generation)
    return json_reply({"questions": list(found or ()), "is_ready": found is not None})
