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


def test_a_document_is_summarised_with_its_pages(typed) -> None:  # type: ignore[no-untyped-def]
    code, out, _ = typed("summarise", "pump", "--json")
    summary = json.loads(out)
    assert code == 0 and summary["engine"] == "extractive"
    assert summary["citations"] and all(
        c["quote"] == MANUAL[c["span"]["start"] : c["span"]["end"]] for c in summary["citations"]
    )
    code, out, _ = typed("summarize", "pump.md")
    assert code == 0 and "[1] pump.md, page 1" in out and "no language model" in out
    code, _, err = typed("summarise", "pump", "--section", "Nowhere")
    assert code == 3 and 'no section "Nowhere"' in err and "its sections:" in err
    code, _, err = typed("summarise", "nowhere")
    assert code == 3 and "ragedge index info --files" in err


def test_other_words_need_a_language_model_and_the_error_says_how_to_get_one(typed) -> None:  # type: ignore[no-untyped-def]
    for arguments in (("ask", "What does E-417 mean?", "--translate", "de"), ("summarise", "pump", "--simpler")):
        code, _, err = typed(*arguments)
        assert code == 5 and "needs a language model" in err and "ragedge models pull" in err
    code, _, err = typed("ask", "What does E-417 mean?", "--translate", "de", "--simpler")
    assert code == 3 and "two steps" in err


def test_the_same_question_twice_is_answered_out_of_the_store_the_second_time(typed, place: Path) -> None:  # type: ignore[no-untyped-def]
    _, out, _ = typed("ask", "--json", "What does E-417 mean?", "What does E-417 mean?")
    first, second = json.loads(out)
    assert first["timings"]["stored_ms"] is None and second["timings"]["stored_ms"] is not None
    assert first["text"] == second["text"] and first["citations"] == second["citations"]
    (place / "anew.toml").write_text('[answer]\nstore = "off"\n', encoding="utf-8")
    _, out, _ = typed("--config", "anew.toml", "ask", "--json", "What does E-417 mean?", "What does E-417 mean?")
    assert [answer["timings"]["stored_ms"] for answer in json.loads(out)] == [None, None]


def test_a_filter_keeps_other_documents_out_of_the_answer(typed) -> None:  # type: ignore[no-untyped-def]
    paths = {
        hit["chunk"]["document_path"] for hit in json.loads(typed("ask", "--json", "What does E-417 mean?")[1])["hits"]
    }
    assert "pump.md" in paths
    code, out, _ = typed(
        "ask", "--json", "What does E-417 mean?", "--filter", "path=nowhere", "--filter", "path=no*.md"
    )
    assert code == 0 and json.loads(out)["hits"] == [] and json.loads(out)["outcome"] == "abstained"
    assert typed("ask", "--json", "What does E-417 mean?", "--filter", "media_type=md")[0] == 0


def test_a_filter_that_is_none_is_refused_with_the_valid_ones(typed) -> None:  # type: ignore[no-untyped-def]
    code, _, err = typed("ask", "What does E-417 mean?", "--filter", "colour=red")
    assert code == 3 and '"colour" is no filter' in err and "path, media_type, language, title, date" in err
    code, _, err = typed("ask", "What does E-417 mean?", "--filter", "red")
    assert code == 3 and "KEY=VALUE" in err


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
    assert sorted(p.name for p in (place / "indexes").iterdir() if p.name != ".journal") == ["default", "second"]
    assert typed("index", "remove", "second", "--yes")[0] == 0
    assert typed("index", "info", "second")[0] == 4


PINNED = """
[[answer]]
questions = ["How tight are the head bolts?"]
text = "Ask the workshop first."
source = {path = "pump.md", page = 1, quote = "The pump head bolts take 12 Nm"}
[[answer]]
questions = ["Who made it?"]
text = "We did."
source = {path = "gone.md"}
"""


