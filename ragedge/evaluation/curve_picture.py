"""The curve of the gate as a small SVG: answered share of answerable questions across, refused share of the others up.

Plain shapes in the page's own colours; no script, nothing loaded. The numbers stand in a table beside it, so the
picture carries a title for those who cannot see it and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence

from ragedge.evaluation.refusing import CurvePoint

_WIDTH, _HEIGHT = 360, 240  # of the picture, in its own units
_LEFT, _TOP, _RIGHT, _BOTTOM = 44, 12, 348, 200  # of the plot inside it
_GRID = (0.0, 0.25, 0.5, 0.75, 1.0)


def curve_picture(points: Sequence[CurvePoint]) -> str:
    """An `<svg>` element; "" where there are fewer than two points to join."""
    lines = [
        ("refused", "unanswerable refused", [(p.answered, p.refused) for p in points if p.refused is not None]),
        (
            "off",
            "off-topic refused",
            [(p.answered, p.off_topic_refused) for p in points if p.off_topic_refused is not None],
        ),
    ]
    lines = [line for line in lines if len(line[2]) > 1]
    if not lines:
        return ""
    parts = [
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" width="{_WIDTH}" height="{_HEIGHT}" role="img" class="curve">',
        "<title>Refused share of unanswerable questions against answered share of answerable ones</title>",
        *_frame(),
        *(_line(name, label, points) for name, label, points in lines),
        *(_legend(row, name, label) for row, (name, label, _) in enumerate(lines)),
        "</svg>",
    ]
    return "".join(parts)


def _frame() -> list[str]:
    parts = []
    for value in _GRID:
        x, y = _place(value, value)
        parts.append(f'<line class="grid" x1="{_LEFT}" y1="{y:.1f}" x2="{_RIGHT}" y2="{y:.1f}"/>')
        parts.append(f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:.2f}</text>')
        parts.append(f'<text x="{x:.1f}" y="{_BOTTOM + 16}" text-anchor="middle">{value:.2f}</text>')
    parts.append(f'<text x="{(_LEFT + _RIGHT) / 2:.0f}" y="{_HEIGHT - 6}" text-anchor="middle">answered</text>')
    return parts


def _line(name: str, label: str, points: Sequence[tuple[float, float]]) -> str:
    places = [_place(answered, refused) for answered, refused in points]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5"/>' for x, y in places)
    return f'<g class="{name}"><title>{label}</title><polyline points="{path}"/>{dots}</g>'


def _legend(row: int, name: str, label: str) -> str:
    """A short stroke and its name, at the left where no curve runs: half of the questions are always answered."""
    y = _TOP + 14 + 16 * row
    stroke = f'<polyline points="{_LEFT + 8},{y} {_LEFT + 32},{y}"/>'
    return f'<g class="{name}">{stroke}<text x="{_LEFT + 38}" y="{y + 4}">{label}</text></g>'


def _place(answered: float, refused: float) -> tuple[float, float]:
    return _LEFT + answered * (_RIGHT - _LEFT), _BOTTOM - refused * (_BOTTOM - _TOP)
