"""The gate's weights as shipped: (figure, weight, centre) each, and the bars. `tests/recipes/fit_gate.py` writes it."""

from __future__ import annotations

WEIGHTS: tuple[tuple[str, float, float], ...] = (
    ("cosine", 2.2791, 0.4507),
    ("covered_passage", 1.8123, 0.5839),
    ("kind_fits", 1.5084, 0.9609),
    ("reader_passage", 1.0343, -0.4596),
    ("reader_shown_passage", 0.8196, -0.5186),
    ("reader_span", 0.3954, -1.2937),
    ("unit_cosine", 2.773, 0.5015),
)
BIAS = -0.0104
ANSWERED = 0.2784
UNSURE = 0.1819
BARS: tuple[tuple[float, float, float], ...] = (
    (0.99, 0.1117, 0.3947),
    (0.975, 0.1819, 0.6416),
    (0.95, 0.2213, 0.6971),
    (0.9, 0.2784, 0.7545),
    (0.85, 0.3961, 0.7958),
    (0.8, 0.4551, 0.8628),
    (0.7, 0.5672, 0.9501),
    (0.5, 0.7679, 0.9738),
)
"""(share kept, bar of people's answerable questions, of made ones): an index is calibrated by them."""
