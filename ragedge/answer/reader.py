"""The extractive reader: passages to the sentences, list items and table rows that answer; no language model.

Each unit of the passages gets a score in [0, 1]: a logistic function of what it shares with the question (words weighed
by rarity), its vector's cosine, its passage's rank and cosine, and whether it could be of the kind that is asked for. A
how-to question gets the whole run of steps. Every quote is an exact part of a page. Knows no index and no model: both
come as functions. The weights are fitted by `tests/recipes/fit_reader.py` on SQuAD training articles.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ragedge.answer.procedures import procedure_units
from ragedge.answer.readings import Readings
from ragedge.answer.repeats import repeats_last, without_overlaps
from ragedge.answer.scoring import (
    COSINE,
    DEFAULT_WEIGHTS,
    EMBED_CHARS,
    PASSAGE_COVERAGE,
    READ_SPAN,
    Asked,
    EvidenceWeights,
    Rarity,
    best_first,
    score_units,
    take_apart,
    unit_features,
)
from ragedge.answer.sentences import content_words
from ragedge.answer.short import answer_in
from ragedge.answer.units import PageOf, Unit, units_of
from ragedge.answer.widen import whole_run, with_sentence
from ragedge.contracts import Citation, Evidence, Hit, PageSpan, Retrieval
from ragedge.errors import InputError

Embed = Callable[[Sequence[str]], NDArray[np.float32]]

MAX_EVIDENCE = 12  # units returned; nobody shows more
MAX_EMBEDDED_READ = 8  # where an evidence model has read: its order is better than that by words alone
MAX_EMBEDDED = 24  # units whose vector is computed: they are waited for
_MAX_QUOTES = 3  # in an answer; more is a list of passages, which is shown anyway
_SECOND_QUOTE = 1.5  # log-odds behind the best; on our training cases 1.4 to 2.1 quotes are shown then, not always 3
_BETWEEN = "\n\n"
_EMBED_CHARS_DENSE = 160  # where so many characters are more tokens than the embedder reads (dot leaders, CJK)


def read_evidence(
    question_text: str,
    retrieval: Retrieval,
    *,
    page_of: PageOf,
    embed: Embed | None,
    question_vector: NDArray[np.float32] | None,
    rarity: Rarity,
    weights: EvidenceWeights = DEFAULT_WEIGHTS,
) -> tuple[Evidence, ...]:
    """The units of the hits that may answer, best first, at most `MAX_EVIDENCE`.

    Args:
        question_text: what is asked.
        retrieval: the passages.
        page_of: (document id, page number) -> Page.
        embed: texts -> unit vectors [n, dimension]; None: score without.
        question_vector: unit vector [dimension]; None: score without.
        rarity: words -> weight > 0, larger for rarer words; a word that is left out weighs 1.
        weights: of the score.

    `Evidence.coverage` is the share of the question's words, weighed by rarity, that the unit's passage (with title
    and headings) holds; `Evidence.cosine` that of unit and question, None where it was not computed.
    """
    candidates = candidates_of(question_text, retrieval, page_of=page_of, rarity=rarity)
    return rank(candidates, page_of=page_of, embed=embed, question_vector=question_vector, weights=weights)


@dataclass(frozen=True, slots=True)
class Candidates:
    """The units of the hits with all features but the cosine, [n_units, n_features]; made once, ranked twice."""

    asked: Asked
    hits: tuple[Hit, ...]
    units: tuple[Unit, ...]
    features: NDArray[np.float64]
    everything: tuple[Unit, ...]
    prefer: tuple[str, ...]
    is_procedure: tuple[bool, ...]

    def promise(self) -> list[float]:
        """A cheap score for each of `everything` (`units` and the headings between them, which cannot answer)."""
        rough = iter(score_units(self.features, DEFAULT_WEIGHTS).tolist())
        return [-math.inf if unit.kind == "heading" else next(rough) for unit in self.everything]


def candidates_of(question_text: str, retrieval: Retrieval, *, page_of: PageOf, rarity: Rarity) -> Candidates:
    """Everything about the evidence that needs no vector; arguments as of `read_evidence`."""
    everything = tuple(units_of(retrieval, page_of))
    units = tuple(unit for unit in everything if unit.kind != "heading")
    asked = take_apart(question_text, rarity)
    features = unit_features(asked, units, retrieval.hits)
    steps = procedure_units(asked, everything, retrieval.hits)
    return Candidates(asked, retrieval.hits, units, features, everything, retrieval.question.prefer, steps)


def rank(
    candidates: Candidates,
    *,
    page_of: PageOf,
    embed: Embed | None = None,
    question_vector: NDArray[np.float32] | None = None,
    readings: Readings | None = None,
    weights: EvidenceWeights = DEFAULT_WEIGHTS,
) -> tuple[Evidence, ...]:
    """The best of the candidates: by words at once, by meaning with `embed` and `question_vector`, and as was read."""
    units, asked = candidates.units, candidates.asked
    if not units:
        return ()
    features = candidates.features.copy()
    if readings is not None:
        add_readings(features, units, readings)
    most = MAX_EMBEDDED if readings is None else MAX_EMBEDDED_READ
    cosines = _add_cosines(features, units, candidates.hits, embed, question_vector, weights, most)
    scores = score_units(features, weights)
    is_preferred = [unit.document_id in candidates.prefer for unit in units]
    order = best_first(scores, is_preferred, candidates.is_procedure)[:MAX_EVIDENCE]
    evidence = [
        Evidence(
            hit_index=units[i].hit_index,
            text=units[i].text,
            span=PageSpan(units[i].page, units[i].start, units[i].end),
            score=float(scores[i]),
            cosine=cosines.get(i),
            coverage=float(features[i, PASSAGE_COVERAGE]),
            answer=answer_in(units[i], readings, asked.kind, float(scores[i])),
        )
        for i in order
    ]
    is_how_to = asked.kind == "how_to"
    for place, i in enumerate(order[:_MAX_QUOTES]):
        evidence[place] = with_sentence(evidence[place], units, units[i], page_of, is_how_to=is_how_to)
    if is_how_to:
        evidence[0] = whole_run(evidence[0], units, units[order[0]], page_of)
    return repeats_last(without_overlaps(evidence), candidates.hits)


def add_readings(features: NDArray[np.float64], units: Sequence[Unit], readings: Readings) -> None:
    """Put what was read into `features`: how far a unit's span is behind the best one of all."""
    for i, unit in enumerate(units):
        features[i, READ_SPAN] = readings.behind(unit)


