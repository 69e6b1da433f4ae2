"""The language models on this box: a folder of GGUF files and one JSON file that says what each of them is.

A model is known by a name; its record holds where it came from, its size and its sha256, which is checked whenever the
model is loaded. The registry is written whole or not at all, under a lock, and a file is there before its record is:
whatever is interrupted, every record names a whole file. Opens no model and no network.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import msgspec

from ragedge.errors import ConfigError, ModelError, ModelMissing
from ragedge.models import sha256_of

_FILE = "models.json"
_VERSION = 1
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_COPY_BYTES = 1 << 20  # bytes per read: beyond 1 MiB copying gets no faster


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """One model. `path` is relative to the folder for our own copies, absolute for a file that was only linked."""

    name: str
    path: str
    sha256: str
    size_bytes: int
    source: str = ""
    licence: str = ""
    added_at: str = ""

    @property
    def is_linked(self) -> bool:
        """Whether the file belongs to somebody else: it is never deleted."""
        return Path(self.path).is_absolute()


@dataclass(frozen=True, slots=True)
class _Contents:
    version: int = _VERSION
    chosen: str = ""
    models: tuple[ModelRecord, ...] = field(default_factory=tuple)


class Registry:
    """The models in `folder`; nothing is written or made before something is added."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def records(self) -> tuple[ModelRecord, ...]:
        """All models, by name.

        Raises:
            ModelError: the registry cannot be read.
        """
        return self._read().models

    def find(self, name: str) -> ModelRecord | None:
        """The model of that name."""
        return next((record for record in self.records() if record.name == name), None)

    def get(self, name: str) -> ModelRecord:
        """The model of that name.

        Raises:
            ModelMissing: there is none.
        """
        record = self.find(name)
        if record is None:
            known = ", ".join(entry.name for entry in self.records()) or "none yet"
            hint = f"here are: {known}; fetch one: ragedge models pull NAME"
            raise ModelMissing(f'there is no model "{name}" on this box', hint)
        return record

    def path_of(self, record: ModelRecord) -> Path:
        """Where its file lies."""
        return self.folder / record.path

    def resolve(self, wanted: str, sha256: str = "") -> tuple[Path, str] | None:
        """The file that a config means by `wanted` and the sum it must have ("" if unknown), or None.

        A path that is there goes first, then a name of the list; "" is the chosen one. `sha256` is the config's own.
        """
        path = Path(wanted).expanduser()
        if wanted and path.is_file():
            return path, sha256
        record = self.find(wanted or self.chosen)
        return None if record is None else (self.path_of(record), sha256 or record.sha256)

    @property
    def chosen(self) -> str:
        """The model for a config that names none; "" where nobody chose one."""
        return self._read().chosen

    def choose(self, name: str) -> None:
        """Make `name` the model for a config that names none.

        Raises:
            ModelMissing: there is no such model.
        """
        self.get(name)
        with self._changing() as contents:
            self._write(replace(contents, chosen=name))

    def put(self, record: ModelRecord) -> ModelRecord:
        """Keep a record whose file is in its place; an older one of that name is replaced. Returns it, dated."""
        dated = replace(record, added_at=record.added_at or datetime.now(UTC).isoformat(timespec="seconds"))
        with self._changing() as contents:
            others = [entry for entry in contents.models if entry.name != record.name]
            models = tuple(sorted([*others, dated], key=lambda entry: entry.name))
            self._write(replace(contents, models=models))
        return dated

    def add(self, file: Path, name: str, *, link: bool = False) -> ModelRecord:
        """Take a file in as `name`: copied and its sum taken in one pass, or linked where it lies.

        Raises:
            ConfigError: the name is not plain, or taken.
            ModelMissing, ModelError: the file cannot be read, or there is no room for it.
        """
        self.check_free(name)
        source = f"added from {file.name}"
        if link:
            path = file.absolute()
            digest = sha256_of(path)
            return self.put(ModelRecord(name, str(path), digest, path.stat().st_size, source))
        self.folder.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=self.folder, prefix=".add-")
        try:
            with os.fdopen(handle, "wb") as target:
                digest = _copy(file, target)
                size = target.tell()
                target.flush()
                os.fsync(target.fileno())
            Path(temporary).replace(self.folder / f"{name}.gguf")
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        return self.put(ModelRecord(name, f"{name}.gguf", digest, size, source))

    def check_free(self, name: str) -> None:
        """Refuse a name that is not plain or that a model has already: no file of it is ever written over.

        Raises:
            ConfigError: with what to do.
        """
        if self.find(checked_name(name)) is not None:
            hint = f"give this one another: --as NAME, or first: ragedge models remove {name}"
            raise ConfigError(f'there is a model "{name}" on this box already', hint)

    def remove(self, name: str) -> ModelRecord:
        """Forget a model, and delete its file unless it was only linked.

        Raises:
            ModelMissing: there is no such model.
        """
        record = self.get(name)
        with self._changing() as contents:
            models = tuple(entry for entry in contents.models if entry.name != name)
            chosen = "" if contents.chosen == name else contents.chosen
            self._write(replace(contents, models=models, chosen=chosen))
        if not record.is_linked:
            self.path_of(record).unlink(missing_ok=True)
        return record

    def fault(self, record: ModelRecord) -> str:
        """What is wrong with a model's file, "" if nothing: read whole and compared with its sum."""
        try:
            found = sha256_of(self.path_of(record))
        except ModelMissing:
            return "its file is gone"
        except ModelError as error:
            return error.message
        return "" if found == record.sha256 else f"its sha256 is {found}, recorded was {record.sha256}"

    # -------------------------------------------------------------------------------------- the file

    def _read(self) -> _Contents:
        path = self.folder / _FILE
        try:
            contents = msgspec.json.decode(path.read_bytes(), type=_Contents)
        except FileNotFoundError:
            return _Contents()
        except (OSError, msgspec.MsgspecError) as error:
            hint = f'put the file right, or move it away and add the models again: ragedge models add "{self.folder}/…"'
            raise ModelError(f'the list of models "{path}" cannot be read: {error}', hint) from error
        if contents.version != _VERSION:
            raise ModelError(f'the list of models "{path}" is of version {contents.version}', "update ragedge")
        return contents

    @contextlib.contextmanager
    def _changing(self) -> Iterator[_Contents]:
        """The contents, for one change; another process waits meanwhile."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield self._read()

    def _write(self, contents: _Contents) -> None:
        temporary = self.folder / f".{_FILE}.new"
        with temporary.open("wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(contents), indent=2) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self.folder / _FILE)
        descriptor = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def checked_name(name: str) -> str:
    """`name`, if it can be one.

    Raises:
        ConfigError: it is not a plain name.
    """
    if not _NAME.fullmatch(name):
        raise ConfigError(f'"{name}" is not a name for a model', "use letters, digits, '-', '_' and '.', not '.' first")
    return name


def need_room(folder: Path, size_bytes: int) -> None:
    """Refuse what does not fit on the disk of `folder`.

    Raises:
        ModelError: there is too little room.
    """
    free = shutil.disk_usage(folder).free
    if free < size_bytes:
        message = f"the model needs {size_bytes / 1e6:,.0f} MB, the disk has {free / 1e6:,.0f} MB left"
        raise ModelError(message, "free some space, or take a smaller quantization")


def _copy(file: Path, target: BinaryIO) -> str:
    digest = hashlib.sha256()
    try:
        with file.open("rb") as source:
            while piece := source.read(_COPY_BYTES):
                digest.update(piece)
                target.write(piece)
    except (FileNotFoundError, IsADirectoryError) as error:
        raise ModelMissing(f'there is no file "{file}"', "check the path") from error
    except OSError as error:
        raise ModelError(f'the file "{file}" cannot be copied: {error.strerror}', "check the disk's room") from error
    return digest.hexdigest()
