"""Golden questions from the desk: the figures of `ragedge eval`, nothing in the journal, and results that stay."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ragedge import assemble
from ragedge.assemble import Box
from ragedge.config import AnswerConfig, Config
from ragedge.desk_replies import GoldenFailure, GoldenRun
from ragedge.errors import Busy, InputError, NotFound
from ragedge.evaluate import as_json, evaluate_file
from ragedge.evaluation.acceptance import measures
from ragedge.evaluation.runs import MAX_RUNS, RunStore
from ragedge.golden_runs import FIGURES, GoldenRuns
from ragedge.index.store import Index
from ragedge.journal import Journal, read_journal
from ragedge.server.curation import make_curation
from tests.fakes import HashEmbedder
from tests.test_ask import HEAD, SETTINGS, put

LINES = [
    {"id": "a", "question": "How tight are the pump head bolts?", "answers": ["12 Nm"],
     "sources": [{"path": "pump.pdf", "page": 2, "quote": HEAD}]},
    {"id": "b", "question": "Who sang at the opera?", "answers": [], "answerable": False, "sources": []},
    {"id": "c", "question": "What is the warranty of the pump?", "answers": ["two years"],
     "sources": [{"path": "pump.pdf", "page": 1, "quote": None}]},
]  # fmt: skip


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    """A box over real parts, with a journal, the words and vectors alone to weigh."""
    config = Config(index="one", indexes_folder=str(tmp_path), answer=AnswerConfig(evidence_model="off"))
    embedder = HashEmbedder()
    with Index.open(tmp_path / "one", SETTINGS, mode="write", create=True) as index:
        put(index, embedder, {})
        journal = Journal(config.journal_file())
        pipeline = assemble.make_pipeline(config, index, embedder, None, journal=journal, for_people=True)
        yield Box(config, embedder, index, None, pipeline, True, journal)
        journal.close()


def finish(golden: GoldenRuns) -> None:
    assert golden._thread is not None
    golden._thread.join(60)


def test_a_run_has_the_figures_of_the_command_and_leaves_no_trace_in_the_journal(box: Box, tmp_path: Path) -> None:
    golden = make_curation(box).golden
    assert golden.save("\n".join(map(json.dumps, LINES))) == 3
    golden.start(lambda: False)
    finish(golden)
    assert golden.progress.state == "done", golden.progress
    (run,) = golden.store.runs()
    assert box.pipeline.store is not None and len(box.pipeline.store) == 0, "what the desk asks, nobody asked"

    class Parts:
        make_pipeline = staticmethod(assemble.make_pipeline)

        @staticmethod
        @contextmanager
        def open_box(config: Config) -> Iterator[Box]:
            yield replace(box, pipeline=assemble.make_pipeline(config, box.index, box.embedder, None))

    report = evaluate_file(box.config, golden.file, corpus=None, limit=None, seed=0, parts=Parts)
    wanted = measures(as_json(report))
    assert {n: run.figures[n] for n in FIGURES if not n.endswith("_ms")} == {
        n: wanted[n] for n in FIGURES if not n.endswith("_ms")
    }
    assert (run.questions, run.level, run.engine) == (report.questions, report.level, report.engine)
    assert run.figures["total_median_ms"] is not None
    assert box.journal is not None
    box.journal.close()
    assert read_journal(box.journal.path) == []


def test_results_lie_beside_the_index_and_outlive_it(box: Box, tmp_path: Path) -> None:
    parts = make_curation(box)
    assert parts.golden.file == tmp_path / ".golden" / "one" / "questions.jsonl"
    assert parts.pinned.path == tmp_path / ".reviewed" / "one.toml" and not parts.pinned.is_configured
    config = replace(box.config, answer=replace(box.config.answer, pinned="~/mine.toml"))
    assert make_curation(replace(box, config=config)).pinned.path == Path("~/mine.toml").expanduser()


def test_answers_kept_beside_the_index_are_read_at_the_next_start(box: Box) -> None:
    path = box.config.pinned_file()
    path.parent.mkdir()
    path.write_text('[[answer]]\nquestions = ["Key place?"]\ntext = "Hall."\nsource = {path = "pump.pdf"}\n')
    again = assemble.make_pipeline(box.config, box.index, box.embedder, None)
    assert again.reviewed is not None and again.reviewed.find("key place") is not None


def failing(error: Exception) -> Any:
    def ask_all(chosen: Sequence[Any], walk: Any, is_cancelled: Any) -> Any:
        raise error

    return ask_all


def test_a_run_that_fails_says_why_and_leaves_no_result(tmp_path: Path) -> None:
    for error, problem in ((InputError("the index is gone", "make it"), "the index is gone: make it"),
                           (RuntimeError("secret words"), "RuntimeError")):  # fmt: skip
        golden = GoldenRuns(tmp_path, None, failing(error), lambda: (1, "none"))
        golden.save(json.dumps(LINES[0]))
        golden.start(lambda: False)
        finish(golden)
        assert (golden.progress.state, golden.progress.problem) == ("failed", problem)
        assert golden.store.runs() == []
        golden.start(lambda: False)  # and the next one may begin
        finish(golden)


def test_one_run_at_a_time_and_closing_ends_it(tmp_path: Path) -> None:
    golden = GoldenRuns(tmp_path, None, lambda chosen, walk, stop: list(walk(chosen, "")), lambda: (1, "none"))  # type: ignore[arg-type,return-value]
    golden.save(json.dumps(LINES[0]))
    golden.start(lambda: True)
    with pytest.raises(Busy):
        golden.start(lambda: True)
    golden.close()
    assert golden.progress.state == "stopped" and golden.store.runs() == []


def test_a_file_that_the_config_names_is_read_and_never_written(tmp_path: Path) -> None:
    mine = tmp_path / "mine.jsonl"
    mine.write_text(json.dumps(LINES[0]))
    golden = GoldenRuns(tmp_path / "golden", mine, failing(InputError("x")), lambda: (1, "none"))
    assert (golden.count(), golden.is_configured) == (1, True)
    with pytest.raises(InputError, match="config names"):
        golden.save(json.dumps(LINES[1]))
    mine.unlink()
    with pytest.raises(InputError):
        golden.count()


# ---------------------------------------------------------------------------------------------- results over time

RUN = GoldenRun(0, "2026-03-01T12:00:00+00:00", 1.5, 3, 3, 7, "none", "page", {"hit@5": 0.5, "f1": None}, 1)
FAILURE = GoldenFailure("a", "q", ("refused",), ("x",), (), "abstained", "Not here.", ())


def test_runs_come_back_in_their_order_with_their_failures(tmp_path: Path) -> None:
    store = RunStore(tmp_path / "new" / "runs.db")
    assert store.runs() == []
    first, second = store.add(RUN, [FAILURE]), store.add(replace(RUN, generation=8), [])
    assert [(run.id, run.generation) for run in store.runs()] == [(first, 7), (second, 8)]
    assert store.runs(limit=1)[0].id == second
    assert store.find(first) == (replace(RUN, id=first), [FAILURE])
    with pytest.raises(NotFound):
        store.find(99)


def test_old_runs_go_when_there_are_too_many(tmp_path: Path) -> None:
    store = RunStore(tmp_path / "runs.db")
    store.add(RUN, [])
    with closing(sqlite3.connect(tmp_path / "runs.db")) as connection, connection:
        copy = (
            "INSERT INTO run SELECT NULL, started_at, seconds, questions, drawn_from, generation, engine, level,"
            " figures, failed, failures FROM run WHERE id = 1"
        )
        for _ in range(MAX_RUNS):
            connection.execute(copy)
    last = store.add(RUN, [])
    kept = store.runs(limit=2 * MAX_RUNS)
    assert len(kept) == MAX_RUNS and kept[-1].id == last


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    path.write_bytes(b"this is no database " * 500)
    with pytest.raises(InputError, match=r"runs\.db"):
        RunStore(path).runs()
