"""Config -> objects: the only place where a name in the config becomes a part.

Heavy packages are imported inside these functions, when the part they make is really wanted: asking for help must not
load torch. Nothing here computes; a new backend is one file of its own and one line here.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ragedge.config import Config
from ragedge.contracts import Embedder, EvidenceReader, Generator, ReadOptions
from ragedge.errors import IndexCorrupt, IndexMissing, IndexStale

if TYPE_CHECKING:
    from ragedge.ask import Pipeline
    from ragedge.index.store import Index, IndexSettings
    from ragedge.ingest.sync import Sync
    from ragedge.journal import Journal
    from ragedge.reviewed import Reviewed
    from ragedge.search.retriever import Mode


def make_embedder(config: Config) -> Embedder:
    """The embedder of the config; cheap until the first text is embedded.

    Raises:
        ModelMissing, ModelCorrupt: its files are absent or not the expected ones.
    """
    from ragedge.models import embedder_folder, embedder_sha256

    wanted = config.embedder
    folder = embedder_folder(wanted.model)
    settings: dict[str, Any] = {
        # One id for both kinds: their vectors are interchangeable, tests/search/test_llama_embedder.py holds them to it
        "id": wanted.model,
        "sha256": wanted.sha256 or embedder_sha256(wanted.model),
        "max_tokens": wanted.max_tokens - 2,  # [CLS] and [SEP] count towards the model's own limit
        "question_prefix": wanted.question_prefix,
        "passage_prefix": wanted.passage_prefix,
        "threads": wanted.threads or None,
    }
    if wanted.kind == "llama":
        from ragedge.search.llama_embedder import LlamaEmbedder

        return LlamaEmbedder(folder, config.models_folder, **settings)
    from ragedge.search.embedder import SentenceTransformerEmbedder

    return SentenceTransformerEmbedder(folder, **settings)


def index_settings(config: Config, embedder: Embedder) -> IndexSettings:
    """What an index must have been made with to fit this config."""
    from ragedge.index.store import IndexSettings
    from ragedge.ingest.chunker import CHUNKER_VERSION

    return IndexSettings(
        embedder_id=embedder.id,
        embedder_sha256=embedder.sha256,
        dimension=embedder.dimension,
        question_prefix=config.embedder.question_prefix,
        passage_prefix=config.embedder.passage_prefix,
        chunker_version=CHUNKER_VERSION,
        chunk_tokens=min(config.ingest.chunk_tokens, embedder.max_tokens),
    )


def open_index(
    config: Config,
    embedder: Embedder,
    *,
    mode: Literal["read", "write"] = "read",
    create: bool = False,
    folder: Path | None = None,
) -> Index:
    """The index of the config, checked against it."""
    from ragedge.index.store import Index
    from ragedge.index.swap import settle

    if folder is None:
        settle(config.index_folder())
    return Index.open(folder or config.index_folder(), index_settings(config, embedder), mode=mode, create=create)


def make_sync(config: Config, index: Index, embedder: Embedder) -> Sync:
    """The verb that keeps `index` in step with a folder."""
    from ragedge.ingest.sandbox import Limits, Sandbox
    from ragedge.ingest.sync import Sync

    wanted = config.ingest
    options = ReadOptions(passwords=wanted.passwords, ocr=wanted.ocr, ocr_languages=wanted.ocr_languages)
    limits = Limits(
        stall_seconds=wanted.stall_seconds,
        total_seconds=wanted.total_seconds,
        memory_bytes=wanted.memory_bytes,
        file_bytes=wanted.file_bytes,
    )
    return Sync(index, embedder, lambda: Sandbox(options, limits), chunk_tokens=index.settings.chunk_tokens)


@contextmanager
def open_for_ingest(config: Config, embedder: Embedder, *, fresh: bool = False) -> Iterator[Sync]:
    """The sync verb over the config's index, opened for writing; with `fresh`, over a new one beside it.

    Raises:
        IndexLocked: another process holds the index, also the one that a fresh one is to replace.
    """
    from ragedge.index.swap import check_free, fresh_folder, settle

    folder = config.index_folder()
    settle(folder)
    if fresh:
        check_free(folder)
        folder = fresh_folder(folder)
    try:
        index = open_index(config, embedder, mode="write", create=True, folder=folder)
    except (IndexStale, IndexCorrupt):
        if not fresh:
            raise
        shutil.rmtree(folder)  # left by a run that was stopped, under other settings; nothing stands in it alone
        index = open_index(config, embedder, mode="write", create=True, folder=folder)
    with index:
        yield make_sync(config, index, embedder)


def put_in_place(config: Config, embedder: Embedder) -> Path | None:
    """Let the finished fresh index take the place of the old one, with what was uploaded to that.

    An old index that cannot be read is not deleted but set aside; returns where.

    Raises:
        IndexLocked: another process has begun to use the old index.
    """
    from ragedge.index import swap
    from ragedge.index.store import Index

    folder, aside = config.index_folder(), None
    if folder.is_dir():
        try:
            old = Index.open(folder, None, mode="write")
        except (IndexCorrupt, IndexStale, IndexMissing):
            aside = swap.set_aside(folder)
        else:
            fresh = swap.fresh_folder(folder)
            with old, open_index(config, embedder, mode="write", folder=fresh) as new:
                make_sync(config, new, embedder).adopt_uploads(old)
    swap.put_in_place(folder)
    return aside


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
) -> Pipeline:
    """The read path over an opened index; with a `journal`, what is asked is kept there.

    The gate is the index's own where `ragedge index calibrate` made one that still fits; `uses_own_gate` False: the
    one that ships.

    Raises:
        ConfigError: the file of reviewed answers cannot be used.
    """
    from ragedge.answer.gate import PLAIN, Thresholds
    from ragedge.ask import AskSettings, Pipeline
    from ragedge.gate_file import own_gate
    from ragedge.search.retriever import Retriever

    retriever = Retriever(
        index,
        embedder,
        top_k=config.search.top_k,
        candidates=config.search.candidates,
        mode=mode or config.search.mode,
    )
    own = own_gate(index)[0] if uses_own_gate else None
    reading = make_evidence_reader(config) if evidence_reader is None else evidence_reader
    shipped = PLAIN if reading is None else Thresholds()
    settings = AskSettings(
        prompt_tokens=config.answer.prompt_tokens,
        max_answer_tokens=config.answer.max_answer_tokens,
        temperature=config.answer.temperature,
        language=config.language,
        max_question_chars=config.server.max_question_chars,
        thresholds=shipped if own is None else own.thresholds,
    )
    more: dict[str, Any] = {"evidence_reader": reading, "reviewed": make_reviewed(config, index), "journal": journal}
    return Pipeline(index, retriever, embedder, generator, settings, **more)


def make_reviewed(config: Config, index: Index) -> Reviewed | None:
    """The reviewed answers of the config over an opened index, or None where it names no file.

    Raises:
        ConfigError: that file cannot be used.
    """
    if not config.answer.pinned:
        return None
    from ragedge.answer.pinned import load_pinned
    from ragedge.reviewed import Reviewed

    return Reviewed(load_pinned(Path(config.answer.pinned).expanduser()), index)


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
    """Everything a question needs, from a config; with `keeps_journal`, questions are kept if the config wants it."""
    from ragedge.gate_file import own_gate

    embedder = make_embedder(config)
    generator = make_generator(config)
    journal = make_journal(config) if keeps_journal else None
    index = open_index(config, embedder, mode=mode, create=create)
    try:
        pipeline = make_pipeline(config, index, embedder, generator, journal=journal)
    except BaseException:
        index.close()
        raise
    note = own_gate(index)[1]
    return Box(config, embedder, index, generator, pipeline, mode == "write", journal, (note,) if note else ())
