"""PDF: text as pypdf gives it, labels, passwords, headings, pages without text."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import pypdf
import pytest
from pypdf.generic import ArrayObject, DictionaryObject, NameObject, NumberObject, TextStringObject

from ragedge.contracts import Page, ParsedFile, ReadOptions
from ragedge.errors import UnreadableDocument
from ragedge.ingest.readers import read_file
from ragedge.ingest.readers.lines import is_capitals, numbered_level
from tests.ingest.samples import FACT, pdf_bytes, picture

needs_tesseract = pytest.mark.skipif(shutil.which("tesseract") is None, reason="Tesseract is not installed")


def read(folder: Path, content: bytes, options: ReadOptions | None = None) -> ParsedFile:
    path = folder / "manual.pdf"
    path.write_bytes(content)
    return read_file(path, options or ReadOptions())


def rewritten(content: bytes, change: object) -> bytes:
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(content))
    change(writer)  # type: ignore[operator]
    target = io.BytesIO()
    writer.write(target)
    return target.getvalue()


def headings(page: Page) -> list[tuple[int, str]]:
    return [(block.level, page.text[block.start : block.end]) for block in page.blocks if block.kind == "heading"]


def scan(text: str) -> bytes:
    target = io.BytesIO()
    picture(text).save(target, "PDF")
    return target.getvalue()


def test_the_text_is_that_of_pypdf(tmp_path: Path) -> None:
    content = pdf_bytes([["One  two", FACT], ["Next page"]])
    parsed = read(tmp_path, content)
    reader = pypdf.PdfReader(io.BytesIO(content))
    assert [page.text for page in parsed.pages] == [page.extract_text() for page in reader.pages]


def test_printed_page_numbers_become_labels(tmp_path: Path) -> None:
    def label(writer: pypdf.PdfWriter) -> None:
        roman = DictionaryObject({NameObject("/S"): NameObject("/r")})
        letters = DictionaryObject({NameObject("/S"): NameObject("/D"), NameObject("/P"): TextStringObject("A-")})
        numbers = ArrayObject([NumberObject(0), roman, NumberObject(2), letters])
        writer.root_object[NameObject("/PageLabels")] = DictionaryObject({NameObject("/Nums"): numbers})

    parsed = read(tmp_path, rewritten(pdf_bytes([["a1"], ["b2"], ["c3"]]), label))
    assert [(page.number, page.label) for page in parsed.pages] == [(1, "i"), (2, "ii"), (3, "A-1")]


def test_without_printed_numbers_there_are_no_labels(tmp_path: Path) -> None:
    assert [page.label for page in read(tmp_path, pdf_bytes([["a1"], ["b2"]])).pages] == [None, None]


@pytest.mark.parametrize("algorithm", ["RC4-128", "AES-128", "AES-256-R5", "AES-256"])
def test_an_empty_user_password_is_no_obstacle(tmp_path: Path, algorithm: str) -> None:
    def lock(writer: pypdf.PdfWriter) -> None:
        writer.encrypt("", "owner", algorithm=algorithm)

    assert FACT in read(tmp_path, rewritten(pdf_bytes([[FACT]]), lock)).pages[0].text


def test_a_password_is_asked_for_and_used(tmp_path: Path) -> None:
    def lock(writer: pypdf.PdfWriter) -> None:
        writer.encrypt("open sesame", "owner", algorithm="AES-256")

    content = rewritten(pdf_bytes([[FACT]]), lock)
    with pytest.raises(UnreadableDocument) as caught:
        read(tmp_path, content)
    assert caught.value.reason == "encrypted" and "password" in caught.value.hint
    with pytest.raises(UnreadableDocument):
        read(tmp_path, content, ReadOptions(passwords=("wrong",)))
    assert FACT in read(tmp_path, content, ReadOptions(passwords=("wrong", "open sesame"))).pages[0].text


def test_bookmarks_make_headings_with_their_depth(tmp_path: Path) -> None:
    def mark(writer: pypdf.PdfWriter) -> None:
        top = writer.add_outline_item(title="Getting started", page_number=0)
        writer.add_outline_item(title="Unpacking it", page_number=1, parent=top)
        writer.add_outline_item(title="Not on its page", page_number=1, parent=top)

    parsed = read(tmp_path, rewritten(pdf_bytes([["Getting started", "text"], ["Unpacking  it", "text"]]), mark))
    assert headings(parsed.pages[0]) == [(1, "Getting started")]
    assert [level for level, _ in headings(parsed.pages[1])] == [2]


@pytest.mark.parametrize(
    ("line", "level"),
    [
        ("4.2 Torque values", 2),
        ("4.2.1 Torque of the pump head", 3),
        ("Chapter 3 Maintenance", 1),
        ("Appendix B", 1),
        ("4.2 Torque values ........ 17", 0),
        ("4.2 Torque values 17", 0),
        ("4.2 Close the valve before opening the pump.", 0),
        ("12.5 Nm", 0),
        ("1. Open the valve", 0),
        ("2.489 $ 2 $ 10,968", 0),
        ("Chapter 3 describes how the pump is taken apart and what must be observed then", 0),
        ("1.5 million people", 0),
    ],
)
def test_numbered_headings_are_told_from_rows_and_sentences(line: str, level: int) -> None:
    assert numbered_level(line) == level


@pytest.mark.parametrize(
    ("line", "expected"),
    [("SAFETY NOTES", True), ("E-417", False), ("WARNING: HOT.", False), ("Safety", False), ("- A LIST ITEM", False)],
)
def test_capitals_are_judged_carefully(line: str, expected: bool) -> None:
    assert is_capitals(line) is expected


def test_a_running_header_is_a_heading_once_at_most(tmp_path: Path) -> None:
    parsed = read(
        tmp_path, pdf_bytes([["PUMP MANUAL", "first text"], ["PUMP MANUAL", "second"], ["PUMP MANUAL", "third"]])
    )
    assert [len(headings(page)) for page in parsed.pages] == [1, 0, 0]


@pytest.mark.parametrize(
    ("title", "expected"),
    [("Pump manual", "Pump manual"), ("Microsoft Word - Pump manual", "Pump manual"), ("untitled", "manual"),
     ("C:\\docs\\x", "manual"), ("draft.docx", "manual"), ("0001045810-22-000166", "manual")],
)  # fmt: skip
def test_only_sane_metadata_becomes_the_title(tmp_path: Path, title: str, expected: str) -> None:
    assert read(tmp_path, pdf_bytes([["some text here"]], title)).title == expected


@needs_tesseract
def test_a_scanned_page_is_read_by_ocr(tmp_path: Path) -> None:
    parsed = read(tmp_path, scan(FACT))
    assert "12 Nm" in parsed.pages[0].text
    assert parsed.pages[0].origin == "ocr"


@needs_tesseract
def test_only_pages_without_text_go_through_ocr(tmp_path: Path) -> None:
    writer = pypdf.PdfWriter()
    for content in (pdf_bytes([["Typed text."]]), scan(FACT), pdf_bytes([[]])):
        writer.append(io.BytesIO(content))
    target = io.BytesIO()
    writer.write(target)
    parsed = read(tmp_path, target.getvalue())
    assert [page.origin for page in parsed.pages] == ["text", "ocr", "text"]
    assert parsed.problems == ()  # the blank page is no problem


def test_a_scan_without_ocr_is_reported_with_the_fix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UnreadableDocument) as caught:
        read(tmp_path, scan(FACT))
    assert caught.value.reason == "no_text"
    assert "sudo apt install tesseract-ocr" in caught.value.message
    writer = pypdf.PdfWriter()
    for content in (pdf_bytes([["Typed text."]]), scan(FACT)):
        writer.append(io.BytesIO(content))
    target = io.BytesIO()
    writer.write(target)
    parsed = read(tmp_path, target.getvalue())
    assert [(problem.page, problem.reason) for problem in parsed.problems] == [(2, "no_text")]
    assert len(parsed.pages) == 2 and parsed.pages[1].text == ""


def test_ocr_can_be_switched_off(tmp_path: Path) -> None:
    with pytest.raises(UnreadableDocument) as caught:
        read(tmp_path, scan(FACT), ReadOptions(ocr="off"))
    assert caught.value.reason == "no_text" and "switched off" in caught.value.message


def test_a_damaged_page_costs_that_page_only(tmp_path: Path) -> None:
    def damage(writer: pypdf.PdfWriter) -> None:
        writer.pages[0][NameObject("/Resources")] = NumberObject(7)

    parsed = read(tmp_path, rewritten(pdf_bytes([["first"], ["second page"]]), damage))
    assert "second page" in parsed.pages[1].text
    assert len(parsed.pages) == 2


def test_an_html_page_named_pdf_is_read_as_html(tmp_path: Path) -> None:
    assert read(tmp_path, b"<!DOCTYPE html><html><body><p>Open from nine.</p></body></html>").media_type == "text/html"
