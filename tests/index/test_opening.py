"""Who may open an index, with which settings, and beside whom."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from ragedge.errors import IndexCorrupt, IndexLocked, IndexMissing, IndexReadOnly, IndexStale
from ragedge.index.store import Index
from tests.index.make import new_document, settings, unit

ROOT = Path(__file__).parent.parent.parent
WRITER = """
import sys
from pathlib import Path
from ragedge.index.store import Index
from tests.index.make import new_document, settings
with Index.open(Path(sys.argv[1]), settings(), mode="write", create=True) as index:
    print("open", flush=True)
    for line in sys.stdin:
        if line.strip() == "stay":
            continue
        index.put([new_document("later.txt", ["the later words"])])
        print("put", flush=True)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with Index.open(tmp_path / "index", settings(), mode="write", create=True) as index:
        index.put([new_document("a.txt", ["the first words", "the second words"])])
    return tmp_path / "index"


def start_writer(folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, str(folder)]
    writer = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None and writer.stdout.readline() == "open\n"
    return writer


def test_a_second_process_is_refused_at_once_with_the_holders_pid(folder: Path) -> None:
    writer = start_writer(folder)
    try:
        started = time.monotonic()
        with pytest.raises(IndexLocked) as caught:
            Index.open(folder, settings(), mode="write")
        assert time.monotonic() - started < 1.0
        assert f"process {writer.pid}" in caught.value.message
        with pytest.raises(IndexLocked):
            Index.remove(folder)
    finally:
        writer.kill()
        writer.communicate()


def test_the_lock_of_a_killed_process_is_free(folder: Path) -> None:
    writer = start_writer(folder)
    writer.kill()
    writer.communicate()
    with Index.open(folder, settings(), mode="write") as index:
        index.put([new_document("b.txt", ["more words"])])
        assert index.check() == []


FORKING = """
import os, sys
from pathlib import Path
from ragedge.index.store import Index
from tests.index.make import settings
index = Index.open(Path(sys.argv[1]), settings(), mode="write")
if os.fork() == 0:
    print("child lives", flush=True)
    sys.stdin.read()
    os._exit(0)
os._exit(1)  # as if killed: nothing is closed
"""


def test_a_forked_child_does_not_keep_the_lock_of_a_process_that_died(folder: Path) -> None:
    command = [sys.executable, "-c", FORKING, str(folder)]
    parent = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert parent.stdout is not None and parent.stdout.readline() == "child lives\n"
        assert parent.wait() == 1
        with Index.open(folder, settings(), mode="write") as index:
            assert index.check() == []
    finally:
        parent.communicate()


def test_a_reader_beside_a_writer_sees_new_documents_and_searches_exactly(folder: Path) -> None:
    writer = start_writer(folder)
    assert writer.stdin is not None and writer.stdout is not None
    try:
        with Index.open(folder, settings()) as index:
            assert index.vector_engine == "exact"
            assert index.search_text(["later"], [], 5) == []
            assert index.search_vectors(unit("the later words"), 1)[0][1] < 0.99
            before = index.generation
            writer.stdin.write("put\n")
            writer.stdin.flush()
            assert writer.stdout.readline() == "put\n"
            assert index.generation == before + 1
            assert len(index.search_text(["later"], [], 5)) == 1
            assert index.search_vectors(unit("the later words"), 1)[0][1] > 0.99
            with pytest.raises(IndexReadOnly):
                index.forget(["a.txt"])
    finally:
        writer.communicate()
    with Index.open(folder, settings()) as index:
        assert index.vector_engine == "chroma"
        assert index.check() == []


def test_a_reader_that_holds_the_lock_may_not_write(folder: Path) -> None:
    with Index.open(folder, settings()) as index:
        assert index.vector_engine == "chroma"
        for change in (lambda: index.put([]), lambda: index.put_files([]), lambda: index.forget([]), index.rebuild):
            with pytest.raises(IndexReadOnly):
                change()


@pytest.mark.parametrize(
    "change",
    [
        {"embedder_id": "another"},
        {"embedder_sha256": "1" * 64},
        {"dimension": 64},
        {"question_prefix": "q: "},
        {"passage_prefix": "p: "},
        {"chunker_version": 2},
        {"chunk_tokens": 100},
    ],
)
def test_other_settings_are_refused_by_name_with_the_command_that_helps(
    folder: Path, change: dict[str, object]
) -> None:
    with pytest.raises(IndexStale) as caught:
        Index.open(folder, settings(**change))
    assert next(iter(change)) in caught.value.message
    assert "ragedge ingest FOLDER --fresh" in caught.value.hint
    with Index.open(folder, None) as index:
        assert index.settings == settings()


