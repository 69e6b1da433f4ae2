"""The order in which pieces of evidence are shown: the nearest in meaning second, and nothing twice. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from ragedge.contracts import Evidence

ABOUT_AS_GOOD = 0.5
"""Log-odds within which the nearer in meaning goes second; set on training cases and even-numbered questions."""


def nearest_second(order: list[int], scores: Sequence[float], cosines: Mapping[int, float]) -> list[int]:
    """`order` with the unit nearest in meaning as second, where it is about as good as the one that was.

    Who looks at two pieces then sees one that the sum of all figures chose, and one that the question's meaning did.

    Args:
        order: places of units, best first.
        scores: in (0, 1), of all units.
        cosines: of unit and question, where they were computed.
    """
    if len(order) < 3:
        return order
    least = _log_odds(scores[order[1]]) - ABOUT_AS_GOOD
    near = [i for i in order[1:] if i in cosines and _log_odds(scores[i]) >= least]
    if not near:
        return order
    second = max(near, key=lambda i: cosines[i])
    return [order[0], second, *(i for i in order[1:] if i != second)]


def without_overlaps(evidence: Sequence[Evidence]) -> tuple[Evidence, ...]:
    """Leaves out what a better piece of the same passage already holds."""
    kept: list[Evidence] = []
    for item in evidence:
        span = item.span
        if not any(
            other.hit_index == item.hit_index
            and other.span.page == span.page
            and span.start < other.span.end
            and other.span.start < span.end
            for other in kept
        ):
            kept.append(item)
    return tuple(kept)


def _log_odds(score: float) -> float:
    bounded = min(max(score, 1e-9), 1 - 1e-9)
    return math.log(bounded / (1 - bounded))
