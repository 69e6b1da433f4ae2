"""Plain text, Markdown, RTF: encodings, exact text, blocks by rule."""

from __future__ import annotations

from pathlib import Path

import pytest

from ragedge.contracts import Page, ParsedFile, ReadOptions
from ragedge.errors import UnreadableDocument
from ragedge.ingest.readers import read_file
from tests.ingest.samples import MARKDOWN, pdf_bytes


def read(folder: Path, name: str, content: bytes | str) -> ParsedFile:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_file(path, ReadOptions())


def blocks(page: Page) -> list[tuple[str, int, str]]:
    return [(block.kind, block.level, page.text[block.start : block.end]) for block in page.blocks]


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1", "cp1252"]
)
def test_text_survives_its_encoding(tmp_path: Path, encoding: str) -> None:
    text = "Das Café öffnet täglich um neun, die Küche später.\nGrüße vom Bäcker, schöne Tage."
    assert read(tmp_path, "a.txt", text.encode(encoding)).pages[0].text == text


def test_japanese_in_shift_jis_is_recognised(tmp_path: Path) -> None:
    text = "名前,年齢,住所\n佐藤太郎,30,東京\n三木英子,25,大阪\n髙橋淳,35,名古屋\n"
    assert "佐藤太郎" in read(tmp_path, "a.csv", text.encode("cp932")).pages[0].text


def test_one_bad_byte_does_not_turn_utf8_into_something_else(tmp_path: Path) -> None:
    text = ("Größe über alles, schöne Grüße. " * 20).encode() + b"\xff" + b" end"
    found = read(tmp_path, "a.txt", text).pages[0].text
    assert "Größe über" in found and found.endswith("end")


def test_nuls_control_characters_and_line_ends_are_cleaned(tmp_path: Path) -> None:
    assert (
        read(tmp_path, "a.txt", b"one\0 two\r\nthree\x07\rfour\x0cfive").pages[0].text == "one two\nthree\nfour\nfive"
    )


def test_text_is_composed_to_nfc(tmp_path: Path) -> None:
    assert read(tmp_path, "a.md", "Cafe\u0301").pages[0].text == "Café"


def test_a_pdf_named_txt_is_read_as_a_pdf(tmp_path: Path) -> None:
    parsed = read(tmp_path, "a.txt", pdf_bytes([["A real page."]]))
    assert parsed.media_type == "application/pdf"
    assert "A real page." in parsed.pages[0].text and "endobj" not in parsed.pages[0].text


def test_junk_named_txt_is_broken(tmp_path: Path) -> None:
    with pytest.raises(UnreadableDocument) as caught:
        read(tmp_path, "a.txt", bytes(range(256)) * 20)
    assert caught.value.reason == "broken"


def test_markdown_text_is_the_file_itself(tmp_path: Path) -> None:
    parsed = read(tmp_path, "a.md", MARKDOWN.replace("\n", "\r\n"))
    assert parsed.pages[0].text == MARKDOWN
    assert parsed.title == "Pump manual" and parsed.language == "en"
    assert parsed.metadata["title"] == "Pump manual"


def test_markdown_blocks_follow_its_structure(tmp_path: Path) -> None:
    found = blocks(read(tmp_path, "a.md", MARKDOWN).pages[0])
    assert [(kind, level) for kind, level, _ in found] == [
        ("text", 0), ("heading", 1), ("text", 0), ("list", 0), ("list", 0), ("table", 0), ("code", 0), ("heading", 2),
        ("text", 0), ("text", 0),
    ]  # fmt: skip
    assert found[1][2] == "# Pump manual"
    assert found[4][2] == "- second item\n  continued"
    assert found[5][2].startswith("| Part | Torque |")
    assert "# no heading" in found[6][2]
    assert found[7][2] == "Under"


def test_a_markdown_table_has_its_header(tmp_path: Path) -> None:
    page = read(tmp_path, "a.md", "a | b\n--|--\n1 | 2\n").pages[0]
    assert [(block.kind, block.has_header) for block in page.blocks] == [("table", True)]


def test_a_rule_is_neither_front_matter_nor_heading(tmp_path: Path) -> None:
    found = blocks(read(tmp_path, "a.md", "---\nno end here\n\ntext\n\n* * *\n\nmore\n").pages[0])
    assert [kind for kind, _, _ in found] == ["text", "text", "text", "text", "text"]


def test_the_first_heading_titles_a_markdown_file(tmp_path: Path) -> None:
    assert read(tmp_path, "w-1.md", "# Dutch plate #\n\nText.").title == "Dutch plate"


def test_plain_text_headings_are_only_the_obvious(tmp_path: Path) -> None:
    text = (
        "SAFETY NOTES\n\nKeep dry.\n\n4.2 Torque values\n\nSee table.\n\nTHIS IS SHOUTED\nin a paragraph\n\nNOT SO.\n"
    )
    found = blocks(read(tmp_path, "a.txt", text).pages[0])
    assert [(level, part) for kind, level, part in found if kind == "heading"] == [
        (1, "SAFETY NOTES"),
        (2, "4.2 Torque values"),
    ]


def test_list_items_are_blocks_of_their_own(tmp_path: Path) -> None:
    found = blocks(read(tmp_path, "a.txt", "Do this:\n1. open\n2. close\n   slowly\n\nDone.").pages[0])
    assert [kind for kind, _, _ in found] == ["text", "list", "list", "text"]
    assert found[2][2] == "2. close\n   slowly"


def test_rtf_gives_text_and_tables(tmp_path: Path) -> None:
    rtf = (
        r"{\rtf1\ansi Opening hours\par \trowd Day\cell Hours\cell\row \trowd Mon\cell 9-5\cell\row \pard Caf\'e9\par}"
    )
    page = read(tmp_path, "a.rtf", rtf).pages[0]
    assert "Opening hours" in page.text and "Café" in page.text
    assert "Day | Hours\nMon | 9-5" in page.text
