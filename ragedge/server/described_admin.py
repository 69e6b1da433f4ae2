"""The routes of the curator's desk, as `described` tells of all others: replies, examples, refusals."""

from __future__ import annotations

from dataclasses import replace

from ragedge.admin_replies import (
    Checked,
    DeskCounts,
    DeskDocument,
    DeskList,
    DeskModel,
    DeskModels,
    DeskReading,
    DeskReport,
    DeskSystem,
    IndexSize,
    LogLine,
    LogLines,
    MeasuredModel,
    PageState,
    Said,
)
from ragedge.device import Device
from ragedge.device_state import DeviceState
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
_READING = record_view(
    DeskReading("folder", True, started_at="2026-11-21T09:30:00+00:00", files_done=3, files_total=12, path="manual.pdf")
)
_SYSTEM = record_view(
    DeskSystem(
        "0.1.0", "extractive", "chroma", 1_763_700_000, Device("Cortex-A76", 4, 8_589_934_592, "Linux", "3.11.7"),
        DeviceState((0.2, 0.1, 0.1), 6_442_450_944, 0, 51.2, 128_000_000_000, 96_000_000_000),
        412_000_000, 530_000_000, 14, (IndexSize("default", 24_000_000, True),), 1_200_000_000,
        (MeasuredModel("granite-1b", 41.5, 9.8, "Cortex-A76, 4 cores", "2026-11-21"),),
    )
)  # fmt: skip
_MODELS = record_view(
    DeskModels(
        "llama:granite-1b", "",
        (DeskModel("granite-1b", 1_100_000_000, "Apache-2.0", "added", "2026-11-21", False, True, True, True),),
    )
)  # fmt: skip
_LINE = LogLine(17, "2026-11-21T09:30:00.120+00:00", "info", "5b1f6a0c2d3e4f50", "POST /v1/ask 200 146 ms")

_ROUTES: dict[str, Described] = {
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
    "GET /v1/admin/reading": Described((), None, DeskReading, _READING),
    "POST /v1/admin/reading": Described((*BODY, *CHANGE), {"what": "everything"}, DeskReading, _READING),
    "DELETE /v1/admin/reading": Described((), None, DeskReading, _READING),
    "GET /v1/admin/system": Described((), None, DeskSystem, _SYSTEM),
    "GET /v1/admin/models": Described((), None, DeskModels, _MODELS),
    "POST /v1/admin/models": Described(
        (*BODY, *ABSENT, (503, "model_missing")), {"name": "tiny", "do": "use"}, DeskModels, _MODELS
    ),
    "POST /v1/admin/check": Described(
        (*BODY, *ABSENT), {"what": "index"}, Checked, record_view(Checked("index", (), 4.2))
    ),
    "GET /v1/admin/log": Described((), None, LogLines, record_view(LogLines((_LINE,)))),
}

#: Where there is no desk, none of them is there.
ADMIN_ROUTES = {name: replace(route, errors=(*route.errors, *ABSENT)) for name, route in _ROUTES.items()}
