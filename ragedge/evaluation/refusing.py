"""The gate as a whole curve: what is refused wherever the bar is set, which errors are made, and what of other topics.

One figure hides the trade: whoever refuses everything refuses well. So the share of unanswerable questions that stay
below the bar stands beside the share of answerable ones above it, for bars from all to half. Pure scoring over
confidences, outcomes and tags; knows no index.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ragedge.evaluation.measures import mean, refused_at

ANSWERED_SHARES = (1.0, 0.95, 0.9, 0.85, 0.8, 0.7, 0.5)
_MAX_TAGS = 12  # rows of one kind of error
NEAR_TAG = "near:"  # an unanswerable question that a document is about all the same


@dataclass(frozen=True, slots=True)
class Judged:
    """What the gate did with one question."""

    is_answerable: bool
    outcome: str
    confidence: float
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """The bar that keeps the share `answered` of the answerable questions, and what it does with the others.

    `refused`: share of the unanswerable ones below the bar; `off_topic_refused`: of those of another topic (None: none
    were asked); `confidence`: the bar itself.
    """

    answered: float
    confidence: float
    refused: float | None
    off_topic_refused: float | None


@dataclass(frozen=True, slots=True)
class GateError:
    """One kind of error, over all questions it could happen to (tag "") or over those with one tag."""

    kind: str
    tag: str
    count: int
    of: int


@dataclass(frozen=True, slots=True)
class OffTopicScore:
    """Questions of another file asked here: shares in [0, 1] of them.

    `off_topic_refused_at_90`: share below the bar that keeps 90 % of the answerable questions of this file.
    """

    questions: int
    off_topic_refused: float | None
    off_topic_unsure: float | None
    off_topic_answered: float | None
    off_topic_refused_at_90: float | None


@dataclass(frozen=True, slots=True)
class Refusing:
    """The curve, the errors by kind and tag, and the off-topic questions where there were any."""

    curve: tuple[CurvePoint, ...]
    errors: tuple[GateError, ...]
    off_topic: OffTopicScore | None


def refusing(judged: Sequence[Judged], off_topic: Sequence[Judged] = ()) -> Refusing:
    """Everything about the gate that one file of questions (and one of another topic) shows."""
    return Refusing(
        tuple(_curve(judged, off_topic)), tuple(_errors(judged, off_topic)), _off_topic_score(judged, off_topic)
    )


def bar_for(confidences: Sequence[float], kept: float) -> float:
    """The highest confidence that at least the share `kept` of `confidences` reaches."""
    ordered = sorted(confidences)
    return ordered[min(len(ordered) - 1, int((1 - kept) * len(ordered) + 1e-9))]


def _curve(judged: Sequence[Judged], off_topic: Sequence[Judged]) -> Iterable[CurvePoint]:
    right = [item.confidence for item in judged if item.is_answerable]
    wrong = [item.confidence for item in judged if not item.is_answerable]
    for kept in ANSWERED_SHARES if right and (wrong or off_topic) else ():
        bar = bar_for(right, kept)
        yield CurvePoint(
            kept, bar, mean([float(c < bar) for c in wrong]), mean([float(o.confidence < bar) for o in off_topic])
        )


def _errors(judged: Sequence[Judged], off_topic: Sequence[Judged]) -> Iterable[GateError]:
    right = [item for item in judged if item.is_answerable]
    wrong = [item for item in judged if not item.is_answerable]
    yield from _by_tag("answerable refused", right, "abstained")
    yield from _by_tag("answerable left unsure", right, "unsure")
    yield from _by_tag("unanswerable answered", wrong, "answered")
    near = [item for item in wrong if any(tag.startswith(NEAR_TAG) for tag in item.tags)]
    yield from _by_tag("near-topic answered", near, "answered", by_tag=False)
    yield from _by_tag("off-topic answered", off_topic, "answered", by_tag=False)


def _by_tag(kind: str, items: Sequence[Judged], outcome: str, *, by_tag: bool = True) -> Iterable[GateError]:
    """All of them first, then the tags with an error, worst first."""
    if not items:
        return
    yield GateError(kind, "", sum(_is(item, outcome) for item in items), len(items))
    tags = sorted({tag for item in items for tag in item.tags if not tag.startswith(NEAR_TAG)}) if by_tag else []
    rows = []
    for tag in tags:
        group = [item for item in items if tag in item.tags]
        rows.append(GateError(kind, tag, sum(_is(item, outcome) for item in group), len(group)))
    yield from sorted((row for row in rows if row.count), key=lambda row: (-row.count, row.of, row.tag))[:_MAX_TAGS]


def _is(item: Judged, outcome: str) -> bool:
    return item.outcome == outcome or (outcome == "answered" and item.outcome == "truncated")


def _off_topic_score(judged: Sequence[Judged], off_topic: Sequence[Judged]) -> OffTopicScore | None:
    if not off_topic:
        return None
    right = [item.confidence for item in judged if item.is_answerable]

    def share(outcome: str) -> float | None:
        return mean([float(_is(item, outcome)) for item in off_topic])

    at_90 = refused_at(right, [item.confidence for item in off_topic])
    return OffTopicScore(len(off_topic), share("abstained"), share("unsure"), share("answered"), at_90)


# ---------------------------------------------------------------------------------------------- rows to show

CURVE_HEADS = ("answerable answered", "bar", "unanswerable refused", "off-topic refused")
ERROR_HEADS = ("errors of the gate", "tag", "n", "of")


def curve_rows(found: Refusing) -> list[tuple[str, ...]]:
    """One row per point of the curve, as `CURVE_HEADS`."""
    return [
        (f"{p.answered:.2f}", f"{p.confidence:.2f}", _share(p.refused), _share(p.off_topic_refused))
        for p in found.curve
    ]


def error_rows(found: Refusing) -> list[tuple[str, ...]]:
    """One row per kind of error, and per tag, as `ERROR_HEADS`."""
    return [(error.kind, error.tag or "all", str(error.count), str(error.of)) for error in found.errors]


def off_topic_rows(found: Refusing) -> list[tuple[str, ...]]:
    """The off-topic figures as (measure, n, share)."""
    score = found.off_topic
    if score is None:
        return []
    number = str(score.questions)
    return [
        ("off-topic: refused", number, _share(score.off_topic_refused)),
        ("off-topic: unsure", number, _share(score.off_topic_unsure)),
        ("off-topic: answered", number, _share(score.off_topic_answered)),
        ("off-topic: refused where 90 % stay answered", number, _share(score.off_topic_refused_at_90)),
    ]


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
