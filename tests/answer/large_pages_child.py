"""Run by a test in a process of its own, where malloc has nothing yet to give a second time.

Prints for how many bytes large pages were asked: when a model's weights were loaded, and when weights and context were.
"""

from __future__ import annotations

import sys
from pathlib import Path

from llama_cpp import llama_cpp as lib

from ragedge import llama_log
from ragedge.answer.llama_context import _load
from ragedge.answer.llama_native import NativeModel


def asked_bytes() -> int:
    """Address space of this process for which large pages were asked."""
    size, total = 0, 0
    for line in Path("/proc/self/smaps").read_text(encoding="utf-8", errors="replace").splitlines():
        if line.startswith("Size:"):
            size = int(line.split()[1]) * 1024
        elif line.startswith("VmFlags:") and "hg" in line.split():
            total += size
    return total


if __name__ == "__main__":
    llama_log.listen()
    path = Path(sys.argv[1])
    wanted = lib.llama_model_default_params()
    wanted.load_mode = lib.LLAMA_LOAD_MODE_NONE
    weights = _load(path, wanted)
    with_weights = asked_bytes()
    model = NativeModel(path, 4096, 1)
    print(with_weights, asked_bytes() - with_weights)
    model.close()
    lib.llama_model_free(weights)
