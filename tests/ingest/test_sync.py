"""An index holds exactly what its folder holds, whatever happened on the way.

Real sandbox and real index; only the embedder is a fake.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ragedge.contracts import ReadOptions
from ragedge.errors import NotFound
from ragedge.index.store import Index, IndexSettings
from ragedge.ingest.chunker import CHUNKER_VERSION
from ragedge.ingest.progress import Progress
from ragedge.ingest.sandbox import Limits, Sandbox
from ragedge.ingest.scan import UPLOADS
from ragedge.ingest.sync import Sync
from tests.fakes import HashEmbedder

SETTINGS = IndexSettings("fake-hash", "0" * 64, 64, "", "", CHUNKER_VERSION, 64)
REPO = Path(__file__).parent.parent.parent


def make_sync(index: Index, embedder: HashEmbedder | None = None) -> Sync:
    return Sync(index, embedder or HashEmbedder(), lambda: Sandbox(ReadOptions(), Limits()), chunk_tokens=64)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "docs"
    place.mkdir()
    (place / "pump.md").write_text("# Pump\n\nThe pump head takes 12 Nm.\n", encoding="utf-8")
    (place / "filter.txt").write_text("The filter cap takes 8 Nm.\n", encoding="utf-8")
    (place / "prices.csv").write_text("part,price\nseal,4.20\nhose,9.90\n", encoding="utf-8")
    age(place)
    return place


def age(folder: Path) -> None:
    """Make all files old enough that their times are trusted."""
    for path in folder.rglob("*"):
        if path.is_file():
            os.utime(path, ns=(1_600_000_000_000_000_000 + path.stat().st_size,) * 2)


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    with Index.open(tmp_path / "index", SETTINGS, mode="write", create=True) as opened:
        yield opened


def paths(index: Index) -> list[str]:
    return sorted(info.path for info in index.documents())


def found(index: Index, word: str) -> list[str]:
    ids = [chunk_id for chunk_id, _ in index.search_text([word], [], 10)]
    return sorted({chunk.document_path for chunk in index.chunks(ids).values()})


def test_a_folder_goes_in_and_a_second_run_does_no_work(folder: Path, index: Index) -> None:
    embedder = HashEmbedder()
    first = make_sync(index, embedder).run(folder)
    assert sorted(first.added) == ["filter.txt", "prices.csv", "pump.md"]
    assert found(index, "pump") == ["pump.md"]
    calls, generation = embedder.calls, index.generation
    second = make_sync(index, embedder).run(folder)
    assert second.unchanged == 3
    assert (second.added, second.changed, second.removed) == ([], [], [])
    assert embedder.calls == calls, "nothing is embedded again"
    assert index.generation == generation, "nothing is written"


def test_an_unchanged_run_never_starts_the_sandbox(folder: Path, index: Index) -> None:
    make_sync(index).run(folder)

    def refuse() -> Sandbox:
        raise AssertionError("nothing had to be read")

    assert Sync(index, HashEmbedder(), refuse, chunk_tokens=64).run(folder).unchanged == 3


def test_a_changed_file_replaces_its_old_version_everywhere(folder: Path, index: Index) -> None:
    make_sync(index).run(folder)
    (folder / "pump.md").write_text("# Pump\n\nThe impeller takes 15 Nm.\n", encoding="utf-8")
    report = make_sync(index).run(folder)
    assert report.changed == ["pump.md"]
    assert found(index, "impeller") == ["pump.md"]
    assert found(index, "head") == []
    assert paths(index) == ["filter.txt", "prices.csv", "pump.md"]


def test_a_removed_file_is_gone_and_a_renamed_one_keeps_its_vectors(folder: Path, index: Index) -> None:
    embedder = HashEmbedder()
    make_sync(index, embedder).run(folder)
    calls = embedder.calls
    (folder / "filter.txt").unlink()
    (folder / "pump.md").rename(folder / "main pump.md")
    report = make_sync(index, embedder).run(folder)
    assert report.removed == ["filter.txt"]
    assert report.renamed == [("pump.md", "main pump.md")]
    assert found(index, "filter") == []
    assert found(index, "pump") == ["main pump.md"]
    assert embedder.calls == calls


def test_a_duplicate_is_named_not_indexed_twice_and_outlives_its_twin(folder: Path, index: Index) -> None:
    (folder / "zz copy.txt").write_bytes((folder / "filter.txt").read_bytes())
    age(folder)
    report = make_sync(index).run(folder)
    assert report.duplicates == [("zz copy.txt", "filter.txt")]
    assert len(index.search_text(["filter"], [], 10)) == 1
    (folder / "filter.txt").unlink()
    make_sync(index).run(folder)
    assert found(index, "filter") == ["zz copy.txt"]


def test_a_bad_file_costs_itself_a_row_with_its_reason(folder: Path, index: Index) -> None:
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7\n" + b"\xff" * 500)
    (folder / "photo.xyz").write_bytes(b"\x00\x01\x02" * 100)
    (folder / "empty.txt").write_bytes(b"")
    report = make_sync(index).run(folder)
    assert {row.path: row.reason for row in report.rejected} == {
        "broken.pdf": "broken",
        "photo.xyz": "unsupported",
        "empty.txt": "no_text",
    }
    assert all(row.detail for row in report.rejected)
    assert sorted(report.added) == ["filter.txt", "prices.csv", "pump.md"]


def test_a_good_file_that_turns_bad_is_no_longer_answered_from(folder: Path, index: Index) -> None:
    make_sync(index).run(folder)
    (folder / "filter.txt").write_bytes(b"")
    report = make_sync(index).run(folder)
    assert [row.path for row in report.rejected] == ["filter.txt"]
    assert found(index, "filter") == []
    assert paths(index) == ["prices.csv", "pump.md"]


def test_a_rejected_file_is_not_tried_again_until_asked(folder: Path, index: Index) -> None:
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7 junk")
    age(folder)
    make_sync(index).run(folder)
    assert make_sync(index).run(folder).unchanged == 4
    again = make_sync(index).run(folder, retry=True)
    assert (again.unchanged, len(again.rejected)) == (3, 1)


def test_uploads_survive_runs_over_the_folder_and_can_be_removed(folder: Path, index: Index, tmp_path: Path) -> None:
    sync = make_sync(index)
    sync.run(folder)
    upload = tmp_path / "valve.txt"
    upload.write_text("The valve takes 5 Nm.", encoding="utf-8")
    row = sync.add_file(upload, "valve.txt")
    assert row.document_id is not None
    upload.unlink()
    sync.run(folder)
    assert found(index, "valve") == [UPLOADS + "valve.txt"]
    sync.remove(UPLOADS + "valve.txt")
    assert found(index, "valve") == []
    with pytest.raises(NotFound):
        sync.remove(UPLOADS + "valve.txt")


def test_uploading_a_known_document_points_to_it(folder: Path, index: Index, tmp_path: Path) -> None:
    sync = make_sync(index)
    sync.run(folder)
    copy = tmp_path / "same.txt"
    copy.write_bytes((folder / "filter.txt").read_bytes())
    row = sync.add_file(copy, "same.txt")
    assert row.document_id == index.files()["filter.txt"].document_id
    assert len(index.documents()) == 3


def test_a_new_upload_under_a_known_name_replaces_the_old_one(index: Index, tmp_path: Path) -> None:
    sync = make_sync(index)
    upload = tmp_path / "valve.txt"
    for text in ("The brass one takes 5 Nm.", "The plastic one takes 6 Nm."):
        upload.write_text(text, encoding="utf-8")
        sync.add_file(upload, "valve.txt")
    assert found(index, "brass") == []
    assert found(index, "plastic") == [UPLOADS + "valve.txt"]


def test_a_fresh_index_takes_over_the_uploads_of_the_old_one(index: Index, tmp_path: Path) -> None:
    upload = tmp_path / "valve.txt"
    upload.write_text("The valve takes 5 Nm.", encoding="utf-8")
    make_sync(index).add_file(upload, "valve.txt")
    with Index.open(tmp_path / "fresh", SETTINGS, mode="write", create=True) as fresh:
        make_sync(fresh).adopt_uploads(index)
        assert found(fresh, "valve") == [UPLOADS + "valve.txt"]


def test_progress_grows_to_the_whole_and_what_it_calls_done_is_visible(folder: Path, index: Index) -> None:
    told: list[Progress] = []

    def check(progress: Progress) -> None:
        if progress.stage == "done":
            assert len(index.files()) >= progress.files_done, "done means on disk"
        told.append(progress)

    make_sync(index).run(folder, on_progress=check)
    assert [p.bytes_done for p in told] == sorted(p.bytes_done for p in told)
    assert told[-1].files_done == told[-1].files_total == 3
    assert told[-1].bytes_done == told[-1].bytes_total


def test_a_stop_keeps_what_is_done_and_the_next_run_goes_on(folder: Path, index: Index) -> None:
    for i in range(120):
        (folder / f"note {i:03d}.txt").write_text(f"Note number {i} is about topic{i}.", encoding="utf-8")
    age(folder)
    stopped = make_sync(index).run(folder, is_stopped=lambda: bool(index.files()))
    assert stopped.was_stopped
    done = len(index.files())
    assert 0 < done < 123
    assert sorted(stopped.added) == paths(index), "the report names what is in"
    report = make_sync(index).run(folder)
    assert report.unchanged == done
    assert len(index.documents()) == 123


CHILD = """
import sys
from pathlib import Path
from tests.ingest.test_sync import SETTINGS, make_sync
from ragedge.index.store import Index
with Index.open(Path(sys.argv[1]), SETTINGS, mode="write", create=True) as index:
    def tell(progress):
        if progress.stage == "done":
            print(progress.files_done, flush=True)
    make_sync(index).run(Path(sys.argv[2]), on_progress=tell)
