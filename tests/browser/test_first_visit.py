"""The first visit in a real browser over the real readers: a folder comes in file by file, then a question to try."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from ragedge.answer.gate import Thresholds
from ragedge.ask import AskSettings, Pipeline
from ragedge.contracts import ReadOptions
from ragedge.index.store import Index, IndexSettings
from ragedge.ingest.chunker import CHUNKER_VERSION
from ragedge.ingest.readers import SUPPORTED_SUFFIXES
from ragedge.ingest.sandbox import Limits, Sandbox
from ragedge.ingest.sync import Sync
from ragedge.parts import PartedPipeline, Parts
from ragedge.search.collections import Collections
from ragedge.search.retriever import Retriever
from ragedge.server.boxed import _suggest
from ragedge.server.settings import ServerSettings, Service
from tests.browser.accessibility import check
from tests.fakes import HashEmbedder
from tests.server.clients import serving
from tests.test_suggesting import RECORD, THINGS

SETTINGS = IndexSettings("fake-hash", "0" * 64, 64, "", "", CHUNKER_VERSION, 64)
LINES = "document.querySelectorAll('.upload-list li')"
DONE = "document.querySelector('.done-note')"


def fill(folder: Path) -> Path:
    (folder / "objects" / "old").mkdir(parents=True)
    for number, (name, (maker, material, weight)) in enumerate(THINGS.items()):
        place = folder / "objects" / ("old" if number % 2 else "")
        (place / f"{name}.md").write_text(RECORD.format(name=name, maker=maker, material=material, weight=weight))
    (folder / "objects" / ".DS_Store").write_bytes(b"\0")
    (folder / "objects" / "program.exe").write_bytes(b"MZ")
    return folder / "objects"


@contextmanager
def empty_service(folder: Path, **settings: Any) -> Iterator[tuple[int, Index]]:
    embedder = HashEmbedder()
    asking = AskSettings(thresholds=Thresholds(bias=100.0))
    with Index.open(folder / "index", SETTINGS, mode="write", create=True) as index:
        sync = Sync(index, embedder, lambda: Sandbox(ReadOptions(ocr="off"), Limits()), chunk_tokens=64)

        def over(part: Any, _: Pipeline) -> Pipeline:
            return Pipeline(part, Retriever(part, embedder), embedder, None, asking)

        whole = (index, Retriever(index, embedder), embedder, None, asking)
        pipeline = PartedPipeline(*whole, parts=Parts(index, Collections()), make=over)
        service = Service(
            pipeline, index, sync, pipeline.engine, "0.1.0", SUPPORTED_SUFFIXES, parts=pipeline.parts,
            suggest=partial(_suggest, pipeline),
        )  # fmt: skip
        with serving(service, ServerSettings(**settings)) as port:
            yield port, index


def paths(index: Index) -> set[str]:
    return {info.path for info in index.documents()}


EXPECTED = {
    f"@uploads/objects/{'old/' if number % 2 else ''}{name}.md" for number, name in enumerate(THINGS)
}  # fmt: skip


def test_a_folder_comes_in_file_by_file_and_a_question_out_of_it_is_answered(browser: Any, tmp_path: Path) -> None:
    folder = fill(tmp_path / "documents")
    with empty_service(tmp_path) as (port, index):
        browser.open(port)
        browser.wait("document.querySelector('.drop-zone')")
        check(browser)
        browser.run("return document.querySelector('.folder-input')").send_keys(str(folder))
        browser.wait(f"{DONE} && {LINES}.length === 7", 60)
        assert browser.count(".upload-list .done") == 6 and browser.count(".upload-list .failed") == 1
        shown = browser.run(f"return [...{LINES}].map((line) => line.textContent).join('|')")
        assert "objects/old/Signal lantern.md" in shown and "No reader" in shown and ".DS_Store" not in shown
        assert paths(index) == EXPECTED
        browser.wait("document.querySelectorAll('.suggestion').length === 4", 60)
        check(browser)
        question = browser.text(".suggestion")
        browser.click(".suggestion")
        browser.wait("document.getElementById('answer').dataset.outcome === 'answered'")
        assert browser.text("#asked") == question and browser.count("#sources li") >= 1
    assert browser.complaints() == []


def test_a_folder_that_is_dropped_comes_in_whole(browser: Any, tmp_path: Path) -> None:
    folder = fill(tmp_path / "documents")
    with empty_service(tmp_path) as (port, index):
        browser.open(port)
        browser.wait("document.querySelector('.drop-zone')")
        place = browser.run(
            "const r = document.querySelector('.drop-zone').getBoundingClientRect(); return [r.x + 20, r.y + 20]"
        )
        data = {"items": [], "files": [str(folder)], "dragOperationsMask": 1}
        for kind in ("dragEnter", "dragOver", "drop"):
            browser.driver.execute_cdp_cmd(
                "Input.dispatchDragEvent", {"type": kind, "x": place[0], "y": place[1], "data": data}
            )
        browser.wait(f"{DONE} && {LINES}.length === 7", 60)
        assert paths(index) == EXPECTED and not browser.run("return document.querySelector('.drop-zone.is-over')")


def test_the_configs_questions_are_offered_instead(browser: Any, tmp_path: Path) -> None:
    folder = fill(tmp_path / "documents")
    with empty_service(tmp_path, questions=("Who made the Harbour bell?",)) as (port, _):
        browser.open(port)
        browser.wait("document.querySelector('.drop-zone')")
        browser.run("return document.querySelector('.folder-input')").send_keys(str(folder))
        browser.wait("document.querySelectorAll('.suggestion').length === 1", 60)
        assert browser.text(".suggestion") == "Who made the Harbour bell?"