def test_reviewed_answers_go_first_and_their_sources_are_checked(typed, place: Path) -> None:  # type: ignore[no-untyped-def]
    (place / "pinned.toml").write_text(PINNED, encoding="utf-8")
    (place / "reviewed.toml").write_text('[answer]\npinned = "pinned.toml"\n', encoding="utf-8")
    code, out, _ = typed("--config", "reviewed.toml", "ask", "how tight are head bolts")
    assert code == 0
    assert "Ask the workshop first." in out and "answered by reviewed" in out and "[1] pump.md, page 1" in out
    code, out, _ = typed("--config", "reviewed.toml", "pinned", "check")
    assert code == 8
    assert "answer 2" in out and "gone.md" in out and "answer 1" not in out
    assert "1  valid" in typed("pinned", "list", "--file", "pinned.toml")[1]
    assert "answer 1: Ask" in typed("pinned", "find", "How tight are the head bolts", "--file", "pinned.toml")[1]
    assert "searched for" in typed("pinned", "find", "How tight are the nuts", "--file", "pinned.toml")[1]
    assert typed("pinned", "check")[0] == 2


def test_what_was_asked_is_listed_exported_and_cleared(typed, place: Path) -> None:  # type: ignore[no-untyped-def]
    typed("journal", "clear", "--yes")
    typed("ask", "What does E-417 mean?")
    typed("ask", "Who won the football world cup in 1998?")
    code, out, _ = typed("journal", "list", "--since", "1h")
    assert code == 0
    assert "What does E-417 mean?" in out and "[pump.md, page 1]" in out and "2 questions" in out
    assert "E-417" not in typed("journal", "list", "--unanswered")[1]
    assert typed("journal", "export", "new.jsonl", "--unanswered")[0] == 0
    draft = json.loads((place / "new.jsonl").read_text(encoding="utf-8"))
    assert (draft["question"], draft["answerable"]) == ("Who won the football world cup in 1998?", False)
    assert typed("journal", "export", "new.csv")[0] == 0
    assert (place / "new.csv").read_text(encoding="utf-8").count("\n") == 3
    assert "2 questions deleted" in typed("journal", "clear", "--yes")[1]
    assert "0 questions" in typed("journal", "list")[1]


def test_a_journal_that_is_off_keeps_nothing_and_an_index_takes_its_journal_along(typed, place: Path) -> None:  # type: ignore[no-untyped-def]
    typed("journal", "clear", "--yes")
    (place / "silent.toml").write_text("[journal]\nenabled = false\n", encoding="utf-8")
    typed("--config", "silent.toml", "ask", "What does E-417 mean?")
    assert "0 questions" in typed("journal", "list")[1]
    assert main(["ingest", "docs", "--index", "third"]) == 0
    typed("ask", "What does E-417 mean?", "--index", "third")
    assert (place / "indexes" / ".journal" / "third.db").is_file()
    assert ".journal" not in typed("index", "list")[1]
    assert typed("index", "remove", "third", "--yes")[0] == 0
    assert not list((place / "indexes" / ".journal").glob("third*"))


def test_an_evaluation_passes_or_fails_by_its_marks(typed, place: Path) -> None:  # type: ignore[no-untyped-def]
    rows = [
        {"id": "a", "question": "What does E-417 mean?", "answers": ["membrane pressure"],
         "sources": [{"path": "pump.md", "page": None, "quote": "E-417 means that the membrane pressure is too high"}]},
        {"id": "b", "question": "Who won the world cup <b>1998</b>?", "answerable": False},
    ]  # fmt: skip
    (place / "q.jsonl").write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    (place / "marks.toml").write_text('[pass]\n"hit@5" = 1.0\nrefused = 0.5\n', encoding="utf-8")
    base = ("eval", "q.jsonl", "--index", "default")
    code, out, _ = typed(*base, "--marks", "marks.toml", "--json", "first.json")
    assert code == 0
    assert out.count("passed ") == 2
    code, out, err = typed(*base, "--marks", "marks.toml", "--pass", "hit@5>=1.1", "--pass", "total_median_ms<=60000",
                           "--baseline", "first.json", "--html", "report.html")  # fmt: skip
    assert code == 8
    assert "MISSED  hit@5>=1.1" in out and "passed  refused>=0.5" in out and "against the baseline (2" in out
    assert "1 of 3 pass marks missed" in err
    assert "1 of 3 missed" in (place / "report.html").read_text(encoding="utf-8")
    for wrong, needed in (("hit@4>=1", "did you mean"), ("hit@5=1", "MEASURE>=VALUE")):
        code, out, err = typed(*base, "--pass", wrong)
        assert (code, out) == (2, "") and needed in err
    code, out, err = typed(*base, "--baseline", "q.jsonl")
    assert (code, out) == (3, "")


