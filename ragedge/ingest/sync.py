"""Verb: makes an index hold exactly what a folder holds, doing no work for what has not changed.

Files are parsed in the sandbox one ahead of the embedding, passages are embedded in batches across files, and each file
becomes visible whole. What `on_progress` has reported as done is on disk: a stop at any moment, also by kill -9, loses
nothing of it, and the next run goes on. One bad file costs itself a row in the report, never the run.
"""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

import numpy as np

from ragedge.contracts import Embedder
from ragedge.errors import NotFound
from ragedge.index.records import Details
from ragedge.index.store import FileRow, Index, NewDocument
from ragedge.ingest.again import INCOMING, Again, adopt_details
from ragedge.ingest.chunker import passage_text
from ragedge.ingest.outcomes import Parsed, outcomes, row_of
from ragedge.ingest.progress import Progress, SyncReport
from ragedge.ingest.sandbox import Sandbox
from ragedge.ingest.scan import UPLOADS, Found, Known, Plan, claim_folder, look, plan

BATCH_CHUNKS = 64
"""Passages embedded at once: large enough to fill the cores, small enough to show progress often."""

BATCH_FILES = 50
"""Most files that become visible in one transaction; with one-passage files the disk's sync is what costs."""

BATCH_SECONDS = 10.0
"""Longest time that parsed files wait to be written; what a power cut can cost."""


class Sync:
    """Keeps one index in step with one folder, and takes single files from elsewhere."""

    def __init__(
        self,
        index: Index,
        embedder: Embedder,
        make_sandbox: Callable[[], Sandbox],
        *,
        chunk_tokens: int,
    ) -> None:
        self.index = index
        self.embedder = embedder
        self.make_sandbox = make_sandbox
        self.chunk_tokens = chunk_tokens
        self._one_run = threading.Lock()

    def run(
        self,
        folder: Path,
        *,
        retry: bool = False,
        on_progress: Callable[[Progress], None] = lambda progress: None,
        is_stopped: Callable[[], bool] = lambda: False,
    ) -> SyncReport:
        """Bring the index in step with `folder`.

        Raises:
            InputError: `folder` is no folder.
            IndexFolderError: the index belongs to another folder.
            DiskFull: no room; what was reported as done stays.
        """
        with self._one_run:
            claim_folder(self.index.folder, folder)
            run = _Run(self, on_progress, is_stopped)
            return run.all(folder, retry=retry)

    def add_file(self, path: Path, name: str) -> FileRow:
        """Take one file from outside the folder under `name`, with folders before it or without; returns its row,
        rejected or not."""
        with self._one_run:
            target = UPLOADS + _inside(name)
            found = look(path, target)
            rows = self.index.files()
            holder = next((r for r in rows.values() if r.sha256 == found.sha256 and r.document_id), None)
            if holder is not None:
                row = replace(row_of(found), document_id=holder.document_id)
                if holder.path != target:
                    self.index.put_files([row])
                return row
            run = _Run(self, lambda progress: None, lambda: False)
            run.work([(found, target if target in rows else None)])
            return self.index.files()[target]

    @property
    def upload_folder(self) -> Path:
        """Where a file may lie while it is received: on the index's own disk."""
        return self.index.folder / INCOMING

    def adopt_uploads(self, old: Index) -> None:
        """Read again what was uploaded to `old`, from the copies it keeps, and say of documents what was said there."""
        for row in old.files().values():
            if row.path.startswith(UPLOADS) and row.document_id is not None:
                name = row.path.removeprefix(UPLOADS)
                with tempfile.TemporaryDirectory() as folder:
                    copy = Path(folder) / Path(name).name  # the kept one has no suffix, and readers need it
                    shutil.copyfile(old.source(row.document_id), copy)
                    self.add_file(copy, name)
        adopt_details(self.index, self._again(), old.all_details())

    def read_again(self, path: str) -> FileRow:
        """Read one file of the index anew; see `Again.read`."""
        with self._one_run:
            return self._again().read(path)

    def read_each(self, paths: Sequence[str], tell: Callable[[str], None]) -> dict[str, str]:
        """Read some documents anew; see `Again.read_each`."""
        with self._one_run:
            return self._again().read_each(paths, tell)

    def replace(self, path: str, file: Path) -> FileRow:
        """Let another file take the place of one of the index; see `Again.replace`."""
        with self._one_run:
            return self._again().replace(path, file)

    def describe(self, document_id: str, details: Details) -> None:
        """Keep what people say of a document; see `Again.describe`."""
        with self._one_run:
            self._again().describe(document_id, details)

    def _again(self) -> Again:
        return Again(self.index, self.embedder, self.make_sandbox, self.chunk_tokens)

    def remove(self, path: str) -> None:
        """Take a file out of the index; a later run over its folder would bring it back.

        Raises:
            NotFound: the index holds no such file.
        """
        with self._one_run:
            if path not in self.index.files():
                raise NotFound(f'there is no file "{path}" in this index', "list them: ragedge index info --files")
            self.index.forget([path])


def _inside(name: str) -> str:
    """A name that leads nowhere but below the folder of uploads."""
    return "/".join(part for part in PurePosixPath(name).parts if part not in ("/", "..")) or Path(name).name


