"""What a context of llama.cpp has read, as bytes and back: whole sequences, cut where the caller says.

The context has two sequences in one shared memory: `MAIN` is the prompt, `SPARE` is empty between two calls and serves
to cut and to move. Bytes lie in memory of their own that goes back to the system at once when they are let go, so that
their length is what they cost. The names of what made a state (`build_id`) belong to its key: a state of another build
is never handed to llama.cpp. Decides nothing about which states are kept.
"""

from __future__ import annotations

import array
import ctypes
import hashlib
import mmap
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import llama_cpp
import numpy as np
from llama_cpp import llama_cpp as lib
from numpy.typing import NDArray

from ragedge.errors import ModelError

MAIN, SPARE = 0, 1
SEQUENCES = 2
_OLD_ROPE = {0, 2}  # LLAMA_ROPE_TYPE_NORM and _NEOX: one position per token, which can be moved; -1 is no rope at all


@dataclass(frozen=True, slots=True)
class ReadPrompt:
    """A prompt as it was read: its tokens, where batches ended, what came out at its end, and the state itself."""

    tokens: array.array[int]
    marks: frozenset[int]
    logits: NDArray[np.float32] | None
    state: memoryview

    @property
    def size_bytes(self) -> int:
        """Memory it holds."""
        logits = 0 if self.logits is None else self.logits.nbytes
        return len(self.state) + logits + self.tokens.itemsize * len(self.tokens)


def room_for(size: int) -> memoryview:
    """Memory of `size` bytes that belongs to nobody else."""
    return memoryview(mmap.mmap(-1, max(1, size), flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))[:size]


def copy_out(context: Any, memory: Any, start: int, end: int) -> memoryview:
    """The state of the prompt's tokens `[start, end)`."""
    lib.llama_memory_seq_cp(memory, MAIN, SPARE, start, end)
    try:
        return take_out(context, SPARE)
    finally:
        lib.llama_memory_seq_rm(memory, SPARE, -1, -1)


def take_out(context: Any, sequence: int) -> memoryview:
    """The state of a whole sequence."""
    size = int(lib.llama_state_seq_get_size(context, sequence))
    held = room_for(size)
    written = int(lib.llama_state_seq_get_data(context, _pointer(held), size, sequence)) if size else 0
    if written != size or not size:
        raise ModelError("The language model's state cannot be copied.", "Ask again.")
    return held


def put_in(context: Any, sequence: int, state: memoryview) -> bool:
    """Make `state` the content of a sequence; False where llama.cpp does not take it (the sequence is then empty)."""
    return int(lib.llama_state_seq_set_data(context, _pointer(state), len(state), sequence)) == len(state)


def _pointer(held: memoryview) -> Any:
    return (ctypes.c_uint8 * len(held)).from_buffer(held)


def can_cut(model: Any) -> bool:
    """Whether a state can be cut back to an earlier token exactly: not with sliding windows or recurrent layers."""
    is_recurrent = lib.llama_model_is_recurrent(model) or lib.llama_model_is_hybrid(model)
    return bool(lib.llama_model_n_swa(model) == 0 and not is_recurrent)


def why_not_joined(model: Any, memory: Any) -> str:
    """Why states of passages cannot be joined with this model, in a few words; "" where they can."""
    if lib.llama_model_is_recurrent(model) or lib.llama_model_is_hybrid(model):
        return "it has recurrent layers"
    if lib.llama_model_n_swa(model) != 0:
        return "it has sliding windows"
    if int(lib.llama_model_rope_type(model)) not in _OLD_ROPE or not lib.llama_memory_can_shift(memory):
        return "the positions of its states cannot be moved"
    return ""


@cache
def build_id() -> str:
    """A digest of the very libraries that compute, and of what the processor offers them."""
    digest = hashlib.sha256(llama_cpp.__version__.encode() + lib.llama_print_system_info())
    for path in sorted(Path(lib.__file__).parent.joinpath("lib").glob("*.so")):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()
