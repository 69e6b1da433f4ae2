"""Config -> who speaks: a language model on this box, one on another server, or nobody (exact quotes answer).

Where a model is named by a path, that file is taken; else its name is looked up in the list of models of this box,
which knows its sum. Nothing is loaded here: the model's process starts at the first question.
"""

from __future__ import annotations

import os

from ragedge.answer.process_generator import ProcessGenerator
from ragedge.answer.remote import RemoteGenerator
from ragedge.answer.state_settings import StateSettings
from ragedge.config import AnswerConfig, Config
from ragedge.contracts import Generator
from ragedge.device_profile import Profile, find_profile
from ragedge.errors import ConfigError, ModelMissing
from ragedge.model_registry import Registry


def make_speaker(config: Config) -> Generator | None:
    """The generator of the config, or None where exact quotes answer.

    Raises:
        ModelMissing: the config insists on a model that is not there.
        ModelCorrupt, ModelError: its file is no model that can be used.
        ConfigError: the server of the config has no address or model, or its key is not in the environment.
    """
    wanted = config.answer
    if wanted.kind == "extractive":
        return None
    if wanted.kind == "remote":
        return _remote(wanted)
    found = Registry(config.language_models_folder).resolve(wanted.model, wanted.sha256)
    if wanted.kind == "auto" and (found is None or not found[0].is_file()):
        return None
    if found is None and not wanted.model:
        raise ModelMissing("the config asks for a language model but names none", 'set [answer] model = "FILE.gguf"')
    if found is None:
        raise ModelMissing(
            f'there is no model file "{wanted.model}" and no model of that name on this box',
            "put a GGUF file there, or fetch one: ragedge models list",
        )
    path, sha256 = found
    profile = find_profile(config.profile_file, path, sha256)[0]
    return ProcessGenerator(
        path,
        context_tokens=wanted.context_tokens,
        threads=wanted.threads or None,
        family=wanted.family,
        queue_limit=wanted.queue_limit,
        sha256=sha256,
        tuning=profile.tuning if profile is not None else None,
        is_drafting=wanted.drafts == "auto",
        states=StateSettings(
            config.states_folder,
            prompt_bytes=wanted.prompt_state_bytes,
            prompt_disk_bytes=wanted.prompt_state_disk_bytes,
            passage_disk_bytes=wanted.passage_state_disk_bytes,
            joins_passages=wanted.passage_states == "joined",
            reread_tokens=wanted.passage_reread_tokens,
        ),
    )


def profile_of(config: Config) -> tuple[Profile | None, str]:
    """What was measured of the config's model on this box, and a line on why that is not used, or ""."""
    if config.answer.kind not in ("auto", "llama"):
        return None, ""
    found = Registry(config.language_models_folder).resolve(config.answer.model, config.answer.sha256)
    return (None, "") if found is None else find_profile(config.profile_file, *found)


def _remote(wanted: AnswerConfig) -> RemoteGenerator:
    key = os.environ.get(wanted.api_key_env, "") if wanted.api_key_env else ""
    if wanted.api_key_env and not key:
        message = f'the environment variable "{wanted.api_key_env}" with the key of the server is empty'
        raise ConfigError(message, f"export {wanted.api_key_env}=…, or leave [answer] api_key_env out")
    return RemoteGenerator(
        wanted.url,
        wanted.model,
        api_key=key,
        context_tokens=wanted.context_tokens,
        timeout_s=wanted.timeout_s,
        queue_limit=wanted.queue_limit,
    )
