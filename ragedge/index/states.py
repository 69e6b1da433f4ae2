"""What language models have read of an index's documents goes when the documents go.

States lie beside the indexes of a folder, in one place for all of them, because one model answers from several. They
are nothing but a cache: whatever is unclear about one, it is deleted. Knows the names of files, not what is in them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from ragedge.errors import IndexReadOnly
from ragedge.state_files import StateFolder

STATES_NAME = ".states"
_ID_CHARS = 16  # a document's id is the beginning of the sha256 of its bytes


def forget_states(index_folder: Path, sha256: Iterable[str]) -> None:
    """Delete the states of documents by the sha256 of their files; before they go and once more after.

    Raises:
        IndexReadOnly: a state cannot be deleted; then the documents must not go either.
    """
    gone = {digest[:_ID_CHARS] for digest in sha256}
    if gone:
        _forget(index_folder, gone.__contains__)


def forget_all_states(index_folder: Path) -> None:
    """Delete all states beside an index that is removed or replaced as a whole.

    Raises:
        IndexReadOnly: a state cannot be deleted.
    """
    _forget(index_folder, lambda document: True)


def _forget(index_folder: Path, is_gone: Callable[[str], bool]) -> None:
    folder = index_folder.parent / STATES_NAME
    try:
        StateFolder(folder, {}).forget(is_gone)
    except OSError as error:
        message = f'what a language model has read of documents cannot be deleted from "{folder}": {error.strerror}'
        raise IndexReadOnly(message, "check its rights, or delete that folder: it is only a cache") from error