def _add_cosines(
    features: NDArray[np.float64],
    units: Sequence[Unit],
    hits: Sequence[Hit],
    embed: Embed | None,
    question_vector: NDArray[np.float32] | None,
    weights: EvidenceWeights,
    most: int = MAX_EMBEDDED,
) -> dict[int, float]:
    """Embed the most promising units and put their cosines into `features`; the others get the lowest of them."""
    if embed is None or question_vector is None:
        return {}
    rough = score_units(features, weights)
    chosen = sorted(range(len(units)), key=lambda i: (-rough[i], i))[:most]
    texts = [_with_context(units[i], hits[units[i].hit_index]) for i in chosen]
    values = _embed_bounded(embed, texts) @ question_vector
    cosines = {i: float(value) for i, value in zip(chosen, values, strict=True)}
    features[:, COSINE] = min(cosines.values())
    features[list(cosines), COSINE] = list(cosines.values())
    return cosines


def _with_context(unit: Unit, hit: Hit) -> str:
    """A unit as it is embedded: a table row says little without the heading above it.

    Not the title: it would make every line of a record look like the question that names the record.
    """
    text = " ".join(unit.text.split())
    return f"{hit.chunk.headings[-1][:80]}: {text}" if hit.chunk.headings and unit.kind == "row" else text


