"""A text to speech by espeak-ng, where that is installed on this box: a WAV file with its right length.

espeak-ng gets the text over its input, never as an argument, and no shell sees it. Its output is bounded, and so is its
time. Where the browser has a voice of its own, nobody calls this.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping

from ragedge.errors import BadQuestion, NotFound, PackageMissing, RemoteFailed

PROGRAM = "espeak-ng"
#: Two minutes of speech; an answer of a kiosk has a tenth of it.
MAX_CHARS = 2_000
#: espeak-ng speaks far faster than people listen; a busy small board may need seconds.
_TIMEOUT_S = 20.0
#: 16 bits at 22,050 Hz are 44 KB a second: six minutes.
_MAX_BYTES = 16_777_216
#: Slower than the program's own 175 words a minute: heard in a room, by people of all ages.
_WORDS_PER_MINUTE = "150"
VOICES: Mapping[str, str] = {"en": "en-gb", "de": "de", "fr": "fr-fr", "es": "es", "zh": "cmn", "ar": "ar"}
"""Language to the program's voice; for others its name is tried as it is, if it is a plain language code."""


def find_program() -> str | None:
    """Where espeak-ng is, or None."""
    return shutil.which(PROGRAM)


def speak(text: str, language: str, program: str | None) -> bytes:
    """`text` spoken: WAV, one channel, 16 bits.

    Raises:
        BadQuestion: the text is empty or too long.
        PackageMissing: `program` is None.
        NotFound: there is no voice for the language.
        RemoteFailed: the program failed or took too long.
    """
    if not text.strip() or len(text) > MAX_CHARS:
        raise BadQuestion(f"1 to {MAX_CHARS} characters can be read aloud", "read it in parts")
    if program is None:
        raise PackageMissing("this box has no voice", "apt install espeak-ng")
    voice = VOICES.get(language[:2].lower())
    if voice is None and not (language.isascii() and language.isalpha() and len(language) in (2, 3)):
        raise NotFound(f'there is no voice for "{language[:20]}"', f"use one of: {', '.join(VOICES)}")
    command = [program, "--stdin", "--stdout", "-b", "1", "-s", _WORDS_PER_MINUTE, "-v", voice or language.lower()]
    printable = "".join(c if c.isprintable() or c.isspace() else " " for c in text)
    try:
        done = subprocess.run(
            command, input=printable.encode("utf-8", "replace"), capture_output=True, timeout=_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RemoteFailed("the text could not be read aloud", f"try {PROGRAM} by hand") from error
    if done.returncode != 0 or not done.stdout.startswith(b"RIFF"):
        raise NotFound(f'there is no voice for "{language[:20]}"', f"see: {PROGRAM} --voices")
    return _with_length(done.stdout[:_MAX_BYTES])


def _with_length(wav: bytes) -> bytes:
    """The file with its true length in its header: to a pipe the program writes the largest there is."""
    at = wav.find(b"data", 12)
    if at < 0:
        return wav
    body = len(wav) - at - 8
    return b"".join(
        (wav[:4], (len(wav) - 8).to_bytes(4, "little"), wav[8 : at + 4], body.to_bytes(4, "little"), wav[at + 8 :])
    )
