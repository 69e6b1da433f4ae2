"""The gate's weights where no evidence model reads; as `gate_weights.py`, written by `fit_gate.py --off`."""

from __future__ import annotations

WEIGHTS: tuple[tuple[str, float, float], ...] = (
    ("cosine", 2.0209, 0.4409),
    ("cosine_above_mean", 1.4478, 0.1143),
    ("cosine_margin", 1.1325, 0.0604),
    ("covered_passage", 1.6783, 0.5386),
    ("covered_unit", -0.0689, 0.4571),
    ("evidence", 0.2653, 1.942),
    ("evidence_margin", 0.2979, 0.9715),
    ("left_out", 0.1525, -0.0467),
    ("left_out_missing", 0.6577, 0.0501),
    ("missing_anywhere", -0.1285, 0.5267),
    ("missing_count", 0.4068, 0.4688),
    ("missing_name", -0.8676, 0.1952),
    ("missing_passage", 0.3507, 0.6515),
    ("unit_cosine", 1.9963, 0.5202),
)
BIAS = -0.2541
ANSWERED = 0.3263
UNSURE = 0.1584
BARS: tuple[tuple[float, float, float], ...] = (
    (0.99, 0.0946, 0.272),
    (0.975, 0.1584, 0.3517),
    (0.95, 0.2527, 0.4279),
    (0.9, 0.3263, 0.5208),
    (0.85, 0.3855, 0.6389),
    (0.8, 0.4768, 0.7039),
    (0.7, 0.5559, 0.8003),
    (0.5, 0.6801, 0.9098),
)
"""(share kept, bar of people's answerable questions, of made ones): an index is calibrated by them."""
