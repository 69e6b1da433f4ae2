"""The gate's weights as shipped: (figure, weight, centre) each, and the bars. `tests/recipes/fit_gate.py` writes it."""

from __future__ import annotations

WEIGHTS: tuple[tuple[str, float, float], ...] = (
    ("cosine", 1.434, 0.47),
    ("cosine_above_mean", 1.3248, 0.1195),
    ("cosine_margin", 2.6799, 0.0609),
    ("covered_passage", 1.4363, 0.6248),
    ("covered_unit", 0.3199, 0.5526),
    ("evidence", 0.1811, 2.826),
    ("evidence_margin", 0.2025, 1.0989),
    ("left_out", 0.0299, 0.0013),
    ("left_out_missing", 0.6659, 0.1075),
    ("missing_anywhere", -0.129, 0.4092),
    ("missing_count", 0.2427, 0.3734),
    ("missing_name", -0.7319, 0.168),
    ("missing_passage", 0.3387, 0.5259),
    ("unit_cosine", 3.0466, 0.5595),
)
BIAS = 0.0293
ANSWERED = 0.334
UNSURE = 0.161
