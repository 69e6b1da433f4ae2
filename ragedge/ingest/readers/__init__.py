"""File -> ParsedFile: which reader takes a file, by its name and by what is in it.

Readers are loaded on first use. Each is a generator of parts (`parts.Part`); here its parts are checked, counted and
put together, and whatever its library raises ends as `UnreadableDocument` with one of the documented reasons. Formats
that are known but not read (old binary Office, archives) are refused by name. Linux only: files are opened with
O_NOFOLLOW.
"""

from __future__ import annotations

import importlib
import io
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, cast

from ragedge.contracts import Page, PageProblem, ParsedFile, ReadOptions
from ragedge.errors import RagedgeError, UnreadableDocument, UnsupportedFile
from ragedge.ingest.readers.assembly import Assembly
from ragedge.ingest.readers.intake import explain, named, open_regular
from ragedge.ingest.readers.parts import About, Attachment, Parser, Part
from ragedge.ingest.readers.sniff import HEAD_BYTES, image_type, kind_of

__all__ = ["FORMATS", "SUPPORTED_SUFFIXES", "Format", "format_of", "read_file", "read_parts"]

MAX_DEPTH = 3
"""Files within files: a mail, its attached mail, the files attached to that, and no deeper."""


@dataclass(frozen=True, slots=True)
class Format:
    """One kind of file: the `Reader` Protocol over a parser that is loaded on first use."""

    kind: str
    suffixes: tuple[str, ...]
    media_type: str
    parser: str

    def parse(self, stream: BinaryIO, options: ReadOptions) -> Iterator[Part]:
        """Parts of an open file; raises whatever the library behind it raises."""
        module, _, function = self.parser.partition(":")
        parser = cast(Parser, getattr(importlib.import_module(f"{__name__}.{module}"), function))
        return parser(stream, options)

    def read(self, path: Path, options: ReadOptions) -> ParsedFile:
        """Read the file at `path` as this format, whatever its name.

        Raises:
            UnreadableDocument: with one of the documented reasons.
        """
        with open_regular(path) as stream:
            return _collect(_guarded(self, stream, path.name, options, MAX_DEPTH), path.name, self.media_type, options)


_OFFICE = "application/vnd.openxmlformats-officedocument"
FORMATS: tuple[Format, ...] = (
    Format("pdf", (".pdf",), "application/pdf", "pdf:read_pdf"),
    Format("docx", (".docx", ".docm", ".dotx"), f"{_OFFICE}.wordprocessingml.document", "office:read_docx"),
    Format("pptx", (".pptx", ".pptm", ".ppsx"), f"{_OFFICE}.presentationml.presentation", "slides:read_pptx"),
    Format("xlsx", (".xlsx", ".xlsm", ".xltx"), f"{_OFFICE}.spreadsheetml.sheet", "sheets:read_xlsx"),
    Format("odt", (".odt", ".ott"), "application/vnd.oasis.opendocument.text", "odt:read_odt"),
    Format("epub", (".epub",), "application/epub+zip", "epub:read_epub"),
    Format("html", (".html", ".htm", ".xhtml"), "text/html", "web:read_html"),
    Format("xml", (".xml",), "application/xml", "web:read_xml"),
    Format("markdown", (".md", ".markdown", ".mdown"), "text/markdown", "text:read_markdown"),
    Format("plain", (".txt", ".text", ".log", ".rst", ".org", ".adoc"), "text/plain", "text:read_plain"),
    Format("rtf", (".rtf",), "application/rtf", "text:read_rtf"),
    Format("csv", (".csv", ".tsv", ".tab"), "text/csv", "data:read_csv"),
    Format("json", (".json",), "application/json", "data:read_json"),
    Format("jsonl", (".jsonl", ".ndjson"), "application/x-ndjson", "data:read_jsonl"),
    Format("mail", (".eml",), "message/rfc822", "mail:read_mail"),
    Format("image", (".png", ".jpg", ".jpeg", ".tif", ".tiff"), "image/png", "ocr:read_image"),
)
SUPPORTED_SUFFIXES: tuple[str, ...] = tuple(suffix for entry in FORMATS for suffix in entry.suffixes)
_BY_SUFFIX = {suffix: entry for entry in FORMATS for suffix in entry.suffixes}
_BY_KIND = {entry.kind: entry for entry in FORMATS}
_OLD_OFFICE = {".doc": "docx", ".dot": "docx", ".xls": "xlsx", ".ppt": "pptx", ".pps": "pptx"}


