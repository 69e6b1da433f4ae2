"""Draws one page of a PDF with a quote marked: the child process behind `picture.py`, started as a script.

Reads one JSON object from standard input ({path, page, quote, near, passwords, memory_bytes, cpu_seconds, png_bytes})
and writes one line of JSON, then the PNG. Imports nothing of ragedge, so that it starts fast and a damaged file can
only take this process with it. A quote is compared letter by letter with white space, hyphens, ligatures, accents and
punctuation left out, because two PDF libraries never agree on those; where the whole quote is not on the page in one
piece, its longest runs of words are marked.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import resource
import sys
import unicodedata
from dataclasses import dataclass
from typing import Any

import pypdfium2
import pypdfium2.raw as raw
from PIL import Image, ImageChops, ImageDraw

#: Pixels of the picture's longer side at most, and the largest enlargement (2 = 144 dots per inch).
MAX_SIDE = 1_800
MAX_SCALE = 2.0
#: Text beyond this is not searched: a page holds some 5,000 characters, a poster of data some 50,000.
MAX_CHARS = 200_000
MAX_WORDS = 400
#: Runs of letters shorter than this are everywhere on a page, and would be marked by chance.
MIN_RUN = 12
#: Shorter quotes count only where words begin and end.
MIN_INSIDE = 6
MAX_RECTANGLES = 500
_MARK = (255, 224, 102)
_EDGE = (217, 119, 6)

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Letters:
    """The letters and digits of a text, folded; `index[i]` is where letter i stands, `starts` where words begin."""

    text: str
    index: tuple[int, ...]
    starts: frozenset[int]


def fold(text: str) -> Letters:
    """`text` without anything but letters and digits, decomposed (NFKD), without accents, in folded case."""
    letters: list[str] = []
    index: list[int] = []
    starts: set[int] = set()
    is_inside = False
    for position, character in enumerate(text):
        folded = [c for c in unicodedata.normalize("NFKD", character).casefold() if c.isalnum()]
        if folded and not is_inside:
            starts.add(len(letters))
        if folded or not unicodedata.combining(character):
            is_inside = bool(folded)
        letters.extend(folded)
        index.extend([position] * len(folded))
    return Letters("".join(letters), tuple(index), frozenset(starts))


def find_quote(page: Letters, quote: str, near: float | None = None) -> list[tuple[int, int]]:
    """Half-open ranges in `page.text` that the quote covers, in order; [] when it is not there.

    `near` in [0, 1] says how far down the page's text the quote is expected, for quotes that stand there more than
    once.
    """
    needle = fold(quote[: 20 * MAX_WORDS]).text
    if not needle or not page.text:
        return []
    whole = _nearest(page, needle, near)
    if whole is not None:
        return [(whole, whole + len(needle))]
    return _runs(page, [w for w in (fold(word).text for word in re.split(r"\s+", quote)) if w][:MAX_WORDS])


def _nearest(page: Letters, needle: str, near: float | None) -> int | None:
    places: list[int] = []
    at = page.text.find(needle)
    while at >= 0 and len(places) < 1_000:
        places.append(at)
        at = page.text.find(needle, at + 1)
    ends = page.starts | {len(page.text)}
    clean = [p for p in places if p in page.starts and p + len(needle) in ends]
    places = clean or (places if len(needle) >= MIN_INSIDE else [])
    if not places:
        return None
    wanted = (near or 0.0) * len(page.text)
    return min(places, key=lambda place: (abs(place - wanted), place)) if near is not None else places[0]


def _runs(page: Letters, words: list[str]) -> list[tuple[int, int]]:
    """The longest runs of the quote's words that stand on the page in one piece, each at least MIN_RUN letters long."""
    found: list[tuple[int, int]] = []
    first = 0
    while first < len(words):
        last, place = first, -1
        for end in range(first + 1, len(words) + 1):
            at = page.text.find("".join(words[first:end]))
            if at < 0:
                break
            last, place = end, at
        length = sum(len(word) for word in words[first:last])
        if length >= MIN_RUN:
            found.append((place, place + length))
            first = last
        else:
            first += 1
    return sorted(set(found))


def merge_boxes(boxes: list[Box]) -> list[Box]:
    """Boxes (left, bottom, right, top) of characters in reading order, joined to one per line."""
    lines: list[Box] = []
    for left, bottom, right, top in boxes:
        if lines:
            l0, b0, r0, t0 = lines[-1]
            overlap = min(t0, top) - max(b0, bottom)
            height = max(min(t0 - b0, top - bottom), 0.1)
            if overlap > 0.5 * height and left - r0 < 4 * max(t0 - b0, 1.0) and left > l0 - 1.0:
                lines[-1] = (min(l0, left), min(b0, bottom), max(r0, right), max(t0, top))
                continue
        if len(lines) >= MAX_RECTANGLES:
            break
        lines.append((left, bottom, right, top))
    return lines


