"""What was measured of a box is used for that box, model and llama.cpp alone, and says why where it is not."""

from __future__ import annotations

import io
import json
import os
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from ragedge import assemble, model_verbs
from ragedge.answer.tuning import Tuning
from ragedge.config import AnswerConfig, Config, SearchConfig
from ragedge.contracts import Question, Turn
from ragedge.device_profile import (
    UNMEASURED_PROMPT_TOKENS,
    Profile,
    estimated_speed,
    find_profile,
    llama_build,
    machine_id,
    profiles_here,
    prompt_tokens,
    save_profile,
)
from ragedge.model_registry import Registry
from ragedge.models import sha256_of
from ragedge.speaker import profile_of
from tests.fakes_generator import FakeGenerator


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.gguf"
    path.write_bytes(b"weights" * 100)
    return path


def measured(model: Path, **changes: object) -> Profile:
    profile = Profile(
        machine=machine_id(),
        llama_build=llama_build(),
        model_sha256=sha256_of(model),
        model_name="model-Q4_0",
        model_bytes=model.stat().st_size,
        model_mtime_ns=model.stat().st_mtime_ns,
        tuning=Tuning(threads=3, slice_tokens=32, flash_attention=True, verify_costs=((4, 1.5), (16, 2.0))),
        prompt_tokens_per_second=100.0,
        tokens_per_second=20.0,
        depth_tokens=512,
        instruction_tokens=90,
        measured_on="2026-11-27",
        load=0.1,
    )
    return msgspec.structs.replace(profile, **changes)


def test_what_is_kept_comes_back_whole(tmp_path: Path, model: Path) -> None:
    file = tmp_path / "new" / "profile.json"
    save_profile(file, measured(model))
    assert find_profile(file, model) == (measured(model), "")
    assert find_profile(file, model, sha256_of(model)) == (measured(model), "")
    assert profiles_here(file) == (measured(model),)


def test_measuring_again_replaces_the_entry_and_leaves_those_of_other_models(tmp_path: Path, model: Path) -> None:
    file = tmp_path / "profile.json"
    other = measured(model, model_sha256="0" * 64, model_bytes=1)
    for profile in (other, measured(model), measured(model, tokens_per_second=30.0)):
        save_profile(file, profile)
    assert set(profiles_here(file)) == {other, measured(model, tokens_per_second=30.0)}


@pytest.mark.parametrize(
    ("change", "reason"), [({"machine": "a Pi"}, "on another box"), ({"llama_build": "0.1 abc"}, "another llama.cpp")]
)
def test_what_was_measured_elsewhere_is_not_used_and_one_line_says_so(
    tmp_path: Path, model: Path, change: dict[str, str], reason: str
) -> None:
    file = tmp_path / "profile.json"
    save_profile(file, measured(model, **change))
    profile, note = find_profile(file, model)
    assert profile is None and reason in note and "\n" not in note and "--calibrate" in note
    assert profiles_here(file) == ()


def test_a_file_that_only_looks_the_same_is_told_apart_by_its_sum(tmp_path: Path, model: Path) -> None:
    file = tmp_path / "profile.json"
    kept = measured(model)
    save_profile(file, kept)
    before = model.stat()
    os.utime(model, ns=(before.st_atime_ns, before.st_mtime_ns + 10**9))
    assert find_profile(file, model)[0] == kept, "touched, yet the same"
    model.write_bytes(b"Weights" * 100)
    assert find_profile(file, model) == (None, "")
    assert find_profile(file, model, "1" * 64) == (None, "")


@pytest.mark.parametrize("data", [b"", b"[]", b'{"format": 1}', b"\xff\xfe", b'{"format": 1, "profiles": [{}]}'])
def test_a_damaged_profile_is_ignored_with_a_line_and_replaced_by_the_next(
    tmp_path: Path, model: Path, data: bytes
) -> None:
    file = tmp_path / "profile.json"
    file.write_bytes(data)
    profile, note = find_profile(file, model)
    assert profile is None and "cannot be read" in note and "\n" not in note
    save_profile(file, measured(model))
    assert find_profile(file, model)[0] == measured(model)


