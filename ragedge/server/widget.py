"""GET /widget.js: the script that shows a small panel for questions on pages of other sites.

Only where the config names sites under `widget_origins`; the guard lets their pages ask, and nothing else.
"""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get
from litestar.datastructures import State

from ragedge.errors import NotFound
from ragedge.server.security import WIDGET_SCRIPT
from ragedge.server.site import file_reply

_FILE = "widget.js"


@get(WIDGET_SCRIPT, sync_to_thread=False, include_in_schema=False)
def widget_script(request: Request[Any, Any, Any], state: State) -> Response[bytes]:
    """The script."""
    if not state.settings.widget_origins:
        raise NotFound(
            "the widget is switched off", 'name your site: [server] widget_origins = ["http://intranet.local"]'
        )
    return file_reply(request, state.site[_FILE])