"""


@pytest.mark.parametrize("after_lines", [1, 2, 3])
def test_kill_9_in_the_middle_loses_nothing_that_was_reported_as_done(
    folder: Path, tmp_path: Path, after_lines: int
) -> None:
    for i in range(220):
        (folder / f"note {i:03d}.txt").write_text(f"Note number {i} is about topic{i}.", encoding="utf-8")
    age(folder)
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(tmp_path / "index"), str(folder)],
        stdout=subprocess.PIPE,
        cwd=REPO,
        text=True,
    )
    assert child.stdout is not None
    reported = 0
    for _ in range(after_lines):
        reported = int(child.stdout.readline())
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    child.stdout.close()
    with Index.open(tmp_path / "index", SETTINGS, mode="write") as index:
        assert len(index.files()) >= reported
        assert index.check() == []
        report = make_sync(index).run(folder)
        assert report.unchanged >= reported
        assert len(index.documents()) == 223
        assert index.check() == []


def wait_for(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    """Poll until `condition` holds; there is no event to wait for across processes."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "did not happen in time"
        time.sleep(0.05)


def test_following_a_folder_takes_up_a_new_file(folder: Path, index: Index) -> None:
    import threading

    from ragedge.ingest.watch import follow

    sync = make_sync(index)
    sync.run(folder)
    stop = threading.Event()
    runs: list[int] = []

    def again() -> None:
        sync.run(folder)
        runs.append(1)

    follower = threading.Thread(target=follow, args=(folder, again, stop))
    follower.start()
    try:
        written = 0

        def has_arrived() -> bool:
            nonlocal written
            if not runs:  # the watch may not be set up yet when the first file is written
                written += 1
                (folder / f"late{written}.txt").write_text(f"The gasket {written} takes 3 Nm.", encoding="utf-8")
                time.sleep(0.3)
            return bool(runs) and "late1.txt" in found(index, "gasket")

        wait_for(has_arrived)
    finally:
        stop.set()
        follower.join(20)
    assert not follower.is_alive()


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("manuals/pumps/valve.txt", "@uploads/manuals/pumps/valve.txt"),
        ("../../valve.txt", "@uploads/valve.txt"),
        ("/etc/other.txt", "@uploads/etc/other.txt"),
        ("a/../b/more.txt", "@uploads/a/b/more.txt"),
    ],
)
def test_an_upload_keeps_the_folder_it_lay_in_and_stays_below_that_of_uploads(
    index: Index, tmp_path: Path, name: str, path: str
) -> None:
    upload = tmp_path / "valve.txt"
    upload.write_text("The valve takes 5 Nm.", encoding="utf-8")
    assert make_sync(index).add_file(upload, name).path == path
    with Index.open(tmp_path / "fresh", SETTINGS, mode="write", create=True) as fresh:
        make_sync(fresh).adopt_uploads(index)
        assert found(fresh, "valve") == [path]
