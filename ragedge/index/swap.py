"""Puts a freshly made index in the place of an old one, so that a stop at any moment leaves one of them whole.

The new index is made in `<name>.new`; when it is complete the old folder becomes `<name>.old`, the new one takes the
name, and the old one is deleted. Knows only folder names.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from ragedge.index.disk import sync_folder

FRESH_SUFFIX = ".new"
OLD_SUFFIX = ".old"


def fresh_folder(folder: Path) -> Path:
    """Where the index that is to replace `folder` is made; a run that was stopped goes on there."""
    return folder.with_name(folder.name + FRESH_SUFFIX)


def put_in_place(folder: Path) -> None:
    """Let the complete fresh index take the place of `folder`."""
    old = folder.with_name(folder.name + OLD_SUFFIX)
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    fresh_folder(folder).rename(folder)
    sync_folder(folder.parent)
    shutil.rmtree(old, ignore_errors=True)


def settle(folder: Path) -> None:
    """Finish an exchange that a power cut left between its two renames: the new index is complete."""
    old = folder.with_name(folder.name + OLD_SUFFIX)
    if old.exists() and not folder.exists():
        put_in_place(folder)
    elif old.exists():
        shutil.rmtree(old, ignore_errors=True)
