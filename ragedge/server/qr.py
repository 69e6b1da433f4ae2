"""A text to a QR code as SVG, by segno: the only module that knows that package.

Error correction "M" (15 %): a printed label gets scratched. The dark modules are one path without a size, so that it
prints at any; the quiet zone of four modules that scanners need is part of it.
"""

from __future__ import annotations

import io

import segno

from ragedge.errors import InputError

#: A label that a phone still reads from an arm's length.
MAX_CHARS = 300


def qr_svg(text: str, title: str) -> bytes:
    """The code for `text` as an SVG document; `title` is what a screen reader says.

    Raises:
        InputError: there is nothing to encode, or too much.
    """
    if not text or len(text) > MAX_CHARS:
        raise InputError(f"a QR code holds 1 to {MAX_CHARS} characters here", "use a shorter address")
    stream = io.BytesIO()
    code = segno.make_qr(text, error="m")
    code.save(stream, kind="svg", omitsize=True, border=4, light="#fff", title=title, svgclass=None, lineclass=None)
    return stream.getvalue()
