"""Every payload everywhere at once, with the pages' Content-Security-Policy taken away: escaping alone must hold.

The pages show all payloads in titles, names, headings, labels, passages, quotes and answers; then nothing has run, no
dialog has opened, nothing was asked for that the pages do not ask for themselves, and no element stands there that the
pages do not make. That the payloads are alive, and that the policy alone would stop them, is shown as well.
"""

from __future__ import annotations

import csv
import html
import json
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ragedge.ask import AskSettings, Pipeline
from ragedge.contracts import (
    Answer,
    AnswerSpan,
    Chunk,
    Citation,
    Evidence,
    Hit,
    Page,
    PageProblem,
    PageSpan,
    Piece,
    ReadOptions,
)
from ragedge.exhibits import Exhibit, Exhibits
from ragedge.index.store import Index, IndexSettings
from ragedge.ingest.chunker import CHUNKER_VERSION
from ragedge.ingest.readers import SUPPORTED_SUFFIXES
from ragedge.ingest.sandbox import Limits, Sandbox
from ragedge.ingest.sync import Sync
from ragedge.search.retriever import Retriever
from ragedge.server.settings import KioskSettings, ServerSettings, Service
from ragedge.server.source_page import source_page
from tests.browser.kiosks import SHOWN
from tests.browser.scenes import service_of
from tests.browser.test_page import DONE
from tests.browser.test_widget import DONE as WIDGET_DONE
from tests.browser.test_widget import ROOT, widget
from tests.browser.test_widget import ask as ask_widget
from tests.fakes import HashEmbedder
from tests.fakes_generator import FakeGenerator
from tests.payloads import FOREIGN, LEAVE, PAYLOADS, named
from tests.server.clients import serving
from tests.server.fakes import FakeIndex, make_answer, make_passages

INDEX_SETTINGS = IndexSettings("fake-hash", "0" * 64, 64, "", "", CHUNKER_VERSION, 64)
EVERY = range(len(PAYLOADS))
ALL = "\n".join(named(number) for number in EVERY)
#: Addresses that the pages ask for themselves; `<img src=x>` would ask for /x.
OWN_PATHS = re.compile(
    r"/|/kiosk|/docs|/favicon\.ico|/widget\.js|/left|/static/[\w./-]+|/v1/(session|index|health|kiosk|ask/stream|documents|suggestions)"
    r"|/v1/documents/[0-9a-f]{16}/pages/1|/source/[0-9a-f]{16}/1"
)
#: Looks through the page and its shadow roots for what the pages do not make.
SWEEP = r"""
const bad = [];
const known = new Set(arguments[0]);
const look = (root) => {
  for (const node of root.querySelectorAll("*")) {
    const tag = node.localName;
    if (!known.has(tag)) bad.push(`<${tag}>`);
    for (const {name, value} of node.attributes) {
      if (name.startsWith("on") || ["style", "srcset", "srcdoc", "ping", "formaction", "background"].includes(name)) {
        bad.push(`${tag} ${name}=${value}`);
      }
      if (["href", "src", "action", "data", "poster"].includes(name)) {
        const url = new URL(value, document.baseURI);
        if (!arguments[1].includes(url.origin)) bad.push(`${tag} ${name}=${value}`);
      }
    }
    if (node.shadowRoot) look(node.shadowRoot);
  }
};
look(document);
const scripts = [...document.scripts].filter((at) => at.textContent || !/\/(static\/\w+|widget)\.js$/.test(at.src));
for (const script of scripts) bad.push(`script ${script.src} ${script.textContent}`);
if (document.querySelector("head meta[http-equiv], body :is(meta, link, title)")) bad.push("a meta element");
if ("ran" in window) bad.push("a script ran");
return JSON.stringify(bad.map((line) => line.slice(0, 200))).replace(/[^\x20-\x7e]/g, "?");
"""
TAGS = [
    "html", "head", "meta", "title", "link", "script", "body", "a", "header", "div", "p", "span", "nav", "button",
    "label", "select", "option", "main", "noscript", "section", "h1", "h2", "h3", "form", "textarea", "article", "ol",
    "ul", "li", "mark", "em", "details", "summary", "input", "footer", "dialog", "bdi", "q", "sup", "code", "pre",
    "blockquote", "table", "tbody", "tr", "th", "td", "ragedge-ask", "progress",
]  # fmt: skip


def squeezed(text: str) -> str:
    """Text for comparison: a page without scripts cannot hold a NUL or half a character."""
    return re.sub(r"\s+", " ", re.sub("[\\x00\ud800?\ufffd]", "", text)).strip()


