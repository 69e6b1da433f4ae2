"""What states spare and what joining costs: `python -m tests.recipes.state_report`.

Uses a model of random weights made on the spot (llama architecture, Q8_0), or the GGUF file given. Prints each figure
with its n and the load of the box; nothing here is a test. Random weights say nothing about the quality of answers.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import tempfile
from pathlib import Path

from llama_cpp import llama_cpp as lib

from ragedge import state_bench
from ragedge.answer.template import open_model
from tests.tiny_gguf import make_tiny_gguf


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path, nargs="?")
    parser.add_argument("--width", type=int, default=768)
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--passages", type=int, default=4)
    parser.add_argument("--words", type=int, default=70, help="of a passage")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--prompts", type=int, default=6, help="for the agreement; 0: none")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        model = options.model or quantized(Path(folder), options.width, options.layers)
        kind = "random weights" if options.model is None else options.model.name
        size = model.stat().st_size / 1e6
        print(f"{kind}, {size:.0f} MB, {options.threads} thread(s), {os.cpu_count()} cores, {load()}")
        texts = state_bench.passages(options.passages, options.words)
        for row in (state_bench.same_prompt_again, state_bench.after_restart, state_bench.known_passages):
            found = row(model, texts, runs=options.runs, threads=options.threads)
            known = f"{found.known_tokens} of {found.tokens} tokens known; n = {found.runs}"
            times = (
                f"{found.ms:.0f} of {found.cold_ms:.0f} ms, processor {found.cpu_ms:.0f} of {found.cold_cpu_ms:.0f} ms"
            )
            ratios = f"{found.ratio:.3f} of cold, {found.cpu_ratio:.3f} of its processor time"
            print(f"{found.name}: {ratios} ({times}; {known}), {load()}", flush=True)
        if options.prompts:
            agreement(model, texts, options.prompts)


def load() -> str:
    return f"load {os.getloadavg()[0]:.1f}"


def agreement(model: Path, texts: list[str], prompts: int) -> None:
    print("joined against exact, greedy, 32 tokens; with random weights this says nothing about quality")
    print("read in place   joined   same to the end   tokens before the first other   cosine of logits")
    chat = open_model(model, "auto")[1]
    for found in state_bench.agreement(model, chat, texts, reread=(0, 4, 16, 64, 128), prompts=prompts):
        print(
            f"{found.end:>5} {found.reread:>4} {found.joined:>12.2f} {found.same:>14.2f} {found.lead:>22.2f} "
            f"{found.cosine:>26.4f}   n = {found.prompts}",
            flush=True,
        )


def quantized(folder: Path, width: int, layers: int) -> Path:
    """A model of random weights as Q8_0."""
    plain = make_tiny_gguf(folder / "plain.gguf", width=width, layers=layers)
    target = folder / "model.gguf"
    wanted = lib.llama_model_quantize_default_params()
    wanted.ftype, wanted.nthread = lib.LLAMA_FTYPE_MOSTLY_Q8_0, 1
    if lib.llama_model_quantize(os.fsencode(plain), os.fsencode(target), ctypes.byref(wanted)) != 0:
        raise SystemExit("llama.cpp cannot quantize the model")
    plain.unlink()
    return target


if __name__ == "__main__":
    main()
