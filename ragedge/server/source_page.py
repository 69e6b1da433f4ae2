"""GET /source/{document}/{page}: a page of a document as a page of its own, with what is quoted marked.

It is what links outside of our own page lead to: those in the widget and in other chat programs. Without scripts; of a
PDF the picture stands above the text.
"""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlencode

from litestar import Request, Response, get
from litestar.params import FromPath, QueryParameter

from ragedge.contracts import Page
from ragedge.server.pages import find_page
from ragedge.server.plain_page import Html, element, page, page_reply
from ragedge.server.sight import index_for

#: Characters of text before and after the quote; a format without pages is one page of any length.
_BEFORE, _AFTER = 4_000, 12_000
#: The address of a picture holds no longer quote.
_QUOTE_CHARS = 1_500

Place = Annotated[int, QueryParameter(ge=0, le=2**31)]


@get(
    "/source/{document_id:str}/{number:int}",
    sync_to_thread=True,
    media_type="text/html",
    summary="A page of a document, for people",
    description="An HTML page; `start` and `end` are characters of the page's text to mark, as a citation's span says.",
)
def source_page(
    document_id: FromPath[str],
    number: FromPath[int],
    request: Request[Any, Any, Any],
    start: Place = 0,
    end: Place = 0,
) -> Response[bytes]:
    """Text, neighbours, and the picture where there is one."""
    info, found = find_page(index_for(request), document_id, number)
    start, end = min(start, len(found.text)), min(end, len(found.text))
    quote = found.text[start:end] if start < end else ""
    title = info.title or info.path
    name = f"Page {number} of {info.pages}" + (f" (printed {found.label})" if found.label else "")
    address = f"/v1/documents/{document_id}"
    parts = [
        element("h1", title),
        element(
            "p", f"{name} · {info.path.removeprefix('@uploads/')} · ", element("a", "original", href=f"{address}/file")
        ),
        _neighbours(document_id, number, info.pages),
    ]
    is_pictured = info.media_type == "application/pdf"
    if is_pictured:
        parts.append(_picture(f"{address}/pages/{number}/image", found, start, quote, name))
        parts.append(element("h2", "Text"))
    parts.append(_text(found, start, end, quote, is_pictured=is_pictured))
    return page_reply(page(f"{title}, page {number}", *parts))


def _neighbours(document_id: str, number: int, pages: int) -> Html:
    links = []
    if number > 1:
        links.append(element("a", "Page before", href=f"/source/{document_id}/{number - 1}", rel="prev"))
    if number < pages:
        links.append(element("a", "Page after", href=f"/source/{document_id}/{number + 1}", rel="next"))
    return element("nav", *links, aria_label="Pages") if links else Html("")


def _picture(address: str, found: Page, start: int, quote: str, name: str) -> Html:
    wanted: dict[str, Any] = {}
    if quote:
        wanted = {"quote": quote[:_QUOTE_CHARS], "near": start / len(found.text)}
    source = f"{address}?{urlencode(wanted)}" if wanted else address
    return element("img", src=source, alt=f"{name} as a picture; its text is below", class_="picture", id="quote")


def _text(found: Page, start: int, end: int, quote: str, *, is_pictured: bool) -> Html:
    low, high = max(0, start - _BEFORE), min(len(found.text), max(end, start) + _AFTER)
    if not found.text.strip():
        return element("p", "This page holds no text.")
    before = ("… " if low else "") + found.text[low:start]
    after = found.text[end if quote else start : high] + (" …" if high < len(found.text) else "")
    if not quote:
        return element("div", before, after, class_="text")
    place = {} if is_pictured else {"id": "quote"}  # where links lead: the picture, if there is one, has the marks, too
    return element("div", before, element("mark", quote, **place), after, class_="text")