def read_file(path: Path, options: ReadOptions) -> ParsedFile:
    """Read the file at `path` with the reader for its name and content.

    Raises:
        UnsupportedFile: no reader takes this kind of file.
        UnreadableDocument: with one of the documented reasons.
    """
    with open_regular(path) as stream:
        entry = format_of(path.name, stream)
        return _collect(_guarded(entry, stream, path.name, options, MAX_DEPTH), path.name, entry.media_type, options)


def read_parts(stream: BinaryIO, name: str, options: ReadOptions, depth: int = MAX_DEPTH) -> Iterator[Part]:
    """Parts of an open file, attachments resolved, pages numbered through; `name` is only its name.

    Raises:
        UnsupportedFile, UnreadableDocument: as `read_file`, while iterating.
    """
    return _guarded(format_of(name, stream), stream, name, options, depth)


def format_of(name: str, stream: BinaryIO) -> Format:
    """The format of an open file, by name and by its first bytes; leaves the stream at its start.

    Raises:
        UnsupportedFile: no reader takes this kind of file.
        UnreadableDocument: "broken" where name and content contradict each other.
    """
    suffix = Path(name).suffix.lower()
    entry = _BY_SUFFIX.get(suffix)
    if entry is None:
        raise UnsupportedFile(
            f'"{name}" is of a kind ({suffix or "no suffix"}) that is not read', _advice(suffix, name)
        )
    head = stream.read(HEAD_BYTES)
    stream.seek(0)
    try:
        kind = kind_of(head, stream, entry.kind)
    except UnreadableDocument as error:
        raise named(error, name) from error
    finally:
        stream.seek(0)
    if kind == "ole":
        raise UnsupportedFile(f'"{name}" is an old binary Office file', _advice(".doc", name))
    if kind == "image":
        return replace(_BY_KIND[kind], media_type=image_type(head))
    return _BY_KIND[kind]


def _advice(suffix: str, name: str) -> str:
    newer = _OLD_OFFICE.get(suffix)
    if newer:
        return f"save it in the newer format: soffice --headless --convert-to {newer} '{name}'"
    return "kinds that are read: " + " ".join(SUPPORTED_SUFFIXES)


def _guarded(entry: Format, stream: BinaryIO, name: str, options: ReadOptions, depth: int) -> Iterator[Part]:
    """The parser's parts, attachments read, pages numbered; every exception becomes one of ours and names the file."""
    count = 0
    try:
        for part in entry.parse(stream, options):
            is_attached = isinstance(part, Attachment)
            base, label = (count, part.name) if isinstance(part, Attachment) else (0, None)
            for inner in _attached(part, options, depth - 1) if isinstance(part, Attachment) else (part,):
                shifted = _shifted(inner, base, label) if is_attached else inner
                count = shifted.number if isinstance(shifted, Page) else count
                yield shifted
    except (UnreadableDocument, UnsupportedFile) as error:
        raise named(error, name) from error
    except RagedgeError:
        raise
    except Exception as error:
        raise named(explain(error), name) from error


def _attached(part: Attachment, options: ReadOptions, depth: int) -> Iterator[Part]:
    """Parts of a file within a file; what cannot be read of it is a problem of the outer file, no more."""
    if depth < 1:
        yield PageProblem(None, "unsupported", f'"{part.name}" lies too deep within other files')
        return
    try:
        for inner in read_parts(io.BytesIO(part.content), part.name, options, depth):
            if not isinstance(inner, About):
                yield inner
    except UnsupportedFile as error:
        yield PageProblem(None, "unsupported", error.message)
    except UnreadableDocument as error:
        yield PageProblem(None, error.reason, error.message)


def _shifted(part: Part, base: int, label: str | None) -> Part:
    """A part of an attachment as part of the file it came in."""
    if isinstance(part, Page):
        return replace(part, number=part.number + base, label=f"{label}, {part.label}" if part.label else label)
    if isinstance(part, PageProblem) and part.page is not None:
        return replace(part, page=part.page + base)
    return part


def _collect(parts: Iterator[Part], name: str, media_type: str, options: ReadOptions) -> ParsedFile:
    assembly = Assembly(options.max_chars)
    try:
        for part in parts:
            assembly.add(part)
        return assembly.finish(name, media_type)
    except UnreadableDocument as error:
        raise named(error, name) from error
