"""The kiosk: GET /kiosk (its page), /v1/kiosk (what it shows), /kiosk/qr (a code to print), POST /v1/kiosk/speech.

Only where the config switches it on. It names exhibits by their ids in the curator's file, never files; which documents
an exhibit means is looked up at each call, since documents come and go.
"""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

from litestar import MediaType, Request, Response, get, post
from litestar.datastructures import State
from litestar.params import JSONBody, QueryParameter
from msgspec import Meta, Struct

from ragedge.errors import InputError, NotFound
from ragedge.exhibits import Exhibit
from ragedge.qr import qr_svg
from ragedge.server.ask import MAX_PREFERRED, check_body
from ragedge.server.origins import split_host
from ragedge.server.settings import KioskSettings, Reading, ServerSettings
from ragedge.server.sight import index_for
from ragedge.server.site import file_reply
from ragedge.server.speech import MAX_CHARS, speak
from ragedge.views import encode

_PAGE = "kiosk.html"
#: A phone that scans one of these names would ask itself.
_OWN_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})

ExhibitId = Annotated[str, QueryParameter(max_length=100)]


class SpeechBody(Struct, forbid_unknown_fields=True):
    """What is to be read aloud."""

    text: Annotated[str, Meta(min_length=1, max_length=MAX_CHARS)]
    language: Annotated[str, Meta(max_length=35)] = "en"


@get("/kiosk", sync_to_thread=False, include_in_schema=False)
def kiosk_page(request: Request[Any, Any, Any], state: State) -> Response[bytes]:
    """The page; its script reads the exhibit out of the address."""
    _settings(state)
    return file_reply(request, state.site[_PAGE])


@get(
    "/v1/kiosk",
    sync_to_thread=True,
    media_type=MediaType.JSON,
    summary="What the kiosk shows",
    description="Title, suggested questions by language, and of an `exhibit` what a question about it brings along.",
)
def kiosk_setup(request: Request[Any, Any, Any], state: State, exhibit: ExhibitId = "") -> Response[bytes]:
    """For an exhibit that nobody knows, the same as for none: a stale label must not lead to an error."""
    kiosk, settings = _settings(state), state.settings
    found = kiosk.exhibits.exhibits.get(exhibit)
    view = {
        "title": settings.title,
        "exhibit": None if found is None else _exhibit_view(found, index_for(request)),
        "questions": found.questions if found is not None and found.questions else kiosk.exhibits.questions,
        "languages": list(kiosk.languages),
        "idle_seconds": kiosk.idle_seconds,
        "max_question_chars": settings.max_question_chars,
        "can_speak": kiosk.speech_program is not None,
        "started_at": state.started_at,
    }
    return Response(encode(view), status_code=200, media_type=MediaType.JSON)


@get(
    "/kiosk/qr",
    sync_to_thread=True,
    media_type="image/svg+xml",
    summary="A QR code for an exhibit",
    description="An SVG to print: its code leads to /kiosk?exhibit=.. under `[kiosk] address` of the config.",
)
def kiosk_code(request: Request[Any, Any, Any], state: State, exhibit: ExhibitId = "") -> Response[bytes]:
    """The code."""
    kiosk = _settings(state)
    if exhibit and exhibit not in kiosk.exhibits.exhibits:
        raise NotFound(f'there is no exhibit "{exhibit}"', "see the file under [kiosk] exhibits")
    target = f"{_address(kiosk, request)}/kiosk" + (f"?exhibit={quote(exhibit, safe='')}" if exhibit else "")
    return Response(qr_svg(target, target), status_code=200, media_type="image/svg+xml")


@post(
    "/v1/kiosk/speech",
    status_code=200,
    sync_to_thread=True,
    before_request=check_body,
    media_type="audio/wav",
    summary="Read a text aloud",
    description="WAV by espeak-ng, where that is installed on the box; for browsers that have no voice.",
)
def kiosk_speech(data: JSONBody[SpeechBody], state: State) -> Response[bytes]:
    """The sound, whole; kept nowhere."""
    kiosk = _settings(state)
    with state.speech_admission.place():
        sound = speak(data.text, data.language, kiosk.speech_program)
    return Response(sound, status_code=200, media_type="audio/wav")


def _settings(state: State) -> KioskSettings:
    settings: ServerSettings = state.settings
    if settings.kiosk is None:
        raise NotFound("the kiosk is switched off", "set [kiosk] enabled = true in the config")
    return settings.kiosk


def _exhibit_view(exhibit: Exhibit, index: Reading) -> dict[str, Any]:
    paths = {info.path: info.id for info in index.documents()}
    prefer = [paths[path] for path in exhibit.meant(paths)][:MAX_PREFERRED]
    return {"id": exhibit.id, "titles": exhibit.titles, "topic": exhibit.topic, "prefer": prefer}


def _address(kiosk: KioskSettings, request: Request[Any, Any, Any]) -> str:
    """Where a phone finds this box.

    Raises:
        InputError: it is known under names only that mean the phone itself.
    """
    if kiosk.address:
        return kiosk.address.rstrip("/")
    host = request.headers.get("host", "")
    parts = split_host(host)
    if parts is None or parts[0] in _OWN_NAMES:
        raise InputError(
            f'a phone that scans "{host}" would ask itself',
            'say how phones reach this box: [kiosk] address = "http://museum.local:8321"',
        )
    return f"{request.scope['scheme']}://{host}"
