"""Pages as pictures: the quote's words are found and marked, and a bad PDF costs one picture."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pypdf import PdfReader, PdfWriter
from reportlab.pdfgen.canvas import Canvas

from ragedge.contracts import Page
from ragedge.errors import NotFound, UnreadableDocument
from ragedge.server.picture import PictureMaker
from ragedge.server.picture_child import find_quote, fold, merge_boxes
from ragedge.server.settings import ServerSettings
from tests.server.clients import open_client
from tests.server.fakes import FakeIndex, make_service

LINES = [
    "Chapter 4: Cylinder head", "Bleed the pump first. Then torque the head",
    "bolts to 42 Nm in two steps. Let the en-", "gine cool and check the e\ufb03ciency again.",
    "Part 4.510.210 fits all years.", "Total 5 15 25 bolts", "Bleed the pump first.",
]  # fmt: skip


def make_pdf(lines: list[str], *, rotation: int = 0, pages: int = 1, size: tuple[float, float] = (400, 300)) -> bytes:
    stream = io.BytesIO()
    canvas = Canvas(stream, pagesize=size)
    for _ in range(pages):
        canvas.setFont("Helvetica", 14)
        for number, line in enumerate(lines):
            canvas.drawString(40, size[1] - 50 - 22 * number, line.replace("\ufb03", "ffi"))
        canvas.showPage()
    canvas.save()
    if not rotation:
        return stream.getvalue()
    writer = PdfWriter(clone_from=PdfReader(stream))
    for page in writer.pages:
        page.rotate(rotation)
    turned = io.BytesIO()
    writer.write(turned)
    return turned.getvalue()


@pytest.fixture
def maker() -> PictureMaker:
    return PictureMaker(timeout_s=20, memory_bytes=1 << 30, cache_bytes=1 << 22)


@pytest.fixture
def pdf(tmp_path: Path) -> Path:
    path = tmp_path / "manual.pdf"
    path.write_bytes(make_pdf(LINES))
    return path


def yellow_rows(png: bytes) -> list[int]:
    """Rows of the picture with marked ground in them."""
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    width = picture.width
    data = picture.tobytes()
    return [y for y in range(picture.height) if data[3 * y * width : 3 * (y + 1) * width].find(b"\xff\xe0\x66") >= 0]


def test_a_quote_over_two_lines_is_marked_on_both(maker: PictureMaker, pdf: Path) -> None:
    picture = maker.draw(pdf, "d", 1, "Then torque the head bolts to 42 Nm in two steps.")
    assert picture.marks == 2
    rows = yellow_rows(picture.png)
    assert rows and min(rows) > picture.height * 0.15 and max(rows) < picture.height * 0.4
    assert picture.first_mark == pytest.approx(min(rows) / picture.height, abs=0.02)


def test_without_a_quote_nothing_is_marked(maker: PictureMaker, pdf: Path) -> None:
    picture = maker.draw(pdf, "d", 1, "")
    assert (picture.marks, picture.first_mark, yellow_rows(picture.png)) == (0, None, [])


def test_words_that_are_not_there_are_not_marked(maker: PictureMaker, pdf: Path) -> None:
    assert maker.draw(pdf, "d", 1, "Unicorns sleep standing in the shed.").marks == 0


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_marks_follow_a_turned_page(maker: PictureMaker, tmp_path: Path, rotation: int) -> None:
    path = tmp_path / "turned.pdf"
    path.write_bytes(make_pdf(LINES, rotation=rotation))
    picture = maker.draw(path, f"r{rotation}", 1, "Part 4.510.210 fits all years.")
    upright = (picture.width > picture.height) == (rotation == 180)
    turned = Image.open(io.BytesIO(picture.png)).convert("RGB").rotate(rotation, expand=True)
    stream = io.BytesIO()
    turned.save(stream, "PNG")
    rows = yellow_rows(stream.getvalue())
    assert upright and picture.marks == 1
    assert 0.38 < sum(rows) / len(rows) / turned.height < 0.52  # the fifth line of text


def test_the_occurrence_nearest_to_the_hint_is_marked(maker: PictureMaker, pdf: Path) -> None:
    first = maker.draw(pdf, "d", 1, "Bleed the pump first.", 0.0).first_mark
    second = maker.draw(pdf, "d", 1, "Bleed the pump first.", 1.0).first_mark
    assert first is not None and second is not None and second - first > 0.2


def test_a_picture_is_drawn_once(maker: PictureMaker, pdf: Path) -> None:
    drawn = maker.draw(pdf, "d", 1, "")
    pdf.unlink()
    assert maker.draw(pdf, "d", 1, "") is drawn


def test_the_cache_is_bounded(pdf: Path) -> None:
    maker = PictureMaker(timeout_s=20, memory_bytes=1 << 30, cache_bytes=1)
    first = maker.draw(pdf, "d", 1, "")
    assert maker.draw(pdf, "d", 1, "") is not first
    assert maker._kept_bytes == 0


def test_a_page_beyond_the_end_is_not_found(maker: PictureMaker, pdf: Path) -> None:
    with pytest.raises(NotFound):
        maker.draw(pdf, "d", 2, "")


@pytest.mark.parametrize("content", [b"", b"not a pdf", b"%PDF-1.7\n%%EOF", make_pdf(["x"])[:200]])
def test_a_broken_file_is_refused_with_its_reason(maker: PictureMaker, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.pdf"
    path.write_bytes(content)
    with pytest.raises(UnreadableDocument) as failure:
        maker.draw(path, "d", 1, "")
    assert failure.value.reason == "broken"


def locked(tmp_path: Path, password: str) -> Path:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(make_pdf(LINES))))
    writer.encrypt(password, algorithm="AES-256")
    path = tmp_path / "locked.pdf"
    writer.write(path)
    return path


def test_a_protected_file_needs_one_of_the_passwords(maker: PictureMaker, tmp_path: Path) -> None:
    path = locked(tmp_path, "open sesame")
    with pytest.raises(UnreadableDocument) as failure:
        maker.draw(path, "d", 1, "")
    assert failure.value.reason == "encrypted"
    knowing = PictureMaker(timeout_s=20, memory_bytes=1 << 30, cache_bytes=0, passwords=("wrong", "open sesame"))
    assert knowing.draw(path, "d", 1, "42 Nm in two steps").marks == 1


def test_a_child_that_takes_too_long_is_killed(pdf: Path) -> None:
    maker = PictureMaker(timeout_s=0.01, memory_bytes=1 << 30, cache_bytes=0)
    with pytest.raises(UnreadableDocument) as failure:
        maker.draw(pdf, "d", 1, "")
    assert failure.value.reason == "timed_out"


def test_a_child_without_memory_is_reported(pdf: Path) -> None:
    maker = PictureMaker(timeout_s=20, memory_bytes=30_000_000, cache_bytes=0)
    with pytest.raises(UnreadableDocument) as failure:
        maker.draw(pdf, "d", 1, "")
    assert failure.value.reason in ("crashed", "out_of_memory", "broken")


def test_a_poster_is_drawn_within_the_largest_side(maker: PictureMaker, tmp_path: Path) -> None:
    path = tmp_path / "poster.pdf"
    path.write_bytes(make_pdf(LINES, size=(14_000, 9_000)))
    picture = maker.draw(path, "d", 1, "")
    assert max(picture.width, picture.height) <= 1_801


@pytest.fixture
def index_with_pdf(tmp_path: Path) -> Iterator[tuple[FakeIndex, str]]:
    service = make_service(tmp_path / "index")
    assert isinstance(service.index, FakeIndex)
    row = service.index.put(
        "m.pdf",
        make_pdf(LINES, pages=2),
        (Page(1, "i", " ".join(LINES)), Page(2, "ii", "")),
        media_type="application/pdf",
    )
    assert row.document_id is not None
    yield service.index, row.document_id


def test_pictures_over_http_say_where_the_marks_are(index_with_pdf: tuple[FakeIndex, str], tmp_path: Path) -> None:
    index, document_id = index_with_pdf
    service = make_service(tmp_path / "other")
    with open_client(type(service)(service.pipeline, index, None, "none", "0"), ServerSettings()) as client:
        url = f"/v1/documents/{document_id}/pages/1/image"
        reply = client.get(url, params={"quote": "Then torque the head bolts", "near": "0.2"})
        assert reply.headers["content-type"] == "image/png"
        assert reply.headers["x-ragedge-marks"] == "2"
        assert 0 < float(reply.headers["x-ragedge-first-mark"]) < 0.5
        assert Image.open(io.BytesIO(reply.content)).size == (800, 600)
        assert "x-ragedge-first-mark" not in client.get(url).headers
        assert client.get(url, params={"quote": "x" * 2001}).status_code == 400
        assert client.get(url, params={"near": "2"}).status_code == 400
        assert client.get("/v1/documents/" + "0" * 16 + "/pages/1/image").status_code == 404


PAGE = "The e\ufb03cient en-\ngine's \u201chead\u201d\u00a0bolts:\r\n42\u2009Nm.  Caf\u00e9 5 15 25; item 7."


@pytest.mark.parametrize(
    ("quote", "found"),
    [
        ("efficient engine", "e\ufb03cient en-\ngine"),
        ('engine\'s "head" bolts', "en-\ngine's \u201chead\u201d\u00a0bolts"),
        ("HEAD BOLTS: 42 Nm", "head\u201d\u00a0bolts:\r\n42\u2009Nm"),
        ("Cafe\u0301 5", "Caf\u00e9 5"),
        ("5", "5"),
        ("7", "7"),
    ],
)
def test_quotes_are_found_in_spite_of_how_libraries_write_them(quote: str, found: str) -> None:
    letters = fold(PAGE)
    [(start, end)] = find_quote(letters, quote)
    assert PAGE[letters.index[start] : letters.index[end - 1] + 1] == found


def test_a_short_quote_never_marks_the_inside_of_a_word() -> None:
    assert find_quote(fold("15 25 article"), "5") == []
    assert find_quote(fold("15 25 article"), "art") == []


def test_a_quote_in_pieces_is_marked_by_its_longest_runs() -> None:
    page = fold("Sizes and prices of all parts. [figure 3] Bolts cost four euros each in packs.")
    found = find_quote(page, "Sizes and prices of all parts. Bolts cost four euros each in packs.")
    assert [page.text[start:end] for start, end in found] == [
        "sizesandpricesofallparts",
        "boltscostfoureuroseachinpacks",
    ]


@given(st.text(max_size=200), st.text(max_size=60), st.floats(0, 1) | st.none())
def test_ranges_always_lie_on_the_page(page_text: str, quote: str, near: float | None) -> None:
    page = fold(page_text)
    assert len(page.index) == len(page.text)
    for start, end in find_quote(page, quote, near):
        assert 0 <= start < end <= len(page.text)


@given(st.text(alphabet=st.characters(categories=["Ll", "Lu", "Nd", "Zs"]), min_size=1, max_size=80))
def test_a_text_is_found_in_itself(text: str) -> None:
    page = fold(text)
    if len(page.text) >= 6:
        assert find_quote(page, text) == [(0, len(page.text))]


def test_boxes_of_a_line_become_one_and_lines_stay_apart() -> None:
    line = [(10.0 * i, 100.0, 10.0 * i + 8, 112.0) for i in range(5)]
    below = [(10.0 * i, 80.0, 10.0 * i + 8, 92.0) for i in range(3)]
    assert merge_boxes([*line, *below]) == [(0.0, 100.0, 48.0, 112.0), (0.0, 80.0, 28.0, 92.0)]
