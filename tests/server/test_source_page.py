"""A document's page as a page of its own: the quote marked, the picture where there is one, and nothing that runs."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import pytest

from ragedge.contracts import Page
from tests.browser.scenes import PDF_ID, PDF_PAGES, QUOTE, full_index
from tests.server.clients import open_client
from tests.server.fakes import FakeIndex, FakePipeline, Service, make_service

ID = "0123456789abcdef"


def marked(html: str) -> str:
    return unescape("".join(re.findall(r"<mark[^>]*>(.*?)</mark>", html, re.DOTALL)))


def test_the_quote_is_marked_where_the_span_says(tmp_path: Path) -> None:
    text = "Bleed the pump first. Then torque the head bolts to 42 Nm"
    with open_client(make_service(tmp_path)) as client:
        reply = client.get(f"/source/{ID}/1?start=22&end=57")
        plain = client.get(f"/source/{ID}/2")
    assert reply.status_code == 200 and reply.headers["content-type"].startswith("text/html")
    assert marked(reply.text) == text[22:57]
    assert f'href="/source/{ID}/2"' in reply.text and "(printed iv)" in reply.text
    assert marked(plain.text) == "" and "The second page." in plain.text


def test_a_pdf_shows_its_picture_with_the_quote_first(tmp_path: Path) -> None:
    index = full_index(tmp_path / "index")
    text = "\n".join(PDF_PAGES[1])
    start = text.index(QUOTE)
    with open_client(Service(FakePipeline(), index, None, "extractive", "0.1.0")) as client:
        html = client.get(f"/source/{PDF_ID}/2?start={start}&end={start + len(QUOTE)}").text
        picture = unescape(re.findall(r'<img src="([^"]*)"', html)[0])
        drawn = client.get(picture)
    assert marked(html) == QUOTE
    assert drawn.status_code == 200 and int(drawn.headers["x-ragedge-marks"]) >= 3
    assert 'id="quote"' in html.split("<h2>")[0]


@pytest.mark.parametrize("place", ["start=5&end=2", "start=999999&end=1000000", "start=0&end=0", ""])
def test_a_span_that_fits_nothing_marks_nothing(tmp_path: Path, place: str) -> None:
    with open_client(make_service(tmp_path)) as client:
        reply = client.get(f"/source/{ID}/1?{place}")
    assert reply.status_code == 200 and "<mark" not in reply.text


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"/source/{ID}/3", 404), (f"/source/{ID}/0", 404), ("/source/nope/1", 404), (f"/source/{ID}/x", 404),
        ("/source/..%2f..%2fetc/1", 404), (f"/source/{ID}/1?start=-1", 400), (f"/source/{ID}/1?start=x", 400),
    ],
)  # fmt: skip
def test_what_is_not_there_is_refused(tmp_path: Path, path: str, status: int) -> None:
    with open_client(make_service(tmp_path)) as client:
        assert client.get(path).status_code == status


def test_texts_titles_and_paths_are_never_markup(tmp_path: Path) -> None:
    hostile = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'&\x00\ud800"
    index = FakeIndex(tmp_path)
    index.put(
        hostile.replace("\x00", "").replace("\ud800", ""), b"x", (Page(1, hostile, hostile),), title=hostile,
        document_id=ID,
    )  # fmt: skip
    with open_client(Service(FakePipeline(), index, None, "extractive", "0.1.0")) as client:
        html = client.get(f"/source/{ID}/1?start=0&end=20").text
    assert "<script" not in html and "<img" not in html
    assert marked(html) == hostile[:20]


def test_a_book_in_one_page_comes_in_a_window_around_the_quote(tmp_path: Path) -> None:
    index = FakeIndex(tmp_path)
    text = "a" * 100_000 + "NEEDLE" + "b" * 100_000
    index.put("book.txt", b"x", (Page(1, None, text),), document_id=ID)
    with open_client(Service(FakePipeline(), index, None, "extractive", "0.1.0")) as client:
        reply = client.get(f"/source/{ID}/1?start=100000&end=100006")
    assert marked(reply.text) == "NEEDLE" and len(reply.text) < 20_000 and reply.text.count("…") == 2


def test_it_may_be_opened_from_elsewhere_but_not_framed(tmp_path: Path) -> None:
    with open_client(make_service(tmp_path)) as client:
        reply = client.get(f"/source/{ID}/1", headers={"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"})
    assert reply.status_code == 200 and "frame-ancestors 'none'" in reply.headers["content-security-policy"]
