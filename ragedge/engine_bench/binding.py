"""llama-cpp-python as others use it, and llama.cpp's quantizer: what our engine is measured against, and made with.

The only module of the measurements that imports llama_cpp.
"""

from __future__ import annotations

import ctypes
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from llama_cpp import Llama
from llama_cpp import llama_cpp as lib
from numpy.typing import NDArray

from ragedge import llama_log
from ragedge.errors import ModelError


def quantize(source: Path, target: Path, name: str) -> None:
    """Write `source` (16 bits) to `target` in the quantization `name`, such as "Q4_0".

    Raises:
        ModelError: llama.cpp refuses.
    """
    llama_log.listen()
    wanted = lib.llama_model_quantize_default_params()
    wanted.nthread = len(os.sched_getaffinity(0))
    wanted.ftype = getattr(lib, f"LLAMA_FTYPE_MOSTLY_{name}")
    if lib.llama_model_quantize(os.fsencode(source), os.fsencode(target), ctypes.byref(wanted)) != 0:
        reason = llama_log.last_error() or "no reason was given"
        raise ModelError(f"llama.cpp cannot quantize to {name}: {reason}.", "Look whether the disk is full.")


class DefaultLlama:
    """`llama_cpp.Llama` with everything left at its defaults but the context's size."""

    def __init__(self, path: Path, context_tokens: int) -> None:
        self._model: Any = Llama(model_path=str(path), n_ctx=context_tokens, verbose=False)
        self.settings = f"threads {self._model.n_threads}, for prompts {self._model.n_threads_batch}"

    def timed_read(self, tokens: Sequence[int]) -> tuple[float, NDArray[np.float32]]:
        """Seconds to read a prompt from the beginning, and the logits at its end, float32 [vocabulary]."""
        self._model.reset()
        started = time.perf_counter()
        self._model.eval(tokens)
        found = self._model._ctx.get_logits_ith(-1)
        return time.perf_counter() - started, np.ctypeslib.as_array(found, (self._model.n_vocab(),)).copy()

    def timed_write(self, count: int) -> tuple[float, list[int]]:
        """Seconds to write `count` tokens after what was read, greedily, and the tokens."""
        tokens: list[int] = []
        started = time.perf_counter()
        for _ in range(count):
            tokens.append(int(self._model.sample(temp=0.0)))
            self._model.eval(tokens[-1:])
        return time.perf_counter() - started, tokens

    def close(self) -> None:
        """Free it."""
        self._model.close()
