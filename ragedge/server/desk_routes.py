"""The desk's routes for questions, reviewed answers and golden questions, in the order in which /docs shows them."""

from __future__ import annotations

from typing import Any

from ragedge.server.admin_golden import save_golden, show_golden, show_golden_run, start_golden, stop_golden
from ragedge.server.admin_pinned import add_pinned, change_pinned, list_pinned, remove_pinned
from ragedge.server.admin_questions import (
    export_questions,
    list_days,
    list_questions,
    list_repeats,
    remove_question,
    remove_questions,
)

DESK_HANDLERS: tuple[Any, ...] = (
    list_questions,
    list_repeats,
    list_days,
    export_questions,
    remove_question,
    remove_questions,
    list_pinned,
    add_pinned,
    change_pinned,
    remove_pinned,
    show_golden,
    save_golden,
    start_golden,
    stop_golden,
    show_golden_run,
)
