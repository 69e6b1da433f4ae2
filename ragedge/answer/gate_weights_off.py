"""The gate's weights where no evidence model reads; as `gate_weights.py`, written by `fit_gate.py --off`."""

from __future__ import annotations

WEIGHTS: tuple[tuple[str, float, float], ...] = (
    ("cosine", 1.4713, 0.4696),
    ("cosine_above_mean", 1.3529, 0.1202),
    ("cosine_margin", 2.3687, 0.0615),
    ("covered_passage", 1.545, 0.6217),
    ("covered_unit", 0.2422, 0.5505),
    ("evidence", 0.197, 2.8092),
    ("evidence_margin", 0.2335, 1.0985),
    ("left_out", -0.0575, -0.0027),
    ("left_out_missing", 0.7182, 0.1016),
    ("missing_anywhere", -0.1062, 0.4163),
    ("missing_count", 0.2681, 0.3802),
    ("missing_name", -0.7026, 0.1716),
    ("missing_passage", 0.301, 0.5315),
    ("unit_cosine", 2.9742, 0.5586),
)
BIAS = 0.0132
ANSWERED = 0.3454
UNSURE = 0.1609
BARS: tuple[tuple[float, float, float], ...] = (
    (0.99, 0.1142, 0.2238),
    (0.975, 0.1609, 0.3004),
    (0.95, 0.2247, 0.4468),
    (0.9, 0.3454, 0.6315),
    (0.85, 0.4104, 0.6938),
    (0.8, 0.4418, 0.7368),
    (0.7, 0.5217, 0.8106),
    (0.5, 0.6907, 0.8931),
)
"""(share kept, bar of people's answerable questions, bar of made ones), by which an index is calibrated."""
