"""The documents over HTTP: list with state and problems, upload, delete, and the original file.

A rejected file is a row with its reason, not only a log line. Originals leave as attachments of a plain type, so that a
browser never runs what is in them. The handlers hand their work to a thread themselves: Litestar 2.25 wraps a handler
with `sync_to_thread=True` twice when its path has a second method, and then answers with a coroutine.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

import anyio
import anyio.to_thread
from litestar import MediaType, Request, Response, delete, get, post
from litestar.datastructures import State
from litestar.params import FromPath, QueryParameter
from litestar.response import File

from ragedge.errors import AccessError, IndexReadOnly, NotFound, UnreadableDocument
from ragedge.server.settings import Reading, Service, Syncing
from ragedge.server.sight import index_for, readable
from ragedge.server.uploads import discard_upload, receive_file, safe_folder
from ragedge.views import encode, record_view

_DOCUMENT_ID = re.compile(r"[0-9a-f]{16}")
#: A page of the list; a thousand rows are some 300 KB.
_LIST_LIMIT = 1_000
_PATH_CHARS = 4_096

Offset = Annotated[int, QueryParameter(ge=0, le=2**31)]
Folder = Annotated[str, QueryParameter(max_length=1_000)]
Name = Annotated[str, QueryParameter(max_length=200)]
Limit = Annotated[int, QueryParameter(ge=1, le=_LIST_LIMIT)]


def json_reply(view: Any, status: int = 200) -> Response[bytes]:
    """A view as a reply."""
    return Response(encode(view), status_code=status, media_type=MediaType.JSON)


def document_view(info: Any) -> dict[str, Any]:
    """A `DocumentInfo` with its state: "ready", or "partial" where pages gave less than they hold."""
    view = record_view(info)
    view["state"] = "partial" if info.problems else "ready"
    view["has_pictures"] = info.media_type == "application/pdf"
    return view


def find_document(index: Reading, document_id: str) -> Any:
    """The `DocumentInfo` of an id out of an address, in the index as the caller may read it.

    Raises:
        NotFound: no such document, or no id at all.
    """
    if not _DOCUMENT_ID.fullmatch(document_id):
        raise NotFound("there is no such document", "see /v1/documents for those there are")
    return index.document(document_id)


@get(
    "/v1/documents",
    media_type=MediaType.JSON,
    summary="Documents, and files that gave none",
    description=(
        "In the order of their paths, `limit` of them from `offset` on, of one `collection` or of all; "
        "each rejected file with its reason."
    ),
)
async def list_documents(
    request: Request[Any, Any, Any], offset: Offset = 0, limit: Limit = 200, collection: Name = ""
) -> Response[bytes]:
    """One page of the documents in the order of their paths, and all rejected files."""
    return json_reply(await anyio.to_thread.run_sync(_list, index_for(request, collection), offset, limit))


def _list(index: Reading, offset: int, limit: int) -> dict[str, Any]:
    documents = sorted(index.documents(), key=lambda info: (info.path.casefold(), info.path))
    files = index.files()
    rejected = [record_view(row) for _, row in sorted(files.items()) if row.document_id is None]
    return {
        "total": len(documents),
        "offset": offset,
        "documents": [document_view(info) for info in documents[offset : offset + limit]],
        "rejected": rejected[:_LIST_LIMIT],
        "rejected_total": len(rejected),
    }


@get(
    "/v1/documents/{document_id:str}",
    media_type=MediaType.JSON,
    summary="One document",
    description="`state` is partial where pages gave less than they hold; `problems` says which, and why.",
)
async def show_document(document_id: FromPath[str], request: Request[Any, Any, Any]) -> Response[bytes]:
    """What is known of one document."""
    return json_reply(document_view(await anyio.to_thread.run_sync(find_document, index_for(request), document_id)))


@get(
    "/v1/documents/{document_id:str}/file",
    sync_to_thread=True,
    summary="The original file, as a download",
    description="Byte for byte as it came in.",
)
def original_file(document_id: FromPath[str], request: Request[Any, Any, Any]) -> File:
    """The file's bytes as they came in."""
    index = index_for(request)
    info = find_document(index, document_id)
    path = index.source(document_id)
    if not path.is_file():
        raise NotFound(f'the original of "{info.path}" is not kept here', "read it again: ragedge ingest FOLDER")
    kind = "application/pdf" if info.media_type == "application/pdf" else "application/octet-stream"
    name = PurePosixPath(info.path).name.encode("utf-8", "replace").decode()  # a name on the disk may be no Unicode
    return File(path, filename=name, media_type=kind, content_disposition_type="attachment")


