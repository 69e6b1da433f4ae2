"""One question's stream of events, pulled by a thread and sent as it comes or drained into one answer.

A plain generator handed to the framework stays suspended, locks held, after its reader hangs up until the garbage
collector finds it. So the pulling is done here: each step runs in a worker thread, the hang-up sets a flag that the
pipeline looks at between tokens, and the generator is closed before the place in the queue is given back. The first
event is taken before the reply starts, so that "busy" is a real 503. What an event looks like on the wire is said by a
`Style`: our own Server-Sent Events, or another protocol's.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import anyio
import anyio.to_thread

from ragedge.contracts import Event

#: A comment that often keeps the connection alive while a small board reads a long prompt, and finds dead peers.
PING_SECONDS = 10.0

#: A comment in Server-Sent Events.
PING = b": still here\n\n"

Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
T = TypeVar("T")


class Cancel:
    """A flag with a deadline; what the pipeline is given as `is_cancelled`."""

    def __init__(self, timeout_s: float, is_stopping: Callable[[], bool]) -> None:
        self._flag = threading.Event()
        self._deadline = time.monotonic() + timeout_s
        self._is_stopping = is_stopping

    def set(self) -> None:
        """Ask the work to end."""
        self._flag.set()

    def is_set(self) -> bool:
        """Whether the work should end: asked for, out of time, or the service is going down."""
        return self._flag.is_set() or time.monotonic() > self._deadline or self._is_stopping()


class Pump:
    """Pulls events in worker threads; `close` must be awaited once, whatever happened."""

    def __init__(
        self, open_stream: Callable[[Callable[[], bool]], Iterator[Event]], cancel: Cancel, on_close: Callable[[], None]
    ) -> None:
        self._open_stream = open_stream
        self._iterator: Iterator[Event] | None = None
        self._cancel = cancel
        self._on_close = on_close
        self._step = threading.Lock()
        self._is_closed = False

    async def pull(self) -> Event | None:
        """The next event, or None at the end. A cancelled caller does not wait for the step at work."""
        return await anyio.to_thread.run_sync(self._next, abandon_on_cancel=True)

    async def close(self) -> None:
        """Set the flag, wait for the step at work, close the generator, give the place back."""
        if self._is_closed:
            return
        self._is_closed = True
        self._cancel.set()
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(self._finish)

    def cancel(self) -> None:
        """Ask the work to end without waiting."""
        self._cancel.set()

    def _next(self) -> Event | None:
        with self._step:
            if self._is_closed:
                return None
            if self._iterator is None:
                self._iterator = self._open_stream(self._cancel.is_set)
            return next(self._iterator, None)

    def _finish(self) -> None:
        try:
            with self._step:
                close = getattr(self._iterator, "close", None)
                if close is not None:
                    close()
        finally:
            self._on_close()


@dataclass(frozen=True, slots=True)
class Style:
    """How events are written. `render` may read the index and runs in a thread; `ping` b"" sends none.

    `finish` gives what is said after the last event, also where the events ended without an answer.
    """

    media_type: str
    render: Callable[[Event], bytes]
    render_error: Callable[[Exception], bytes]
    finish: Callable[[], bytes] = bytes
    ping: bytes = PING


class EventStream:
    """An ASGI reply that sends what a pump gives, and closes it whatever happens; `first` was pulled before."""

    def __init__(self, pump: Pump, first: Event | None, style: Style) -> None:
        self._pump = pump
        self._first = first
        self._style = style
        self._sending = anyio.Lock()
        self._is_complete = False

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        """Send the reply. Returns when all is sent or the reader has hung up."""
        try:
            async with anyio.create_task_group() as group:
                group.start_soon(self._watch, receive, group.cancel_scope)
                group.start_soon(self._ping, send)
                await self._reply(send)
                group.cancel_scope.cancel()
        finally:
            await self._pump.close()

    async def _reply(self, send: Send) -> None:
        headers = [
            (b"content-type", self._style.media_type.encode("ascii")),
            (b"cache-control", b"no-store"),
            (b"x-accel-buffering", b"no"),
        ]
        async with self._sending:
            await send({"type": "http.response.start", "status": 200, "headers": headers})
        try:
            event = self._first
            while event is not None:
                await self._send(send, await anyio.to_thread.run_sync(self._style.render, event))
                event = await self._pump.pull()
            await self._send(send, self._style.finish())
        except Exception as error:  # the status is sent: the failure travels as an event
            await self._send(send, self._style.render_error(error))
        async with self._sending:
            self._is_complete = True
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send(self, send: Send, body: bytes) -> None:
        async with self._sending:
            if body and not self._is_complete:
                await send({"type": "http.response.body", "body": body, "more_body": True})

    async def _watch(self, receive: Receive, scope: anyio.CancelScope) -> None:
        await wait_for_disconnect(receive)
        self._pump.cancel()
        scope.cancel()

    async def _ping(self, send: Send) -> None:
        while True:
            await anyio.sleep(PING_SECONDS)
            await self._send(send, self._style.ping)


async def while_connected(receive: Receive, work: Callable[[], Awaitable[T]], on_gone: Callable[[], None]) -> T | None:
    """What `work` gives, its errors as they are; None when the reader hung up first, after `on_gone` was called."""
    result: T | None = None
    failure: Exception | None = None

    async def watch() -> None:
        await wait_for_disconnect(receive)
        on_gone()
        group.cancel_scope.cancel()

    async with anyio.create_task_group() as group:
        group.start_soon(watch)
        try:
            result = await work()
        except Exception as error:  # out of the group as it is, not wrapped in an ExceptionGroup
            failure = error
        group.cancel_scope.cancel()
    if failure is not None:
        raise failure
    return result


async def wait_for_disconnect(receive: Receive) -> None:
    """Return when the reader has hung up."""
    while (await receive())["type"] != "http.disconnect":
        pass


def encode_event(name: str, data: bytes) -> bytes:
    """One event as bytes; `data` is JSON in one line (a line break in it would end the event early)."""
    lines = b"".join(b"data: " + line + b"\n" for line in data.split(b"\n"))
    return b"event: " + name.encode("ascii") + b"\n" + lines.replace(b"\r", b"") + b"\n"
