"""What people asked, for the desk: list, repeats, days, files to take along, deletion. Reads the journal's own file.

Where no journal is kept, lists are empty and say so (`is_kept`); there is nothing to delete or to take along.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

import anyio.to_thread
from litestar import MediaType, Response, delete, get
from litestar.datastructures import State
from litestar.params import FromPath, QueryParameter

from ragedge.errors import NotFound
from ragedge.journal import clear_journal
from ragedge.journal_days import by_day
from ragedge.journal_export import as_csv, as_lines
from ragedge.journal_reading import (
    MARKS,
    Row,
    Selection,
    delete_row,
    read_entries,
    read_rows,
    repeats,
    since_moment,
)
from ragedge.server.curated import Curated
from ragedge.server.documents import Offset, json_reply
from ragedge.server.settings import Service
from ragedge.views import record_view

#: SQLite's ids end there.
_LARGEST_ID = 2**63 - 1
_BYTE_ORDER_MARK = "\ufeff"  # without it spreadsheets take UTF-8 for something else

Many = Annotated[int, QueryParameter(ge=1, le=500)]
Since = Annotated[str, QueryParameter(max_length=40)]
Words = Annotated[str, QueryParameter(max_length=200)]
Flag = Annotated[bool, QueryParameter()]
Kind = Annotated[Literal["csv", "drafts"], QueryParameter()]
Days = Annotated[int, QueryParameter(ge=1, le=366)]


def curated(service: Service) -> Curated:
    """What the desk works on.

    Raises:
        NotFound: this service was put together without.
    """
    if service.curation is None:
        raise NotFound("nothing is curated here", "start the service with ragedge serve")
    return service.curation


def _selection(since: str, text: str, *marks: bool) -> Selection:
    chosen = tuple(name for name, is_chosen in zip(MARKS, marks, strict=True) if is_chosen)
    return Selection(chosen, since_moment(since, datetime.now(UTC)) if since else None, text)


def _row_view(row: Row) -> dict[str, Any]:
    return {"id": row.id, **record_view(row.entry)}


@get(
    "/v1/admin/questions",
    media_type=MediaType.JSON,
    summary="What people asked",
    description="The newest first, `limit` from `offset` on. `unanswered`, `unsure` and `down` choose those with any "
    "of these marks; `since` is a day such as 2026-01-31, or 7d, or 12h; `text` is looked for in question, reason and "
    "document.",
)
async def list_questions(
    state: State, unanswered: Flag = False, unsure: Flag = False, down: Flag = False, since: Since = "",
    text: Words = "", offset: Offset = 0, limit: Many = 50,
) -> Response[bytes]:  # fmt: skip
    """One page of the journal."""
    path, chosen = curated(state.service).journal, _selection(since, text, unanswered, unsure, down)

    def read() -> dict[str, Any]:
        total, rows = read_rows(path, chosen, offset=offset, limit=limit) if path is not None else (0, [])
        found = [_row_view(row) for row in rows]
        return {"is_kept": path is not None, "total": total, "offset": offset, "rows": found}

    return json_reply(await anyio.to_thread.run_sync(read))


@get(
    "/v1/admin/questions/repeats",
    media_type=MediaType.JSON,
    summary="What people asked, each question once",
    description="The most asked first, with how often it went unanswered and the reasons of thumbs down; chosen as in "
    "the list.",
)
async def list_repeats(
    state: State, unanswered: Flag = False, unsure: Flag = False, down: Flag = False, since: Since = "",
    text: Words = "", offset: Offset = 0, limit: Many = 50,
) -> Response[bytes]:  # fmt: skip
    """Repeats taken together."""
    path, chosen = curated(state.service).journal, _selection(since, text, unanswered, unsure, down)

    def read() -> dict[str, Any]:
        groups = repeats(read_entries(path, chosen)) if path is not None else []
        rows = [record_view(group) for group in groups[offset : offset + limit]]
        return {"is_kept": path is not None, "total": len(groups), "offset": offset, "rows": rows}

    return json_reply(await anyio.to_thread.run_sync(read))


@get(
    "/v1/admin/questions/export",
    summary="What people asked, as a file",
    description="`format` is csv, a table in which no cell is a formula, or drafts, golden questions to complete "
    "(JSONL); chosen as in the list, the oldest first.",
)
async def export_questions(
    state: State, unanswered: Flag = False, unsure: Flag = False, down: Flag = False, since: Since = "",
    text: Words = "", format: Kind = "csv",
) -> Response[bytes]:  # fmt: skip
    """The file, as a download."""
    path, chosen = _kept(state.service), _selection(since, text, unanswered, unsure, down)

    def make() -> bytes:
        entries = read_entries(path, chosen)
        return (_BYTE_ORDER_MARK + as_csv(entries) if format == "csv" else as_lines(entries)[1]).encode("utf-8")

    kind, name = ("text/csv", "questions.csv") if format == "csv" else ("application/jsonl", "questions.jsonl")
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(await anyio.to_thread.run_sync(make), media_type=kind, headers=headers)


@get(
    "/v1/admin/questions/days",
    media_type=MediaType.JSON,
    summary="Questions and waiting times by day",
    description="The last `days` of this machine's calendar, the oldest first: how many were answered, unsure and "
    "refused, and median and 95th percentile of the time until the passages stood and until the end.",
)
async def list_days(state: State, days: Days = 30) -> Response[bytes]:
    """What the plots are drawn from."""
    path = curated(state.service).journal

    def read() -> dict[str, Any]:
        now = datetime.now().astimezone()
        chosen = Selection(since=now - timedelta(days=days + 1))
        entries = read_entries(path, chosen) if path is not None else []
        found = [record_view(day) for day in by_day(entries, last=now.date(), count=days)]
        return {"is_kept": path is not None, "days": found}

    return json_reply(await anyio.to_thread.run_sync(read))


@delete(
    "/v1/admin/questions/{question:int}",
    status_code=200,
    summary="Delete one question of the journal",
    description="For good: it stands nowhere in the journal's files afterwards.",
)
async def remove_question(question: FromPath[int], state: State) -> Response[bytes]:
    """One row less."""
    path = _kept(state.service)
    is_id = 0 < question <= _LARGEST_ID
    if not is_id or not await anyio.to_thread.run_sync(delete_row, path, question):
        raise NotFound("there is no such question in the journal", "look at the list again")
    return json_reply({"deleted": 1})


@delete(
    "/v1/admin/questions",
    status_code=200,
    summary="Delete all questions of the journal",
    description="For good: they stand nowhere in the journal's files afterwards.",
)
async def remove_questions(state: State) -> Response[bytes]:
    """An empty journal."""
    return json_reply({"deleted": await anyio.to_thread.run_sync(clear_journal, _kept(state.service))})


def _kept(service: Service) -> Path:
    path = curated(service).journal
    if path is None:
        raise NotFound("no journal is kept here", "set [journal] enabled = true in the config")
    return path
