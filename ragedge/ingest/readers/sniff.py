"""What a file really is, by its first bytes, where its name and its content may differ.

Only a few signatures are looked at, each unmistakable. Text formats have none: they keep the kind their name gives
them, and bytes that are no text are refused later, when they are decoded.
"""

from __future__ import annotations

import zipfile
from typing import BinaryIO

from ragedge.errors import UnreadableDocument

HEAD_BYTES = 4_096
"""How much of a file is looked at; PDF readers accept their header within the first 1,024 bytes."""
SCAN_BYTES = 1 * 2**20
"""How far an Office file is searched for the name of its encrypted part, which stands in its directory."""
_PDF_WITHIN = 1_024
_ZIP_KINDS = {"docx", "pptx", "xlsx", "odt", "epub"}
_TEXT_KINDS = {"html", "xml", "markdown", "plain", "rtf", "csv", "json", "jsonl", "mail"}
_IMAGES = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"II*\0": "image/tiff",
    b"MM\0*": "image/tiff",
}
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED_PART = "EncryptedPackage".encode("utf-16-le")


def kind_of(head: bytes, stream: BinaryIO, named_kind: str) -> str:
    """The format's kind for an open file, "ole" for old binary Office.

    Raises:
        UnreadableDocument: "broken" where the content is of no kind that fits the name; "encrypted"; "no_text".
    """
    if not head:
        raise UnreadableDocument("no_text", "is empty (0 bytes)")
    if head.startswith(b"PK\x03\x04") or head.startswith(b"PK\x05\x06"):
        return _zip_kind(stream, named_kind)
    if head.startswith(_OLE):
        stream.seek(0)
        if _ENCRYPTED_PART in stream.read(SCAN_BYTES) or _ENCRYPTED_PART in _tail(stream):
            raise UnreadableDocument("encrypted", "is encrypted with a password", "save it without a password")
        return "ole"
    if image_type(head):
        return "image"
    if b"%PDF-" in head[:_PDF_WITHIN] and (named_kind != "mail" or head.startswith(b"%PDF-")):
        return "pdf"
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith(b"{\\rtf"):
        return "rtf"
    if named_kind in _TEXT_KINDS:
        return named_kind
    if start.startswith((b"<!doctype html", b"<html")):
        return "html"
    if named_kind == "pdf":
        return "pdf"  # some have junk before their header; the PDF reader decides
    raise UnreadableDocument("broken", f"is named as {named_kind} but holds something else")


def image_type(head: bytes) -> str:
    """Media type of a picture by its first bytes, "" where it is none."""
    return next((media_type for magic, media_type in _IMAGES.items() if head.startswith(magic)), "")


def _tail(stream: BinaryIO) -> bytes:
    size = stream.seek(0, 2)
    stream.seek(max(0, size - SCAN_BYTES))
    return stream.read(SCAN_BYTES)


def _zip_kind(stream: BinaryIO, named_kind: str) -> str:
    """By the parts a package must have; never by its name alone."""
    stream.seek(0)
    try:
        with zipfile.ZipFile(stream) as archive:
            names = {name.lstrip("/") for name in archive.namelist()}
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError) as error:
        raise UnreadableDocument("broken", "is a zip package that is damaged or cut off") from error
    for folder, kind in (("word/", "docx"), ("ppt/", "pptx"), ("xl/", "xlsx")):
        if any(name.lower().startswith(folder) for name in names):
            return kind
    if "META-INF/container.xml" in names:
        return "epub"
    if "content.xml" in names:
        return "odt"
    if named_kind in _ZIP_KINDS and names:
        return named_kind
    raise UnreadableDocument("broken", "is a zip archive without the parts of a document")
