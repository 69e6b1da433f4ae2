"""The Litestar application around assembled parts.

`create_app` wires routes, limits and the guard; it opens nothing but the page's own files.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
from litestar import Litestar
from litestar.datastructures import State
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin

from ragedge.server.admin_reading import ReadingJob, end_reading
from ragedge.server.admin_routes import ADMIN_HANDLERS
from ragedge.server.admission import Admission
from ragedge.server.ahead import end_ahead, start_ahead
from ragedge.server.ask import AskDesk, ask, ask_stream
from ragedge.server.desk_routes import DESK_HANDLERS
from ragedge.server.documents import (
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
from ragedge.server.log_ring import LogRing, watched
from ragedge.server.login import log_in, log_out, show_login, show_session
from ragedge.server.metrics import metrics
from ragedge.server.ollama import chat, show, tags, version
from ragedge.server.openai import chat_completions, list_models, show_model
from ragedge.server.owner import OWNER_HANDLERS
from ragedge.server.pages import page_picture, show_page
from ragedge.server.permissions import check_right
from ragedge.server.picture import PictureMaker
from ragedge.server.problems import problem_reply
from ragedge.server.rates import Buckets
from ragedge.server.reference import show_reference, show_schema
from ragedge.server.search import search
from ragedge.server.security import Guard
from ragedge.server.settings import ServerSettings, Service
from ragedge.server.site import WebFile, home, language_file, language_list, load_site, static_file
from ragedge.server.source_page import source_page
from ragedge.server.status import health, show_index
from ragedge.server.suggestions import Suggestions, suggestions
from ragedge.server.tasks import rewrite, rewrite_stream, summarise, summarise_stream
from ragedge.server.uploads import clear_uploads
from ragedge.server.widget import widget_script

#: Children that draw pages at once; a third would only take memory from the model.
_PICTURES_AT_ONCE = 2
#: Texts being read aloud at once: one kiosk and a few phones.
_VOICES_AT_ONCE = 4

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
    summarise,
    summarise_stream,
    rewrite,
    rewrite_stream,
    search,
    suggestions,
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
    health,
    show_index,
    show_login,
    log_in,
    log_out,
    show_session,
    *OWNER_HANDLERS,
    *ADMIN_HANDLERS,
    *DESK_HANDLERS,
)


class GuardedApp(Litestar):
    """Litestar behind the guard, which also sees what no route takes."""

    guard: Guard

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """ASGI entry point."""
        if scope["type"] == "http":
            began, status = time.monotonic(), 0

            def tell(found: int) -> None:
                nonlocal status
                status = found

            try:
                await self.guard(super().__call__, scope, receive, watched(send, tell))
            finally:
                self.state.log.add_request(scope, status, 1000 * (time.monotonic() - began))
        elif scope["type"] == "lifespan":
            await super().__call__(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1008})


def create_app(service: Service, settings: ServerSettings) -> Litestar:
    """The application over assembled parts; nothing is loaded or opened but the page's files."""
    stopping = threading.Event()
    site = load_site()
    state = _state(service, settings, site, stopping)
    app = GuardedApp(
        route_handlers=list(_ROUTES),
        guards=[check_right],
        exception_handlers={Exception: problem_reply},
        request_max_body_size=settings.max_body_bytes,
        # the framework's own routes for the schema lie where nobody gets (see the guard); ours completes it
        openapi_config=OpenAPIConfig(
            title="ragedge", version=service.version, path="/schema/raw", render_plugins=[JsonRenderPlugin()]
        ),
        state=state,
        on_startup=[_prepare, start_ahead],
        on_shutdown=[end_ahead, end_reading, _finish, _close_state],
        logging_config=None,
        debug=False,
    )
    app.guard = Guard(
        settings.allowed_hosts,
        request_limit=settings.request_limit,
        widget_origins=settings.widget_origins,
        access=service.access,
        buckets=Buckets(settings.tokens_per_second, settings.token_burst) if service.access is not None else None,
        is_lan=settings.is_lan,
        login_page=site["login.html"].content,
    )
    return app


def _state(service: Service, settings: ServerSettings, site: dict[str, WebFile], stopping: threading.Event) -> State:
    """What the routes share."""
    desk = AskDesk(service, settings, stopping.is_set)
    return State(
        {
            "service": service,
            "settings": settings,
            "site": site,
            "stopping": stopping,
            "started_at": int(time.time()),
            "desk": desk,
            "suggestions": Suggestions(service.suggest, lambda: desk.admission.taken > 0),
            "reading": ReadingJob(service, stopping.is_set),
            "log": LogRing(),
            "checking": threading.Lock(),
            "upload_admission": Admission(settings.upload_limit, what="uploads", retry_after_s=10),
            "speech_admission": Admission(_VOICES_AT_ONCE, what="texts to be read aloud", retry_after_s=3),
            "picture_admission": Admission(settings.picture_limit, what="page pictures", retry_after_s=2),
            "pictures": _picture_maker(settings),
        }
    )


def _picture_maker(settings: ServerSettings) -> PictureMaker:
    return PictureMaker(
        timeout_s=settings.picture_timeout_s,
        memory_bytes=settings.picture_memory_bytes,
        cache_bytes=settings.picture_cache_bytes,
        passwords=settings.pdf_passwords,
    )


def _prepare(app: Litestar) -> None:
    app.state.log.listen()
    app.state.picture_limiter = anyio.CapacityLimiter(_PICTURES_AT_ONCE)
    syncer = app.state.service.syncer
    if syncer is not None and Path(syncer.upload_folder).is_dir():
        clear_uploads(Path(syncer.upload_folder))


async def _finish(app: Litestar) -> None:
    if app.state.service.curation is not None:  # what runs there must end before the index is closed
        await anyio.to_thread.run_sync(app.state.service.curation.close)


def _close_state(app: Litestar) -> None:
    app.state.log.close()
    app.state.suggestions.close()
