"""The commands as a person types them, over a small folder and the real embedder."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from ragedge.cli import main

REPO = Path(__file__).parent.parent
MANUAL = """# Pump

## Torque values

The pump head bolts take 12 Nm, tightened crosswise in two steps.

## Storage

Before winter, drain the pump completely and leave all valves half open.

## Faults

E-417 means that the membrane pressure is too high; clean the membrane with citric acid.
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working directory with an ingested folder."""
    folder = tmp_path_factory.mktemp("cli")
    (folder / "docs").mkdir()
    (folder / "docs" / "pump.md").write_text(MANUAL, encoding="utf-8")
    (folder / "docs" / "broken.pdf").write_bytes(b"%PDF-1.7 junk")
    os.chdir(folder)
    try:
        assert main(["ingest", "docs"]) == 0
        yield folder
    finally:
        os.chdir(REPO)


@pytest.fixture
def typed(place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):  # type: ignore[no-untyped-def]
    """Runs a command in that directory; returns (exit code, stdout, stderr)."""
    monkeypatch.chdir(place)

    def run(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main(arguments)
        out, err = capsys.readouterr()
        return code, out, err

    return run


def test_a_question_is_answered_with_document_page_and_quote(typed) -> None:  # type: ignore[no-untyped-def]
    code, out, _ = typed("ask", "How tight are the pump head bolts?")
    assert code == 0
    assert "12 Nm" in out
    assert "[1] pump.md, page 1" in out
    assert "answered by extractive" in out


def test_json_is_one_document_with_exact_quotes(typed) -> None:  # type: ignore[no-untyped-def]
    code, out, _ = typed("ask", "--json", "What does E-417 mean?")
    answer = json.loads(out)
    assert code == 0
    assert answer["outcome"] == "answered"
    citation = answer["citations"][0]
    assert citation["quote"] == MANUAL[citation["span"]["start"] : citation["span"]["end"]]
    assert "membrane pressure" in citation["quote"]


def test_several_questions_give_one_json_list(typed) -> None:  # type: ignore[no-untyped-def]
    _, out, _ = typed("ask", "--json", "What does E-417 mean?", "How do I store the pump in winter?")
    assert [a["outcome"] for a in json.loads(out)] == ["answered", "answered"]


def test_a_question_off_the_topic_is_refused_with_the_closest_passages(typed) -> None:  # type: ignore[no-untyped-def]
    code, out, _ = typed("ask", "Who won the football world cup in 1998?")
    assert code == 0
    assert "This is not in these documents." in out
    assert "Closest passages:" in out
    assert "abstained by none" in out


def test_an_unchanged_folder_is_no_work_and_strict_fails_on_the_broken_file(typed) -> None:  # type: ignore[no-untyped-def]
    code, out, _ = typed("ingest", "docs")
    assert code == 0
    assert "2 unchanged" in out
    assert "broken.pdf" in out
    assert typed("ingest", "docs", "--strict")[0] == 3


def test_the_report_as_json_names_the_reason(typed) -> None:  # type: ignore[no-untyped-def]
    _, out, _ = typed("ingest", "docs", "--json", "--retry")
    report = json.loads(out)
    assert [(row["path"], row["reason"]) for row in report["rejected"]] == [("broken.pdf", "broken")]


def test_index_verbs_list_check_and_rebuild(typed) -> None:  # type: ignore[no-untyped-def]
    assert "default" in typed("index", "list")[1]
    info = typed("index", "info", "--files")[1]
    assert "ready         pump.md" in info
    assert "broken        broken.pdf" in info
    code, out, _ = typed("index", "check")
    assert (code, out.split(":")[0]) == (0, "sound")
    assert typed("index", "rebuild")[0] == 0
    assert "12 Nm" in typed("ask", "How tight are the pump head bolts?")[1]


def test_other_settings_are_refused_with_the_command_that_helps(typed, place: Path) -> None:  # type: ignore[no-untyped-def]
    (place / "other.toml").write_text("[ingest]\nchunk_tokens = 96\n", encoding="utf-8")
    code, _, err = typed("--config", "other.toml", "ask", "How tight?")
    assert code == 4
    assert "chunk_tokens" in err
    assert "ragedge ingest FOLDER --fresh" in err


def test_fresh_makes_the_index_anew_in_place_of_the_old_one(typed, place: Path) -> None:  # type: ignore[no-untyped-def]
    main(["ingest", "docs", "--index", "second"])
    (place / "other.toml").write_text("[ingest]\nchunk_tokens = 96\n", encoding="utf-8")
    assert typed("--config", "other.toml", "ingest", "docs", "--index", "second")[0] == 4
    assert typed("--config", "other.toml", "ingest", "docs", "--index", "second", "--fresh")[0] == 0
    assert "up to 96 tokens" in typed("index", "info", "second")[1]
    assert sorted(p.name for p in (place / "indexes").iterdir()) == ["default", "second"]
    assert typed("index", "remove", "second", "--yes")[0] == 0
    assert typed("index", "info", "second")[0] == 4


def test_a_second_folder_needs_an_index_of_its_own(typed, place: Path) -> None:  # type: ignore[no-untyped-def]
    (place / "more").mkdir(exist_ok=True)
    code, _, err = typed("ingest", "more")
    assert code == 4
    assert "--index NAME" in err


@pytest.mark.parametrize(
    ("arguments", "code", "hint"),
    [
        (["ask"], 3, "ragedge ask"),
        (["ask", "   "], 3, "type a question"),
        (["ask", "x", "--index", "nothing"], 4, "ragedge ingest"),
        (["ask", "x", "--model", "none.gguf"], 5, "GGUF"),
        (["ingest", "nowhere", "--index", "n"], 3, "folder"),
        (["--config", "none.toml", "ask", "x"], 2, "configs"),
        (["index", "info", "../../etc"], 2, "letters"),
    ],
)
def test_errors_are_a_line_a_hint_and_an_exit_code(typed, arguments: Sequence[str], code: int, hint: str) -> None:  # type: ignore[no-untyped-def]
    got, _, err = typed(*arguments)
    assert got == code
    assert err.startswith("ragedge: ")
    assert hint in err
    assert "Traceback" not in err


def test_ctrl_c_keeps_what_is_done_and_says_how_to_go_on(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    for i in range(400):
        (tmp_path / "docs" / f"{i:03d}.txt").write_text(f"Note {i} on the bolt number {i * 7}.", encoding="utf-8")
    child = subprocess.Popen(
        [sys.executable, "-m", "ragedge", "ingest", "docs"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(REPO)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stderr is not None
    line = child.stderr.readline()
    while "files" not in line:
        line = child.stderr.readline()
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=60)
    assert child.returncode == 130
    assert "stopping after the current batch" in err
    assert "The same command goes on from here" in out
    assert "Traceback" not in err
