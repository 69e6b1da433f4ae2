"""Verbs `ragedge index list|info|check|rebuild|remove`: look after the folders under indexes/.

They open an index as it is, whatever the config says, so that an index made with other settings can still be looked at,
repaired and removed.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from ragedge.errors import IndexCorrupt, RagedgeError
from ragedge.gate_file import own_gate
from ragedge.index.store import Index
from ragedge.index.swap import DAMAGED_SUFFIX, FRESH_SUFFIX, OLD_SUFFIX
from ragedge.journal import remove_journal
from ragedge.portion import Sorting
from ragedge.search.collections import Collections
from ragedge.terminal import plain, size


def show_list(folder: Path, out: TextIO) -> int:
    """A line per index below `folder`."""
    names = sorted(p.name for p in folder.iterdir() if (p / "manifest.json").is_file()) if folder.is_dir() else []
    names = [name for name in names if not name.endswith((FRESH_SUFFIX, OLD_SUFFIX, DAMAGED_SUFFIX))]
    for name in names:
        try:
            with Index.open(folder / name, None) as index:
                counts = index.counts()
            line = f"{counts.documents:,} documents, {counts.pages:,} pages, {counts.chunks:,} passages"
        except RagedgeError as error:
            line = plain(error.message)
        print(f"{name:<20} {size(_bytes(folder / name)):>9}  {line}", file=out)
    if not names:
        print("no index yet; make one: ragedge ingest FOLDER", file=out)
    return 0


def show_info(folder: Path, out: TextIO, *, files: bool, collections: Collections | None = None) -> int:
    """What one index holds and what it was made with, and the config's collections of it."""
    with Index.open(folder, None) as index:
        counts, settings, rows = index.counts(), index.settings, index.files()
        print(f"index       {folder.name} ({size(_bytes(folder))})", file=out)
        print(
            f"holds       {counts.documents:,} documents, {counts.pages:,} pages, {counts.chunks:,} passages", file=out
        )
        rejected = [row for row in rows.values() if row.reason is not None]
        print(f"files       {len(rows):,} seen, {len(rejected):,} not readable", file=out)
        print(f"embedder    {settings.embedder_id}, {settings.dimension} dimensions", file=out)
        print(f"passages    up to {settings.chunk_tokens} tokens", file=out)
        print(f"vectors by  {index.vector_engine}", file=out)
        print(f"gate        {_gate_line(index)}", file=out)
        for line in _collection_lines(index, collections):
            print(line, file=out)
        for row in sorted(rows.values(), key=lambda row: row.path) if files else rejected:
            state = row.reason or "ready"
            print(f"  {state:<13} {plain(row.path)}  {plain(row.detail)}".rstrip(), file=out)
    return 0


def _collection_lines(index: Index, collections: Collections | None) -> Iterator[str]:
    """A line per collection: how much is in it, and who may read it."""
    if collections is None or not collections.are_configured:
        return
    readers = {"guest": "everybody", "visitor": "who has a key", "curator": "curators and owners"}
    counts = Sorting(index, collections).counts()
    for number, part in enumerate(collections.all):
        name = f"{part.name} ({part.title})" if part.title else part.name
        head = "collections " if not number else " " * 12
        yield f"{head}{plain(name)}: {counts[part.name]:,} documents, for {readers[part.readers]}"


def _gate_line(index: Index) -> str:
    """Where the bars of answered and refused come from."""
    gate, note = own_gate(index)
    if gate is None:
        return note or f"as shipped; fit it to these documents: ragedge index calibrate {index.folder.name}"
    refused = [f"{share:.0%}" for answered, share in gate.curve if answered == 0.9]
    curve = f"; refuses {refused[0]} of the others where 90% are answered" if refused else ""
    golden = f" ({gate.golden} golden)" if gate.golden else ""
    return (
        f"calibrated {gate.made_at[:10]} for {gate.target:.0%} answered, on {gate.answerable} answerable{golden} and "
        f"{gate.unanswerable} other questions{curve}"
    )


def check(folder: Path, out: TextIO) -> int:
    """Look for damage; exit code of `IndexCorrupt` where there is some."""
    with Index.open(folder, None) as index:
        problems = index.check()
    for problem in problems:
        print(problem, file=out)
    if problems:
        print(f"mend what can be mended: ragedge index rebuild {folder.name}", file=out)
        return IndexCorrupt.exit_code
    print("sound: text, vectors and copies agree", file=out)
    return 0


def rebuild(folder: Path, out: TextIO) -> int:
    """Make the derived parts again from the catalog; nothing is embedded."""
    with Index.open(folder, None, mode="write") as index:
        index.rebuild()
        print(f"rebuilt: {index.counts().chunks:,} passages", file=out)
    return 0


def remove(folder: Path, out: TextIO, *, journal: Path) -> int:
    """Delete an index and the journal of what it was asked; refused while another process uses it."""
    Index.remove(folder)
    remove_journal(journal)
    print(f'removed "{folder.name}"', file=out)
    return 0


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
