"""What a run has to do follows from content alone."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from ragedge.errors import IndexFolderError, InputError
from ragedge.ingest.scan import UPLOADS, Known, claim_folder, plan, walk

OLD = 1_600_000_000_000_000_000  # a modification time that nobody doubts


def put(folder: Path, name: str, text: str, mtime_ns: int = OLD) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    os.utime(path, ns=(mtime_ns, mtime_ns))
    return path


def known(text: str, mtime_ns: int = OLD, *, is_rejected: bool = False) -> Known:
    data = text.encode("utf-8")
    return Known(len(data), mtime_ns, hashlib.sha256(data).hexdigest(), is_rejected)


def names(found: list) -> list[str]:  # type: ignore[type-arg]
    return [item.path for item in found]


def test_new_changed_removed_and_unchanged_files_are_told_apart(tmp_path: Path) -> None:
    put(tmp_path, "new.txt", "new")
    put(tmp_path, "changed.txt", "after", OLD + 1)
    put(tmp_path, "same.txt", "same")
    before = {"changed.txt": known("before"), "same.txt": known("same"), "gone.txt": known("gone")}
    result = plan(tmp_path, before)
    assert names(result.new) == ["new.txt"]
    assert names(result.changed) == ["changed.txt"]
    assert result.unchanged == ["same.txt"]
    assert result.removed == ["gone.txt"]


def test_an_unchanged_file_is_not_even_opened(tmp_path: Path) -> None:
    put(tmp_path, "same.txt", "SAME")  # same size and time, other bytes: would be noticed if it were read
    assert plan(tmp_path, {"same.txt": known("same")}).unchanged == ["same.txt"]


def test_a_file_touched_but_not_changed_is_not_read_again(tmp_path: Path) -> None:
    put(tmp_path, "a.txt", "same", OLD + 5)
    result = plan(tmp_path, {"a.txt": known("same")})
    assert names(result.touched) == ["a.txt"]
    assert not result.changed


def test_a_moved_file_is_renamed_not_added(tmp_path: Path) -> None:
    put(tmp_path, "sub/b.txt", "text")
    result = plan(tmp_path, {"a.txt": known("text")})
    assert [(old, found.path) for old, found in result.renamed] == [("a.txt", "sub/b.txt")]
    assert not result.new
    assert not result.removed


def test_a_second_copy_is_a_duplicate_of_the_first(tmp_path: Path) -> None:
    put(tmp_path, "a.txt", "text")
    put(tmp_path, "b.txt", "text")
    result = plan(tmp_path, {})
    assert names(result.new) == ["a.txt"]
    assert [(holder, found.path) for holder, found in result.duplicates] == [("a.txt", "b.txt")]


def test_content_that_moved_onto_another_known_file_is_a_change(tmp_path: Path) -> None:
    put(tmp_path, "b.txt", "first", OLD + 1)
    result = plan(tmp_path, {"a.txt": known("first"), "b.txt": known("second")})
    assert names(result.changed) == ["b.txt"]
    assert result.removed == ["a.txt"]


def test_two_files_that_swapped_names_are_both_changed(tmp_path: Path) -> None:
    put(tmp_path, "a.txt", "second", OLD + 1)
    put(tmp_path, "b.txt", "first.", OLD + 1)
    result = plan(tmp_path, {"a.txt": known("first."), "b.txt": known("second")})
    assert sorted(names(result.changed)) == ["a.txt", "b.txt"]
    assert not result.duplicates


def test_a_file_written_just_now_is_looked_at_again_next_time(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("text", encoding="utf-8")
    (found,) = plan(tmp_path, {}).new
    assert found.mtime_ns == -1


def test_rejected_files_are_left_alone_unless_asked_for(tmp_path: Path) -> None:
    put(tmp_path, "a.pdf", "junk")
    before = {"a.pdf": known("junk", is_rejected=True)}
    assert plan(tmp_path, before).unchanged == ["a.pdf"]
    assert names(plan(tmp_path, before, retry=True).changed) == ["a.pdf"]


def test_uploads_are_no_business_of_the_folder(tmp_path: Path) -> None:
    assert plan(tmp_path, {UPLOADS + "x.pdf": known("x")}).removed == []


def test_links_hidden_files_and_special_files_are_left_out(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    inside = tmp_path / "inside"
    put(outside, "secret.txt", "secret")
    put(inside, "a.txt", "a")
    put(inside, ".hidden", "h")
    put(inside, ".git/config", "g")
    put(inside, "~$report.docx", "lock")
    (inside / "link.txt").symlink_to(outside / "secret.txt")
    (inside / "linked").symlink_to(outside, target_is_directory=True)
    os.mkfifo(inside / "pipe")
    assert [name for name, _, _ in walk(inside)] == ["a.txt"]


def test_a_folder_that_is_none_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not a folder"):
        plan(tmp_path / "none", {})


def test_an_index_follows_one_folder_only(tmp_path: Path) -> None:
    claim_folder(tmp_path, tmp_path / "a")
    claim_folder(tmp_path, tmp_path / "a")
    with pytest.raises(IndexFolderError, match="follows the folder"):
        claim_folder(tmp_path, tmp_path / "b")
