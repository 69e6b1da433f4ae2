"""An application on a socket: uvicorn that listens, says where, and ends within seconds of being asked to.

Open questions are told to stop first. Knows nothing of routes; what `app.state.stopping` stops is the application's.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from collections.abc import Callable
from types import FrameType

import uvicorn
from litestar import Litestar
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from ragedge.errors import ConfigError
from ragedge.server.certificate import Certificate
from ragedge.server.headers import broken_request_reply

#: How long open connections may take to end after the signal.
_GRACE_SECONDS = 3


class Protocol(AutoHTTPProtocol):  # type: ignore[misc, valid-type]
    """uvicorn's HTTP, that refuses what is no HTTP in our shape and under our headers: no application sees it."""

    transport: asyncio.Transport

    def send_400_response(self, msg: str) -> None:
        """The whole reply to bytes that are no request; `msg` is uvicorn's word for it."""
        self.transport.write(broken_request_reply())
        self.transport.close()


class Server(uvicorn.Server):
    """uvicorn that tells open questions to stop as soon as it is asked to end, and says when it is ready."""

    def __init__(self, config: uvicorn.Config, stopping: threading.Event, on_ready: Callable[[], None] | None) -> None:
        super().__init__(config)
        self._stopping = stopping
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to serve."""
        await super().startup(sockets)
        if self.started and self._on_ready is not None:
            self._on_ready()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal to end."""
        self._stopping.set()
        super().handle_exit(sig, frame)

    def end(self) -> None:
        """End as if by a signal; may be called from any thread."""
        self._stopping.set()
        self.should_exit = True


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens; port 0 picks a free one.

    Raises:
        ConfigError: the address is taken, or not one of this machine.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise ConfigError(f'"{host}" is not an address to listen on', "use 127.0.0.1") from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise ConfigError(
            f'cannot listen on "{host}" port {port}: {error.strerror}', "choose another --port"
        ) from error
    return listener


def make_server(
    app: Litestar,
    listener: socket.socket,
    on_ready: Callable[[], None] | None = None,
    certificate: Certificate | None = None,
) -> Server:
    """A server that is not yet running; `run(sockets=[listener])` runs it. With a certificate it speaks HTTPS alone."""
    config = uvicorn.Config(
        app,
        log_config=None,
        log_level=logging.WARNING,
        access_log=False,
        server_header=False,
        ws="none",
        lifespan="on",
        http=Protocol,
        timeout_graceful_shutdown=_GRACE_SECONDS,
        proxy_headers=False,
        ssl_certfile=certificate.certificate_path if certificate is not None else None,
        ssl_keyfile=certificate.key_path if certificate is not None else None,
    )
    return Server(config, app.state.stopping, on_ready)


def address_of(listener: socket.socket, host: str, scheme: str = "http") -> str:
    """The page's address for people."""
    port = listener.getsockname()[1]
    name = {"0.0.0.0": "localhost", "::": "localhost"}.get(host, host)
    return f"{scheme}://{f'[{name}]' if ':' in name else name}:{port}"


def serve(
    app: Litestar,
    host: str,
    port: int,
    on_ready: Callable[[str], None] | None = None,
    certificate: Certificate | None = None,
) -> None:
    """Serve until a signal comes; `on_ready` is called with the page's address once it can be opened.

    Raises:
        ConfigError: cannot listen there.
    """
    listener = listen(host, port)
    try:
        address = address_of(listener, host, "http" if certificate is None else "https")
        ready = None if on_ready is None else lambda: on_ready(address)
        make_server(app, listener, ready, certificate).run(sockets=[listener])
    finally:
        listener.close()
