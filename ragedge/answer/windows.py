"""Passages to the windows that the evidence model reads: runs of neighbouring units under a title, short and few.

A merged passage can be three times what the model was trained on, and reading costs a third of a millisecond
per token on a small box: so passages are cut at the borders of units, and only the most promising windows are read,
those of the first passages always. Pure; counts tokens by a function that it is given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ragedge.answer.units import Unit
from ragedge.contracts import Hit

WINDOW_TOKENS = 190  # of units; with prefix and question what the model was trained on
MAX_WINDOWS = 10
MAX_TOKENS = 1_500  # of all windows together
SURE_HITS = 3  # passages whose best window is always read
_PREFIX_CHARS = 120  # of title and heading; the model reads 24 tokens of it


@dataclass(frozen=True, slots=True)
class Window:
    """Units `[first, last)` of the units list, all of hit `hit_index`; `tokens` of them, prefix not counted."""

    hit_index: int
    first: int
    last: int
    prefix: str
    tokens: int


def windows_of(
    units: Sequence[Unit], hits: Sequence[Hit], tokens: Sequence[int], promise: Sequence[float]
) -> list[Window]:
    """The windows to read, in the order of hits and text.

    Args:
        units: all units of the hits in their order, headings included.
        hits: the passages.
        tokens: of each unit.
        promise: of each unit, higher is better; -inf for what cannot answer.
    """
    windows = _cut(units, hits, tokens)
    best = {id(window): max(promise[window.first : window.last], default=0.0) for window in windows}
    ranked = sorted(windows, key=lambda w: (-best[id(w)], w.first))
    first: list[Window] = []
    for hit_index in range(min(SURE_HITS, len(hits))):
        first.extend([window for window in ranked if window.hit_index == hit_index][:1])
    chosen: list[Window] = []
    total = 0
    for window in (*first, *(w for w in ranked if w not in first)):
        if len(chosen) < MAX_WINDOWS and (not chosen or total + window.tokens <= MAX_TOKENS):
            chosen.append(window)
            total += window.tokens
    return sorted(chosen, key=lambda window: window.first)


def prefix_of(hit: Hit) -> str:
    """Title and nearest heading of a passage, as the model was shown them in training."""
    title = " ".join(hit.title.split())
    heading = " ".join(hit.chunk.headings[-1].split()) if hit.chunk.headings else ""
    if not heading or heading == title:
        return title[:_PREFIX_CHARS]
    return f"{title[: _PREFIX_CHARS // 2]}: {heading}"[:_PREFIX_CHARS] if title else heading[:_PREFIX_CHARS]


def _cut(units: Sequence[Unit], hits: Sequence[Hit], tokens: Sequence[int]) -> list[Window]:
    windows: list[Window] = []
    first = total = 0
    for i, unit in enumerate(units):
        is_new_hit = i > first and unit.hit_index != units[first].hit_index
        if i > first and (is_new_hit or total + tokens[i] > WINDOW_TOKENS):
            windows.append(_window(units, hits, first, i, total))
            first, total = i, 0
        total += tokens[i]
    if units:
        windows.append(_window(units, hits, first, len(units), total))
    return windows


def _window(units: Sequence[Unit], hits: Sequence[Hit], first: int, last: int, tokens: int) -> Window:
    index = units[first].hit_index
    return Window(index, first, last, prefix_of(hits[index]), min(tokens, WINDOW_TOKENS))
