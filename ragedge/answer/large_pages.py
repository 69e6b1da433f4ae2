"""Memory that llama.cpp has just reserved, made of large pages where Linux gives them to those who ask.

A model's weights are read from end to end for every token. In pages of 4 kB the processor looks up some hundred
thousand addresses for that; in pages of 2 MB, a few hundred. Linux gives large pages by itself only where its setting
is "always"; the usual one is "madvise". Pages change no result. Everything here may fail without harm: then pages are
small, as before. Knows nothing of models.
"""

from __future__ import annotations

import ctypes
import mmap
import os
from collections.abc import Iterable
from pathlib import Path

_MAPS = Path("/proc/self/maps")
_PAGE_SIZE = Path("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size")  # bytes; absent where there are none
_MIN_PAGES = 2  # of a mapping: in less there may be none that lies as a large page must

Range = tuple[int, int]
"""First address, and the first one behind."""


class LargePages:
    """Notes what this process has reserved; `ask` is for what it has reserved since then."""

    def __init__(self, maps: Path = _MAPS, page_size: Path = _PAGE_SIZE) -> None:
        """`maps` and `page_size` are Linux's; elsewhere nothing is ever asked for."""
        self._maps = maps
        self._page = _number(page_size)
        self._before = self._reserved()

    def ask(self) -> int:
        """Ask for large pages for what was reserved since then, best before it is written to; the bytes granted."""
        found = [part for part in new_ranges(self._before, self._reserved()) if self._is_worth_it(part)]
        return sum(end - start for start, end in found if _advise(start, end))

    def _is_worth_it(self, part: Range) -> bool:
        return part[1] - part[0] >= _MIN_PAGES * self._page

    def _reserved(self) -> list[Range]:
        if not self._page:
            return []
        try:
            return anonymous(self._maps.read_text(encoding="utf-8", errors="replace").splitlines())
        except OSError:
            return []


def anonymous(lines: Iterable[str]) -> list[Range]:
    """The ranges of `/proc/self/maps` that are private, writable and of no file: what malloc gives for large sizes."""
    ranges = []
    for line in lines:
        fields = line.split(maxsplit=5)
        if len(fields) == 5 and fields[1].startswith("rw") and fields[1].endswith("p"):
            start, _, end = fields[0].partition("-")
            ranges.append((int(start, 16), int(end, 16)))
    return ranges


def new_ranges(before: Iterable[Range], now: Iterable[Range]) -> list[Range]:
    """What lies in `now` and not in `before`; neighbours that have become one range are told apart."""
    found = []
    known = sorted(before)
    for start, end in now:
        for old_start, old_end in known:
            if old_end <= start or old_start >= end:
                continue
            if old_start > start:
                found.append((start, old_start))
            start = max(start, old_end)
        if start < end:
            found.append((start, end))
    return found


def _number(path: Path) -> int:
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return 0


def _advise(start: int, end: int) -> bool:
    advice = getattr(mmap, "MADV_HUGEPAGE", None)
    if advice is None or os.name != "posix":
        return False
    advise = ctypes.CDLL(None).madvise
    advise.argtypes, advise.restype = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int), ctypes.c_int
    return bool(advise(start, end - start, advice) == 0)