def hostile_index(folder: Path) -> FakeIndex:
    """A document per payload, named, titled and filled with it; the first holds all of them."""
    folder.mkdir()
    index = FakeIndex(folder)
    for number in EVERY:
        words = named(number)
        problem = PageProblem(1, "broken", words)
        text = ALL if number == 0 else words
        index.put(
            words, words.encode("utf-8", "replace"), (Page(1, PAYLOADS[number], text),),
            title=ALL if number == 0 else words, document_id=f"{number:016x}", problems=(problem,),
        )  # fmt: skip
        index.reject(f"{words}.bad", b"", "broken", words)
    return index


def hostile_events(index: FakeIndex, numbers: range = EVERY) -> list[object]:
    """Found: every document. Said: every payload as a sentence, each with a citation; every other one not supported."""
    hits, citations, loose, evidence, text = [], [], [], [], ""
    for place, number in enumerate(numbers):
        words, info = named(number), index.document(f"{number:016x}")
        span = PageSpan(1, 0, len(words))
        chunk = Chunk(f"{info.id}-00000", info.id, info.path, 0, words, (span,), (words, PAYLOADS[number]), 9)
        hits.append(Hit(chunk, 1.0, info.title))
        start, text = len(text), f"{text}{words} "
        label = PAYLOADS[number]
        citations.append(Citation(
            place + 1, chunk.id, info.id, info.path, info.title, (1,), label, span, words, start, len(text) - 1, 0.9,
        ))  # fmt: skip
        if number % 2:
            struck = ((start, start + 4),)
            loose.append(AnswerSpan(start, len(text) - 1, 0.0, None, "words_not_found", struck))
        evidence.append(Evidence(place, words, span, 0.9))
    answer: Answer = make_answer(
        tuple(hits), text, citations=tuple(citations), unsupported=tuple(loose), evidence=tuple(evidence),
        engine=f"llama:{ALL}", reason=ALL, short=named(0),
    )  # fmt: skip
    found = replace(make_passages(tuple(hits), ALL), evidence=tuple(evidence))
    return [found, *(Piece(f"{named(number)} ") for number in numbers), answer]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Service:
    index = hostile_index(tmp_path_factory.mktemp("hostile") / "index")
    return service_of(index, hostile_events(index))


def check(browser: Any, *origins: str) -> None:
    """Nothing ran, nothing was asked for, and nothing stands there that the pages do not make."""
    own = [browser.run("return location.origin"), *origins]
    assert json.loads(browser.run(SWEEP, TAGS, own)) == []
    assert browser.complaints() == [] and browser.dialogs() == [] and browser.foreign() == []
    strange = []
    for url in browser.requested():
        path = re.sub(r"^\w+://[^/]+|[?#].*", "", url)
        if url.startswith("http") and not OWN_PATHS.fullmatch(path):
            strange.append(url)
    assert strange == []


def read(browser: Any, expression: str) -> Any:
    """A value of the page, in ASCII on its way: the driver breaks on characters that are none."""
    escaped = r"replace(/[^\x20-\x7e]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)"
    return json.loads(browser.run(f"return JSON.stringify({expression}).{escaped}"))


def texts(browser: Any, selector: str) -> list[str]:
    return list(read(browser, f"[...document.querySelectorAll({json.dumps(selector)})].map((at) => at.textContent)"))


def text(browser: Any, selector: str) -> str:
    return texts(browser, selector)[0]


def test_the_page_shows_every_payload_as_words(browser: Any, service: Service) -> None:
    settings = ServerSettings(title=ALL, questions=(ALL, *(named(n) for n in EVERY)))
    with browser.without_policy(), serving(service, settings) as port:
        browser.open(port)
        browser.wait(f"document.querySelectorAll('.suggestion').length === {len(PAYLOADS) + 1}")
        check(browser)
        browser.ask("bolts?")
        browser.wait(DONE)
        said = squeezed(text(browser, "#answer-text"))
        assert [n for n in EVERY if squeezed(PAYLOADS[n]) not in said] == []
        heads = texts(browser, ".passage h3")
        assert heads == [ALL, *(named(n) for n in EVERY if n)]
        assert len(texts(browser, "#sources li")) == len(PAYLOADS)
        check(browser)
        browser.click("#answer-text .citation")
        browser.wait("document.getElementById('source-mark')")
        assert squeezed(text(browser, "#source-body")) == squeezed(ALL)
        assert squeezed(text(browser, "#source-title")) == squeezed(ALL)
        check(browser)
        browser.click("#source-close")
        browser.click("#nav-documents")
        browser.wait("document.querySelectorAll('#document-list .document').length >= 200")
        browser.click("#more-documents")
        browser.wait(f"document.querySelectorAll('#document-list .document').length === {len(PAYLOADS)}")
        listed = {squeezed(text) for text in texts(browser, "#document-list h3")}
        assert {squeezed(named(n)) for n in EVERY} - {squeezed(named(0))} <= listed
        assert len(texts(browser, "#rejected h3")) >= 200
        check(browser)
        assert browser.driver.current_url == f"http://127.0.0.1:{port}/#documents"


