"""Verb: how well does an index answer the questions of a file? Finding, answering and refusing, each apart.

The questions go down the one read path of the product; beside it words alone and vectors alone are asked, so that each
part of the search stands next to the whole. Finding is scored at the level a question's sources allow: document, page,
passage. Nothing here is tuned, and nothing is written but what the caller writes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, Protocol

from tqdm import tqdm

from ragedge.config import Config
from ragedge.contracts import Answer, Event, Passages, Question, Retrieval, Timings
from ragedge.errors import IndexMissing
from ragedge.evaluation.goldens import GoldQuestion, PlaceFinder, draw_sample, read_questions
from ragedge.evaluation.judging import (
    DEPTH,
    Outcome,
    answer_score,
    finest_level,
    judged,
    refusal_score,
    result,
    retrieval_scores,
    speed,
    tag_scores,
)
from ragedge.evaluation.refusing import Judged, refusing
from ragedge.evaluation.scorecard import Report, as_json, as_text

__all__ = ["as_json", "as_text", "evaluate", "evaluate_file", "place_finder"]

MODES: tuple[Literal["lexical", "vector", "hybrid"], ...] = ("lexical", "vector", "hybrid")
Walk = Callable[[Sequence[GoldQuestion], str], Iterator[GoldQuestion]]


class Asks(Protocol):
    """What is asked for answers (`ragedge.ask.Pipeline`)."""

    def stream(self, question: Question) -> Iterator[Event]: ...


class Finds(Protocol):
    """What is asked for passages (`ragedge.search.retriever.Retriever`)."""

    def retrieve(self, question: Question) -> tuple[Retrieval, Timings]: ...


def shown(questions: Sequence[GoldQuestion], what: str) -> Iterator[GoldQuestion]:
    """The questions, with a bar on a terminal."""
    off = not sys.stderr.isatty()
    yield from tqdm(questions, desc=what, unit="question", file=sys.stderr, disable=off, leave=False)


def evaluate_file(
    config: Config,
    questions: Path,
    *,
    corpus: Path | None,
    limit: int | None,
    seed: int,
    parts: Any,
    off_topic: Path | None = None,
) -> Report:
    """Evaluate the index of `config` with a questions file; `corpus` is brought into the index first.

    Args:
        parts: the module `ragedge.assemble`, handed in by the caller because importing it is cheap only there.
        off_topic: questions about something else; all of them, answerable there or not, are to be refused here.

    Raises:
        InputError: the questions file cannot be used.
        IndexMissing: there is no such index and no `corpus` to make it from.
    """
    everything = read_questions(questions)
    chosen = draw_sample(everything, limit, seed)
    others = draw_sample(read_questions(off_topic), limit, seed) if off_topic is not None else ()
    if corpus is not None:
        _bring_in(config, corpus, parts)
    elif not config.index_folder().is_dir():
        raise IndexMissing(f'there is no index "{config.index}"', "make it: add --corpus FOLDER")
    with parts.open_box(config) as box:
        modes: dict[str, Finds] = {
            m: parts.make_pipeline(config, box.index, box.embedder, None, mode=m).retriever for m in MODES
        }
        finder = place_finder(box.index)
        name = questions.resolve().parent.name or questions.name
        report = evaluate(box.pipeline, modes, chosen, finder, name=name, off_topic=others)
        engine, chunks = box.pipeline.engine, box.index.counts().chunks
    return replace(report, drawn_from=len(everything), seed=seed, engine=engine, chunks=chunks)


def place_finder(index: Any) -> PlaceFinder:
    """A finder of gold sources over an opened index, duplicates of a file included."""
    ids = {path: row.document_id for path, row in index.files().items() if row.document_id is not None}
    return PlaceFinder(ids, {info.id: info.pages for info in index.documents()}, index.page)


def evaluate(
    pipeline: Asks,
    retrievers: Mapping[str, Finds],
    questions: Sequence[GoldQuestion],
    finder: PlaceFinder,
    *,
    name: str = "",
    off_topic: Sequence[GoldQuestion] = (),
    walk: Walk = shown,
) -> Report:
    """Ask all questions and score what comes back; the last retriever is the one that break-downs are made on.

    `walk` hands the questions out one by one; it may wait before one, or raise to end it all.
    """
    outcomes = [_ask(pipeline, retrievers, gold, finder) for gold in walk(questions, "asking")]
    others = [_ask_off_topic(pipeline, gold) for gold in walk(off_topic, "asking off-topic")]
    level = finest_level(outcomes)
    main = list(retrievers)[-1]
    lost = [
        f"{o.gold.id}: {p.source.path}"
        for o in outcomes
        for p in o.places
        if p.document_id is None or (p.source.quote and not p.spans)
    ]
    return Report(
        name=name,
        questions=len(outcomes),
        drawn_from=len(outcomes),
        seed=0,
        engine="",
        chunks=0,
        level=level,
        not_located=tuple(lost),
        retrieval=tuple(retrieval_scores(outcomes, list(retrievers))),
        answers=answer_score([o for o in outcomes if o.gold.is_answerable]),
        refusals=refusal_score(outcomes),
        tags=tuple(tag_scores(outcomes, main, level)),
        speed=tuple(speed(outcomes)),
        results=tuple(result(o, level) for o in outcomes),
        refusing=refusing([judged(o) for o in outcomes], others),
    )


def _ask_off_topic(pipeline: Asks, gold: GoldQuestion) -> Judged:
    answer = next(event for event in pipeline.stream(Question(gold.question)) if isinstance(event, Answer))
    return Judged(False, answer.outcome, answer.confidence, gold.tags)


def _bring_in(config: Config, corpus: Path, parts: Any) -> None:
    embedder = parts.make_embedder(config)
    with (
        parts.open_for_ingest(config, embedder) as sync,
        tqdm(desc="reading", unit="file", file=sys.stderr, disable=not sys.stderr.isatty(), leave=False) as bar,
    ):

        def show(progress: Any) -> None:
            bar.total, bar.n = progress.files_total, progress.files_done
            bar.set_postfix_str(f"{progress.chunks_done:,} passages", refresh=True)

        sync.run(corpus, on_progress=show)


def _ask(pipeline: Asks, retrievers: Mapping[str, Finds], gold: GoldQuestion, finder: PlaceFinder) -> Outcome:
    passages: Passages | None = None
    answer: Answer | None = None
    for event in pipeline.stream(Question(gold.question)):
        if isinstance(event, Passages):
            passages = event
        elif isinstance(event, Answer):
            answer = event
    assert passages is not None and answer is not None  # the contract of a stream
    deep = Question(gold.question, top_k=DEPTH)
    hits = {mode: retriever.retrieve(deep)[0].hits for mode, retriever in retrievers.items()}
    return Outcome(gold, tuple(finder.find(source) for source in gold.sources), hits, passages, answer)
