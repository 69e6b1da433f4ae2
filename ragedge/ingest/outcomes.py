"""Files -> what came of each: parsed and cut into passages, or a row that says why not.

The sandbox reads a few files ahead in a thread of its own while the caller embeds, so that both cores of a small box
have work. Order is kept.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace

from ragedge.contracts import Chunk, Document, Embedder, ParsedFile, Reason
from ragedge.errors import UnreadableDocument, UnsupportedFile
from ragedge.index.store import FileRow
from ragedge.ingest.chunker import chunk_document
from ragedge.ingest.sandbox import Sandbox
from ragedge.ingest.scan import Found, look

AHEAD = 4
"""Files parsed ahead of the embedding."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """A file that came out of the sandbox, cut into passages; `replaces` is the path whose old version goes."""

    found: Found
    document: Document
    chunks: tuple[Chunk, ...]
    row: FileRow
    replaces: str | None


def outcomes(
    files: Iterable[tuple[Found, str | None]],
    sandbox: Sandbox,
    embedder: Embedder,
    chunk_tokens: int,
    titles: Mapping[str, str],
) -> Iterator[Parsed | FileRow]:
    """What came of each of `files` (file, path whose old version it replaces), in order. Closes the sandbox.

    `titles` are those that people gave to documents, by id; they go before what a file declares.
    """
    pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="read")
    ahead: deque[tuple[Found, str | None, Future[ParsedFile | FileRow]]] = deque()
    try:
        for found, replaces in files:
            ahead.append((found, replaces, pool.submit(_read, sandbox, found)))
            if len(ahead) > AHEAD:
                yield _cut(*ahead.popleft(), embedder, chunk_tokens, titles)
        while ahead:
            yield _cut(*ahead.popleft(), embedder, chunk_tokens, titles)
    finally:
        for _, _, future in ahead:
            future.cancel()
        sandbox.close()
        pool.shutdown(wait=True)


def row_of(found: Found) -> FileRow:
    """The row of a file of which nothing is known yet but its content."""
    return FileRow(found.path, found.size_bytes, found.mtime_ns, found.sha256, None)


def _rejected(found: Found, reason: Reason, detail: str) -> FileRow:
    return replace(row_of(found), reason=reason, detail=detail)


def _cut(
    found: Found,
    replaces: str | None,
    future: Future[ParsedFile | FileRow],
    embedder: Embedder,
    chunk_tokens: int,
    titles: Mapping[str, str],
) -> Parsed | FileRow:
    result = future.result()
    if isinstance(result, FileRow):
        return result
    document = Document(
        id=found.sha256[:16],
        path=found.path,
        title=titles.get(found.sha256[:16], result.title),
        media_type=result.media_type,
        size_bytes=found.size_bytes,
        language=result.language,
        metadata=dict(result.metadata),
        pages=result.pages,
    )
    chunks = chunk_document(document, token_spans=embedder.token_spans, max_tokens=chunk_tokens)
    if not chunks:
        return _rejected(found, "no_text", "the file holds no text")
    row = replace(row_of(found), document_id=document.id, problems=result.problems)
    return Parsed(found, document, chunks, row, replaces)


def _read(sandbox: Sandbox, found: Found) -> ParsedFile | FileRow:
    """Read one file, or say why not."""
    try:
        parsed = sandbox.read(found.absolute)
        if look(found.absolute, found.path).sha256 != found.sha256:
            return _rejected(replace(found, mtime_ns=-1), "unreadable", "the file changed while it was read; run again")
        return parsed
    except UnsupportedFile as error:
        return _rejected(found, "unsupported", error.message)
    except UnreadableDocument as error:
        detail = f"{error.message} ({error.hint})" if error.hint else error.message
        return _rejected(found, error.reason, detail)
    except OSError as error:
        return _rejected(replace(found, mtime_ns=-1), "unreadable", error.strerror or type(error).__name__)
