"""What came back for golden questions, judged: found, answered, refused.

Pure scoring over records: knows the questions, where their sources stand and what the product said, but asks nobody.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ragedge.contracts import Answer, Evidence, Hit, PageSpan, Passages
from ragedge.evaluation.goldens import GoldPlace, GoldQuestion, covered_share
from ragedge.evaluation.measures import (
    exact_match,
    hit_rate,
    holds_answer,
    mean,
    mean_reciprocal_rank,
    percentile,
    refused_at,
    separation,
    token_f1,
)
from ragedge.evaluation.refusing import Judged
from ragedge.evaluation.scorecard import (
    AnswerScore,
    Level,
    QuestionResult,
    RefusalScore,
    RetrievalScore,
    Speed,
    TagScore,
)

DEPTH = 10  # passages asked for, the deepest rank that is scored
LONG_QUOTE_CHARS = 160  # quotes above this count as found when half of them is; shorter ones must be there whole
_WHOLE = 0.98  # share; a quote's last bracket or stop may fall outside
_UNSCORED = frozenset({"long-answer", "yes-no", "evidence-only"})  # tags whose gold text is no measure of an answer
_MAX_TAGS = 12  # rows in the break-down
_LEVELS: tuple[Level, ...] = ("document", "page", "passage")
_STAGES = ("embed_ms", "lexical_ms", "vector_ms", "read_ms", "total_ms")


@dataclass(frozen=True, slots=True)
class Outcome:
    """One question with everything that came back; `hits` per search mode, `DEPTH` deep."""

    gold: GoldQuestion
    places: tuple[GoldPlace, ...]
    hits: Mapping[str, tuple[Hit, ...]]
    passages: Passages
    answer: Answer


# ---------------------------------------------------------------------------------------------- finding


def is_right(hit: Hit, place: GoldPlace, level: Level) -> bool:
    """Whether a hit holds a gold source, at this level."""
    if place.document_id is None or hit.chunk.document_id != place.document_id:
        return False
    if level == "document":
        return True
    if level == "page":
        return any(span.page == place.source.page for span in hit.chunk.spans)
    return any(
        covered_share(span, hit.chunk.spans) >= (0.5 if span.end - span.start > LONG_QUOTE_CHARS else _WHOLE)
        for span in place.spans
    )


def has_level(gold: GoldQuestion, level: Level) -> bool:
    """Whether a question's sources say enough to be judged at this level."""
    if level == "document":
        return bool(gold.sources)
    if level == "page":
        return any(source.page is not None for source in gold.sources)
    return any(source.quote for source in gold.sources)


def finest_level(outcomes: Sequence[Outcome]) -> Level:
    """The finest level that at least half of the answerable questions with sources have."""
    golds = [o.gold for o in outcomes if o.gold.is_answerable and o.gold.sources]
    for level in reversed(_LEVELS):
        if golds and sum(has_level(gold, level) for gold in golds) * 2 >= len(golds):
            return level
    return "document"


def rank(outcome: Outcome, mode: str, level: Level) -> int | None:
    """Rank of the first right hit of a mode, from 1; None: not among them."""
    hits = outcome.hits[mode]
    right = (r for r, hit in enumerate(hits, 1) if any(is_right(hit, place, level) for place in outcome.places))
    return next(right, None)


def retrieval_scores(outcomes: Sequence[Outcome], modes: Sequence[str]) -> Iterator[RetrievalScore]:
    """One score per level and mode."""
    for level in _LEVELS:
        chosen = [o for o in outcomes if o.gold.is_answerable and has_level(o.gold, level)]
        for mode in modes if chosen else ():
            ranks = [rank(o, mode, level) for o in chosen]
            yield RetrievalScore(
                mode,
                level,
                len(chosen),
                hit_at_1=hit_rate(ranks, 1),
                hit_at_3=hit_rate(ranks, 3),
                hit_at_5=hit_rate(ranks, 5),
                hit_at_10=hit_rate(ranks, 10),
                mrr_at_10=mean_reciprocal_rank(ranks, DEPTH),
                sources_at_5=mean([_found_sources(o, mode, level) for o in chosen]),
                evidence_at_5=mean([_held_evidence(o, mode) for o in chosen]) if level == "passage" else None,
            )


