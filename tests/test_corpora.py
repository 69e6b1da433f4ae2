"""The sample corpora: made again byte for byte, consistent, their questions quoting what is there.

Quotes and page texts are compared after NFKC and folding of white space, as corpora/README.md states.
"""

from __future__ import annotations

import csv
import email
import json
import re
import unicodedata
from email.policy import default
from functools import cache
from pathlib import Path
from typing import Any

import docx
import openpyxl
import pypdf
import pytest

CORPORA = Path(__file__).resolve().parents[1] / "corpora"
NAMES = ("field-manual", "museum", "small-business")
HAND_WRITTEN = {
    "small-business": {"returns-and-exchange.md", "warranty.html", "privacy.html", "opening-hours.txt"},
}
MANUAL = "AQ-40-manual.pdf"
PART_NUMBER = re.compile(r"\b[45]\.\d{3}\.\d{3}\b")
FAULT_CODE = re.compile(r"\bE-\d{3}\b")
IDENTIFIER = re.compile(r"\b(?:[A-Z]{1,3}-\d{3,4}|\d{4}\.\d{2})\b")
MAX_BYTES = 1_000_000


def fold(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).split())


def paths(name: str) -> list[str]:
    folder = CORPORA / name / "documents"
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


@cache
def pieces(name: str, path: str) -> tuple[str, ...]:
    """The folded texts of a file in which a quote must lie whole: pages, paragraphs, cells, or the file."""
    file = CORPORA / name / "documents" / path
    if file.suffix == ".pdf":
        found = [page.extract_text() for page in pypdf.PdfReader(file).pages]
    elif file.suffix == ".docx":
        document = docx.Document(str(file))
        found = [paragraph.text for paragraph in document.paragraphs]
        found += [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    elif file.suffix == ".xlsx":
        sheets = openpyxl.load_workbook(file).worksheets
        found = [str(cell) for sheet in sheets for row in sheet.values for cell in row if cell is not None]
    elif file.suffix == ".eml":
        mail = email.message_from_bytes(file.read_bytes(), policy=default)
        body = mail.get_body(("plain",))
        assert body is not None
        found = [f"{mail['subject']}\n{body.get_content()}"]
    else:
        found = [file.read_text(encoding="utf-8")]
    return tuple(fold(text) for text in found)


@cache
def questions(name: str) -> tuple[dict[str, Any], ...]:
    """The questions of both files; the second is optional."""
    files = [CORPORA / name / "questions.jsonl", CORPORA / name / "more-questions.jsonl"]
    lines = [line for file in files if file.exists() for line in file.read_text(encoding="utf-8").splitlines()]
    return tuple(json.loads(line) for line in lines)


def log_rows() -> list[dict[str, str]]:
    with (CORPORA / "field-manual/documents/service-log.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_generated_documents_are_byte_for_byte_what_the_generators_make() -> None:
    pytest.importorskip("reportlab", reason="reportlab is not installed (a dev dependency): corpora not made again")
    from corpora.make.catalogue import CORPORA as GENERATED

    assert set(GENERATED) == set(NAMES)
    for name, make in GENERATED.items():
        made = make()
        assert set(paths(name)) == set(made) | HAND_WRITTEN.get(name, set())
        differing = [
            path for path, content in made.items() if (CORPORA / name / "documents" / path).read_bytes() != content
        ]
        assert not differing, "run `python -m corpora.make`"


@pytest.mark.parametrize("name", NAMES)
def test_documents_are_small_and_name_no_real_domain(name: str) -> None:
    for path in paths(name):
        content = (CORPORA / name / "documents" / path).read_bytes()
        assert len(content) < MAX_BYTES, path
        if not path.endswith((".docx", ".xlsx", ".pdf")):
            domains = re.findall(r"@([\w.-]+)", content.decode("utf-8"))
            assert all(domain.rstrip(".").endswith(".example") for domain in domains), path
            assert "://" not in content.decode("utf-8"), path


@pytest.mark.parametrize("name", NAMES)
def test_questions_have_the_documented_form(name: str) -> None:
    assert len(questions(name)) >= 36
    assert len({question["id"] for question in questions(name)}) == len(questions(name))
    for question in questions(name):
        assert set(question) == {"id", "question", "answers", "answerable", "sources", "tags"}, question["id"]
        assert question["id"].startswith(f"{name}-") and question["question"].strip() == question["question"] != ""
        assert bool(question["answers"]) == bool(question["sources"]) == question["answerable"], question["id"]
        assert all(set(source) == {"path", "page", "quote"} for source in question["sources"])


@pytest.mark.parametrize("name", NAMES)
def test_every_quote_is_found_whole_at_its_page(name: str) -> None:
    for question in questions(name):
        for source in question["sources"]:
            texts = pieces(name, source["path"])
            if source["path"].endswith(".pdf"):
                texts = (texts[source["page"] - 1],)
            else:
                assert source["page"] is None, question["id"]
            assert source["quote"] and any(fold(source["quote"]) in text for text in texts), question["id"]


@pytest.mark.parametrize("name", NAMES)
def test_an_accepted_answer_stands_in_a_cited_file(name: str) -> None:
    for question in questions(name):
        if question["answerable"] and "yes-no" not in question["tags"]:
            text = " ".join(part for source in question["sources"] for part in pieces(name, source["path"])).lower()
            assert any(fold(answer).lower() in text for answer in question["answers"]), question["id"]


@pytest.mark.parametrize("name", NAMES)
def test_a_fifth_of_the_questions_cannot_be_answered_and_says_how(name: str) -> None:
    without = [question for question in questions(name) if not question["answerable"]]
    assert len(without) >= 8 and 5 * len(without) >= len(questions(name))
    assert sum("off-topic" in question["tags"] for question in without) >= 2
    for question in without:
        near = [tag.removeprefix("near:") for tag in question["tags"] if tag.startswith("near:")]
        assert len(near) == ("off-topic" not in question["tags"]), question["id"]
        assert set(near) <= set(paths(name)), question["id"]


@pytest.mark.parametrize("name", NAMES)
def test_identifiers_of_unanswerable_questions_stand_nowhere_in_the_corpus(name: str) -> None:
    asked = [
        question for question in questions(name) if not question["answerable"] and "identifier" in question["tags"]
    ]
    assert asked
    everything = " ".join(part for path in paths(name) for part in pieces(name, path))
    for question in asked:
        (identifier,) = IDENTIFIER.findall(question["question"])
        assert identifier not in everything, question["id"]


def test_manual_has_pages_labels_outline_and_chapters() -> None:
    reader = pypdf.PdfReader(CORPORA / "field-manual/documents" / MANUAL)
    labels = reader.page_labels
    front = labels.index("1")
    assert len(reader.pages) >= 40
    assert labels[:front] == ["i", "ii", "iii", "iv", "v", "vi"][:front] and front >= 4
    assert labels[front:] == [str(number) for number in range(1, len(labels) - front + 1)]
    chapters = [entry for entry in reader.outline if not isinstance(entry, list)]
    assert [entry.title.split(" ")[0] for entry in chapters] == [str(n) for n in range(1, len(chapters) + 1)]
    for entry in chapters:
        page = reader.get_destination_page_number(entry)
        assert fold(entry.title) in pieces("field-manual", MANUAL)[page]


def test_manual_footers_print_the_page_label() -> None:
    reader = pypdf.PdfReader(CORPORA / "field-manual/documents" / MANUAL)
    for number, label in list(enumerate(reader.page_labels))[1:]:
        assert reader.pages[number].extract_text().splitlines()[2].strip() == label


def test_each_row_of_a_table_is_one_line_of_the_page_text() -> None:
    reader = pypdf.PdfReader(CORPORA / "field-manual/documents" / MANUAL)
    lines = {fold(line) for page in reader.pages for line in page.extract_text().splitlines()}
    assert "Raw-water pump, delivery flange M8 x 25 14 N·m new gasket" in lines
    assert "10 L 154 g 143 g 833 mL" in lines
    assert fold("4.510.210 Membrane cartridge, 0.02 µm F3 2") in lines
    assert "E-417 MEMBRANE PRESSURE stop" in lines


def test_part_numbers_and_fault_codes_of_all_documents_stand_in_the_manual() -> None:
    manual = " ".join(pieces("field-manual", MANUAL))
    parts, codes = set(PART_NUMBER.findall(manual)), set(FAULT_CODE.findall(manual))
    assert len(parts) >= 40 and len(codes) >= 30
    other = " ".join(part for path in paths("field-manual") if path != MANUAL for part in pieces("field-manual", path))
    assert set(PART_NUMBER.findall(other)) <= parts
    assert set(FAULT_CODE.findall(other)) <= codes


def test_service_log_grows_in_time_and_hours_and_names_no_people() -> None:
    rows = log_rows()
    assert len(rows) >= 120
    assert [row["Date"] for row in rows] == sorted(row["Date"] for row in rows)
    for unit in {row["Unit"] for row in rows}:
        hours = [int(row["Unit hours"]) for row in rows if row["Unit"] == unit]
        assert hours == sorted(hours)
    assert all(re.fullmatch(r"[A-Z]{2}", row["Technician"]) for row in rows)


def test_museum_has_sixty_labels_with_a_story_in_both_formats() -> None:
    labels = [path for path in paths("museum") if path.startswith("objects/")]
    assert len(labels) >= 60 and sum(path.startswith("rooms/") for path in paths("museum")) >= 6
    html = [path for path in labels if path.endswith(".html")]
    assert 0.4 < len(html) / len(labels) < 0.6
    for path in labels:
        (text,) = pieces("museum", path)
        assert path.split("/")[1][:7].replace("-", ".") in text
        longest = max((CORPORA / "museum/documents" / path).read_text(encoding="utf-8").splitlines(), key=len)
        assert 80 <= len(longest.split()) <= 180, path
    for path in html:
        assert "<nav" in pieces("museum", path)[0] and "<footer>" in pieces("museum", path)[0]


def test_small_business_has_its_documents_in_full() -> None:
    folder = CORPORA / "small-business/documents"
    handbook = docx.Document(str(folder / "employee-handbook.docx"))
    assert sum(paragraph.style.name == "Heading 1" for paragraph in handbook.paragraphs) >= 12
    sheets = openpyxl.load_workbook(folder / "price-list.xlsx").worksheets
    assert len(sheets) >= 3 and sum(sheet.max_row - 1 for sheet in sheets) >= 120
    assert sum(path.endswith(".eml") for path in paths("small-business")) >= 10


def test_replies_answer_a_mail_of_the_corpus() -> None:
    files = (CORPORA / "small-business/documents/mails").glob("*.eml")
    mails = [email.message_from_bytes(file.read_bytes(), policy=default) for file in files]
    known = {mail["message-id"].strip() for mail in mails}
    replies = [mail for mail in mails if mail["in-reply-to"]]
    assert len(known) == len(mails) and len(replies) >= 4
    assert all(mail["in-reply-to"].strip() in known for mail in replies)
