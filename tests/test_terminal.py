"""What a terminal shows: sources with pages, reasons, and no control character of a document."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import get_args

import pytest

from ragedge import terminal
from ragedge.contracts import Answer, AnswerSpan, Chunk, Citation, Hit, Objection, PageSpan, Timings
from ragedge.errors import IndexMissing
from ragedge.index.store import FileRow
from ragedge.ingest.progress import Progress, SyncReport

CHUNK = Chunk("d-00000", "d", "manual.pdf", 0, "The head takes 12 Nm.", (PageSpan(12, 0, 21),), ("4 Torque",), 8)
CITATION = Citation(
    1, "d-00000", "d", "manual.pdf", "Manual", (12,), "6", PageSpan(12, 0, 21), "The head takes 12 Nm.", 0, 21, 1.0
)


def answer(**changes: object) -> Answer:
    values: dict[str, object] = {
        "text": "The head takes 12 Nm.",
        "outcome": "answered",
        "citations": (CITATION,),
        "unsupported": (),
        "hits": (Hit(CHUNK, 1.0),),
        "evidence": (),
        "engine": "extractive",
        "confidence": 0.9,
        "reason": "the passages cover the question",
        "timings": Timings(total_ms=41.6),
    }
    return Answer(**(values | changes))  # type: ignore[arg-type]


def shown(value: Answer) -> str:
    out = io.StringIO()
    terminal.show_answer(value, out)
    return out.getvalue()


def test_an_answer_shows_its_source_with_page_label_and_exact_quote() -> None:
    text = shown(answer())
    assert "[1] manual.pdf, page 12 (printed 6)" in text
    assert '"The head takes 12 Nm."' in text
    assert "answered by extractive in 42 ms" in text


@pytest.mark.parametrize(
    ("label", "shown_as"),
    [("iv", "page 12 (printed iv)"), ("A-3", "page 12 (printed A-3)"), ("Repairs", "page 12 (Repairs)"),
     ("12", "page 12"), (None, "page 12")],
)  # fmt: skip
def test_a_printed_number_is_told_from_the_name_of_a_sheet(label: str | None, shown_as: str) -> None:
    assert terminal.page_name(replace(CITATION, page_label=label)) == shown_as


def test_a_refusal_offers_the_closest_passages() -> None:
    text = shown(answer(text="This is not in these documents.", outcome="abstained", citations=()))
    assert "Closest passages:" in text
    assert "manual.pdf, page 12: 4 Torque" in text


def test_unsupported_sentences_and_doubt_are_said() -> None:
    text = shown(answer(outcome="unsure", unsupported=(AnswerSpan(0, 8), AnswerSpan(9, 14, objection="opposite_word"))))
    assert "unsure by" in text and "Closest passages:" in text
    assert "Not supported by the documents (no source says this): The head" in text
    assert "Not supported by the documents (the source has the opposite word): takes" in text
    assert set(terminal.OBJECTIONS) == set(get_args(Objection)), "each reason has its words"


@pytest.mark.parametrize("hostile", ["\x1b[2Jgone", "a\rb", "a\u202eb", "\x9b31m", "a\u200bb", "\ud800x"])
def test_no_control_character_of_a_document_reaches_the_terminal(hostile: str) -> None:
    text = shown(answer(text=hostile, reason=hostile, engine=hostile))
    assert text.isascii()
    assert all(c == "\n" or c.isprintable() for c in text)
    assert all(c == "\n" or c.isprintable() for c in terminal.plain_piece(hostile))


def test_an_error_is_a_line_and_a_hint() -> None:
    out = io.StringIO()
    terminal.show_error(IndexMissing('there is no index "x"', "make one: ragedge ingest FOLDER"), out)
    assert out.getvalue() == 'ragedge: there is no index "x"\n  make one: ragedge ingest FOLDER\n'


def test_a_report_names_every_file_that_was_not_read_and_why() -> None:
    report = SyncReport(added=["a"], unchanged=1200, pages=3, chunks=9, seconds=3.21)
    report.rejected = [FileRow("old/scan.pdf", 1, 1, "", None, "no_text", "install tesseract-ocr")]
    out = io.StringIO()
    terminal.show_report(report, out)
    text = out.getvalue()
    assert "1 added, 1,200 unchanged, 1 not readable (3 pages, 9 passages, 3.2 s)" in text
    assert "old/scan.pdf  no_text       install tesseract-ocr" in text


def test_progress_without_a_terminal_is_a_line_with_rate_and_time_left(capsys: pytest.CaptureFixture[str]) -> None:
    bar = terminal.ProgressBar()
    bar(Progress("embed", "a", 1, 4, 250, 1000, 50, 11.0))
    bar.close()
    assert capsys.readouterr().err == " 25%  1/4 files, 50 passages, 5/s, 33 s left\n"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.04, "0.0 s"), (9.94, "9.9 s"), (42, "42 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")]
)
def test_durations_read_well(seconds: float, text: str) -> None:
    assert terminal.duration(seconds) == text
