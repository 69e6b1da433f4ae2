"""The widget on a page of another origin, in a real browser: asked by keyboard, answered with links to the sources."""

from __future__ import annotations

import http.server
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ragedge.contracts import Piece
from ragedge.errors import Busy
from ragedge.server.settings import ServerSettings, Service
from ragedge.server.site import load_site
from tests.browser.scenes import (
    QUESTION,
    full_index,
    hostile_service,
    manual_events,
    refusal_events,
    service_of,
)
from tests.browser.test_screenshots import shoot
from tests.server.clients import serving

# the strictest policy that a page can have and still show the widget
POLICY = "default-src 'none'; script-src {service}; connect-src {service}; style-src 'none'"
ROOT = "document.querySelector('ragedge-ask').shadowRoot"
DONE = (
    f"{ROOT}.querySelectorAll('.answer').length && [...{ROOT}.querySelectorAll('.answer')].at(-1).ariaBusy === 'false'"
)


class Site(http.server.BaseHTTPRequestHandler):
    """A site of its own, with one page."""

    page, policy = b"", ""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Security-Policy", self.policy)
        self.end_headers()
        self.wfile.write(self.page)

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def widget(browser: Any, service: Service, *, is_named: bool = True, attributes: str = "") -> Iterator[int]:
    """The browser on a page of another site that embeds the widget; gives the port of the service."""
    handler = type("Intranet", (Site,), {})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as site:
        threading.Thread(target=site.serve_forever, daemon=True).start()
        origin = f"http://127.0.0.1:{site.server_port}" if is_named else "http://intranet.example"
        with serving(service, ServerSettings(widget_origins=(origin,))) as port:
            address = f"http://127.0.0.1:{port}"
            handler.policy = POLICY.format(service=address)  # type: ignore[attr-defined]
            handler.page = (  # type: ignore[attr-defined]
                '<!doctype html><html lang="en"><title>Intranet</title><h1>Intranet</h1><p>Phone list.</p>'
                f'<script src="{address}/widget.js" {attributes} defer></script>'
            ).encode()
            browser.open(site.server_port)
            browser.wait("document.querySelector('ragedge-ask')")
            yield port
            browser.open(site.server_port, "/left")
        site.shutdown()


def active(browser: Any) -> str:
    return str(browser.run(f"const at = {ROOT}.activeElement; return at ? at.id || at.className : ''"))


def press(browser: Any, *keys: str) -> None:
    from selenium.webdriver import ActionChains

    ActionChains(browser.driver).send_keys(*keys).perform()


def ask(browser: Any, question: str) -> None:
    """By keyboard alone: the button is the page's only stop."""
    from selenium.webdriver.common.keys import Keys

    if browser.run(f"return {ROOT}.querySelector('.panel').hidden"):
        browser.run("document.activeElement.blur()")
        press(browser, Keys.TAB)
        assert active(browser) == "main open"
        press(browser, Keys.ENTER)
    assert active(browser) == "question"
    press(browser, question, Keys.ENTER)


def text_of(browser: Any, selector: str) -> str:
    return str(browser.run(f"return [...{ROOT}.querySelectorAll(arguments[0])].at(-1).textContent", selector))


def test_a_question_is_asked_by_keyboard_and_its_citation_leads_to_the_marked_page(
    browser: Any, tmp_path: Path
) -> None:
    from selenium.webdriver.common.keys import Keys

    index = full_index(tmp_path / "index")
    service = service_of(index, manual_events(index))
    with widget(browser, service, attributes='data-title="Ask the manuals"') as port:
        assert browser.run(f"return {ROOT}.querySelector('.panel').hidden")
        ask(browser, QUESTION)
        browser.wait(DONE)
        assert text_of(browser, "h2") == "Ask the manuals"
        assert text_of(browser, ".outcome") == "Answer"
        assert service.pipeline.questions[0].text == QUESTION  # type: ignore[attr-defined]
        link = browser.run(f"const a = {ROOT}.querySelector('a.number'); return [a.href, a.target, a.rel, a.ariaLabel]")
        assert link[0].startswith(f"http://127.0.0.1:{port}/source/") and link[0].endswith("#quote")
        assert link[1:3] == ["_blank", "noopener noreferrer"] and "page" in link[3]
        assert browser.count("ragedge-ask") == 1 and browser.complaints() == []
        press(browser, Keys.ESCAPE)
        assert browser.run(f"return {ROOT}.querySelector('.panel').hidden") and active(browser) == "main open"
        browser.driver.get(link[0])
        assert browser.count("mark") == 1 and browser.complaints() == []
        asked = [url for url in browser.requested() if "/v1/ask" in url]
        assert set(asked) == {f"http://127.0.0.1:{port}/v1/ask/stream"}


