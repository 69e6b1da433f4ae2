"""Names in a config become parts: who answers, and what happens where a model file is not there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ragedge.assemble import make_generator
from ragedge.config import Config
from ragedge.errors import ModelMissing
from tests.tiny_gguf import make_tiny_gguf


def config(kind: str, model: str) -> Config:
    base = Config()
    return replace(base, answer=replace(base.answer, kind=kind, model=model))  # type: ignore[arg-type]


@pytest.mark.parametrize("model", ["", "none.gguf"])
def test_auto_quotes_where_there_is_no_model_file(tmp_path: Path, model: str) -> None:
    assert make_generator(config("auto", str(tmp_path / model) if model else "")) is None


@pytest.mark.parametrize("model", ["", "none.gguf"])
def test_a_model_that_is_asked_for_by_name_must_be_there(tmp_path: Path, model: str) -> None:
    with pytest.raises(ModelMissing):
        make_generator(config("llama", str(tmp_path / model) if model else ""))


def test_auto_takes_the_model_that_is_there_unless_quotes_are_wanted(tmp_path: Path) -> None:
    path = tmp_path / "tiny.gguf"
    make_tiny_gguf(path, "recite")
    generator = make_generator(config("auto", str(path)))
    assert generator is not None
    assert generator.name == "llama:tiny"
    generator.close()
    assert make_generator(config("extractive", str(path))) is None
