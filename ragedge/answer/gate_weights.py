"""The gate's weights as shipped: (figure, weight, centre) each, and the bars. `tests/recipes/fit_gate.py` writes it."""

from __future__ import annotations

WEIGHTS: tuple[tuple[str, float, float], ...] = (
    ("cosine", 3.1847, 0.4536),
    ("reader_passage", 0.6852, -0.4644),
    ("reader_shown", 0.496, -0.6693),
    ("reader_shown_passage", 0.7917, -0.5292),
    ("reader_span", 0.2989, -1.1405),
    ("unit_cosine", 2.7785, 0.5148),
)
BIAS = 0.0718
ANSWERED = 0.3308
UNSURE = 0.2241
BARS: tuple[tuple[float, float, float], ...] = (
    (0.99, 0.1582, 0.2454),
    (0.975, 0.2241, 0.3923),
    (0.95, 0.2612, 0.5556),
    (0.9, 0.3308, 0.6309),
    (0.85, 0.4193, 0.7446),
    (0.8, 0.4435, 0.842),
    (0.7, 0.5648, 0.9309),
    (0.5, 0.7448, 0.9674),
)
"""(share kept, bar of people's answerable questions, of made ones): an index is calibrated by them."""