def test_all_its_controls_are_reached_by_tab_in_order(browser: Any, tmp_path: Path) -> None:
    from selenium.webdriver import ActionChains
    from selenium.webdriver.common.keys import Keys

    index = full_index(tmp_path / "index")
    with widget(browser, service_of(index, manual_events(index))):
        ask(browser, QUESTION)
        browser.wait(DONE)
        names = []
        for _ in range(20):
            ActionChains(browser.driver).key_down(Keys.SHIFT).send_keys(Keys.TAB).key_up(Keys.SHIFT).perform()
            names.append(str(browser.run(f"const at = {ROOT}.activeElement; return at ? at.tagName : ''")))
            if names[-1] == "":
                break
        assert names[0] == "A" and names[-3:] == ["DIV", "BUTTON", ""]  # links, the answers, the button that closes
        named = browser.run(
            f"return [...{ROOT}.querySelectorAll('a, button, textarea')].every("
            "(at) => at.ariaLabel || at.textContent.trim() || at.labels?.length)"
        )
        assert named


def test_a_refusal_looks_like_one_and_names_the_closest_passages(browser: Any, tmp_path: Path) -> None:
    index = full_index(tmp_path / "index")
    with widget(browser, service_of(index, refusal_events(index)), attributes='data-lang="de"'):
        ask(browser, "Wer gewann 1998?")
        browser.wait(DONE)
        assert text_of(browser, ".outcome") == "Nicht in diesen Dokumenten"
        assert browser.run(f"return {ROOT}.querySelector('.answer').dataset.outcome") == "abstained"
        assert "Nächstliegende Stellen" in text_of(browser, ".answer")
        assert browser.run(f"return {ROOT}.querySelectorAll('li a').length") >= 1


def test_a_second_question_brings_the_first_along(browser: Any, tmp_path: Path) -> None:
    index = full_index(tmp_path / "index")
    service = service_of(index, manual_events(index))
    with widget(browser, service):
        for number in (1, 2):
            ask(browser, f"question {number}")
            browser.wait(f"{ROOT}.querySelectorAll('.answer').length === {number} && {DONE}")
    first, second = service.pipeline.questions  # type: ignore[attr-defined]
    assert first.history == () and second.history[0].question == "question 1"
    assert second.history[0].answer == manual_events(index)[-1].text  # type: ignore[attr-defined]
    assert first.language == "en"


def test_stop_ends_the_answer_at_the_service(browser: Any, tmp_path: Path) -> None:
    index = full_index(tmp_path / "index")
    events = manual_events(index)
    service = service_of(index, [events[0], Piece("Half a "), threading.Event()])
    pipeline = service.pipeline
    with widget(browser, service):
        ask(browser, "q")
        browser.wait(f"{ROOT}.querySelector('.text').textContent === 'Half a '")
        browser.run(f"{ROOT}.querySelector('form button').click()")
        browser.wait(DONE)
        assert text_of(browser, ".outcome") == "Stopped"
        assert pipeline.closed.acquire(timeout=10) and pipeline.was_cancelled  # type: ignore[attr-defined]


def test_refusals_of_the_service_are_said_with_their_hint(browser: Any, tmp_path: Path) -> None:
    index = full_index(tmp_path / "index")
    with widget(browser, service_of(index, [Busy("8 questions are at work", "try again in 5 seconds")])):
        ask(browser, "q")
        browser.wait(DONE)
        assert text_of(browser, ".outcome") == "8 questions are at work: try again in 5 seconds"
        browser.complaints()  # the browser names the 503


