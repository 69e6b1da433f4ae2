"""What language models have read of documents goes with them, before anything else of them goes."""

from __future__ import annotations

from pathlib import Path

import pytest

from ragedge.errors import IndexReadOnly
from ragedge.index import swap
from ragedge.index.states import STATES_NAME
from ragedge.index.store import Index
from ragedge.state_files import StateFolder, StateHead
from tests.index.make import new_document, settings

BUDGETS = {"prompt": 2**20, "passage": 2**20}


def keep(folder: StateFolder, *documents: str, kind: str = "prompt") -> StateHead:
    head = StateHead(kind, "engine", "", (1, 2, len(folder.heads(kind))), 0, (), documents, 4)
    folder.make()
    assert folder.write(head, memoryview(b"text"), folder.epoch(), lambda: True)
    return head


@pytest.fixture
def states(quick_path: Path) -> StateFolder:
    return StateFolder(quick_path / STATES_NAME, BUDGETS)


@pytest.fixture
def index(quick_path: Path):  # type: ignore[no-untyped-def]
    with Index.open(quick_path / "index", settings(), mode="write", create=True) as opened:
        yield opened


def put(index: Index, path: str, text: str, replaces: str | None = None) -> str:
    new = new_document(path, [text], replaces=replaces)
    index.put([new])
    return new.document.id


def kept(states: StateFolder) -> list[tuple[str, ...]]:
    return sorted(head.documents for kind in BUDGETS for head in states.heads(kind))


def test_states_of_a_forgotten_document_go_and_those_of_others_stay(index: Index, states: StateFolder) -> None:
    one, two = put(index, "a.txt", "pump"), put(index, "b.txt", "valve")
    for documents in ((one,), (two,), (one, two), ()):
        keep(states, *documents)
    keep(states, one, kind="passage")
    keep(states, two, kind="passage")
    before = states.epoch()
    index.forget(["a.txt"])
    assert kept(states) == [(), (two,), (two,)]
    assert states.epoch() != before


def test_a_document_that_another_file_still_holds_keeps_its_states(index: Index, states: StateFolder) -> None:
    one = put(index, "a.txt", "pump")
    row = index.files()["a.txt"]
    index.put_files([type(row)("copy.txt", 1, 1, row.sha256, one, None, "", ())])
    keep(states, one)
    index.forget(["a.txt"])
    assert kept(states) == [(one,)]
    index.forget(["copy.txt"])
    assert kept(states) == []


def test_a_changed_document_takes_the_states_of_its_old_text_with_it(index: Index, states: StateFolder) -> None:
    old = put(index, "a.txt", "pump")
    keep(states, old)
    new = put(index, "a.txt", "another pump", replaces="a.txt")
    assert new != old and kept(states) == []


def test_without_states_nothing_is_made(index: Index, states: StateFolder) -> None:
    put(index, "a.txt", "pump")
    index.forget(["a.txt"])
    assert not states.folder.exists()


def test_a_removed_and_a_replaced_index_take_all_states_with_them(quick_path: Path, states: StateFolder) -> None:
    folder = quick_path / "index"
    with Index.open(folder, settings(), mode="write", create=True) as index:
        keep(states, put(index, "a.txt", "pump"))
    fresh = swap.fresh_folder(folder)
    Index.open(fresh, settings(), mode="write", create=True).close()
    swap.put_in_place(folder)
    assert kept(states) == []
    keep(states, "anything")
    Index.remove(folder)
    assert kept(states) == [] and not folder.exists()


def test_where_a_state_cannot_be_deleted_its_document_stays_as_well(
    index: Index, states: StateFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = put(index, "a.txt", "pump")
    keep(states, one)

    def refused(self: Path, missing_ok: bool = False) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", refused)
        with pytest.raises(IndexReadOnly, match="Permission denied"):
            index.forget(["a.txt"])
    assert index.document(one).id == one and kept(states) == [(one,)]
    index.forget(["a.txt"])
    assert kept(states) == []


def test_half_written_and_unreadable_files_go_as_well(index: Index, states: StateFolder) -> None:
    one = put(index, "a.txt", "pump")
    keep(states, one)
    for name in (".0123.part", "prompt-torn.state", "stranger.txt"):
        (states.folder / name).write_bytes(b"ragedge state 1\npump")
    index.forget(["a.txt"])
    assert sorted(path.name for path in states.folder.iterdir()) == ["lock"]


def test_a_state_that_nobody_asked_for_takes_no_others_place_and_goes_first(tmp_path: Path) -> None:
    state = memoryview(b"s" * 1000)

    def head(name: str) -> StateHead:
        return StateHead("passage", "engine", "apart", (1, 2, ord(name)), 1, (), (name,), len(state))

    folder = StateFolder(tmp_path / "states", {"passage": 2**20})
    folder.make()
    epoch = folder.epoch()
    assert folder.write(head("a"), state, epoch, lambda: True)
    size = folder.held_bytes("passage")
    small = StateFolder(folder.folder, {"passage": 3 * size})
    assert small.room("passage") == 2 * size
    for name in ("b", "c"):
        assert small.write(head(name), state, epoch, lambda: True, is_ahead=True)
    assert not small.write(head("d"), state, epoch, lambda: True, is_ahead=True)
    assert [found.documents for found in small.heads("passage")] == [("a",), ("b",), ("c",)]
    assert small.write(head("e"), state, epoch, lambda: True)
    assert small.read(head("b"), lambda size: memoryview(bytearray(size))) is not None  # from now on it is used
    assert small.write(head("f"), state, epoch, lambda: True)
    left = {found.documents[0] for found in small.heads("passage")}
    assert left == {"b", "e", "f"}
    assert StateFolder(tmp_path / "none", {"passage": 1}).room("passage") == 0