class _Run:
    """One pass; holds the counters that progress is made of."""

    def __init__(self, sync: Sync, on_progress: Callable[[Progress], None], is_stopped: Callable[[], bool]) -> None:
        self.sync = sync
        self.index = sync.index
        self.report = SyncReport()
        self.on_progress = on_progress
        self.is_stopped = is_stopped
        self.started = time.monotonic()
        self.files_total = self.files_done = self.bytes_total = self.bytes_done = 0

    def all(self, folder: Path, *, retry: bool) -> SyncReport:
        """Plan, move, forget, then read what is new."""
        rows = self.index.files()
        known = {p: Known(r.size_bytes, r.mtime_ns, r.sha256, r.reason is not None) for p, r in rows.items()}
        todo = plan(folder, known, retry=retry, on_look=lambda n: self._tell("scan", "") if n % 200 == 0 else None)
        self._cheap(todo, rows)
        work = [(found, None) for found in todo.new] + [(found, found.path) for found in todo.changed]
        self.work(sorted(work, key=lambda item: item[0].path))
        self._duplicates(todo)
        self.report.unchanged = len(todo.unchanged) + len(todo.touched)
        after = self.index.files()
        self.report.rejected = [row for row in after.values() if row.reason is not None]
        self.report.partial = [row for row in after.values() if row.reason is None and row.problems]
        read = {row.path: row.sha256 for row in after.values() if row.reason is None}
        self.report.added = [f.path for f in todo.new if read.get(f.path) == f.sha256]
        self.report.changed = [f.path for f in todo.changed if read.get(f.path) == f.sha256]
        self.report.seconds = time.monotonic() - self.started
        return self.report

    def _cheap(self, todo: Plan, rows: dict[str, FileRow]) -> None:
        """Everything that needs no reading."""
        for old, found in todo.renamed:
            self.index.rename(old, replace(rows[old], path=found.path, mtime_ns=found.mtime_ns))
            self.report.renamed.append((old, found.path))
        if todo.removed:
            self.index.forget(todo.removed)
            self.report.removed = todo.removed
        touched = [replace(rows[found.path], mtime_ns=found.mtime_ns) for found in todo.touched if found.mtime_ns >= 0]
        unreadable = [FileRow(p, 0, -1, "", None, "unreadable", why, ()) for p, why in todo.unreadable]
        if touched or unreadable:
            self.index.put_files([*touched, *unreadable])

    def _duplicates(self, todo: Plan) -> None:
        """Files with content that is already there: a row that points to it (or shares its rejection)."""
        rows = self.index.files()
        copies = []
        for holder, found in todo.duplicates:
            if holder in rows:
                copies.append(replace(rows[holder], path=found.path, mtime_ns=found.mtime_ns))
                self.report.duplicates.append((found.path, holder))
        if copies:
            self.index.put_files(copies)

    def work(self, files: Sequence[tuple[Found, str | None]]) -> None:
        """Read, cut, embed and store files; `files` are (file, path whose old version it replaces)."""
        if not files:
            return
        self.files_total = len(files)
        self.bytes_total = sum(max(found.size_bytes, 1) for found, _ in files)
        self._tell("read", "")
        batch: list[Parsed] = []
        rejected: list[FileRow] = []
        since = time.monotonic()
        for outcome in outcomes(
            files, self.sync.make_sandbox(), self.sync.embedder, self.sync.chunk_tokens, self._titles()
        ):
            if isinstance(outcome, FileRow):
                rejected.append(outcome)
            else:
                batch.append(outcome)
            chunks = sum(len(parsed.chunks) for parsed in batch)
            full = chunks >= BATCH_CHUNKS or len(batch) + len(rejected) >= BATCH_FILES
            if full or time.monotonic() - since > BATCH_SECONDS:
                self._store(batch, rejected)
                batch, rejected, since = [], [], time.monotonic()
            if self.is_stopped():
                self.report.was_stopped = True
                break
        self._store(batch, rejected)

    def _titles(self) -> dict[str, str]:
        return {key: given.title for key, given in self.index.all_details().items() if given.title}

    def _store(self, batch: list[Parsed], rejected: list[FileRow]) -> None:
        """Embed and write a batch; only then count it as done."""
        if rejected:
            self.index.put_files(rejected)  # an earlier version of a file that can no longer be read goes with it
            self._done(rejected)
        if not batch:
            return
        vectors = self._embed(batch)
        documents, start = [], 0
        for parsed in batch:
            end = start + len(parsed.chunks)
            documents.append(
                NewDocument(
                    parsed.document,
                    parsed.chunks,
                    vectors[start:end],
                    parsed.row,
                    parsed.found.absolute,
                    parsed.replaces,
                )
            )
            start = end
        self.index.put(documents)
        self.report.pages += sum(len(parsed.document.pages) for parsed in batch)
        self.report.chunks += len(vectors)
        self._done([parsed.row for parsed in batch])

    def _embed(self, batch: list[Parsed]) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
        texts = [passage_text(parsed.document.title, chunk) for parsed in batch for chunk in parsed.chunks]
        size = sum(max(parsed.found.size_bytes, 1) for parsed in batch)
        parts = []
        for start in range(0, len(texts), BATCH_CHUNKS):
            part = texts[start : start + BATCH_CHUNKS]
            parts.append(self.sync.embedder.embed_passages(part))
            share = min(start + len(part), len(texts)) / len(texts)
            self._tell("embed", batch[-1].found.path, extra=int(size * share), chunks=start + len(part))
        return np.concatenate(parts)

    def _done(self, rows: Sequence[FileRow]) -> None:
        self.files_done += len(rows)
        self.bytes_done += sum(max(row.size_bytes, 1) for row in rows)
        self._tell("done", rows[-1].path)

    def _tell(self, stage: str, path: str, *, extra: int = 0, chunks: int = 0) -> None:
        self.on_progress(
            Progress(
                stage,
                path,
                self.files_done,
                self.files_total,
                self.bytes_done + extra,
                self.bytes_total,
                self.report.chunks + chunks,
                time.monotonic() - self.started,
            )
        )