def test_a_site_that_is_not_named_gets_no_answer(browser: Any, tmp_path: Path) -> None:
    index = full_index(tmp_path / "index")
    service = service_of(index, manual_events(index))
    with widget(browser, service, is_named=False):
        ask(browser, QUESTION)
        browser.wait(DONE)
        assert text_of(browser, ".outcome") == "The service cannot be reached. Try again later."
        assert any("CORS" in line for line in browser.complaints())
    assert service.pipeline.questions == []  # type: ignore[attr-defined]


PAYLOADS = [
    "<script>window.ran = 1</script>",
    "<img src=x onerror='window.ran = 1'>",
    "</p></div><svg onload='window.ran = 1'>",
    "javascript:window.ran=1",
    "<a href='javascript:window.ran=1'>here</a>",
    "<style>@import 'http://evil.example/'</style>",
    "\"><iframe srcdoc='<script>parent.ran=1</script>'></iframe>",
    "${window.ran = 1} {{window.ran = 1}}",
]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_nothing_in_documents_or_answers_runs_on_the_other_site(browser: Any, tmp_path: Path, payload: str) -> None:
    service = hostile_service(tmp_path, payload)
    with widget(browser, service, attributes="data-title='" + payload.replace("'", "&#39;") + "'"):
        ask(browser, "q")
        browser.wait(DONE)
        assert payload in text_of(browser, ".answer")
        assert browser.run("return window.ran") is None
        tags = set(browser.run(f"return [...{ROOT}.querySelectorAll('.log *')].map((at) => at.tagName)"))
        assert tags <= {"P", "DIV", "SPAN", "A", "UL", "LI", "BDI", "Q"}
        assert browser.run(
            f"return [...{ROOT}.querySelectorAll('a')].every((a) => a.href.startsWith('http://127.0.0.1:'))"
        )


def test_the_widget_is_small_and_names_no_address() -> None:
    content = load_site()["widget.js"].content
    assert len(content) < 20_000 and b"//" not in content.replace(b"// ", b"").replace(b"//  ", b"")


LANGUAGES = {
    "en": ("Ask our documents", "page 2", "ltr"),
    "de": ("Unsere Dokumente fragen", "Seite 2", "ltr"),
    "fr": ("Interroger nos documents", "page 2", "ltr"),
    "es": ("Preguntar a nuestros documentos", "página 2", "ltr"),
    "zh": ("向我们的文档提问", "第 2 页", "ltr"),
    "ar": ("اسأل وثائقنا", "صفحة 2", "rtl"),
}


@pytest.mark.parametrize("code", LANGUAGES)
def test_it_speaks_the_six_languages(browser: Any, tmp_path: Path, code: str) -> None:
    title, page, direction = LANGUAGES[code]
    index = full_index(tmp_path / "index")
    browser.emulate(width=360, height=640)  # the site has no viewport of its own to tell a phone
    with widget(browser, service_of(index, manual_events(index)), attributes=f'data-lang="{code}-XX"'):
        browser.run(f"{ROOT}.querySelector('.open').click()")
        press(browser, QUESTION, "\ue007")
        browser.wait(DONE)
        assert text_of(browser, "h2") == title and page in text_of(browser, ".answer")
        assert browser.run(f"return getComputedStyle({ROOT}.querySelector('.panel')).direction") == direction
        place = browser.run(
            f"const at = {ROOT}.querySelector('.panel').getBoundingClientRect(); return [at.left, at.right]"
        )
        assert place[0] >= 0 and place[1] <= 360
        assert browser.run(f"const at = {ROOT}.querySelector('.log'); return at.scrollWidth - at.clientWidth") <= 0
        shoot(browser, f"widget-{code}")


def test_all_its_languages_have_the_same_words() -> None:
    script = load_site()["widget.js"].content.decode()
    block = script[script.index("const WORDS = {") : script.index("const wanted")]
    keys = {
        code: re.findall(r"(\w+): \"", words)
        for code, words in re.findall(r"\n    (\w\w): \{(.*?)\n    \},", block, flags=re.DOTALL)
    }
    files = {name.removeprefix("languages/") for name in load_site() if name.startswith("languages/")}
    assert set(keys) == set(LANGUAGES) == {name.removesuffix(".json") for name in files if "desk-" not in name}
    assert all(words == keys["en"] for words in keys.values()) and len(keys["en"]) > 15
