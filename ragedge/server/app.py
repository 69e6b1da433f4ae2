"""The Litestar application around assembled parts, and the call that serves it with uvicorn.

`create_app` wires routes, limits and the guard; it opens nothing but the page's own files. `serve` listens, says
where, and ends within seconds of being asked to: open questions are told to stop first.
"""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import anyio
import uvicorn
from litestar import Litestar, MediaType, Response, get
from litestar.datastructures import State
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin

from ragedge.errors import ConfigError
from ragedge.server.admission import Admission
from ragedge.server.ask import AskDesk, ask, ask_stream
from ragedge.server.documents import (
    json_reply,
    list_documents,
    original_file,
    remove_document,
    remove_file,
    show_document,
    upload_document,
)
from ragedge.server.embeddings import embeddings
from ragedge.server.feedback import feedback
from ragedge.server.kiosk import kiosk_code, kiosk_page, kiosk_setup, kiosk_speech
from ragedge.server.metrics import metrics
from ragedge.server.ollama import chat, show, tags, version
from ragedge.server.openai import chat_completions, list_models, show_model
from ragedge.server.pages import page_picture, show_page
from ragedge.server.picture import PictureMaker
from ragedge.server.problems import problem_reply
from ragedge.server.reference import show_reference, show_schema
from ragedge.server.search import search
from ragedge.server.security import Guard
from ragedge.server.settings import ServerSettings, Service
from ragedge.server.site import home, language_file, language_list, load_site, static_file
from ragedge.server.source_page import source_page
from ragedge.server.uploads import clear_uploads
from ragedge.server.widget import widget_script
from ragedge.views import record_view

#: Children that draw pages at once; a third would only take memory from the model.
_PICTURES_AT_ONCE = 2
#: Texts being read aloud at once: one kiosk and a few phones.
_VOICES_AT_ONCE = 4
#: How long open connections may take to end after the signal.
_GRACE_SECONDS = 3

_ROUTES: tuple[Any, ...] = (
    home,
    static_file,
    language_list,
    language_file,
    kiosk_page,
    kiosk_setup,
    kiosk_code,
    kiosk_speech,
    ask,
    ask_stream,
    search,
    feedback,
    metrics,
    list_documents,
    upload_document,
    show_document,
    remove_document,
    remove_file,
    show_page,
    page_picture,
    original_file,
    source_page,
    chat_completions,
    embeddings,
    list_models,
    show_model,
    chat,
    tags,
    version,
    show,
    show_reference,
    show_schema,
    widget_script,
)


@get(
    "/v1/health",
    sync_to_thread=False,
    media_type=MediaType.JSON,
    summary="Whether the service is up",
    description="Touches neither index nor model. `questions` are at work or waiting now.",
)
def health(state: State) -> Response[bytes]:
    """Answers without touching index or model."""
    service: Service = state.service
    admission: Admission = state.desk.admission
    return json_reply(
        {
            "status": "ok",
            "version": service.version,
            "engine": service.engine,
            "questions": admission.taken,
            "queue_limit": admission.limit,
        }
    )


@get(
    "/v1/index",
    sync_to_thread=True,
    media_type=MediaType.JSON,
    summary="The index and the limits of this service",
    description="How much it holds, what it was made with, and what may be sent; `generation` grows with each change.",
)
def show_index(state: State) -> Response[bytes]:
    """Counts, settings of the index, and what may be sent."""
    service: Service = state.service
    settings: ServerSettings = state.settings
    return json_reply(
        {
            "title": settings.title,
            "version": service.version,
            "engine": service.engine,
            "vector_engine": service.index.vector_engine,
            "generation": service.index.generation,
            "counts": record_view(service.index.counts()),
            "settings": record_view(service.index.settings),
            "can_change": service.syncer is not None,
            "suffixes": list(service.suffixes),
            "max_upload_bytes": settings.max_upload_bytes,
            "max_question_chars": settings.max_question_chars,
            "questions": list(settings.questions),
            "keeps_history": settings.kiosk is None,
        }
    )


class GuardedApp(Litestar):
    """Litestar behind the guard, which also sees what no route takes."""

    guard: Guard

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """ASGI entry point."""
        if scope["type"] == "http":
            await self.guard(super().__call__, scope, receive, send)
        elif scope["type"] == "lifespan":
            await super().__call__(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})


def create_app(service: Service, settings: ServerSettings) -> Litestar:
    """The application over assembled parts; nothing is loaded or opened but the page's files."""
    stopping = threading.Event()
    state = State(
        {
            "service": service,
            "settings": settings,
            "site": load_site(),
            "stopping": stopping,
            "started_at": int(time.time()),
            "desk": AskDesk(service, settings, stopping.is_set),
            "upload_admission": Admission(settings.upload_limit, what="uploads", retry_after_s=10),
            "speech_admission": Admission(_VOICES_AT_ONCE, what="texts to be read aloud", retry_after_s=3),
            "picture_admission": Admission(settings.picture_limit, what="page pictures", retry_after_s=2),
            "pictures": PictureMaker(
                timeout_s=settings.picture_timeout_s,
                memory_bytes=settings.picture_memory_bytes,
                cache_bytes=settings.picture_cache_bytes,
                passwords=settings.pdf_passwords,
            ),
        }
    )
    app = GuardedApp(
        route_handlers=[*_ROUTES, health, show_index],
        exception_handlers={Exception: problem_reply},
        request_max_body_size=settings.max_body_bytes,
        # the framework's own routes for the schema lie where nobody gets (see the guard); ours completes it
        openapi_config=OpenAPIConfig(
            title="ragedge", version=service.version, path="/schema/raw", render_plugins=[JsonRenderPlugin()]
        ),
        state=state,
        on_startup=[_prepare],
        logging_config=None,
        debug=False,
    )
    app.guard = Guard(
        settings.allowed_hosts, request_limit=settings.request_limit, widget_origins=settings.widget_origins
    )
    return app


def _prepare(app: Litestar) -> None:
    app.state.picture_limiter = anyio.CapacityLimiter(_PICTURES_AT_ONCE)
    syncer = app.state.service.syncer
    if syncer is not None and Path(syncer.upload_folder).is_dir():
        clear_uploads(Path(syncer.upload_folder))


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


def make_server(app: Litestar, listener: socket.socket, on_ready: Callable[[], None] | None = None) -> Server:
    """A server that is not yet running; `run(sockets=[listener])` runs it."""
    config = uvicorn.Config(
        app,
        log_config=None,
        log_level=logging.WARNING,
        access_log=False,
        server_header=False,
        ws="none",
        lifespan="on",
        timeout_graceful_shutdown=_GRACE_SECONDS,
        proxy_headers=False,
    )
    return Server(config, app.state.stopping, on_ready)


def address_of(listener: socket.socket, host: str) -> str:
    """The page's address for people."""
    port = listener.getsockname()[1]
    name = {"0.0.0.0": "localhost", "::": "localhost"}.get(host, host)
    return f"http://{f'[{name}]' if ':' in name else name}:{port}"


def serve(app: Litestar, host: str, port: int, on_ready: Callable[[str], None] | None = None) -> None:
    """Serve until a signal comes; `on_ready` is called with the page's address once it can be opened.

    Raises:
        ConfigError: cannot listen there.
    """
    listener = listen(host, port)
    try:
        address = address_of(listener, host)
        ready = None if on_ready is None else lambda: on_ready(address)
        make_server(app, listener, ready).run(sockets=[listener])
    finally:
        listener.close()
