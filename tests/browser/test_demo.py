"""What `make demo` and `make run` set up: the sample manual's page, where one click on a question gets a cited answer.

With the llama kind of the embedder, which gives the same vectors and starts in a fifth of the time; all else is the
config as it is.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ragedge import assemble
from ragedge.assemble import Box
from ragedge.config import load_config
from ragedge.server.boxed import make_app
from tests.browser.test_page import DONE
from tests.server.clients import serving_app

ROOT = Path(__file__).resolve().parents[2]
CONFIG = "configs/field-manual.toml"
DOCUMENTS = "corpora/field-manual/documents"
#: Question to what its answer says; the page must offer exactly these.
ANSWERS = {
    "How tight do the bolts of the pump's delivery flange have to be?": "14 N·m",
    "What does E-417 mean?": "E-417",
    "How do I mix the preserving liquid?": "16 l",
}


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    config = load_config(ROOT / CONFIG)
    config = replace(
        config, indexes_folder=str(tmp_path_factory.mktemp("indexes")), embedder=replace(config.embedder, kind="llama")
    )
    with assemble.open_box(config, mode="write", create=True) as opened:
        sync = assemble.make_sync(config, opened.index, opened.embedder)
        report = sync.run(ROOT / DOCUMENTS)
        assert report.added and not report.rejected
        yield opened


def test_each_suggested_question_is_answered_with_a_citation_at_one_click(browser: Any, box: Box) -> None:
    with serving_app(make_app(box)) as port:
        for number, (question, words) in enumerate(ANSWERS.items()):
            browser.open(port)
            browser.wait("document.querySelectorAll('.suggestion').length > 0")
            offered = browser.run("return [...document.querySelectorAll('.suggestion')].map((at) => at.textContent)")
            assert offered == list(ANSWERS)
            browser.run("document.querySelectorAll('.suggestion')[arguments[0]].click()", number)
            browser.wait(DONE, 60)
            assert browser.text("#outcome") == "Answered", question
            assert words.lower() in browser.text("#answer-text").lower(), question
            assert browser.count("#sources li") >= 1 and browser.count("#answer-text .citation") >= 1
        browser.click("#answer-text .citation")
        browser.wait(
            "document.querySelector('.page-picture')?.naturalWidth > 0 || document.getElementById('source-mark')"
        )
        assert browser.complaints() == []


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_make_demo_ends_with_the_address_and_make_run_serves_there() -> None:
    def commands(target: str) -> str:
        done = subprocess.run(
            ["make", "--no-print-directory", "-n", target], cwd=ROOT, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    demo, run = commands("demo"), commands("run")
    assert "http://127.0.0.1:8321/" in demo.splitlines()[-1] and "make run" in demo
    for text in (demo, run):
        assert f"--config {CONFIG} ingest {DOCUMENTS}" in text
    assert run.splitlines()[-1].endswith(f"--config {CONFIG} serve --port 8321")
