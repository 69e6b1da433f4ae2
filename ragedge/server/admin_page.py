"""GET /admin: the curator's desk. The page alone; what it shows comes from the routes under /v1/admin/.

Whether there is a desk at all is decided with every route's right (permissions.py): where the config switches it off,
or a kiosk runs without keys, nothing below these addresses exists.
"""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get
from litestar.datastructures import State

from ragedge.errors import AccessError
from ragedge.server.problems import problem_reply
from ragedge.server.site import file_reply


def offer_login(request: Request[Any, Any, Any], error: AccessError) -> Response[bytes]:
    """A browser whose key is not enough is shown the page that takes another one."""
    if "text/html" not in request.headers.get("accept", ""):
        return problem_reply(request, error)
    return Response(request.app.state.site["login.html"].content, status_code=403, media_type="text/html")


@get(
    "/admin",
    sync_to_thread=False,
    include_in_schema=False,
    exception_handlers={AccessError: offer_login},
)
def admin_page(request: Request[Any, Any, Any], state: State) -> Response[bytes]:
    """The page; its tabs are read out of the address's last part by its script."""
    return file_reply(request, state.site["admin.html"])
