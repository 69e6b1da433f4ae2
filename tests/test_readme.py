"""The README leads where it says: its table of contents holds every section, and the commands it names exist."""

from __future__ import annotations

import re
from pathlib import Path

FOLDER = Path(__file__).parent.parent
README = (FOLDER / "README.md").read_text(encoding="utf-8")
HEADINGS = [
    (len(marks), title) for marks, title in re.findall(r"^(#+) (.+)$", re.sub(r"(?m)^```[^`]*^```", "", README), re.M)
]


def anchor(title: str) -> str:
    """As GitHub and GitLab make them."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def test_the_table_of_contents_names_the_sections_in_their_order() -> None:
    contents = README[: README.index("## Start")]
    wanted = [(title, anchor(title)) for level, title in HEADINGS if level in (2, 3)]
    assert re.findall(r"\[([^\]]+)\]\(#([^)]+)\)", contents) == wanted


def test_every_link_leads_to_a_section_or_a_file() -> None:
    anchors = {anchor(title) for _, title in HEADINGS}
    for target in re.findall(r"\]\(([^)]+)\)", README):
        assert target[1:] in anchors if target.startswith("#") else (FOLDER / target).is_file(), target


def test_the_commands_of_make_and_the_recipes_that_it_names_are_there() -> None:
    targets = set(re.findall(r"(?m)^([a-z-]+):", (FOLDER / "Makefile").read_text(encoding="utf-8")))
    named = set(re.findall(r"(?m)(?:`|^    )make\s+([a-z-]+)", README))
    assert {"demo", "test", "run"} <= named <= targets
    for module in re.findall(r"python -m ((?:tests|ragedge)[a-z_.]*)", README):
        path = FOLDER / module.replace(".", "/")
        assert path.with_suffix(".py").is_file() or (path / "__main__.py").is_file(), module
