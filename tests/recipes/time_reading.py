"""Processor time of evidence, evidence model and gate per question, for several budgets of tokens read.

    python -m tests.recipes.time_reading QUESTIONS=INDEX [--budget TOKENS[/EMBEDDED]] [--limit N] [--config FILE]

One thread. The clock on the wall of a shared machine says more about its load than about the product; the time that
the processor spent does not. `--budget` is repeatable; without it the product's own is timed.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from dataclasses import replace
from pathlib import Path

from ragedge import assemble
from ragedge.answer import reader, windows
from ragedge.config import load_config
from ragedge.contracts import Question
from ragedge.evaluation.goldens import draw_sample, read_questions


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("case", metavar="QUESTIONS=INDEX")
    parser.add_argument("--budget", action="append", default=[], metavar="TOKENS[/EMBEDDED]")
    parser.add_argument("--limit", type=int, default=20, help="questions")
    parser.add_argument("--config", type=Path, help="where the indexes are, and the embedder")
    options = parser.parse_args()
    path, _, index = options.case.rpartition("=")
    golds = draw_sample(list(read_questions(Path(path))), options.limit, 0)
    config = replace(load_config(options.config), index=index)
    config = replace(config, answer=replace(config.answer, threads=1), embedder=replace(config.embedder, threads=1))
    with assemble.open_box(config) as box:
        box.pipeline.warm_up()
        for budget in options.budget or [f"{windows.MAX_TOKENS}/{reader.MAX_EMBEDDED_READ}"]:
            tokens, _, embedded = budget.partition("/")
            windows.MAX_TOKENS, reader.MAX_EMBEDDED_READ = int(tokens), int(embedded or reader.MAX_EMBEDDED_READ)
            times = [_time(box, gold.question) for gold in golds]
            worked, passed = (sorted(column) for column in zip(*times, strict=True))
            high = worked[min(len(worked) - 1, int(0.95 * len(worked)))]
            print(
                f"{budget:>8}: processor {statistics.median(worked):.0f} ms, 95 % below {high:.0f} ms; "
                f"clock {statistics.median(passed):.0f} ms; {len(golds)} questions, load {os.getloadavg()[0]:.0f}",
                flush=True,
            )


def _time(box: assemble.Box, question: str) -> tuple[float, float]:
    """Milliseconds of the processor and of the clock from the passages to the gate's figures."""
    retrieval = box.pipeline.retriever.retrieve(Question(question))[0]
    worked, passed = time.process_time(), time.perf_counter()
    box.pipeline.weigh(retrieval)
    return (time.process_time() - worked) * 1e3, (time.perf_counter() - passed) * 1e3


if __name__ == "__main__":
    main()