def _found_sources(outcome: Outcome, mode: str, level: Level) -> float:
    hits = outcome.hits[mode][:5]
    found = [any(is_right(hit, place, level) for hit in hits) for place in outcome.places]
    return sum(found) / len(found)


def _held_evidence(outcome: Outcome, mode: str) -> float:
    """Share of the characters of the gold quotes that lie in the five best passages; the best place of each counts."""
    held = total = 0.0
    for place in outcome.places:
        length = len(place.source.quote or "")
        spans: list[PageSpan] = [
            span
            for hit in outcome.hits[mode][:5]
            if hit.chunk.document_id == place.document_id
            for span in hit.chunk.spans
        ]
        held += length * max((covered_share(span, spans) for span in place.spans), default=0.0)
        total += length
    return held / total if total else 0.0


# ---------------------------------------------------------------------------------------------- answering


def answer_score(outcomes: Sequence[Outcome]) -> AnswerScore | None:
    """How the answerable questions were answered; None where there are none."""
    if not outcomes:
        return None
    scored = [o for o in outcomes if o.gold.answers and not _UNSCORED.intersection(o.gold.tags)]
    quoted = [o for o in outcomes if has_level(o.gold, "passage")]
    return AnswerScore(
        questions=len(outcomes),
        scored=len(scored),
        f1=mean([_shown_f1(o) for o in scored]),
        exact=mean([exact_match(_said(o), o.gold.answers) for o in scored]),
        holds_answer=mean([holds_answer(_shown(o), o.gold.answers) for o in scored]),
        quoted=len(quoted),
        quote_shown=mean([float(_quote_shown(o)) for o in quoted]),
        evidence_at_1=mean([float(_lies_on_gold(o, o.answer.evidence[:1])) for o in quoted]),
        evidence_at_2=mean([float(_lies_on_gold(o, o.answer.evidence[:2])) for o in quoted]),
    )


def _shown(outcome: Outcome) -> str:
    """What was given as an answer; the sentence of doubt above the passages is none."""
    answer = outcome.answer
    if answer.outcome == "abstained":
        return ""
    return answer.text[answer.citations[0].answer_start if answer.outcome == "unsure" and answer.citations else 0 :]


def _said(outcome: Outcome) -> str:
    """The short answer where one is marked, else all that was given."""
    return (outcome.answer.outcome != "abstained" and outcome.answer.short) or _shown(outcome)


def _shown_f1(outcome: Outcome) -> float:
    return token_f1(_said(outcome), outcome.gold.answers)


def _quote_shown(outcome: Outcome) -> bool:
    cited = [(c.document_id, c.span) for c in outcome.answer.citations]
    return any(_overlaps(place, document_id, span) for place in outcome.places for document_id, span in cited)


def _lies_on_gold(outcome: Outcome, evidence: Sequence[Evidence]) -> bool:
    hits = outcome.answer.hits
    return any(
        _overlaps(place, hits[e.hit_index].chunk.document_id, e.span) for place in outcome.places for e in evidence
    )


def _overlaps(place: GoldPlace, document_id: str, span: PageSpan) -> bool:
    """Whether a quote and a gold quote share at least half of the shorter of the two."""
    if document_id != place.document_id:
        return False
    for gold in place.spans:
        shared = min(gold.end, span.end) - max(gold.start, span.start)
        if gold.page == span.page and shared * 2 >= min(gold.end - gold.start, span.end - span.start) > 0:
            return True
    return False


# ---------------------------------------------------------------------------------------------- refusing, break-downs


