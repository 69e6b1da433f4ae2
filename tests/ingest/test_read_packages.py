"""Office files, books and mails: order, structure, attachments, and what is never unpacked or followed."""

from __future__ import annotations

import zipfile
from email.message import EmailMessage
from pathlib import Path

import docx
import pptx
import pytest

from ragedge.contracts import ParsedFile, ReadOptions
from ragedge.errors import UnreadableDocument, UnsupportedFile
from ragedge.ingest.readers import read_file
from tests.ingest.samples import FACT, make, pdf_bytes, zipped

OPTIONS = ReadOptions()


def blocks(parsed: ParsedFile, number: int = 1) -> list[tuple[str, str]]:
    page = parsed.pages[number - 1]
    return [(block.kind, page.text[block.start : block.end]) for block in page.blocks]


def mail(folder: Path, made: EmailMessage) -> ParsedFile:
    made["From"], made["Subject"] = "ann@example.org", "Order"
    path = folder / "order.eml"
    path.write_bytes(made.as_bytes())
    return read_file(path, OPTIONS)


def test_docx_keeps_order_and_structure(tmp_path: Path) -> None:
    assert blocks(read_file(make(tmp_path, "manual.docx"), OPTIONS)) == [
        ("heading", "Pump manual"),
        ("text", FACT),
        ("list", "- First item"),
        ("table", "Part | Torque\nSeal | 12 Nm"),
    ]


def test_docx_reads_content_controls_and_skips_deleted_text(tmp_path: Path) -> None:
    w = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    body = (
        "<w:sdt><w:sdtPr/><w:sdtContent><w:p><w:r><w:t>In a control</w:t></w:r></w:p></w:sdtContent></w:sdt>"
        "<w:p><w:del><w:r><w:delText>gone</w:delText></w:r></w:del><w:ins><w:r><w:t>added</w:t></w:r></w:ins>"
        "<w:r><w:tab/><w:t>after</w:t><w:br/><w:t>line</w:t></w:r></w:p>"
    )
    path = tmp_path / "a.docx"
    zipped(path, {"word/document.xml": f'<w:document xmlns:w="{w}"><w:body>{body}</w:body></w:document>'})
    assert blocks(read_file(path, OPTIONS)) == [("text", "In a control"), ("text", "added\tafter\nline")]


def test_docx_never_follows_what_lies_outside(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("the secret")
    made = docx.Document()
    made.add_paragraph("visible")
    made.part.relate_to(f"file://{secret}", "http://x/attachedTemplate", is_external=True)
    path = tmp_path / "a.docx"
    made.save(str(path))
    assert blocks(read_file(path, OPTIONS)) == [("text", "visible")]


def test_pictures_in_a_package_are_never_unpacked(tmp_path: Path) -> None:
    path = make(tmp_path, "manual.docx")
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/media/bomb.png", b"\0" * 50 * 2**20)
    assert FACT in read_file(path, OPTIONS).pages[0].text


def test_too_many_parts_are_too_large(tmp_path: Path) -> None:
    path = tmp_path / "a.docx"
    zipped(path, {f"word/{i}.xml": "" for i in range(20_001)})
    with pytest.raises(UnreadableDocument) as caught:
        read_file(path, OPTIONS)
    assert caught.value.reason == "too_large"


def test_slides_are_pages_with_title_body_and_notes(tmp_path: Path) -> None:
    parsed = read_file(make(tmp_path, "manual.pptx"), OPTIONS)
    assert [page.label for page in parsed.pages] == ["Pump manual", "Second slide"]
    assert blocks(parsed) == [("heading", "Pump manual"), ("list", FACT), ("text", "Said aloud only.")]


def test_slides_come_in_the_order_they_are_shown(tmp_path: Path) -> None:
    made = pptx.Presentation()
    for title in ("one", "two", "three"):
        made.slides.add_slide(made.slide_layouts[5]).shapes.title.text = title
    ids = made.slides._sldIdLst
    ids.insert(0, ids[2])
    path = tmp_path / "a.pptx"
    made.save(str(path))
    assert [page.label for page in read_file(path, OPTIONS).pages] == ["three", "one", "two"]


def test_a_book_is_read_along_its_spine(tmp_path: Path) -> None:
    parsed = read_file(make(tmp_path, "manual.epub"), OPTIONS)
    assert [page.label for page in parsed.pages] == ["First part", "Second part"]
    assert (parsed.title, parsed.language) == ("Pump manual", "en")


def test_a_book_with_a_missing_part_gives_the_others(tmp_path: Path) -> None:
    path = make(tmp_path, "manual.epub")
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name).decode() for name in archive.namelist() if name != "in/one.xhtml"}
    zipped(path, parts)
    parsed = read_file(path, OPTIONS)
    assert "More." in parsed.pages[1].text
    assert [(problem.page, problem.reason) for problem in parsed.problems] == [(1, "broken")]


