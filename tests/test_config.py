"""Configs: complete, strict, and every file that comes along loads."""

from pathlib import Path

import pytest

from ragedge.config import Config, load_config
from ragedge.errors import ConfigError

CONFIGS = Path(__file__).parent.parent / "configs"


def write(folder: Path, text: str) -> Path:
    path = folder / "c.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.toml")), ids=lambda p: p.stem)
def test_every_config_that_comes_along_loads_and_is_named_after_its_file(path: Path) -> None:
    assert load_config(path).name == path.stem


def test_default_toml_states_the_defaults_truthfully() -> None:
    assert load_config(CONFIGS / "default.toml") == Config()


def test_an_empty_file_is_the_default(tmp_path: Path) -> None:
    assert load_config(write(tmp_path, "")) == Config()


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("[serch]\ntop_k = 3", "serch", "search"),
        ("[search]\ntopk = 3", "search.topk", "top_k"),
        ('[search]\ntop_k = "3"', "search.top_k", "int"),
        ("[search]\ntop_k = true", "search.top_k", "int"),
        ("[search]\ntop_k = 0", "search.top_k", "between 1 and 50"),
        ('[search]\nmode = "magic"', "search.mode", "hybrid"),
        ('[ingest]\nocr_languages = "eng"', "ocr_languages", "write a list"),
        ("search = 3", "search", "[search]"),
        ("a = = b", "cannot be read", "line"),
    ],
)
def test_a_wrong_key_or_value_is_named_with_the_right_one(tmp_path: Path, text: str, message: str, hint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(write(tmp_path, text))
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no config file"):
        load_config(tmp_path / "none.toml")


@pytest.mark.parametrize("name", ["..", ".models", "a/b", "", "a b", "x\0y"])
def test_an_index_name_never_leaves_the_indexes_folder(name: str) -> None:
    with pytest.raises(ConfigError):
        Config(index=name).index_folder()
