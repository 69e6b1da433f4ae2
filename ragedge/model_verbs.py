"""`ragedge models`: what can be had, what is here, what fits; fetch, add, check, remove and choose a language model."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TextIO

from ragedge import config_edit, device, model_catalogue
from ragedge.answer.gguf_header import read_header
from ragedge.config import Config
from ragedge.device_profile import Profile, estimated_speed, profiles_here
from ragedge.errors import ConfigError, ModelCorrupt, ModelError
from ragedge.model_catalogue import CATALOGUE, CatalogueFile
from ragedge.model_pull import look_up, pull
from ragedge.model_registry import ModelRecord, Registry

_GIB = 2**30


def run(config: Config, options: argparse.Namespace, out: TextIO, agrees: Callable[[str], bool]) -> int:
    """One action of `ragedge models`; the exit code. `agrees` asks a person."""
    registry = Registry(config.language_models_folder)
    if options.action == "list":
        return show(config, registry, out)
    if options.action == "verify":
        return verify(registry, options.name, out)
    if not options.name:
        raise ConfigError(f"models {options.action} needs a name", f"ragedge models {options.action} NAME")
    if options.action == "pull":
        return fetch(registry, options, out)
    if options.action == "add":
        file = Path(options.name).expanduser()
        read_header(file)  # a file that is no model is not taken in
        record = registry.add(file, options.name_as or file.stem, link=options.link)
        print(f"{record.name}: {_megabytes(record.size_bytes)}, sha256 {record.sha256}", file=out)
        return _next(record, out)
    if options.action == "use":
        return use(registry, options.name, options.config, out)
    record = registry.get(options.name)
    if not options.yes and not agrees(f'Remove the model "{record.name}" ({_megabytes(record.size_bytes)})?'):
        return 0
    registry.remove(record.name)
    print(f"{record.name} is removed" + (" from the list; its file stays" if record.is_linked else ""), file=out)
    return 0


def show(config: Config, registry: Registry, out: TextIO) -> int:
    """What is here, and what can be had."""
    records, chosen = registry.records(), config.answer.model or registry.chosen
    measured = profiles_here(config.profile_file)
    if records:
        print("on this box", file=out)
    for record in records:
        mark = "*" if record.name == chosen else " "
        speed = _own_speed(measured, record)
        print(f" {mark} {record.name:<16} {_megabytes(record.size_bytes):>9}  {record.source}{speed}", file=out)
    box = device.this_device().memory_bytes
    context = config.answer.context_tokens
    memory = f"{box / _GIB:.1f} GB memory" if box else "memory unknown"
    print(f"to be had with `ragedge models pull NAME` (this box: {memory}; context {context} tokens)", file=out)
    print(
        f"   {'name':<16} {'family':<7} {'licence':<11} {'file':<8} {'size':>9} {'memory':>9}  fits  ~read  ~write",
        file=out,
    )
    for model in CATALOGUE:
        for number, entry in enumerate(model.files):
            needed = model_catalogue.memory_bytes(model, entry, context)
            fits = {True: "yes", False: "no", None: "?"}[model_catalogue.is_fitting(needed, box)]
            size = "?" if entry.megabytes is None else f"{entry.megabytes:,.0f} MB"
            first = (model.name, model.family, model.licence or "?") if number == 0 else ("", "", "")
            name, family, licence = first
            row = f"   {name:<16} {family:<7} {licence:<11} {entry.quantization:<8} {size:>9}"
            speed = _estimate(measured, entry)
            print(f"{row} {_megabytes(needed) if needed else '?':>9}  {fits:<4}{speed}".rstrip(), file=out)
    print("?: not looked up. Read a model's licence before you use it.", file=out)
    if measured:
        print("~read, ~write: tokens/s, estimated from what was measured here, by size; not measured", file=out)
    else:
        print("~read, ~write: estimated once a model was measured: ragedge bench --calibrate", file=out)
    return 0


def fetch(registry: Registry, options: argparse.Namespace, out: TextIO) -> int:
    """`pull NAME` out of the catalogue, or `pull OWNER/REPOSITORY FILE.gguf`."""
    model = model_catalogue.find(options.name)
    if model is not None and not options.file:
        entry = model.file(options.quantization or "")
        repository, file, name = model.repository, entry.file, model.name
        sha256, licence = options.sha256 or entry.sha256, model.licence
    elif "/" in options.name and options.file:
        repository, file, name = options.name, options.file, Path(options.file).stem
        sha256, licence = options.sha256 or "", ""
    else:
        known = ", ".join(model.name for model in CATALOGUE)
        hint = f"known: {known}; any other: ragedge models pull OWNER/REPOSITORY FILE.gguf"
        raise ConfigError(f'the catalogue has no "{options.name}"', hint)
    remote = look_up(repository, file, revision=options.revision or "main")
    print(f"{remote.repository}/{remote.file}: {_megabytes(remote.size_bytes)}, sha256 {remote.sha256}", file=out)
    record = pull(registry, options.name_as or name, remote, sha256=sha256, licence=licence)
    try:
        read_header(registry.path_of(record))
    except ModelError:
        registry.remove(record.name)  # what came is what was asked for, and no model that can be used
        raise
    return _next(record, out)


def verify(registry: Registry, name: str | None, out: TextIO) -> int:
    """Read models whole and compare their sums.

    Raises:
        ModelCorrupt: one of them is not what was recorded.
    """
    records = (registry.get(name),) if name else registry.records()
    faults = {record.name: registry.fault(record) for record in records}
    for record_name, fault in faults.items():
        print(f"{record_name}: {fault or 'as recorded'}", file=out)
    bad = [record_name for record_name, fault in faults.items() if fault]
    if bad:
        raise ModelCorrupt(f"not as recorded: {', '.join(bad)}", "fetch or add the model again")
    return 0


def use(registry: Registry, name: str, config_file: Path | None, out: TextIO) -> int:
    """Choose a model: in the config file, where one was named, else for every config that names none."""
    record = registry.get(name)
    if config_file is not None:
        config_edit.set_model(config_file, record.name)
        print(f'{config_file}: [answer] model = "{record.name}"', file=out)
    else:
        registry.choose(record.name)
        print(f"{record.name} answers from now on, unless a config names another model", file=out)
    return 0


def _own_speed(measured: Sequence[Profile], record: ModelRecord) -> str:
    """What calibration measured of this very model; "" where it was not."""
    for profile in measured:
        if profile.model_sha256 == record.sha256:
            reads, writes = profile.prompt_tokens_per_second, profile.tokens_per_second
            return f"  (measured: reads {reads:.0f}, writes {writes:.0f} tokens/s)"
    return ""


def _estimate(measured: tuple[Profile, ...], entry: CatalogueFile) -> str:
    """Columns of the estimated speeds; empty where size or box is not known."""
    if entry.megabytes is None:
        return ""
    speed = estimated_speed(measured, int(entry.megabytes * 1e6), entry.quantization)
    return "" if speed is None else f"  {speed[0]:>5.0f} {speed[1]:>7.1f}"


def _next(record: ModelRecord, out: TextIO) -> int:
    print(f"{record.name} is here; let it answer: ragedge models use {record.name}", file=out)
    return 0


def _megabytes(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:,.0f} MB"
