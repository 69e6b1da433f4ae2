"""Config -> objects: the only place where a name in the config becomes a part.

Heavy packages are imported inside these functions, when the part they make is really wanted: asking for help must not
load torch. Nothing here computes; a new backend is one file of its own and one line here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from ragedge.assemble_index import (
    index_settings,
    make_embedder,
    make_sync,
    open_for_ingest,
    open_index,
    put_in_place,
)
from ragedge.config import Config
from ragedge.contracts import Embedder, EvidenceReader, Generator

if TYPE_CHECKING:
    from ragedge.answer.gate import Thresholds
    from ragedge.ask import AskSettings, Pipeline
    from ragedge.follow_up import FollowUp
    from ragedge.index.store import Index
    from ragedge.journal import Journal
    from ragedge.parts import PartedPipeline
    from ragedge.portion import Portion
    from ragedge.reviewed import Reviewed
    from ragedge.search.collections import Collections
    from ragedge.search.retriever import Mode
    from ragedge.tasks import Tasks

__all__ = [
    "Box",
    "index_settings",
    "make_embedder",
    "make_evidence_reader",
    "make_generator",
    "make_journal",
    "make_pipeline",
    "make_reviewed",
    "make_sync",
    "open_box",
    "open_for_ingest",
    "open_index",
    "put_in_place",
]


def make_generator(config: Config) -> Generator | None:
    """The language model of the config, or None where exact quotes answer.

    Raises:
        ModelMissing: the config insists on a model that is not there.
    """
    from ragedge.speaker import make_speaker

    return make_speaker(config)


def make_evidence_reader(config: Config) -> EvidenceReader | None:
    """The model that reads question and passage together, or None; cheap until the first question."""
    from ragedge.search.evidence_reader import packaged_reader

    return packaged_reader(config.answer.evidence_model, config.answer.threads or None)


def make_pipeline(
    config: Config,
    index: Index,
    embedder: Embedder,
    generator: Generator | None,
    *,
    mode: Mode | None = None,
    journal: Journal | None = None,
    uses_own_gate: bool = True,
    evidence_reader: EvidenceReader | None = None,
    for_people: bool = False,
) -> PartedPipeline:
    """The read path over an opened index; with a `journal`, what is asked is kept there.

    `for_people`: with what measuring must do without, see `_comforts`. The gate is the index's own where `ragedge index
    calibrate` made one that still fits; `uses_own_gate` False: the one that ships.

    Raises:
        ConfigError: the file of reviewed answers cannot be used.
    """
    from ragedge.answer.gate import PLAIN, Thresholds
    from ragedge.ask import Pipeline
    from ragedge.gate_file import own_gate
    from ragedge.parts import PartedPipeline, Parts
    from ragedge.reviewed import Reviewed
    from ragedge.search.retriever import Retriever
    from ragedge.weighing import figures_id

    def searching(place: Index | Portion, top_k: int) -> Retriever:
        wanted = config.search
        return Retriever(place, embedder, top_k=top_k, candidates=wanted.candidates, mode=mode or wanted.mode)

    reading = make_evidence_reader(config) if evidence_reader is None else evidence_reader
    own = own_gate(index, figures_id(reading))[0] if uses_own_gate else None
    shipped = PLAIN if reading is None else Thresholds()
    settings = _ask_settings(config, shipped if own is None else own.thresholds)
    reviewed = make_reviewed(config, index)

    def over(part: Portion, now: Pipeline) -> Pipeline:
        given = None if reviewed is None else Reviewed(reviewed.answers, part, needs_source=True)
        more: dict[str, Any] = {"evidence_reader": reading, "journal": now.journal, "store": now.store}
        more |= {"reviewed": given, "energy": now.energy, "follow_up": now.follow_up}
        return Pipeline(part, searching(part, now.retriever.top_k), embedder, generator, now.settings, **more)

    search = searching(index, config.search.top_k)
    more: dict[str, Any] = {"evidence_reader": reading, "reviewed": reviewed, "journal": journal}
    if for_people:
        more |= _comforts(config, index, generator)
    more |= {"parts": Parts(index, make_collections(config)), "make": over}
    return PartedPipeline(index, search, embedder, generator, settings, **more)


def _ask_settings(config: Config, thresholds: Thresholds) -> AskSettings:
    from ragedge.ask import AskSettings
    from ragedge.device_profile import prompt_tokens
    from ragedge.speaker import profile_of

    return AskSettings(
        prompt_tokens=prompt_tokens(config.answer, profile_of(config)[0]),
        max_answer_tokens=config.answer.max_answer_tokens,
        temperature=config.answer.temperature,
        language=config.language,
        max_question_chars=config.server.max_question_chars,
        thresholds=thresholds,
    )


def make_collections(config: Config) -> Collections:
    """The named parts of the config's index."""
    from ragedge.search.collections import Collection, Collections

    wanted = config.collections.items()
    return Collections([Collection(name, part.title, part.paths, part.readers) for name, part in wanted])


def _comforts(config: Config, index: Index, generator: Generator | None) -> dict[str, Any]:
    """What people who ask get beside the answer itself."""
    from ragedge.answer_store import AnswerStore
    from ragedge.energy import find_meter

    wanted = config.answer
    is_kept = wanted.store == "memory"
    return {
        "store": AnswerStore(lambda: index.generation, max_bytes=wanted.store_bytes) if is_kept else None,
        "energy": find_meter(),
        "follow_up": make_follow_up(config, generator),
    }


def make_follow_up(config: Config, generator: Generator | None) -> FollowUp:
    """Who completes follow-up questions; its speed is what `ragedge bench --calibrate` measured, until answers tell."""
    from ragedge.follow_up import FollowUp
    from ragedge.speaker import profile_of

    profile = profile_of(config)[0]
    if config.search.followup_model == "off" or profile is None:
        return FollowUp(generator if config.search.followup_model == "auto" else None)
    return FollowUp(generator, prompt_speed=profile.prompt_tokens_per_second, speed=profile.tokens_per_second)


def make_reviewed(config: Config, index: Index) -> Reviewed:
    """The reviewed answers of the config over an opened index: of its file, or of the one beside the index, if any.

    Raises:
        ConfigError: that file cannot be used.
    """
    from ragedge.answer.pinned import PinnedAnswers, load_pinned
    from ragedge.reviewed import Reviewed

    path = config.pinned_file()
    return Reviewed(load_pinned(path) if config.answer.pinned or path.exists() else PinnedAnswers(()), index)


def make_journal(config: Config) -> Journal | None:
    """The journal of the config's index, or None where it is switched off; nothing is opened yet."""
    if not config.journal.enabled:
        return None
    from ragedge.journal import Journal

    wanted = config.journal
    return Journal(config.journal_file(), max_rows=wanted.max_rows, max_age_days=wanted.max_age_days)


@dataclass(frozen=True, slots=True)
class Box:
    """An opened index with everything around it; close it when done."""

    config: Config
    embedder: Embedder
    index: Index
    generator: Generator | None
    pipeline: Pipeline
    is_writable: bool
    journal: Journal | None = None
    notes: tuple[str, ...] = ()
    """What a person should know about how it was opened, one line each."""

    @property
    def tasks(self) -> Tasks:
        """What can be asked beside a question: summaries, answers in other words."""
        from ragedge.parts import PartedPipeline
        from ragedge.tasks import Tasks

        now = self.pipeline
        parts = now.parts if isinstance(now, PartedPipeline) else None
        return Tasks(self.index, self.embedder, self.generator, now.settings, now.energy, parts)

    def warm_up(self) -> None:
        """Load what the first question would otherwise wait for: search first, then the language model."""
        self.pipeline.warm_up()
        if self.generator is not None:
            self.generator.count_tokens("warm up")

    def close(self) -> None:
        """Free the model, write what the journal still has to write, close the index."""
        if self.journal is not None:
            self.journal.close()
        if self.generator is not None:
            self.generator.close()
        self.index.close()

    def __enter__(self) -> Box:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_box(
    config: Config,
    *,
    mode: Literal["read", "write"] = "read",
    create: bool = False,
    keeps_journal: bool = False,
) -> Box:
    """Everything a question needs, from a config; for people who ask with `keeps_journal`: see `make_pipeline`."""
    from ragedge.gate_file import own_gate
    from ragedge.speaker import profile_of

    embedder = make_embedder(config)
    generator = make_generator(config)
    journal = make_journal(config) if keeps_journal else None
    index = open_index(config, embedder, mode=mode, create=create)
    try:
        pipeline = make_pipeline(config, index, embedder, generator, journal=journal, for_people=keeps_journal)
    except BaseException:
        index.close()
        raise
    notes = tuple(note for note in (own_gate(index, pipeline.reader_id)[1], profile_of(config)[1]) if note)
    return Box(config, embedder, index, generator, pipeline, mode == "write", journal, notes)