def test_the_kiosk_shows_every_payload_as_words(browser: Any, service: Service) -> None:
    words = tuple(named(number) for number in EVERY)
    exhibit = Exhibit("one", {"en": words[0], "de": words[1]}, ("*",), {"en": words})
    kiosk = KioskSettings(Exhibits({"en": words}, {"one": exhibit}), idle_seconds=600)
    with browser.without_policy(), serving(service, ServerSettings(title=ALL, kiosk=kiosk)) as port:
        browser.open(port, "/kiosk?exhibit=one")
        browser.wait("document.body.dataset.state === 'attract' && document.querySelector('#attract-words span')")
        check(browser)
        browser.click("#attract")
        assert [squeezed(text) for text in texts(browser, "#questions button")] == [squeezed(text) for text in words]
        browser.click("#questions button")
        browser.wait(SHOWN)
        said = text(browser, "#text")
        assert [n for n in EVERY if f"Part{n}x" not in said] == [] and "<svg onload=top.ran=1>" in said
        check(browser)


def test_the_widget_shows_every_payload_as_words(browser: Any, service: Service) -> None:
    with (
        browser.without_policy(),
        widget(browser, service, attributes="data-title='<img src=x onerror=top.ran=1>'") as port,
    ):
        ask_widget(browser, "q")
        browser.wait(WIDGET_DONE)
        said = squeezed(str(read(browser, f"{ROOT}.querySelector('.text').textContent")))
        assert [n for n in EVERY if squeezed(PAYLOADS[n]) not in said] == []
        assert browser.run(f"return {ROOT}.querySelectorAll('.answer li').length") == len(PAYLOADS)
        check(browser, f"http://127.0.0.1:{port}")


def test_pages_without_scripts_show_every_payload_as_words(browser: Any, service: Service) -> None:
    with browser.without_policy(), serving(service, ServerSettings(title=ALL)) as port:
        browser.open(port, f"/source/{0:016x}/1?start=0&end={len(ALL)}")
        assert squeezed(text(browser, "mark")) == squeezed(ALL) and squeezed(text(browser, "h1")) == squeezed(ALL)
        check(browser)
        browser.open(port, "/docs")
        check(browser)


def test_every_page_of_a_source_has_the_same_elements(service: Service) -> None:
    app = SimpleNamespace(state=SimpleNamespace(service=service))
    request: Any = SimpleNamespace(app=app)
    shapes = set()
    for number in EVERY:
        reply = source_page.fn(f"{number:016x}", 1, request, 0, len(named(number)))
        shapes.add(tuple(re.findall(r"<[^>]*?(?=[ >])", reply.content.decode())))
    assert len(shapes) == 1, "what stands between < and > must not depend on a document"


FRAMES = """
let ran = 0;
Object.defineProperty(window, "ran", {configurable: true, set: () => { ran += 1; }});
window.runs = () => ran;
for (const words of JSON.parse(arguments[0])) {
  const frame = document.createElement("iframe");
  frame.sandbox = "allow-scripts allow-same-origin allow-forms";
  frame.srcdoc = `<!doctype html><body>${words}`;
  document.body.append(frame);
}
"""


def test_the_payloads_are_alive(browser: Any, service: Service) -> None:
    """Taken as HTML, without a policy: scripts run and addresses of others are asked for, and the records show it."""
    from selenium.webdriver.support.ui import WebDriverWait

    with serving(service) as port, browser.apart(), browser.without_policy():
        browser.open(port, "/docs")
        browser.run(FRAMES, json.dumps([text for text in PAYLOADS if "alert" not in text]))
        browser.wait("window.runs() >= 50", 30)
        ask_for = WebDriverWait(browser.driver, 30, poll_frequency=0.1)
        ask_for.until(lambda _: len([url for url in browser.foreign() if FOREIGN in url]) >= 25)
        ask_for.until(lambda _: any(FOREIGN in line for line in browser.wire.lines))
        assert json.loads(browser.run(SWEEP, TAGS, [])) != []


def test_the_policy_alone_stops_them_too(browser: Any, service: Service) -> None:
    """Taken as HTML within the page: the second wall. Of what leaves by itself no policy knows; escaping holds that."""
    with serving(service) as port, browser.apart():
        browser.open(port, "/docs")
        browser.run(FRAMES, json.dumps([text for text in PAYLOADS if not any(mark in text for mark in LEAVE)]))
        browser.wait(f"[...document.querySelectorAll('iframe')].length >= {len(PAYLOADS) - 20}")
        browser.wait(
            "[...document.querySelectorAll('iframe')].every((at) => at.contentDocument?.readyState !== 'loading')"
        )
        assert browser.run("return window.runs()") == 0
        assert browser.wire.lines == [] and browser.dialogs() == []
        assert any("Content Security Policy" in line for line in browser.complaints())


