"""What llama.cpp complains about, kept for our messages instead of printed.

llama.cpp has one log for the whole process; the language model and the embedder both listen here, so that neither
takes the other's words away.
"""

from __future__ import annotations

import ctypes
import os
from collections import deque

from llama_cpp import llama_cpp as lib

_LEVEL_ERROR = 4  # ggml_log_level
_MAX_CHARS = 200  # of one complaint; it ends up in a line of ours

_errors: deque[str] = deque(maxlen=3)


def _on_log(level: int, text: bytes, _data: object) -> None:
    if level == _LEVEL_ERROR:
        _errors.append(text.decode("utf-8", "replace").strip()[:_MAX_CHARS])


_LOG = lib.llama_log_callback(_on_log)  # llama.cpp keeps the pointer: it must never be collected


def listen() -> None:
    """Start llama.cpp, silent; old complaints are forgotten. Any number of times."""
    os.environ.setdefault("GGML_NO_BACKTRACE", "1")  # else a crash forks a debugger that hangs and holds our pipes
    _errors.clear()
    lib.llama_log_set(_LOG, ctypes.c_void_p(0))
    lib.llama_backend_init()


def first_error() -> str:
    """The oldest complaint that is kept; "" without one. The first is the cause, the rest is what followed."""
    return _errors[0] if _errors else ""


def last_error() -> str:
    """The newest complaint; "" without one."""
    return _errors[-1] if _errors else ""
