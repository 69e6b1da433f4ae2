"""A full disk: what was acknowledged stays and is still found, and work goes on once there is room again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
LEVELS = int(os.environ.get("RAGEDGE_FULL_DISKS", "10"))
SCRIPT = """
import json, os, sys
from pathlib import Path
from ragedge.errors import DiskFull
from ragedge.index.store import Index
from tests.index.make import new_document, settings, unit

disk, sources, ballast_kib = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
ballast = disk / "ballast"
ballast.write_bytes(bytes(ballast_kib * 1024))
texts = lambda i: [f"document {i} passage {j} " + "filler " * 60 for j in range(8)]
acknowledged, full, mishaps = [], 0, []
try:
    index = Index.open(disk / "index", settings(), mode="write", create=True)
    for i in range(2000):
        try:
            index.put([new_document(f"{i}.txt", texts(i), folder=sources)])
            acknowledged.append(i)
        except DiskFull:
            full += 1
            if full == 3:
                break
except DiskFull:
    full += 1
    index = None

def missing(index):
    files = index.files()
    lost = [i for i in acknowledged if f"{i}.txt" not in files]
    for i in acknowledged[:3] + acknowledged[-3:]:
        if [hit[0] for hit in index.search_vectors(unit(texts(i)[0]), 1)] != [files[f"{i}.txt"].document_id + "-00000"]:
            lost.append(i)
        if not index.search_text([], [f"document {i} passage 3"], 5):
            lost.append(i)
    return lost + [name for name in files if int(name[:-4]) not in acknowledged]

if index is not None:
    mishaps += missing(index)
    index.close()
    with Index.open(disk / "index", settings()) as index:  # the disk is still full
        mishaps += missing(index)
ballast.unlink()
with Index.open(disk / "index", settings(), mode="write", create=True) as index:
    mishaps += missing(index)
    engine = index.vector_engine
    index.put([new_document("99999.txt", texts(99999), folder=sources)])
    acknowledged.append(99999)
    mishaps += missing(index) + index.check()
print(json.dumps({"acknowledged": len(acknowledged), "full": full, "mishaps": mishaps, "engine": engine}))
"""


def on_small_disk(folder: Path, ballast_kib: int) -> subprocess.CompletedProcess[str]:
    """Run the script with a disk of 16 MiB of its own, in a mount namespace that ends with it."""
    disk, sources = folder / "disk", folder / "sources"
    disk.mkdir()
    sources.mkdir()
    inner = 'mount -t tmpfs -o size=16m none "$DISK" && exec "$@"'
    script = [sys.executable, "-c", SCRIPT, str(disk), str(sources), str(ballast_kib)]
    command = ["unshare", "-m", "sh", "-c", inner, "sh", *script]
    environment = {**os.environ, "DISK": str(disk)}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False)


def can_mount(folder: Path) -> bool:
    command = ["unshare", "-m", "mount", "-t", "tmpfs", "none", str(folder)]
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


@pytest.mark.parametrize("level", range(LEVELS))
def test_a_full_disk_loses_nothing_and_work_goes_on_after(tmp_path: Path, level: int) -> None:
    if not can_mount(tmp_path):
        pytest.skip("this user may not mount a small disk to fill")
    # From a disk full after a few dozen documents to one where the index itself can hardly be made.
    ballast_kib = 8 * 1024 + level * (8 * 1024 - 64) // max(1, LEVELS - 1)
    done = on_small_disk(tmp_path, ballast_kib)
    assert done.returncode == 0, done.stderr[-2000:]
    result = json.loads(done.stdout)
    print(f"level {level}: {result}")
    assert result["full"] > 0
    assert result["mishaps"] == []
    assert result["engine"] == "chroma"