QUESTIONS = ("How many bar does the valve of Part12x hold?", "onerror top.ran Part3x", "Part5x Subject From mail")


def real_files(folder: Path) -> None:
    """Files as people get them sent, each with payloads where its kind can hold words."""
    folder.mkdir()
    words = [named(number).replace("\x00", " ").replace("\ud800", " ") for number in EVERY]
    lines = [" ".join(text.split()) for text in words]
    safe = [html.escape(line) for line in lines]
    sections = "".join(f"<h2>{line}</h2><p>The valve of {line} holds 4 bar.</p>" for line in safe)
    cells = "".join(f"<tr><td>{line}</td><td>{line}</td></tr>" for line in safe)
    meta = f'<meta name="author" content="{safe[0]}"><meta name="description" content="{safe[1]}">'
    page = f'<html lang="{safe[2]}"><head><title>{safe[3]}</title>{meta}</head><body><h1>{safe[4]}</h1>'
    (folder / "page.html").write_text(f"{page}{sections}<table>{cells}</table></body></html>")
    (folder / "notes.md").write_text("\n\n".join(f"## {line}\n\nThe valve holds 4 bar: {line}" for line in lines))
    with (folder / "table.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["name", lines[5]], *([line, line] for line in lines)])
    head = f'From: "{lines[0]}" <a@b.example>\nTo: {lines[6]}\nSubject: {lines[0]}\nX-Note: {lines[8]}\n'
    body = "\n\n".join(lines)
    (folder / "mail.eml").write_text(f"{head}Content-Type: text/plain; charset=utf-8\n\n{body}", encoding="utf-8")
    for number, line in enumerate(lines):  # as a name: what the file system takes
        name = words[number].replace("/", "\u2215")
        if len(name.encode()) < 240:
            (folder / f"{name}.txt").write_text(f"The valve of {line} holds {number} bar.")


def test_files_and_a_model_full_of_payloads_are_read_asked_and_shown_as_words(browser: Any, tmp_path: Path) -> None:
    """The real readers, index, search, citing and pipeline; a generator that speaks the payloads."""
    real_files(tmp_path / "documents")
    embedder = HashEmbedder()
    said = " ".join(f"The valve of {named(number)} holds {number} bar." for number in range(0, len(PAYLOADS), 6))
    with Index.open(tmp_path / "index", INDEX_SETTINGS, mode="write", create=True) as index:
        sync = Sync(index, embedder, lambda: Sandbox(ReadOptions(ocr="off"), Limits()), chunk_tokens=64)
        report = sync.run(tmp_path / "documents")
        assert len(report.added) >= 200 and {"page.html", "notes.md", "table.csv", "mail.eml"} <= set(report.added)
        settings = AskSettings(max_answer_tokens=2_000)
        pipeline = Pipeline(
            index, Retriever(index, embedder), embedder, FakeGenerator(context_tokens=100_000, said=said), settings
        )
        service = Service(pipeline, index, sync, pipeline.engine, "0.1.0", SUPPORTED_SUFFIXES, embedder=embedder)
        with browser.without_policy(), serving(service) as port:
            browser.open(port)
            engines = set()
            for question in QUESTIONS:
                browser.ask(question)
                browser.wait(f"{DONE} && document.getElementById('asked').textContent === {json.dumps(question)}")
                assert "top.ran=1" in text(browser, "#answer-text") + text(browser, "#passages")
                engines.add(text(browser, "#engine"))
                check(browser)
            assert any("fake" in engine for engine in engines), "the generator spoke"
            browser.run("location.hash = '#documents'")
            browser.wait("document.querySelectorAll('#document-list .document').length >= 200")
            check(browser)
            for info in index.documents():
                if info.path.endswith((".html", ".md", ".csv", ".eml")):
                    browser.open(port, f"/source/{info.id}/1")
                    assert "top.ran=1" in text(browser, "main")
                    check(browser)


def test_a_stream_has_the_frames_that_the_service_made(service: Service) -> None:
    import httpx

    with serving(service) as port:
        reply = httpx.post(f"http://127.0.0.1:{port}/v1/ask/stream", json={"text": "q"}, timeout=60)
    blocks = [block for block in reply.text.split("\n\n") if block and not block.startswith(":")]
    names = []
    for block in blocks:
        name, data = block.split("\n", 1)
        assert name.startswith("event: ") and data.startswith("data: ") and "\n" not in data and "\r" not in data
        names.append(name[7:])
        json.loads(data[6:])
    assert names == ["passages", *["piece"] * len(PAYLOADS), "answer"]
