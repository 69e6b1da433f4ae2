"""Reading ahead in the service: what else it is doing, and which questions its visitors are shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from litestar.datastructures import State

from ragedge.reading_ahead import Work
from ragedge.server.settings import KioskSettings, ServerSettings, Service


def start_ahead(app: Any) -> None:
    """Begin, where the service has something that reads ahead."""
    state: State = app.state
    service: Service = state.service
    if service.ahead is not None:
        service.ahead.watch(lambda: work_of(state), lambda: shown_questions(state))
        service.ahead.start()


def end_ahead(app: Any) -> None:
    """Stop, and wait until nothing is read any more."""
    service: Service = app.state.service
    if service.ahead is not None:
        service.ahead.close()


def work_of(state: State) -> Work:
    """Questions, uploads, readings, golden questions and the making of suggestions go before."""
    service: Service = state.service
    golden = None if service.curation is None else service.curation.golden.progress.state
    is_busy = (
        state.desk.admission.taken > 0
        or state.upload_admission.taken > 0
        or state.suggestions.is_working
        or state.reading.state().is_running
        or golden in ("running", "waiting", "stopping")
    )
    return Work(is_busy, state.desk.admission.entered)


def shown_questions(state: State) -> Sequence[str] | None:
    """What the first page or the kiosk offers; None: it is being made."""
    settings: ServerSettings = state.settings
    if settings.kiosk is not None:
        return (*settings.questions, *_kiosk_questions(settings.kiosk))
    if settings.questions:
        return settings.questions
    made: Sequence[str] | None = state.suggestions.get(None, "", state.service.index.generation)
    return made


def _kiosk_questions(kiosk: KioskSettings) -> list[str]:
    exhibits, wanted = kiosk.exhibits, kiosk.languages
    groups = (exhibits.questions, *(exhibit.questions for exhibit in exhibits.exhibits.values()))
    offered = [texts for group in groups for language, texts in group.items() if not wanted or language in wanted]
    return [text for texts in offered for text in texts]
