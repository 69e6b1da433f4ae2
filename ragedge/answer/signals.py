"""What was found for a question -> the figures that the gate decides on, each with a name, and what is missing.

Figures are about in [-1, 1] or log-odds. They look at the best unit of evidence, at its passage and at all passages,
each apart: a near-topic question is covered by the passages together and by none of them alone. A model that reads
(question, passage) adds its own figures by name (`extra`). Knows no index; vectors come as a function.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ragedge.answer.identifiers import stands_in
from ragedge.answer.pins import Pin, pins_of
from ragedge.answer.rows import is_between, numbers_of
from ragedge.answer.scoring import EMBED_CHARS, Asked, bag_of
from ragedge.contracts import Evidence, Hit

Embed = Callable[[Sequence[str]], NDArray[np.float32]]

READER_ID = "figures-2"
"""Changes with what a figure means, or with the model that makes some: fitted gates then no longer fit."""

MAX_LEFT_OUT = 3  # pins, each left out of the question once: three short texts to embed
_WIDEST_MARGIN = 4.0  # log-odds between two units; beyond it the second one does not count
_NOTHING_MISSING = 0.5  # where the passage spells all pins out: about what a word that is meant brings


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
    question_vector: NDArray[np.float32] | None = None,
    extra: Mapping[str, float] | None = None,
) -> Signals:
    """The figures for a question that is taken apart, its passages and its evidence, best first.

    Args:
        embed: texts -> unit vectors [n, dimension]; None: by spelling alone.
        question_vector: unit vector [dimension] of the question; None: by spelling alone.
        extra: further figures, such as those of a model that reads question and passage together.
    """
    if not hits:
        return Signals(dict(extra or {}), asked.identifiers)
    pins = pins_of(asked)
    bags = [bag_of("\n".join((hit.title, *hit.chunk.headings, hit.chunk.text))) for hit in hits]
    best = evidence[0] if evidence else None
    at = best.hit_index if best is not None else 0
    text = best.text if best is not None else hits[at].chunk.text
    unit = bag_of("\n".join((hits[at].title, *hits[at].chunk.headings, text)))
    everything = set[str]().union(*bags)
    missing = [pin for pin in pins if pin.key not in bags[at]]
    values = {
        **_cosine_figures(hits, evidence),
        **_evidence_figures(evidence),
        **_coverage_figures(pins, unit, bags[at], everything),
        **_left_out_figures(asked.text, pins, missing, text, embed, question_vector),
        **(extra or {}),
    }
    nowhere = tuple(pin.text for pin in missing if pin.key not in everything)
    return Signals(values, missing_codes(asked, hits), tuple(pin.text for pin in missing), nowhere)


def remembering(embed: Embed) -> Embed:
    """`embed` for one question, each text once: the reader has most often embedded the best unit already."""
    known: dict[str, NDArray[np.float32]] = {}

    def once(texts: Sequence[str]) -> NDArray[np.float32]:
        new = [text for text in dict.fromkeys(texts) if text not in known]
        if new:
            known.update(zip(new, embed(new), strict=True))
        return np.stack([known[text] for text in texts])

    return once


def missing_codes(asked: Asked, hits: Sequence[Hit]) -> tuple[str, ...]:
    """Codes and numbers of the question that stand in no hit, its title, headings or path, nor in a range there."""
    texts = [" ".join((hit.title, *hit.chunk.headings, hit.chunk.document_path, hit.chunk.text)) for hit in hits]

    def is_told(name: str) -> bool:
        if any(stands_in(name, text) for text in texts):
            return True
        numbers = numbers_of(name)
        return any(is_between(numbers, text) for text in texts)

    return tuple(name for name in asked.identifiers if not is_told(name))


def _cosine_figures(hits: Sequence[Hit], evidence: Sequence[Evidence]) -> dict[str, float]:
    """The best passage, how far it stands out, and the best unit.

    Ranks in the two lists are no figures: where passages were taken out for a fit, they would tell that.
    """
    ordered = sorted((hit.cosine for hit in hits if hit.cosine is not None), reverse=True) or [0.0]
    return {
        "cosine": ordered[0],
        "cosine_margin": ordered[0] - ordered[1] if len(ordered) > 1 else 0.0,
        "cosine_above_mean": ordered[0] - math.fsum(ordered) / len(ordered),
        "unit_cosine": max((item.cosine for item in evidence if item.cosine is not None), default=0.0),
    }


def _evidence_figures(evidence: Sequence[Evidence]) -> dict[str, float]:
    """Log-odds of the best unit, and how far the second one is behind."""
    scores = [_log_odds(item.score) for item in evidence[:2]] or [_log_odds(0.0)]
    margin = scores[0] - scores[1] if len(scores) > 1 else _WIDEST_MARGIN
    return {"evidence": scores[0], "evidence_margin": min(_WIDEST_MARGIN, margin)}


def _coverage_figures(pins: Sequence[Pin], unit: Set[str], passage: Set[str], everything: Set[str]) -> dict[str, float]:
    """Shares of the pins' weight, and the heaviest pin that is missing: one is enough to make a question another."""
    total = math.fsum(pin.weight for pin in pins)

    def covered(words: Set[str]) -> float:
        return math.fsum(pin.weight for pin in pins if pin.key in words) / total if total else 0.5

    gone = [pin for pin in pins if pin.key not in passage]
    return {
        "covered_unit": covered(unit),
        "covered_passage": covered(passage),
        "missing_passage": max((pin.weight for pin in gone), default=0.0),
        "missing_anywhere": max((pin.weight for pin in gone if pin.key not in everything), default=0.0),
        "missing_count": min(1.0, len(gone) / 4),
        "missing_name": float(any(pin.kind != "word" for pin in gone)),
    }


def _left_out_figures(
    question: str,
    pins: Sequence[Pin],
    missing: Sequence[Pin],
    text: str,
    embed: Embed | None,
    question_vector: NDArray[np.float32] | None,
) -> dict[str, float]:
    """By how much a pinned word brings the question nearer to the evidence: not at all, where that is not about it.

    The least gain of the pins looked at, and of those that the passage does not spell out. Cosines times five, so that
    the figures have about the spread of the others.
    """
    chosen = [*missing[:2], *(pin for pin in pins if pin not in missing)][:MAX_LEFT_OUT]
    if embed is None or question_vector is None or not chosen:
        return {"left_out": 0.0, "left_out_missing": _NOTHING_MISSING}
    without = [re.sub(rf"\s*{re.escape(pin.text)}", "", question) for pin in chosen]
    vectors = embed([*without, " ".join(text.split())[:EMBED_CHARS]])
    gains = 5 * (question_vector @ vectors[-1] - vectors[:-1] @ vectors[-1])
    gone = [float(gain) for pin, gain in zip(chosen, gains, strict=True) if pin in missing]
    return {"left_out": float(gains.min()), "left_out_missing": min(gone, default=_NOTHING_MISSING)}


def _log_odds(score: float) -> float:
    bounded = min(max(score, 1e-4), 1 - 1e-4)
    return math.log(bounded / (1 - bounded))
