"""The desk's routes for questions, reviewed answers and golden questions, as `described` tells of all others."""

from __future__ import annotations

from ragedge import desk_replies as replies
from ragedge.server.described_route import ABSENT, BODY, Described
from ragedge.views import record_view

_ASKED = replies.AskedRow(
    41, "2026-11-21T09:30:00+00:00", "What does E-417 mean?", "answered", 0.93, "extractive", "manual.pdf", 12, "down",
    "wrong page", 14.2, 61.8,
)  # fmt: skip
_REPEATS = replies.RepeatsRow(
    "What does E-417 mean?", 7, "2026-11-21T09:30:00+00:00", "answered", 1, 2, 1, ("wrong page",)
)
_DAY = replies.DayRow("2026-11-21", 14, 3, 2, 0, 19, 12.9, 31.0, 58.3, 140.2)
_PINNED = replies.PinnedRow(
    1, ("When is the workshop open?",), "Daily from 8 to 16.", "manual.pdf", 2, "Open 8-16, every day.", "2026-01-01",
    None, "front desk", "valid", "",
)  # fmt: skip
_RUN = replies.GoldenRun(
    3, "2026-11-21T09:30:00+00:00", 12.4, 40, 40, 12, "extractive", "passage", {"hit@5": 0.95, "f1": 0.71}, 4
)
_FAILURE = replies.GoldenFailure(
    "q-007", "How long is the warranty?", ("refused",), ("two years",), ("manual.pdf, page 50: two years",),
    "abstained", "The documents do not say.", (),
)  # fmt: skip
_PROGRESS = replies.GoldenProgress("running", 12, 40, "2026-11-21T09:30:00+00:00", "")
_BODY = {
    "questions": ["When is the workshop open?"], "text": "Daily from 8 to 16.", "path": "manual.pdf", "page": 2,
    "quote": "Open 8-16, every day.", "valid_from": "2026-01-01", "reviewed_by": "front desk",
    "revision": "e3b0c44298fc1c14",
}  # fmt: skip
_LINES = '{"id": "q-1", "question": "When is it open?", "answers": ["8 to 16"], "sources": [{"path": "manual.pdf"}]}'
_KEPT = (*ABSENT, (400, "input_error"))
_EDIT = (*BODY, *ABSENT, (400, "input_error"), (409, "edit_conflict"), (507, "disk_full"))

DESK_ROUTES: dict[str, Described] = {
    "GET /v1/admin/questions": Described(
        _KEPT, None, replies.AskedList, record_view(replies.AskedList(True, 1, 0, (_ASKED,)))
    ),
    "GET /v1/admin/questions/repeats": Described(
        _KEPT, None, replies.RepeatsList, record_view(replies.RepeatsList(True, 1, 0, (_REPEATS,)))
    ),
    "GET /v1/admin/questions/days": Described(
        _KEPT, None, replies.DayList, record_view(replies.DayList(True, (_DAY,)))
    ),
    "GET /v1/admin/questions/export": Described(
        _KEPT, media_type="text/csv; charset=utf-8", more_types=("application/jsonl",)
    ),
    "DELETE /v1/admin/questions": Described(_KEPT, None, replies.Deleted, {"deleted": 412}),
    "DELETE /v1/admin/questions/{question}": Described(_KEPT, None, replies.Deleted, {"deleted": 1}),
    "GET /v1/admin/pinned": Described(
        ABSENT, None, replies.PinnedList,
        record_view(replies.PinnedList("indexes/.reviewed/default.toml", False, "e3b0c44298fc1c14", (_PINNED,), "")),
    ),
    "POST /v1/admin/pinned": Described(
        _EDIT, _BODY, replies.PinnedChange, {"number": 2, "revision": "5feceb66ffc86f38"}
    ),
    "POST /v1/admin/pinned/{number}": Described(
        _EDIT, _BODY, replies.PinnedChange, {"number": 1, "revision": "5feceb66ffc86f38"}
    ),
    "DELETE /v1/admin/pinned/{number}": Described(
        _EDIT, None, replies.PinnedChange, {"number": 1, "revision": "5feceb66ffc86f38"}
    ),
    "GET /v1/admin/golden": Described(
        _KEPT, None, replies.GoldenOverview,
        record_view(
            replies.GoldenOverview("indexes/.golden/default/questions.jsonl", False, 40, "", _PROGRESS, (_RUN,))
        ),
    ),
    "GET /v1/admin/golden/runs/{run}": Described(
        _KEPT, None, replies.GoldenDetail, record_view(replies.GoldenDetail(_RUN, (_FAILURE,)))
    ),
    "POST /v1/admin/golden/questions": Described(_EDIT, {"lines": _LINES}, replies.GoldenSaved, {"questions": 1}),
    "POST /v1/admin/golden/runs": Described(
        (*BODY, *_KEPT), {"limit": 40}, replies.GoldenProgress, record_view(_PROGRESS)
    ),
    "DELETE /v1/admin/golden/runs": Described(
        _KEPT, None, replies.GoldenProgress, record_view(replies.GoldenProgress("stopping", 12, 40, "", ""))
    ),
}  # fmt: skip
