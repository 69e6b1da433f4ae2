"""Config -> embedder, index, and the verb that reads folders into it: the half of assemble.py that ingestion needs.

Like assemble.py, through which callers reach it, it imports heavy packages inside its functions only.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ragedge.config import Config
from ragedge.contracts import Embedder, ReadOptions
from ragedge.errors import IndexCorrupt, IndexMissing, IndexStale

if TYPE_CHECKING:
    from ragedge.index.store import Index, IndexSettings
    from ragedge.ingest.sync import Sync


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
