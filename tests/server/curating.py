"""What the desk works on, over fakes: a journal with questions of some days, a file of answers, golden questions."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from ragedge.answer.pinned import PinnedAnswers
from ragedge.ask import Pipeline
from ragedge.contracts import Question, Timings
from ragedge.evaluate import Walk, evaluate, place_finder
from ragedge.evaluation.goldens import GoldQuestion
from ragedge.evaluation.scorecard import Report
from ragedge.golden_runs import GoldenRuns
from ragedge.journal import Journal
from ragedge.pinned_file import PinnedFile
from ragedge.reviewed import Reviewed
from ragedge.server.curated import Curated
from ragedge.server.settings import Service
from tests.server.fakes import FakeIndex, FakePipeline, make_answer, make_hit

GOLDEN = "\n".join(
    (
        '{"id": "g1", "question": "what torque for the head bolts?", "answers": ["42 Nm"], "sources":'
        ' [{"path": "manual.txt", "page": 1, "quote": "Then torque the head bolts to 42 Nm in two steps."}]}',
        '{"id": "g2", "question": "who <b>won</b>?", "answers": [], "answerable": false, "sources": []}',
    )
)
_HIT = (make_hit(),)
ASKED: tuple[tuple[str, Any], ...] = (
    ("What torque for the head bolts?", make_answer(_HIT)),
    ("who won the cup?", make_answer(_HIT, "Not here.", outcome="abstained", citations=(), unsupported=())),
    ("Is it heavy?", make_answer(_HIT, outcome="unsure")),
    ("=HYPERLINK(\"x\")", make_answer(_HIT)),
    ("Who won the cup", make_answer(_HIT, "Not here.", outcome="abstained", citations=(), unsupported=())),
)  # fmt: skip


class Gold:
    """Asks golden questions of a fake pipeline; holds each one until `go` is set."""

    def __init__(self, index: FakeIndex) -> None:
        self.index = index
        self.go = threading.Event()
        self.go.set()
        self.asked: list[str] = []

    def __call__(self, chosen: Sequence[GoldQuestion], walk: Walk, is_cancelled: Callable[[], bool]) -> Report:
        def slowly(questions: Sequence[GoldQuestion], what: str) -> Any:
            for question in walk(questions, what):
                while not self.go.wait(0.01) and not is_cancelled():
                    pass
                self.asked.append(question.question)
                yield question

        class Finds:
            def retrieve(self, question: Question) -> Any:
                return type("R", (), {"hits": _HIT})(), Timings()

        report = evaluate(FakePipeline(), {"hybrid": Finds()}, chosen, place_finder(self.index), walk=slowly)
        return replace(report, engine="llama:tiny.gguf")


def fill_journal(path: Path, now: datetime | None = None) -> Path:
    """The questions of `ASKED`, one an hour until an hour ago and the same 40 days before; one has a thumb down."""
    now = now or datetime.now(UTC)
    moment = [now]
    journal = Journal(path, now=lambda: moment[0])
    for days in (40, 0):
        for number, (text, answer) in enumerate(ASKED):
            moment[0] = now - timedelta(days=days, hours=len(ASKED) - number)
            timed = replace(answer, timings=Timings(total_ms=400.0 + 100 * number))
            journal.record(Question(text), timed, f"q{days}-{number}", 20.0 + number)
    assert journal.feedback("q0-0", "down", "@wrong unit")
    journal.close()
    return path


def curate(service: Service, folder: Path, *, has_journal: bool = True, has_golden: bool = True) -> Service:
    """The service with everything that the desk works on, in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    index: Any = service.index
    gold = Gold(index)
    reviewed = Reviewed(PinnedAnswers(()), index)
    if isinstance(service.pipeline, Pipeline):
        service.pipeline.reviewed = reviewed
    golden = GoldenRuns(folder / "golden", None, gold, lambda: (index.generation, service.engine))
    if has_golden:
        golden.save(GOLDEN)
    parts = Curated(
        journal=fill_journal(folder / "journal.db") if has_journal else None,
        pinned=PinnedFile(folder / "pinned.toml", reviewed, is_configured=False),
        golden=golden,
    )
    return replace(service, curation=parts)


def gold_of(service: Service) -> Gold:
    """The one who asks golden questions there."""
    assert service.curation is not None
    asking: Any = service.curation.golden._ask_all
    assert isinstance(asking, Gold)
    return asking
