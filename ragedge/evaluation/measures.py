"""Figures of quality, each a pure function: ranks, overlap of answers, separation of two groups.

Answer measures are those of SQuAD (Rajpurkar et al. 2016): lower case, no punctuation, no articles. Knows no index.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections import Counter
from collections.abc import Sequence

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = frozenset(string.punctuation)


def mean(values: Sequence[float]) -> float | None:
    """Arithmetic mean; None of nothing."""
    return sum(values) / len(values) if values else None


def hit_rate(ranks: Sequence[int | None], depth: int) -> float | None:
    """Share of ranks (counted from 1, None: not found) that are at most `depth`."""
    return mean([float(rank is not None and rank <= depth) for rank in ranks])


def mean_reciprocal_rank(ranks: Sequence[int | None], depth: int = 10) -> float | None:
    """Mean of 1/rank, 0 beyond `depth` (Voorhees 1999)."""
    return mean([1.0 / rank if rank is not None and rank <= depth else 0.0 for rank in ranks])


def normalised(answer: str) -> str:
    """An answer as SQuAD compares it."""
    folded = unicodedata.normalize("NFKC", answer).lower()
    bare = "".join(" " if c in "–—" else c for c in folded if c not in _PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", bare).split())


def token_f1(answer: str, golds: Sequence[str]) -> float:
    """Best F1 over the golds of the tokens that answer and gold share."""
    return max((_f1(normalised(answer).split(), normalised(gold).split()) for gold in golds), default=0.0)


def exact_match(answer: str, golds: Sequence[str]) -> float:
    """1.0 where the answer equals a gold, else 0.0."""
    return float(any(normalised(answer) == normalised(gold) for gold in golds))


def holds_answer(text: str, golds: Sequence[str]) -> float:
    """1.0 where a gold stands in `text` word for word, else 0.0."""
    padded = f" {normalised(text)} "
    return float(any(f" {normalised(gold)} " in padded for gold in golds if normalised(gold)))


def separation(positives: Sequence[float], negatives: Sequence[float]) -> float | None:
    """Area under the ROC curve: how often a positive scores above a negative, ties half (Mann & Whitney 1947)."""
    if not positives or not negatives:
        return None
    ordered = sorted([(score, 1) for score in positives] + [(score, 0) for score in negatives])
    rank_sum, at = 0.0, 0
    while at < len(ordered):
        end = at
        while end < len(ordered) and ordered[end][0] == ordered[at][0]:
            end += 1
        rank_sum += (at + 1 + end) / 2 * sum(is_positive for _, is_positive in ordered[at:end])
        at = end
    count = len(positives)
    return (rank_sum - count * (count + 1) / 2) / (count * len(negatives))


def refused_at(positives: Sequence[float], negatives: Sequence[float], kept: float = 0.9) -> float | None:
    """Share of negatives below the score that still keeps the share `kept` of the positives."""
    if not positives or not negatives:
        return None
    ordered = sorted(positives)
    bar = ordered[min(len(ordered) - 1, int((1 - kept) * len(ordered) + 1e-9))]
    return sum(score < bar for score in negatives) / len(negatives)


def percentile(values: Sequence[float], share: float) -> float | None:
    """The value below which `share` of the values lie (nearest rank)."""
    if not values:
        return None
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _f1(answer: Sequence[str], gold: Sequence[str]) -> float:
    if not answer or not gold:
        return float(list(answer) == list(gold))
    shared = sum((Counter(answer) & Counter(gold)).values())
    return 2 * shared / (len(answer) + len(gold))