def test_odt_keeps_structure_and_spaces(tmp_path: Path) -> None:
    assert blocks(read_file(make(tmp_path, "manual.odt"), OPTIONS)) == [
        ("heading", "Pump manual"),
        ("text", FACT),
        ("list", "- First item"),
        ("table", "Part | Torque\nSeal | 12 Nm"),
    ]


def test_an_encrypted_office_file_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.docx"
    name = "EncryptedPackage".encode("utf-16-le")
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600 + name + b"\0" * 600)
    with pytest.raises(UnreadableDocument) as caught:
        read_file(path, OPTIONS)
    assert caught.value.reason == "encrypted"


@pytest.mark.parametrize("name", ["old.doc", "old.xls", "old.ppt"])
def test_old_office_files_are_unsupported_with_a_way_out(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600)
    with pytest.raises(UnsupportedFile) as caught:
        read_file(path, OPTIONS)
    assert "soffice --headless --convert-to" in caught.value.hint


def test_a_mail_has_its_head_its_text_and_its_attachments(tmp_path: Path) -> None:
    parsed = read_file(make(tmp_path, "manual.eml"), OPTIONS)
    assert parsed.title == "Pump manual"
    assert parsed.metadata["from"] == "ann@example.org"
    assert "Subject: Pump manual" in parsed.pages[0].text and FACT in parsed.pages[0].text
    assert (parsed.pages[1].label, parsed.pages[1].text) == ("torques.csv", "Part: Seal; Torque: 12 Nm")
    assert [(problem.page, problem.reason) for problem in parsed.problems] == [(None, "unsupported")]


def test_pages_of_an_attached_pdf_are_counted_on(tmp_path: Path) -> None:
    made = EmailMessage()
    made.set_content("See attached.")
    for name in ("one.pdf", "two.pdf"):
        made.add_attachment(
            pdf_bytes([["p1 " + name], ["p2 " + name]]), maintype="application", subtype="pdf", filename=name
        )
    parsed = mail(tmp_path, made)
    assert [(page.number, page.label) for page in parsed.pages] == [
        (1, None), (2, "one.pdf"), (3, "one.pdf"), (4, "two.pdf"), (5, "two.pdf")
    ]  # fmt: skip
    assert "p2 two.pdf" in parsed.pages[4].text


def test_an_html_mail_is_read_where_there_is_no_plain_part(tmp_path: Path) -> None:
    made = EmailMessage()
    made.set_content("<h1>Order</h1><p>Twelve <b>seals</b></p>", subtype="html")
    assert "Twelve seals" in mail(tmp_path, made).pages[0].text


def test_mails_within_mails_end_at_a_depth(tmp_path: Path) -> None:
    inner = EmailMessage()
    inner.set_content("innermost text")
    for level in range(5):
        outer = EmailMessage()
        outer["Subject"] = f"level {level}"
        outer.set_content("outer text")
        outer.add_attachment(inner)
        inner = outer
    path = tmp_path / "deep.eml"
    path.write_bytes(inner.as_bytes())
    parsed = read_file(path, OPTIONS)
    assert len(parsed.pages) == 3
    assert [problem.reason for problem in parsed.problems] == ["unsupported"]


def test_an_attachment_cannot_choose_a_path(tmp_path: Path) -> None:
    made = EmailMessage()
    made.set_content("text")
    made.add_attachment(b"a,b\n1,2\n", maintype="text", subtype="csv", filename="../../etc/x.csv")
    assert "/" not in (mail(tmp_path, made).pages[1].label or "")


def test_an_encrypted_mail_says_so(tmp_path: Path) -> None:
    made = EmailMessage()
    made.set_content("-----BEGIN PGP MESSAGE-----\n\nhQEMA\n-----END PGP MESSAGE-----\n")
    with pytest.raises(UnreadableDocument) as caught:
        mail(tmp_path, made)
    assert caught.value.reason == "encrypted"
