"""One page of a document, to check a citation: its text as JSON, and for PDFs its picture with the quote marked."""

from __future__ import annotations

from typing import Annotated, Any

import anyio
import anyio.to_thread
from litestar import MediaType, Request, Response, get
from litestar.datastructures import State
from litestar.params import FromPath, QueryParameter

from ragedge.contracts import Page
from ragedge.errors import NotFound
from ragedge.server.documents import document_view, find_document, json_reply
from ragedge.server.settings import Reading
from ragedge.server.sight import index_for
from ragedge.views import page_view

#: Page numbers beyond this exist in no file; SQLite would refuse far larger integers with an error of its own.
_MAX_PAGE = 10_000_000
#: Formats without pages are one page, of up to 50 million characters: text is handed out in windows.
_MAX_WINDOW = 200_000
#: A quote is a sentence or a table's row; an address line holds about 8,000 bytes.
_QUOTE_CHARS = 2_000

Offset = Annotated[int, QueryParameter(ge=0, le=2**31)]
Window = Annotated[int, QueryParameter(ge=1, le=_MAX_WINDOW)]
Quote = Annotated[str, QueryParameter(max_length=_QUOTE_CHARS)]
Near = Annotated[float | None, QueryParameter(ge=0, le=1)]


@get(
    "/v1/documents/{document_id:str}/pages/{number:int}",
    sync_to_thread=True,
    media_type=MediaType.JSON,
    summary="A page's text",
    description="`limit` characters from `offset` on: a format without pages is one page of any length.",
)
def show_page(
    document_id: FromPath[str],
    number: FromPath[int],
    request: Request[Any, Any, Any],
    offset: Offset = 0,
    limit: Window = 40_000,
) -> Response[bytes]:
    """A window of the page's text, with the document and the neighbouring pages' numbers."""
    info, page = find_page(index_for(request), document_id, number)
    view = page_view(page, pages=info.pages, offset=offset, limit=limit)
    view["document"] = document_view(info)
    return json_reply(view)


@get(
    "/v1/documents/{document_id:str}/pages/{number:int}/image",
    summary="A PDF page as PNG, the quote's words marked",
    description="X-Ragedge-Marks counts marked lines, X-Ragedge-First-Mark says how far down the first is (0 to 1).",
)
async def page_picture(
    document_id: FromPath[str],
    number: FromPath[int],
    request: Request[Any, Any, Any],
    state: State,
    quote: Quote = "",
    near: Near = None,
) -> Response[bytes]:
    """Draw the page in a child process."""
    index = index_for(request)
    with state.picture_admission.place():
        picture = await anyio.to_thread.run_sync(
            _draw, state, index, document_id, number, quote, near, limiter=state.picture_limiter
        )
    headers = {"X-Ragedge-Marks": str(picture.marks)}
    if picture.first_mark is not None:
        headers["X-Ragedge-First-Mark"] = str(picture.first_mark)
    return Response(picture.png, media_type="image/png", headers=headers)


def _draw(state: State, index: Reading, document_id: str, number: int, quote: str, near: float | None) -> Any:
    info, _ = find_page(index, document_id, number)
    if info.media_type != "application/pdf":
        raise NotFound("only pages of PDF files have pictures", "read the page as text")
    return state.pictures.draw(index.source(document_id), document_id, number, quote, near)


def find_page(index: Reading, document_id: str, number: int) -> tuple[Any, Page]:
    """The `DocumentInfo` and one of its pages, in the index as the caller may read it.

    Raises:
        NotFound: no such document or page.
    """
    info = find_document(index, document_id)
    if not 1 <= number <= _MAX_PAGE:
        raise NotFound(f"there is no page {str(number)[:20]}", "pages count from 1")
    return info, index.page(document_id, number)
