"""Changing a config file: the keys named, nothing else, no comment lost, and the file whole or as it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ragedge.config import load_config
from ragedge.config_edit import change
from ragedge.errors import ConfigError

CONFIGS = Path(__file__).parent.parent / "configs"
TEXT = """# a box for the workshop
name = "workshop"   # what it is called

[server]
title = "Ask # the workshop"   # on the page
questions = [
  "How tight?",   # the first
  "What does # mean?",
]
port = 8321

[collections.server]
title = "not this one"
paths = ["x"]
"""


def write(folder: Path, text: str = TEXT) -> Path:
    path = folder / "c.toml"
    path.write_bytes(text.encode())
    return path


def test_only_the_lines_of_the_keys_change_and_comments_stay(tmp_path: Path) -> None:
    path = write(tmp_path)
    after = change(path, {"server.title": 'Say "hello" # é', "language": "de", "search.top_k": 5, "server.port": 1})
    assert path.read_text().splitlines() == [
        "# a box for the workshop", 'name = "workshop"   # what it is called', 'language = "de"', "", "[server]",
        'title = "Say \\"hello\\" # é"   # on the page', "questions = [", '  "How tight?",   # the first',
        '  "What does # mean?",', "]", "port = 1", "", "[collections.server]", 'title = "not this one"',
        'paths = ["x"]', "", "[search]", "top_k = 5",
    ]  # fmt: skip
    assert after == load_config(path) and after.collections["server"].title == "not this one"


def test_a_value_of_several_lines_is_replaced_whole_and_its_comments_move_up(tmp_path: Path) -> None:
    path = write(tmp_path)
    assert change(path, {"server.questions": ["One?", "Two?"]}).server.questions == ("One?", "Two?")
    rows = path.read_text().splitlines()
    at = rows.index("# the first")
    assert rows[at + 1] == 'questions = ["One?", "Two?"]' and "  ]" not in rows and rows[at + 2] == "port = 8321"
    change(path, {"server.questions": []})
    assert load_config(path).server.questions == ()


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.toml")), ids=lambda p: p.stem)
def test_every_config_that_comes_along_can_be_changed_and_changed_back(path: Path, tmp_path: Path) -> None:
    copy = write(tmp_path, path.read_text())
    before = load_config(copy)
    change(copy, {"server.title": "x", "journal.enabled": False, "language": "fr", "answer.evidence_model": "off"})
    back = {"server.title": before.server.title, "journal.enabled": before.journal.enabled, "language": before.language}
    assert change(copy, {**back, "answer.evidence_model": before.answer.evidence_model}) == before
    kept = [line for line in path.read_text().splitlines() if line.startswith("#")]
    assert kept == [line for line in copy.read_text().splitlines() if line.startswith("#")]


@pytest.mark.parametrize(
    ("text", "changes"),
    [
        ('server = {title = "x"}\n', {"server.title": "y"}),  # an inline table
        ('server.title = "x"\n', {"server.title": "y"}),  # a dotted key
        ("[search]\ntop_k = 3\n", {"search.top_k": 51}),  # out of range
        ("", {"server.questions": "no list"}),
        ("", {"server.colour": "red"}),
        ("", {"nothing.colour": "red"}),
        ("", {"journal.enabled": 1}),
    ],
)
def test_what_cannot_be_changed_leaves_the_file_as_it_was(tmp_path: Path, text: str, changes: dict[str, Any]) -> None:
    path = write(tmp_path, text)
    with pytest.raises(ConfigError) as caught:
        change(path, changes)
    assert path.read_text() == text and [p.name for p in tmp_path.iterdir()] == ["c.toml"]
    assert ".c.toml." not in caught.value.message


def test_windows_line_ends_and_a_last_line_without_one_stay(tmp_path: Path) -> None:
    path = write(tmp_path, 'name = "x"\r\n[server]\r\ntitle = "a" # t\r\nport = 1')
    change(path, {"server.title": "b", "server.port": 2})
    assert path.read_bytes() == b'name = "x"\r\n[server]\r\ntitle = "b" # t\r\nport = 2'
