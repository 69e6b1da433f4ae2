"""`ragedge bench engine` and `ragedge bench --calibrate`: what is typed -> measurements -> text, JSON, profile."""

from __future__ import annotations

import argparse
import datetime
import json
import shutil
import sys
from pathlib import Path
from typing import TextIO

import msgspec
from tqdm import tqdm

from ragedge import device
from ragedge.answer.prompt import SYSTEM
from ragedge.config import Config
from ragedge.device_profile import Profile, llama_build, machine_id, prompt_tokens, save_profile
from ragedge.engine_bench.compare import Sizes
from ragedge.engine_bench.rows import live
from ragedge.engine_bench.run import Wanted, run, text_of, tuned_text
from ragedge.engine_bench.shapes import QUANTIZATIONS
from ragedge.engine_bench.tune import Tuner
from ragedge.errors import ModelMissing
from ragedge.model_registry import Registry
from ragedge.models import sha256_of


def engine(config: Config, options: argparse.Namespace, out: TextIO) -> int:
    """`ragedge bench engine`; the models are kept for the next time unless `--delete`."""
    folder = options.folder or config.models_folder / "bench"
    wanted = Wanted(
        folder=folder,
        shapes=tuple(options.shapes),
        quantizations=tuple(options.quantizations or QUANTIZATIONS),
        program=options.llama_bench,
        sizes=Sizes(options.read_tokens, options.write_tokens, options.rounds),
        cancels=options.cancels,
        kills=options.kills,
        parts=tuple(options.parts),
        seconds=options.minutes * 60,
    )
    print(live(None), file=out, flush=True)
    try:
        with _Bar() as bar:
            report = run(wanted, bar.show, lambda row: bar.write(live(row), out))
    finally:
        if options.delete:
            _delete(folder)
    print(f"\n{text_of(report, has_table=False)}", file=out)
    if options.json:
        options.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    return 0


def _delete(folder: Path) -> None:
    """Remove the models that were made, and the folder if nothing else is in it."""
    for file in folder.glob("random-*.gguf"):
        file.unlink(missing_ok=True)
    if folder.is_dir() and not any(folder.iterdir()):
        shutil.rmtree(folder)


def calibrate(config: Config, options: argparse.Namespace, out: TextIO) -> int:
    """`ragedge bench --calibrate`: the model of the config (or `--model`) on this box -> device profile.

    Raises:
        ModelMissing: there is no model to measure.
    """
    wanted = config.answer
    found = Registry(config.language_models_folder).resolve(wanted.model, wanted.sha256)
    if found is None or not found[0].is_file():
        raise ModelMissing(
            "there is no language model to measure", "name one: ragedge bench --calibrate --model FILE.gguf"
        )
    path = found[0]
    before = device.load_average()
    with _Bar() as bar:
        tuned = Tuner(path, options.seconds, bar.show, wanted.threads).run(SYSTEM)
    stat = path.stat()
    profile = Profile(
        machine=machine_id(),
        llama_build=llama_build(),
        model_sha256=sha256_of(path),
        model_name=path.stem,
        model_bytes=stat.st_size,
        model_mtime_ns=stat.st_mtime_ns,
        tuning=tuned.tuning,
        prompt_tokens_per_second=round(tuned.prompt_tokens_per_second, 1),
        tokens_per_second=round(tuned.tokens_per_second, 1),
        depth_tokens=tuned.depth_tokens,
        instruction_tokens=tuned.instruction_tokens,
        measured_on=datetime.date.today().isoformat(),
        load=before,
    )
    save_profile(config.profile_file, profile)
    print(tuned_text(tuned), file=out)
    print(
        f"{path.name} reads {profile.prompt_tokens_per_second} and writes {profile.tokens_per_second} tokens/s here "
        f"(load {before:.1f} before); prompts of {prompt_tokens(wanted, profile)} tokens from now on",
        file=out,
    )
    print(f"kept in {config.profile_file}", file=out)
    if options.json:
        options.json.write_text(json.dumps(_plain(profile), indent=2) + "\n", encoding="utf-8")
    return 0


def _plain(profile: Profile) -> object:
    return msgspec.to_builtins(profile)


class _Bar:
    """A progress bar on stderr, where a person looks at it."""

    def __init__(self) -> None:
        self._bar = tqdm(total=100, file=sys.stderr, disable=None, bar_format="{l_bar}{bar}| {elapsed} {desc}")

    def __enter__(self) -> _Bar:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def show(self, what: str, share: float) -> None:
        """Say what is measured now, and how much of everything is done (0 to 1)."""
        if self._bar.disable:  # no terminal: a line for each step
            print(what, file=sys.stderr, flush=True)
        self._bar.set_description_str(what)
        self._bar.update(max(0.0, share * 100 - self._bar.n))

    def write(self, line: str, out: TextIO) -> None:
        """A line on `out`, with the bar out of its way."""
        with tqdm.external_write_mode(file=out):
            print(line, file=out, flush=True)
