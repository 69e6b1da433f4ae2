"""The documents of the desk in a real browser over the real index: found, sorted, added, removed, what is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.desks import ROWS, Desk, desk, open_desk

FILES = "document.querySelector('.desk-upload input[type=file]')"


@pytest.fixture
def here(tmp_path: Path, browser: Any) -> Iterator[Desk]:
    with desk(tmp_path) as opened:
        open_desk(browser, opened.port)
        browser.wait(f"{ROWS} === 5")
        yield opened
    assert [line for line in browser.complaints() if "422" not in line] == []


def titles(browser: Any) -> list[str]:
    return list(browser.run("return [...document.querySelectorAll('.desk-title')].map((node) => node.textContent)"))


def choose(browser: Any, selector: str, value: str) -> None:
    browser.run(
        "const node = document.querySelector(arguments[0]); node.value = arguments[1];"
        "node.dispatchEvent(new Event('change', {bubbles: true}))", selector, value,
    )  # fmt: skip


def test_the_list_is_searched_narrowed_and_sorted(browser: Any, here: Desk) -> None:
    assert "5 of 5" in browser.text("#desk-summary")
    browser.find("#desk-search").send_keys("price 2024")
    browser.wait(f"{ROWS} === 1")
    assert "Also as" in browser.text("#desk-rows")
    browser.find("#desk-search").clear()
    browser.find("#desk-search").send_keys("x\b")
    browser.wait(f"{ROWS} === 5")
    choose(browser, "#desk-show", "rejected")
    browser.wait(f"{ROWS} === 1")
    assert "Damaged" in browser.text("#desk-rows") and "sealed.pdf" in titles(browser)
    choose(browser, "#desk-show", "doubled")
    browser.wait("document.querySelector('#desk-rows')?.textContent.includes('price list 2024')")
    choose(browser, "#desk-show", "all")
    browser.wait(f"{ROWS} === 5")
    browser.click("th[data-field=pages] button")
    browser.wait("document.querySelector('th[data-field=pages]').getAttribute('aria-sort') === 'descending'")
    assert titles(browser)[0].startswith("generator")


def test_a_file_is_added_and_removed_again(browser: Any, here: Desk, tmp_path: Path) -> None:
    new = tmp_path / "new.txt"
    new.write_text("The lamp stands on the desk.")
    browser.run(f"return {FILES}").send_keys(str(new))
    browser.wait(f"{ROWS} === 6 && document.querySelector('.upload-list .done')")
    assert any(info.path == "@uploads/new.txt" for info in here.index.documents())
    browser.run("[...document.querySelectorAll('.desk-title')].find((node) => node.textContent === 'new').click()")
    browser.click("#desk-remove")
    browser.wait("document.getElementById('confirm').open")
    browser.click("#confirm-no")
    assert here.index.counts().documents == 5
    browser.click("#desk-remove")
    browser.wait("document.getElementById('confirm').open")
    browser.click("#confirm-yes")
    browser.wait(f"{ROWS} === 5")
    assert not any(info.path == "@uploads/new.txt" for info in here.index.documents())


def test_a_file_without_text_says_why_and_is_taken_off_the_list(browser: Any, here: Desk, tmp_path: Path) -> None:
    broken = tmp_path / "broken.pdf"
    broken.write_bytes(b"%PDF-1.4 nothing")
    browser.run(f"return {FILES}").send_keys(str(broken))
    browser.wait("document.querySelector('.upload-list .failed')")
    browser.wait(f"{ROWS} === 5 || {ROWS} === 6")
    choose(browser, "#desk-show", "rejected")
    browser.wait("document.querySelector('#desk-rows tr.is-rejected .danger')")
    before = browser.run(f"return {ROWS}")
    browser.click("#desk-rows tr.is-rejected .danger")
    browser.wait("document.getElementById('confirm').open")
    browser.click("#confirm-yes")
    browser.wait(
        f"{ROWS} === {before} - 1 || document.querySelectorAll('#desk-rows tr.is-rejected').length === {before - 1}"
    )
