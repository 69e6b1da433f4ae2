"""Bytes of tokens to text that can be shown: UTF-8 across token borders, and stop strings that never show in part.

A token may end within a character, and a stop string may be spread over several tokens; both are held back until they
are whole or ruled out. Knows no model.
"""

from __future__ import annotations

import codecs
from collections.abc import Sequence


class TextStream:
    """Feeds of bytes in, pieces of text out; `is_stopped` once a stop string was met, which is left out of the text."""

    def __init__(self, stops: Sequence[str] = ()) -> None:
        self.is_stopped = False
        self._stops = tuple(stop for stop in stops if stop)
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._held = ""
        self._has_begun = False

    def feed(self, data: bytes) -> str:
        """The text that has become certain with `data`; "" when nothing has."""
        return self._release(self._decoder.decode(data), is_last=False)

    def end(self) -> str:
        """What was still held back, a broken last character as U+FFFD."""
        return self._release(self._decoder.decode(b"", final=True), is_last=True)

    def _release(self, text: str, *, is_last: bool) -> str:
        if self.is_stopped:
            return ""
        held = self._held + text
        cut = min((at for stop in self._stops if (at := held.find(stop)) >= 0), default=-1)
        if cut >= 0:
            self.is_stopped = True
            held, self._held = held[:cut], ""
        elif is_last:
            self._held = ""
        else:
            keep = max((_overlap(held, stop) for stop in self._stops), default=0)
            held, self._held = held[: len(held) - keep], held[len(held) - keep :]
        if not self._has_begun:  # models like to begin with a blank or an empty line
            held = held.lstrip()
            self._has_begun = bool(held)
        return held


def _overlap(text: str, stop: str) -> int:
    """Length of the longest end of `text` with which `stop` begins."""
    for length in range(min(len(stop) - 1, len(text)), 0, -1):
        if text.endswith(stop[:length]):
            return length
    return 0
