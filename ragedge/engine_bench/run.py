"""Verb: `ragedge bench engine`: the language model's engine against its peers, in one run on one box.

Makes the models, finds the best settings for each, measures part after part, and puts a projection for a Raspberry Pi 5
beside it, marked as such. `PARTS` is the list of what is measured: a part takes a subject and returns rows.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from ragedge import device
from ragedge.answer.tuning import Tuning
from ragedge.device_profile import llama_build
from ragedge.engine_bench import answers, binding, compare, service, shapes, stored
from ragedge.engine_bench.compare import Sizes
from ragedge.engine_bench.rows import Row, as_text, notes_of
from ragedge.engine_bench.shapes import QUANTIZATIONS
from ragedge.engine_bench.tune import Tuned, Tuner, with_batches
from ragedge.errors import InputError
from ragedge.threads import default_threads

Progress = Callable[[str, float], None]

_QUIET = 0.3  # load average above which somebody else is using the box
_SLOWER = 1.35  # times as long as with the first model: Q4_K_M after Q4_0, the slowest order there is
_TUNE_S = 90.0  # seconds for the choice of settings of one model, where a part uses them
_PI_BYTES_PER_S = (
    10.5e9  # what published figures of a Raspberry Pi 5 have in common: bytes read per second when writing
)
_PI_WEIGHTS_PER_S = 75e9  # and weights (without vocabulary) times tokens per second when reading


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to measure. `program`: llama-bench, or None."""

    folder: Path
    shapes: tuple[str, ...] = ("qwen2.5-0.5b",)
    quantizations: tuple[str, ...] = QUANTIZATIONS
    program: Path | None = None
    sizes: Sizes = field(default_factory=Sizes)
    cancels: int = 20
    kills: int = 3
    parts: tuple[str, ...] = ()
    seconds: float = 600.0
    """At most, making the models aside; a part that would take longer than what is left is not begun. 0: no limit."""


@dataclass(frozen=True, slots=True)
class Subject:
    """One model under test, with the settings found for it."""

    name: str
    path: Path
    tuned: Tuning
    wanted: Wanted

    @property
    def plain(self) -> Tuning:
        """The settings of a box where nothing was measured."""
        return Tuning(threads=default_threads())


Part = Callable[[Subject], list[Row]]

PARTS: dict[str, Part] = {
    "llama-bench": lambda s: compare.against_llama_bench(s.name, s.path, s.wanted.program, s.plain, s.wanted.sizes),
    "defaults": lambda s: compare.against_defaults(s.name, s.path, s.tuned, s.wanted.sizes),
    "first-word": lambda s: answers.first_words(s.name, s.path, s.plain, s.wanted.sizes),
    "states": lambda s: stored.stored(s.name, s.path, s.plain, s.wanted.sizes),
    "drafts": lambda s: answers.drafts(s.name, s.path, with_batches(s.path, s.plain, "Answer."), s.wanted.sizes),
    "cancel": lambda s: service.cancels(s.name, s.path, s.plain, s.wanted.cancels),
    "kill": lambda s: service.kills(s.name, s.path, s.plain, s.wanted.kills),
    "clients": lambda s: service.fairness(s.name, s.path, s.plain),
    "rest": lambda s: service.at_rest(s.name, s.path, s.plain),
}
"""Name -> part, in the order of the table."""

ONCE = ("kill", "clients")
"""Parts that say nothing more with a second model: measured with the first alone."""


class _Clock:
    """How much of the time is left, and how long parts took."""

    def __init__(self, seconds: float) -> None:
        self._began = time.monotonic()
        self._seconds = seconds
        self.took: dict[str, float] = {}

    @property
    def left(self) -> float:
        """Seconds; infinite without a limit."""
        return self._seconds - (time.monotonic() - self._began) if self._seconds else math.inf

    def pause(self, work: Callable[[], object]) -> None:
        """What `work` takes does not count."""
        started = time.monotonic()
        work()
        self._began += time.monotonic() - started

    def has_time_for(self, part: str) -> bool:
        """Whether a part will likely end in time, by how long it took with an earlier model."""
        return self.left > _SLOWER * self.took.get(part, 0.0)

    def measure(self, part: str, work: Callable[[], list[Row]]) -> list[Row]:
        """The rows of a part; how long it took is noted."""
        started = time.monotonic()
        rows = work()
        self.took[part] = time.monotonic() - started
        return rows

    def words(self) -> str:
        """For whoever waits."""
        spent = time.monotonic() - self._began
        return f"{spent:.0f} s" + (f", at most {max(0.0, self.left):.0f} s left" if self._seconds else "")


