"""Ways to reach an application in tests: in memory, and over a real socket served by uvicorn."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from litestar import Litestar
from litestar.testing import TestClient

from ragedge.server.app import create_app
from ragedge.server.listening import listen, make_server
from ragedge.server.settings import ServerSettings, Service

BASE = "http://127.0.0.1:8321"


@contextmanager
def open_client(service: Service, settings: ServerSettings | None = None) -> Iterator[TestClient[Litestar]]:
    app = create_app(service, settings or ServerSettings())
    with TestClient(app, base_url=BASE, raise_server_exceptions=False) as client:
        yield client


@contextmanager
def serving(service: Service, settings: ServerSettings | None = None, port: int = 0) -> Iterator[int]:
    """The port of a running uvicorn."""
    with serving_app(create_app(service, settings or ServerSettings()), port) as opened:
        yield opened


@contextmanager
def serving_app(app: Litestar, port: int = 0) -> Iterator[int]:
    """The same for an application that is made already."""
    ready = threading.Event()
    listener = listen("127.0.0.1", port)
    server = make_server(app, listener, ready.set)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        assert ready.wait(20)
        yield listener.getsockname()[1]
    finally:
        server.end()
        thread.join(20)
        listener.close()
        assert not thread.is_alive()


def raw_request(port: int, head: bytes, body: bytes = b"") -> socket.socket:
    """Send bytes as they are; the caller reads and closes."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=20)
    connection.sendall(head + b"\r\n\r\n" + body)
    return connection


def ask_head(port: int, length: int, path: str = "/v1/ask/stream") -> bytes:
    return (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\nContent-Length: {length}"
    ).encode()


def read_until(connection: socket.socket, mark: bytes) -> bytes:
    seen = b""
    while mark not in seen:
        block = connection.recv(65_536)
        if not block:
            raise AssertionError(f"the connection ended before {mark!r}: {seen[-300:]!r}")
        seen += block
    return seen


def parse_events(body: str) -> list[tuple[str, dict]]:
    events = []
    for block in body.split("\n\n"):
        lines = [line for line in block.split("\n") if line and not line.startswith(":")]
        if lines:
            name = next(line[7:] for line in lines if line.startswith("event: "))
            data = "\n".join(line[6:] for line in lines if line.startswith("data: "))
            events.append((name, json.loads(data)))
    return events
