"""The gate's weights as shipped: (figure, weight, centre) each, and the bars. `tests/recipes/fit_gate.py` writes it."""

from __future__ import annotations

WEIGHTS: tuple[tuple[str, float, float], ...] = (
    ("cosine", 1.91, 0.0),
    ("passage_coverage", 1.62, 0.0),
    ("evidence", 0.8, 0.0),
)
BIAS = -2.0
ANSWERED = 0.42
UNSURE = 0.22
