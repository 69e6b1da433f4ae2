"""The gate's weights as shipped: (figure, weight, centre) each, and the bars. `tests/recipes/fit_gate.py` writes it."""

from __future__ import annotations

WEIGHTS: tuple[tuple[str, float, float], ...] = (
    ("cosine", 2.8301, 0.4409),
    ("reader_passage", 0.5486, -0.5398),
    ("reader_shown", 0.4748, -0.7541),
    ("reader_shown_passage", 0.7907, -0.6038),
    ("reader_span", 0.29, -1.3493),
    ("unit_cosine", 2.333, 0.5049),
)
BIAS = -0.1097
ANSWERED = 0.32
UNSURE = 0.2043
BARS: tuple[tuple[float, float, float], ...] = (
    (0.99, 0.1144, 0.2737),
    (0.975, 0.2043, 0.4499),
    (0.95, 0.2623, 0.5747),
    (0.9, 0.32, 0.7121),
    (0.85, 0.362, 0.7884),
    (0.8, 0.4301, 0.8608),
    (0.7, 0.5076, 0.9323),
    (0.5, 0.7019, 0.9668),
)
"""(share kept, bar of people's answerable questions, of made ones): an index is calibrated by them."""
