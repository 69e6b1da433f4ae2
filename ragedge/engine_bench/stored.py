"""First words of prompts whose states were stored: after a restart from disk, and known passages in another order.

The measuring is that of `state_bench`; here its figures become rows beside the others, with their goals.
"""

from __future__ import annotations

from pathlib import Path

from ragedge import state_bench
from ragedge.answer.tuning import Tuning
from ragedge.engine_bench.answers import passage
from ragedge.engine_bench.compare import Sizes
from ragedge.engine_bench.rows import Row
from ragedge.threads import default_threads

_PASSAGES, _PASSAGE_TOKENS = 4, 240
_GOALS = ((state_bench.after_restart, 0.15), (state_bench.known_passages, 0.10))


def stored(model: str, path: Path, tuning: Tuning, sizes: Sizes) -> list[Row]:
    """Two rows, each to a cold first word; ratios are of the lowest times of alternating runs."""
    texts = [passage(_PASSAGE_TOKENS, 40 + number).strip() for number in range(_PASSAGES)]
    rows = []
    for measure, goal in _GOALS:
        found = measure(path, texts, runs=sizes.rounds, threads=tuning.threads or default_threads())
        rows.append(
            Row(
                model=model,
                measure=f"first word, {found.name}",
                against="cold",
                unit="ms",
                ours=found.ms,
                theirs=found.cold_ms,
                spread="lowest",
                n=found.runs,
                ratio=found.ratio,
                goal=f"<= {goal:g}x",
                is_reached=found.ratio <= goal,
                gate=f"{found.known_tokens} of {found.tokens} tokens were known; "
                f"{found.cpu_ratio:.3f} of the processor time",
            )
        )
    return rows
