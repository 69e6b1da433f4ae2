"""EML -> one page with the mail's head and text; attached files are handed on to the readers of their own kind.

The plain part is taken where there is one, the HTML part otherwise. Numbers and sizes of attachments are bounded. An
encrypted mail is refused: its armour is no text.
"""

from __future__ import annotations

import email
import email.policy
from collections.abc import Iterator
from email.message import EmailMessage, Message
from typing import BinaryIO, cast

from ragedge.contracts import Page, PageProblem, ReadOptions
from ragedge.errors import UnreadableDocument
from ragedge.ingest.readers.lines import plain_blocks
from ragedge.ingest.readers.parts import Attachment, PageBuilder, Part, clean_about, clean_text, one_line
from ragedge.ingest.readers.text import decode
from ragedge.ingest.readers.web import html_parts

MAX_ATTACHMENTS = 50
MAX_ATTACHMENT_BYTES = 64 * 2**20
"""All attachments of a mail together; mail servers take about 25-50 MB."""
MAX_PARTS = 2_000
_HEADERS = ("From", "To", "Cc", "Date", "Subject")
_ARMOUR = "-----BEGIN PGP MESSAGE-----"
_SUFFIXES = {
    "application/pdf": ".pdf", "text/csv": ".csv", "text/markdown": ".md", "application/json": ".json",
    "application/rtf": ".rtf", "text/rtf": ".rtf", "image/png": ".png", "image/jpeg": ".jpg", "image/tiff": ".tiff",
}  # fmt: skip


def read_mail(stream: BinaryIO, options: ReadOptions) -> Iterator[Part]:
    """A mail as one page, and its attachments."""
    content = stream.read()
    message = _parse(content)
    head = {name: _header(message, name) for name in _HEADERS}
    if not any(head.values()) and not _has_body(message):
        raise UnreadableDocument("no_text", "holds neither the head nor the text of a mail")
    yield clean_about(head["Subject"], None, {name.lower(): value for name, value in head.items()})
    bodies, attached = _sort(message)
    page = PageBuilder()
    page.add("text", "\n".join(f"{name}: {value}" for name, value in head.items() if value))
    for body in bodies:
        _add_body(page, body)
    yield page.page(1)
    spent = 0
    for count, part in enumerate(attached, start=1):
        name, data = _file(part, count)
        spent += len(data)
        if count > MAX_ATTACHMENTS or spent > MAX_ATTACHMENT_BYTES:
            yield PageProblem(None, "too_large", f"attachments from number {count} on were left out")
            return
        if data:
            yield Attachment(name, data)


def _parse(content: bytes) -> EmailMessage:
    if b"\0" in content[:200]:
        content = decode(content).encode("utf-8", errors="replace")  # UTF-16: mails are bytes of ASCII
    try:
        message = email.message_from_bytes(content, policy=email.policy.default)
    except RecursionError as error:
        raise UnreadableDocument("broken", "holds mails within mails beyond what is safe to read") from error
    if message.get_content_type() == "multipart/encrypted":
        raise UnreadableDocument(
            "encrypted", "is an encrypted mail", "decrypt it in the mail program and save it again"
        )
    return message


def _header(message: Message, name: str) -> str:
    """A header decoded; the standard library raises many types on damaged ones."""
    try:
        return one_line(str(message.get(name) or ""))
    except (ValueError, TypeError, LookupError, AttributeError, IndexError):
        raw = [value for key, value in message.raw_items() if key.lower() == name.lower()]
        return one_line(str(raw[0])) if raw else ""


def _has_body(message: Message) -> bool:
    payload = message.get_payload()
    return bool(payload) and (not isinstance(payload, str) or bool(payload.strip()))


def _sort(message: EmailMessage) -> tuple[list[Message], list[Message]]:
    """The parts that are the mail's text, and those that are files of their own."""
    bodies: list[Message] = []
    attached: list[Message] = []
    stack: list[Message] = [message]
    seen = 0
    while stack and seen < MAX_PARTS:
        part = stack.pop()
        seen += 1
        kind, main = part.get_content_type(), part.get_content_maintype()
        children = part.get_payload()
        if kind == "multipart/alternative" and isinstance(children, list):
            stack.append(_best(cast("list[Message]", children)))
        elif kind == "message/rfc822" and isinstance(children, list):
            attached.append(part)
        elif main == "multipart" and isinstance(children, list):
            stack.extend(reversed(cast("list[Message]", children)))
        elif kind in ("text/plain", "text/html") and not part.get_filename():
            bodies.append(part)
        elif kind != "application/pgp-signature" and not kind.endswith("pkcs7-signature"):
            attached.append(part)
    return bodies, attached


def _best(parts: list[Message]) -> Message:
    """Of several forms of the same text the plain one, if it holds any."""
    for part in parts:
        if part.get_content_type() == "text/plain" and _content(part).strip():
            return part
    return parts[-1] if parts else EmailMessage()


def _content(part: Message) -> str:
    payload = part.get_payload(decode=True)
    content = payload if isinstance(payload, bytes) else str(part.get_payload() or "").encode("utf-8", errors="replace")
    return decode(content, part.get_content_charset()) if content else ""


def _add_body(page: PageBuilder, part: Message) -> None:
    text = clean_text(_content(part))
    if text.lstrip().startswith(_ARMOUR):
        raise UnreadableDocument(
            "encrypted", "is an encrypted mail", "decrypt it in the mail program and save it again"
        )
    if part.get_content_type() == "text/html":
        for found in html_parts(text.encode("utf-8", errors="replace"), 1, None):
            if isinstance(found, Page):
                for block in found.blocks:
                    page.add(block.kind, found.text[block.start : block.end], block.level, block.has_header)
        return
    for block in plain_blocks(text, lambda at, lines: 0):
        page.add(block.kind, text[block.start : block.end])


def _file(part: Message, count: int) -> tuple[str, bytes]:
    """Name and bytes of an attachment; the name is only shown and never becomes a path."""
    kind = part.get_content_type()
    if kind == "message/rfc822":
        inner = part.get_payload()
        message = inner[0] if isinstance(inner, list) and inner else EmailMessage()
        return f"attached-{count}.eml", cast(Message, message).as_bytes()
    name = one_line(part.get_filename() or "").replace("/", "_")[:200]
    payload = part.get_payload(decode=True)
    if "." not in name:
        name = f"{name or f'attachment-{count}'}{_SUFFIXES.get(kind, '')}"
    return name, payload if isinstance(payload, bytes) else b""
