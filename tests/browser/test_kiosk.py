"""The kiosk in a real browser: asked by touch, forgotten when left, and back by itself when the service was away."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ragedge.contracts import Piece
from ragedge.errors import Busy
from ragedge.server.settings import KioskSettings, ServerSettings
from ragedge.server.speech import find_program
from tests.browser.kiosks import EXHIBITS, SHOWN, kiosk, kiosk_service, press
from tests.browser.scenes import full_index, hostile_service, manual_events, refusal_events, service_of
from tests.browser.test_page import DONE
from tests.server.clients import serving

TEXT = "document.getElementById('question').value"


def test_one_touch_and_a_suggested_question_give_an_answer(browser: Any, tmp_path: Path) -> None:
    service = kiosk_service(tmp_path / "index")
    with kiosk(browser, service, exhibit="G7"):
        assert browser.text("#heading") == "The generator"
        names = browser.run("return [...document.querySelectorAll('#questions button')].map((b) => b.textContent)")
        assert names == ["How tight are the bolts?", "Who ran it?"]
        browser.click("#questions button")
        browser.wait(SHOWN)
        assert browser.text("#asked") == "How tight are the bolts?"
        assert "42 Nm in three rounds" in browser.text("#text")
        assert browser.text("#text .loose") == "Most mechanics add a drop of thread lock."
        assert browser.run("return [...document.querySelectorAll('#text sup')].map((s) => s.textContent)") == ["1", "2"]
        assert "Generator G7: workshop manual, page 2 (printed iii)" in browser.text("#sources")
        assert browser.complaints() == []
    (asked,) = service.pipeline.questions  # type: ignore[attr-defined]
    assert asked.prefer == ("aaaaaaaaaaaaaaaa",) and asked.history[0].question == "The generator"
    assert asked.language == "en"


def test_quotes_are_short_and_without_the_marks_of_markdown(browser: Any, tmp_path: Path) -> None:
    index = full_index(tmp_path / "index")
    found, *_, answer = manual_events(index)
    one, two = "- **Mass:** `118` kg", "A second quote."
    first, second = answer.citations  # type: ignore[attr-defined]
    first = replace(first, quote=one, answer_start=0, answer_end=len(one))
    second = replace(second, quote=two, answer_start=len(one) + 2, answer_end=len(one) + 2 + len(two))
    text = f"{one}\n\n{two}"
    quoted = replace(answer, text=text, citations=(first, second), unsupported=(), engine="extractive")  # type: ignore[type-var]
    service = service_of(index, [found, Piece(text), quoted])
    with kiosk(browser, service, exhibit="G7"):
        browser.click("#questions button")
        browser.wait(SHOWN)
        assert browser.text("#text") == "Mass: 118 kg1"
        assert browser.count("#sources li") == 1 and "Mass: 118 kg" in browser.text("#sources q")
        # where words of the service stand before the quotes, as when sources disagree, all of them are needed
        lead = "The sources disagree. "
        moved = [replace(c, answer_start=c.answer_start + len(lead), answer_end=c.answer_end + len(lead))
                 for c in (first, second)]  # fmt: skip
        both = replace(quoted, text=lead + text, citations=tuple(moved))
        service.pipeline.events = [found, Piece(both.text), both]  # type: ignore[attr-defined]
        browser.click("#new")
        browser.click("#questions button")
        browser.wait("document.querySelectorAll('#sources li').length === 2")
        assert "A second quote." in browser.text("#text")


def test_a_visitor_gets_no_file_names_no_links_and_no_settings(browser: Any, tmp_path: Path) -> None:
    index = full_index(tmp_path / "index")
    events = manual_events(index)
    answer = events[-1]
    named = [replace(c, title=title) for c, title in zip(answer.citations, ("generator.pdf", "log"), strict=True)]  # type: ignore[attr-defined]
    events[-1] = replace(answer, citations=tuple(named))  # type: ignore[type-var]
    with kiosk(browser, service_of(index, events)):
        press(browser, "w", "h", "y")
        browser.click("#send")
        browser.wait(SHOWN)
        page = browser.run("return document.body.innerText + document.documentElement.outerHTML")
        for word in ("generator.pdf", "log.txt", "manuals/", "granite", ".gguf"):
            assert word not in page
        assert "1 · Our texts, page 2 (printed iii)" in browser.text("#sources")
        assert browser.count("a, iframe, [href]:not(link)") == 0


def test_the_keyboard_writes_in_every_layout(browser: Any, tmp_path: Path) -> None:
    from selenium.webdriver.common.keys import Keys

    with kiosk(browser, kiosk_service(tmp_path / "index")):
        press(browser, "shift", "h", "i", "space", "signs", "4", "2", "delete", "signs", "q")
        assert browser.run(f"return {TEXT}") == "Hi 4q"
        assert browser.run("return document.activeElement.id") == "question"
        assert browser.run("return document.getElementById('question').inputMode") == "none"
        browser.run("document.querySelector('#languages [lang=de]').click()")
        browser.wait("document.documentElement.lang === 'de'")
        press(browser, "shift", "ü")
        assert browser.run(f"return {TEXT}") == "Hi 4qÜ"
        browser.run("document.getElementById('question').setSelectionRange(0, 2)")
        press(browser, "delete", "ß")
        assert browser.run(f"return {TEXT}") == "ß 4qÜ"
        browser.run("document.querySelector('#languages [lang=ar]').click()")
        browser.wait("document.documentElement.dir === 'rtl'")
        press(browser, "ض", "space", "ة", "؟")
        assert browser.run(f"return {TEXT}").endswith("ض ة؟") or "ض ة؟" in browser.run(f"return {TEXT}")
        browser.run("document.querySelector('#languages [lang=zh]').click()")
        browser.wait("document.documentElement.lang === 'zh'")
        assert "不能输入汉字" in browser.text("#keyboard-note")
        # by keys of a keyboard, or of a switch: one stop, arrows inside
        assert browser.count("#keyboard [tabindex='0']") == 1
        browser.run("document.querySelector('#keyboard [tabindex=\"0\"]').focus()")
        browser.driver.switch_to.active_element.send_keys(Keys.ARROW_RIGHT)
        browser.driver.switch_to.active_element.send_keys(Keys.ARROW_DOWN)
        assert browser.run("return document.activeElement.dataset.key") == "s"


#: A run of neighbours as on the keyboards that are sold, left to right, and letters that must be somewhere.
LAYOUTS = {
    "en": ("qwertyuiop", "abcdefghijklmnopqrstuvwxyz'?"),
    "de": ("qwertzuiopü", "abcdefghijklmnopqrstuvwxyzäöüß?"),
    "fr": ("azertyuiop", "abcdefghijklmnopqrstuvwxyzàâçéèêëîïôùûœ’?"),
    "es": ("asdfghjklñ", "abcdefghijklmnopqrstuvwxyzáéíóúüñ¿¡?"),
    "ar": ("ضصثقفغعهخحجد", "ابتثجحخدذرزسشصضطظعغفقكلمنهويءأإآؤئىة؟،"),
}


def test_the_layouts_are_those_of_the_keyboards_that_are_sold(browser: Any, tmp_path: Path) -> None:
    with kiosk(browser, kiosk_service(tmp_path / "index")):
        for code, (row, letters) in LAYOUTS.items():
            browser.run("document.querySelector(`#languages [lang=${arguments[0]}]`).click()", code)
            browser.wait(f"document.documentElement.lang === '{code}'")
            keys = browser.run(
                "return [...document.querySelectorAll('#keyboard button')].map((key) => {"
                " const {left, top} = key.getBoundingClientRect(); return [Math.round(top), left, key.dataset.key]; })"
            )
            shown = "".join(key for _, _, key in sorted(keys) if len(key) == 1)
            assert row in shown and set(letters) <= set(shown), (code, shown)
        browser.run("document.querySelector('#languages [lang=de]').click()")
        browser.wait("document.documentElement.lang === 'de'")
        press(browser, "shift", "ß")
        assert browser.run(f"return {TEXT}") == "ẞ"


def test_a_question_is_no_longer_than_the_service_takes(browser: Any, tmp_path: Path) -> None:
    with kiosk(browser, kiosk_service(tmp_path / "index")):
        browser.run("document.getElementById('question').maxLength = 3")
        press(browser, "a", "b", "c", "d")
        assert browser.run(f"return {TEXT}") == "abc"


def test_one_touch_changes_language_size_and_contrast_also_of_an_answer(browser: Any, tmp_path: Path) -> None:
    index = full_index(tmp_path / "index")
    with kiosk(browser, service_of(index, refusal_events(index)), exhibit="G7"):
        browser.click("#questions button")
        browser.wait("document.getElementById('verdict').textContent.includes('do not say')")
        browser.run("document.querySelector('#languages [lang=de]').click()")
        browser.wait("document.getElementById('verdict').textContent.includes('steht nichts')")
        browser.click("#new")
        assert browser.text("#heading") == "Der Generator"
        assert browser.text("#questions button") == "Wie fest sitzen die Schrauben?"
        size = "return parseFloat(getComputedStyle(document.documentElement).fontSize)"
        before = browser.run(size)
        browser.click("#size")
        assert browser.run(size) > before
        browser.click("#contrast")
        assert browser.run("return getComputedStyle(document.body).backgroundColor") == "rgb(0, 0, 0)"


LEFT = """
  const gone = arguments[0];
  const inputs = [...document.querySelectorAll('input, textarea')].map((box) => box.value).join('');
  return {
    words: document.documentElement.outerHTML.includes(gone) || inputs !== '',
    stored: localStorage.length + sessionStorage.length + document.cookie.length,
    scrolled: window.scrollY + document.querySelector('main').scrollTop,
    focused: document.activeElement === document.body,
    spoken: speechSynthesis.speaking || speechSynthesis.pending,
    chosen: getSelection().toString(),
    language: document.documentElement.lang, size: document.documentElement.dataset.size,
    contrast: document.documentElement.dataset.contrast ?? '', pages: history.length,
    address: location.pathname + location.search,
  };
