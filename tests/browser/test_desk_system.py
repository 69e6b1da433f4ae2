"""The desk's system tab in a real browser: figures of the box, models, the check of an index, and log lines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.desks import Desk, desk, open_desk


@pytest.fixture
def here(tmp_path: Path, browser: Any) -> Iterator[Desk]:
    with desk(tmp_path, models=("tiny", "small")) as opened:
        yield opened
    assert [line for line in browser.complaints() if " 400 " not in line and " 404 " not in line] == []


def test_the_box_and_its_disk_are_shown(browser: Any, here: Desk) -> None:
    open_desk(browser, here.port, "#system")
    browser.wait("document.querySelectorAll('#tab-panel meter').length === 2")
    text = browser.text("#tab-panel")
    assert "Cores" in text and "GB" in text and "answers here" in text and "bench --calibrate" in text


def test_what_was_measured_of_the_box_is_shown(browser: Any, here: Desk) -> None:
    entry = {"model_name": "granite-1b", "prompt_tokens_per_second": 41.5, "tokens_per_second": 9.8,
             "machine": "Some box", "measured_on": "2026-11-21"}  # fmt: skip
    file = here.index.folder.parent / ".device-profile.json"
    file.write_text(json.dumps({"format": 1, "profiles": [entry]}))
    open_desk(browser, here.port, "#system")
    browser.wait("document.getElementById('tab-panel').textContent.includes('granite-1b: reads 41.5, writes 9.8')")
    file.write_text("{")
    open_desk(browser, here.port, "#system")
    browser.wait("document.getElementById('tab-panel').textContent.includes('bench --calibrate')")


def test_models_are_chosen_checked_and_removed(browser: Any, here: Desk) -> None:
    assert here.models is not None
    open_desk(browser, here.port, "#system")
    browser.wait("document.querySelectorAll('#desk-models li').length === 2")
    browser.click("#desk-models button[aria-label='Use tiny']")
    browser.wait("document.getElementById('desk-models').textContent.includes('chosen')")
    assert here.models.chosen == "tiny"
    here.models.path_of(here.models.get("small")).write_bytes(b"other")
    browser.click("#desk-check-models")
    browser.wait("document.getElementById('desk-check-result').textContent.includes('small: its sha256')")
    browser.click("#desk-models button[aria-label='Remove small']")
    browser.wait("document.getElementById('confirm').open")
    browser.click("#confirm-yes")
    browser.wait("document.querySelectorAll('#desk-models li').length === 1")
    assert [record.name for record in here.models.records()] == ["tiny"]


def test_a_damaged_index_is_told_and_a_sound_one_too(browser: Any, here: Desk) -> None:
    open_desk(browser, here.port, "#system")
    browser.click("#desk-check-index")
    browser.wait("document.getElementById('desk-check-result').textContent.includes('as it was stored')", 60)
    source = here.index.source(here.index.documents()[0].id)
    source.write_bytes(b"something else")
    browser.click("#desk-check-index")
    browser.wait("document.getElementById('desk-check-result').textContent.includes('is damaged')", 60)


def test_log_lines_name_requests_and_no_question(browser: Any, here: Desk) -> None:
    browser.open(here.port)
    browser.ask("Where does the secret key hang?")
    browser.wait("!document.getElementById('result').hidden && document.getElementById('stop-button').hidden")
    open_desk(browser, here.port, "#system")
    browser.wait("document.getElementById('desk-log')?.textContent.includes('POST /v1/ask/stream 200')")
    assert "secret" not in browser.text("#desk-log")
    assert browser.run("return /[0-9a-f]{16}/.test(document.querySelector('#desk-log code').textContent)")
