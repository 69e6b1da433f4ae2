"""What each step of the search gives, per case: the product, the product without each step, and plain pipelines.

    python -m tests.recipes.ablate_search QUESTIONS.jsonl=INDEX[:LEVEL] [...] [--limit N] [--half even]

LEVEL is document, page or passage (the default).

Prints hit@1, 5, 10, 24 and MRR@10. "words" is BM25 alone, "vectors" cosine alone, "plain fusion" their reciprocal ranks
(Cormack, Clarke, Buettcher 2009, k = 60) over 50 of each, as most pipelines do. hit@24 is what a reranker can lift.
Questions are asked at depth 10 and at depth 24, because neighbours are merged within the depth asked for.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, replace
from pathlib import Path

from ragedge import assemble
from ragedge.config import load_config
from ragedge.contracts import Hit, Question
from ragedge.evaluate import place_finder
from ragedge.evaluation.goldens import GoldPlace, GoldQuestion, draw_sample, read_questions
from ragedge.evaluation.judging import has_level, is_right
from ragedge.evaluation.measures import hit_rate, mean_reciprocal_rank
from ragedge.index.store import Index
from ragedge.search.merge import group_neighbours, merge
from ragedge.search.query import analyse
from ragedge.search.retriever import Retriever, Steps

DEPTHS = (10, 24)
RANK_CONSTANT = 60
LIST_LENGTH = 50  # of each list before plain fusion
Find = Callable[[str, int], Sequence[Hit]]
Case = tuple[str, str, list[tuple[GoldQuestion, tuple[GoldPlace, ...]]], assemble.Box]
Row = tuple[float, float, float, float, float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="+", metavar="QUESTIONS=INDEX[:LEVEL]")
    parser.add_argument("--config", type=Path, help="a set-up, such as one with the llama embedder")
    parser.add_argument("--limit", type=int, help="questions per case, drawn at random")
    parser.add_argument("--half", choices=["even", "odd"], help="only every second question, counted from 0")
    parser.add_argument("--only", default="", help="rows to print, comma separated, such as words,vectors,product")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    totals: dict[str, list[Row]] = {}
    for name in options.cases:
        case = _open(name, options)
        print(f"\n{case[0]}, {case[1]}, n = {len(case[2])}, {case[3].index.counts().chunks:,} passages")
        print(f"  {'':24}{'hit@1':>8}{'hit@5':>8}{'hit@10':>8}{'hit@24':>8}{'MRR@10':>8}")
        for label, find in _ways(case[3]):
            if options.only and label.strip() not in options.only.split(","):
                continue
            row = _measure(case, find)
            totals.setdefault(label, []).append(row)
            print(f"  {label:24}" + "".join(f"{value:8.3f}" for value in row), flush=True)
        case[3].close()
    if len(options.cases) > 1:
        print("\nmean over cases")
        for label, rows in totals.items():
            print(f"  {label:24}" + "".join(f"{sum(column) / len(rows):8.3f}" for column in zip(*rows, strict=True)))
        if {"words", "vectors", "product"} <= totals.keys():
            _show_gain(totals)


def _show_gain(totals: dict[str, list[Row]]) -> None:
    better = [max(w[4], v[4]) for w, v in zip(totals["words"], totals["vectors"], strict=True)]
    ours = [row[4] for row in totals["product"]]
    print(f"  MRR@10 against the better of words and vectors, mean over cases: {sum(ours) / sum(better) - 1:+.1%}")


def _open(name: str, options: argparse.Namespace) -> Case:
    path, _, index = name.rpartition("=")
    index, _, level = index.partition(":")
    golds = read_questions(Path(path))
    golds = golds[{"even": 0, "odd": 1}[options.half] :: 2] if options.half else golds
    box = assemble.open_box(replace(load_config(options.config), index=index))
    finder = place_finder(box.index)
    level = level or "passage"
    kept = [gold for gold in golds if gold.is_answerable and has_level(gold, level)]  # type: ignore[arg-type]
    asked = [
        (gold, tuple(finder.find(s) for s in gold.sources)) for gold in draw_sample(kept, options.limit, options.seed)
    ]
    print(f"{name}: {len(asked)} questions", file=sys.stderr)
    return Path(path).parent.name, level, asked, box


def _ways(box: assemble.Box) -> Iterator[tuple[str, Find]]:
    def product(**settings: object) -> Find:
        retriever = Retriever(box.index, box.embedder, **settings)  # type: ignore[arg-type]
        return lambda text, depth: retriever.retrieve(Question(text, top_k=depth))[0].hits

    yield "words", product(mode="lexical")
    yield "vectors", product(mode="vector")
    yield "plain fusion", lambda text, depth: _plain(box.index, box.pipeline.retriever, text, depth)
    yield "product", product()
    for step in fields(Steps):
        if step.name != "follow_up":  # these questions have no history
            yield f"  without {step.name}", product(steps=replace(Steps(), **{step.name: False}))
    off = {step.name: False for step in fields(Steps)} | {"exact": True}
    yield "  fusion and codes only", product(steps=Steps(**off))


def _plain(index: Index, retriever: Retriever, text: str, depth: int) -> list[Hit]:
    """Reciprocal rank fusion of BM25 and cosine; neighbours merged as in the product, so that lengths are alike."""
    lists = (
        index.search_text(analyse(text).words, (), LIST_LENGTH),
        index.search_vectors(retriever.question_vector(text), LIST_LENGTH),
    )
    scores: dict[str, float] = {}
    for ranking in lists:
        for rank, (chunk_id, _) in enumerate(ranking, 1):
            scores[chunk_id] = scores.get(chunk_id, 0.0) + 1 / (RANK_CONSTANT + rank)
    ids = sorted(scores, key=lambda chunk_id: (-scores[chunk_id], chunk_id))[: 2 * depth]
    groups = group_neighbours(ids, index.chunks(ids), depth)
    return [Hit(merge(group), scores[group[0].id]) for group in groups]


def _measure(case: Case, find: Find) -> Row:
    ranks: dict[int, list[int | None]] = {depth: [] for depth in DEPTHS}
    for gold, places in case[2]:
        for depth in DEPTHS:
            right = (
                rank
                for rank, hit in enumerate(find(gold.question, depth), 1)
                if any(is_right(hit, place, case[1]) for place in places)  # type: ignore[arg-type]
            )
            ranks[depth].append(next(right, None))
    near, deep = (ranks[depth] for depth in DEPTHS)
    values = (
        hit_rate(near, 1),
        hit_rate(near, 5),
        hit_rate(near, 10),
        hit_rate(deep, 24),
        mean_reciprocal_rank(near, 10),
    )
    a, b, c, d, e = (value or 0.0 for value in values)
    return a, b, c, d, e


if __name__ == "__main__":
    main()