@post(
    "/v1/documents",
    status_code=201,
    request_max_body_size=None,  # counted while it is received, see uploads.py
    media_type=MediaType.JSON,
    summary="Add a document: one file, in the field 'file' of a multipart form",
    description=(
        "The reply comes when the file is read and can be asked; one that gives no text is refused with why. "
        "`folder` is where it lay, as manuals/pumps: its path here begins with it."
    ),
)
async def upload_document(request: Request[Any, Any, Any], state: State, folder: Folder = "") -> Response[bytes]:
    """Receive one file and read it into the index."""
    place = safe_folder(folder)
    service: Service = state.service
    syncer, index = _syncer(request), index_for(request)
    with state.upload_admission.place():
        path, name = await receive_file(
            bounded(request),
            request.headers.get("content-type", ""),
            folder=syncer.upload_folder,
            max_bytes=state.settings.max_upload_bytes,
            suffixes=service.suffixes,
        )
        with anyio.CancelScope(shield=True):  # a file half read into the index helps nobody
            view = await anyio.to_thread.run_sync(_add, index, syncer, path, f"{place}/{name}" if place else name)
    return json_reply(view, 201)


def _add(index: Reading, syncer: Syncing, path: Path, name: str) -> dict[str, Any]:
    try:
        row = syncer.add_file(path, name)
    finally:
        discard_upload(path)
    if row.document_id is None:
        raise UnreadableDocument(
            row.reason or "unreadable", f'"{name}" gave no text: {row.detail}', "see the list of documents"
        )
    info = index.document(row.document_id)
    return {
        "file": record_view(row),
        "document": document_view(info),
        "is_duplicate": info.path != row.path,
    }


async def bounded(request: Request[Any, Any, Any]) -> AsyncIterator[bytes]:
    """The body as it comes in."""
    async for block in request.stream():
        yield block


@delete(
    "/v1/documents/{document_id:str}",
    status_code=200,
    summary="Remove a document",
    description="Under all names it is known by, with its text, vectors and copy.",
)
async def remove_document(document_id: FromPath[str], request: Request[Any, Any, Any]) -> Response[bytes]:
    """Take a document out of the index, under all names it is known by."""
    syncer, index = _syncer(request), index_for(request)
    return json_reply({"removed": await anyio.to_thread.run_sync(_remove_document, index, syncer, document_id)})


def _remove_document(index: Reading, syncer: Syncing, document_id: str) -> list[str]:
    info = find_document(index, document_id)
    paths = [info.path, *info.other_paths]
    for path in reversed(paths):  # the document itself goes with its last name
        syncer.remove(path)
    return paths


@delete(
    "/v1/documents",
    status_code=200,
    summary="Remove one file of the list by its path",
    description="A rejected file, or one name of a document; a document goes with its last name.",
)
async def remove_file(
    request: Request[Any, Any, Any], path: Annotated[str, QueryParameter(min_length=1, max_length=_PATH_CHARS)]
) -> Response[bytes]:
    """Take a file out of the list: a rejected one, or one name of a document."""
    await anyio.to_thread.run_sync(_remove_file, index_for(request), _syncer(request), path)
    return json_reply({"removed": [path]})


def _remove_file(index: Reading, syncer: Syncing, path: str) -> None:
    if path not in index.files():
        raise NotFound(f'there is no file "{path[:200]}" in the index', "see /v1/documents for those there are")
    syncer.remove(path)


def syncer_of(service: Service) -> Syncing:
    """Who changes the index.

    Raises:
        IndexReadOnly: nobody here does.
    """
    if service.syncer is None:
        raise IndexReadOnly("the documents cannot be changed here", "start the service with write access to the index")
    return service.syncer


def _syncer(request: Request[Any, Any, Any]) -> Syncing:
    syncer = syncer_of(request.app.state.service)
    if readable(request) is not None:  # a file that is there already would say so
        raise AccessError("documents are changed by who may read all of them", "use --lan, and a curator's key")
    return syncer
