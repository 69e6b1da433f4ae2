"""What `ragedge bench --calibrate` measured of this box, kept beside the indexes: one entry per model.

An entry holds for one machine, one model (its sha256) and one build of llama.cpp; what does not fit is not used, and a
note says so. From it follow how the model runs, how long a prompt may be for the first word to come in time, and the
speed that other models should have here, by their size. Measures nothing and loads no model.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
from pathlib import Path

import msgspec

from ragedge import device
from ragedge.answer.tuning import Tuning
from ragedge.config import AnswerConfig
from ragedge.errors import ModelError
from ragedge.index.disk import write_whole
from ragedge.models import sha256_of

UNMEASURED_PROMPT_TOKENS = 1200
"""Tokens of a prompt on a box whose speed nobody measured: three or four passages."""

_FEWEST_PROMPT_TOKENS = 256  # instruction, question and one passage; with less there is nothing to answer from
_FORMAT = 1
_AGAIN = "measure again: ragedge bench --calibrate"
_BITS = {"Q4_0": 4.6, "Q4_K_S": 4.7, "Q4_K_M": 4.9, "Q5_K_M": 5.7, "Q6_K": 6.6, "Q8_0": 8.5, "F16": 16.0}
"""Bits a weight takes, scales included, as llama.cpp's quantizer reports for models of some billion weights."""


class Profile(msgspec.Struct, frozen=True):
    """One model on one box. Speeds in tokens per second, at a depth of `depth_tokens`."""

    machine: str
    llama_build: str
    model_sha256: str
    model_name: str
    model_bytes: int
    model_mtime_ns: int
    tuning: Tuning
    prompt_tokens_per_second: float
    tokens_per_second: float
    depth_tokens: int
    instruction_tokens: int
    """What of every prompt is the same: read once, then kept."""
    measured_on: str
    load: float
    """Load average of the box when it was measured."""


class _File(msgspec.Struct, frozen=True):
    format: int
    profiles: tuple[Profile, ...]


def machine_id() -> str:
    """This box, as far as speed depends on it."""
    box = device.this_device()
    return f"{box.processor}, {box.cores} cores, {box.memory_bytes / 1e9:.0f} GB, {box.system.split(' ')[-1]}"


def llama_build() -> str:
    """The llama.cpp that is installed: the binding's version and a digest of its libraries; nothing is loaded.

    Raises:
        ModelError: the package is not installed.
    """
    found = importlib.util.find_spec("llama_cpp")
    if found is None or not found.submodule_search_locations:
        raise ModelError("llama-cpp-python is not installed.", "pip install llama-cpp-python")
    digest = hashlib.sha256()
    for library in sorted((Path(next(iter(found.submodule_search_locations))) / "lib").glob("lib*")):
        if not library.is_symlink():
            digest.update(library.read_bytes())
    return f"{importlib.metadata.version('llama-cpp-python')} {digest.hexdigest()[:12]}"


def find_profile(file: Path, model: Path, sha256: str = "") -> tuple[Profile | None, str]:
    """The entry that holds for `model` here and now, and a line on why there is none although one was measured.

    `sha256` is what is known of the model ("" for nothing: a file that is unchanged since is taken at its word).
    """
    if not file.is_file() or not model.is_file():
        return None, ""
    try:
        found = _read(file)
    except (OSError, msgspec.MsgspecError) as error:
        return None, f'the device profile "{file}" cannot be read and is ignored ({error}); {_AGAIN}'
    stat = model.stat()
    same_file = [p for p in found if (p.model_bytes, p.model_mtime_ns) == (stat.st_size, stat.st_mtime_ns)]
    if not sha256 and not same_file and any(p.model_bytes == stat.st_size for p in found):
        sha256 = sha256_of(model)
    of_model = [p for p in found if p.model_sha256 == sha256] if sha256 else same_file
    if not of_model:
        return None, ""
    here, build = machine_id(), llama_build()
    for profile in of_model:
        if (profile.machine, profile.llama_build) == (here, build):
            return profile, ""
    reason = "on another box" if all(p.machine != here for p in of_model) else "with another llama.cpp"
    return None, f"the device profile was measured {reason} and is ignored; {_AGAIN}"


def profiles_here(file: Path) -> tuple[Profile, ...]:
    """All entries of this box and this llama.cpp; none where the file is absent or cannot be read."""
    try:
        found = _read(file)
    except (OSError, msgspec.MsgspecError):
        return ()
    if not found:
        return ()
    here, build = machine_id(), llama_build()
    return tuple(p for p in found if (p.machine, p.llama_build) == (here, build))


def save_profile(file: Path, profile: Profile) -> None:
    """Put an entry in, in place of an earlier one of the same model; others stay. Written whole or not at all."""
    try:
        others = [p for p in _read(file) if p.model_sha256 != profile.model_sha256 or p.machine != profile.machine]
    except (OSError, msgspec.MsgspecError):
        others = []
    file.parent.mkdir(parents=True, exist_ok=True)
    data = msgspec.json.format(msgspec.json.encode(_File(_FORMAT, (*others, profile))), indent=2)
    write_whole(file, data + b"\n")


def _read(file: Path) -> tuple[Profile, ...]:
    found = msgspec.json.decode(file.read_bytes(), type=_File)
    return found.profiles if found.format == _FORMAT else ()


def prompt_tokens(answer: AnswerConfig, profile: Profile | None) -> int:
    """Tokens a prompt may have: the config's own number, else what is read in time on this box.

    What every prompt begins with is read once and costs nothing afterwards, so it comes on top.
    """
    if answer.prompt_tokens:
        return answer.prompt_tokens
    if profile is None:
        return UNMEASURED_PROMPT_TOKENS
    in_time = int(answer.first_word_target_s * profile.prompt_tokens_per_second) + profile.instruction_tokens
    return max(_FEWEST_PROMPT_TOKENS, in_time)


def estimated_speed(profiles: tuple[Profile, ...], size_bytes: int, quantization: str) -> tuple[float, float] | None:
    """(prompt, written) tokens per second that a model of that size should have; None where nothing was measured.

    From the measured model nearest in size: writing goes with the bytes read per token, reading with the weights, which
    follow from bytes and quantization. An estimate: shapes differ in how much of them is vocabulary.
    """
    bits = _BITS.get(quantization.upper())
    if not profiles or size_bytes <= 0 or bits is None:
        return None
    nearest = min(profiles, key=lambda p: max(p.model_bytes, size_bytes) / min(p.model_bytes, size_bytes))
    named = [known for name, known in _BITS.items() if name.lower() in nearest.model_name.lower()]
    weights = nearest.model_bytes / (named[-1] if named else bits)
    prompt = nearest.prompt_tokens_per_second * weights / (size_bytes / bits)
    return prompt, nearest.tokens_per_second * nearest.model_bytes / size_bytes
