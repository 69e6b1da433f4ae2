"""Verb: speed and memory of this box, measured on the real parts.

Three runs: reading a folder of documents into a fresh index (and once more unchanged), warm questions on an index of
a given size with the time of each stage, and the start of a fresh process up to its first passages. The large index
is filled with made-up sentences and random unit vectors, because its size is what costs, not its sense; questions are
embedded by the real embedder. Machines are shared and noisy: medians and 95th percentiles are given, with the load
they were taken under.
"""

from __future__ import annotations

import hashlib
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from ragedge import assemble, device
from ragedge.config import Config
from ragedge.contracts import Answer, Chunk, Document, Page, PageSpan, Passages, Question
from ragedge.errors import InputError
from ragedge.index.store import FileRow, Index, NewDocument

QUESTIONS = 100
"""Warm questions per run: enough for a 95th percentile."""

CHUNKS_PER_DOCUMENT = 20
"""Of the made-up documents: about five pages."""

STARTS = 5
"""Fresh processes per figure; the median is given."""

SAMPLE = Path("corpora/field-manual/documents")

Report = dict[str, Any]


def run(config: Config, *, corpus: Path | None, chunks: int) -> Report:
    """All figures as one plain dict, ready for JSON.

    Raises:
        InputError: there is no folder of documents to read.
    """
    folder = corpus or SAMPLE
    if not folder.is_dir():
        raise InputError(f'there is no folder "{folder}"', "name one: ragedge bench --corpus FOLDER")
    report: Report = {
        "device": asdict(device.this_device()),
        "embedder": {"kind": config.embedder.kind, "model": config.embedder.model},
        "load_before": device.load_average(),
    }
    with tempfile.TemporaryDirectory(prefix="ragedge-bench-") as place:
        here = replace(config, indexes_folder=place, index="bench", answer=replace(config.answer, kind="extractive"))
        report["start"] = _start()
        report["ingest"] = _ingest(here, folder)
        report["first_question"] = _first_question(here)
        report["questions"] = _questions(replace(here, index="large"), chunks)
    report["memory"] = {"resident_bytes": device.resident_bytes(), "peak_bytes": device.peak_resident_bytes()}
    report["load_after"] = device.load_average()
    return report


def _start() -> Report:
    command = [sys.executable, "-m", "ragedge", "--help"]
    return {"help_ms": _median_ms(lambda: subprocess.run(command, capture_output=True, check=True), STARTS)}


def _ingest(config: Config, folder: Path) -> Report:
    embedder = assemble.make_embedder(config)
    embedder.embed_question("load the model before the clock starts")
    with assemble.open_for_ingest(config, embedder) as sync:
        first = sync.run(folder)
        again = sync.run(folder)
    return {
        "folder": folder.as_posix(),
        "files": len(first.added),
        "pages": first.pages,
        "chunks": first.chunks,
        "seconds": first.seconds,
        "pages_per_second": first.pages / first.seconds,
        "chunks_per_second": first.chunks / first.seconds,
        "unchanged_seconds": again.seconds,
    }


def _first_question(config: Config) -> Report:
    """A fresh process: imports, opening the index, loading the embedder, the first passages."""
    code = (
        "import json, sys, time; started = time.perf_counter()\n"
        "from pathlib import Path\n"
        "from dataclasses import replace\n"
        "from ragedge import assemble, device\n"
        "from ragedge.config import Config, EmbedderConfig\n"
        "from ragedge.contracts import Question\n"
        "embedder = EmbedderConfig(**json.loads(sys.argv[2]))\n"
        "config = replace(Config(), indexes_folder=sys.argv[1], index='bench', embedder=embedder)\n"
        "box = assemble.open_box(config); opened = time.perf_counter()\n"
        "next(box.pipeline.stream(Question('What has to be checked every day?')))\n"
        "print((opened - started) * 1e3, (time.perf_counter() - started) * 1e3, device.resident_bytes())\n"
        "box.close()"
    )
    command = [sys.executable, "-c", code, config.indexes_folder, json.dumps(asdict(config.embedder))]
    rows = []
    for _ in range(3):
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        rows.append([float(value) for value in done.stdout.split()])
    opened, passages, resident = (statistics.median(column) for column in zip(*rows, strict=True))
    return {"index_open_ms": opened, "first_passages_ms": passages, "resident_bytes": int(resident)}


def _questions(config: Config, chunks: int) -> Report:
    words = _vocabulary(random.Random(0))
    embedder = assemble.make_embedder(config)
    started = time.perf_counter()
    with assemble.open_index(config, embedder, mode="write", create=True) as index:
        _fill(index, chunks, words, embedder.dimension)
    filled = time.perf_counter() - started
    with assemble.open_box(config) as box:
        draw = random.Random(1)
        texts = [" ".join(["What", "is", *draw.choices(words, k=6)]) + "?" for _ in range(QUESTIONS)]
        for text in texts[:5]:
            box.pipeline.ask(Question(text + " warm"))
        found = [_ask(box.pipeline.stream(Question(text))) for text in texts]
        engine, count = box.index.vector_engine, box.index.counts().chunks
    stages: Report = {}
    for name in ("embed_ms", "lexical_ms", "vector_ms", "read_ms", "passages_ms", "own_ms", "answer_ms"):
        values = sorted(row[name] for row in found)
        stages[name] = {"median": statistics.median(values), "p95": values[int(0.95 * (len(values) - 1))]}
    return {"chunks": count, "n": len(found), "vectors_by": engine, "fill_seconds": filled, "stages": stages}


