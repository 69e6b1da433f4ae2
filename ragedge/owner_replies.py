"""What the owner's routes reply with, as records: settings and keys.

As in `replies`, a reader ignores fields beyond these. Knows no server and no config.
"""

from __future__ import annotations

from dataclasses import dataclass

from ragedge.keys import Role


@dataclass(frozen=True, slots=True)
class Settings:
    """What an owner may set: each is a key of the config.

    `model` is a name of `ragedge models`, "" the one chosen there; `journal` is whether questions are kept,
    `evidence_model` "packaged", "off" or a folder.
    """

    title: str
    questions: tuple[str, ...]
    language: str
    top_k: int
    max_answer_tokens: int
    journal: bool
    model: str
    evidence_model: str


@dataclass(frozen=True, slots=True)
class SettingsReport:
    """The settings as the config file has them now.

    `file` is that file ("": the service was started without one, nothing can be changed), `after_restart` names what
    it says otherwise than what runs, `models` are the language models that can be chosen.
    """

    settings: Settings
    file: str
    after_restart: tuple[str, ...]
    models: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KeyReport:
    """A key without its secret part."""

    id: str
    name: str
    role: Role
    created_at: str
    is_own: bool


@dataclass(frozen=True, slots=True)
class KeyList:
    """All keys, in the order they were made; `is_own` is the one that asks."""

    keys: tuple[KeyReport, ...]


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was made. `token` is what its holder types; it is told this once."""

    key: KeyReport
    token: str
