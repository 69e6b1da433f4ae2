"""The routes of the curator's desk, as `described` tells of all others: replies, examples, refusals."""

from __future__ import annotations

from ragedge.admin_replies import DeskCounts, DeskDocument, DeskList, DeskReport, PageState, Said
from ragedge.replies import Uploaded
from ragedge.server import examples
from ragedge.server.described_route import ABSENT, BODY, CHANGE, Described
from ragedge.views import record_view

_ROW = DeskDocument(
    "8c1f0a52e7d94b36", "manual.pdf", "Unit manual", "partial", "application/pdf", 1_204_551, "en", 56, 193, "2024-05",
    "2", "2026-11-21T09:30:00+00:00", 1, None, "", (), False, False,
)  # fmt: skip
_LIST = DeskList(1, 0, (_ROW,), DeskCounts(1, 0, 1, 0, 0, 0), ("en",), "/home/box/documents", True)
_PAGES = (
    PageState(1, "i", "text", 1_812, 4, None, None, ""),
    PageState(2, "ii", "skipped", 0, 0, None, "no_text", "page 2 has no text layer, and OCR is off"),
)
_REPORT = DeskReport(_ROW, Said(date="2024-05"), _PAGES, ())
_UPLOADED = {"file": examples.FILE, "document": examples.DOCUMENT, "is_duplicate": False}
_UNREADABLE = ((422, "unreadable_document"),)

ADMIN_ROUTES: dict[str, Described] = {
    "GET /v1/admin/documents": Described((), None, DeskList, record_view(_LIST)),
    "GET /v1/admin/documents/{document_id}": Described(ABSENT, None, DeskReport, record_view(_REPORT)),
    "PUT /v1/admin/documents/{document_id}": Described(
        (*BODY, *ABSENT, *_UNREADABLE, *CHANGE), {"date": "2024-05"}, DeskReport, record_view(_REPORT)
    ),
    "POST /v1/admin/documents/replace": Described(
        (*BODY, *ABSENT, *_UNREADABLE, *CHANGE),
        "file=@manual.pdf",
        Uploaded,
        _UPLOADED,
        request_type="multipart/form-data",
    ),
    "POST /v1/admin/documents/again": Described(
        (*BODY, *ABSENT, *_UNREADABLE, *CHANGE), {"path": "manual.txt"}, Uploaded, _UPLOADED
    ),
}
