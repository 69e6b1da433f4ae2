"""The GGUF file of an embedder: where it lies, whether it is whole, and making it when it is not.

Its name holds everything its bytes depend on: the sha256 of the weights, a digest of the settings, how matrices are
stored, the converter's version. Its own sha256 lies beside it and is compared at every start; a file that fails, or
lacks it, is made again. A conversion may be killed at any moment: the file has its name only once it is whole.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ragedge.errors import ModelCorrupt, ModelError, ModelMissing, PackageMissing
from ragedge.models import sha256_of
from ragedge.search.bert_folder import BertFolder

QUANTIZATION = "f16"
"""How matrices are stored. Against sentence-transformers, over the 406 passages and 143 questions of corpora/: F16 has
a lowest cosine of 0.999997 and shares 99.9 % of the ten nearest passages, Q8_0 0.9989 and 98 %; on one x86 core F16 was
also faster (25 against 29 ms a passage). Q8_0 would save 21 MB."""

CONVERTER_VERSION = 1
"""Grows when `bert_gguf` would give other bytes for the same folder."""

_CONVERTER = "ragedge.search.bert_gguf"  # with gguf and safetensors; loaded only when there is something to convert
_SETTINGS = ("config.json", "modules.json", "1_Pooling/config.json")  # what the converter reads beside the weights
_DIGEST_CHARS = 64


def ready_gguf(texts: BertFolder, gguf_folder: Path) -> Path:
    """The whole GGUF of the weights in `texts.folder`, made now if need be (under a second, 150 MB for a moment).

    Raises:
        ModelCorrupt: the weights are not the expected ones, or what was just written does not read back.
        ModelMissing: a file of the folder is not there.
        ModelError: the model cannot be converted, or the file cannot be written.
        PackageMissing: a package for the conversion is not installed.
    """
    path = gguf_folder / f"{texts.sha256}-{_settings_digest(texts.folder)}-{QUANTIZATION}-{CONVERTER_VERSION}.gguf"
    if _is_whole(path):
        return path
    try:
        with _alone_in(gguf_folder):
            if _is_whole(path):  # another process was faster
                return path
            _make(texts, path)
    except OSError as error:
        raise ModelError(
            f"the embedder cannot be written to '{gguf_folder}': {error.strerror or error}",
            'make room or give the right to write there, or set [embedder] kind = "sentence-transformers"',
        ) from error
    if not _is_whole(path):
        raise ModelCorrupt(f"'{path}' does not read back as it was written", "check the disk")
    return path


def _settings_digest(folder: Path) -> str:
    """12 hex digits that change with the settings: a repaired config.json must not find the file of the broken one."""
    try:
        return hashlib.sha256(b"\0".join((folder / name).read_bytes() for name in _SETTINGS)).hexdigest()[:12]
    except OSError as error:
        raise ModelMissing(f"'{error.filename}' cannot be read: {error.strerror}", "install the model again") from error


def _make(texts: BertFolder, path: Path) -> None:
    """Write the GGUF and its sha256; called by one process at a time."""
    texts.check_weights()
    for left in path.parent.glob("*.part"):  # of a conversion that was killed; nobody else writes here now
        left.unlink(missing_ok=True)
    try:
        converter = importlib.import_module(_CONVERTER)
    except ImportError as error:
        raise PackageMissing(f"the package '{error.name}' is not installed", f"pip install {error.name}") from error
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    try:
        converter.convert(texts.folder, part)
        digest = sha256_of(part)
        _settle(part, path)
        part.write_text(f"{digest}  {path.name}\n", encoding="ascii")  # as sha256sum writes it
        _settle(part, _digest_path(path))
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def _settle(part: Path, path: Path) -> None:
    """Give a written file its name once its bytes are on the disk."""
    with part.open("rb") as file:
        os.fsync(file.fileno())
    part.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _is_whole(path: Path) -> bool:
    """Whether the file has the sha256 that lies beside it."""
    try:
        expected = _digest_path(path).read_bytes()[:_DIGEST_CHARS].decode("ascii", "replace")
    except OSError:
        return False
    return path.is_file() and sha256_of(path) == expected


def _digest_path(path: Path) -> Path:
    return path.with_name(path.name + ".sha256")


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Make the folder, and keep other processes from writing there; a killed process holds nothing."""
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
