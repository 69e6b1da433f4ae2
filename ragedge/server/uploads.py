"""A file out of a multipart request onto the index's disk, bounded and under a harmless name.

The body is parsed while it arrives and written to a temporary file beside the index, so that neither memory nor /tmp
(often memory on small boards) has to hold it. The name that the sender gave is only ever a label: reduced to its last
part, without control characters, inside a folder of our own naming.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import unicodedata
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import anyio.to_thread
from multipart import (  # type: ignore[import-untyped]
    MultipartError,
    MultipartSegment,
    PushMultipartParser,
    parse_options_header,
)

from ragedge.errors import InputError, TooLarge, UnsupportedFile

#: Bytes collected before a thread writes them: few switches, little memory.
_WRITE_BYTES = 1_048_576
#: Boundaries, part headers and small fields around the file.
_OVERHEAD_BYTES = 16_384
#: File systems end at 255 bytes; this leaves room for what is added to the name.
_NAME_BYTES = 180
#: Folders before a name; deeper ones are left out from the top.
_MOST_FOLDERS = 8
_PREFIX = "upload-"
_FORBIDDEN = re.compile(r'[<>:"|?*]')
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


def safe_name(name: str) -> str:
    """The last part of `name`, NFC, without control and direction characters, leading dots or names that Windows
    reserves.

    Raises:
        InputError: nothing is left.
    """
    text = unicodedata.normalize("NFC", name.encode("utf-8", "replace").decode("utf-8"))
    text = re.split(r"[/\\]", text)[-1]
    text = "".join(c for c in text if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp"))
    text = _FORBIDDEN.sub("_", text).strip().lstrip(". ").rstrip(". ")
    if _RESERVED.fullmatch(text):
        text = "_" + text
    stem, suffix = Path(text).stem, Path(text).suffix
    suffix = suffix.encode()[:20].decode("utf-8", "ignore")
    text = stem.encode()[: _NAME_BYTES - len(suffix.encode())].decode("utf-8", "ignore") + suffix
    if not text:
        raise InputError("the file has no name", "give it one that ends in .pdf, .docx, ..")
    return text


def safe_folder(path: str) -> str:
    """A folder as a browser names it, part by part as `safe_name`; at most `_MOST_FOLDERS` of them, the last ones.

    Raises:
        InputError: a part of it is nothing that a folder can be called.
    """
    parts = [part for part in re.split(r"[/\\]", path) if part.strip(". ")]
    return "/".join(safe_name(part) for part in parts[-_MOST_FOLDERS:])


def discard_upload(path: Path) -> None:
    """Delete a received file with the folder made for it."""
    shutil.rmtree(path.parent, ignore_errors=True)


def clear_uploads(folder: Path) -> None:
    """Delete what a power cut left of earlier uploads."""
    for path in folder.glob(f"{_PREFIX}*"):
        shutil.rmtree(path, ignore_errors=True)


async def receive_file(
    stream: AsyncIterator[bytes], content_type: str, *, folder: Path, max_bytes: int, suffixes: tuple[str, ...]
) -> tuple[Path, str]:
    """The one file of a multipart body as (temporary path, safe name); the caller hands the path to `discard_upload`.

    The file bears its safe name in a folder of its own: where a file has no title, readers take its name for one.

    Raises:
        InputError: not one file in the field "file", or a broken body.
        TooLarge: more than `max_bytes`.
        UnsupportedFile: not multipart, or a suffix that no reader takes.
    """
    kind, options = parse_options_header(content_type)
    boundary = options.get("boundary", "")
    if kind != "multipart/form-data" or not boundary:
        raise UnsupportedFile("a file is sent as a form", "send multipart/form-data with the file in the field 'file'")
    target = _Target(folder, max_bytes, suffixes)
    received = 0
    try:
        parser = PushMultipartParser(boundary, max_segment_count=4)
        async for block in stream:
            received += len(block)
            if received > max_bytes + _OVERHEAD_BYTES:
                raise _too_large(max_bytes)
            if block and not parser.closed:
                target.take(parser.parse(block))
                if target.waiting >= _WRITE_BYTES:
                    await anyio.to_thread.run_sync(target.flush)
        parser.close()
        await anyio.to_thread.run_sync(target.flush)
        return target.result()
    except MultipartError as error:
        target.discard()
        raise InputError("the form cannot be read", "send one file in the field 'file'") from error
    except BaseException:
        target.discard()
        raise
    finally:
        target.close()


def _too_large(max_bytes: int) -> TooLarge:
    return TooLarge(
        f"the file has more than {max_bytes} bytes",
        "split it, put it into the folder for `ragedge ingest`, or raise max_upload_bytes under [server] in the config",
    )


class _Target:
    """The temporary file, fed with a multipart parser's events."""

    def __init__(self, folder: Path, max_bytes: int, suffixes: tuple[str, ...]) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._suffixes = suffixes
        self._name: str | None = None
        self._path: Path | None = None
        self._descriptor: int | None = None
        self._size = 0
        self._is_inside = False
        self._blocks: list[bytes] = []
        self.waiting = 0

    def take(self, events: Iterator[MultipartSegment | bytearray | bytes | None]) -> None:
        for event in events:
            if event is None:
                self._is_inside = False
            elif isinstance(event, MultipartSegment):
                self._begin(event)
            elif self._is_inside:
                self._size += len(event)
                if self._size > self._max_bytes:
                    raise _too_large(self._max_bytes)
                self._blocks.append(bytes(event))
                self.waiting += len(event)

    def _begin(self, segment: MultipartSegment) -> None:
        if segment.name != "file" or segment.filename is None:
            return
        if self._name is not None:
            raise InputError("there is more than one file in the form", "send one file at a time")
        self._name = safe_name(segment.filename)
        suffix = Path(self._name).suffix.lower()
        if self._suffixes and suffix not in self._suffixes:
            raise UnsupportedFile(f'no reader takes "{self._name}"', "these are read: " + " ".join(self._suffixes))
        self._path = self._folder / f"{_PREFIX}{secrets.token_hex(8)}" / self._name
        self._is_inside = True

    def flush(self) -> None:
        """Write what has come; opens the file at the first time."""
        if self._path is None:
            return
        if self._descriptor is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._descriptor = os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        for block in self._blocks:
            view = memoryview(block)
            while view:
                view = view[os.write(self._descriptor, view) :]
        self._blocks.clear()
        self.waiting = 0

    def result(self) -> tuple[Path, str]:
        if self._path is None or self._name is None:
            raise InputError("there is no file in the form", "send it in the field 'file'")
        return self._path, self._name

    def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def discard(self) -> None:
        if self._path is not None:
            discard_upload(self._path)
