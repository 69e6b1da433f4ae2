"""Every gold quote of the smaller evaluation cases stands on the page it names, white space folded."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import pytest

from ragedge.contracts import ParsedFile, ReadOptions
from ragedge.ingest.readers import read_file

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"


def fold(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).split())


@pytest.mark.data
@pytest.mark.parametrize("case", ["survival", "irm", "handbook", "museum"])
def test_gold_quotes_are_found_on_their_pages(case: str) -> None:
    questions = DATA / case / "questions.jsonl"
    if not questions.is_file():
        pytest.skip(f"../shared/data/{case} not found (evaluation data is optional, see its README)")
    parsed: dict[str, ParsedFile] = {}
    checked = 0
    for line in questions.read_text(encoding="utf-8").splitlines():
        for source in json.loads(line)["sources"]:
            path, number, quote = source["path"], source["page"], source["quote"]
            if quote is None:
                continue
            if path not in parsed:
                parsed[path] = read_file(DATA / case / "corpus" / path, ReadOptions(ocr="off"))
            pages = [page for page in parsed[path].pages if number in (None, page.number)]
            assert any(fold(quote) in fold(page.text) for page in pages), (path, number, quote)
            checked += 1
    assert checked >= 20
