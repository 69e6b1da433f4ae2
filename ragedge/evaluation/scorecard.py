"""The records of an evaluation, and their two renderings: a table to read and JSON to keep.

Every figure stands beside the number of questions it was made on; None means that the case has no such question.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from ragedge.evaluation.refusing import CURVE_HEADS, ERROR_HEADS, Refusing, curve_rows, error_rows, off_topic_rows

Level = Literal["document", "page", "passage"]


@dataclass(frozen=True, slots=True)
class RetrievalScore:
    """One search mode at one level over the answerable questions that have such a source; shares in [0, 1].

    A hit is right at level "document" by its document, at "page" by its page, at "passage" by holding the quote (half
    of it, where the quote is long). `sources_at_5`: mean share of a question's sources found; `evidence_at_5`: mean
    share of the quotes' characters inside the five best passages.
    """

    mode: str
    level: Level
    questions: int
    hit_at_1: float | None
    hit_at_3: float | None
    hit_at_5: float | None
    hit_at_10: float | None
    mrr_at_10: float | None
    sources_at_5: float | None
    evidence_at_5: float | None


@dataclass(frozen=True, slots=True)
class AnswerScore:
    """Answers to the answerable questions; shares in [0, 1].

    `f1` and `exact` as SQuAD, over `scored` questions with a short gold answer (a refusal scores 0), of the words that
    the evidence model marks, where it does, else of the whole text; `holds_answer`:
    the gold stands in the shown text; `quote_shown`: a citation lies on the gold quote; `evidence_at_1/2`: so does the
    first / one of the first two pieces of evidence, whatever the gate then said.
    """

    questions: int
    scored: int
    f1: float | None
    exact: float | None
    holds_answer: float | None
    quoted: int
    quote_shown: float | None
    evidence_at_1: float | None
    evidence_at_2: float | None


@dataclass(frozen=True, slots=True)
class RefusalScore:
    """What the gate did: shares in [0, 1] of answerable and of unanswerable questions.

    `auc` is that of the confidence; `refused_at_90` the share of unanswerable questions below the confidence that keeps
    90 % of the answerable ones.
    """

    answerable: int
    answered: float | None
    unsure: float | None
    unanswerable: int
    refused: float | None
    unanswerable_unsure: float | None
    auc: float | None
    refused_at_90: float | None


@dataclass(frozen=True, slots=True)
class TagScore:
    """The questions with one tag: hit at 5 at the finest level, F1, share answered."""

    tag: str
    questions: int
    hit_at_5: float | None
    f1: float | None
    answered: float | None


@dataclass(frozen=True, slots=True)
class Speed:
    """Wall clock of one stage in milliseconds."""

    stage: str
    median_ms: float | None
    p95_ms: float | None


@dataclass(frozen=True, slots=True)
class QuestionResult:
    """One question: its first right rank per mode at the finest level, and how it was answered.

    `expected` are the gold answers, `sources` and `cited` readable places with their quotes; `is_scored` says whether
    the answer's words are a measure for this question.
    """

    id: str
    question: str
    is_answerable: bool
    ranks: tuple[tuple[str, int | None], ...]
    outcome: str
    confidence: float
    f1: float | None
    quote_shown: bool | None
    answer: str
    expected: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    cited: tuple[str, ...] = ()
    engine: str = ""
    reason: str = ""
    tags: tuple[str, ...] = ()
    holds_answer: bool = False
    is_scored: bool = True


@dataclass(frozen=True, slots=True)
class Report:
    """One evaluation of one index with one file of questions.

    `level`: the finest level that at least half of the answerable questions with sources have; `not_located`: sources
    whose quote or file the index does not hold (they count as not found).
    """

    name: str
    questions: int
    drawn_from: int
    seed: int
    engine: str
    chunks: int
    level: Level
    not_located: tuple[str, ...]
    retrieval: tuple[RetrievalScore, ...]
    answers: AnswerScore | None
    refusals: RefusalScore | None
    tags: tuple[TagScore, ...]
    speed: tuple[Speed, ...]
    results: tuple[QuestionResult, ...]
    refusing: Refusing | None = None


def as_json(report: Report) -> dict[str, Any]:
    """The whole report as plain values."""
    return asdict(report)


def as_text(report: Report) -> str:
    """The report as tables for a terminal, questions left out."""
    sample = f"{report.questions} of {report.drawn_from} questions, seed {report.seed}"
    whole = f"{report.questions} questions"
    lines = [
        f"{report.name}: {whole if report.questions == report.drawn_from else sample}, "
        f"{report.chunks:,} passages, engine {report.engine}",
        "",
        *_retrieval_lines(report.retrieval),
    ]
    if report.not_located:
        lines += [f"  {len(report.not_located)} sources are not in the index as quoted (counted as not found)"]
    if report.answers is not None:
        lines += ["", *_answer_lines(report.answers)]
    if report.refusals is not None:
        lines += ["", *_refusal_lines(report.refusals, report.refusing)]
    if report.refusing is not None:
        lines += _refusing_lines(report.refusing)
    if report.tags:
        rows = [[t.tag, str(t.questions), _share(t.hit_at_5), _share(t.f1), _share(t.answered)] for t in report.tags]
        lines += ["", *_table(["tag", "n", f"{report.level}@5", "F1", "answered"], rows)]
    rows = [[s.stage, _ms(s.median_ms), _ms(s.p95_ms)] for s in report.speed if s.median_ms is not None]
    return "\n".join([*lines, "", *_table(["stage", "median ms", "p95 ms"], rows)])


def _retrieval_lines(scores: Sequence[RetrievalScore]) -> list[str]:
    heads = ["found", "by", "n", "hit@1", "hit@3", "hit@5", "hit@10", "MRR@10", "sources@5", "evidence@5"]
    rows = [
        [
            s.level,
            {"lexical": "words (BM25)", "vector": "vectors"}.get(s.mode, s.mode),
            str(s.questions),
            *map(
                _share,
                (s.hit_at_1, s.hit_at_3, s.hit_at_5, s.hit_at_10, s.mrr_at_10, s.sources_at_5, s.evidence_at_5),
            ),
        ]
        for s in scores
    ]
    return _table(heads, rows)


def _answer_lines(score: AnswerScore) -> list[str]:
    return _table(
        ["answers", "n", "share"],
        [
            ["F1", str(score.scored), _share(score.f1)],
            ["exact match", str(score.scored), _share(score.exact)],
            ["gold answer stands in the answer", str(score.scored), _share(score.holds_answer)],
            ["gold quote is cited", str(score.quoted), _share(score.quote_shown)],
            ["gold quote is the first evidence", str(score.quoted), _share(score.evidence_at_1)],
            ["gold quote is among the first two", str(score.quoted), _share(score.evidence_at_2)],
        ],
    )


def _refusal_lines(score: RefusalScore, found: Refusing | None) -> list[str]:
    both = score.answerable + score.unanswerable
    return _table(
        ["gate", "n", "share"],
        [
            ["answerable: answered", str(score.answerable), _share(score.answered)],
            ["answerable: unsure", str(score.answerable), _share(score.unsure)],
            ["unanswerable: refused", str(score.unanswerable), _share(score.refused)],
            ["unanswerable: unsure", str(score.unanswerable), _share(score.unanswerable_unsure)],
            ["area under the curve of the confidence", str(both), _share(score.auc)],
            ["refused where 90 % stay answered", str(score.unanswerable), _share(score.refused_at_90)],
            *(off_topic_rows(found) if found is not None else ()),
        ],
    )


def _refusing_lines(found: Refusing) -> list[str]:
    lines: list[str] = []
    if found.curve:
        lines += ["", *_table(CURVE_HEADS, curve_rows(found))]
    if found.errors:
        lines += ["", *_table(ERROR_HEADS, error_rows(found))]
    return lines


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    cells = [list(heads), *map(list, rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(heads))]
    first = widths[0]
    return [
        "  ".join([row[0].ljust(first), *(row[i].rjust(widths[i]) for i in range(1, len(heads)))]).rstrip()
        for row in cells
    ]


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"
