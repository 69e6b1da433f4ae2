"""One document anew: read again from the copy that the index keeps, replaced by another file, or given another title.

Unlike a run over a folder, nothing here takes a document away because its file cannot be read: what is there stays, and
the caller is told. Titles are part of what is embedded, so another title means other vectors; the text is not read
again for it.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from ragedge.contracts import Chunk, Document, Embedder
from ragedge.errors import InputError, NotFound, UnreadableDocument
from ragedge.index.records import Details
from ragedge.index.store import FileRow, Index, NewDocument
from ragedge.ingest.chunker import chunk_document, passage_text
from ragedge.ingest.outcomes import outcomes, row_of
from ragedge.ingest.sandbox import Sandbox
from ragedge.ingest.scan import UPLOADS, Found, followed_folder, look

INCOMING = "incoming"
"""Folder of an index for files that are being received."""

_AT_ONCE = 64  # passages embedded in one call, as in a run over a folder


@dataclass(frozen=True, slots=True)
class Again:
    """Changes single documents of `index`; the caller sees to it that nothing else writes meanwhile."""

    index: Index
    embedder: Embedder
    make_sandbox: Callable[[], Sandbox]
    chunk_tokens: int

    def read(self, path: str) -> FileRow:
        """Read a file of the index anew: its kept copy, or where none is kept the file in the followed folder.

        Raises:
            NotFound: there is no such file, or nothing to read it from.
            UnreadableDocument: it gives no text; a document stays as it was.
        """
        row = self.index.files().get(path)
        if row is None:
            raise NotFound(f'there is no file "{path}" in this index', "list them: ragedge index info --files")
        with self._file_of(row) as found:
            return self._take(found, path, keeps=row.document_id is not None)

    def read_each(self, paths: Sequence[str], tell: Callable[[str], None]) -> dict[str, str]:
        """Read documents anew from their kept copies, with one start of the readers; `tell` is given each that is done.

        Returns path -> why, for those that stay as they were.
        """
        failed: dict[str, str] = {}
        rows = self.index.files()
        with self._room() as folder:

            def copies() -> Iterator[tuple[Found, str | None]]:
                for number, path in enumerate(paths):
                    row = rows.get(path)
                    if row is None or row.document_id is None:
                        failed[path] = "it is no document any more"
                        continue
                    copy = folder / str(number) / PurePosixPath(path).name
                    copy.parent.mkdir()
                    try:
                        shutil.copyfile(self.index.source(row.document_id), copy)
                    except NotFound as error:
                        failed[path] = error.message
                        continue
                    yield Found(path, copy, row.size_bytes, row.mtime_ns, row.sha256), path

            results = outcomes(copies(), self.make_sandbox(), self.embedder, self.chunk_tokens, self._titles())
            for outcome in results:
                if isinstance(outcome, FileRow):
                    failed[outcome.path] = f"{outcome.detail or outcome.reason}; the document stays as it was"
                    tell(outcome.path)
                else:
                    found = outcome.found
                    self._put(outcome.document, outcome.chunks, outcome.row, found.absolute, found.path)
                    shutil.rmtree(found.absolute.parent)
                    tell(found.path)
        return failed

    def replace(self, path: str, file: Path) -> FileRow:
        """Let another file take the place of an upload known as `path`, under that name (with its own ending).

        `file` lies in a folder of the caller's and may be renamed there.

        Raises:
            NotFound: there is no such file.
            InputError: it came out of the followed folder, whose next reading would bring it back; or with its own
                ending the file would take the place of a second one.
            UnreadableDocument: it gives no text; what was there stays.
        """
        if path not in self.index.files():
            raise NotFound(f'there is no file "{path}" in this index', "list them: ragedge index info --files")
        target = str(PurePosixPath(path).with_suffix(file.suffix.lower()))
        if not path.startswith(UPLOADS):
            folder = followed_folder(self.index.folder) or "the folder that it came from"
            raise InputError(f'"{path}" lies in {folder}', "replace the file there, and read the folder again")
        if target != path and target in self.index.files():
            raise InputError(f'there is another "{target}" already', "remove it first, or send the same kind of file")
        found = look(file.rename(file.with_name(PurePosixPath(target).name)), target)
        holder = next((r for r in self.index.files().values() if r.sha256 == found.sha256 and r.document_id), None)
        if holder is not None:
            row = replace(row_of(found), document_id=holder.document_id)
            self.index.put_files([row])
            if target != path:
                self.index.forget([path])
            return row
        return self._take(found, path, keeps=True)

    def describe(self, document_id: str, details: Details) -> None:
        """Keep what is said of a document, and make its title part of its passages.

        Raises:
            NotFound: there is no such document.
            UnreadableDocument: its own title is wanted back, and its file cannot be read any more.
        """
        before = self.index.details(document_id).title
        self.index.describe(document_id, details)
        if details.title == before:
            return
        info = self.index.document(document_id)
        if details.title is None:
            self.read(info.path)
            return
        row = replace(self.index.files()[info.path], problems=info.problems)  # that of a second name has none
        document = replace(self.index.whole_document(document_id), title=details.title)
        try:
            source: Path | None = self.index.source(document_id)
        except NotFound:
            source = None
        self._put(document, self._cut(document), row, source)

    @contextmanager
    def _file_of(self, row: FileRow) -> Iterator[Found]:
        """The bytes of a file, under a name with its own ending: readers go by that."""
        if row.document_id is not None:
            with self._room() as folder:
                copy = folder / PurePosixPath(row.path).name
                shutil.copyfile(self.index.source(row.document_id), copy)
                yield Found(row.path, copy, row.size_bytes, row.mtime_ns, row.sha256)
            return
        folder_of = followed_folder(self.index.folder)
        file = None if folder_of is None else Path(folder_of) / row.path
        if file is None or not file.is_file() or file.is_symlink():
            raise NotFound(f'no copy of "{row.path}" is kept, as it gave no text', "add the file once more")
        yield look(file, row.path)

    @contextmanager
    def _room(self) -> Iterator[Path]:
        """A folder for copies: on the index's own disk, since /tmp is memory on small boards."""
        incoming = self.index.folder / INCOMING
        incoming.mkdir(exist_ok=True)
        # as an upload is called: what a power cut leaves of either is deleted at the next start
        with tempfile.TemporaryDirectory(prefix="upload-", dir=incoming) as folder:
            yield Path(folder)

    def _take(self, found: Found, replaces: str, *, keeps: bool) -> FileRow:
        files = [(found, replaces)]
        (outcome,) = outcomes(files, self.make_sandbox(), self.embedder, self.chunk_tokens, self._titles())
        if not isinstance(outcome, FileRow):
            self._put(outcome.document, outcome.chunks, outcome.row, found.absolute, replaces)
            return outcome.row
        if not keeps:
            self.index.put_files([outcome])
        kept = "; the document stays as it was" if keeps else ""
        raise UnreadableDocument(outcome.reason or "unreadable", f"{outcome.detail or 'it gave no text'}{kept}")

    def _titles(self) -> dict[str, str]:
        return {key: given.title for key, given in self.index.all_details().items() if given.title}

    def _cut(self, document: Document) -> tuple[Chunk, ...]:
        return chunk_document(document, token_spans=self.embedder.token_spans, max_tokens=self.chunk_tokens)

    def _put(
        self, document: Document, chunks: tuple[Chunk, ...], row: FileRow, source: Path | None,
        replaces: str | None = None,
    ) -> None:  # fmt: skip
        vectors = self._embed(document.title, chunks)
        self.index.put([NewDocument(document, chunks, vectors, row, source, replaces)])

    def _embed(self, title: str, chunks: tuple[Chunk, ...]) -> NDArray[np.float32]:
        texts = [passage_text(title, chunk) for chunk in chunks]
        parts = [self.embedder.embed_passages(texts[i : i + _AT_ONCE]) for i in range(0, len(texts), _AT_ONCE)]
        return np.concatenate(parts)


def adopt_details(index: Index, again: Again, old: Mapping[str, Details]) -> None:
    """Say of the documents of a new index what was said of the same ones in the old."""
    here = {info.id for info in index.documents()}
    for document_id, details in old.items():
        if document_id in here:
            again.describe(document_id, details)
