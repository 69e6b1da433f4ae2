"""Large pages are asked for what was reserved since, for the model's own memory too, and change no result."""

from __future__ import annotations

import mmap
import subprocess
import sys
from pathlib import Path

import pytest

from ragedge.answer import large_pages
from ragedge.answer.large_pages import LargePages, anonymous, new_ranges
from tests.answer.large_pages_child import asked_bytes
from tests.tiny_gguf import make_tiny_gguf

MIB = 2**20
MAPS = """\
00400000-00500000 rw-p 00000000 fe:00 12 /usr/bin/python
10000000-20000000 rw-p 00000000 00:00 0 [heap]
7f0000000000-7f0001000000 rw-p 00000000 00:00 0
7f0002000000-7f0003000000 r--p 00000000 00:00 0
7f0004000000-7f0005000000 ---p 00000000 00:00 0
7f0006000000-7f0007000000 rw-s 00000000 00:00 0
7f0008000000-7f0008100000 rw-p 00000000 00:00 0 [anon: other]
"""
HAS_PAGES = large_pages._number(large_pages._PAGE_SIZE) > 0 and hasattr(mmap, "MADV_HUGEPAGE")
needs_pages = pytest.mark.skipif(not HAS_PAGES, reason="this kernel has no large pages to ask for")


def test_only_private_writable_memory_without_a_name_counts() -> None:
    assert anonymous(MAPS.splitlines()) == [(0x7F0000000000, 0x7F0001000000)]


@pytest.mark.parametrize(
    ("before", "now", "new"),
    [
        ([], [(10, 20)], [(10, 20)]),
        ([(10, 20)], [(10, 20)], []),
        ([(10, 20)], [(5, 30)], [(5, 10), (20, 30)]),
        ([(10, 20), (22, 25)], [(8, 30)], [(8, 10), (20, 22), (25, 30)]),
        ([(10, 20)], [(12, 15), (40, 50)], [(40, 50)]),
        ([(10, 20)], [(15, 25)], [(20, 25)]),
    ],
)
def test_new_is_what_was_not_there(
    before: list[tuple[int, int]], now: list[tuple[int, int]], new: list[tuple[int, int]]
) -> None:
    assert new_ranges(before, now) == new


def test_without_large_pages_nothing_is_asked_for(tmp_path: Path) -> None:
    pages = LargePages(page_size=tmp_path / "absent")
    held = mmap.mmap(-1, 16 * MIB, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    assert pages.ask() == 0
    held.close()
    assert LargePages(maps=tmp_path / "absent").ask() == 0


@needs_pages
def test_what_was_reserved_since_then_is_asked_for_and_nothing_else() -> None:
    earlier = mmap.mmap(-1, 16 * MIB, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    before, pages = asked_bytes(), LargePages()
    later = mmap.mmap(-1, 16 * MIB, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    granted = pages.ask()
    assert 16 * MIB <= granted < 32 * MIB
    assert asked_bytes() - before == granted
    earlier.close()
    later.close()


@needs_pages
def test_weights_and_context_of_a_model_lie_in_memory_that_was_asked_for(tmp_path: Path) -> None:
    path = make_tiny_gguf(tmp_path / "wide.gguf", width=512)
    size = path.stat().st_size
    assert size > 6 * MIB
    command = [sys.executable, "-m", "tests.answer.large_pages_child", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    with_weights, with_context = (int(word) for word in done.stdout.split())
    assert with_weights >= size - 3 * MIB
    assert with_context >= with_weights + 4 * MIB
