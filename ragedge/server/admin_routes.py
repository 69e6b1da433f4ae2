"""The routes of the curator's desk, in the order in which /docs shows them; a new tab adds its own here."""

from __future__ import annotations

from typing import Any

from ragedge.server.admin_document import describe_document, read_again, replace_document, show_desk_document
from ragedge.server.admin_documents import list_desk_documents
from ragedge.server.admin_page import admin_page
from ragedge.server.admin_reading import show_reading, start_reading, stop_reading
from ragedge.server.admin_system import change_model, check, show_log, show_models, show_system

ADMIN_HANDLERS: tuple[Any, ...] = (
    admin_page,
    list_desk_documents,
    show_desk_document,
    describe_document,
    replace_document,
    read_again,
    show_reading,
    start_reading,
    stop_reading,
    show_system,
    show_models,
    change_model,
    check,
    show_log,
)