@pytest.mark.parametrize("key", ["embedder_sha256", "dimension", "format"])
def test_a_missing_key_is_a_difference(folder: Path, key: str) -> None:
    path = folder / "manifest.json"
    data = json.loads(path.read_text())
    data.pop(key, None)
    data["settings"].pop(key, None)
    path.write_text(json.dumps(data))
    with pytest.raises(IndexStale, match=key):
        Index.open(folder, None)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b" " * (2 << 20)])
def test_a_damaged_manifest_is_refused(folder: Path, content: bytes) -> None:
    (folder / "manifest.json").write_bytes(content)
    with pytest.raises(IndexCorrupt):
        Index.open(folder, None)


def test_a_catalog_without_a_manifest_is_not_taken_for_a_new_index(folder: Path) -> None:
    (folder / "manifest.json").unlink()
    with pytest.raises(IndexStale):
        Index.open(folder, settings(), mode="write", create=True)


def test_there_is_no_index_until_it_is_made(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none"):
        with pytest.raises(IndexMissing):
            Index.open(path, settings())
        with pytest.raises(IndexMissing):
            Index.open(path, settings(), mode="write")
    with pytest.raises(IndexMissing):
        Index.remove(tmp_path / "none")


def test_an_index_half_made_by_a_killed_process_is_made_again(tmp_path: Path) -> None:
    folder = tmp_path / "index"
    folder.mkdir()
    (folder / "catalog.db").write_bytes(b"")
    with Index.open(folder, settings(), mode="write", create=True) as index:
        index.put([new_document("a", ["words"])])
        assert index.check() == []


def test_remove_deletes_what_is_ours_and_nothing_else(folder: Path) -> None:
    (folder / "notes.txt").write_text("not ours")
    Index.remove(folder)
    assert [path.name for path in folder.iterdir()] == ["notes.txt"]


READ_ONLY = """
import os, sys
from pathlib import Path
from ragedge.errors import IndexReadOnly
from ragedge.index.store import Index
from tests.index.make import settings, unit
folder = Path(sys.argv[1])
if len(sys.argv) > 2:
    os.setgid(65534), os.setuid(65534)
try:
    (folder / "probe").write_text("")
    raise SystemExit("the folder can be written")
except OSError:
    pass
before = sorted((str(p), p.stat().st_mtime_ns) for p in folder.rglob("*"))
with Index.open(folder, settings()) as index:
    assert index.vector_engine == "exact"
    assert index.search_vectors(unit("the first words"), 1)[0][1] > 0.99
    assert len(index.search_text(["second"], [], 5)) == 1
    assert [row.path for row in index.files().values()] == ["a.txt"]
    assert index.check() == [], index.check()
    try:
        index.forget(["a.txt"])
        raise SystemExit("it could be changed")
    except IndexReadOnly:
        pass
try:
    Index.open(folder, settings(), mode="write")
    raise SystemExit("it could be opened for writing")
except IndexReadOnly:
    pass
assert before == sorted((str(p), p.stat().st_mtime_ns) for p in folder.rglob("*"))
print("fine")
"""


def leave(folder: Path, state: str) -> None:
    """Bring the index into the state in which its medium becomes read-only."""
    if state == "closed":
        return
    index = Index.open(folder, settings(), mode="write")
    index.put_files([replace(index.files()["a.txt"], mtime_ns=5)])
    copy = folder.with_name("copy")
    shutil.copytree(folder, copy)  # with its write-ahead log: what a kill leaves
    index.close()
    shutil.rmtree(folder)
    copy.rename(folder)
    assert (folder / "catalog.db-wal").stat().st_size > 0
    if state == "killed, -shm lost":
        (folder / "catalog.db-shm").unlink()


@pytest.mark.parametrize("state", ["closed", "killed", "killed, -shm lost"])
def test_a_read_only_disk_can_be_asked_and_stays_as_it_is(folder: Path, state: str) -> None:
    leave(folder, state)
    inner = 'mount --bind "$DISK" "$DISK" && mount -o remount,ro,bind "$DISK" && exec "$@"'
    command = ["unshare", "-m", "sh", "-c", inner, "sh", sys.executable, "-c", READ_ONLY, str(folder)]
    environment = {**os.environ, "DISK": str(folder)}
    if subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode:
        pytest.skip("this user may not mount a folder read-only")
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout == "fine\n", done.stdout + done.stderr


@pytest.mark.parametrize("state", ["closed", "killed", "killed, -shm lost"])
def test_a_folder_of_another_user_can_be_asked_and_stays_as_it_is(folder: Path, state: str) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    leave(folder, state)
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    for path in folder.parents:
        if path.owner() == "root" and path.stat().st_mode & 0o005 != 0o005 and path != Path("/"):
            path.chmod(path.stat().st_mode | 0o005)
    command = [sys.executable, "-c", READ_ONLY, str(folder), "other user"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout == "fine\n", done.stdout + done.stderr
