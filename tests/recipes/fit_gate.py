"""Fit the gate anew, say what it does on each case, and (--write) put its weights into `answer/gate_weights.py`.

    python -m tests.recipes.fit_gate --memory DIR QUESTIONS=INDEX[:even|:odd|:held-out][:made=N][:test] [..] [--write]

Every question is asked of its index as the product asks, once as it is and once with all passages taken out that tell
its answer; what comes up then is near the topic and cannot answer. `made=N` adds N questions made by program from the
index, `test` keeps a case out of the fit. Questions of each case are asked of the next one, too (off topic). Whatever
figures the product's read path gives are fitted, so after a new one this command is run again. Figures are reported
with the case itself left out of the fit; only the last fit, the one that ships, has seen all but the tests. The weights
of the evidence score may have been fitted on some of the same questions (`fit_reader.py`): choose no figure by its gain
on those alone, least of all `evidence` and what hangs on which unit is shown first.
`--memory` keeps vectors between runs: the second run takes minutes where the first takes half an hour.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ragedge import assemble
from ragedge.answer.gate import Thresholds, confidence_of
from ragedge.answer.signals import Signals
from ragedge.calibration.examples import (
    Example,
    RememberingEmbedder,
    examples_of,
    known_from_golden,
    known_from_made,
    off_topic_of,
)
from ragedge.calibration.fit import bar_of, equal_shares, fit_gate
from ragedge.calibration.making import make_questions
from ragedge.calibration.sections import sections_of
from ragedge.config import Config, load_config
from ragedge.evaluate import place_finder
from ragedge.evaluation.goldens import draw_sample, read_questions
from ragedge.evaluation.measures import refused_at, separation
from tests.recipes.reader.remembering import remembering_reader
from tests.recipes.reader.sources import of_held_out

OFF_TOPIC = 20  # questions of the case before that are asked of each case
KEPT = (0.99, 0.975, 0.95, 0.9, 0.85, 0.8, 0.7, 0.5)  # shares of the right ones; their bars are written down
ANSWERED_KEPT, UNSURE_KEPT = 0.9, 0.975  # those of the two bars that ship
SINGLE = ("cosine", "evidence")  # figures shown beside the gate; further ones that a model adds come by themselves
WEIGHTS_FOLDER = Path(assemble.__file__).parent / "answer"


@dataclass(frozen=True)
class Case:
    """One row of the report: a file of questions and an index."""

    name: str
    questions: Path
    index: str
    half: str
    made: int
    is_test: bool


@dataclass(frozen=True)
class Row:
    """One example with its case."""

    case: Case
    example: Example

    @property
    def group(self) -> str:
        """Examples of one group weigh together what those of any other do."""
        kind = "made" if self.example.kind.startswith("made") else "golden"
        return f"{self.case.index}/{kind}/{self.example.condition}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="+", metavar="QUESTIONS=INDEX[:even|:odd][:made=N][:test]")
    parser.add_argument("--config", type=Path, help="where the indexes are, and the embedder")
    parser.add_argument("--memory", type=Path, required=True, help="folder for vectors between runs")
    parser.add_argument("--limit", type=int, default=200, help="golden questions per case")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--ridge", type=float, default=0.03, help="pull of the weights to 0")
    parser.add_argument("--without", action="append", default=[], metavar="FIGURE", help="leave out; repeatable")
    parser.add_argument("--figure", action="append", default=[], metavar="FIGURE", help="fit these alone; repeatable")
    parser.add_argument(
        "--emphasis", type=float, default=1.0, help="of people's unanswerable questions over taken-out ones"
    )
    parser.add_argument("--off", action="store_true", help="without the evidence model, for answer/gate_weights_off.py")
    parser.add_argument("--write", action="store_true", help="replace answer/gate_weights.py")
    options = parser.parse_args()
    options.memory.mkdir(parents=True, exist_ok=True)
    config = load_config(options.config)
    cases = [_case(text) for text in options.cases]
    rows = [row for at, case in enumerate(cases) for row in _rows(case, cases[at - 1], config, options)]
    names = sorted({name for row in rows for name in row.example.values} - set(options.without))
    names = [name for name in names if not options.figure or name in options.figure]
    unseen = _left_out(rows, names, options)
    _report(rows, cases, unseen, [n for n in names if n in SINGLE or n.startswith("reader")])
    chosen = [row for row in rows if not row.case.is_test]
    bars = _bars(rows, unseen)
    people = {kept: bar for kept, bar, _ in bars}
    gate = replace(_fit(chosen, names, options), answered=people[ANSWERED_KEPT], unsure=people[UNSURE_KEPT])
    _report_bars(rows, cases, unseen, gate)
    for kept, bar, made in bars:
        print(f"{kept:.1%} of the answerable questions reach {bar:.3f}, of the made ones {made:.3f}")
    print(f"answered from {gate.answered}, refused below {gate.unsure}; {len(chosen)} examples, {len(names)} figures")
    for name, weight, centre in sorted(gate.weights, key=lambda row: -abs(row[1])):
        print(f"  {name:<24} {weight:>8.3f}  (mean {centre:.3f})")
    if options.write:
        _write(gate, bars, "gate_weights_off.py" if options.off else "gate_weights.py")


def _case(text: str) -> Case:
    path, _, rest = text.rpartition("=") if text.count("=") == 1 else text.partition("=")
    index, *flags = rest.split(":")
    made = next((int(flag[5:]) for flag in flags if flag.startswith("made=")), 0)
    half = next((flag for flag in flags if flag in ("even", "odd", "held-out")), "")
    is_test = "test" in flags
    return Case(
        f"{index}{':' + half if half else ''}{' (test)' if is_test else ''}", Path(path), index, half, made, is_test
    )


def _rows(case: Case, before: Case, config: Config, options: argparse.Namespace) -> Iterator[Row]:
    golds = read_questions(case.questions)
    golds = of_held_out(golds) if case.half == "held-out" else golds
    golds = golds[::2] if case.half == "even" else golds[1::2] if case.half == "odd" else golds
    others = draw_sample(read_questions(before.questions), OFF_TOPIC, options.seed + 1)
    config = replace(config, answer=replace(config.answer, evidence_model="off"))  # the one that remembers is handed in
    with assemble.open_box(replace(config, index=case.index)) as box:
        memory = options.memory / f"{case.index}.npz"
        embedder = RememberingEmbedder(box.embedder, _remembered(memory))
        reading = None if options.off else remembering_reader(options.memory, case.index)
        pipeline = assemble.make_pipeline(
            config,
            box.index,
            embedder,
            None,
            uses_own_gate=False,
            evidence_reader=reading,  # type: ignore[arg-type]
        )
        known = known_from_golden(draw_sample(golds, options.limit, options.seed), place_finder(box.index))
        known += known_from_made(make_questions(_sections(box.index), seed=options.seed, limit=case.made))
        count = 0
        for question in known:
            for example in examples_of(pipeline, question):
                count += 1
                yield Row(case, example)
        for gold in others if before.index != case.index else ():
            for example in off_topic_of(pipeline, gold.question):
                count += 1
                yield Row(case, example)
        _remember(memory, embedder.known)
        if reading is not None:
            reading.save()
    print(f"{case.name}: {len(known)} questions, {count} examples", file=sys.stderr, flush=True)


def _sections(index: Any) -> Iterator[Any]:
    for info in index.documents():
        pages = (index.page(info.id, number) for number in range(1, info.pages + 1))
        yield from sections_of(info.id, info.title, pages)


def _remembered(path: Path) -> dict[str, NDArray[np.float32]]:
    if not path.exists():
        return {}
    with np.load(path) as file:
        return dict(zip(json.loads(str(file["texts"])), file["vectors"], strict=True))


def _remember(path: Path, known: dict[str, NDArray[np.float32]]) -> None:
    part = path.with_suffix(".part.npz")
    np.savez(part, texts=json.dumps(list(known)), vectors=np.array(list(known.values()), np.float32))
    part.replace(path)


def _fit(rows: Sequence[Row], names: Sequence[str], options: argparse.Namespace) -> Thresholds:
    labels = np.array([row.example.is_right for row in rows], np.bool_)
    values = [row.example.values for row in rows]
    emphasis = {row.group: options.emphasis for row in rows if row.example.condition == "unanswerable"}
    groups = [row.group for row in rows]
    return fit_gate(values, labels, groups, names=names, ridge=options.ridge, emphasis=emphasis)


def _confidence(row: Row, gate: Thresholds) -> float:
    return confidence_of(Signals(row.example.values, row.example.missing_codes), gate)


def _left_out(rows: Sequence[Row], names: Sequence[str], options: argparse.Namespace) -> list[float]:
    """The confidence of every example under a fit that has seen nothing of its index."""
    gates = {}
    for index in {row.case.index for row in rows}:
        rest = [row for row in rows if row.case.index != index and not row.case.is_test]
        gates[index] = _fit(rest or list(rows), names, options)
    return [_confidence(row, gates[row.case.index]) for row in rows]


def _bars(rows: Sequence[Row], unseen: Sequence[float]) -> list[tuple[float, float, float]]:
    """(share kept, bar of people's answerable questions, of made ones), all cases weighing the same, on unseen indexes.

    An index's own calibration compares its made questions with these and moves people's bar accordingly.
    """
    columns = []
    for made in (False, True):
        own = [i for i, row in enumerate(rows) if not row.case.is_test and row.example.is_right]
        own = [i for i in own if rows[i].example.kind.startswith("made") == made] or own
        shares = equal_shares([rows[i].case.name for i in own])
        columns.append([round(bar_of([unseen[i] for i in own], shares, kept), 4) for kept in KEPT])
    return list(zip(KEPT, *columns, strict=True))


def _report(rows: Sequence[Row], cases: Sequence[Case], unseen: Sequence[float], single: Sequence[str]) -> None:
    """Per case and kind of wrong question: AUC and refused at 90 %, of the gate and of single figures."""
    heads = ["gate", *single]
    print(f"{'':<44}{'right/wrong':>12}" + "".join(f"{head:>22}" for head in heads))
    print(f"{'':<44}{'':>12}" + "".join(f"{'AUC  refused@90':>22}" for _ in heads))
    for case in cases:
        for made in (False, True):
            here = [i for i, row in enumerate(rows) if row.case is case]
            here = [i for i in here if rows[i].example.kind.startswith("made") == made or _is_off(rows[i])]
            right = [i for i in here if rows[i].example.is_right]
            for condition in ("taken out", "unanswerable", "off topic"):
                wrong = [i for i in here if rows[i].example.condition == condition]
                if not right or not wrong or (made and condition == "off topic"):
                    continue
                columns = [unseen, *([rows[i].example.values.get(n, 0.0) for i in range(len(rows))] for n in single)]
                cells = "".join(_cell(column, right, wrong) for column in columns)
                label = f"{case.name}{' made' if made else ''}: {condition}"
                print(f"{label:<44}{f'{len(right)}/{len(wrong)}':>12}{cells}")


def _report_bars(rows: Sequence[Row], cases: Sequence[Case], unseen: Sequence[float], gate: Thresholds) -> None:
    """Per case what people's questions get under the two bars that ship, which are the same for all cases."""
    heads = ("answerable", "taken out", "unanswerable", "off topic")
    print(f"{'answered / unsure, one bar for all cases':<44}" + "".join(f"{head:>16}" for head in heads))
    for case in cases:
        cells = ""
        for condition in ("present", *heads[1:]):
            here = [
                confidence
                for row, confidence in zip(rows, unseen, strict=True)
                if row.case is case and row.example.condition == condition and not row.example.kind.startswith("made")
            ]
            answered = sum(confidence >= gate.answered for confidence in here)
            unsure = sum(gate.unsure <= confidence < gate.answered for confidence in here)
            cells += f"{f'{answered} / {unsure} of {len(here)}' if here else '-':>16}"
        print(f"{case.name:<44}{cells}")


def _is_off(row: Row) -> bool:
    return row.example.condition == "off topic"


def _cell(column: Sequence[float], right: Sequence[int], wrong: Sequence[int]) -> str:
    yes, no = [column[i] for i in right], [column[i] for i in wrong]
    return f"{separation(yes, no) or 0.0:>13.3f}{refused_at(yes, no) or 0.0:>9.3f}"


def _write(gate: Thresholds, bars: Sequence[tuple[float, float, float]], name: str) -> None:
    lines = "".join(f'    ("{name}", {weight!r}, {centre!r}),\n' for name, weight, centre in gate.weights)
    path = WEIGHTS_FOLDER / name
    head = path.read_text("utf-8").split("WEIGHTS:")[0]
    text = (
        f"{head}WEIGHTS: tuple[tuple[str, float, float], ...] = (\n{lines})\n"
        f"BIAS = {gate.bias!r}\nANSWERED = {gate.answered!r}\nUNSURE = {gate.unsure!r}\n"
        "BARS: tuple[tuple[float, float, float], ...] = (\n"
        + "".join(f"    {row!r},\n" for row in bars)
        + ")\n"
        + '"""(share kept, bar of people\'s answerable questions, of made ones): an index is calibrated by them."""\n'
    )
    path.write_text(text, "utf-8")
    print(f'written: "{name}"')


if __name__ == "__main__":
    main()
