"""Does a Chroma folder hold what the catalog says? Asked in a process of its own.

A damaged folder can crash, hang or fill the memory of whoever opens it (seen: segmentation faults, endless hangs,
runaway files), so the question is put to a child with limits of time, memory and size:
`python -m ragedge.index.verify CATALOG FOLDER DIMENSION` prints one line of JSON.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import ragedge
from ragedge.index.catalog import Catalog
from ragedge.index.vectors import BATCH_ROWS, MAX_NEIGHBORS, ChromaVectors

# Chroma keeps about 1.6 times the bytes of the vectors, and bookkeeping of ~200 bytes a row; more is a runaway file.
_BYTES_PER_ROW = 4_096
_BASE_BYTES = 64 << 20
_LINKS_BYTES_PER_ROW = 1_024  # of link_lists.bin: upper layers of the graph, which hold few rows
_HEADER_BYTES = 100  # of hnswlib's header.bin
_MEMORY_BYTES = 4 << 30  # address space: native libraries reserve ~1.5 GiB before anything is loaded
_SECONDS = 30.0  # a slow board needs seconds to import chromadb alone
_SECONDS_PER_ROW = 0.01
_PROBES = 300  # stored vectors that must find themselves: a graph cut in two shows in a few of them
_TOLERANCE = 1e-5  # Chroma gives back the floats it was given
_PROBE_TOLERANCE = 1e-4  # cosine of a vector with itself, as Chroma's float32 arithmetic gives it
_MAX_DIFFERENCES = 1_000  # more are not repaired one by one


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a folder differs from the catalog: chunk ids to `upsert` and to `delete`; `is_usable` False: make it anew.

    `lost_share` is the share of the probed vectors that did not find themselves.
    """

    is_usable: bool
    upsert: tuple[str, ...] = ()
    delete: tuple[str, ...] = ()
    lost_share: float = 0.0


def has_sane_sizes(folder: Path, rows: int, dimension: int) -> bool:
    """Whether the files of the folder, by their sizes, can be those of about `rows` vectors; nothing is opened.

    Deleted entries stay in the files for a while, hence room for several times the living rows. hnswlib reads files
    that are a few bytes short into memory it never set, which no look at the result reveals for sure.
    """
    row_bytes = _BYTES_PER_ROW + 16 * dimension
    sizes: dict[str, int] = {}
    for path in folder.rglob("*"):
        limit = rows * row_bytes + _BASE_BYTES
        if path.name == "link_lists.bin":
            limit = rows * _LINKS_BYTES_PER_ROW + (1 << 20)
        if path.is_symlink() or (path.is_file() and path.stat().st_size > limit):
            return False
        sizes[path.name] = path.stat().st_size
    if "header.bin" not in sizes:  # no graph was written down yet
        return True
    # One record: a count and twice the neighbours (4 bytes each), the floats, a label of 8 bytes.
    record_bytes = 4 + 8 * MAX_NEIGHBORS + 4 * dimension + 8
    places, rest = divmod(sizes.get("data_level0.bin", -1), record_bytes)
    return rest == 0 and sizes.get("length.bin") == 4 * places and sizes["header.bin"] == _HEADER_BYTES


def verify_in_child(catalog: Path, folder: Path, rows: int, dimension: int) -> Verdict:
    """Run the comparison in a child process; a crash, a hang or an answer that makes no sense is "not usable"."""
    if not has_sane_sizes(folder, rows, dimension):
        return Verdict(is_usable=False)
    # The package's own place first; one thread for matrices, or their pools would eat the address space.
    paths = [str(Path(ragedge.__file__).parent.parent), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths)), "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "ragedge.index.verify", str(catalog), str(folder), str(dimension)]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_SECONDS + _SECONDS_PER_ROW * rows,
            env=environment,
            check=False,
        )
        if done.returncode != 0:
            return Verdict(is_usable=False)
        data: dict[str, Any] = json.loads(done.stdout)
        return Verdict(data["is_usable"] is True, tuple(data["upsert"]), tuple(data["delete"]))
    except (OSError, subprocess.SubprocessError, ValueError, KeyError, TypeError):
        return Verdict(is_usable=False)


def compare(ids: Sequence[str], matrix: NDArray[np.float32], store: ChromaVectors) -> Verdict:
    """Compare all ids and vectors (float32 [len(ids), dimension]), and let a sample of them look for themselves."""
    rows = {chunk_id: row for row, chunk_id in enumerate(ids)}
    right, extra = set[str](), []
    for offset in range(0, store.count(), BATCH_ROWS):
        names, vectors = store.stored(offset, BATCH_ROWS)
        for name, vector in zip(names, vectors, strict=True):
            if name not in rows:
                extra.append(name)
            elif np.abs(vector - matrix[rows[name]]).max() <= _TOLERANCE:
                right.add(name)
    wrong = [chunk_id for chunk_id in ids if chunk_id not in right]
    if len(wrong) + len(extra) > _MAX_DIFFERENCES:
        return Verdict(is_usable=False)
    probes = np.linspace(0, len(ids) - 1, min(_PROBES, len(ids)), dtype=int)
    lost = sum(ids[row] in right and not _finds_itself(store, matrix[row]) for row in probes)
    return Verdict(lost == 0, tuple(wrong), tuple(extra), lost / max(len(probes), 1))


def _finds_itself(store: ChromaVectors, vector: NDArray[np.float32]) -> bool:
    """A twin (the same passage twice) may come first; what counts is that it is as near."""
    found = store.search(vector, 1)
    return bool(found) and found[0][1] >= 1.0 - _PROBE_TOLERANCE


def main(arguments: list[str]) -> None:
    """Entry of the child process."""
    catalog, folder, dimension = Path(arguments[0]), Path(arguments[1]), int(arguments[2])
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    largest = max((path.stat().st_size for path in folder.rglob("*") if path.is_file()), default=0) + _BASE_BYTES
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest, largest))
    source = Catalog(catalog, "beside")
    ids, matrix = source.all_vectors(dimension)
    source.close()
    store = ChromaVectors(folder, dimension)
    verdict = compare(ids, matrix, store)
    store.close()
    print(json.dumps(asdict(verdict)))


if __name__ == "__main__":
    main(sys.argv[1:])
