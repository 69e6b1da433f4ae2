"""The gate's weights as shipped: (figure, weight, centre) each, and the bars. `tests/recipes/fit_gate.py` writes it."""

from __future__ import annotations

WEIGHTS: tuple[tuple[str, float, float], ...] = (
    ("cosine", 2.4016, 0.4553),
    ("covered_passage", 1.6831, 0.5853),
    ("kind_fits", 1.0802, 0.9607),
    ("reader_passage", 1.0406, -0.4639),
    ("reader_shown_passage", 0.7931, -0.5236),
    ("reader_span", 0.4266, -1.3299),
    ("unit_cosine", 2.8779, 0.5039),
)
BIAS = -0.0065
ANSWERED = 0.2879
UNSURE = 0.1822
BARS: tuple[tuple[float, float, float], ...] = (
    (0.99, 0.1646, 0.3942),
    (0.975, 0.1822, 0.4084),
    (0.95, 0.2215, 0.695),
    (0.9, 0.2879, 0.7586),
    (0.85, 0.3981, 0.8584),
    (0.8, 0.4529, 0.9111),
    (0.7, 0.5545, 0.956),
    (0.5, 0.7818, 0.9778),
)
"""(share kept, bar of people's answerable questions, of made ones): an index is calibrated by them."""
