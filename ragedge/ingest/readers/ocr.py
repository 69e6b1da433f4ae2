"""Pictures of text -> text, by Tesseract as a program of its own, over pipes: no temporary files.

pypdfium2 renders the pages of a PDF that have no text layer; Pillow opens picture files. Sizes are bounded before a
picture is unpacked. Where Tesseract is not installed, the answer is the problem's text with the command that fixes it.
Knows nothing of pypdf.
"""

from __future__ import annotations

import ctypes
import io
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from types import TracebackType
from typing import Any, BinaryIO

import pypdfium2
from PIL import Image, ImageSequence, UnidentifiedImageError

from ragedge.contracts import Page, PageProblem, ReadOptions
from ragedge.errors import UnreadableDocument
from ragedge.ingest.readers.lines import Line, is_capitals, numbered_level, plain_blocks
from ragedge.ingest.readers.parts import Part, clean_text

MAX_PIXELS = 24_000_000
"""Pixels per page (24 MB in grey): an A3 page at 300 dpi has 17 million."""
MAX_SIDE = 10_000
PAGE_SECONDS = 50
"""Longest time for one page, below the sandbox's stall limit; a Pi 5 takes 3-15 s for an A4 page at 200 dpi."""
MAX_OUTPUT = 2_000_000
NO_PROGRAM = "needs OCR, and Tesseract is not installed: sudo apt install tesseract-ocr"
SWITCHED_OFF = 'needs OCR, and OCR is switched off (ocr = "off")'
NOTHING_FOUND = "has no text layer, and OCR found no text in its picture"
_LANGUAGE = re.compile(r"[A-Za-z][A-Za-z0-9_]{1,30}")
_PR_SET_PDEATHSIG = 1


class Recognition:
    """OCR for the pages of one PDF; opens it a second time only when a page needs it."""

    def __init__(self, stream: BinaryIO, options: ReadOptions) -> None:
        self._stream = stream
        self._options = options
        self._document: Any = None

    def __enter__(self) -> Recognition:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._document is not None:
            self._document.close()

    def page(self, number: int) -> tuple[str, str | None]:
        """Text of page `number`, and what stood in the way, if anything."""
        hindrance = unavailable(self._options)
        if hindrance:
            return "", f"page {number} {hindrance}"
        try:
            picture = self._render(number)
        except (pypdfium2.PdfiumError, ValueError, OSError):
            return "", f"page {number} has no text layer and cannot be drawn for OCR"
        text, problem = recognise(picture, self._options)
        return text, f"page {number} {problem}" if problem else None

    def _render(self, number: int) -> Image.Image:
        if self._document is None:
            self._document = self._open()
        page = self._document[number - 1]
        try:
            width, height = page.get_size()
            scale = self._options.ocr_dpi / 72
            largest = max(width, height, 1.0)
            scale = min(scale, MAX_SIDE / largest, (MAX_PIXELS / max(width * height, 1.0)) ** 0.5)
            picture: Image.Image = page.render(scale=scale, grayscale=True).to_pil()
            return picture
        finally:
            page.close()

    def _open(self) -> Any:
        for word in (None, *self._options.passwords):
            self._stream.seek(0)
            try:
                return pypdfium2.PdfDocument(self._stream, password=word)
            except pypdfium2.PdfiumError:
                continue
        raise ValueError("not opened by PDFium")


def unavailable(options: ReadOptions) -> str | None:
    """Why there is no OCR, or None where there is."""
    if options.ocr == "off":
        return SWITCHED_OFF
    return None if shutil.which("tesseract") else NO_PROGRAM


def recognise(picture: Image.Image, options: ReadOptions) -> tuple[str, str | None]:
    """Text in a picture (cleaned), and the problem where there is none."""
    languages = [code for code in options.ocr_languages if _LANGUAGE.fullmatch(code)] or ["eng"]
    content = io.BytesIO()
    picture.save(content, "PPM")  # no compression to pay for
    command = ["tesseract", "-", "-", "-l", "+".join(languages), "--dpi", str(options.ocr_dpi)]
    try:
        done = subprocess.run(
            command,
            input=content.getvalue(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=PAGE_SECONDS,
            env={**os.environ, "OMP_THREAD_LIMIT": "1"},  # its threads spin on a busy small box
            preexec_fn=_die_with_parent,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "", f"took longer than {PAGE_SECONDS} s in OCR"
    except OSError:
        return "", NO_PROGRAM
    if done.returncode != 0:
        missing = "-".join(languages)
        return "", f"failed in OCR; is the language installed? sudo apt install tesseract-ocr-{missing}"
    text = clean_text(done.stdout[:MAX_OUTPUT].decode("utf-8", errors="replace")).strip()
    return (text, None) if any(c.isalnum() for c in text) else ("", NOTHING_FOUND)


def read_image(stream: BinaryIO, options: ReadOptions) -> Iterator[Part]:
    """A picture file, one page per frame, through OCR."""
    hindrance = unavailable(options)
    if hindrance:
        raise UnreadableDocument("no_text", f"is a picture that {hindrance}")
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS * 2
    try:
        picture = Image.open(stream, formats=("PNG", "JPEG", "TIFF"))
        for number, frame in enumerate(ImageSequence.Iterator(picture), start=1):
            if frame.width * frame.height > MAX_PIXELS * 2:
                raise UnreadableDocument("too_large", f"is a picture of {frame.width} x {frame.height} pixels")
            text, problem = recognise(frame.convert("L"), options)
            yield Page(number, None, text, "ocr", tuple(plain_blocks(text, _heading)))
            if problem:
                yield PageProblem(number, "no_text", f"picture {number} {problem}")
    except Image.DecompressionBombError as error:
        raise UnreadableDocument("too_large", "is a picture with too many pixels") from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise UnreadableDocument("broken", "is a damaged picture") from error


def _heading(at: int, lines: list[Line]) -> int:
    return numbered_level(lines[at].text) or (1 if is_capitals(lines[at].text) else 0)


def _die_with_parent() -> None:
    """Runs in the child before Tesseract starts: it must not outlive the reader."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