def _limit(memory_bytes: int, cpu_seconds: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def _open(path: str, passwords: list[str]) -> Any:
    for password in (None, *passwords):
        try:
            return pypdfium2.PdfDocument(path, password=password)
        except pypdfium2.PdfiumError as error:
            failure = error
            if getattr(error, "err_code", None) != raw.FPDF_ERR_PASSWORD:
                break
    is_locked = getattr(failure, "err_code", None) == raw.FPDF_ERR_PASSWORD
    raise _Refused("encrypted" if is_locked else "broken")


class _Refused(Exception):
    """Why there is no picture, in one word."""


def _page_text(text_page: Any) -> str:
    """One character per index of pdfium's own counting, so that boxes can be asked for by it."""
    count = min(raw.FPDFText_CountChars(text_page), MAX_CHARS)
    codes = (raw.FPDFText_GetUnicode(text_page, i) for i in range(max(count, 0)))
    return "".join(chr(code) if 0 < code < 0x110000 and not 0xD800 <= code < 0xE000 else " " for code in codes)


def _boxes(page: Any, quote: str, near: float | None) -> list[Box]:
    if not quote:
        return []
    text_page = page.get_textpage()
    text = _page_text(text_page)
    letters = fold(text)
    boxes: list[Box] = []
    for start, end in find_quote(letters, quote, near):
        positions = sorted(set(letters.index[start:end]))
        positions += _closing(text, positions[-1] + 1)
        boxes.extend(tuple(text_page.get_charbox(i, loose=True)) for i in positions)
    return merge_boxes([box for box in boxes if box[2] > box[0] and box[3] > box[1]])


def _closing(text: str, position: int) -> range:
    """Places of the full stop, bracket or quotation mark right behind a quote: up to three, which belong to it."""
    end = position
    while end < min(len(text), position + 3) and unicodedata.category(text[end]) in ("Po", "Pe", "Pf"):
        end += 1
    return range(position, end)


def _draw(page: Any, boxes: list[Box]) -> tuple[Any, list[tuple[int, int, int, int]]]:
    width, height = page.get_size()
    scale = min(MAX_SCALE, MAX_SIDE / max(width, height, 1.0))
    bitmap = page.render(scale=scale, may_draw_forms=True)
    to_pixels = bitmap.get_posconv(page).to_bitmap
    picture = bitmap.to_pil().convert("RGB")
    pixels: list[tuple[int, int, int, int]] = []
    for left, bottom, right, top in boxes:
        (x0, y0), (x1, y1) = to_pixels(left, top), to_pixels(right, bottom)
        box = (
            max(0, min(x0, x1) - 2),
            max(0, min(y0, y1) - 1),
            min(picture.width, max(x0, x1) + 2),
            min(picture.height, max(y0, y1) + 1),
        )
        if box[2] <= box[0] or box[3] <= box[1]:
            continue
        area = picture.crop(box)
        picture.paste(ImageChops.multiply(area, Image.new("RGB", area.size, _MARK)), box)
        ImageDraw.Draw(picture).line((box[0], box[3], box[2], box[3]), fill=_EDGE, width=2)
        pixels.append(box)
    return picture, pixels


def _encode(picture: Any, png_bytes: int) -> bytes:
    """PNG; shrunk until it has at most `png_bytes`."""
    while True:
        stream = io.BytesIO()
        picture.save(stream, "PNG", compress_level=6)
        if len(stream.getvalue()) <= png_bytes or min(picture.size) < 200:
            return stream.getvalue()
        picture = picture.resize((int(picture.width * 0.7), int(picture.height * 0.7)))


def draw(order: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    """What `main` does, as a function: (facts about the picture, PNG)."""
    document = _open(order["path"], order["passwords"])
    number = int(order["page"])
    if not 1 <= number <= len(document):
        raise _Refused("no_page")
    try:
        with contextlib.suppress(pypdfium2.PdfiumError):
            document.init_forms()
        page = document[number - 1]
        boxes = _boxes(page, order["quote"], order["near"])
        picture, marks = _draw(page, boxes)
    except pypdfium2.PdfiumError as error:
        raise _Refused("broken") from error
    first = round(marks[0][1] / picture.height, 4) if marks else None
    facts = {"width": picture.width, "height": picture.height, "marks": len(marks), "first_mark": first}
    return facts, _encode(picture, int(order["png_bytes"]))


def main() -> int:
    """Read the order, draw, write."""
    order = json.loads(sys.stdin.buffer.read())
    _limit(int(order["memory_bytes"]), int(order["cpu_seconds"]))
    try:
        facts, png = draw(order)
    except _Refused as error:
        facts, png = {"refused": str(error)}, b""
    except MemoryError:
        facts, png = {"refused": "out_of_memory"}, b""
    sys.stdout.buffer.write(json.dumps(facts).encode() + b"\n" + png)
    sys.stdout.buffer.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
