"""The process that runs a template out of a model file, once, with stand-ins for system and user text.

A template is a program of a stranger. It runs in Jinja2's sandbox (attributes that lead out are closed, nothing given
can be changed), in a process of its own that has two seconds, little memory, no files to write and no network, and
it never sees a document or a question: what it prints around the stand-ins is all that is taken.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import resource
import sys
from typing import NoReturn

from jinja2 import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

MAX_TEMPLATE_CHARS = 100_000
"""The longest published ones have about 20,000 characters."""
MAX_OUTPUT_CHARS = 20_000
"""A chat format without its texts; default instructions of some families have 2,000."""
CPU_SECONDS = 2
_MEMORY_BYTES = 512 * 2**20  # address space; the interpreter with Jinja2 takes about 60 MB
# what a template's own code can end with; its hard limits end the process instead
_FAULTS = (TemplateError, ArithmeticError, LookupError, TypeError, ValueError, AttributeError, RecursionError)
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000


class Refused(Exception):
    """The template cannot be used: its own words, or what is wrong with it."""


def main() -> None:
    """One JSON request on stdin, {"template", "system", "user"}; one JSON reply on stdout, {"text"} or {"refused"}."""
    _limit_self()
    request = json.load(sys.stdin)
    try:
        reply = {"text": render(request["template"], request["system"], request["user"])}
    except Refused as error:
        reply = {"refused": str(error)[:200]}
    json.dump(reply, sys.stdout)


def render(template: str, system: str, user: str) -> str:
    """What the template makes of a system text and a question, up to where the answer begins.

    Families without a system turn refuse one; then the system text stands at the beginning of the user's turn.

    Raises:
        Refused: it is too long, not a template, does not end, or prints too much.
    """
    if len(template) > MAX_TEMPLATE_CHARS:
        raise Refused(f"it has {len(template)} characters")
    turns = [{"role": "system", "content": system}, {"role": "user", "content": user}]
    with contextlib.suppress(Refused):
        text = _render(template, turns)
        if system in text:
            return text
    return _render(template, [{"role": "user", "content": f"{system}\n\n{user}"}])


def _render(template: str, turns: list[dict[str, str]]) -> str:
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"], autoescape=False
    )
    environment.globals["raise_exception"] = _raise
    pieces, length = [], 0
    try:
        # no "thinking aloud", no tools, no date: the same prompt for the same question, today and tomorrow
        for piece in environment.from_string(template).generate(
            messages=turns, add_generation_prompt=True, enable_thinking=False, bos_token="", eos_token=""
        ):
            pieces.append(piece)
            length += len(piece)
            if length > MAX_OUTPUT_CHARS:
                raise Refused("it prints without end")
    except _FAULTS as error:
        raise Refused(f"{type(error).__name__}: {error}") from error
    except MemoryError as error:
        raise Refused("it needs too much memory") from error
    return "".join(pieces)


def _raise(message: str) -> NoReturn:
    raise TemplateError(message)


def _limit_self() -> None:
    for limit, value in (
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_AS, _MEMORY_BYTES),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (value, value))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNET) != 0:
        libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET)
