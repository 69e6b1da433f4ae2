"""What the page offers around an answer: follow-ups, copies, printing, languages, past questions, suggestions."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from ragedge.contracts import Piece
from ragedge.server.settings import ServerSettings
from tests.browser.scenes import QUESTION, full_index, manual_events, refusal_events, service_of
from tests.browser.test_page import DONE
from tests.server.clients import serving

STARTED = "document.querySelectorAll('#welcome .pill').length >= 3"


def follow(browser: Any, question: str) -> None:
    from selenium.webdriver.common.keys import Keys

    browser.find("#follow").send_keys(question, Keys.ENTER)
    browser.wait(f"document.getElementById('asked').textContent === {question!r} && {DONE}")


def test_a_follow_up_brings_along_what_was_said_and_a_new_question_does_not(browser: Any, tmp_path: Path) -> None:
    index = full_index(tmp_path / "index")
    events = manual_events(index)
    service = service_of(index, events)
    with serving(service) as port:
        browser.open(port)
        browser.ask(QUESTION)
        browser.wait(DONE)
        follow(browser, "And on unit 7?")
        assert browser.text("#earlier") == f"Earlier: {QUESTION}"
        follow(browser, "Who did it?")
        browser.click("#again")
        browser.wait(DONE)
        browser.ask("Something else")
        browser.wait(DONE)
        assert browser.text("#earlier") == ""
        assert browser.complaints() == []
    first, second, third, again, new = service.pipeline.questions  # type: ignore[attr-defined]
    said = events[-1].text  # type: ignore[attr-defined]
    assert first.history == () and new.history == ()
    assert [(turn.question, turn.answer) for turn in second.history] == [(QUESTION, said)]
    assert [turn.question for turn in third.history] == [QUESTION, "And on unit 7?"]
    assert again == third


def test_a_stopped_answer_can_be_neither_copied_nor_followed(browser: Any, tmp_path: Path) -> None:
    index = full_index(tmp_path / "index")
    events = manual_events(index)
    with serving(service_of(index, [events[0], Piece("Half"), threading.Event()])) as port:
        browser.open(port)
        browser.ask(QUESTION)
        browser.wait("document.getElementById('answer-text').textContent === 'Half'")
        browser.click("#stop-button")
        browser.wait(DONE)
        assert browser.run("return document.getElementById('answer-tools').hidden")
        assert browser.run("return document.getElementById('follow-form').hidden")


def test_a_copy_holds_question_answer_and_numbered_sources(browser: Any, tmp_path: Path) -> None:
    index = full_index(tmp_path / "index")
    with serving(service_of(index, manual_events(index))) as port:
        browser.open(port)
        browser.ask(QUESTION)
        browser.wait(DONE)
        browser.run("navigator.clipboard.writeText = (text) => { window.copied = text; return Promise.resolve(); }")
        browser.click("#copy")
        browser.wait("document.getElementById('copy-note').textContent === 'Copied.'")
        lines = browser.run("return window.copied").split("\n")
        assert lines[0] == QUESTION and lines[1] == ""
        assert lines[2].startswith("Tighten the ten head bolts") and "outwards. [1] On unit 7" in lines[2]
        assert "14 March \U0001f527. [2] Most mechanics" in lines[2]
        assert lines[4].startswith(
            "[1] Generator G7: workshop manual, page 2 (printed iii): “Tighten the ten head bolts"
        )
        assert lines[5].startswith("[2] Service log: “14 March")
        # over plain HTTP on a network there is no clipboard to write to
        browser.run(
            "Object.defineProperty(navigator, 'clipboard', {value: undefined});"
            " document.execCommand = (name) => { window.said = [name, getSelection().toString()]; return false; }"
        )
        browser.click("#copy")
        browser.wait("document.getElementById('copy-note').textContent.startsWith('This browser')")
        assert browser.run("return window.said")[0] == "copy"


def test_print_asks_the_browser_and_leaves_only_the_answer_on_paper(browser: Any, tmp_path: Path) -> None:
    index = full_index(tmp_path / "index")
    with serving(service_of(index, manual_events(index))) as port:
        browser.open(port)
        browser.ask(QUESTION)
        browser.wait(DONE)
        browser.run("window.print = () => { window.printed = true; }")
        browser.click("#print")
        assert browser.run("return window.printed") is True
        browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
        shown = browser.run(
            "return ['#answer-text', '#sources', '#asked', '.top', '#ask-form', '.passages', '#copy', '#follow-form']"
            ".filter((at) => document.querySelector(at).getClientRects().length > 0)"
        )
        browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
        assert shown == ["#answer-text", "#sources", "#asked"]


def test_timings_are_told_on_request(browser: Any, tmp_path: Path) -> None:
    index = full_index(tmp_path / "index")
    with serving(service_of(index, manual_events(index))) as port:
        browser.open(port)
        browser.ask(QUESTION)
        browser.wait(DONE)
        assert browser.run("return document.getElementById('timings').checkVisibility()") is False
        browser.click("#timings-box summary")
        assert browser.run("return document.getElementById('timings').checkVisibility()") is True


def test_past_questions_stay_in_this_browser_until_they_are_forgotten(browser: Any, tmp_path: Path) -> None:
    index = full_index(tmp_path / "index")
    service = service_of(index, manual_events(index))
    with serving(service) as port:
        browser.open(port)
        for question in ("first <b>one</b>", "second", "first <b>one</b>"):
            browser.ask(question)
            browser.wait(f"document.getElementById('asked').textContent === {question!r} && {DONE}")
        browser.driver.refresh()
        browser.wait(STARTED)
        past = "return [...document.querySelectorAll('.past-list button')].map((b) => b.textContent)"
        assert browser.run(past) == ["first <b>one</b>", "second"]
        browser.run("document.querySelectorAll('.past-list button')[1].click()")
        browser.wait(f"document.getElementById('asked').textContent === 'second' && {DONE}")
        browser.driver.refresh()
        browser.wait(STARTED)
        browser.click(".past .quiet")
        assert browser.count(".past") == 0 and browser.run("return localStorage.length") == 0
        assert all("history" not in url for url in browser.requested())


def test_a_suggested_question_is_one_click_to_an_answer(browser: Any, tmp_path: Path) -> None:
    index = full_index(tmp_path / "index")
    with serving(service_of(index, manual_events(index)), ServerSettings(questions=(QUESTION,))) as port:
        browser.open(port)
        browser.click(".suggestion")
        browser.wait(DONE)
        assert browser.text("#asked") == QUESTION
        assert browser.run("return document.getElementById('question').value") == QUESTION


@pytest.mark.parametrize(
    ("wanted", "code", "direction"),
    [("de-AT,de;q=0.9", "de", "ltr"), ("ja,fr-CA;q=0.5", "fr", "ltr"), ("zh-Hans-CN", "zh", "ltr"),
     ("ar-EG", "ar", "rtl"), ("ja", "en", "ltr"), ("es-MX", "es", "ltr")],
)  # fmt: skip
def test_the_language_is_the_browsers(browser: Any, tmp_path: Path, wanted: str, code: str, direction: str) -> None:
    import json

    index = full_index(tmp_path / "index")
    words = json.loads((Path("ragedge/web/languages") / f"{code}.json").read_text(encoding="utf-8"))
    browser.emulate(languages=wanted)
    service = service_of(index, refusal_events(index))
    with serving(service) as port:
        browser.open(port)
        browser.wait(f"document.documentElement.lang === {code!r}")
        browser.wait(STARTED)
        assert browser.run("return document.documentElement.dir") == direction
        assert browser.text("#ask-heading") == words["ask.heading"]
        browser.ask("q")
        browser.wait(DONE)
        assert browser.text("#outcome") == words["outcome.abstained"]
        assert browser.complaints() == []
    assert service.pipeline.questions[0].language == code  # type: ignore[attr-defined]


def test_another_language_is_chosen_and_stays_chosen(browser: Any, tmp_path: Path) -> None:
    index = full_index(tmp_path / "index")
    with serving(service_of(index, manual_events(index))) as port:
        browser.open(port)
        browser.wait(STARTED)
        names = browser.run("return [...document.getElementById('language').options].map((o) => o.textContent)")
        assert names == ["العربية", "Deutsch", "English", "Español", "Français", "中文"]
        browser.run("document.getElementById('language').value = 'ar'")
        browser.run("document.getElementById('language').dispatchEvent(new Event('change'))")
        browser.wait(f"document.documentElement.dir === 'rtl' && {STARTED}")
        assert browser.text("#start-line") == "3 مستندات فيها 5 صفحات جاهزة للسؤال."
        over = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
        for width in (320, 1280):
            browser.emulate(width=width)
            browser.driver.refresh()
            browser.wait(f"document.documentElement.dir === 'rtl' && {STARTED}")
            assert browser.run(over) <= 0
        browser.ask(QUESTION)
        browser.wait(DONE)
        # an English answer on an Arabic page is read from left to right, the page around it from right to left
        assert browser.run("return getComputedStyle(document.getElementById('answer-text')).direction") == "ltr"
        edge = browser.run(
            "const style = getComputedStyle(document.getElementById('answer'));"
            " return [style.borderLeftWidth, style.borderRightWidth];"
        )
        assert edge == ["1px", "6px"]