def run(wanted: Wanted, progress: Progress, tell: Callable[[Row], None] = lambda row: None) -> dict[str, Any]:
    """All rows as one plain dict, ready for JSON; `tell` gets each as soon as it is there.

    Raises:
        InputError: a shape, quantization or part is not known, or llama-bench cannot be used.
        ModelError: a model cannot be made or run.
    """
    _check(wanted)
    started, before, clock = time.perf_counter(), device.load_average(), _Clock(wanted.seconds)
    rows: list[Row] = []
    tunings: dict[str, Any] = {}
    projections = []
    parts = wanted.parts or tuple(PARTS)
    subjects = [(shapes.SHAPES[shape], name) for shape in wanted.shapes for name in wanted.quantizations]
    for number, (shape, quantization) in enumerate(subjects):
        name = f"{shape.name} {quantization}"
        done, share = number / len(subjects), 1 / len(subjects)
        progress(f"{name}: making the model", done)
        clock.pause(partial(shapes.make, wanted.folder, shape, (quantization,), binding.quantize))
        path = shapes.file_of(wanted.folder, shape, quantization)
        seconds = min(_TUNE_S, max(0.0, clock.left)) if "defaults" in parts else 0.0
        tuned = Tuner(path, seconds, _within(progress, f"{clock.words()}; {name}", done)).run("Answer.")
        tunings[name] = asdict(tuned)
        subject = Subject(name, path, tuned.tuning, wanted)
        for position, part in enumerate(parts):
            if number and part in ONCE:
                continue
            progress(f"{clock.words()}; {name}: {part}", done + share * (position + 1) / (len(parts) + 1))
            for row in _rows(part, subject, clock):
                rows.append(row)
                tell(row)
        projections.append(_projection(name, shape, path))
    progress("done", 1.0)
    return {
        "device": asdict(device.this_device()),
        "llama_build": llama_build(),
        "load_before": before,
        "load_after": device.load_average(),
        "seconds": time.perf_counter() - started,
        "sizes": asdict(wanted.sizes),
        "part_seconds": {part: round(seconds, 1) for part, seconds in clock.took.items()},
        "rows": [row.as_dict() for row in rows],
        "tunings": tunings,
        "projections": projections,
    }


def _rows(part: str, subject: Subject, clock: _Clock) -> list[Row]:
    if not clock.has_time_for(part):
        return [Row(subject.name, part, "-", missing=f"no time was left: --only {part}, or --minutes 0")]
    return clock.measure(part, lambda: PARTS[part](subject))


def _within(progress: Progress, name: str, done: float) -> Progress:
    """Tells `progress` what happens, while the share that is done stays where it is."""
    return lambda what, _: progress(f"{name}: {what}", done)


def _check(wanted: Wanted) -> None:
    for kind, names, known in (
        ("shape", wanted.shapes, tuple(shapes.SHAPES)),
        ("quantization", wanted.quantizations, QUANTIZATIONS),
        ("part", wanted.parts, tuple(PARTS)),
    ):
        for name in names:
            if name not in known:
                raise InputError(f'there is no {kind} "{name}"', f"known: {', '.join(known)}")
    if wanted.program is not None and not wanted.program.is_file():
        raise InputError(f'there is no program "{wanted.program}"', "build it: make llama-bench")


def _projection(name: str, shape: shapes.Shape, path: Path) -> dict[str, Any]:
    read_bytes = shapes.bytes_per_token(path)
    layers = shape.layers * shape.weights_of_layer
    return {
        "model": name,
        "bytes_per_token": read_bytes,
        "weights_per_prompt_token": layers,
        "pi5_tokens_per_second": _PI_BYTES_PER_S / read_bytes,
        "pi5_prompt_tokens_per_second": _PI_WEIGHTS_PER_S / layers,
    }


def text_of(report: dict[str, Any], *, has_table: bool = True) -> str:
    """The report for a person; `has_table` False: whoever reads it has seen the rows one by one."""
    box, sizes = report["device"], report["sizes"]
    busy = ": THE BOX WAS BUSY, the figures say little" if report["load_before"] > _QUIET else ""
    lines = [
        f"{box['processor']}, {box['cores']} cores, {box['memory_bytes'] / 1e9:.1f} GB, {box['system']}",
        f"llama.cpp {report['llama_build']}; {report['seconds']:.0f} s in all",
        f"load {report['load_before']:.1f} before, {report['load_after']:.1f} after{busy}",
        f"prompts of {sizes['read_tokens']} tokens, answers of {sizes['write_tokens']}; medians; n as given, in turn",
        "random weights: the figures are of speed, not of sense",
        "",
        (as_text if has_table else notes_of)([Row(**row) for row in report["rows"]]),
        "",
        "settings chosen by measuring",
    ]
    for name, tuned in report["tunings"].items():
        kept = [tried["name"] for tried in tuned["tried"] if tried["is_taken"]]
        costs = ", ".join(f"{size}: {cost}" for size, cost in tuned["tuning"]["verify_costs"])
        lines.append(f"  {name}: {', '.join(kept) or 'as it is'}; tokens at once and their cost {costs}")
    lines += ["", "PROJECTION for a Raspberry Pi 5 (from bytes and weights per token; nothing was measured there)"]
    for row in report["projections"]:
        reads, writes = row["pi5_prompt_tokens_per_second"], row["pi5_tokens_per_second"]
        lines.append(
            f"  {row['model']}: {row['bytes_per_token'] / 1e6:.0f} MB a token, reads about {reads:.0f} and writes "
            f"about {writes:.0f} tokens/s, first word of 1,000 tokens after about {1000 / reads:.0f} s"
        )
    return "\n".join(lines)


def tuned_text(found: Tuned) -> str:
    """What a calibration tried and chose, for a person."""
    lines = [f"  {'tried':<28} {'reads':>8} {'writes':>8}  time of an answer"]
    for row in found.tried:
        verdict = "taken" if row.is_taken else row.note
        speeds = f"{row.prompt_tokens_per_second:8.1f} {row.tokens_per_second:8.1f}"
        lines.append(f"  {row.name:<28} {speeds}  {row.ratio:.2f}x {verdict}".rstrip())
    if not found.is_complete:
        lines.append("  time ran out before everything was tried: --seconds N gives more")
    return "\n".join(lines)
