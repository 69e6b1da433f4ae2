"""Text -> a QR code: block characters for a terminal, or an SVG picture. Knows nothing of what the text says."""

from __future__ import annotations

import io

import segno

from ragedge.errors import InputError

#: Characters of a label that a phone still reads from an arm's length.
MAX_CHARS = 300
#: Modules of light around the code; readers in phones manage with two of the four that the standard asks for.
_BORDER = 2
_DARK_ON_LIGHT, _RESET = "\x1b[30;107m", "\x1b[0m"
_BLOCKS = {(False, False): " ", (True, False): "▀", (False, True): "▄", (True, True): "█"}


def terminal_code(text: str, *, has_colours: bool) -> str:
    """Lines of half blocks, two modules in each character, so that the code is square and small.

    With colours it is black on white whatever the terminal's own; without, a reader needs a light terminal or one that
    takes inverted codes.
    """
    code = segno.make(text, error="l", micro=False)
    rows = [[bool(dark) for dark in row] for row in code.matrix_iter(border=_BORDER)]
    if len(rows) % 2:
        rows.append([False] * len(rows[0]))
    lines = (
        "".join(_BLOCKS[pair] for pair in zip(upper, lower, strict=True))
        for upper, lower in zip(rows[::2], rows[1::2], strict=True)
    )
    return "\n".join(f"{_DARK_ON_LIGHT}{line}{_RESET}" if has_colours else line for line in lines)


def qr_svg(text: str, title: str) -> bytes:
    """The code for `text` as an SVG document; `title` is what a screen reader says.

    Error correction "M" (15 %): a printed label gets scratched. The dark modules are one path without a size, so that
    it prints at any; the quiet zone of four modules that scanners need is part of it.

    Raises:
        InputError: there is nothing to encode, or too much.
    """
    if not text or len(text) > MAX_CHARS:
        raise InputError(f"a QR code holds 1 to {MAX_CHARS} characters here", "use a shorter address")
    stream = io.BytesIO()
    code = segno.make_qr(text, error="m")
    code.save(stream, kind="svg", omitsize=True, border=4, light="#fff", title=title, svgclass=None, lineclass=None)
    return stream.getvalue()
