"""What every reader promises, checked on a small file of each kind and on what damages can be done to it."""

from __future__ import annotations

import random
import shutil
import unicodedata
from pathlib import Path

import pytest

from ragedge.contracts import ParsedFile, Reader, ReadOptions
from ragedge.errors import UnreadableDocument, UnsupportedFile
from ragedge.ingest.readers import FORMATS, SUPPORTED_SUFFIXES, Format, read_file
from tests.ingest.samples import SAMPLES, make

OPTIONS = ReadOptions()
REASONS = {"encrypted", "no_text", "broken", "too_large", "unsupported", "timed_out", "out_of_memory", "unreadable"}
DAMAGES = 12
"""Damaged copies per kind: enough to meet every stage of a parser, few enough to stay quick."""


def sample(folder: Path, name: str) -> Path:
    if name.endswith(".png") and shutil.which("tesseract") is None:
        pytest.skip("Tesseract is not installed")
    return make(folder, name)


def check(parsed: ParsedFile) -> None:
    """Everything that holds for any parsed file."""
    assert parsed.title and parsed.title == " ".join(parsed.title.split())
    assert [page.number for page in parsed.pages] == sorted({page.number for page in parsed.pages})
    assert parsed.pages[0].number == 1
    for page in parsed.pages:
        text = page.text
        assert unicodedata.normalize("NFC", text) == text
        assert not [c for c in text if unicodedata.category(c) in ("Cc", "Cs") and c not in "\n\t"]
        text.encode()
        end = 0
        for block in page.blocks:
            assert end <= block.start < block.end <= len(text)
            assert not text[end : block.start].strip(), "text between blocks"
            assert text[block.start : block.end].strip()
            assert (block.level > 0) == (block.kind == "heading")
            assert not block.has_header or (block.kind == "table" and "\n" in text[block.start : block.end])
            end = block.end
        assert not text[end:].strip(), "text after the last block"
    for problem in parsed.problems:
        assert problem.detail and problem.reason in REASONS


def test_every_format_has_a_sample_here() -> None:
    assert {Path(name).suffix for name in SAMPLES} >= {entry.suffixes[0] for entry in FORMATS}
    assert len(set(SUPPORTED_SUFFIXES)) == len(SUPPORTED_SUFFIXES)


@pytest.mark.parametrize("name", SAMPLES)
def test_a_reader_keeps_the_promises_and_the_fact(tmp_path: Path, name: str) -> None:
    parsed = read_file(sample(tmp_path, name), OPTIONS)
    check(parsed)
    assert "12 Nm" in " ".join(page.text for page in parsed.pages)
    assert "/" in parsed.media_type and "*" not in parsed.media_type


@pytest.mark.parametrize("name", SAMPLES)
def test_reading_twice_gives_the_same(tmp_path: Path, name: str) -> None:
    path = sample(tmp_path, name)
    assert read_file(path, OPTIONS) == read_file(path, OPTIONS)


@pytest.mark.parametrize("entry", FORMATS, ids=lambda entry: entry.kind)
def test_a_format_is_a_reader_on_its_own(tmp_path: Path, entry: Format) -> None:
    reader: Reader = entry
    name = next(name for name in SAMPLES if name.endswith(entry.suffixes[0]))
    path = sample(tmp_path, name)
    assert reader.read(path, OPTIONS) == read_file(path, OPTIONS)


@pytest.mark.parametrize("name", SAMPLES)
def test_damage_ends_in_text_or_in_a_documented_reason(tmp_path: Path, name: str) -> None:
    content = sample(tmp_path, name).read_bytes()
    chance = random.Random(name)
    options = ReadOptions(ocr="off")
    for at in range(DAMAGES):
        damaged = bytearray(content)
        if at % 3 == 0:
            damaged = damaged[: chance.randrange(len(damaged))]
        elif at % 3 == 1:
            for _ in range(1 + len(damaged) // 200):
                damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        else:
            start = chance.randrange(len(damaged))
            damaged[start : start + 64] = chance.randbytes(64)
        path = tmp_path / f"damaged-{at}{Path(name).suffix}"
        path.write_bytes(damaged)
        try:
            check(read_file(path, options))
        except UnsupportedFile:
            pass
        except UnreadableDocument as error:
            assert error.reason in REASONS
            assert error.message.startswith(f'"{path.name}"')


@pytest.mark.parametrize("suffix", [entry.suffixes[0] for entry in FORMATS])
def test_random_bytes_are_refused_under_any_name(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"noise{suffix}"
    path.write_bytes(random.Random(7).randbytes(4_096))
    with pytest.raises(UnreadableDocument) as caught:
        read_file(path, ReadOptions(ocr="off"))
    assert caught.value.reason in ("broken", "no_text")


@pytest.mark.parametrize("suffix", [entry.suffixes[0] for entry in FORMATS])
def test_an_empty_file_holds_no_text(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"empty{suffix}"
    path.write_bytes(b"")
    with pytest.raises(UnreadableDocument) as caught:
        read_file(path, OPTIONS)
    assert caught.value.reason == "no_text"


@pytest.mark.parametrize("name", SAMPLES)
def test_text_beyond_the_bound_is_refused_not_cut(tmp_path: Path, name: str) -> None:
    with pytest.raises(UnreadableDocument) as caught:
        read_file(sample(tmp_path, name), ReadOptions(max_chars=5))
    assert caught.value.reason == "too_large"
