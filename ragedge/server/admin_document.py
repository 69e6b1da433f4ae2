"""One document on the curator's desk: what was got out of each page, what is said of it, and how it is made anew.

A replacement or a new reading that fails changes nothing. Uploading, removing and the original file are the routes
under /v1/documents.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

import anyio
import anyio.to_thread
from litestar import MediaType, Request, Response, get, post, put
from litestar.datastructures import State
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta, Struct

from ragedge.admin_replies import DeskReport, PageState, Said
from ragedge.contracts import PageProblem
from ragedge.errors import InputError
from ragedge.index.records import Details
from ragedge.server.admin_documents import document_row
from ragedge.server.ask import check_body
from ragedge.server.documents import bounded, document_view, find_document, json_reply, syncer_of
from ragedge.server.settings import Service
from ragedge.server.uploads import discard_upload, receive_file
from ragedge.views import record_view

_PATH_CHARS = 4_096
_DATE = r"^(\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?)?$"
_EDITION = r"^(\d{1,4}(\.\d{1,4}){0,3})?$"
_LANGUAGE = r"^([A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3})?$"


class DetailsBody(Struct, forbid_unknown_fields=True):
    """What is said of a document; an empty text leaves it to the file."""

    title: Annotated[str, Meta(max_length=300)] = ""
    date: Annotated[str, Meta(pattern=_DATE, max_length=10)] = ""
    edition: Annotated[str, Meta(pattern=_EDITION, max_length=19)] = ""
    language: Annotated[str, Meta(pattern=_LANGUAGE, max_length=30)] = ""


class AgainBody(Struct, forbid_unknown_fields=True):
    """The path of a document or of a rejected file, as the list names it."""

    path: Annotated[str, Meta(min_length=1, max_length=_PATH_CHARS)]


@get(
    "/v1/admin/documents/{document_id:str}",
    media_type=MediaType.JSON,
    summary="One document page by page, for the curator's desk",
    description="Of each page how it was read, what was got out of it, and what was wrong; and what is said by hand.",
)
async def show_desk_document(document_id: FromPath[str], state: State) -> Response[bytes]:
    """What is known of one document."""
    report = await anyio.to_thread.run_sync(desk_report, state.service, document_id)
    return json_reply(record_view(report))


@put(
    "/v1/admin/documents/{document_id:str}",
    status_code=200,
    before_request=check_body,
    media_type=MediaType.JSON,
    summary="Say by hand what a document does not",
    description="Goes before what the file declares, and stays when it is read again; what is empty is the file's own.",
)
async def describe_document(document_id: FromPath[str], data: JSONBody[DetailsBody], state: State) -> Response[bytes]:
    """Keep title, date, edition and language."""
    service: Service = state.service

    def work() -> DeskReport:
        find_document(service.index, document_id)
        title = " ".join("".join(c if c.isprintable() else " " for c in data.title).split())
        details = Details(title or None, data.date or None, data.edition or None, data.language or None)
        syncer_of(service).describe(document_id, details)
        return desk_report(service, document_id)

    return json_reply(record_view(await _whole(work)))


@post(
    "/v1/admin/documents/replace",
    status_code=200,
    request_max_body_size=None,  # counted while it is received, see uploads.py
    media_type=MediaType.JSON,
    summary="Put another file in the place of an uploaded one",
    description="The file in the field 'file' of a form, the one it replaces as `path`. It keeps the name, not what is "
    "said by hand. One that gives no text is refused, and the old one stays.",
)
async def replace_document(
    request: Request[Any, Any, Any],
    state: State,
    path: Annotated[str, QueryParameter(min_length=1, max_length=_PATH_CHARS)],
) -> Response[bytes]:
    """Receive a file and read it in the place of another."""
    service: Service = state.service
    syncer = syncer_of(service)
    with state.upload_admission.place():
        file, _ = await receive_file(
            bounded(request),
            request.headers.get("content-type", ""),
            folder=syncer.upload_folder,
            max_bytes=state.settings.max_upload_bytes,
            suffixes=service.suffixes,
        )

        def work() -> dict[str, Any]:
            try:
                return _taken(service, syncer.replace(path, file))
            finally:
                discard_upload(file)

        view = await _whole(work)
    return json_reply(view)


@post(
    "/v1/admin/documents/again",
    status_code=200,
    before_request=check_body,
    media_type=MediaType.JSON,
    summary="Read one file again",
    description="From the copy kept here; a rejected file, of which none is kept, from the folder that the index "
    "follows. What cannot be read any more stays as it was.",
)
async def read_again(data: JSONBody[AgainBody], state: State) -> Response[bytes]:
    """Read a document or a rejected file anew."""
    service: Service = state.service

    def work() -> dict[str, Any]:
        return _taken(service, syncer_of(service).read_again(data.path))

    with state.upload_admission.place():
        view = await _whole(work)
    return json_reply(view)


async def _whole(work: Callable[[], Any]) -> Any:
    """Run a change in a thread, to its end also when the caller hangs up."""
    with anyio.CancelScope(shield=True):
        return await anyio.to_thread.run_sync(work)


def _taken(service: Service, row: Any) -> dict[str, Any]:
    if row.document_id is None:
        raise InputError(f'"{row.path}" gave no text', "see the list of documents")
    info = service.index.document(row.document_id)
    return {"file": record_view(row), "document": document_view(info), "is_duplicate": info.path != row.path}


def desk_report(service: Service, document_id: str) -> DeskReport:
    """All that the desk shows of one document.

    Raises:
        NotFound: there is no such document.
    """
    info = find_document(service.index, document_id)
    index = service.index
    problems: dict[int | None, list[PageProblem]] = {}
    for problem in info.problems:
        problems.setdefault(problem.page, []).append(problem)
    name = next((name for name in index.names() if name.id == document_id), None)
    pages = tuple(_page(summary, problems.get(summary.number, ())) for summary in index.page_summaries(document_id))
    numbers = {page.number for page in pages}
    loose = tuple(problem for problem in info.problems if problem.page not in numbers)
    given = index.details(document_id)
    said = Said(given.title or "", given.date or "", given.edition or "", given.language or "")
    return DeskReport(document_row(info, name, is_described=given != Details()), said, pages, loose)


def _page(summary: Any, problems: Any) -> PageState:
    first = problems[0] if problems else None
    how: Literal["text", "ocr", "empty", "skipped"] = summary.origin
    if not summary.chars:
        how = "empty" if first is None else "skipped"
    return PageState(
        summary.number,
        summary.label,
        how,
        summary.chars,
        summary.chunks,
        summary.same_as,
        None if first is None else first.reason,
        "; ".join(problem.detail for problem in problems),
    )
