"""Payloads where no browser looks: reply headers, links in Markdown, the terminal, the exported table."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from ragedge import terminal
from ragedge.contracts import AnswerSpan, Page
from ragedge.errors import NotFound
from ragedge.index.store import FileRow
from ragedge.ingest.progress import SyncReport
from ragedge.journal import Entry
from ragedge.journal_verbs import as_csv
from ragedge.server.chat import footer
from tests.payloads import PAYLOADS, named
from tests.server.clients import raw_request, read_until, serving
from tests.server.fakes import FakeIndex, make_answer, make_hit, make_passages, make_service


def headers_of(port: int, path: str) -> list[bytes]:
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close".encode()
    with raw_request(port, request) as connection:
        head = read_until(connection, b"\r\n\r\n").split(b"\r\n\r\n")[0]
    return head.split(b"\r\n")


def test_there_are_150_and_more() -> None:
    assert len(set(PAYLOADS)) >= 150


def test_a_file_name_is_one_value_of_one_header(tmp_path: Path) -> None:
    service = make_service(tmp_path)
    index = service.index
    assert isinstance(index, FakeIndex)
    plain, shapes = None, set()
    with serving(service) as port:
        for number, payload in enumerate(["plain.txt", *PAYLOADS]):
            document = f"{number:016x}"
            index.put(payload, payload.encode("utf-8", "replace"), (Page(1, None, "x"),), document_id=document)
            status, *lines = headers_of(port, f"/v1/documents/{document}/file")
            assert status == b"HTTP/1.1 200 OK", payload
            names = sorted(line.split(b":")[0].lower() for line in lines)
            shapes.add(tuple(names))
            (disposition,) = [line for line in lines if line.lower().startswith(b"content-disposition:")]
            kind = re.fullmatch(rb"content-disposition: attachment; filename(?:\*=utf-8''|=)(.*)", disposition, re.I)
            assert kind is not None, disposition
            assert not set(kind[1].strip(b'"')) & set(b'"/\\;\r\n\x00<>'), disposition
            if payload == "plain.txt":
                plain = unquote(kind[1].decode().strip('"'))
    assert plain == "plain.txt" and len(shapes) == 1, "no name adds a header"


def test_no_title_ends_a_link_of_the_markdown_that_other_clients_draw() -> None:
    link = re.compile(
        r"(?:\d+\.|-) \[[^\[\]()<>`\n]*\]\(http://127\.0\.0\.1:8321/source/[0-9a-f]{16}/1(?:\?start=\d+&end=\d+#quote)?\)"
    )
    for number, payload in enumerate(PAYLOADS):
        hit = make_hit(title=named(number), path=payload)
        answer = make_answer((hit,))
        for shown in (answer, replace(answer, citations=()), replace(answer, hits=(make_hit(title="", path=payload),))):
            lines = footer(shown, "http://127.0.0.1:8321").strip().split("\n")
            heads = ("", "Sources:", "Closest passages:")
            assert [line for line in lines if line not in heads and not link.fullmatch(line)] == [], payload


def on_terminal(show: Any, *values: Any) -> str:
    out = io.StringIO()
    show(*values, out)
    return out.getvalue()


@pytest.mark.parametrize("start", range(0, len(PAYLOADS), 40))
def test_the_terminal_gets_printed_characters_alone(start: int) -> None:
    for number in range(start, min(start + 40, len(PAYLOADS))):
        words, payload = named(number), PAYLOADS[number]
        hit = make_hit(title=words, path=payload, text=words)
        hit = replace(hit, chunk=replace(hit.chunk, headings=(payload, words)))
        answer = make_answer((hit,), f"{words}. {payload}", engine=payload, reason=payload, short=words)
        citation = replace(answer.citations[0], quote=payload, page_label=payload, document_path=payload)
        answer = replace(answer, citations=(citation,), unsupported=(AnswerSpan(0, len(answer.text)),))
        row = FileRow(payload, 1, 1, "0" * 64, None, "broken", payload)
        report = SyncReport(rejected=(row,), seconds=1.0)
        shown = [
            on_terminal(terminal.show_answer, answer),
            on_terminal(terminal.show_answer, replace(answer, outcome="unsure")),
            on_terminal(terminal.show_passages, make_passages((hit,), payload)),
            on_terminal(terminal.show_report, report),
            on_terminal(terminal.show_error, NotFound(payload, payload)),
            terminal.plain_piece(words),
        ]
        for text in shown:
            strange = [c for c in text if c != "\n" and not c.isprintable()]
            assert strange == [], (number, strange)
            assert f"Part{number}x" in shown[0] and f"Part{number}x" in shown[-1]


def test_no_cell_of_the_exported_table_is_a_formula_and_no_row_ends_early() -> None:
    entries = [Entry("2026-01-01", p, "answered", 0.5, p, p, 1, "down", p) for p in PAYLOADS]
    text = as_csv(entries)
    rows = list(csv.reader(io.StringIO(text.encode("utf-8", "replace").decode(), newline="")))
    assert len(rows) == len(PAYLOADS) + 1 and {len(row) for row in rows} == {11}
    for row in rows[1:]:
        for cell in row:
            assert not re.match(r"\s*[=+\-@]", cell.lstrip("\ufeff\u200b\x00")), cell
