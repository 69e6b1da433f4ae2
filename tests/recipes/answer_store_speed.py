"""How long does an answer out of the store take, through the pipeline, against the fresh one?

    python -m tests.recipes.answer_store_speed CONFIG.toml QUESTIONS.txt [TIMES]

CONFIG names an index that is there; QUESTIONS has one question per line. Each is asked once afresh and TIMES (100)
times again; every answer that comes back must be the fresh one.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from dataclasses import replace
from pathlib import Path

from ragedge import assemble
from ragedge.config import load_config
from ragedge.contracts import Question, Timings


def main(config: Path, questions: Path, times: int) -> None:
    """Print both, with the load of the box."""
    asked = [Question(line.strip()) for line in questions.read_text(encoding="utf-8").splitlines() if line.strip()]
    with assemble.open_box(load_config(config), keeps_journal=False) as box:
        pipeline = assemble.make_pipeline(box.config, box.index, box.embedder, box.generator, for_people=True)
        pipeline.warm_up()
        fresh_ms: list[float] = []
        kept_ms: list[float] = []
        for question in asked:
            started = time.perf_counter()
            fresh = pipeline.ask(question)
            fresh_ms.append((time.perf_counter() - started) * 1e3)
            for _ in range(times):
                started = time.perf_counter()
                kept = pipeline.ask(question)
                kept_ms.append((time.perf_counter() - started) * 1e3)
                assert kept.timings.stored_ms is not None, f"not kept: {question.text}"
                assert replace(kept, timings=Timings()) == replace(fresh, timings=Timings(), stats=None)
    p95 = sorted(kept_ms)[int(len(kept_ms) * 0.95)]
    print(f"{len(asked)} questions, load {os.getloadavg()[0]:.1f}")
    print(f"fresh   median {statistics.median(fresh_ms):8.2f} ms")
    print(f"stored  median {statistics.median(kept_ms):8.2f} ms, p95 {p95:.2f} ms, n = {len(kept_ms):,}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 100)
