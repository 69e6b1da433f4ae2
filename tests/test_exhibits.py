"""The curator's file of exhibits: read strictly, with errors that name the place."""

from __future__ import annotations

from pathlib import Path

import pytest

from ragedge.config import Config, KioskConfig, load_config
from ragedge.errors import ConfigError
from ragedge.exhibits import MAX_TEXT_CHARS, load_exhibits

ROOT = Path(__file__).resolve().parents[1]
GOOD = """
[questions]
en = ["When are you open?"]
[[exhibit]]
id = "1923.14"
title = {en = "Harbour bell", de = "Hafenglocke"}
documents = ["objects/1923-14-*", "rooms/room-?.md"]
[exhibit.questions]
en = ["How heavy is it?"]
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "exhibits.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_good_file_is_read(tmp_path: Path) -> None:
    found = load_exhibits(write(tmp_path, GOOD))
    bell = found.exhibits["1923.14"]
    assert found.questions == {"en": ("When are you open?",)} and bell.questions == {"en": ("How heavy is it?",)}
    assert bell.topic == "Harbour bell" and bell.titles["de"] == "Hafenglocke"
    paths = ["objects/1923-14-bell.md", "objects/1923-15-x.md", "rooms/room-1.md", "rooms/room-10.md"]
    assert bell.meant(paths) == ["objects/1923-14-bell.md", "rooms/room-1.md"]


def test_one_title_does_for_all_languages_and_none_is_the_id(tmp_path: Path) -> None:
    found = load_exhibits(write(tmp_path, '[[exhibit]]\nid = "a"\ntitle = "Bell"\n[[exhibit]]\nid = "b"\n'))
    assert found.exhibits["a"].titles == {"": "Bell"} and found.exhibits["b"].topic == "b"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[exhibits]]\nid = 'a'", 'unknown key "exhibits"'),
        ("[[exhibit]]\nid = 'a'\ntitel = 'x'", 'unknown key "titel" in exhibit 1'),
        ("[[exhibit]]\ntitle = 'x'", "needs an id"),
        ("[[exhibit]]\nid = 'a'\n[[exhibit]]\nid = 'a'", "of another one"),
        ("[[exhibit]]\nid = 'a'\ndocuments = 'x.md'", "documents must be a list"),
        ("[[exhibit]]\nid = 'a'\n[exhibit.questions]\nen = 'x'", "must be a list of texts"),
        ("[[exhibit]]\nid = 'a'\n[exhibit.questions]\nen = ['']", "must be a text"),
        (f"[questions]\nen = ['{'x' * (MAX_TEXT_CHARS + 1)}']", "must be a text"),
        ("exhibit = 3", "must be tables"),
        ("[[exhibit]\n", "cannot be read"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        load_exhibits(write(tmp_path, text))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no file of exhibits"):
        load_exhibits(tmp_path / "none.toml")


def test_the_kiosk_that_comes_along_is_complete(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    config = load_config(Path("configs/museum-kiosk.toml"))
    assert config.kiosk.enabled and not config.journal.enabled
    found = load_exhibits(Path(config.kiosk.exhibits))
    documents = ROOT / "corpora" / "museum" / "documents"
    paths = [path.relative_to(documents).as_posix() for path in documents.rglob("*") if path.is_file()]
    for exhibit in found.exhibits.values():
        assert exhibit.meant(paths) and exhibit.questions["en"], exhibit.id
    assert Config().kiosk == KioskConfig(enabled=False)
