"""The chooser of a collection in the page: there where there is a choice, remembered, and sent with the question."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from selenium.webdriver.support.ui import Select

from ragedge.server.settings import KioskSettings, ServerSettings
from tests.browser.accessibility import check
from tests.server.clients import serving
from tests.server.collected import collected

NAMES = "[...document.querySelectorAll('#collection option')].map((one) => one.textContent)"
ANSWERED = "document.querySelectorAll('.passage-list > li').length && !document.getElementById('again').hidden"


def test_a_collection_is_chosen_remembered_and_asked_alone(browser: Any, tmp_path: Path) -> None:
    with collected(tmp_path / "box", has_keys=False) as (_, _, service), serving(service) as port:
        browser.open(port)
        browser.wait("!document.getElementById('collection-label').hidden")
        names = browser.run(f"return {NAMES}")
        assert names == ["All documents", "Guides (3)", "Staff rota (1)", "Price lists (3)", "Other documents (1)"]
        check(browser)
        Select(browser.find("#collection")).select_by_value("prices")
        browser.wait("document.querySelectorAll('.pill').length === 3")
        browser.ask("How tight are the pump head bolts?")
        browser.wait(ANSWERED)
        assert "LAPISLAZULI" in browser.text("#passages") and "12 Nm" not in browser.text("#passages")
        browser.open(port)
        browser.wait("document.getElementById('collection').value === 'prices'")
        Select(browser.find("#collection")).select_by_value("")
        browser.ask("How tight are the pump head bolts?")
        browser.wait(ANSWERED)
        assert "12 Nm" in browser.text("#passages")
        browser.open(port)
        browser.wait("!document.getElementById('collection-label').hidden")
        assert browser.run("return document.getElementById('collection').value") == ""


def test_before_a_kiosk_the_choice_is_not_remembered_and_closed_ones_are_not_offered(
    browser: Any, tmp_path: Path
) -> None:
    settings = ServerSettings(kiosk=KioskSettings())
    with (
        collected(tmp_path / "box", has_keys=False, settings=settings) as (_, _, service),
        serving(service, settings) as port,
    ):
        browser.open(port)
        browser.wait("!document.getElementById('collection-label').hidden")
        assert browser.run(f"return {NAMES}") == ["All documents", "Guides (2)", "Other documents (1)"]
        Select(browser.find("#collection")).select_by_value("other")
        browser.open(port)
        browser.wait("!document.getElementById('collection-label').hidden")
        assert browser.run("return [document.getElementById('collection').value, localStorage.length]") == ["", 0]


def test_where_there_is_nothing_to_choose_there_is_no_chooser(browser: Any, tmp_path: Path) -> None:
    from tests.browser.scenes import full_index, service_of

    with serving(service_of(full_index(tmp_path / "index"), [])) as port:
        browser.open(port)
        browser.wait("document.querySelectorAll('.pill').length === 3")
        assert browser.run("return document.getElementById('collection-label').hidden") is True
