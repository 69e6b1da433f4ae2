"""Questions, reviewed answers, golden questions and days at the desk, in a real browser over the real index."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from ragedge.contracts import Question
from ragedge.desk_replies import GoldenFailure, GoldenRun
from ragedge.journal import Journal
from ragedge.server.settings import Service
from tests.browser.accessibility import check
from tests.browser.desks import Desk, desk, open_desk
from tests.browser.test_desk_documents import choose
from tests.browser.test_desk_looks import VIEWS
from tests.browser.test_page import PAYLOADS
from tests.browser.test_screenshots import shoot
from tests.server.curating import GOLDEN, curate, gold_of
from tests.server.fakes import make_answer, make_hit

ROWS = "document.querySelectorAll('#asked-rows tr').length"
HOSTILE = '<img src=x onerror="document.title=1">'


class Curating:
    """Adds the desk's parts to a service, and keeps them for the test."""

    def __init__(self, folder: Path, **options: bool) -> None:
        self.folder, self.options = folder / "curation", options
        self.service: Service | None = None

    def __call__(self, service: Service) -> Service:
        self.service = curate(service, self.folder, **self.options)
        return self.service


@pytest.fixture
def curating(tmp_path: Path) -> Curating:
    return Curating(tmp_path)


@pytest.fixture
def here(tmp_path: Path, browser: Any, curating: Curating) -> Iterator[Desk]:
    with desk(tmp_path, curated=curating) as opened:
        yield opened
    assert [line for line in browser.complaints() if "409" not in line] == []


def titles(browser: Any) -> list[str]:
    return list(browser.run("return [...document.querySelectorAll('.desk-title')].map((node) => node.textContent)"))


