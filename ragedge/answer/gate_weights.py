"""The gate's weights as shipped: (figure, weight, centre) each, and the bars. `tests/recipes/fit_gate.py` writes it."""

from __future__ import annotations

WEIGHTS: tuple[tuple[str, float, float], ...] = (
    ("cosine", 2.5256, 0.4507),
    ("reader_passage", 1.0653, -0.4292),
    ("reader_shown", 0.4477, -0.6499),
    ("reader_shown_passage", 0.9034, -0.4858),
    ("reader_span", 0.4516, -1.267),
    ("unit_cosine", 2.5053, 0.522),
)
BIAS = 0.0905
ANSWERED = 0.3187
UNSURE = 0.1838
BARS: tuple[tuple[float, float, float], ...] = (
    (0.99, 0.1357, 0.3597),
    (0.975, 0.1838, 0.5525),
    (0.95, 0.2281, 0.5741),
    (0.9, 0.3187, 0.7359),
    (0.85, 0.3731, 0.7808),
    (0.8, 0.4282, 0.8684),
    (0.7, 0.5125, 0.9365),
    (0.5, 0.714, 0.9737),
)
"""(share kept, bar of people's answerable questions, of made ones): an index is calibrated by them."""
