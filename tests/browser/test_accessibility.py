"""WCAG 2.2 A and AA by axe-core, on every state that people see: light, dark, narrow, Arabic, page and kiosk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.browser.accessibility import check
from tests.browser.kiosks import SHOWN, kiosk, kiosk_service
from tests.browser.scenes import QUESTION, full_index, manual_events, refusal_events, service_of
from tests.browser.test_page import DONE
from tests.server.clients import serving
from tests.server.fakes import FakeIndex

VIEWS: dict[str, dict[str, Any]] = {
    "light": {},
    "dark": {"dark": True},
    "phone": {"width": 320, "height": 640, "phone": True},
    "arabic": {"languages": "ar"},
    "arabic-dark": {"languages": "ar", "dark": True},
    "chinese": {"languages": "zh-CN"},
}


@pytest.mark.parametrize("view", VIEWS)
def test_the_page_its_answer_and_its_source(browser: Any, tmp_path: Path, view: str) -> None:
    index = full_index(tmp_path / "index")
    browser.emulate(**VIEWS[view])
    with serving(service_of(index, manual_events(index))) as port:
        browser.open(port)
        browser.wait("document.querySelectorAll('.pill').length === 3")
        check(browser)
        browser.ask(QUESTION)
        browser.wait(DONE)
        browser.run("document.getElementById('timings-box').open = true")
        check(browser)
        browser.click("#answer-text .citation")
        browser.wait("document.querySelector('.page-picture')?.naturalWidth > 0")
        browser.wait("document.getElementById('source-body').getAttribute('aria-busy') === 'false'")
        check(browser)
        browser.run("document.getElementById('source').close()")
        browser.run("location.hash = '#documents'")
        browser.wait("document.querySelectorAll('#document-list .document').length === 3")
        check(browser)


@pytest.mark.parametrize("view", ["light", "dark", "arabic"])
def test_a_refusal_a_failure_and_an_empty_index(browser: Any, tmp_path: Path, view: str) -> None:
    index = full_index(tmp_path / "index")
    browser.emulate(**VIEWS[view])
    with serving(service_of(index, refusal_events(index))) as port:
        browser.open(port)
        browser.ask("Who won the cup?")
        browser.wait(DONE)
        check(browser)
    browser.ask("Are you there?")
    browser.wait("!document.getElementById('problem').hidden")
    check(browser)
    (tmp_path / "empty").mkdir()
    with serving(service_of(FakeIndex(tmp_path / "empty"), [])) as port:
        browser.open(port)
        browser.wait("!document.getElementById('welcome').hidden")
        check(browser)
    browser.complaints()


@pytest.mark.parametrize("view", VIEWS)
def test_the_kiosk_in_all_its_states(browser: Any, tmp_path: Path, view: str) -> None:
    browser.emulate(**VIEWS[view])
    with kiosk(browser, kiosk_service(tmp_path / "index"), exhibit="G7", start=False):
        check(browser)
        browser.click("#attract")
        check(browser)
        browser.click("#contrast")
        browser.click("#size")
        browser.click("#size")
        check(browser)
        browser.click("#contrast")
        browser.click("#questions button")
        browser.wait(SHOWN)
        check(browser)
        browser.click("#contrast")
        check(browser)
        for cover in ("still", "away"):
            browser.run("document.getElementById(arguments[0]).hidden = false", cover)
            browser.run("document.getElementById('still-count').textContent = '9'")
            check(browser)
