"""The owner's routes, as `described` tells of all others: replies, examples, refusals."""

from __future__ import annotations

from ragedge.owner_replies import KeyList, KeyReport, NewKey, Settings, SettingsReport
from ragedge.server.described_route import ABSENT, BODY, Described
from ragedge.views import record_view

_SETTINGS = SettingsReport(
    Settings("ragedge", ("What does E-417 mean?",), "en", 8, 200, True, "", "packaged"), "ragedge.toml", (), ()
)
_KEY = KeyReport("3f0c9a7d51e2", "workshop", "visitor", "2026-11-21T09:30:00+00:00", False)

OWNER_ROUTES: dict[str, Described] = {
    "GET /v1/settings": Described(ABSENT, None, SettingsReport, record_view(_SETTINGS)),
    "PATCH /v1/settings": Described(
        (*BODY, *ABSENT, (400, "input_error")), {"title": "Ask the workshop"}, SettingsReport, record_view(_SETTINGS)
    ),
    "GET /v1/keys": Described(ABSENT, None, KeyList, record_view(KeyList((_KEY,)))),
    "POST /v1/keys": Described(
        (*BODY, *ABSENT, (400, "input_error")),
        {"name": "workshop", "role": "visitor"},
        NewKey,
        record_view(NewKey(_KEY, "ragedge_8Jx…")),
    ),
    "DELETE /v1/keys/{key_id}": Described((*ABSENT, (400, "input_error")), None, KeyReport, record_view(_KEY)),
}
