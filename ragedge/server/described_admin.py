"""The routes of the curator's desk, as `described` tells of all others: replies, examples, refusals."""

from __future__ import annotations

from ragedge.admin_replies import DeskCounts, DeskDocument, DeskList
from ragedge.server.described_route import Described
from ragedge.views import record_view

_ROW = DeskDocument(
    "8c1f0a52e7d94b36", "manual.pdf", "Unit manual", "partial", "application/pdf", 1_204_551, "en", 56, 193, "2024-05",
    "2", "2026-11-21T09:30:00+00:00", 1, None, "", (), False, False,
)  # fmt: skip
_LIST = DeskList(1, 0, (_ROW,), DeskCounts(1, 0, 1, 0, 0, 0), ("en",), "/home/box/documents", True)

ADMIN_ROUTES: dict[str, Described] = {
    "GET /v1/admin/documents": Described((), None, DeskList, record_view(_LIST)),
}