def _embed_bounded(embed: Embed, texts: Sequence[str]) -> NDArray[np.float32]:
    try:
        return embed([text[:EMBED_CHARS] for text in texts])
    except InputError:
        return embed([text[:_EMBED_CHARS_DENSE] for text in texts])


# ---------------------------------------------------------------------------------------------- the answer


def quote_answer(
    retrieval: Retrieval,
    evidence: Sequence[Evidence],
    page_of: PageOf,
    *,
    lead: str = "",
    pieces: int | None = None,
) -> tuple[str, tuple[Citation, ...]]:
    """The extractive answer: up to three exact quotes, best first, each with its citation, below a `lead`.

    With `pieces` it is so many quotes, whether or not a further one is nearly as good as the first. In the answer's
    text the line breaks inside a wrapped sentence are spaces; `Citation.quote` is the page's text as it stands. Without
    evidence the answer is empty.
    """
    from_best = list(evidence[:pieces]) if pieces is not None else []
    if pieces is None:
        from_best = [item for i, item in enumerate(evidence[:_MAX_QUOTES]) if i == 0 or _adds(item, evidence[0])]
    if not from_best:
        return "", ()
    texts = [lead] if lead else []
    citations: list[Citation] = []
    position = len(lead) + len(_BETWEEN) if lead else 0
    for number, item in enumerate(from_best, 1):
        hit = retrieval.hits[item.hit_index]
        page = page_of(hit.chunk.document_id, item.span.page)
        shown = _as_shown(item.text)
        citations.append(
            Citation(
                number=number,
                chunk_id=hit.chunk.id,
                document_id=hit.chunk.document_id,
                document_path=hit.chunk.document_path,
                title=hit.title,
                pages=tuple(sorted({span.page for span in hit.chunk.spans})),
                page_label=page.label,
                span=item.span,
                quote=page.text[item.span.start : item.span.end],
                answer_start=position,
                answer_end=position + len(shown),
                support=1.0,
            )
        )
        texts.append(shown)
        position += len(shown) + len(_BETWEEN)
    return _BETWEEN.join(texts), tuple(citations)


def in_evidence_order(hits: Sequence[Hit], evidence: Sequence[Evidence]) -> tuple[Hit, ...]:
    """The passages with the best evidence first, then the others as found: a prompt has room for few."""
    first = dict.fromkeys(item.hit_index for item in evidence)
    return tuple(hits[i] for i in (*first, *(i for i in range(len(hits)) if i not in first)))


def short_answer(evidence: Sequence[Evidence]) -> str:
    """The words inside the first quote that answer, as they stand there on one line; "" where the model is not sure."""
    if not evidence or evidence[0].answer is None:
        return ""
    best, place = evidence[0], evidence[0].answer
    return " ".join(best.text[place.start - best.span.start : place.end - best.span.start].split())


def _adds(item: Evidence, best: Evidence) -> bool:
    """Whether a further quote is nearly as good as the best one and says something else."""
    is_near = _log_odds(item.score) >= _log_odds(best.score) - _SECOND_QUOTE
    return is_near and not set(content_words(item.text)) <= set(content_words(best.text))


def _log_odds(score: float) -> float:
    bounded = min(max(score, 1e-9), 1 - 1e-9)
    return math.log(bounded / (1 - bounded))


def _as_shown(text: str) -> str:
    """Wrapped lines joined; a run of steps keeps one line per step, a table row stays as it is."""
    lines = [" ".join(line.split()) for line in text.splitlines() if line.strip()]
    out: list[str] = []
    for line in lines:
        starts_item = line[:1] in "-*•▪◦‣·–—+|" or (line[:1].isdigit() and line.lstrip("0123456789")[:1] in (".", ")"))
        if out and not starts_item and not out[-1].startswith("|"):
            out[-1] += " " + line
        else:
            out.append(line)
    return "\n".join(out)