"""
CLEAN = {
    "words": False, "stored": 0, "scrolled": 0, "focused": True, "spoken": False, "chosen": "", "language": "en",
    "size": "1", "contrast": "", "address": "/kiosk?exhibit=G7",
}  # fmt: skip


def test_nothing_is_left_of_a_visitor_who_went_away_in_the_middle_of_an_answer(browser: Any, tmp_path: Path) -> None:
    index = full_index(tmp_path / "index")
    events = manual_events(index)
    service = service_of(index, [events[0], Piece("Half a secret "), threading.Event()])
    pipeline = service.pipeline
    with kiosk(browser, service, exhibit="G7", idle_seconds=1.0):
        pages = browser.run("return history.length")
        browser.run("localStorage.setItem('x', 'secret'); sessionStorage.setItem('y', 'secret')")
        browser.run("document.querySelector('#languages [lang=fr]').click()")
        browser.click("#size")
        browser.click("#contrast")
        browser.run("document.getElementById('question').value = 'my secret'")
        browser.click("#send")
        browser.wait("document.getElementById('text').textContent === 'Half a secret '")
        browser.wait("!document.getElementById('still').hidden")  # the warning comes first
        browser.wait("document.body.dataset.state === 'attract' && document.documentElement.lang === 'en'")
        browser.wait("document.querySelector('#languages [lang=en]').ariaPressed === 'true'")
        assert pipeline.closed.acquire(timeout=10) and pipeline.was_cancelled  # type: ignore[attr-defined]
        left = browser.run(LEFT, "secret")
        assert left.pop("pages") == pages
        assert left == CLEAN
        browser.driver.back()  # there is no earlier page of the kiosk to go back to
        assert "/kiosk" not in browser.driver.current_url


def test_whoever_says_that_they_are_there_keeps_their_answer(browser: Any, tmp_path: Path) -> None:
    with kiosk(browser, kiosk_service(tmp_path / "index"), exhibit="G7", idle_seconds=4.0):
        browser.click("#questions button")
        browser.wait(SHOWN)
        browser.wait("!document.getElementById('still').hidden")
        assert browser.text("#still-count").startswith("Starting over in ")
        assert browser.run("return document.activeElement.id") == "go-on"
        browser.click("#go-on")
        assert browser.run("return document.getElementById('still').hidden")
        assert "42 Nm" in browser.text("#text")


def test_the_kiosk_waits_while_the_service_is_away_and_comes_back_by_itself(browser: Any, tmp_path: Path) -> None:
    service = kiosk_service(tmp_path / "index")
    settings = ServerSettings(title="Ask the museum", kiosk=KioskSettings(exhibits=EXHIBITS))
    with serving(service, settings) as port:
        browser.open(port, "/kiosk?exhibit=G7")
        browser.wait("document.body.dataset.state === 'attract' && document.querySelector('#languages button')")
        browser.click("#attract")
        browser.click("#questions button")
        browser.wait(SHOWN)
        browser.run("window.isOld = true")
    browser.wait("!document.getElementById('away').hidden")
    assert "starting again" in browser.text("#away")
    assert "42 Nm" not in browser.run("return document.body.textContent")
    with serving(service, replace(settings, title="The museum, anew"), port):
        browser.wait("document.title === 'The museum, anew' && document.body.dataset.state === 'attract'", 30)
        browser.wait("document.getElementById('attract-words').childElementCount > 0")
        assert browser.run("return document.getElementById('away').hidden")
        assert browser.run("return window.isOld ?? null") is None  # the new service brought its own page along
        browser.click("#attract")
        browser.click("#questions button")
        browser.wait(SHOWN)
        browser.driver.get("about:blank")
    browser.complaints()  # the browser names each request that failed


def test_busy_and_broken_are_said_in_the_visitors_words(browser: Any, tmp_path: Path) -> None:
    service = kiosk_service(tmp_path / "index", [Busy("8 questions are at work", "try again in 5 seconds")])
    with kiosk(browser, service):
        press(browser, "q")
        browser.click("#send")
        browser.wait("document.getElementById('verdict').textContent.startsWith('Many are asking')")
        service.pipeline.events = [RuntimeError("secret path /etc")]  # type: ignore[attr-defined]
        browser.click("#new")
        press(browser, "q")
        browser.click("#send")
        browser.wait("document.getElementById('verdict').textContent.startsWith('That did not work')")
        browser.complaints()


@pytest.mark.skipif(find_program() is None, reason="espeak-ng is not installed: apt install espeak-ng")
def test_an_answer_is_read_aloud_by_the_box_and_silenced_by_a_touch(browser: Any, tmp_path: Path) -> None:
    with kiosk(browser, kiosk_service(tmp_path / "index"), exhibit="G7", speech_program=find_program()):
        browser.run(
            "window.played = []; const play = Audio.prototype.play;"
            " Audio.prototype.play = function () { played.push(this); this.muted = true; return play.call(this); }"
        )
        browser.click("#questions button")
        browser.wait("!document.getElementById('listen').hidden")
        browser.click("#listen")
        browser.wait("window.played.length === 1 && window.played[0].duration > 3")
        assert browser.text("#listen") == "Stop reading"
        browser.click("#listen")
        browser.wait("window.played[0].paused && document.getElementById('listen').textContent === 'Read aloud'")
        assert browser.text("#note") == ""
        assert browser.complaints() == []


def test_without_a_voice_nobody_is_offered_one(browser: Any, tmp_path: Path) -> None:
    with kiosk(browser, kiosk_service(tmp_path / "index"), exhibit="G7"):
        browser.click("#questions button")
        browser.wait(SHOWN)
        assert browser.run("return speechSynthesis.getVoices().filter((v) => v.localService).length") == 0
        assert browser.run("return document.getElementById('listen').hidden")


PAYLOADS = [
    "<script>window.ran = 1</script>", "<img src=x onerror='window.ran = 1'>", "javascript:window.ran=1",
    "</div><svg onload='window.ran = 1'>", "<a href='http://evil.example/'>x</a>", "{count} {constructor} __proto__",
]  # fmt: skip


@pytest.mark.parametrize("payload", PAYLOADS)
def test_hostile_words_stay_words(browser: Any, tmp_path: Path, payload: str) -> None:
    with kiosk(browser, hostile_service(tmp_path, payload)):
        press(browser, "q")
        browser.click("#send")
        browser.wait(SHOWN)
        assert payload in browser.text("#text")
        assert browser.run("return window.ran ?? null") is None
        assert browser.count("main :is(script, img, svg, iframe, a, style, [onerror], [onload])") == 0
        assert browser.complaints() == []


def test_a_phone_and_a_wall_show_it_without_a_sideways_scroll(browser: Any, tmp_path: Path) -> None:
    for width, height in ((320, 640), (1080, 1920), (3840, 2160)):
        browser.emulate(width=width, height=height)
        with kiosk(browser, kiosk_service(tmp_path / f"index-{width}"), exhibit="G7"):
            for size in (1, 2, 3):
                assert browser.run("return document.documentElement.dataset.size") == str(size)
                over = browser.run(
                    "return [document.documentElement, document.querySelector('main')]"
                    ".map((at) => at.scrollWidth - at.clientWidth)"
                )
                assert max(over) <= 0, json.dumps([width, size, over])
                browser.click("#size")


def test_the_page_itself_remembers_no_questions_beside_a_kiosk(browser: Any, tmp_path: Path) -> None:
    with serving(kiosk_service(tmp_path / "index"), ServerSettings(kiosk=KioskSettings())) as port:
        browser.open(port)
        browser.wait("document.querySelectorAll('.pill').length === 3")
        browser.ask("a secret question")
        browser.wait(DONE)
        assert browser.run("return localStorage.length") == 0


def test_a_whole_visit_asks_no_other_address(browser: Any, tmp_path: Path) -> None:
    with kiosk(browser, kiosk_service(tmp_path / "index"), exhibit="G7", speech_program=find_program()) as port:
        browser.click("#questions button")
        browser.wait(SHOWN)
        browser.run("document.querySelector('#languages [lang=ar]').click()")
        browser.wait("document.documentElement.dir === 'rtl'")
        browser.run("document.getElementById('listen').click()")
        browser.click("#new")
        browser.open(port, "/")
        browser.ask("q")
        browser.wait(DONE)
        seen = browser.requested()
        own = (f"http://127.0.0.1:{port}/", f"blob:http://127.0.0.1:{port}/")
        assert len(seen) > 20 and [url for url in seen if not url.startswith(own) and url != "about:blank"] == []
        browser.complaints()
