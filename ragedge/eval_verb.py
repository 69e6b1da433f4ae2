"""Verb `ragedge eval`: measure, show, keep, compare, and fail where a mark was missed.

Everything that can be wrong with marks and baseline is said before the first question is asked: an evaluation may take
an hour. Files are written before the verdict, so that a failed run can be looked at.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any, TextIO

from ragedge import evaluate
from ragedge.config import Config
from ragedge.errors import EvaluationFailed, InputError
from ragedge.evaluation.acceptance import Mark, check_marks, marks_text, parse_mark, read_marks
from ragedge.evaluation.comparison import compare, comparison_text, read_report
from ragedge.evaluation.page import as_html
from ragedge.index.disk import write_whole


def run(config: Config, options: argparse.Namespace, parts: Any, out: TextIO) -> int:
    """Evaluate the index of `config`; `parts` is the module `ragedge.assemble`.

    Raises:
        EvaluationFailed: a pass mark was missed.
        ConfigError, InputError: marks, baseline or questions cannot be used, or a report cannot be written.
    """
    marks = _marks(options)
    baseline = read_report(options.baseline) if options.baseline else None
    for path in (options.json, options.html):
        if path is not None and not path.parent.is_dir():
            raise InputError(f'there is no folder "{path.parent}" for the report', "make it, or name another one")
    report = evaluate.evaluate_file(
        config,
        options.questions,
        corpus=options.corpus,
        limit=options.limit,
        seed=options.seed,
        parts=parts,
        off_topic=options.off_topic,
    )
    print(evaluate.as_text(report), file=out)
    plain = evaluate.as_json(report)
    checked = check_marks(marks, plain)
    comparison = compare(baseline, plain) if baseline is not None else None
    if comparison is not None:
        print(f"\n{comparison_text(comparison)}", file=out)
    if checked:
        print(f"\n{marks_text(checked)}", file=out)
    if options.json:
        _write(options.json, json.dumps(plain, indent=2) + "\n")
    if options.html:
        _write(options.html, as_html(report, checked=checked, comparison=comparison))
    missed = [item for item in checked if not item.is_passed]
    if missed:
        names = ", ".join(str(item.mark) for item in missed)
        raise EvaluationFailed(
            f"{len(missed)} of {len(checked)} pass marks missed: {names}", "see each failure: add --html report.html"
        )
    return 0


def _marks(options: argparse.Namespace) -> tuple[Mark, ...]:
    """The marks of the file, then those of the command line, which replace the file's for the same figure."""
    marks = {
        (mark.measure, mark.operator): mark
        for mark in (
            *(read_marks(options.marks) if options.marks else ()),
            *(parse_mark(text) for text in options.pass_marks),
        )
    }
    return tuple(marks.values())


def _write(path: Path, text: str) -> None:
    try:
        write_whole(path, text.encode("utf-8", "replace"))
    except OSError as error:
        raise InputError(f'"{path}" cannot be written: {error.strerror}', "name another file") from error
