"""Run by a test in a process of its own: tries every model of a folder and prints one word for each.

Whatever is not a documented error ends the process, which is what the test looks for.
"""

from __future__ import annotations

import sys
from pathlib import Path

from ragedge.answer.llama import LlamaGenerator
from ragedge.contracts import Prompt, Sampling
from ragedge.errors import RagedgeError


def outcome(path: Path) -> str:
    try:
        generator = LlamaGenerator(path, context_tokens=256, threads=1)
        try:
            list(generator.stream(Prompt("Answer.", "What is the pump?", (), 0), Sampling(max_tokens=3), lambda: False))
        finally:
            generator.close()
    except RagedgeError as error:
        return type(error).__name__
    return "answered"


if __name__ == "__main__":
    for model in sorted(Path(sys.argv[1]).glob("*.gguf")):
        print(outcome(model), flush=True)
