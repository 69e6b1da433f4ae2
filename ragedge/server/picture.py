"""PDF page -> PNG with a quote marked, by a child process with limits of time, memory and output, and a bounded cache.

PDFs come from anywhere and are drawn by native code: a crash, a bomb or a hang costs one picture. The child is
`picture_child.py`, started anew for each picture (0.3 s on a 2-core box, most of it loading libraries); what it made
is kept in memory up to a number of bytes, oldest use first out.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ragedge.contracts import Reason
from ragedge.errors import NotFound, UnreadableDocument

_CHILD = Path(__file__).with_name("picture_child.py")
#: A drawn page has 0.1-2 MB; scans are shrunk until they fit.
_PNG_BYTES = 6_291_456
#: The child's environment: nothing of ours, UTF-8 paths.
_ENVIRONMENT = {"LANG": "C.UTF-8", "PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"}

_REFUSALS: dict[Reason, str] = {
    "encrypted": "the file is protected by a password",
    "broken": "the page is damaged",
    "out_of_memory": "the page needs too much memory",
    "timed_out": "the page took too long to draw",
    "crashed": "the page could not be drawn",
}


@dataclass(frozen=True, slots=True)
class Picture:
    """A page as PNG. `marks` counts marked lines; `first_mark` is how far down the first is, in [0, 1], or None."""

    png: bytes
    width: int
    height: int
    marks: int
    first_mark: float | None


@dataclass(frozen=True, slots=True)
class _Key:
    document_id: str
    page: int
    quote: str
    near: float | None


class PictureMaker:
    """Draws pages. Safe from several threads; the caller bounds how many."""

    def __init__(
        self, *, timeout_s: float, memory_bytes: int, cache_bytes: int, passwords: tuple[str, ...] = ()
    ) -> None:
        self._timeout_s = timeout_s
        self._memory_bytes = memory_bytes
        self._cache_bytes = cache_bytes
        self._passwords = passwords
        self._kept: OrderedDict[_Key, Picture] = OrderedDict()
        self._kept_bytes = 0
        self._lock = threading.Lock()

    def draw(self, path: Path, document_id: str, page: int, quote: str, near: float | None = None) -> Picture:
        """The page numbered `page` (1-based) of the PDF at `path`, whose content `document_id` names.

        Raises:
            NotFound: the PDF has no such page.
            UnreadableDocument: encrypted, broken, too heavy or too slow.
        """
        key = _Key(document_id, page, quote, near)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        picture = self._draw(path, key)
        with self._lock:
            if key not in self._kept:
                self._kept[key] = picture
                self._kept_bytes += len(picture.png)
            while self._kept_bytes > self._cache_bytes and self._kept:
                _, oldest = self._kept.popitem(last=False)
                self._kept_bytes -= len(oldest.png)
        return picture

    def _draw(self, path: Path, key: _Key) -> Picture:
        order = {
            "path": str(path),
            "page": key.page,
            "quote": key.quote.encode("utf-8", "replace").decode("utf-8"),
            "near": key.near,
            "passwords": list(self._passwords),
            "memory_bytes": self._memory_bytes,
            "cpu_seconds": max(1, int(self._timeout_s)),
            "png_bytes": _PNG_BYTES,
        }
        facts, png = _run(json.dumps(order).encode(), self._timeout_s)
        refusal = facts.get("refused")
        if refusal == "no_page":
            raise NotFound(f"the document has no page {key.page}", "look at the pages it has")
        if refusal is not None:
            reason: Reason = refusal if refusal in _REFUSALS else "crashed"
            raise UnreadableDocument(reason, f"there is no picture: {_REFUSALS[reason]}", "read the page as text")
        first = facts["first_mark"]
        return Picture(png, int(facts["width"]), int(facts["height"]), int(facts["marks"]), first)


def _run(order: bytes, timeout_s: float) -> tuple[dict[str, Any], bytes]:
    """Start the child, hand it the order, read at most what a picture may have; kill it when the time is over."""
    child = subprocess.Popen(
        [sys.executable, "-I", str(_CHILD)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=_ENVIRONMENT,
        close_fds=True,
    )
    is_late = threading.Event()

    def end() -> None:
        is_late.set()
        child.kill()

    timer = threading.Timer(timeout_s, end)
    timer.daemon = True
    timer.start()
    try:
        assert child.stdin is not None and child.stdout is not None
        try:
            child.stdin.write(order)
            child.stdin.close()
        except BrokenPipeError:
            pass  # it died already; the empty output says so
        head = child.stdout.readline(10_000)
        png = child.stdout.read(_PNG_BYTES + 1)
    finally:
        timer.cancel()
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                pipe.close()
    try:
        facts = json.loads(head)
    except ValueError:
        return {"refused": "timed_out" if is_late.is_set() else "crashed"}, b""
    if "refused" not in facts and not (png.startswith(b"\x89PNG") and len(png) <= _PNG_BYTES):
        return {"refused": "timed_out" if is_late.is_set() else "crashed"}, b""
    return facts, png
