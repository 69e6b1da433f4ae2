"""Small HTML pages without scripts: text in, bytes out, everything escaped that is not an element made here.

Texts of documents and of the schema pass through `element` alone, so that what stands in them is never markup.
"""

from __future__ import annotations

from html import escape

from litestar import MediaType, Response

STYLE = "/static/plain.css"
#: Elements that have no end tag.
_EMPTY = frozenset({"img", "link", "meta"})


class Html(str):
    """Text that is markup already."""

    __slots__ = ()


def element(tag: str, *inner: str, **attributes: str) -> Html:
    """`<tag attributes>inner</tag>`; texts are escaped, `Html` is taken as it is, "for_" and "class_" lose the "_"."""
    names = "".join(f' {name.rstrip("_").replace("_", "-")}="{escape(value)}"' for name, value in attributes.items())
    if tag in _EMPTY:
        return Html(f"<{tag}{names}>")
    return Html(f"<{tag}{names}>{joined(*inner)}</{tag}>")


def joined(*parts: str) -> Html:
    """Texts and markup after one another."""
    return Html("".join(part if isinstance(part, Html) else escape(part, quote=False) for part in parts))


def page(title: str, *body: str, language: str = "en") -> bytes:
    """A whole page with one main part."""
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("title", title),
        element("link", rel="icon", href="/static/icon.png"),
        element("link", rel="stylesheet", href=STYLE),
    )
    html = element("html", head, element("body", element("main", *body)), lang=language)
    return f"<!doctype html>\n{html}\n".encode("utf-8", "replace")


def page_reply(content: bytes) -> Response[bytes]:
    """A page as a reply."""
    return Response(content, media_type=MediaType.HTML)
