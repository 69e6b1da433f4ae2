"""Puts a freshly made index in the place of an old one, so that a stop at any moment leaves one of them whole.

The new index is made in `<name>.new`; when it is complete the old folder becomes `<name>.old`, the new one takes the
name, and the old one is deleted. Knows only folder names.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from ragedge.index.disk import sync_folder
from ragedge.index.lock import FolderLock
from ragedge.index.opening import LOCK_NAME, refused
from ragedge.index.states import forget_all_states

FRESH_SUFFIX = ".new"
OLD_SUFFIX = ".old"
DAMAGED_SUFFIX = ".damaged"


def fresh_folder(folder: Path) -> Path:
    """Where the index that is to replace `folder` is made; a run that was stopped goes on there."""
    return folder.with_name(folder.name + FRESH_SUFFIX)


def check_free(folder: Path) -> None:
    """Make sure that no process holds the index that is to be replaced.

    Raises:
        IndexLocked, IndexReadOnly: it is held, or cannot be written.
    """
    if folder.is_dir():
        lock = FolderLock(folder / LOCK_NAME)
        if not lock.acquire():
            raise refused(folder, lock)
        lock.release()


def put_in_place(folder: Path) -> None:
    """Let the complete fresh index take the place of `folder`."""
    old = folder.with_name(folder.name + OLD_SUFFIX)
    shutil.rmtree(old, ignore_errors=True)
    forget_all_states(folder)  # which documents go with the old index is not looked up: states are made again
    if folder.exists():
        folder.rename(old)
    fresh_folder(folder).rename(folder)
    sync_folder(folder.parent)
    forget_all_states(folder)  # once more: a question may have come in between
    shutil.rmtree(old, ignore_errors=True)


def set_aside(folder: Path) -> Path:
    """Move a damaged index out of the way, whole: its `files/` may hold what exists nowhere else. Returns where."""
    aside = folder.with_name(folder.name + DAMAGED_SUFFIX)
    count = 1
    while aside.exists():
        count += 1
        aside = folder.with_name(f"{folder.name}-{count}{DAMAGED_SUFFIX}")
    folder.rename(aside)
    return aside


def settle(folder: Path) -> None:
    """Finish an exchange that a power cut left between its two renames: the new index is complete."""
    old = folder.with_name(folder.name + OLD_SUFFIX)
    if old.exists() and not folder.exists():
        put_in_place(folder)
    elif old.exists():
        shutil.rmtree(old, ignore_errors=True)
