"""Text -> a QR code of block characters for a terminal. Knows nothing of what the text says."""

from __future__ import annotations

import segno

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
