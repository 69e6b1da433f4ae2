"""gate.json: written whole, read back the same, ignored with one line where it no longer fits."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ragedge.answer.gate import Thresholds
from ragedge.errors import DiskFull
from ragedge.gate_file import IndexGate, gate_for, read_gate, write_gate
from ragedge.index import disk

GATE = IndexGate(
    thresholds=Thresholds(weights=(("cosine", 1.5, 0.4),), bias=-1.0, answered=0.6, unsure=0.3),
    target=0.9,
    answerable=120,
    unanswerable=130,
    golden=3,
    curve=((1.0, 0.2), (0.9, 0.6)),
    chunks=1000,
    embedder_sha256="abc",
    reader_id="r1",
    made_at="2026-01-02T03:04:05+00:00",
)
NOW: dict[str, Any] = {"chunks": 1000, "embedder_sha256": "abc", "reader_id": "r1"}


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    assert write_gate(tmp_path, GATE).name == "gate.json"
    assert read_gate(tmp_path) == GATE
    assert gate_for(tmp_path, **NOW) == (GATE, "")


def test_no_gate_is_no_news(tmp_path: Path) -> None:
    assert read_gate(tmp_path) is None
    assert gate_for(tmp_path, **NOW) == (None, "")


@pytest.mark.parametrize(
    ("change", "word"),
    [({"chunks": 1300}, "passages"), ({"chunks": 700}, "passages"), ({"embedder_sha256": "x"}, "embedder"),
     ({"reader_id": "r2"}, "reader")],
)  # fmt: skip
def test_a_gate_that_no_longer_fits_is_ignored_with_one_line(tmp_path: Path, change: dict[str, Any], word: str) -> None:
    write_gate(tmp_path, GATE)
    gate, note = gate_for(tmp_path, **{**NOW, **change})
    assert gate is None and word in note and "\n" not in note and "ragedge index calibrate" in note


def test_who_only_looks_at_an_index_does_not_ask_for_the_reader(tmp_path: Path) -> None:
    write_gate(tmp_path, GATE)
    assert gate_for(tmp_path, **{**NOW, "reader_id": None}) == (GATE, "")
    assert gate_for(tmp_path, **{**NOW, "reader_id": None, "chunks": 700})[0] is None


def test_a_few_more_documents_leave_it_valid(tmp_path: Path) -> None:
    write_gate(tmp_path, GATE)
    assert gate_for(tmp_path, **{**NOW, "chunks": 1150})[0] == GATE


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:40],
        lambda data: data.replace('"bias": -1.0', '"bias": "x"'),
        lambda data: data.replace('"bias": -1.0', '"bias": NaN'),
        lambda data: data.replace('"format": 1', '"format": 99'),
        lambda data: json.dumps([1]),
        lambda data: data.replace('"cosine"', "7"),
        lambda data: "{" * 100_000,
        lambda data: data + " " * (2 << 20),
        lambda data: data.replace('"target": 0.9,', ""),
    ],
)
def test_a_damaged_gate_is_ignored_never_a_crash(tmp_path: Path, damage: Any) -> None:
    path = write_gate(tmp_path, GATE)
    path.write_text(damage(path.read_text("utf-8")), "utf-8")
    gate, note = gate_for(tmp_path, **NOW)
    assert gate is None and "ignored" in note


def test_a_full_disk_leaves_the_old_gate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_gate(tmp_path, GATE)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(disk.os, "fsync", full)
    with pytest.raises(DiskFull):
        write_gate(tmp_path, replace(GATE, target=0.8))
    assert read_gate(tmp_path) == GATE
    assert [path.name for path in tmp_path.iterdir()] == ["gate.json"]
