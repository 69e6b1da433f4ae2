"""The gate's weights as shipped: (figure, weight, centre) each, and the bars. `tests/recipes/fit_gate.py` writes it."""

from __future__ import annotations

WEIGHTS: tuple[tuple[str, float, float], ...] = (
    ("cosine", 2.7231, 0.4536),
    ("reader_passage", 0.8696, -0.4649),
    ("reader_shown", 0.512, -0.6325),
    ("reader_shown_passage", 0.8218, -0.5304),
    ("reader_span", 0.3624, -1.3005),
    ("unit_cosine", 2.5611, 0.5258),
)
BIAS = 0.1429
ANSWERED = 0.309
UNSURE = 0.2019
BARS: tuple[tuple[float, float, float], ...] = (
    (0.99, 0.1354, 0.3136),
    (0.975, 0.2019, 0.4535),
    (0.95, 0.2292, 0.4951),
    (0.9, 0.309, 0.6822),
    (0.85, 0.3948, 0.8232),
    (0.8, 0.4408, 0.8996),
    (0.7, 0.5309, 0.9463),
    (0.5, 0.7439, 0.9795),
)
"""(share kept, bar of people's answerable questions, of made ones): an index is calibrated by them."""
