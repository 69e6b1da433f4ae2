"""Logging in and out in a real browser: by hand, out of a QR code's address, as a visitor and as who may change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ragedge.keys import KeyFile
from ragedge.server.access import Access
from tests.browser.scenes import QUESTION, full_index, manual_events, service_of
from tests.browser.test_page import DONE
from tests.browser.test_screenshots import shoot
from tests.server.clients import serving
from tests.server.keyed import UNLIMITED, make_keys

UPLOAD = "document.querySelector('#documents-upload input[type=file]')"


@pytest.fixture
def box(tmp_path: Path, browser: Any) -> Iterator[tuple[int, KeyFile, dict[str, str], Any]]:
    file, tokens = make_keys(tmp_path)
    index = full_index(tmp_path / "index")
    service = replace(service_of(index, manual_events(index)), access=Access(file))
    with serving(service, UNLIMITED) as port:
        yield port, file, tokens, index
        browser.driver.delete_all_cookies()


def log_in(browser: Any, key: str) -> None:
    field = browser.find("#key")
    field.clear()
    field.send_keys(key)
    browser.click("#login-button")


def test_a_key_opens_the_page_and_logging_out_closes_it(browser: Any, box: Any) -> None:
    port, file, tokens, _ = box
    browser.open(port)
    shoot(browser, "login")
    log_in(browser, "ragedge_wrong")
    browser.wait("!document.getElementById('login-problem').hidden")
    assert "not valid" in browser.text("#login-problem") and "Copy it whole" in browser.text("#login-problem")
    shoot(browser, "login-refused")
    browser.emulate(width=320, height=640, phone=True, dark=True)
    assert browser.run("return document.documentElement.scrollWidth") <= 320
    shoot(browser, "login-phone-dark")
    browser.emulate()
    log_in(browser, f"  {tokens['curator']} ")
    browser.wait("document.querySelectorAll('.pill').length === 3")
    assert browser.run("return document.cookie") == "" and browser.run("return localStorage.length") == 0
    browser.ask(QUESTION)
    browser.wait(DONE)
    assert browser.text("#outcome") == "Answered"
    shoot(browser, "logged-in")
    browser.emulate(width=320, height=640, phone=True)
    assert browser.run("return document.documentElement.scrollWidth") <= 320
    shoot(browser, "logged-in-phone")
    browser.emulate()
    browser.click("#log-out")
    browser.find("#login-form")
    browser.open(port, "/docs")
    browser.find("#login-form")
    assert file.read().sessions == ()
    assert tokens["curator"] not in "".join(browser.requested())


def test_a_key_in_the_address_logs_in_and_leaves_it(browser: Any, box: Any) -> None:
    port, _, tokens, _ = box
    browser.open(port, f"/login#key={tokens['owner']}")
    browser.wait("location.pathname === '/' && document.querySelectorAll('.pill').length === 3")
    assert browser.run("return location.hash") == "" and browser.run("return document.referrer") == ""
    assert "the key “owner”" in browser.run("return document.getElementById('log-out').title")
    browser.driver.back()
    assert tokens["owner"] not in browser.run("return location.href")


def test_a_visitor_asks_and_is_offered_nothing_else(browser: Any, box: Any) -> None:
    port, file, tokens, _ = box
    browser.open(port, f"/login#key={tokens['visitor']}")
    browser.wait("document.querySelectorAll('.pill').length === 3")
    browser.click("#nav-documents")
    browser.wait("document.querySelectorAll('#document-list .document').length === 3")
    assert not browser.run(f"return {UPLOAD}") and browser.count("#document-list .danger") == 0
    shoot(browser, "visitor-documents")
    file.revoke("visitor")
    browser.click("#nav-ask")
    browser.ask(QUESTION)
    browser.wait("!document.getElementById('problem').hidden")
    assert "not logged in" in browser.text("#problem-message")


def test_a_curator_changes_documents_with_the_pages_token(browser: Any, box: Any, tmp_path: Path) -> None:
    port, _, tokens, index = box
    browser.open(port, f"/login#key={tokens['curator']}")
    browser.wait("document.querySelectorAll('.pill').length === 3")
    browser.click("#nav-documents")
    browser.wait(UPLOAD)
    note = tmp_path / "note.txt"
    note.write_text("The key hangs in the hall.")
    browser.run(f"return {UPLOAD}").send_keys(str(note))
    browser.wait("document.querySelectorAll('#document-list .document').length === 4")
    assert any(info.path.endswith("note.txt") for info in index.documents())


def test_guests_are_offered_to_log_in_in_their_language(browser: Any, tmp_path: Path) -> None:
    file, tokens = make_keys(tmp_path)
    index = full_index(tmp_path / "index")
    service = replace(service_of(index, manual_events(index)), access=Access(file, guests=True))
    browser.emulate(languages="de")
    with serving(service, UNLIMITED) as port:
        browser.open(port)
        browser.wait("!document.getElementById('log-out').hidden")
        assert browser.text("#log-out") == "Anmelden"
        browser.click("#log-out")
        log_in(browser, tokens["visitor"])
        browser.wait("location.pathname === '/' && document.getElementById('log-out')?.textContent === 'Abmelden'")
        browser.driver.delete_all_cookies()


WRONG = {
    "de": ("Anmelden", "Schlüssel", "gilt hier nicht"),
    "fr": ("Se connecter", "Clé", "n’est pas valable"),
    "es": ("Iniciar sesión", "Clave", "no es válida"),
    "zh": ("登录", "密钥", "无效"),
    "ar": ("تسجيل الدخول", "المفتاح", "غير صالح"),
}


@pytest.mark.parametrize("code", WRONG)
def test_the_login_speaks_the_readers_language(browser: Any, box: Any, code: str) -> None:
    port, _, tokens, _ = box
    heading, label, refusal = WRONG[code]
    browser.emulate(languages=code, width=360, height=640, phone=True)
    browser.open(port, "/docs")
    browser.wait(f"document.documentElement.lang === '{code}'")
    assert browser.text("h1") == browser.text("#login-button") == browser.text("title") == heading
    assert browser.text("label") == label
    log_in(browser, "ragedge_wrong")
    browser.wait("!document.getElementById('login-problem').hidden")
    assert refusal in browser.text("#login-problem")
    assert browser.run("return document.documentElement.scrollWidth") <= 360
    shoot(browser, f"login-{code}")
    assert any("401" in line for line in browser.complaints())
    log_in(browser, tokens["visitor"])
    browser.wait("document.querySelector('h1')?.textContent.includes('interface')")
