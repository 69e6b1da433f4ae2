"""The page itself: the files of ragedge/web, read once into memory and served by exact name.

Names are looked up in a table made at start, so an address can reach nothing else on the disk.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from litestar import Request, Response, get
from litestar.datastructures import State
from litestar.params import FromPath

from ragedge.errors import NotFound

_WEB = Path(__file__).resolve().parent.parent / "web"
#: Litestar adds the character set.
_TYPES = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".css": "text/css",
    ".png": "image/png",
}


@dataclass(frozen=True, slots=True)
class WebFile:
    """A file of the page with its type and the tag that browsers compare."""

    content: bytes
    media_type: str
    etag: str


def load_site(folder: Path = _WEB) -> dict[str, WebFile]:
    """All files of the page by name."""
    files = {}
    for path in sorted(folder.iterdir()):
        if path.suffix in _TYPES and path.is_file():
            content = path.read_bytes()
            etag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
            files[path.name] = WebFile(content, _TYPES[path.suffix], etag)
    return files


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


def file_reply(request: Request[Any, Any, Any], file: WebFile) -> Response[bytes]:
    """A file of the page, or that the browser's copy is still good."""
    headers = {"ETag": file.etag, "Cache-Control": "no-cache"}
    if request.headers.get("if-none-match") == file.etag:
        return Response(b"", status_code=304, headers=headers, media_type=file.media_type)
    return Response(file.content, media_type=file.media_type, headers=headers)
