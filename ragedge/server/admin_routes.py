"""The routes of the curator's desk, in the order in which /docs shows them; a new tab adds its own here."""

from __future__ import annotations

from typing import Any

from ragedge.server.admin_documents import list_desk_documents
from ragedge.server.admin_page import admin_page

ADMIN_HANDLERS: tuple[Any, ...] = (
    admin_page,
    list_desk_documents,
)
