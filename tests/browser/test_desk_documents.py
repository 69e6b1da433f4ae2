"""The documents of the desk in a real browser over the real index: found, sorted, added, removed, what is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ragedge.index.records import Details
from tests.browser.desks import IN_FOLDER, ROWS, Desk, desk, open_desk

FILES = "document.querySelector('.desk-upload input[type=file]')"


@pytest.fixture
def here(tmp_path: Path, browser: Any) -> Iterator[Desk]:
    with desk(tmp_path) as opened:
        open_desk(browser, opened.port)
        browser.wait(f"{ROWS} === {IN_FOLDER}")
        yield opened
    assert [line for line in browser.complaints() if " 422 " not in line and " 400 " not in line] == []


def titles(browser: Any) -> list[str]:
    return list(browser.run("return [...document.querySelectorAll('.desk-title')].map((node) => node.textContent)"))


def choose(browser: Any, selector: str, value: str) -> None:
    browser.run(
        "const node = document.querySelector(arguments[0]); node.value = arguments[1];"
        "node.dispatchEvent(new Event('change', {bubbles: true}))", selector, value,
    )  # fmt: skip


def test_the_list_is_searched_narrowed_and_sorted(browser: Any, here: Desk) -> None:
    assert "6 of 6" in browser.text("#desk-summary")
    browser.find("#desk-search").send_keys("price 2024")
    browser.wait(f"{ROWS} === 1")
    assert "Also as" in browser.text("#desk-rows")
    browser.find("#desk-search").clear()
    browser.find("#desk-search").send_keys("x\b")
    browser.wait(f"{ROWS} === {IN_FOLDER}")
    choose(browser, "#desk-show", "rejected")
    browser.wait(f"{ROWS} === 1")
    assert "Damaged" in browser.text("#desk-rows") and "sealed.pdf" in titles(browser)
    choose(browser, "#desk-show", "doubled")
    browser.wait("document.querySelector('#desk-rows')?.textContent.includes('price list 2024')")
    choose(browser, "#desk-show", "all")
    browser.wait(f"{ROWS} === {IN_FOLDER}")
    browser.click("th[data-field=pages] button")
    browser.wait("document.querySelector('th[data-field=pages]').getAttribute('aria-sort') === 'descending'")
    assert titles(browser)[0].startswith("generator")


def test_a_file_is_added_and_removed_again(browser: Any, here: Desk, tmp_path: Path) -> None:
    new = tmp_path / "new.txt"
    new.write_text("The lamp stands on the desk.")
    browser.run(f"return {FILES}").send_keys(str(new))
    browser.wait(f"{ROWS} === {IN_FOLDER + 1} && document.querySelector('.upload-list .done')")
    assert any(info.path == "@uploads/new.txt" for info in here.index.documents())
    browser.run("[...document.querySelectorAll('.desk-title')].find((node) => node.textContent === 'new').click()")
    browser.click("#desk-remove")
    browser.wait("document.getElementById('confirm').open")
    browser.click("#confirm-no")
    assert here.index.counts().documents == IN_FOLDER
    browser.click("#desk-remove")
    browser.wait("document.getElementById('confirm').open")
    browser.click("#confirm-yes")
    browser.wait(f"{ROWS} === {IN_FOLDER}")
    assert not any(info.path == "@uploads/new.txt" for info in here.index.documents())


def test_a_file_without_text_says_why_and_is_taken_off_the_list(browser: Any, here: Desk, tmp_path: Path) -> None:
    broken = tmp_path / "broken.pdf"
    broken.write_bytes(b"%PDF-1.4 nothing")
    browser.run(f"return {FILES}").send_keys(str(broken))
    browser.wait("document.querySelector('.upload-list .failed')")
    browser.wait(f"{ROWS} === {IN_FOLDER + 1}")
    choose(browser, "#desk-show", "rejected")
    browser.wait(f"{ROWS} === 2")
    browser.click("#desk-rows tr.is-rejected .danger")
    confirm(browser)
    browser.wait(f"{ROWS} === 1")
    assert len(here.index.files()) == IN_FOLDER + 1


def open_document(browser: Any, here: Desk, path: str) -> str:
    document_id = next(info.id for info in here.index.documents() if info.path == path)
    browser.run("location.hash = arguments[0]", f"#documents/{document_id}")
    browser.wait(f"location.hash.endsWith('{document_id}') && document.getElementById('desk-remove')")
    return document_id


def confirm(browser: Any) -> None:
    browser.wait("document.getElementById('confirm').open")
    browser.click("#confirm-yes")


def fill_in(browser: Any, selector: str, text: str) -> None:
    field = browser.find(selector)
    field.clear()
    field.send_keys(text)


def test_a_page_that_gave_nothing_is_seen_with_the_reason(browser: Any, here: Desk) -> None:
    choose(browser, "#desk-show", "partial")
    browser.wait(f"{ROWS} === 1")
    assert "1 problem" in browser.text("#desk-rows")
    browser.click("#desk-rows a.desk-title")
    browser.wait("document.querySelectorAll('#desk-pages tr').length === 3")
    rows = browser.run("return [...document.querySelectorAll('#desk-pages tr')].map((row) => row.textContent)")
    assert "Nothing read" in rows[1] and "OCR is switched off" in rows[1]
    assert "same text as page 1" in rows[2] and "Nothing read" not in rows[0]
    browser.click("#desk-only-wrong")
    browser.wait("document.querySelectorAll('#desk-pages tr').length === 1")
    address = browser.run("return document.querySelector('#desk-pages a').getAttribute('href')")
    browser.open(here.port, address)
    assert "page 2" in browser.run("return document.body.textContent").lower()


def test_a_date_given_by_hand_counts_and_stays_when_the_file_is_read_again(browser: Any, here: Desk) -> None:
    document_id = open_document(browser, here, "notes.txt")
    fill_in(browser, "#desk-date", "lately")
    browser.click("#desk-save")
    assert browser.run("return document.querySelector('#desk-date:invalid') !== null")
    fill_in(browser, "#desk-date", "2019-05")
    fill_in(browser, "#desk-edition", "3.1")
    fill_in(browser, "#desk-title", "Where things hang")
    browser.click("#desk-save")
    browser.wait("document.getElementById('desk-saved')?.textContent === 'Saved.'")
    assert browser.text("#tab-heading") == "Where things hang"
    browser.click("#desk-again")
    browser.wait("document.getElementById('desk-note')?.textContent.includes('read again')")
    assert browser.run("return document.getElementById('desk-date').value") == "2019-05"
    details = here.index.details(document_id)
    assert (details.date, details.edition, details.title) == ("2019-05", "3.1", "Where things hang")
    browser.run("location.hash = '#documents'")
    browser.wait(f"{ROWS} === {IN_FOLDER}")
    assert "2019-05, edition 3.1" in browser.text("#desk-rows")


def test_an_upload_is_replaced_and_a_file_of_the_folder_is_not(browser: Any, here: Desk, tmp_path: Path) -> None:
    (tmp_path / "lamp.txt").write_text("The lamp stands on the desk.")
    here.sync.add_file(tmp_path / "lamp.txt", "lamp.txt")
    old = open_document(browser, here, "@uploads/lamp.txt")
    broken, new = tmp_path / "broken.pdf", tmp_path / "newer.txt"
    broken.write_bytes(b"%PDF-1.4 nothing")
    new.write_text("The lamp hangs from the ceiling.")
    browser.run("return document.getElementById('desk-replacement')").send_keys(str(broken))
    confirm(browser)
    browser.wait("document.querySelector('.upload-list .failed')")
    assert "stays as it was" in browser.text(".upload-list .failed") and here.index.document(old)
    browser.run("return document.getElementById('desk-replacement')").send_keys(str(new))
    confirm(browser)
    browser.wait(f"!location.hash.endsWith('{old}') && document.getElementById('desk-replacement')")
    (info,) = [info for info in here.index.documents() if info.path == "@uploads/lamp.txt"]
    assert info.id != old and "ceiling" in here.index.page(info.id, 1).text
    open_document(browser, here, "notes.txt")
    assert browser.count("#desk-replacement") == 0 and "followed folder" in browser.text(".desk-actions")


def test_the_folder_is_read_again(browser: Any, here: Desk) -> None:
    (here.folder / "added.txt").write_text("A new page for the log.")
    (here.folder / "notes.txt").unlink()
    browser.click("#desk-read-folder")
    confirm(browser)
    browser.wait("document.getElementById('desk-reading').textContent.includes('1 new')")
    browser.wait("document.getElementById('desk-rows').textContent.includes('added.txt')")
    assert "1 gone" in browser.text("#desk-reading") and "notes.txt" not in browser.text("#desk-rows")
    browser.click("#desk-read-all")
    confirm(browser)
    browser.wait("document.getElementById('desk-reading').textContent.includes('5 again')")
    assert here.index.check() == []


def test_a_folder_that_is_empty_is_not_taken_for_one_without_documents(browser: Any, here: Desk) -> None:
    for path in here.folder.iterdir():
        path.unlink()
    browser.click("#desk-read-folder")
    confirm(browser)
    browser.wait("!document.getElementById('tab-problem').hidden")
    assert "is empty" in browser.text("#tab-problem") and here.index.counts().documents == IN_FOLDER - 1


def test_hostile_names_and_titles_run_nothing(browser: Any, here: Desk, tmp_path: Path) -> None:
    payload = "<img src=x onerror=alert(1)>"
    (tmp_path / "evil.md").write_text(f"# {payload}\n\n{payload} text\n")
    here.sync.add_file(tmp_path / "evil.md", "evil.md")
    document_id = open_document(browser, here, "@uploads/evil.md")
    here.sync.describe(document_id, Details(title=payload))
    open_desk(browser, here.port, f"#documents/{document_id}")
    browser.wait("document.getElementById('desk-pages')")
    assert browser.count("main img") == 0 and payload in browser.text("#tab-heading")
    open_desk(browser, here.port)
    browser.wait(f"{ROWS} === {IN_FOLDER + 1}")
    assert browser.count("main img") == 0 and payload in browser.text("#desk-rows")
