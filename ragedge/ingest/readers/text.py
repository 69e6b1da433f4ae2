"""Plain text, Markdown and RTF: bytes to text in whatever encoding they are, then blocks by rule.

The order of trust for an encoding: byte order mark, valid UTF-8, the pattern of NULs that UTF-16/32 leaves, then the
guess of charset-normalizer, then Windows-1252. Bytes that are no text in any of them are refused, never indexed.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import BinaryIO

from charset_normalizer import from_bytes
from striprtf.striprtf import rtf_to_text

from ragedge.contracts import Page, ReadOptions
from ragedge.errors import UnreadableDocument
from ragedge.ingest.readers.lines import Line, is_capitals, numbered_level, plain_blocks
from ragedge.ingest.readers.markdown import front_matter, markdown_blocks
from ragedge.ingest.readers.parts import PageBuilder, Part, clean_about, clean_text

GUESS_BYTES = 65_536
"""How much of a file the encoding is guessed from: more says little more, and takes charset-normalizer longer."""
MAX_CONTROL_SHARE = 0.02
"""Random bytes hold about 10 % control characters, text practically none."""
MAX_DAMAGED_SHARE = 0.05
"""UTF-8 stays UTF-8 up to this many bad bytes per continuation byte; other encodings are bad almost everywhere."""
_CHARSET = re.compile(r"(?i)(?:iso|windows|cp|koi|gb|big5|shift|sjis|euc|mac|utf|latin|us-ascii|tis)[\w.-]{0,20}")
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16: its mark starts with that of UTF-16 LE
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CONTROLS = bytes(set(range(32)) - {0, 8, 9, 10, 11, 12, 13, 26, 27})


def decode(content: bytes, declared: str | None = None) -> str:
    """Text of `content`; `declared` is the encoding the file itself names, if any.

    Raises:
        UnreadableDocument: "broken" where the bytes are no text.
    """
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return content[len(mark) :].decode(encoding, errors="replace")
    wide = _wide_encoding(content[:4_096])
    if wide:
        return content.decode(wide, errors="replace")
    _refuse_binary(content)
    content = content.replace(b"\0", b"")
    text = content.decode("utf-8", errors="replace")
    damaged = text.count("\ufffd")
    if damaged <= MAX_DAMAGED_SHARE * (len(content) - len(text)):
        return text
    if declared and _CHARSET.fullmatch(declared.strip()):
        try:
            return content.decode(declared.strip(), errors="replace")
        except (UnicodeError, LookupError):
            pass  # an encoding nobody knows: guess
    return _guess(content)


def _wide_encoding(head: bytes) -> str | None:
    """UTF-16 or UTF-32 without a mark, by where the NULs of Latin text and of line ends stand."""
    head = head[: len(head) // 4 * 4]
    if len(head) < 8 or head.count(0) < len(head) // 5:
        return None
    empty = [head[i::4].count(0) / (len(head) // 4) for i in range(4)]
    shapes = {
        "utf-32-be": (1, 1, 1, 0),
        "utf-32-le": (0, 1, 1, 1),
        "utf-16-be": (1, 0, 1, 0),
        "utf-16-le": (0, 1, 0, 1),
    }
    for encoding, shape in shapes.items():
        if all(share > 0.7 if full else share < 0.3 for share, full in zip(empty, shape, strict=True)):
            return encoding
    return None


def _refuse_binary(content: bytes) -> None:
    sample = content[:GUESS_BYTES]
    controls = len(sample) - len(sample.translate(None, _CONTROLS))
    if controls > max(4, MAX_CONTROL_SHARE * len(sample)) or sample.count(0) > 0.3 * len(sample):
        raise UnreadableDocument("broken", "holds bytes that are no text", "check what made the file, or rename it")


def _guess(content: bytes) -> str:
    sample = content[:GUESS_BYTES]
    best = from_bytes(sample, cp_exclusion=["utf_7", "utf_16", "utf_32"]).best() if sample else None
    encoding = best.encoding if best is not None else "cp1252"
    # few bytes beyond ASCII give the guesser nothing to hold on to; Western text is the likeliest
    beyond_ascii = len(sample) - len(sample.translate(None, bytes(range(128, 256))))
    if beyond_ascii < 4 and encoding not in ("utf_8", "ascii"):
        encoding = "cp1252"
    try:
        return content.decode(encoding)
    except (UnicodeDecodeError, LookupError):
        return content.decode("latin-1")


def read_plain(stream: BinaryIO, options: ReadOptions) -> Iterator[Part]:
    """A text file as one page."""
    text = clean_text(decode(stream.read()))
    yield Page(1, None, text, "text", tuple(plain_blocks(text, _plain_heading)))


def _plain_heading(at: int, lines: list[Line]) -> int:
    """Only what is obvious: a numbered or all-capitals short line that stands alone."""
    alone = (at == 0 or lines[at - 1].is_blank) and (at + 1 == len(lines) or lines[at + 1].is_blank)
    if not alone:
        return 0
    return numbered_level(lines[at].text) or (1 if is_capitals(lines[at].text) else 0)


def read_markdown(stream: BinaryIO, options: ReadOptions) -> Iterator[Part]:
    """A Markdown file as one page whose text is the file's own."""
    text = clean_text(decode(stream.read()))
    pairs, _ = front_matter(text)
    yield clean_about(pairs.get("title", ""), pairs.get("lang") or pairs.get("language"), pairs)
    yield Page(1, None, text, "text", tuple(markdown_blocks(text)))


def read_rtf(stream: BinaryIO, options: ReadOptions) -> Iterator[Part]:
    """Rich text as one page; a paragraph per block, cells of a table row between bars."""
    content = stream.read()
    if not content.lstrip().startswith(b"{\\rtf"):
        raise UnreadableDocument("broken", "is named as RTF but does not start as one")
    # RTF is ASCII with escapes; Latin-1 keeps every stray byte, and the \ansicpg inside decides what escapes mean
    text = rtf_to_text(content.decode("latin-1"), errors="replace")
    page = PageBuilder()
    rows: list[list[str]] = []
    for paragraph in re.split(r"\n+", clean_text(text)):
        if paragraph.count("|") > 1:
            rows.append(paragraph.strip().strip("|").split("|"))
            continue
        page.add_table(rows)
        rows = []
        page.add("text", paragraph)
    page.add_table(rows)
    yield page.page(1)