def test_fresh_replaces_a_damaged_index_and_keeps_it_aside(typed, place: Path) -> None:  # type: ignore[no-untyped-def]
    main(["ingest", "docs", "--index", "hurt"])
    catalog = place / "indexes" / "hurt" / "catalog.db"
    catalog.write_bytes(b"x" * catalog.stat().st_size)
    code, _, err = typed("ask", "How tight?", "--index", "hurt")
    assert code == 4
    assert "--fresh" in err
    code, _, err = typed("ingest", "docs", "--index", "hurt", "--fresh")
    assert code == 0
    assert "hurt.damaged" in err
    assert "12 Nm" in typed("ask", "How tight are the pump head bolts?", "--index", "hurt")[1]
    assert any((place / "indexes" / "hurt.damaged" / "files").iterdir())
    assert "damaged" not in typed("index", "list")[1]


def test_fresh_takes_over_uploads_and_what_a_stopped_run_left(typed, place: Path) -> None:  # type: ignore[no-untyped-def]
    from ragedge import assemble
    from ragedge.config import Config

    config = Config(index="kept")
    embedder = assemble.make_embedder(config)
    (place / "valve.txt").write_text("The brass valve takes 5 Nm.", encoding="utf-8")
    with assemble.open_for_ingest(config, embedder) as sync:
        sync.add_file(place / "valve.txt", "valve.txt")
    with assemble.open_for_ingest(config, embedder, fresh=True):
        pass  # stopped before anything was read
    (place / "other.toml").write_text("[ingest]\nchunk_tokens = 96\n", encoding="utf-8")
    assert typed("--config", "other.toml", "ingest", "docs", "--index", "kept", "--fresh")[0] == 0
    out = typed("--config", "other.toml", "ask", "What does the brass valve take?", "--index", "kept")[1]
    assert "@uploads/valve.txt" in out


def test_fresh_is_refused_while_the_old_index_is_in_use(typed, place: Path) -> None:  # type: ignore[no-untyped-def]
    from ragedge.index.store import Index

    main(["ingest", "docs", "--index", "used"])
    with Index.open(place / "indexes" / "used", None, mode="write"):
        code, _, err = typed("ingest", "docs", "--index", "used", "--fresh")
    assert code == 4
    assert "in use" in err
    assert not (place / "indexes" / "used.new").exists()


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


def test_a_wrong_folder_leaves_no_empty_index_behind(typed, place: Path) -> None:  # type: ignore[no-untyped-def]
    assert typed("ingest", "nowhere", "--index", "stray")[0] == 3
    assert not (place / "indexes" / "stray").exists()


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


def test_a_password_opens_a_file_that_was_refused_before(typed, place: Path) -> None:  # type: ignore[no-untyped-def]
    from pypdf import PdfWriter
    from reportlab.pdfgen.canvas import Canvas

    folder = place / "locked"
    folder.mkdir()
    canvas = Canvas(str(folder / "open.pdf"))
    canvas.drawString(72, 720, "The safe opens with the brass key on the upper shelf.")
    canvas.save()
    writer = PdfWriter(clone_from=str(folder / "open.pdf"))
    writer.encrypt("sesame", algorithm="AES-256")
    (folder / "open.pdf").unlink()
    writer.write(str(folder / "locked.pdf"))
    assert "encrypted" in typed("ingest", "locked", "--index", "locked")[1]
    assert "1 changed" in typed("ingest", "locked", "--index", "locked", "--password", "sesame")[1]
    assert "brass key" in typed("ask", "Where is the key of the safe?", "--index", "locked")[1]
