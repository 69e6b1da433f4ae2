"""Passages that are read before anybody asks: a prompt to prompts of one passage each, and what became of one.

The state of a passage is the same beside any others, so that one at a time is enough, and little is lost when a visitor
comes in between. Knows no model.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

from ragedge.contracts import Prompt

Ahead = Literal["read", "known", "full", "stopped", "stale", "impossible", "absent"]
"""What became of one passage.

It was "read" and is being written; it was "known"; there is no room without another one going ("full"); somebody asked
("stopped"); documents went since the prompt was made ("stale"); this model does not join passages ("impossible"), or it
is not loaded ("absent").
"""


def one_by_one(prompt: Prompt) -> Iterator[Prompt]:
    """A prompt for each passage of one, with that passage alone."""
    at = 0
    ending = prompt.user[sum(part.chars for part in prompt.passages) :]
    for part in prompt.passages:
        text = prompt.user[at : at + part.chars]
        yield replace(prompt, user=text + ending, passages=(part,), sources=())
        at += part.chars
