"""Pictures of the page for people to look at, in screenshots/ (not kept in the repository)."""

from __future__ import annotations

import base64
import threading
from pathlib import Path
from typing import Any

from ragedge.server.settings import ServerSettings
from tests.browser.kiosks import SHOWN, kiosk, kiosk_service, press
from tests.browser.scenes import QUESTION, doubtful_events, full_index, manual_events, refusal_events, service_of
from tests.browser.test_page import DONE
from tests.server.clients import serving
from tests.server.fakes import FakeIndex

FOLDER = Path(__file__).resolve().parents[2] / "screenshots"


def shoot(browser: Any, name: str) -> None:
    FOLDER.mkdir(exist_ok=True)
    data = base64.b64decode(browser.driver.execute_cdp_cmd("Page.captureScreenshot", {"format": "png"})["data"])
    (FOLDER / f"{name}.png").write_bytes(data)
    assert len(data) > 5_000


def test_the_page_is_photographed(browser: Any, tmp_path: Path) -> None:
    index = full_index(tmp_path / "index")
    events = manual_events(index)
    gate = threading.Event()
    with serving(service_of(index, [*events[:8], gate, *events[8:]])) as port:
        browser.open(port)
        browser.wait("document.querySelectorAll('.pill').length === 3")
        shoot(browser, "start")
        browser.ask(QUESTION)
        browser.wait("document.getElementById('answer-text').textContent.length > 20")
        shoot(browser, "streaming")
        gate.set()
        browser.wait(DONE)
        shoot(browser, "answer")
        browser.emulate(dark=True)
        shoot(browser, "answer-dark")
        browser.click("#answer-text .citation")
        browser.wait("document.querySelector('.page-picture')?.naturalWidth > 0")
        browser.wait("document.getElementById('source-body').getAttribute('aria-busy') === 'false'")
        shoot(browser, "source-dark")
        browser.emulate()
        shoot(browser, "source")
        browser.click("#source-text-mode")
        browser.wait("document.getElementById('source-mark')")
        browser.wait("document.getElementById('source-body').getAttribute('aria-busy') === 'false'")
        shoot(browser, "source-text")
        browser.click("#source-close")
        browser.click("#nav-documents")
        browser.wait("document.querySelectorAll('#document-list .document').length === 3")
        shoot(browser, "documents")


def test_the_page_is_photographed_on_a_phone(browser: Any, tmp_path: Path) -> None:
    index = full_index(tmp_path / "index")
    browser.emulate(width=360, height=780, phone=True)
    with serving(service_of(index, manual_events(index))) as port:
        browser.open(port)
        browser.ask(QUESTION)
        browser.wait(DONE)
        shoot(browser, "phone")
        browser.click("#answer-text .citation")
        browser.wait("document.querySelector('.page-picture')?.naturalWidth > 0")
        shoot(browser, "phone-source")
        browser.click("#source-close")
        browser.run("location.hash = '#documents'")
        browser.wait("document.querySelectorAll('#document-list .document').length === 3")
        shoot(browser, "phone-documents")


def test_refusal_problem_and_empty_index_are_photographed(browser: Any, tmp_path: Path) -> None:
    index = full_index(tmp_path / "index")
    with serving(service_of(index, refusal_events(index))) as port:
        browser.open(port)
        browser.ask("Who won the cup?")
        browser.wait(DONE)
        shoot(browser, "refusal")
    with serving(service_of(index, doubtful_events(index))) as port:
        browser.open(port)
        browser.ask(QUESTION)
        browser.wait(DONE)
        shoot(browser, "unsupported")
        browser.emulate(dark=True)
        shoot(browser, "unsupported-dark")
        browser.emulate()
    browser.ask("Are you there?")
    browser.wait("!document.getElementById('problem').hidden")
    shoot(browser, "problem")
    (tmp_path / "empty").mkdir()
    with serving(service_of(FakeIndex(tmp_path / "empty"), [])) as port:
        browser.open(port)
        browser.wait("!document.getElementById('welcome').hidden")
        shoot(browser, "empty")


def test_the_page_is_photographed_in_arabic_and_from_afar(browser: Any, tmp_path: Path) -> None:
    index = full_index(tmp_path / "index")
    settings = ServerSettings(questions=(QUESTION, "What is a head?"))
    with serving(service_of(index, manual_events(index)), settings) as port:
        browser.open(port)
        browser.wait("document.querySelectorAll('.pill').length === 5")
        browser.click(".suggestion")
        browser.wait(DONE)
        browser.driver.refresh()
        browser.wait("document.querySelectorAll('.past-list button').length === 1")
        shoot(browser, "start-again")
        browser.emulate(languages="ar")
        browser.driver.refresh()
        browser.wait("document.documentElement.dir === 'rtl' && document.querySelectorAll('.pill').length === 5")
        shoot(browser, "arabic-start")
        browser.ask(QUESTION)
        browser.wait(DONE)
        shoot(browser, "arabic")
        browser.emulate(width=3840, height=2160)
        shoot(browser, "4k")


def test_the_kiosk_is_photographed(browser: Any, tmp_path: Path) -> None:
    service = kiosk_service(tmp_path / "index")
    browser.emulate(width=1920, height=1080)
    with kiosk(browser, service, exhibit="G7", start=False):
        shoot(browser, "kiosk-attract")
        browser.click("#attract")
        press(browser, "shift", "h", "o", "w")
        shoot(browser, "kiosk")
        browser.click("#questions button")
        browser.wait(SHOWN)
        shoot(browser, "kiosk-answer")
        browser.click("#contrast")
        browser.click("#size")
        shoot(browser, "kiosk-answer-contrast")
        browser.click("#new")
        browser.click("#contrast")
        browser.run("document.querySelector('#languages [lang=ar]').click()")
        browser.wait("document.documentElement.dir === 'rtl'")
        browser.emulate(width=1080, height=1920)
        shoot(browser, "kiosk-arabic-upright")
        browser.run("document.getElementById('still').hidden = false")
        shoot(browser, "kiosk-still")
    browser.emulate(width=360, height=740, phone=True)
    with kiosk(browser, service, exhibit="G7"):
        shoot(browser, "kiosk-phone")
        browser.click("#questions button")
        browser.wait(SHOWN)
        shoot(browser, "kiosk-phone-answer")
