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

from ragedge.errors import IndexReadOnly, NotFound, UnreadableDocument
from ragedge.server.settings import Service, Syncing
from ragedge.server.uploads import discard_upload, receive_file
from ragedge.views import encode, record_view

_DOCUMENT_ID = re.compile(r"[0-9a-f]{16}")
#: A page of the list; a thousand rows are some 300 KB.
_LIST_LIMIT = 1_000
_PATH_CHARS = 4_096

Offset = Annotated[int, QueryParameter(ge=0, le=2**31)]
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


def find_document(service: Service, document_id: str) -> Any:
    """The `DocumentInfo` of an id out of an address.

    Raises:
        NotFound: no such document, or no id at all.
    """
    if not _DOCUMENT_ID.fullmatch(document_id):
        raise NotFound("there is no such document", "see /v1/documents for those there are")
    return service.index.document(document_id)


@get(
    "/v1/documents",
    media_type=MediaType.JSON,
    summary="Documents, and files that gave none",
    description="In the order of their paths, `limit` of them from `offset` on; each rejected file with its reason.",
)
async def list_documents(state: State, offset: Offset = 0, limit: Limit = 200) -> Response[bytes]:
    """One page of the documents in the order of their paths, and all rejected files."""
    return json_reply(await anyio.to_thread.run_sync(_list, state.service, offset, limit))


def _list(service: Service, offset: int, limit: int) -> dict[str, Any]:
    index = service.index
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
async def show_document(document_id: FromPath[str], state: State) -> Response[bytes]:
    """What is known of one document."""
    return json_reply(document_view(await anyio.to_thread.run_sync(find_document, state.service, document_id)))


@get(
    "/v1/documents/{document_id:str}/file",
    sync_to_thread=True,
    summary="The original file, as a download",
    description="Byte for byte as it came in.",
)
def original_file(document_id: FromPath[str], state: State) -> File:
    """The file's bytes as they came in."""
    service: Service = state.service
    info = find_document(service, document_id)
    path = service.index.source(document_id)
    if not path.is_file():
        raise NotFound(f'the original of "{info.path}" is not kept here', "read it again: ragedge ingest FOLDER")
    kind = "application/pdf" if info.media_type == "application/pdf" else "application/octet-stream"
    name = PurePosixPath(info.path).name
    return File(path, filename=name, media_type=kind, content_disposition_type="attachment")


@post(
    "/v1/documents",
    status_code=201,
    request_max_body_size=None,  # counted while it is received, see uploads.py
    media_type=MediaType.JSON,
    summary="Add a document: one file, in the field 'file' of a multipart form",
    description="The reply comes when the file is read and can be asked; one that gives no text is refused with why.",
)
async def upload_document(request: Request[Any, Any, Any], state: State) -> Response[bytes]:
    """Receive one file and read it into the index."""
    service: Service = state.service
    syncer = syncer_of(service)
    with state.upload_admission.place():
        path, name = await receive_file(
            bounded(request),
            request.headers.get("content-type", ""),
            folder=syncer.upload_folder,
            max_bytes=state.settings.max_upload_bytes,
            suffixes=service.suffixes,
        )
        with anyio.CancelScope(shield=True):  # a file half read into the index helps nobody
            view = await anyio.to_thread.run_sync(_add, service, syncer, path, name)
    return json_reply(view, 201)


def _add(service: Service, syncer: Syncing, path: Path, name: str) -> dict[str, Any]:
    try:
        row = syncer.add_file(path, name)
    finally:
        discard_upload(path)
    if row.document_id is None:
        raise UnreadableDocument(
            row.reason or "unreadable", f'"{name}" gave no text: {row.detail}', "see the list of documents"
        )
    info = service.index.document(row.document_id)
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
async def remove_document(document_id: FromPath[str], state: State) -> Response[bytes]:
    """Take a document out of the index, under all names it is known by."""
    return json_reply({"removed": await anyio.to_thread.run_sync(_remove_document, state.service, document_id)})


def _remove_document(service: Service, document_id: str) -> list[str]:
    syncer = syncer_of(service)
    info = find_document(service, document_id)
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
    state: State, path: Annotated[str, QueryParameter(min_length=1, max_length=_PATH_CHARS)]
) -> Response[bytes]:
    """Take a file out of the list: a rejected one, or one name of a document."""
    await anyio.to_thread.run_sync(_remove_file, state.service, path)
    return json_reply({"removed": [path]})


def _remove_file(service: Service, path: str) -> None:
    syncer = syncer_of(service)
    if path not in service.index.files():
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
