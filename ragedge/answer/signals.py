"""What was found for a question -> the figures that the gate decides on, each with a name, and what is missing.

Figures are about in [-1, 1] or log-odds. They look at the best unit of evidence, at its passage and at all passages,
each apart: a near-topic question is covered by the passages together and by none of them alone. A model that reads
(question, passage) adds its own figures by name (`extra`). Knows no index; vectors come as a function.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ragedge.answer.asks import could_answer, field_fits
from ragedge.answer.identifiers import stands_in
from ragedge.answer.pins import Pin, pins_of
from ragedge.answer.scoring import Asked, bag_of
from ragedge.contracts import Evidence, Hit

Embed = Callable[[Sequence[str]], NDArray[np.float32]]

READER_ID = "figures-1"
"""Changes with what a figure means, or with the model that makes some: fitted gates then no longer fit."""

MAX_EMBEDDED_PINS = 3  # missing ones whose vector is asked for: 5 to 10 ms each on a busy box
_EXCERPT_CHARS = 300  # of the text that a missing word's vector is compared with


@dataclass(frozen=True, slots=True)
class Signals:
    """Figures by name, and what is missing, rarest first.

    `missing_codes` and `nowhere_words` stand in no passage, `missing_words` not in the one with the best evidence.
    """

    values: Mapping[str, float]
    missing_codes: tuple[str, ...] = ()
    missing_words: tuple[str, ...] = ()
    nowhere_words: tuple[str, ...] = ()


def read_signals(
    asked: Asked,
    hits: Sequence[Hit],
    evidence: Sequence[Evidence],
    *,
    embed: Embed | None = None,
    extra: Mapping[str, float] | None = None,
) -> Signals:
    """The figures for a question that is taken apart, its passages and its evidence, best first.

    Args:
        embed: texts -> unit vectors [n, dimension], for the words that no passage holds; None: by spelling alone.
        extra: further figures, such as those of a model that reads question and passage together.
    """
    if not hits:
        return Signals(dict(extra or {}), asked.identifiers)
    pins = pins_of(asked)
    bags = [bag_of("\n".join((hit.title, *hit.chunk.headings, hit.chunk.text))) for hit in hits]
    best = evidence[0] if evidence else None
    at = best.hit_index if best is not None else 0
    above = bag_of("\n".join((hits[at].title, *hits[at].chunk.headings)))
    unit = above | bag_of(best.text) if best is not None else set[str]()
    everything = set().union(*bags)
    missing = [pin for pin in pins if pin.key not in bags[at]]
    values = {
        **_passage_figures(hits, at),
        **_evidence_figures(evidence),
        **_kind_figures(asked, hits[at], best),
        **_coverage_figures(pins, unit, bags[at], everything),
        "meaning_missing": _meaning(missing, best.text if best is not None else hits[at].chunk.text, embed),
        **(extra or {}),
    }
    nowhere = tuple(pin.text for pin in missing if pin.key not in everything)
    return Signals(values, missing_codes(asked, hits), tuple(pin.text for pin in missing), nowhere)


def missing_codes(asked: Asked, hits: Sequence[Hit]) -> tuple[str, ...]:
    """Codes and numbers of the question that stand in no hit, its title, headings or path."""
    texts = [" ".join((hit.title, *hit.chunk.headings, hit.chunk.document_path, hit.chunk.text)) for hit in hits]
    return tuple(name for name in asked.identifiers if not any(stands_in(name, text) for text in texts))


def _passage_figures(hits: Sequence[Hit], at: int) -> dict[str, float]:
    cosines = [hit.cosine for hit in hits if hit.cosine is not None] or [0.0]
    ordered = sorted(cosines, reverse=True)
    others = [hit.score for i, hit in enumerate(hits) if i != at]
    same = sum(hit.chunk.document_id == hits[at].chunk.document_id for hit in hits[:5])
    return {
        "cosine": ordered[0],
        "cosine_here": hits[at].cosine or 0.0,
        "cosine_margin": ordered[0] - ordered[1] if len(ordered) > 1 else 0.0,
        "cosine_above_rest": ordered[0] - sum(ordered) / len(ordered),
        "rank": 1.0 / (1 + at),
        "lexical_rank": 1.0 / (hits[at].lexical_rank or 50),
        "vector_rank": 1.0 / (hits[at].vector_rank or 50),
        "found_twice": float(hits[at].lexical_rank == 1 and hits[at].vector_rank == 1),
        "score_margin": max(-1.0, min(1.0, hits[at].score - max(others, default=0.0))),
        "same_document": same / min(5, len(hits)),
    }


def _evidence_figures(evidence: Sequence[Evidence]) -> dict[str, float]:
    scores = [_log_odds(item.score) for item in evidence[:4]] or [-6.0]
    cosines = [item.cosine for item in evidence if item.cosine is not None] or [0.0]
    here = {item.hit_index for item in evidence[:4]}
    return {
        "evidence": scores[0],
        "evidence_margin": min(4.0, scores[0] - scores[1]) if len(scores) > 1 else 4.0,
        "evidence_spread": len(here) / max(1, len(evidence[:4])),
        "unit_cosine": max(cosines),
        "unit_cosine_best": (evidence[0].cosine if evidence else None) or 0.0,
        "passage_coverage": max((e.coverage for e in evidence if e.coverage is not None), default=0.0),
    }


def _kind_figures(asked: Asked, hit: Hit, best: Evidence | None) -> dict[str, float]:
    text = best.text if best is not None else ""
    figures = {f"asks_{kind}": float(asked.kind == kind) for kind in ("how_to", "yes_no", "number", "time", "person")}
    return {
        **figures,
        "kind_unit": float(could_answer(asked.kind, text, asked.text)) if text else 0.0,
        "kind_passage": float(could_answer(asked.kind, hit.chunk.text, asked.text)),
        "field": field_fits(asked.kind, text, asked.text),
        "codes": float(bool(asked.identifiers)),
    }


def _coverage_figures(pins: Sequence[Pin], unit: Set[str], passage: Set[str], everything: Set[str]) -> dict[str, float]:
    """Shares of the pins' weight, and the heaviest pin that is missing: one is enough to make a question another."""
    total = math.fsum(pin.weight for pin in pins)
    values = {"pins": min(1.0, len(pins) / 8), "pinned_weight": min(1.0, total / 4)}
    for name, words in (("unit", unit), ("passage", passage), ("anywhere", everything)):
        gone = [pin for pin in pins if pin.key not in words]
        values[f"covered_{name}"] = 1.0 - math.fsum(pin.weight for pin in gone) / total if total else 0.5
        values[f"missing_{name}"] = max((pin.weight for pin in gone), default=0.0)
        values[f"missing_{name}_count"] = min(1.0, len(gone) / 4)
        values[f"missing_{name}_name"] = float(any(pin.kind != "word" for pin in gone))
    return values


def _meaning(missing: Sequence[Pin], text: str, embed: Embed | None) -> float:
    """How near the missing word that is farthest from the evidence is to it, as a cosine; 1 where none is missing."""
    if not missing:
        return 1.0
    if embed is None:
        return 0.0
    chosen = [pin.text.casefold() for pin in missing[:MAX_EMBEDDED_PINS]]
    vectors = embed([*chosen, " ".join(text.split())[:_EXCERPT_CHARS]])
    return float((vectors[:-1] @ vectors[-1]).min())


def _log_odds(score: float) -> float:
    bounded = min(max(score, 1e-4), 1 - 1e-4)
    return math.log(bounded / (1 - bounded))
