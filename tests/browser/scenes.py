"""Services with something to see: a real small PDF, a long answer, a refusal, hostile texts."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

from reportlab.pdfgen.canvas import Canvas

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
    Passages,
    Piece,
    Timings,
)
from ragedge.server.settings import Service
from tests.server.fakes import FakeIndex, FakePipeline, FakeSyncer, make_answer, make_passages

PDF_ID = "aaaaaaaaaaaaaaaa"
TEXT_ID = "bbbbbbbbbbbbbbbb"
QUESTION = "How tight are the cylinder head bolts, and how many rounds?"

PDF_PAGES = [
    ["Contents", "1 Before you start", "2 Fuel", "3 Cylinder head"],
    [
        "3 Cylinder head", "", "Fit a new gasket; never use an old one twice. Clean both",
        "faces with a dry cloth. Oil the threads lightly. Tighten the",
        "ten head bolts to 42 Nm in three rounds, from the middle",
        "outwards. Wait ten minutes, then check each bolt again.", "",
        "Warning: a cold engine only. A warm head warps when its", "bolts are loosened.",
    ],
    ["4 Valves", "", "Set the clearance to 0.20 mm with the engine cold."],
]  # fmt: skip
QUOTE = "Tighten the\nten head bolts to 42 Nm in three rounds, from the middle\noutwards."
LOG = (
    "Service log of unit 7\n\n" + "Nothing of note this week; filters rinsed, hours noted.\n" * 400
    + "14 March: head gasket changed \U0001f527, bolts at 42 Nm, third round done by hand.\n"
    + "All quiet since.\n" * 200
)  # fmt: skip
LOG_QUOTE = "14 March: head gasket changed \U0001f527, bolts at 42 Nm, third round done by hand."


def make_pdf(pages: list[list[str]]) -> bytes:
    stream = io.BytesIO()
    canvas = Canvas(stream, pagesize=(420, 595))
    for number, lines in enumerate(pages):
        for row, line in enumerate(lines):
            canvas.setFont("Helvetica-Bold" if row == 0 else "Helvetica", 18 if row == 0 else 12)
            canvas.drawString(50, 520 - 20 * row, line)
        canvas.setFont("Helvetica", 9)
        canvas.drawCentredString(210, 30, ["ii", "iii", "iv"][number % 3])
        canvas.showPage()
    canvas.save()
    return stream.getvalue()


def full_index(folder: Path) -> FakeIndex:
    folder.mkdir(parents=True, exist_ok=True)
    index = FakeIndex(folder)
    pages = tuple(Page(i + 1, ["ii", "iii", "iv"][i], "\n".join(lines)) for i, lines in enumerate(PDF_PAGES))
    index.put(
        "manuals/generator.pdf", make_pdf(PDF_PAGES), pages, title="Generator G7: workshop manual",
        media_type="application/pdf", document_id=PDF_ID,
    )  # fmt: skip
    index.put("log.txt", LOG.encode(), (Page(1, None, LOG),), title="Service log", document_id=TEXT_ID)
    index.put(
        "scans/old-ledger.pdf", make_pdf([["x"]]), (Page(1, None, ""),), title="Old ledger",
        media_type="application/pdf", problems=(PageProblem(1, "no_text", "the page is a picture and OCR is off"),),
    )  # fmt: skip
    index.reject("letters/sealed.pdf", b"x" * 4321, "encrypted", "none of the passwords opens it")
    return index


def hit_on(index: FakeIndex, document_id: str, page: int, text: str, ordinal: int, *headings: str) -> Hit:
    info = index.document(document_id)
    start = index.page(document_id, page).text.index(text)
    chunk = Chunk(
        f"{document_id}-{ordinal:05d}", document_id, info.path, ordinal, text,
        (PageSpan(page, start, start + len(text)),), headings, 50,
    )  # fmt: skip
    return Hit(chunk, 1.0 - ordinal / 10, info.title)


def cited(hit: Hit, index: FakeIndex, number: int, quote: str, start: int, end: int) -> Citation:
    page = hit.chunk.spans[0].page
    at = index.page(hit.chunk.document_id, page).text.index(quote)
    return Citation(
        number, hit.chunk.id, hit.chunk.document_id, hit.chunk.document_path, hit.title, (page,),
        index.page(hit.chunk.document_id, page).label, PageSpan(page, at, at + len(quote)), quote, start, end, 0.9,
    )  # fmt: skip


def manual_hits(index: FakeIndex) -> tuple[Hit, ...]:
    body = "\n".join(PDF_PAGES[1][2:])
    log = LOG[LOG.index("14 March") - 560 : LOG.index("14 March") + 200]
    return (
        hit_on(index, PDF_ID, 2, body, 0, "3 Cylinder head"),
        hit_on(index, TEXT_ID, 1, log, 1),
        hit_on(index, PDF_ID, 3, "\n".join(PDF_PAGES[2]), 2, "4 Valves"),
    )


def manual_events(index: FakeIndex) -> list[object]:
    hits = manual_hits(index)
    one = "Tighten the ten head bolts to 42 Nm in three rounds, from the middle outwards."
    two = " On unit 7 this was done by hand on 14 March \U0001f527."
    three = " Most mechanics add a drop of thread lock."
    text = one + two + three
    answer = make_answer(
        hits, text,
        citations=(
            cited(hits[0], index, 1, QUOTE, 0, len(one)),
            cited(hits[1], index, 2, LOG_QUOTE, len(one), len(one) + len(two)),
        ),
        unsupported=(AnswerSpan(len(one) + len(two) + 1, len(text)),),
        evidence=tuple(
            Evidence(i, quote, cited(hits[i], index, 1, quote, 0, 1).span, 0.9)
            for i, quote in ((1, LOG_QUOTE), (2, PDF_PAGES[2][2]))
        ),
        engine="llama:granite-1b.gguf", timings=Timings(9.0, 3.0, 4.0, None, 6.0, 812.0, 4210.0),
    )  # fmt: skip
    found = replace(
        make_passages(hits, QUESTION),
        evidence=tuple(
            Evidence(i, quote, cited(hits[i], index, 1, quote, 0, 1).span, 0.9)
            for i, quote in ((0, QUOTE), (1, LOG_QUOTE))
        ),
    )
    found = replace(found, timings=Timings(9.0, 3.0, 4.0, None, 6.0, None, 22.0))
    words = text.split(" ")
    return [found, *[Piece((" " if i else "") + word) for i, word in enumerate(words)], answer]


def doubtful_events(index: FakeIndex) -> list[object]:
    """One sentence that a source supports, one whose number none has, one that none says."""
    hits = manual_hits(index)
    one = "Tighten the ten head bolts to 42 Nm in three rounds, from the middle outwards."
    two = "Then add a last turn of [unconfirmed: 90°] after [unconfirmed: 500 km]."
    three = "Most mechanics add a drop of thread lock."
    text = f"{one} {two} {three}"
    start, last = len(one) + 1, len(one) + len(two) + 2
    marks = [
        (text.index(part), text.index(part) + len(part)) for part in ("[unconfirmed: 90°]", "[unconfirmed: 500 km]")
    ]
    loose = (
        AnswerSpan(start, start + len(two), 0.0, None, "number_missing", tuple(marks)),
        AnswerSpan(last, len(text), 0.0, None, "words_not_found"),
    )
    answer = make_answer(
        hits, text, citations=(cited(hits[0], index, 1, QUOTE, 0, len(one)),), unsupported=loose,
        sentences=(AnswerSpan(0, len(one), 0.9, 1), *loose), engine="llama:granite-1b.gguf",
    )  # fmt: skip
    return [replace(make_passages(hits, QUESTION), evidence=()), Piece(text), answer]


def refusal_events(index: FakeIndex) -> list[object]:
    hits = manual_hits(index)
    answer = make_answer(
        hits, "I found nothing about this in your documents.", outcome="abstained", citations=(), unsupported=(),
        engine="none", stats=None, confidence=0.05, timings=Timings(9.0, 3.0, 4.0, None, 6.0, None, 25.0),
    )  # fmt: skip
    found: Passages = replace(make_passages(hits, "Who won the cup?"), evidence=())
    return [found, answer]


def service_of(index: FakeIndex, events: list[object]) -> Service:
    return Service(
        FakePipeline(events), index, FakeSyncer(index), "llama:granite-1b.gguf", "0.1.0", (".pdf", ".txt", ".md")
    )


def hostile_service(folder: Path, payload: str) -> Service:
    """The payload everywhere a document or a model can put words."""
    index = FakeIndex(folder)
    text = f"bolts {payload} bolts"
    row = index.put(
        f"{payload}.txt".replace("/", "_"), payload.encode("utf-8", "replace"), (Page(1, payload, text),),
        title=payload, problems=(PageProblem(1, "broken", payload),),
    )  # fmt: skip
    index.reject(payload, b"", "broken", payload)
    assert row.document_id is not None
    chunk = Chunk(
        f"{row.document_id}-00000", row.document_id, row.path, 0, text, (PageSpan(1, 0, len(text)),), (payload,), 9
    )
    hit = Hit(chunk, 1.0, payload)
    citation = Citation(
        1,
        chunk.id,
        row.document_id,
        row.path,
        payload,
        (1,),
        payload,
        PageSpan(1, 0, len(text)),
        text,
        0,
        len(payload),
        1.0,
    )
    answer: Answer = make_answer(
        (hit,), payload + " end", citations=(citation,), unsupported=(AnswerSpan(len(payload), len(payload) + 4),),
        engine=f"llama:{payload}", reason=payload,
    )  # fmt: skip
    found = replace(
        make_passages((hit,), f"bolts {payload}"), evidence=(Evidence(0, text, PageSpan(1, 0, len(text)), 0.9),)
    )
    return service_of(index, [found, Piece(payload), answer])
