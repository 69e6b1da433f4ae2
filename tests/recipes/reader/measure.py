"""The reader's own measure: questions of SQuAD articles it has never seen, their paragraph given.

    python -m tests.recipes.reader.measure DATA/squad_dev [--folder FOLDER] [--limit 1000] [--seed 0] [--held-out]

F1 and exact match of the short answer over the answerable questions, and of the best span alone that it is made from;
the sentence with the answer first and among two;
unanswerable ones (asked of their own paragraph) refused where 90 % of the answerable stay, by each figure. Run
it with a folder exported as f16 to see what Q8_0 costs.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ragedge.answer.asks import kind_of
from ragedge.answer.sentences import sentence_spans
from ragedge.answer.short import short_of
from ragedge.answer.windows import WINDOW_TOKENS
from ragedge.contracts import WindowText
from ragedge.evaluation.measures import exact_match, refused_at, separation, token_f1
from ragedge.search.evidence_reader import OnnxEvidenceReader, packaged_reader
from tests.recipes.reader.sources import HELD_OUT


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("case", type=Path)
    parser.add_argument("--folder", default="packaged")
    parser.add_argument("--limit", type=int, default=1000, help="questions, answerable or not")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--held-out", action="store_true", help="only articles of squad_train that training left out")
    options = parser.parse_args()
    reader = packaged_reader(options.folder, None)
    assert reader is not None
    with gzip.open(options.case / "paragraphs.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [row for row in map(json.loads, lines) if not options.held_out or row["title"] in HELD_OUT]
    asked = [(row, qa) for row in rows for qa in row["qas"]]
    chosen = random.Random(options.seed).sample(asked, min(options.limit, len(asked)))
    results = [measure_one(reader, row, qa) for row, qa in chosen]
    print(f"{options.case.name}: {len(chosen)} of {len(asked)} questions, seed {options.seed}, {options.folder}")
    told = [r for r in results if r["answers"]]
    for name in ("f1", "exact", "f1_alone", "exact_alone", "sentence", "among_two"):
        print(f"  {name:<12} {statistics.mean(r[name] for r in told):.3f}  (n {len(told)})")
    for name in ("passage", "unit", "span", "both") if len(told) < len(results) else ():
        yes, no = [r[name] for r in told], [r[name] for r in results if not r["answers"]]
        auc, refused = separation(yes, no), refused_at(yes, no)
        print(f"  by {name:<8} AUC {auc:.3f}, refused at 90 % {refused:.3f}  (n {len(yes)} / {len(no)})")
    print(f"  median {statistics.median(r['ms'] for r in results):.0f} ms a paragraph")


def measure_one(reader: OnnxEvidenceReader, row: dict[str, Any], qa: dict[str, Any]) -> dict[str, Any]:
    """All figures of one question."""
    text = row["context"]
    units = [text[a:b] for a, b in sentence_spans(text)]
    started = time.perf_counter()
    readings = reader.read(qa["question"], windows(reader, row["title"].replace("_", " "), units))
    took = 1e3 * (time.perf_counter() - started)
    said = [unit for reading in readings for unit in reading.units]
    best = max(range(len(units)), key=lambda i: said[i].span_score)
    order = sorted(range(len(units)), key=lambda i: -said[i].score)
    short = short_of(units[best], said[best].spans, kind_of(qa["question"]))
    answer = units[best][short.start : short.end] if short is not None else ""
    alone = units[best][said[best].start : said[best].end]
    holds = [any(a in units[i] for a in qa["answers"]) for i in order[:2]]
    return {
        "answers": qa["answers"],
        "f1": token_f1(answer, qa["answers"]),
        "exact": exact_match(answer, qa["answers"]),
        "f1_alone": token_f1(alone, qa["answers"]),
        "exact_alone": exact_match(alone, qa["answers"]),
        "sentence": float(holds[0]),
        "among_two": float(any(holds)),
        "passage": max(reading.answerable for reading in readings),
        "unit": said[order[0]].score,
        "span": said[best].span_score,
        "both": max(reading.answerable for reading in readings) + said[order[0]].score,
        "ms": took,
    }


def windows(reader: OnnxEvidenceReader, title: str, units: Sequence[str]) -> list[WindowText]:
    """A paragraph in as few windows as it takes."""
    out: list[WindowText] = []
    inside: list[str] = []
    total = 0
    for unit, tokens in zip(units, reader.count_tokens(units), strict=True):
        if inside and total + tokens > WINDOW_TOKENS:
            out.append(WindowText(title, tuple(inside)))
            inside, total = [], 0
        inside.append(unit)
        total += tokens
    return [*out, WindowText(title, tuple(inside))]


if __name__ == "__main__":
    main()
