"""The last lines of the service's log, in memory: what went wrong, and one line per request with its id.

A line names the route, never the address as it was written, no question, no document and no caller. Older lines go
when newer ones come; nothing is written to a disk.
"""

from __future__ import annotations

import logging
import re
import threading
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from ragedge.admin_replies import LogLine

_LINES = 500  # some 100 kB
_TEXT_CHARS = 4_000  # a traceback's frames
_REQUEST_ID = re.compile(r"\brequest ([0-9a-f]{16})\b")
#: Asked every second or so by pages that are open; what they get is news only when it is a failure.
_QUIET = ("/static/", "/v1/health", "/v1/admin/log", "/v1/admin/reading", "/v1/session")
_LOGGERS = ("ragedge", "uvicorn")


class LogRing(logging.Handler):
    """Keeps lines; may be written to from several threads."""

    def __init__(self, lines: int = _LINES) -> None:
        super().__init__(logging.INFO)
        self._lines: deque[LogLine] = deque(maxlen=lines)
        self._guard = threading.Lock()
        self._number = 0

    def listen(self) -> None:
        """Take what the service's own loggers say, until `close`."""
        for name in _LOGGERS:
            logging.getLogger(name).addHandler(self)

    def close(self) -> None:
        """Take no more."""
        for name in _LOGGERS:
            logging.getLogger(name).removeHandler(self)
        super().close()

    def emit(self, record: logging.LogRecord) -> None:
        """A line of a logger; its request's id is read out of it."""
        text = record.getMessage()
        found = _REQUEST_ID.search(text)
        self._add(record.levelname.lower(), "" if found is None else found[1], text)

    def add_request(self, scope: Any, status: int, milliseconds: float) -> None:
        """A line for a request that was answered."""
        route = str(scope.get("path_template") or "no route")
        if status < 400 and route.startswith(_QUIET):
            return
        level = "info" if status < 400 else "warning" if status < 500 else "error"
        text = f"{scope['method']} {route} {status or 'broken off'} {milliseconds:.0f} ms"
        self._add(level, str(scope.get("state", {}).get("request_id", "")), text)

    def lines(self, after: int = 0) -> tuple[LogLine, ...]:
        """The lines after number `after`, oldest first."""
        with self._guard:
            return tuple(line for line in self._lines if line.number > after)

    def _add(self, level: str, request_id: str, text: str) -> None:
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        with self._guard:
            self._number += 1
            self._lines.append(LogLine(self._number, at, level, request_id, text[:_TEXT_CHARS]))


def watched(send: Callable[[Any], Awaitable[None]], tell: Callable[[int], None]) -> Callable[[Any], Awaitable[None]]:
    """An ASGI `send` that tells the status of the reply."""

    async def pass_on(message: Any) -> None:
        if message["type"] == "http.response.start":
            tell(int(message["status"]))
        await send(message)

    return pass_on
