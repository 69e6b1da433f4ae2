"""Verb `ragedge index calibrate`: fit the gate to one index, with questions made from its own documents.

The questions are asked as the product asks them, once with everything in the index and once with the passages that
answer taken out of the result. Nothing in the index changes; what is written is one file, whole or not at all, and
only where there were enough questions to say something.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, TextIO

from ragedge.answer import gate_weights, gate_weights_off
from ragedge.calibration.calibrate import MIN_GOLDEN, MIN_QUESTIONS, Calibration, calibrate
from ragedge.calibration.examples import (
    Example,
    Known,
    RememberingEmbedder,
    examples_of,
    known_from_golden,
    known_from_made,
)
from ragedge.calibration.making import make_questions
from ragedge.calibration.sections import Section, sections_of
from ragedge.config import Config
from ragedge.errors import InputError
from ragedge.evaluate import place_finder
from ragedge.evaluation.goldens import read_questions
from ragedge.evaluation.refusing import ANSWERED_SHARES
from ragedge.gate_file import IndexGate, write_gate
from ragedge.terminal import counted

MADE = 200  # questions made, each asked twice; more say little more
_EVERYDAY = 0.7  # share of them in other words than the text's: people do not know the text


def run(config: Config, options: argparse.Namespace, parts: Any, out: TextIO) -> int:
    """Calibrate the index of `config`; `parts` is the module `ragedge.assemble`.

    Raises:
        InputError: the target is no share, the questions cannot be used, or there are too few.
    """
    if not 0.5 <= options.target < 1:
        raise InputError(f"a target of {options.target} cannot be aimed at", "use 0.5 to 0.99, such as --target 0.9")
    golds = read_questions(options.questions) if options.questions else ()
    with parts.open_box(config) as box:
        embedder = RememberingEmbedder(box.embedder)
        pipeline = parts.make_pipeline(config, box.index, embedder, None, uses_own_gate=False)
        golden = known_from_golden(golds, place_finder(box.index))
        made = known_from_made(make_questions(_sections(box.index), limit=MADE, everyday_share=_EVERYDAY))
        answerable = sum(bool(question.spans) for question in (*golden, *made))
        _check_enough(answerable, "questions could be made from its headings, records and sentences", config.index)
        print(f"{len(made)} questions made from the documents, {len(golden)} golden ones", file=out)
        examples = _asked(pipeline, [*golden, *made])
        found = sum(example.is_right for example in examples)
        _check_enough(found, f"of {answerable} questions find their passage at all", config.index)
        bars = gate_weights_off.BARS if pipeline.weigher.reader is None else gate_weights.BARS
        result = calibrate(examples, pipeline.settings.thresholds, options.target, bars)
        gate = IndexGate(
            thresholds=result.thresholds,
            target=options.target,
            answerable=result.answerable,
            unanswerable=result.unanswerable,
            golden=result.golden,
            curve=result.curve,
            chunks=box.index.counts().chunks,
            embedder_sha256=box.embedder.sha256,
            reader_id=pipeline.reader_id,
            made_at=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        _show(result, found, answerable, options.target, out)
        try:
            path = write_gate(box.index.folder, gate)
        except OSError as error:
            raise InputError(f'"{box.index.folder}" cannot be written: {error.strerror}', "check its rights") from error
    print(f'written: "{path.name}"; a running service uses it after its next start', file=out)
    return 0


def _check_enough(count: int, what: str, name: str) -> None:
    if count < MIN_QUESTIONS:
        raise InputError(
            f'too few questions to calibrate "{name}": {count} {what}, {MIN_QUESTIONS} are needed; nothing written',
            "add questions with their sources: --questions FILE.jsonl (`ragedge journal export` drafts some)",
        )


def _sections(index: Any) -> Iterator[Section]:
    for info in index.documents():
        pages = (index.page(info.id, number) for number in range(1, info.pages + 1))
        yield from sections_of(info.id, info.title, pages)


def _asked(pipeline: Any, questions: list[Known]) -> list[Example]:
    examples: list[Example] = []
    for question in counted(questions, "asking", "question"):
        examples.extend(examples_of(pipeline, question))
    return examples


def _show(result: Calibration, found: int, asked: int, target: float, out: TextIO) -> None:
    print(f"{found} of {asked} answerable questions found their passage; these and {result.unanswerable}", file=out)
    print("questions whose passages were taken out (or that have none) were weighed.", file=out)
    print("\nanswered of the answerable   refused of the others: now   before", file=out)
    for (kept, refused), (_, before) in zip(result.curve, result.shipped_curve, strict=True):
        mark = "  <- the target" if abs(kept - target) < 1e-9 else ""
        print(f"{kept:>26.2f}   {refused:>26.2f}   {before:>6.2f}{mark}", file=out)
    assert len(result.curve) == len(ANSWERED_SHARES)
    print(f"area under the curve: {result.auc:.3f}, before {result.shipped_auc:.3f}", file=out)
    moved = "only the bars moved" if result.ridge is None else f"weights moved (pull {result.ridge:g})"
    print(
        f"{moved}: {result.reached[0]:.0%} of these questions are answered now, before {result.reached[1]:.0%}",
        file=out,
    )
    if result.golden < MIN_GOLDEN:
        print(
            "Made questions are easier than people's, so they move the bars only by how they differ from those of other"
            f" corpora; {MIN_GOLDEN} golden questions or more (--questions FILE) set bars and weights themselves.",
            file=out,
        )