def _share(outcomes: Sequence[Outcome], *wanted: str) -> float | None:
    return mean([float(o.answer.outcome in wanted) for o in outcomes])


def refusal_score(outcomes: Sequence[Outcome]) -> RefusalScore:
    """What the gate did with both kinds of questions."""
    yes = [o for o in outcomes if o.gold.is_answerable]
    no = [o for o in outcomes if not o.gold.is_answerable]
    sure, unsure = ([o.answer.confidence for o in group] for group in (yes, no))
    return RefusalScore(
        answerable=len(yes),
        answered=_share(yes, "answered", "truncated"),
        unsure=_share(yes, "unsure"),
        unanswerable=len(no),
        refused=_share(no, "abstained"),
        unanswerable_unsure=_share(no, "unsure"),
        auc=separation(sure, unsure),
        refused_at_90=refused_at(sure, unsure),
    )


def judged(outcome: Outcome) -> Judged:
    """One question as the gate's curve needs it."""
    return Judged(outcome.gold.is_answerable, outcome.answer.outcome, outcome.answer.confidence, outcome.gold.tags)


def tag_scores(outcomes: Sequence[Outcome], mode: str, level: Level) -> Iterator[TagScore]:
    """The commonest tags, each apart."""
    tags: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        for tag in outcome.gold.tags:
            tags.setdefault(tag, []).append(outcome)
    common = sorted((t for t in tags if not t.startswith("near:")), key=lambda t: (-len(tags[t]), t))[:_MAX_TAGS]
    for tag in common:
        group = tags[tag]
        found = [o for o in group if o.gold.is_answerable and has_level(o.gold, level)]
        scored = [o for o in group if o.gold.answers and not _UNSCORED.intersection(o.gold.tags)]
        yield TagScore(
            tag,
            len(group),
            hit_rate([rank(o, mode, level) for o in found], 5),
            mean([_shown_f1(o) for o in scored]),
            _share(group, "answered", "truncated"),
        )


def speed(outcomes: Sequence[Outcome]) -> Iterator[Speed]:
    """What the stages took; `total` until the passages stood, `read` is what the answer waited for after them."""
    for stage in _STAGES:
        values = [v for o in outcomes if (v := _stage_ms(o, stage)) is not None]
        yield Speed(stage.removesuffix("_ms"), percentile(values, 0.5), percentile(values, 0.95))


def result(outcome: Outcome, level: Level) -> QuestionResult:
    """One question as a line of the report."""
    gold = outcome.gold
    return QuestionResult(
        id=gold.id,
        question=gold.question,
        is_answerable=gold.is_answerable,
        ranks=tuple((mode, rank(outcome, mode, level)) for mode in outcome.hits) if gold.is_answerable else (),
        outcome=outcome.answer.outcome,
        confidence=outcome.answer.confidence,
        f1=_shown_f1(outcome) if gold.answers else None,
        quote_shown=_quote_shown(outcome) if has_level(gold, "passage") else None,
        answer=outcome.answer.text,
        expected=gold.answers,
        sources=tuple(_place_name(s.path, s.page, s.quote or "") for s in gold.sources),
        cited=tuple(_place_name(c.document_path, c.span.page, c.quote) for c in outcome.answer.citations),
        engine=outcome.answer.engine,
        reason=outcome.answer.reason,
        tags=gold.tags,
        holds_answer=bool(holds_answer(_shown(outcome), gold.answers)),
        is_scored=not _UNSCORED.intersection(gold.tags),
    )


def _place_name(path: str, page: int | None, quote: str) -> str:
    """ "manual.pdf, page 4: the quote"."""
    where = path if page is None else f"{path}, page {page}"
    return f"{where}: {quote}" if quote else where


def _stage_ms(outcome: Outcome, stage: str) -> float | None:
    timings = outcome.answer.timings if stage == "read_ms" else outcome.passages.timings
    value: float | None = getattr(timings, stage)
    return value
