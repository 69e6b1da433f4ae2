"""The settings that an owner changes over HTTP: the config's file on one side, what runs on the other.

A change is written to the file first, whole or not at all, and then takes effect at once where that is possible; what
needs the parts to be made anew waits for the next start, and says so. Settings that could open the service, name files
or send anything elsewhere are not among them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from ragedge.config import Config, load_config
from ragedge.config_edit import Value, change, model_changes
from ragedge.errors import AccessError, ConfigError, InputError
from ragedge.owner_replies import Settings, SettingsReport

KEYS: Mapping[str, str] = {
    "title": "server.title",
    "questions": "server.questions",
    "language": "language",
    "top_k": "search.top_k",
    "max_answer_tokens": "answer.max_answer_tokens",
    "journal": "journal.enabled",
    "model": "answer.model",
    "evidence_model": "answer.evidence_model",
}
"""Setting -> key of the config."""

_LATER = frozenset({"model", "evidence_model"})  # parts that are loaded once


class OwnerSettings:
    """Reads and changes them; safe to use from several threads.

    Args:
        config: what runs.
        path: the file it came from; None: there is none.
        models: names of the language models that are here.
        apply: makes a changed config take effect, as far as it can; has to know all but `_LATER`.
        can_keep: whether questions can be kept without a new start, because they were at this one.
    """

    def __init__(
        self,
        config: Config,
        path: Path | None,
        *,
        models: Callable[[], tuple[str, ...]] = tuple,
        apply: Callable[[Config], None] = lambda config: None,
        can_keep: bool = False,
    ) -> None:
        self._path = path
        # not the config itself: what was typed on the command line is no difference to the file
        self._running = settings_of(config if path is None else load_config(path))
        self._config = config
        self._models = models
        self._apply = apply
        self._can_keep = can_keep
        self._lock = threading.Lock()

    def report(self) -> SettingsReport:
        """As it is now, also where the file was changed by hand.

        Raises:
            ConfigError: the file cannot be read.
        """
        with self._lock:
            return self._report(self._config if self._path is None else load_config(self._path))

    def change(self, changes: Mapping[str, Value]) -> SettingsReport:
        """Set some of `KEYS`.

        Raises:
            AccessError: there is no file to keep them in, or it cannot be written.
            InputError: a value does not fit.
        """
        if self._path is None:
            raise AccessError(
                "this service was started without a config file, so no setting can be kept",
                "start it with one: ragedge --config FILE.toml serve; an empty file will do",
            )
        with self._lock:
            before = load_config(self._path)
            wanted: dict[str, Value] = {KEYS[name]: value for name, value in changes.items() if name != "model"}
            if "model" in changes:
                wanted |= self._model_changes(before, str(changes["model"]))
            most, top_k = before.search.candidates, wanted.get("search.top_k")
            if isinstance(top_k, int) and top_k > most:
                raise InputError(f"top_k can be at most {most} here", "raise candidates under [search] in the file")
            after = self._written(self._path, wanted)
            self._apply(after)
            self._follow(settings_of(after), changes)
            return self._report(after)

    def _model_changes(self, before: Config, name: str) -> dict[str, Value]:
        if name and name not in self._models():  # no path: that would let a file of this box be opened
            raise InputError(f'there is no model "{name[:80]}" on this box', "see those there are: ragedge models list")
        return model_changes(before, name)

    def _written(self, path: Path, wanted: Mapping[str, Value]) -> Config:
        try:
            return change(path, wanted)
        except ConfigError as error:
            kind = AccessError if isinstance(error.__cause__, OSError) else InputError
            raise kind(error.message, error.hint) from error

    def _follow(self, after: Settings, changed: Mapping[str, Value]) -> None:
        """Take down what runs from now on."""
        values = {name: getattr(self._running, name) for name in KEYS}
        for name in changed:
            is_off = name == "journal" and not after.journal
            if name not in _LATER and (name != "journal" or is_off or self._can_keep):
                values[name] = getattr(after, name)
        self._running = Settings(**values)

    def _report(self, config: Config) -> SettingsReport:
        there = settings_of(config)
        differing = tuple(name for name in KEYS if getattr(there, name) != getattr(self._running, name))
        file = "" if self._path is None else str(self._path)
        return SettingsReport(there, file, differing, self._models())


def settings_of(config: Config) -> Settings:
    """What a config says of them."""
    values = {}
    for name, key in KEYS.items():
        section, _, field = key.rpartition(".")
        values[name] = getattr(getattr(config, section) if section else config, field)
    return Settings(**values)
