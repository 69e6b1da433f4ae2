"""Summaries and answers in other words on the page: the buttons, what they send, and what they leave on failure."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from ragedge.contracts import Piece, RewriteRequest, SummaryRequest, Timings
from ragedge.errors import ModelMissing
from tests.browser.scenes import QUESTION, full_index, manual_events, service_of
from tests.browser.test_page import DONE
from tests.server.clients import serving
from tests.server.fakes import FakeTasks, make_answer, make_passages

SAID = "Ziehen Sie die zehn Schrauben mit 42 Nm an."


def other_words(index: Any) -> list[object]:
    first = manual_events(index)
    answer = first[-1]
    changed = make_answer((), SAID, citations=(), unsupported=(), timings=Timings(total_ms=5.0, energy_joules=2.345))
    return [make_passages(answer.hits), Piece(SAID), changed]  # type: ignore[attr-defined]


def test_a_document_is_summarised_with_one_click_and_shown_as_an_answer(browser: Any, tmp_path: Path) -> None:
    index = full_index(tmp_path / "index")
    tasks = FakeTasks(manual_events(index))
    with serving(replace(service_of(index, manual_events(index)), tasks=tasks)) as port:
        browser.open(port, "/#documents")
        button = "#document-list li:first-child button[aria-label^='Summarise ']"
        title = browser.find(button).get_attribute("aria-label").removeprefix("Summarise ")
        browser.click(button)
        browser.wait(DONE)
        assert browser.text("#asked") == f"Summary of {title}"
        assert browser.run("return !document.getElementById('view-ask').hidden && location.hash") == "#ask"
        assert browser.count("#answer-text .citation") == 2
        assert browser.complaints() == []
    (request,) = tasks.requests
    assert isinstance(request, SummaryRequest)
    assert request.document in {info.id for info in index.documents()} and request.language == "en"


def test_an_opened_document_is_summarised_from_its_panel(browser: Any, tmp_path: Path) -> None:
    index = full_index(tmp_path / "index")
    tasks = FakeTasks(manual_events(index))
    with serving(replace(service_of(index, manual_events(index)), tasks=tasks)) as port:
        browser.open(port)
        browser.ask(QUESTION)
        browser.wait(DONE)
        browser.click("#answer-text .citation")
        browser.wait("document.getElementById('source').open")
        title = browser.text("#source-title")
        browser.click("#source-summarise")
        browser.wait(f"document.getElementById('asked').textContent === 'Summary of {title}' && {DONE}")
        assert not browser.run("return document.getElementById('source').open")
        assert browser.complaints() == []
    assert len(tasks.requests) == 1


def test_an_answer_is_said_simpler_and_translated_with_its_citations(browser: Any, tmp_path: Path) -> None:
    index = full_index(tmp_path / "index")
    tasks = FakeTasks(other_words(index))
    with serving(replace(service_of(index, manual_events(index)), tasks=tasks)) as port:
        browser.open(port)
        browser.ask(QUESTION)
        browser.wait(DONE)
        said = browser.run("return document.getElementById('answer-text').childNodes[0].textContent")
        browser.click("#simpler")
        browser.wait(f"document.getElementById('asked').textContent.endsWith('(Simpler)') && {DONE}")
        assert browser.text("#answer-text") == SAID
        assert browser.text("#timings").endswith("2.3 joules")
        browser.run(
            "const s = document.getElementById('translate'); s.value = 'de'; s.dispatchEvent(new Event('change'))"
        )
        browser.wait(f"document.getElementById('asked').textContent.endsWith('(Deutsch)') && {DONE}")
        assert browser.text("#asked") == f"{QUESTION} (Deutsch)"
        assert browser.complaints() == []
    simpler, translated = tasks.requests
    assert isinstance(simpler, RewriteRequest) and isinstance(translated, RewriteRequest)
    assert (simpler.kind, translated.kind, translated.language) == ("simpler", "translate", "de")
    assert said in simpler.text and [c.number for c in simpler.citations] == [1, 2]
    assert translated.text == SAID and translated.citations == ()


def test_an_answer_that_could_not_be_rewritten_stays(browser: Any, tmp_path: Path) -> None:
    index = full_index(tmp_path / "index")
    tasks = FakeTasks([ModelMissing("it needs a language model", "fetch one")])
    with serving(replace(service_of(index, manual_events(index)), tasks=tasks)) as port:
        browser.open(port)
        browser.ask(QUESTION)
        browser.wait(DONE)
        before = browser.text("#answer-text")
        browser.click("#simpler")
        browser.wait("!document.getElementById('problem').hidden && !document.getElementById('again').hidden")
        assert "it needs a language model" in browser.text("#problem")
        assert browser.text("#answer-text") == before
        assert browser.text("#asked") == QUESTION and browser.text("#outcome") == "Answered"
        assert browser.count(".passage") == 3
        assert browser.run("return !document.getElementById('answer-tools').hidden")


def test_without_a_language_model_there_are_no_buttons_for_it(browser: Any, tmp_path: Path) -> None:
    index = full_index(tmp_path / "index")
    service = replace(service_of(index, manual_events(index)), engine="extractive", tasks=FakeTasks())
    with serving(service) as port:
        browser.open(port)
        browser.ask(QUESTION)
        browser.wait(DONE)
        assert browser.run("return document.getElementById('rewrite-tools').hidden")