def test_without_a_file_nothing_is_known_and_nothing_is_said(tmp_path: Path, model: Path) -> None:
    assert find_profile(tmp_path / "none.json", model) == (None, "")


def test_the_config_says_whose_profile_it_is(tmp_path: Path, model: Path) -> None:
    config = Config(indexes_folder=str(tmp_path), answer=AnswerConfig(model=str(model)))
    save_profile(config.profile_file, measured(model))
    assert profile_of(config)[0] == measured(model)
    assert profile_of(Config(indexes_folder=str(tmp_path), answer=AnswerConfig(kind="extractive"))) == (None, "")


def test_follow_ups_know_the_speed_before_the_first_answer(tmp_path: Path, model: Path) -> None:
    config = Config(indexes_folder=str(tmp_path), answer=AnswerConfig(model=str(model)))
    assert assemble.make_follow_up(config, FakeGenerator()).seconds(100) is None
    save_profile(config.profile_file, measured(model))
    assert assemble.make_follow_up(config, FakeGenerator()).seconds(100) == pytest.approx(100 / 100.0 + 24 / 20.0)
    leaning = Question("And how?", history=(Turn("Where is the filter?", ""),))
    assert assemble.make_follow_up(config, FakeGenerator()).may_rewrite(leaning)
    off = replace(config, search=SearchConfig(followup_model="off"))
    assert not assemble.make_follow_up(off, FakeGenerator()).may_rewrite(leaning)


def test_the_length_of_a_prompt_follows_from_the_target_and_the_measured_speed(model: Path) -> None:
    profile = measured(model)
    assert prompt_tokens(AnswerConfig(), None) == UNMEASURED_PROMPT_TOKENS
    assert prompt_tokens(AnswerConfig(), profile) == 5 * 100 + 90
    assert prompt_tokens(AnswerConfig(first_word_target_s=10.0), profile) == 10 * 100 + 90
    assert prompt_tokens(AnswerConfig(prompt_tokens=700), profile) == 700, "who says a number gets it"
    slow = measured(model, prompt_tokens_per_second=2.0)
    assert prompt_tokens(AnswerConfig(), slow) == 256, "there is always room for a passage"


def test_the_speed_of_another_model_is_scaled_by_its_size_and_unknown_stays_unknown(model: Path) -> None:
    known = (measured(model, model_bytes=400_000_000),)
    assert estimated_speed(known, 800_000_000, "Q4_0") == pytest.approx((50.0, 10.0))
    prompt, written = estimated_speed(known, 800_000_000, "Q8_0") or (0.0, 0.0)
    assert prompt > 50.0 and written == pytest.approx(10.0), "fewer weights in as many bytes"
    assert estimated_speed(known, 800_000_000, "") is None
    assert estimated_speed((), 800_000_000, "Q4_0") is None


def test_the_list_of_models_shows_estimates_only_once_something_was_measured(tmp_path: Path, model: Path) -> None:
    config, texts = Config(indexes_folder=str(tmp_path)), []
    for _ in range(2):
        out = io.StringIO()
        model_verbs.show(config, Registry(config.language_models_folder), out)
        texts.append(out.getvalue())
        save_profile(config.profile_file, measured(model, model_bytes=400_000_000))
    before, after = ([line.rstrip() for line in text.splitlines()] for text in texts)
    assert "ragedge bench --calibrate" in before[-1] and "estimated" in after[-1]
    row = next(number for number, line in enumerate(before) if "llama-3.2-1b" in line)
    assert before[row].endswith("yes") and after[row].split()[-1] == "9.9", "20 tokens/s at 400 MB, this has 807.7"
    unknown = next(number for number, line in enumerate(before) if "qwen2.5-1.5b" in line)
    assert before[unknown] == after[unknown], "its size was not looked up"


def test_the_file_is_plain_json(tmp_path: Path, model: Path) -> None:
    file = tmp_path / "profile.json"
    save_profile(file, measured(model))
    assert json.loads(file.read_text(encoding="utf-8"))["profiles"][0]["tuning"]["threads"] == 3
