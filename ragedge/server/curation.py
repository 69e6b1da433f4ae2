"""Box -> what the curator's desk works on besides the documents.

Golden questions go down the box's own read path, without its journal:
what the desk asks nobody asked.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ragedge import assemble
from ragedge.answer.pinned import PinnedAnswers
from ragedge.assemble import Box
from ragedge.contracts import Event, Question
from ragedge.evaluate import MODES, Finds, Walk, evaluate, place_finder
from ragedge.evaluation.goldens import GoldQuestion
from ragedge.evaluation.scorecard import Report
from ragedge.golden_runs import GoldenRuns
from ragedge.pinned_file import PinnedFile
from ragedge.reviewed import Reviewed
from ragedge.server.curated import Curated


def make_curation(box: Box) -> Curated:
    """The desk's parts over an opened box."""
    config = box.config
    reviewed = box.pipeline.reviewed or Reviewed(PinnedAnswers(()), box.index)  # `make_pipeline` always gives one
    named = config.evaluation.questions
    return Curated(
        journal=config.journal_file() if config.journal.enabled else None,
        pinned=PinnedFile(config.pinned_file(), reviewed, is_configured=bool(config.answer.pinned)),
        golden=GoldenRuns(
            config.golden_folder(),
            Path(named).expanduser() if named else None,
            lambda chosen, walk, is_cancelled: ask_golden(box, chosen, walk, is_cancelled),
            lambda: (box.index.generation, box.pipeline.engine),
        ),
    )


def ask_golden(box: Box, chosen: Sequence[GoldQuestion], walk: Walk, is_cancelled: Callable[[], bool]) -> Report:
    """What `ragedge eval` does, over parts that are in use."""
    shared: dict[str, Any] = {"evidence_reader": box.pipeline.weigher.reader}
    modes: dict[str, Finds] = {
        mode: assemble.make_pipeline(box.config, box.index, box.embedder, None, mode=mode, **shared).retriever
        for mode in MODES
    }
    report = evaluate(_Quiet(box.pipeline, is_cancelled), modes, chosen, place_finder(box.index), walk=walk)
    return replace(report, engine=box.pipeline.engine, chunks=box.index.counts().chunks)


class _Quiet:
    """A read path that keeps nothing of what it is asked, and gives up when it is told."""

    def __init__(self, pipeline: Any, is_cancelled: Callable[[], bool]) -> None:
        self._pipeline = copy.copy(pipeline)
        self._pipeline.journal = None
        self._pipeline.store = None  # what is kept tells nothing of the time it takes
        self._is_cancelled = is_cancelled

    def stream(self, question: Question) -> Iterator[Event]:
        events: Iterator[Event] = self._pipeline.stream(question, self._is_cancelled)
        return events
