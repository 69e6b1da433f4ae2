"""`ragedge index calibrate` over a real index: it asks, fits, and writes one file that is used, shown, minded."""

from __future__ import annotations

import argparse
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ragedge import assemble, assemble_index, calibrate_verb, index_verbs
from ragedge.answer.gate import PLAIN, Thresholds
from ragedge.config import Config, load_config
from ragedge.contracts import ReadOptions
from ragedge.errors import InputError
from ragedge.gate_file import read_gate
from ragedge.index.store import Index, IndexSettings
from ragedge.ingest.chunker import CHUNKER_VERSION
from ragedge.ingest.sandbox import Limits, Sandbox
from ragedge.ingest.sync import Sync
from tests.answer.test_readings import WordReader
from tests.fakes import HashEmbedder

EMBEDDER = HashEmbedder()
READER = WordReader("pier")
SETTINGS = IndexSettings(EMBEDDER.id, EMBEDDER.sha256, EMBEDDER.dimension, "", "", CHUNKER_VERSION, 64)
NAMES = (
    "bell lamp clock scale mallet anchor wheel hatchet kettle ladder basket trumpet mirror cradle loom plough saddle "
    "lantern compass barrel"
)
THINGS = NAMES.split()
MAKERS = ("Ebbe Quist", "Wenna Trask", "Hask Brothers", "Anselm Prewett", "Garrick Nance")


def ingest(folder: Path, count: int) -> None:
    documents = folder / "documents"
    documents.mkdir()
    for i, thing in enumerate(THINGS[:count]):
        (documents / f"{thing}.md").write_text(
            f"# Harbour {thing}\n\n- Creator: {MAKERS[i % 5]} of pier {i}\n- Date: {1700 + 7 * i}\n"
            f"- Weight: {3 + i} kg\n- Medium: oak and {thing} brass\n\n"
            f"The harbour {thing} was given to the museum in {1900 + i}. It stood on the pier for many years.\n",
            encoding="utf-8",
        )
    with Index.open(folder / "indexes" / "things", SETTINGS, mode="write", create=True) as index:
        Sync(index, EMBEDDER, lambda: Sandbox(ReadOptions(ocr="off"), Limits()), chunk_tokens=64).run(documents)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return replace(load_config(None), index="things", indexes_folder=str(tmp_path / "indexes"))


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """`ragedge.assemble` with the small embedder and a small evidence model in place of the real ones."""
    monkeypatch.setattr(assemble, "make_embedder", lambda _: EMBEDDER)
    monkeypatch.setattr(
        assemble, "make_evidence_reader", lambda config: READER if config.answer.evidence_model == "packaged" else None
    )
    monkeypatch.setattr(assemble_index, "index_settings", lambda *_: SETTINGS)
    yield assemble


def options(**changes: Any) -> argparse.Namespace:
    return argparse.Namespace(**{"target": 0.9, "questions": None, **changes})


def test_it_asks_fits_and_writes_and_the_index_then_uses_it(tmp_path: Path, config: Config, parts: Any) -> None:
    ingest(tmp_path, 20)
    folder = tmp_path / "indexes" / "things"
    before = sorted(path.name for path in folder.iterdir())
    out = io.StringIO()
    assert calibrate_verb.run(config, options(), parts, out) == 0
    text = out.getvalue()
    assert "questions made from the documents" in text and "<- the target" in text and 'written: "gate.json"' in text
    assert sorted(path.name for path in folder.iterdir()) == sorted([*before, "gate.json"])
    gate = read_gate(folder)
    assert gate is not None and gate.target == 0.9 and gate.answerable >= 40 and gate.unanswerable >= 40
    assert [answered for answered, _ in gate.curve] == [1.0, 0.95, 0.9, 0.85, 0.8, 0.7, 0.5]
    with parts.open_box(config) as box:
        assert box.pipeline.settings.thresholds == gate.thresholds and box.notes == ()
        shipped = parts.make_pipeline(config, box.index, box.embedder, None, uses_own_gate=False)
        assert shipped.settings.thresholds == Thresholds()
    shown = io.StringIO()
    index_verbs.show_info(folder, shown, files=False)
    assert "calibrated" in shown.getvalue() and "90% answered" in shown.getvalue()


def test_a_gate_made_with_the_evidence_model_is_not_used_without_it(tmp_path: Path, config: Config, parts: Any) -> None:
    ingest(tmp_path, 20)
    without = replace(config, answer=replace(config.answer, evidence_model="off"))
    calibrate_verb.run(config, options(), parts, io.StringIO())
    with parts.open_box(without) as box:
        assert box.pipeline.settings.thresholds == PLAIN
        assert len(box.notes) == 1 and "another reader" in box.notes[0]
    calibrate_verb.run(without, options(), parts, io.StringIO())
    gate = read_gate(tmp_path / "indexes" / "things")
    assert gate is not None
    with parts.open_box(without) as box:
        assert box.pipeline.settings.thresholds == gate.thresholds and box.notes == ()
    with parts.open_box(config) as box:
        assert box.pipeline.settings.thresholds == Thresholds() and "another reader" in box.notes[0]


def test_after_large_changes_it_is_ignored_with_a_line(tmp_path: Path, config: Config, parts: Any) -> None:
    ingest(tmp_path, 20)
    calibrate_verb.run(config, options(), parts, io.StringIO())
    path = tmp_path / "indexes" / "things" / "gate.json"
    data = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps({**data, "chunks": 5}), "utf-8")
    with parts.open_box(config) as box:
        assert box.pipeline.settings.thresholds == Thresholds()
        assert len(box.notes) == 1 and "ignored" in box.notes[0] and "5 passages" in box.notes[0]


def test_too_few_questions_write_nothing_and_say_what_to_do(tmp_path: Path, config: Config, parts: Any) -> None:
    ingest(tmp_path, 3)
    with pytest.raises(InputError) as caught:
        calibrate_verb.run(config, options(), parts, io.StringIO())
    assert "too few questions" in caught.value.message and "--questions" in caught.value.hint
    assert not (tmp_path / "indexes" / "things" / "gate.json").exists()


def test_golden_questions_are_counted_apart(tmp_path: Path, config: Config, parts: Any) -> None:
    ingest(tmp_path, 20)
    file = tmp_path / "questions.jsonl"
    rows = [
        {"id": f"q{i}", "question": f"Who made the {thing} in the harbour?", "answers": [MAKERS[i % 5]],
         "answerable": True, "sources": [{"path": f"{thing}.md", "quote": f"{MAKERS[i % 5]} of pier {i}"}]}
        for i, thing in enumerate(THINGS)
    ]  # fmt: skip
    rows.append({"id": "no", "question": "What does the bell cost?", "answers": [], "answerable": False, "sources": []})
    file.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    out = io.StringIO()
    calibrate_verb.run(config, options(questions=file), parts, out)
    gate = read_gate(tmp_path / "indexes" / "things")
    assert gate is not None and 15 <= gate.golden <= 20
    assert "21 golden ones" in out.getvalue()


@pytest.mark.parametrize("target", [0.3, 1.0, 1.5])
def test_a_target_that_is_none_is_refused(config: Config, target: float) -> None:
    with pytest.raises(InputError):
        calibrate_verb.run(config, options(target=target), SimpleNamespace(), io.StringIO())


def test_removing_the_index_removes_its_gate(tmp_path: Path, config: Config, parts: Any) -> None:
    ingest(tmp_path, 20)
    calibrate_verb.run(config, options(), parts, io.StringIO())
    Index.remove(tmp_path / "indexes" / "things")
    assert not (tmp_path / "indexes" / "things").exists()
