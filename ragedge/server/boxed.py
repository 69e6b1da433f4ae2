"""Box -> service: hands the assembled parts and the config's limits to the application, and loads what is slow."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from litestar import Litestar

from ragedge import __version__, assemble
from ragedge.answer.process_generator import ProcessGenerator
from ragedge.assemble import Box
from ragedge.config import Config
from ragedge.errors import RagedgeError
from ragedge.exhibits import Exhibits, load_exhibits
from ragedge.golden_runs import QUESTIONS_NAME
from ragedge.ingest.readers import SUPPORTED_SUFFIXES
from ragedge.model_registry import Registry
from ragedge.parts import PartedPipeline
from ragedge.reading_ahead import ReadingAhead, prompt_ahead
from ragedge.server.access import Access
from ragedge.server.app import create_app
from ragedge.server.curation import make_curation
from ragedge.server.lan import own_names
from ragedge.server.owner_settings import OwnerSettings
from ragedge.server.settings import KioskSettings, ServerSettings, Service
from ragedge.server.speech import find_program
from ragedge.server.surroundings import Surroundings
from ragedge.suggesting import suggest
from ragedge.used_questions import used_questions

#: Seconds of tokens that a full bucket holds.
_BURST_SECONDS = 20


def make_app(box: Box, access: Access | None = None, config_file: Path | None = None) -> Litestar:
    """The service over an opened box, with the limits of its config; with `access`, behind its keys.

    `config_file` is where the config came from: what an owner changes is kept there.
    """
    wanted = box.config.server
    service = Service(
        pipeline=box.pipeline,
        index=box.index,
        syncer=assemble.make_sync(box.config, box.index, box.embedder) if box.is_writable else None,
        engine=box.pipeline.engine,
        version=__version__,
        suffixes=SUPPORTED_SUFFIXES,
        journal=box.journal,
        embedder=box.embedder,
        tasks=box.tasks,
        access=access,
        curation=make_curation(box),
        parts=box.pipeline.parts if isinstance(box.pipeline, PartedPipeline) else None,
        suggest=partial(_suggest, box.pipeline) if isinstance(box.pipeline, PartedPipeline) else None,
        ahead=_ahead(box),
        owner_settings=_owner_settings(box, config_file, lambda config: _apply(box, app, config)),
        surroundings=_surroundings(box),
    )
    settings = ServerSettings(
        host=wanted.host,
        port=wanted.port,
        title=wanted.title,
        admin=wanted.admin,
        allowed_hosts=(*wanted.allowed_hosts, *own_names()) if wanted.lan else wanted.allowed_hosts,
        is_lan=wanted.lan,
        tokens_per_second=wanted.tokens_per_second,
        token_burst=wanted.tokens_per_second * _BURST_SECONDS,
        widget_origins=wanted.widget_origins,
        max_upload_bytes=wanted.max_upload_bytes,
        max_question_chars=wanted.max_question_chars,
        queue_limit=wanted.queue_limit,
        pdf_passwords=box.config.ingest.passwords,
        questions=wanted.questions,
        kiosk=_kiosk(box),
    )
    app = create_app(service, settings)
    return app


def _suggest(
    pipeline: PartedPipeline, readable: Sequence[str] | None, collection: str, is_over: Callable[[], bool]
) -> tuple[str, ...]:
    return suggest(pipeline.part(readable, collection), is_over)


def _ahead(box: Box) -> ReadingAhead | None:
    config, generator, pipeline = box.config, box.generator, box.pipeline
    if not isinstance(generator, ProcessGenerator) or not generator.joins_passages or not config.answer.passages_ahead:
        return None
    golden = Path(config.evaluation.questions).expanduser() if config.evaluation.questions else None

    def used(shown: Sequence[str]) -> list[str]:
        journal = config.journal_file() if pipeline.journal is not None else None
        return used_questions(journal, shown, golden or config.golden_folder() / QUESTIONS_NAME)

    most = config.answer.passages_ahead
    return ReadingAhead(generator, used, partial(prompt_ahead, pipeline), lambda: box.index.generation, most)


def _owner_settings(box: Box, file: Path | None, apply: Callable[[Config], None]) -> OwnerSettings:
    def names() -> tuple[str, ...]:
        return tuple(record.name for record in Registry(box.config.language_models_folder).records())

    return OwnerSettings(box.config, file, models=names, apply=apply, can_keep=box.journal is not None)


def _apply(box: Box, app: Litestar, config: Config) -> None:
    """Let a changed config take effect in what runs, as far as that goes without making parts anew."""
    journal = box.journal if config.journal.enabled else None
    if isinstance(box.pipeline, PartedPipeline):
        wanted = config.answer.max_answer_tokens
        box.pipeline.change(
            language=config.language, max_answer_tokens=wanted, top_k=config.search.top_k, journal=journal
        )
    state = app.state
    state.settings = replace(state.settings, title=config.server.title, questions=config.server.questions)
    state.service = state.desk.service = replace(state.service, journal=journal, tasks=box.tasks)


def _surroundings(box: Box) -> Surroundings:
    config = box.config
    registry = Registry(config.language_models_folder)
    is_local = box.generator is not None and config.answer.kind != "remote"
    found = registry.resolve(config.answer.model) if is_local else None
    speaking = None if found is None else found[0]
    return Surroundings(Path(config.indexes_folder), registry, config.answer.model, speaking)


def _kiosk(box: Box) -> KioskSettings | None:
    wanted = box.config.kiosk
    if not wanted.enabled:
        return None
    return KioskSettings(
        exhibits=load_exhibits(Path(wanted.exhibits).expanduser()) if wanted.exhibits else Exhibits(),
        idle_seconds=wanted.idle_seconds,
        address=wanted.address,
        languages=wanted.languages,
        speech_program=find_program(),
    )


def warm_up(box: Box, tell: Callable[[RagedgeError], None], is_over: threading.Event) -> None:
    """Load search and model before the first question; what cannot be loaded is told now, and the service goes on.

    Runs in a thread of its own; after `is_over` nothing is told: what fails then was closed.
    """
    try:
        box.warm_up()
    except RagedgeError as error:
        if not is_over.is_set():
            tell(error)