def answer_of(port: int, question: str) -> dict[str, Any]:
    body = json.dumps({"text": question}).encode()
    address = f"http://127.0.0.1:{port}/v1/ask"
    request = urllib.request.Request(address, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as reply:
        return json.loads(reply.read())  # type: ignore[no-any-return]


def sure(browser: Any) -> None:
    browser.wait("document.getElementById('confirm').open")
    browser.click("#confirm-yes")


# ---------------------------------------------------------------------------------------------- what people asked


def test_questions_are_narrowed_searched_and_taken_together(browser: Any, here: Desk) -> None:
    open_desk(browser, here.port, "#questions")
    browser.wait(f"{ROWS} === 10")
    assert "10 of 10 questions" in browser.text("#asked-summary")
    choose(browser, "#asked-show", "down")
    browser.wait(f"{ROWS} === 1")
    text = browser.text("#asked-rows")
    assert "@wrong unit" in text and "manual.txt" in text and "400 ms" in text and "Did not help" in text
    choose(browser, "#asked-show", "unanswered")
    choose(browser, "#asked-since", "7")
    browser.wait(f"{ROWS} === 2")
    browser.click("#asked-together")
    browser.wait(f"{ROWS} === 1")
    assert titles(browser) == ["Who won the cup"]
    csv = browser.run("return document.getElementById('asked-csv').href")
    assert "unanswered=true" in csv and "since=7d" in csv and "format=csv" in csv
    with urllib.request.urlopen(csv, timeout=30) as reply:
        assert reply.read().decode("utf-8-sig").count("\r\n") == 3
    browser.click("#asked-together")
    choose(browser, "#asked-show", "all")
    choose(browser, "#asked-since", "")
    browser.find("#asked-search").send_keys("HEAVY")
    browser.wait(f"{ROWS} === 2")
    browser.find("#asked-search").clear()
    browser.find("#asked-search").send_keys("nothing like it")
    browser.wait("document.getElementById('asked-rows').textContent.includes('No question fits')")
    browser.run("document.getElementById('asked-search').value = ''")
    browser.find("#asked-search").send_keys("x\b")
    browser.wait(f"{ROWS} === 10")


def test_one_question_and_then_all_are_deleted(browser: Any, here: Desk) -> None:
    open_desk(browser, here.port, "#questions")
    browser.wait(f"{ROWS} === 10")
    browser.click("#asked-rows tr button")
    browser.wait("document.getElementById('confirm').open")
    browser.click("#confirm-no")
    browser.click("#asked-rows tr button")
    sure(browser)
    browser.wait(f"{ROWS} === 9")
    browser.click("#asked-clear")
    sure(browser)
    browser.wait("document.getElementById('asked-rows').textContent.includes('No question fits')")


def test_without_a_journal_the_tabs_say_how_to_switch_it_on(browser: Any, tmp_path: Path) -> None:
    with desk(tmp_path, curated=Curating(tmp_path, has_journal=False)) as here:
        for tab in ("questions", "days"):
            open_desk(browser, here.port, f"#{tab}")
            browser.wait("document.querySelector('#tab-panel .notice pre')")
            assert "enabled = true" in browser.text("#tab-panel")
            check(browser)


# ---------------------------------------------------------------------------------------------- reviewed answers


def test_an_answer_is_pinned_from_a_question_given_at_once_changed_and_removed(browser: Any, here: Desk) -> None:
    open_desk(browser, here.port, "#questions")
    browser.wait(f"{ROWS} === 10")
    browser.run("[...document.querySelectorAll('#asked-rows tr')].find((row) => "
                "row.textContent.includes('What torque')).querySelector('a.button').click()")  # fmt: skip
    browser.wait("document.querySelectorAll('#pinned-passages button').length")
    assert browser.run("return document.getElementById('pinned-questions').value").startswith("What torque")
    browser.find("#pinned-words").clear()
    browser.find("#pinned-words").send_keys("ten head bolts 42 Nm\n")
    browser.wait("document.querySelector('#pinned-passages').textContent.includes('42 Nm')")
    browser.run("[...document.querySelectorAll('#pinned-passages li')].find((item) => "
                "item.textContent.includes('42 Nm')).querySelector('button').click()")  # fmt: skip
    assert browser.run("return document.getElementById('pinned-path').value") == "generator.pdf"
    assert browser.run("return document.getElementById('pinned-page').value") == "2"
    browser.click("#pinned-save")
    browser.wait("!document.getElementById('tab-problem').hidden")  # no answer yet
    browser.find("#pinned-answer").send_keys(f"42 Nm. {HOSTILE}")
    browser.find("#pinned-reviewer").send_keys("workshop")
    browser.click("#pinned-save")
    browser.wait("document.querySelectorAll('#pinned-list > li').length === 1")
    assert HOSTILE in browser.text("#pinned-list") and browser.count("#pinned-list img") == 0
    answer = answer_of(here.port, "what torque for the head bolts")
    assert (answer["engine"], answer["citations"][0]["document_path"]) == ("reviewed", "generator.pdf")
    browser.click("#pinned-list a.button")
    browser.wait("document.getElementById('pinned-form')")
    assert browser.text("#tab-heading") == "Change an answer"
    browser.find("#pinned-answer").clear()
    browser.find("#pinned-answer").send_keys("42 Nm in three rounds.")
    browser.click("#pinned-save")
    browser.wait("document.querySelector('.pinned-text')?.textContent === '42 Nm in three rounds.'")
    assert answer_of(here.port, "What torque for the head bolts?")["text"] == "42 Nm in three rounds."
    browser.click("#pinned-list button.danger")
    sure(browser)
    browser.wait("document.getElementById('pinned-none')")
    assert answer_of(here.port, "What torque for the head bolts?")["engine"] != "reviewed"


def test_a_change_by_somebody_else_is_told_and_a_lost_source_is_shown(
    browser: Any, here: Desk, curating: Curating
) -> None:
    assert curating.service is not None and curating.service.curation is not None
    path = curating.service.curation.pinned.path
    text = '[[answer]]\nquestions = ["Where is the key?"]\ntext = "In the hall."\nsource = {path = "notes.txt"}\n'
    path.write_text(text, encoding="utf-8")
    open_desk(browser, here.port, "#pinned")
    browser.wait("document.querySelectorAll('#pinned-list > li').length === 1")
    path.write_text(text + "# by hand\n", encoding="utf-8")
    browser.click("#pinned-list button.danger")
    sure(browser)
    browser.wait("!document.getElementById('tab-problem').hidden")
    assert "changed meanwhile" in browser.text("#tab-problem")
    here.sync.remove("notes.txt")
    open_desk(browser, here.port, "#pinned")
    browser.wait("document.querySelector('#pinned-list .desk-warning')")
    assert "not in the index" in browser.text("#pinned-list .desk-warning")


# ---------------------------------------------------------------------------------------------- golden questions


def test_golden_questions_are_brought_asked_and_their_failures_shown(browser: Any, tmp_path: Path) -> None:
    curating = Curating(tmp_path, has_golden=False)
    file = tmp_path / "mine.jsonl"
    file.write_text(GOLDEN, encoding="utf-8")
    with desk(tmp_path, curated=curating) as here:
        open_desk(browser, here.port, "#golden")
        browser.wait("document.getElementById('golden-start')?.disabled === true")
        browser.find("#golden-file").send_keys(str(file))
        browser.wait("document.getElementById('golden-start')?.disabled === false")
        assert "2 questions in" in browser.text("#golden-status")
        browser.click("#golden-start")
        browser.wait("document.querySelectorAll('#golden-runs tr').length === 1")
        assert browser.count("#golden-results svg[role=img] title") == 1
        table = browser.text("#golden-results .figures")
        assert "Rightly refused" in table and "1.00" in table
        browser.click("#golden-runs a")
        browser.wait("document.querySelectorAll('#golden-failures > li').length")
        assert "who <b>won</b>?" in browser.text("#golden-failures")
        assert "the documents do not say" in browser.text("#golden-failures")
    assert browser.complaints() == []


def test_a_run_is_watched_and_stopped(browser: Any, here: Desk, curating: Curating) -> None:
    assert curating.service is not None
    gold = gold_of(curating.service)
    gold.go.clear()
    open_desk(browser, here.port, "#golden")
    browser.click("#golden-start")
    browser.wait("document.getElementById('golden-progress')?.max === 2")
    assert "0 of 2 asked" in browser.text("#golden-words")
    browser.click("#golden-stop")
    browser.wait("document.getElementById('golden-words').textContent.startsWith('Stopped')")
    assert "not been asked yet" in browser.text("#golden-results")


# ---------------------------------------------------------------------------------------------- days


def test_days_are_drawn_with_a_table_of_the_same_figures(browser: Any, here: Desk) -> None:
    open_desk(browser, here.port, "#days")
    browser.wait("document.querySelectorAll('figure.chart svg[role=img]').length === 2")
    assert "5 questions: 2 answered, 1 unsure, 2 not answered" in browser.text("figure.chart")
    assert browser.count("figure.chart:first-child .figures tbody tr") == 30
    heights = browser.run(
        "return [...document.querySelectorAll('figure.chart:first-child svg[role=img] rect')]"
        ".map((bar) => Number(bar.getAttribute('height')))"
    )
    assert heights and min(heights) > 0
    choose(browser, "#days-span", "90")
    browser.wait("document.querySelectorAll('figure.chart:first-child .figures tbody tr').length === 90")
    assert "10 questions: 4 answered, 2 unsure, 4 not answered" in browser.text("figure.chart")
    assert "ms" in browser.text("figure.chart:last-child .figures")


# ---------------------------------------------------------------------------------------------- hostile words


def test_hostile_words_stay_words_in_every_tab(browser: Any, here: Desk, curating: Curating) -> None:
    assert curating.service is not None and curating.service.curation is not None
    parts = curating.service.curation
    assert parts.journal is not None
    journal = Journal(parts.journal)
    for number, payload in enumerate(PAYLOADS):
        hit = make_hit(path=payload)
        journal.record(Question(f"{payload} bolts"), make_answer((hit,), engine=payload), f"h{number}")
        assert journal.feedback(f"h{number}", "down", payload)
    journal.close()
    shown = [p for p in PAYLOADS if p.isprintable()]
    entry = "[[answer]]\nquestions = [{0}]\ntext = {1}\nreviewed_by = {1}\nsource = {{path = {1}}}\n"
    entries = [entry.format(json.dumps(f"{p} bolt{n}?"), json.dumps(p)) for n, p in enumerate(shown)]
    parts.pinned.path.write_text("".join(entries), encoding="utf-8")
    failures = [GoldenFailure(p, p, ("wrong",), (p,), (p,), p, p, (p,)) for p in PAYLOADS]
    hostile = "<img src=x onerror='window.pwned=1'>"
    run = GoldenRun(0, "2026-03-01T12:00:00+00:00", 1.0, 2, 2, 1, hostile, "page", {"f1": 0.5}, len(PAYLOADS))
    parts.golden.store.add(run, failures)
    for place, ready in (
        ("questions", f"{ROWS} === 44"),
        ("pinned", f"document.querySelectorAll('#pinned-list > li').length === {len(shown)}"),
        ("golden", "document.querySelectorAll('#golden-runs tr').length === 1"),
        ("golden/1", f"document.querySelectorAll('#golden-failures > li').length === {len(PAYLOADS)}"),
        (f"pinned/new/{quote(hostile)}", "document.querySelector('#pinned-passages li')"),
    ):
        open_desk(browser, here.port, f"#{place}")
        browser.wait(ready)
        assert browser.run("return window.pwned ?? null") is None, place
        bad = (
            "main :is(script, img, iframe, object, video, math, style, base, meta, link, [onerror], [onload],"
            " form:not(#pinned-form), details[ontoggle])"
        )
        assert browser.count(bad) == 0, place
    assert browser.run("return document.getElementById('pinned-questions').value") == hostile


# ---------------------------------------------------------------------------------------------- as people see it


@pytest.mark.parametrize("view", VIEWS)
def test_every_tab_is_accessible_and_fits_the_screen(browser: Any, tmp_path: Path, view: str) -> None:
    browser.emulate(**VIEWS[view])
    curating = Curating(tmp_path)
    with desk(tmp_path, curated=curating) as here:
        assert curating.service is not None and curating.service.curation is not None
        parts = curating.service.curation
        text = (
            '[[answer]]\nquestions = ["Where is the key?", "key"]\ntext = "In the hall."\nreviewed_by = "front desk"\n'
        )
        source = (
            'source = {path = "notes.txt", page = 1, quote = "The key hangs in the hall."}\nvalid_from = 2026-01-01\n'
        )
        other = '[[answer]]\nquestions = ["Old price?"]\ntext = "Nine."\nsource = {path = "gone.txt"}\n'
        parts.pinned.path.write_text(text + source + other, encoding="utf-8")
        for _ in range(3):
            parts.golden.start(lambda: False)
            parts.golden._thread.join(30)  # type: ignore[union-attr]

        def look(place: str, ready: str) -> None:
            open_desk(browser, here.port, f"#{place}")
            browser.wait(ready)
            browser.run("for (const node of document.querySelectorAll('figure details')) node.open = false")
            check(browser)
            assert browser.run("return document.documentElement.scrollWidth <= innerWidth"), place
            shoot(browser, f"{view}-{place.replace('/', '-')}")
            browser.run("for (const node of document.querySelectorAll('figure details')) node.open = true")
            check(browser)

        look("questions", f"{ROWS} === 10")
        look("pinned", "document.querySelectorAll('#pinned-list > li').length === 2")
        look("pinned/new/Where%20is%20the%20key%3F", "document.querySelectorAll('#pinned-passages button').length")
        look("golden", "document.querySelectorAll('#golden-runs tr').length === 3")
        look("golden/1", "document.querySelectorAll('#golden-failures > li').length")
        look("days", "document.querySelectorAll('figure.chart').length === 2")
        if view == "desk":
            choose(browser, "#days-span", "90")
            browser.wait("document.querySelector('.figures tbody').rows.length === 90")
            shoot(browser, f"{view}-days-ninety")
        browser.click("#desk-questions")
        browser.wait(f"{ROWS} === 10")
        browser.click("#asked-together")
        browser.wait(f"{ROWS} < 10")
        check(browser)
