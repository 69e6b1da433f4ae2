"""Windows: runs of neighbouring units of one passage, the most promising ones, within a budget."""

from __future__ import annotations

from ragedge.answer.units import Unit
from ragedge.answer.windows import MAX_TOKENS, MAX_WINDOWS, SURE_HITS, WINDOW_TOKENS, prefix_of, windows_of
from ragedge.contracts import Chunk, Hit


def hit(number: int, title: str = "Pump manual", headings: tuple[str, ...] = ("Upkeep",)) -> Hit:
    return Hit(Chunk(f"d-{number}", "d", "d.md", number, "text", (), headings, 1), 1.0, title)


def units(*counts: int) -> list[Unit]:
    """`counts[i]` units of hit i."""
    made = []
    for index, count in enumerate(counts):
        made += [Unit(index, "d", 1, 1000 * index + i, 1000 * index + i + 1, "text", "x") for i in range(count)]
    return made


def test_a_window_keeps_to_one_passage_and_to_its_size() -> None:
    everything = units(5, 3)
    windows = windows_of(everything, [hit(0), hit(1)], [80] * 8, [0.5] * 8)
    assert [(w.hit_index, w.first, w.last) for w in windows] == [(0, 0, 2), (0, 2, 4), (0, 4, 5), (1, 5, 7), (1, 7, 8)]
    assert all(w.tokens <= WINDOW_TOKENS for w in windows)


def test_a_unit_longer_than_a_window_stands_alone() -> None:
    windows = windows_of(units(3), [hit(0)], [10, 900, 10], [0.1, 0.2, 0.3])
    assert [(w.first, w.last) for w in windows] == [(0, 1), (1, 2), (2, 3)]


def test_the_best_windows_are_read_and_the_first_passages_always() -> None:
    hits = [hit(i) for i in range(30)]
    promise = [i / 30 for i in range(30)]  # the last passage looks best
    windows = windows_of(units(*[1] * 30), hits, [100] * 30, promise)
    chosen = {w.hit_index for w in windows}
    assert set(range(SURE_HITS)) <= chosen
    assert len(windows) <= MAX_WINDOWS and sum(w.tokens for w in windows) <= MAX_TOKENS
    assert {29, 28, 27} <= chosen and 4 not in chosen
    assert [w.first for w in windows] == sorted(w.first for w in windows)


def test_headings_promise_nothing_but_are_shown() -> None:
    windows = windows_of(units(2), [hit(0)], [5, 5], [float("-inf"), 0.4])
    assert [(w.first, w.last) for w in windows] == [(0, 2)]
    assert windows_of([], [], [], []) == []


def test_the_prefix_is_title_and_nearest_heading_once() -> None:
    assert prefix_of(hit(0, headings=("Part 2", "Upkeep"))) == "Pump manual: Upkeep"
    assert prefix_of(hit(0, title="Upkeep")) == "Upkeep"
    assert prefix_of(hit(0, headings=())) == "Pump manual"
    assert prefix_of(hit(0, title="")) == "Upkeep"
    assert len(prefix_of(hit(0, title="t" * 500, headings=("h" * 500,)))) <= 120
