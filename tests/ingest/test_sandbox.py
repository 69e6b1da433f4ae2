"""The sandbox: whatever a reader does, it costs one file, and nothing stays behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ragedge.contracts import ReadOptions
from ragedge.errors import UnreadableDocument, UnsupportedFile
from ragedge.ingest.sandbox import Limits, Sandbox
from tests.ingest.hostile import BILLION_LAUGHS, zip_bomb

HOSTILE = "tests.ingest.hostile:"
LIMITS = Limits(stall_seconds=1.0, total_seconds=20, memory_bytes=512 * 2**20, output_bytes=4 * 2**20, file_bytes=2**20)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(ReadOptions(), LIMITS) as made:
        yield made


@pytest.fixture
def note(tmp_path: Path) -> Path:
    path = tmp_path / "note.txt"
    path.write_text("The spare key is under the mat.\n")
    return path


def reason_of(sandbox: Sandbox, path: Path, reader: str = "") -> str:
    with pytest.raises(UnreadableDocument) as caught:
        sandbox.read(path, reader=HOSTILE + reader if reader else "")
    assert path.name in caught.value.message
    return caught.value.reason


def processes() -> dict[int, tuple[int, str, str]]:
    """Process id -> (parent's id, state, command line)."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            found[int(entry.name)] = (int(fields[1]), fields[0], command)
    return found


def descendants(pid: int) -> set[int]:
    known, found, grew = processes(), {pid}, True
    while grew:
        more = {child for child, (parent, _, _) in known.items() if parent in found} - found
        found |= more
        grew = bool(more)
    return found - {pid}


def eventually(condition: object, seconds: float = 10.0) -> bool:
    """Poll until `condition()` holds: the kernel ends processes in its own time."""
    end = time.monotonic() + seconds
    pause = threading.Event()
    while time.monotonic() < end:
        if condition():  # type: ignore[operator]
            return True
        pause.wait(0.01)
    return False


def alive(pid: int) -> bool:
    state = processes().get(pid)
    return state is not None and state[1] != "Z"


def test_a_good_file_is_read_as_without_the_sandbox(sandbox: Sandbox, note: Path) -> None:
    from ragedge.ingest.readers import read_file

    assert sandbox.read(note) == read_file(note, ReadOptions())


@pytest.mark.parametrize(
    ("reader", "reason"),
    [
        ("abort", "crashed"),
        ("segfault", "crashed"),
        ("leave", "crashed"),
        ("hang", "timed_out"),
        ("spin", "timed_out"),
        ("eat_memory", "out_of_memory"),
        ("flood", "too_large"),
        ("lie", "broken"),
    ],
)
def test_a_misbehaving_reader_costs_its_file_only(sandbox: Sandbox, note: Path, reader: str, reason: str) -> None:
    assert reason_of(sandbox, note, reader) == reason
    assert sandbox.read(note).pages[0].text.startswith("The spare key")
    assert sandbox.pid is not None
    assert eventually(lambda: not descendants(sandbox.pid or 0)), "processes stayed behind"


def test_a_reader_that_never_finishes_is_stopped_by_the_total_time(note: Path) -> None:
    with Sandbox(ReadOptions(), Limits(stall_seconds=5, total_seconds=0.5)) as sandbox:
        assert reason_of(sandbox, note, "trickle") == "timed_out"


def test_processor_time_is_limited_even_where_the_wall_clock_is_not(note: Path) -> None:
    with Sandbox(ReadOptions(), Limits(stall_seconds=30, total_seconds=1.9)) as sandbox:
        assert reason_of(sandbox, note, "spin") == "timed_out"


def test_a_reader_cannot_write_files(note: Path, tmp_path: Path) -> None:
    target = tmp_path / "written"
    with Sandbox(ReadOptions(passwords=(str(target),)), LIMITS) as sandbox:
        assert sandbox.read(note, reader=HOSTILE + "write_a_file").pages[0].text == "wrote 0"
    assert not target.exists() or target.stat().st_size == 0


def test_a_reader_has_no_network_where_the_kernel_allows_that(sandbox: Sandbox, note: Path) -> None:
    if subprocess.run(["unshare", "-n", "true"], capture_output=True).returncode != 0 and (
        subprocess.run(["unshare", "-rn", "true"], capture_output=True).returncode != 0
    ):
        pytest.skip("this kernel gives no network namespaces to this user")
    assert sandbox.read(note, reader=HOSTILE + "call_out").pages[0].text.strip() == "interfaces:"


def test_a_zip_bomb_is_too_large(sandbox: Sandbox, tmp_path: Path) -> None:
    bomb = zip_bomb(tmp_path / "bomb.docx", "word/document.xml", 64 * 2**20)
    assert bomb.stat().st_size < 2**20
    assert reason_of(sandbox, bomb) == "too_large"
    sheet = zip_bomb(tmp_path / "bomb.xlsx", "xl/worksheets/sheet1.xml", 64 * 2**20)
    assert reason_of(sandbox, sheet) == "too_large"


def test_a_billion_laughs_are_not_expanded(sandbox: Sandbox, tmp_path: Path) -> None:
    xml = tmp_path / "laughs.xml"
    xml.write_text(BILLION_LAUGHS)
    assert reason_of(sandbox, xml) in ("no_text", "too_large", "broken")
    book = tmp_path / "laughs.docx"
    with zipfile.ZipFile(book, "w") as archive:
        archive.writestr("word/document.xml", BILLION_LAUGHS)
    assert reason_of(sandbox, book) in ("no_text", "too_large", "broken")


def test_an_external_entity_is_never_read(sandbox: Sandbox, note: Path, tmp_path: Path) -> None:
    page = tmp_path / "outside.xml"
    page.write_text(f'<!DOCTYPE a [<!ENTITY key SYSTEM "file://{note}">]><a><b>visible</b>&key;</a>')
    assert "spare key" not in sandbox.read(page).pages[0].text


def test_only_regular_files_are_opened(sandbox: Sandbox, note: Path, tmp_path: Path) -> None:
    (tmp_path / "link.txt").symlink_to(note)
    os.mkfifo(tmp_path / "pipe.txt")
    (tmp_path / "folder.txt").mkdir()
    (tmp_path / "device.txt").symlink_to("/dev/zero")
    for name in ("link.txt", "pipe.txt", "folder.txt", "device.txt", "absent.txt"):
        assert reason_of(sandbox, tmp_path / name) == "unreadable"


def test_a_file_beyond_the_size_limit_is_too_large(sandbox: Sandbox, tmp_path: Path) -> None:
    large = tmp_path / "large.txt"
    large.write_bytes(b"word " * 300_000)
    assert reason_of(sandbox, large) == "too_large"


def test_an_unknown_kind_is_unsupported_and_not_unreadable(sandbox: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "film.mkv"
    path.write_bytes(b"film")
    with pytest.raises(UnsupportedFile) as caught:
        sandbox.read(path)
    assert ".pdf" in caught.value.hint


def test_names_that_are_no_utf8_are_read(sandbox: Sandbox, tmp_path: Path) -> None:
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.txt"))
    path.write_text("open from nine")
    assert sandbox.read(path).pages[0].text == "open from nine"
    path.write_bytes(b"")
    with pytest.raises(UnreadableDocument) as caught:
        sandbox.read(path)
    caught.value.message.encode()


def test_a_killed_zygote_is_replaced(note: Path) -> None:
    with Sandbox(ReadOptions(), LIMITS) as sandbox:
        sandbox.read(note)
        first = sandbox.pid or 0
        os.kill(first, signal.SIGKILL)
        assert sandbox.read(note).title == "note"
        assert sandbox.pid != first


def test_a_zygote_killed_while_it_reads_takes_its_fork_along(note: Path) -> None:
    with Sandbox(ReadOptions(), Limits(stall_seconds=3, total_seconds=20)) as sandbox:
        sandbox.read(note)
        first = sandbox.pid or 0
        reasons: list[str] = []
        thread = threading.Thread(target=lambda: reasons.append(reason_of(sandbox, note, "hang")))
        thread.start()
        assert eventually(lambda: len(descendants(first)) == 2)
        forks = descendants(first)
        os.kill(first, signal.SIGKILL)
        thread.join(20)
        assert reasons == ["timed_out"]  # tried once more by a new zygote, where it hangs again
        fork = min(forks)
        assert eventually(lambda: not alive(fork))
    for pid in forks:
        if alive(pid):
            os.kill(pid, signal.SIGKILL)  # the `sleep` of the hostile reader, which no reader of ours would start


def test_close_ends_a_read_that_another_thread_waits_for(note: Path) -> None:
    sandbox = Sandbox(ReadOptions(), Limits())
    sandbox.read(note)
    pid = sandbox.pid or 0
    reasons: list[str] = []
    thread = threading.Thread(target=lambda: reasons.append(reason_of(sandbox, note, "trickle")))
    thread.start()
    assert eventually(lambda: descendants(pid))
    forks = descendants(pid)
    sandbox.close()
    thread.join(10)
    assert reasons == ["unreadable"]
    assert eventually(lambda: not any(alive(p) for p in forks | {pid}))


def test_reading_from_a_thread_that_ends_does_not_end_the_zygote(note: Path) -> None:
    with Sandbox(ReadOptions(), LIMITS) as sandbox:
        thread = threading.Thread(target=lambda: sandbox.read(note))
        thread.start()
        thread.join()
        pid = sandbox.pid
        sandbox.read(note)
        assert sandbox.pid == pid


PARENT = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job is started deaf to Ctrl-C
from pathlib import Path
from ragedge.contracts import ReadOptions
from ragedge.ingest.sandbox import Limits, Sandbox
sandbox = Sandbox(ReadOptions(), Limits())
sandbox.read(Path(sys.argv[1]))
print(sandbox.pid, flush=True)
sandbox.read(Path(sys.argv[1]), reader="tests.ingest.hostile:trickle")
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_no_process_outlives_a_parent_that_dies(note: Path, number: signal.Signals) -> None:
    root = Path(__file__).resolve().parents[2]
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(note)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=root,
    )
    assert parent.stdout is not None
    zygote = int(parent.stdout.readline())
    assert eventually(lambda: descendants(zygote))
    family = descendants(zygote) | {zygote}
    parent.send_signal(number)
    parent.wait(10)
    parent.stdout.close()
    assert eventually(lambda: not any(alive(pid) for pid in family))


def test_the_zygote_is_small_and_has_one_thread(sandbox: Sandbox, note: Path) -> None:
    sandbox.read(note)
    status = dict(
        line.split(":", 1) for line in Path(f"/proc/{sandbox.pid}/status").read_text().splitlines() if ":" in line
    )
    assert int(status["Threads"]) == 1
    assert int(status["VmRSS"].split()[0]) < 120_000  # kB; about 57,000 measured on x86-64
    maps = Path(f"/proc/{sandbox.pid}/maps").read_text()
    assert "numpy" not in maps and "torch" not in maps and "openblas" not in maps.lower()


def test_a_module_in_the_current_folder_is_not_imported(
    tmp_path: Path, note: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pypdf.py").write_text("raise SystemExit('taken over')")
    (tmp_path / "csv.py").write_text("raise SystemExit('taken over')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with Sandbox(ReadOptions(), LIMITS) as sandbox:
        assert sandbox.read(Path("note.txt")).title == "note"
