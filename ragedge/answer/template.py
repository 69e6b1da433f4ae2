"""A model file's own template -> a chat format, only where the config asks for it (`[answer] family = "template"`).

The template runs once, in `template_child`, on two stand-ins; what it prints around them is kept as the format. So no
document and no question ever goes through a stranger's program, and a text cannot forge a special token. Marks in
what was printed that are tokens of the vocabulary become special tokens; the one after the user's text ends an answer.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

from ragedge.answer.chat import SPECIAL_TOKENS, ChatFormat, chat_format
from ragedge.answer.gguf_header import ModelHeader, read_header
from ragedge.errors import ModelError

FAMILY = "template"
"""The name in the config."""
_SYSTEM, _USER = "SYSTEMTEXTSTANDSHERE", "USERTEXTSTANDSHERE"  # letters alone: no filter of a template changes them
_MARK = re.compile(r"<\|[^<>|\s]{1,40}\|>|</?[a-z_]{1,40}\|?>|<\|[a-z_]{1,40}>|\[/?[A-Z_]{1,40}\]|<｜[^<>]{1,40}｜>")
_WAIT_SECONDS = 20  # its processor time is limited to 2; a busy board may need longer to give it that
_MAX_REPLY_BYTES = 1 << 18
_BOOT = "import sys; sys.path.insert(0, sys.argv[1]); from ragedge.answer.template_child import main; main()"
_HINT = 'set [answer] family = "auto": the program has formats of its own for most families'


def open_model(path: Path, family: str) -> tuple[ModelHeader, ChatFormat]:
    """The checked header of a model file, and its chat format by our own table or, if asked for, by its template.

    Raises:
        ModelMissing, ModelCorrupt, ModelError: as `read_header`; ModelError also where a template cannot be used.
        ConfigError: when `family` is unknown.
    """
    header = read_header(path, SPECIAL_TOKENS)
    if family != FAMILY:
        return header, chat_format(family, header.architecture, header.tokenizer, header.found_tokens)
    if not header.template:
        raise ModelError(f'The model "{path}" has no template.', _HINT)
    text = _printed(path, header.template)
    if text.count(_SYSTEM) != 1 or text.count(_USER) != 1 or text.index(_SYSTEM) > text.index(_USER):
        raise ModelError(f'The template of the model "{path}" leaves out or repeats what it is given.', _HINT)
    marks = set(_MARK.findall(text))
    found = read_header(path, marks).found_tokens  # once more: now it is known what to look for
    # braces of the template itself stay what they are: only ours are filled in later
    form = text.replace(_SYSTEM, "{system}").replace(_USER, "{user}")
    after = next((mark for mark in _MARK.findall(text.partition(_USER)[2]) if mark in found), "")
    return header, ChatFormat(FAMILY, form, tuple(sorted(found)), (after,) if after else ())


def _printed(path: Path, template: str) -> str:
    request = json.dumps({"template": template, "system": _SYSTEM, "user": _USER})
    root = str(Path(__file__).resolve().parents[2])
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-c", _BOOT, root],
            input=request.encode("utf-8", "replace"),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_WAIT_SECONDS,
            env={},
            check=False,
        )
        reply = json.loads(done.stdout[:_MAX_REPLY_BYTES])
    except (subprocess.TimeoutExpired, ValueError, OSError) as error:
        message = f'The template of the model "{path}" did not end within its limits of time and memory.'
        raise ModelError(message, _HINT) from error
    text = reply.get("text") if isinstance(reply, dict) else None
    if not isinstance(text, str):
        reason = str(reply.get("refused", "no reply")) if isinstance(reply, dict) else "no reply"
        raise ModelError(f'The template of the model "{path}" cannot be used: {reason}.', _HINT)
    return text
