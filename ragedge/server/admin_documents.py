"""GET /v1/admin/documents: all documents and rejected files in one list that can be searched, sorted and narrowed.

Rows are made of what the index keeps; dates and editions are those that the search goes by.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, Any, Literal

import anyio.to_thread
from litestar import MediaType, Response, get
from litestar.datastructures import State
from litestar.params import FromQuery, QueryParameter

from ragedge.admin_replies import DeskCounts, DeskDocument, DeskList
from ragedge.contracts import DocumentName
from ragedge.ingest.scan import UPLOADS, followed_folder
from ragedge.search.editions import Described, Moment
from ragedge.server.documents import Limit, Offset, json_reply
from ragedge.server.settings import Service
from ragedge.views import record_view

Show = Literal["all", "ready", "partial", "rejected", "doubled", "undated"]
Sort = Literal["path", "title", "state", "pages", "chunks", "size_bytes", "language", "date", "added_at", "problems"]
_SEARCH_CHARS = 200
Wanted = Annotated[str, QueryParameter(max_length=_SEARCH_CHARS)]

_IS_SHOWN: dict[str, Callable[[DeskDocument], bool]] = {
    "all": lambda row: True,
    "ready": lambda row: row.state == "ready",
    "partial": lambda row: row.state == "partial",
    "rejected": lambda row: row.state == "rejected",
    "doubled": lambda row: bool(row.other_paths),
    "undated": lambda row: row.id is not None and row.date is None,
}


@get(
    "/v1/admin/documents",
    media_type=MediaType.JSON,
    summary="All documents and rejected files, for the curator's desk",
    description="`search` looks for all its words in title, path and what went wrong; `show` narrows, `sort` orders.",
)
async def list_desk_documents(
    state: State, search: Wanted = "", show: FromQuery[Show] = "all", language: Wanted = "",
    sort: FromQuery[Sort] = "path", descending: FromQuery[bool] = False, offset: Offset = 0, limit: Limit = 100,
) -> Response[bytes]:  # fmt: skip
    """One page of the list."""

    def work() -> DeskList:
        rows = desk_rows(state.service)
        chosen = [row for row in rows if _IS_SHOWN[show](row) and _has(row, search, language)]
        ordered = in_order(chosen, sort, descending=descending)
        counts = DeskCounts(**{name: sum(map(test, rows)) for name, test in _IS_SHOWN.items()})
        languages = tuple(sorted({row.language for row in rows if row.language}))
        service: Service = state.service
        folder = followed_folder(service.index.folder)
        page = tuple(ordered[offset : offset + limit])
        return DeskList(len(ordered), offset, page, counts, languages, folder, service.syncer is not None)

    return json_reply(record_view(await anyio.to_thread.run_sync(work)))


def desk_rows(service: Service) -> list[DeskDocument]:
    """All documents, then all files that gave none."""
    index = service.index
    names = {name.id: name for name in index.names()}
    said = index.all_details()
    rows = [document_row(info, names.get(info.id), is_described=info.id in said) for info in index.documents()]
    return rows + [_rejected(row) for row in index.files().values() if row.document_id is None]


def document_row(info: Any, name: DocumentName | None, *, is_described: bool) -> DeskDocument:
    """A `DocumentInfo` as a row, with date and edition out of its name and metadata."""
    known = None if name is None else Described(name)
    return DeskDocument(
        id=info.id,
        path=info.path,
        title=info.title,
        state="partial" if info.problems else "ready",
        media_type=info.media_type,
        size_bytes=info.size_bytes,
        language=info.language,
        pages=info.pages,
        chunks=info.chunks,
        date=None if known is None else date_text(known.date),
        edition=None if known is None else edition_text(known.version),
        added_at=info.added_at,
        problems=len(info.problems),
        reason=None,
        detail="",
        other_paths=info.other_paths,
        is_upload=info.path.startswith(UPLOADS),
        is_described=is_described,
    )


def _rejected(row: Any) -> DeskDocument:
    return DeskDocument(
        id=None, path=row.path, title="", state="rejected", media_type="", size_bytes=row.size_bytes, language=None,
        pages=0, chunks=0, date=None, edition=None, added_at=None, problems=max(1, len(row.problems)),
        reason=row.reason, detail=row.detail, other_paths=(), is_upload=row.path.startswith(UPLOADS),
        is_described=False,
    )  # fmt: skip


def date_text(moment: Moment | None) -> str | None:
    """A moment as people write it in a field: "2024", "2024-05" or "2024-05-31"."""
    if moment is None or not moment[0]:
        return None
    parts = [f"{moment[0]:04}", *(f"{part:02}" for part in moment[1:] if part)]
    return "-".join(parts)


def edition_text(version: tuple[int, ...]) -> str | None:
    """An edition's numbers with dots between them."""
    return ".".join(map(str, version)) or None


def _has(row: DeskDocument, search: str, language: str) -> bool:
    if language and (row.language or "") != language:
        return False
    text = " ".join((row.title, row.path, row.detail, *row.other_paths)).casefold()
    return all(word in text for word in search.casefold().split())


def in_order(rows: Iterable[DeskDocument], sort: Sort, *, descending: bool) -> list[DeskDocument]:
    """Rows by one of their fields; those that lack it come last either way, equal ones stay in the order of paths."""
    by_path = sorted(rows, key=lambda row: (row.path.casefold(), row.path))
    have: Sequence[DeskDocument] = [row for row in by_path if getattr(row, sort) not in (None, "")]
    lack = [row for row in by_path if getattr(row, sort) in (None, "")]
    return sorted(have, key=lambda row: _key(getattr(row, sort)), reverse=descending) + lack


def _key(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value
