"""The owner's tab in a real browser: settings kept in the file, keys made and taken away, and looks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver.support.ui import Select

from ragedge.config import load_config
from ragedge.keys import KeyFile
from ragedge.server.access import Access
from ragedge.server.owner_settings import OwnerSettings
from ragedge.server.settings import ServerSettings, Service
from tests.browser.accessibility import check
from tests.browser.desks import open_desk
from tests.browser.scenes import full_index
from tests.browser.test_desk_looks import VIEWS
from tests.browser.test_screenshots import shoot
from tests.server.clients import serving
from tests.server.fakes import FakePipeline, FakeSyncer

SAVED = "document.getElementById('settings-note').textContent !== ''"
KEYS = "document.querySelectorAll('.key-list li').length"


def make(folder: Path, *, access: Access | None = None, has_file: bool = True) -> tuple[Service, Path]:
    index = full_index(folder / "index")
    file = folder / "ragedge.toml"
    file.write_text('# ours\n[server]\ntitle = "Old"  # shown\n')
    settings = OwnerSettings(load_config(file), file if has_file else None, models=lambda: ("small", "large"))
    service = Service(
        FakePipeline([]), index, FakeSyncer(index), "extractive", "0.1.0", (".txt",), access=access,
        owner_settings=settings,
    )  # fmt: skip
    return service, file


def test_settings_are_saved_and_what_waits_is_said(browser: Any, tmp_path: Path) -> None:
    service, file = make(tmp_path)
    with serving(service) as port:
        open_desk(browser, port, "#settings")
        title = browser.find("#settings-title")
        title.clear()
        title.send_keys('Ask "us" <b>')
        browser.find("#settings-questions").send_keys("How tight?\n\n  What next?  ")
        Select(browser.find("#settings-model")).select_by_value("large")
        browser.click("#settings-journal")
        browser.click("#settings-save")
        browser.wait(SAVED)
        assert "Language model" in browser.text("#settings-later") and "Title" not in browser.text("#settings-later")
        config = load_config(file)
        assert (config.server.title, config.server.questions) == ('Ask "us" <b>', ("How tight?", "What next?"))
        assert (config.answer.model, config.journal.enabled) == ("large", False) and "# shown" in file.read_text()
        number = browser.find("#settings-top_k")
        number.clear()
        number.send_keys("51")
        browser.click("#settings-save")
        assert browser.run("return document.querySelector('#settings-top_k').validity.rangeOverflow")
        assert load_config(file).search.top_k == 8
    assert [line for line in browser.complaints() if "/v1/keys" not in line] == []  # there are none here


def test_without_a_file_the_tab_says_how_to_start_and_offers_nothing(browser: Any, tmp_path: Path) -> None:
    service, _ = make(tmp_path, has_file=False)
    with serving(service) as port:
        open_desk(browser, port, "#settings")
        browser.find(".notice")
        assert "--config" in browser.text(".settings-part .notice") and browser.count("#settings-save") == 0
        assert browser.run("return document.getElementById('settings-title').matches(':disabled')")
        browser.wait("document.querySelectorAll('.settings-part .notice').length === 2")  # no keys here either
        assert "--lan" in browser.text(".settings-part + .settings-part .notice")
        check(browser)
    assert [line for line in browser.complaints() if "404" not in line] == []


def log_in(browser: Any, port: int, token: str) -> None:
    browser.open(port, f"/login#key={token}")
    browser.wait("location.pathname === '/'")


def test_keys_are_made_shown_once_and_taken_away(browser: Any, tmp_path: Path) -> None:
    file = KeyFile(tmp_path / ".keys.json")
    _, owner = file.add("boss", "owner")
    _, curator = file.add("helper", "curator")
    settings = ServerSettings(tokens_per_second=1e9, token_burst=1e9)
    with serving(make(tmp_path, access=Access(file))[0], settings) as port:
        log_in(browser, port, owner)
        open_desk(browser, port, "#settings")
        browser.wait(f"{KEYS} === 2")
        browser.find("#key-name").send_keys("reading room")
        browser.click("#key-make")
        browser.wait("document.querySelector('.problem:not([hidden])')")  # a name without spaces
        browser.find("#key-name").clear()
        browser.find("#key-name").send_keys("reading-room")
        Select(browser.find("#key-role")).select_by_value("visitor")
        browser.click("#key-make")
        browser.wait(f"{KEYS} === 3 && document.getElementById('key-token')")
        token = browser.text("#key-token")
        found = file.read().find(token)
        assert found is not None and (found.name, found.role) == ("reading-room", "visitor")
        check(browser)
        open_desk(browser, port, "#settings")
        browser.wait(f"{KEYS} === 3")
        assert browser.count("#key-token") == 0 and token not in browser.driver.page_source
        browser.click(".key-list li:last-child .danger")
        browser.wait("document.getElementById('confirm').open")
        browser.click("#confirm-yes")
        browser.wait(f"{KEYS} === 2")
        assert file.read().find(token) is None
        browser.click(".key-list li:first-child .danger")
        browser.wait("document.getElementById('confirm').open")
        browser.click("#confirm-yes")
        browser.wait("document.getElementById('tab-problem').textContent.includes('last key')")
        log_in(browser, port, curator)
        open_desk(browser, port, "#settings")
        assert browser.count("#desk-settings") == 0 and browser.count(".settings-part") == 0
    assert [line for line in browser.complaints() if " 400 " not in line and "/login " not in line] == []


@pytest.mark.parametrize("view", VIEWS)
def test_the_tab_is_accessible_and_fits_the_screen(browser: Any, tmp_path: Path, view: str) -> None:
    browser.emulate(**VIEWS[view])
    file = KeyFile(tmp_path / ".keys.json")
    _, owner = file.add("a-very-long-name-of-a-key-for-the-workshop-downstairs", "owner")
    settings = ServerSettings(tokens_per_second=1e9, token_burst=1e9)
    with serving(make(tmp_path, access=Access(file))[0], settings) as port:
        log_in(browser, port, owner)
        open_desk(browser, port, "#settings")
        browser.wait(f"{KEYS} === 1")
        check(browser)
        assert browser.run("return document.documentElement.scrollWidth <= innerWidth")
        shoot(browser, f"{view}-settings")
