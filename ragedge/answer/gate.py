"""The gate: answered, unsure or abstained, decided outside any language model from what was found.

Three figures decide: the cosine of the best passage, the share of the question's words (weighed by rarity) that the
best passage covers, and the best evidence score; a logistic function makes one confidence of them. A code or number
that the question names and no passage holds is a strong no.

Set by `tests/recipes/fit_gate.py` on 294 questions of seven cases, each case weighing the same: a sample of SQuAD's
training articles, the field manual and museum that come along, and every second question of survival, handbook,
museum and irm; with their passages present (right) and taken out (wrong), and asked of another corpus (off-topic).
There 90 % of the right ones reach `answered`, and below it stay 99 % of the off-topic ones and, of the near-topic
ones, 35 % (SQuAD) to 91 % (museum). `unsure` lies by hand between the bars that 98 % (0.17) and 95 % (0.31) of the
right ones reach: there 97 % and 98 % of the off-topic ones fall below, of the near-topic ones 15 % to 46 % and 26 %
to 64 %. So it is a simple gate: off-topic questions it knows, near-topic ones it lets through too often, because they
share words and meaning with what is there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ragedge.answer.identifiers import find_identifiers, stands_in
from ragedge.contracts import Evidence, Hit, Retrieval, Verdict


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Weights of the confidence and where it turns; see the module for how they were set; `missing` by hand."""

    cosine: float = 1.91
    coverage: float = 1.62
    evidence: float = 5.05
    bias: float = -6.18
    answered: float = 0.42  # confidence from which the answer is given as such
    unsure: float = 0.22  # confidence below which nothing is answered
    missing: float = 0.2  # factor on the confidence where a code or number asked for stands nowhere


def decide(question_text: str, retrieval: Retrieval, evidence: Sequence[Evidence], thresholds: Thresholds) -> Verdict:
    """Decide whether the passages answer the question, with the confidence and the reason in plain words."""
    if not retrieval.hits:
        return Verdict("abstained", 0.0, "nothing in the documents shares a word or a meaning with the question")
    missing = missing_identifiers(question_text, retrieval.hits)
    confidence = _confidence(gate_features(retrieval, evidence), thresholds)
    if missing:
        confidence *= thresholds.missing
    if confidence >= thresholds.answered:
        return Verdict("answered", confidence, "the passages cover the question")
    if missing:
        named = ", ".join(f"'{name}'" for name in missing)
        reason = f"{named} does not stand in any of the passages found"
    elif confidence >= thresholds.unsure:
        reason = "the passages cover the question only in part"
    else:
        reason = "the documents do not seem to be about this"
    return Verdict("unsure" if confidence >= thresholds.unsure else "abstained", confidence, reason)


def missing_identifiers(question_text: str, hits: Sequence[Hit]) -> tuple[str, ...]:
    """Codes and numbers of the question that stand in no hit, its title, headings or path."""
    texts = [" ".join((hit.title, *hit.chunk.headings, hit.chunk.document_path, hit.chunk.text)) for hit in hits]
    return tuple(name for name in find_identifiers(question_text) if not any(stands_in(name, t) for t in texts))


def gate_features(retrieval: Retrieval, evidence: Sequence[Evidence]) -> tuple[float, float, float]:
    """Best cosine of a passage, best coverage by a passage, best evidence score; each about in [0, 1]."""
    cosine = max((hit.cosine for hit in retrieval.hits if hit.cosine is not None), default=0.0)
    coverage = max((item.coverage for item in evidence if item.coverage is not None), default=0.0)
    score = max((item.score for item in evidence), default=0.0)
    return cosine, coverage, score


def _confidence(features: tuple[float, float, float], thresholds: Thresholds) -> float:
    cosine, coverage, score = features
    z = thresholds.cosine * cosine + thresholds.coverage * coverage + thresholds.evidence * score + thresholds.bias
    return 1.0 / (1.0 + math.exp(-z))