def _ask(events: Iterator[object]) -> dict[str, float]:
    """Stage times of one question; `own_ms` is everything up to the passages beside the question's embedding."""
    row: dict[str, float] = {}
    for event in events:
        if isinstance(event, Passages):
            t = event.timings
            embed, total = t.embed_ms or 0.0, t.total_ms or 0.0
            row |= {"embed_ms": embed, "lexical_ms": t.lexical_ms or 0.0, "vector_ms": t.vector_ms or 0.0}
            row |= {"passages_ms": total, "own_ms": total - embed}
        elif isinstance(event, Answer):
            row |= {"read_ms": event.timings.read_ms or 0.0, "answer_ms": event.timings.total_ms or 0.0}
    return row


def _vocabulary(draw: random.Random) -> list[str]:
    """4,000 made-up words; real ones would say nothing more about speed."""
    parts = ("ba", "ke", "li", "mo", "nu", "ra", "se", "ti", "vo", "pla", "stre", "den", "gar", "il", "or", "un")
    return sorted({"".join(draw.choices(parts, k=draw.randint(2, 4))) for _ in range(6000)})[:4000]


def _fill(index: Index, chunks: int, words: Sequence[str], dimension: int) -> None:
    """Put made-up documents with random unit vectors; word frequencies fall as in text (Zipf 1935)."""
    draw = random.Random(2)
    noise = np.random.default_rng(3)
    weights = [1.0 / rank for rank in range(1, len(words) + 1)]
    for start in range(0, chunks, 50 * CHUNKS_PER_DOCUMENT):
        batch = []
        for first in range(start, min(start + 50 * CHUNKS_PER_DOCUMENT, chunks), CHUNKS_PER_DOCUMENT):
            count = min(CHUNKS_PER_DOCUMENT, chunks - first)
            texts = [" ".join(draw.choices(words, weights, k=120)) + "." for _ in range(count)]
            vectors = noise.standard_normal((count, dimension)).astype(np.float32)
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
            batch.append(_document(f"made-up/{first}.txt", texts, vectors))
        index.put(batch)


def _document(path: str, texts: Sequence[str], vectors: np.ndarray[Any, np.dtype[np.float32]]) -> NewDocument:
    page_text = "\n\n".join(texts)
    sha256 = hashlib.sha256(f"{path}\n{page_text}".encode()).hexdigest()
    page = Page(1, None, page_text)
    document = Document(sha256[:16], path, path, "text/plain", len(page_text), None, {}, (page,))
    chunks, start = [], 0
    for ordinal, text in enumerate(texts):
        span = PageSpan(1, start, start + len(text))
        chunks.append(Chunk(f"{document.id}-{ordinal:05d}", document.id, path, ordinal, text, (span,), (), 180))
        start += len(text) + 2
    row = FileRow(path, len(page_text), 0, sha256, document.id)
    return NewDocument(document, tuple(chunks), vectors, row)


def _median_ms(action: Callable[[], object], times: int) -> float:
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        action()
        taken.append((time.perf_counter() - started) * 1e3)
    return statistics.median(taken)


def as_text(report: Report) -> str:
    """The figures for a person."""
    box, ingest, first, asked = report["device"], report["ingest"], report["first_question"], report["questions"]
    memory = report["memory"]
    lines = [
        f"{box['processor']}, {box['cores']} cores, {box['memory_bytes'] / 1e9:.1f} GB, {box['system']}",
        f"embedder                 {report['embedder']['kind']}, {report['embedder']['model']}",
        f"load average             {report['load_before']:8.1f} before, {report['load_after']:.1f} after",
        f"ragedge --help           {report['start']['help_ms']:8.0f} ms",
        f"index open, new process  {first['index_open_ms']:8.0f} ms",
        f"first passages, same     {first['first_passages_ms']:8.0f} ms",
        f"  memory of that process   {first['resident_bytes'] / 1e6:6.0f} MB",
        f"ingest {ingest['folder']}",
        f"  {ingest['files']} files, {ingest['pages']} pages, {ingest['chunks']} passages in {ingest['seconds']:.1f} s",
        f"  {ingest['pages_per_second']:.1f} pages/s, {ingest['chunks_per_second']:.1f} passages/s",
        f"  unchanged folder again   {ingest['unchanged_seconds'] * 1e3:6.0f} ms",
        f"{asked['n']} warm questions on {asked['chunks']:,} passages, vectors by {asked['vectors_by']}",
        f"  {'stage':<28} {'median':>9} {'p95':>9}",
    ]
    for name, label in _STAGE_LABELS.items():
        stage = asked["stages"][name]
        lines.append(f"  {label:<28} {stage['median']:6.1f} ms {stage['p95']:6.1f} ms")
    held, peak = memory["resident_bytes"] / 1e6, memory["peak_bytes"] / 1e6
    lines.append(f"memory of this process     {held:.0f} MB, peak {peak:.0f} MB")
    return "\n".join(lines)


_STAGE_LABELS = {
    "embed_ms": "embed the question",
    "lexical_ms": "words (FTS5)",
    "vector_ms": "vectors, fusion, chunks",
    "passages_ms": "passages on screen",
    "own_ms": "the same without embedding",
    "read_ms": "evidence model, gate",
    "answer_ms": "answer (quoted)",
}
