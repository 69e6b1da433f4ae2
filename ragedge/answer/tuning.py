"""How the language model is run on this box: threads, slices, attention, weights, cache type, and what a draft costs.

Plain figures that go from a device profile (`ragedge bench --calibrate`) through the model's process to llama.cpp; the
defaults hold where nothing was measured. Knows neither files nor llama.cpp.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

KvType = Literal["f16", "q8_0"]
Costs = tuple[tuple[int, float], ...]

DEFAULT_COSTS: Costs = ((4, 3.4), (8, 5.9), (16, 9.2))
"""Tokens decoded at once -> time, in units of one token alone: as `ragedge bench --calibrate` gives them for an x86
core and a small model. A board whose memory is the narrower part needs less, so that this errs towards not drafting."""

GROUPS = (4, 8, 12, 16)
"""Tokens per verification (a draft and the token before it): llama.cpp's kernels work on groups of four rows."""


@dataclass(frozen=True, slots=True)
class Tuning:
    """Settings of one model on one box. `threads` write, `prompt_threads` read (0: as `threads`).

    `flash_attention` None leaves it to llama.cpp; `is_repacked`: weights are rearranged for this processor where it has
    kernels for that; `is_mapped`: the file is mapped into memory and not copied, which holds rearranged weights
    twice. `slice_tokens` (at most 128) are computed at once when a prompt is read: a cancel waits for the one in
    progress.

    The last three say what `batches` found: `verify_difference` None, that nobody has measured it yet; `choices`, how
    many choices were too close for it, and of how many.
    """

    threads: int = 0
    prompt_threads: int = 0
    slice_tokens: int = 64
    flash_attention: bool | None = None
    is_repacked: bool = True
    is_mapped: bool = False
    kv_type: KvType = "f16"
    verify_costs: Costs = DEFAULT_COSTS
    verify_difference: float | None = None
    choices: tuple[int, int] = (0, 0)
