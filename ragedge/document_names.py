"""What people call a document or a section of it -> the one that is meant, or an error that names the choice."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ragedge.contracts import Chunk
from ragedge.errors import InputError, NotFound
from ragedge.index.records import DocumentInfo
from ragedge.index.view import IndexView
from ragedge.portion import Portion

_MOST_NAMED = 12  # sections or documents named in a hint


def find_document(index: IndexView | Portion, name: str) -> DocumentInfo:
    """The document that is meant by an id, a path, a file name or a title.

    Raises:
        NotFound: none is.
        InputError: several are.
    """
    documents = index.documents()
    wanted = name.strip().casefold()
    ways: tuple[Callable[[DocumentInfo], bool], ...] = (
        lambda info: name.strip() in (info.id, info.path, *info.other_paths),
        lambda info: info.path.rsplit("/", 1)[-1].casefold() == wanted,
        lambda info: info.title.casefold() == wanted,
        lambda info: wanted in info.path.casefold() or wanted in info.title.casefold(),
    )
    for is_meant in ways:
        found = [info for info in documents if wanted and is_meant(info)]
        if len(found) == 1:
            return found[0]
        if found:
            named = "; ".join(info.path for info in found[:_MOST_NAMED])
            raise InputError(f'"{name[:100]}" could be {len(found)} documents', f"say which: {named}")
    raise NotFound(f'there is no document "{name[:100]}" in the index', "see them: ragedge index info --files")


def chunks_of_section(chunks: Sequence[Chunk], section: str, path: str) -> list[Chunk]:
    """Those of a document's passages that stand below a heading: of that name, else with it in their name.

    Raises:
        NotFound: there is none.
    """
    wanted = " ".join(section.split()).casefold()
    ways: tuple[Callable[[str], bool], ...] = (lambda heading: heading == wanted, lambda heading: wanted in heading)
    for is_meant in ways:
        found = [
            chunk
            for chunk in chunks
            if wanted and any(is_meant(" ".join(heading.split()).casefold()) for heading in chunk.headings)
        ]
        if found:
            return found
    names = list(dict.fromkeys(heading for chunk in chunks for heading in chunk.headings))
    hint = f"its sections: {'; '.join(names[:_MOST_NAMED])}" if names else "it has no sections; leave the section out"
    raise NotFound(f'there is no section "{section[:100]}" in "{path}"', hint)
