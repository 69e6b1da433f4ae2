"""The page itself: the files of ragedge/web, read once into memory and served by exact name.

Names are looked up in a table made at start, so an address can reach nothing else on the disk. Browsers get the files
packed (gzip, for a slow Wi-Fi), packed once at start.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from litestar import Request, Response, get
from litestar.datastructures import State
from litestar.params import FromPath

from ragedge.errors import NotFound
from ragedge.views import encode

_WEB = Path(__file__).resolve().parent.parent / "web"
#: Litestar adds the character set.
_TYPES = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".css": "text/css",
    ".png": "image/png",
    ".json": "application/json",
}
#: Words of the interface; `languages.json` is made of what lies there: a file dropped in is a language.
_LANGUAGES = "languages"
LANGUAGE_LIST = "languages.json"
#: Families of words that the curator's desk alone needs; they travel apart, so that the page stays light.
_DESK_WORDS = ("desk.", "asked.", "pinned.", "golden.", "days.", "chart.")


@dataclass(frozen=True, slots=True)
class WebFile:
    """A file of the page with its type and the tag that browsers compare; `packed` is empty where it would not pay."""

    content: bytes
    media_type: str
    etag: str
    packed: bytes


def load_site(folder: Path = _WEB) -> dict[str, WebFile]:
    """All files of the page by name."""
    files, languages = {}, []
    for path in (*sorted(folder.iterdir()), *sorted((folder / _LANGUAGES).glob("*.json"))):
        if path.suffix not in _TYPES or not path.is_file():
            continue
        content = path.read_bytes()
        if path.parent == folder:
            files[path.name] = web_file(content, path.suffix)
        else:
            words = json.loads(content)
            languages.append(_language(path.stem, words))
            files |= _words(path.name, words)
    files[LANGUAGE_LIST] = web_file(encode(languages), ".json")
    return files


def web_file(content: bytes, suffix: str) -> WebFile:
    """A file of the page, packed; `suffix` says of which type it is."""
    packed = gzip.compress(content, mtime=0) if suffix != ".png" else b""
    return WebFile(content, _TYPES[suffix], f'"{hashlib.sha256(content).hexdigest()[:16]}"', packed)


def _words(name: str, words: dict[str, Any]) -> dict[str, WebFile]:
    """A language's words as two files: "en.json" for page and kiosk, "desk-en.json" for what the desk needs beside."""
    desk = {key: value for key, value in words.items() if key.startswith(_DESK_WORDS)}
    rest = {key: value for key, value in words.items() if key not in desk}
    parts = {f"{_LANGUAGES}/{name}": rest, f"{_LANGUAGES}/desk-{name}": desk}
    return {path: web_file(encode(part), ".json") for path, part in parts.items()}


def _language(code: str, words: dict[str, Any]) -> dict[str, str]:
    """What a chooser shows: the language's code, its own name for itself, and its direction."""
    return {"code": code, "name": words["language.name"], "direction": words["language.direction"]}


@get("/", sync_to_thread=False, include_in_schema=False)
def home(request: Request[Any, Any, Any], state: State) -> Response[bytes]:
    """The page."""
    return file_reply(request, state.site["index.html"])


@get("/static/{name:str}", sync_to_thread=False, include_in_schema=False)
def static_file(name: FromPath[str], request: Request[Any, Any, Any], state: State) -> Response[bytes]:
    """A script or style of the page."""
    file = state.site.get(name)
    if file is None or name.endswith(".html"):
        raise NotFound("there is nothing at this address", "the page is at /")
    return file_reply(request, file)


@get(f"/static/{LANGUAGE_LIST}", sync_to_thread=False, include_in_schema=False)
def language_list(request: Request[Any, Any, Any], state: State) -> Response[bytes]:
    """The languages there are, by code."""
    return file_reply(request, state.site[LANGUAGE_LIST])


@get("/static/languages/{name:str}", sync_to_thread=False, include_in_schema=False)
def language_file(name: FromPath[str], request: Request[Any, Any, Any], state: State) -> Response[bytes]:
    """The words of one language."""
    file = state.site.get(f"{_LANGUAGES}/{name}")
    if file is None:
        raise NotFound("there is no such language", f"see /static/{LANGUAGE_LIST}")
    return file_reply(request, file)


def file_reply(request: Request[Any, Any, Any], file: WebFile) -> Response[bytes]:
    """A file of the page, or that the browser's copy is still good."""
    is_packed = bool(file.packed) and _takes_gzip(request.headers.get("accept-encoding", ""))
    etag = f'{file.etag[:-1]}-gzip"' if is_packed else file.etag
    headers = {"ETag": etag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
    if request.headers.get("if-none-match") == etag:
        return Response(b"", status_code=304, headers=headers, media_type=file.media_type)
    if is_packed:
        headers["Content-Encoding"] = "gzip"
    return Response(file.packed if is_packed else file.content, media_type=file.media_type, headers=headers)


def _takes_gzip(accepted: str) -> bool:
    """Whether "gzip" stands in an Accept-Encoding header, not with a weight of nothing."""
    for part in accepted.lower().split(","):
        name, *parameters = (word.strip() for word in part.split(";"))
        if name == "gzip":
            return not any(re.fullmatch(r"q=0(\.0*)?", word.replace(" ", "")) for word in parameters)
    return False
