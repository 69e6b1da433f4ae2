"""The Python client against the running service: the same records, the same errors, and nothing but that address."""

from __future__ import annotations

import http.server
import io
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import ragedge
from ragedge import ask_verb
from ragedge.cli import main
from ragedge.contracts import Passages, Piece, Question, Turn
from ragedge.errors import (
    BadQuestion,
    Busy,
    IndexReadOnly,
    InputError,
    ModelMissing,
    NotFound,
    PromptTooLong,
    RagedgeError,
    RemoteFailed,
    TooLarge,
    UnreadableDocument,
    UnsupportedFile,
)
from ragedge.server.settings import ServerSettings, Service
from tests.server.clients import serving
from tests.server.fakes import (
    PAGE_TEXT,
    FakePipeline,
    make_answer,
    make_events,
    make_hit,
    make_passages,
    make_service,
)
from tests.server.test_ask_routes import all_errors

ID = "0123456789abcdef"


@contextmanager
def opened(service: Service, settings: ServerSettings | None = None) -> Iterator[ragedge.Client]:
    with serving(service, settings) as port, ragedge.Client(f"http://127.0.0.1:{port}/", timeout_s=20) as client:
        yield client


def test_an_answer_comes_back_as_the_record_it_was(tmp_path: Path) -> None:
    service = make_service(tmp_path)
    question = Question("and then?", history=(Turn("a", "b"),), top_k=3, temperature=0.0, seed=0, language="de")
    with opened(service) as client:
        assert client.ask("what torque?") == make_answer((make_hit(),))
        client.ask(question)
    assert service.pipeline.questions == [Question("what torque?"), question]  # type: ignore[attr-defined]


def test_a_stream_is_the_pipelines_events(tmp_path: Path) -> None:
    with opened(make_service(tmp_path)) as client:
        events = list(client.stream("what torque?"))
    wanted = make_events()
    assert isinstance(events[0], Passages) and events[0].retrieval == wanted[0].retrieval  # type: ignore[union-attr]
    assert events[0].page_labels == {ID: {"1": "iv"}}  # type: ignore[attr-defined]
    assert events[1:] == wanted[1:]


def test_closing_a_stream_stops_the_answer(tmp_path: Path) -> None:
    service = make_service(tmp_path, [make_events()[0], threading.Event()])
    pipeline = service.pipeline
    assert isinstance(pipeline, FakePipeline)
    with opened(service) as client:
        events = client.stream("q")
        assert isinstance(next(events), Passages)
        assert pipeline.waiting.acquire(timeout=10)  # closed before it, the answer would end without being told to
        events.close()
        assert pipeline.closed.acquire(timeout=10) and pipeline.was_cancelled


def test_a_search_is_passages(tmp_path: Path) -> None:
    service = make_service(tmp_path)
    with opened(service) as client:
        assert client.search("torque", top_k=2).retrieval == make_passages((make_hit(),)).retrieval
        client.search(Question("torque", history=(Turn("a", "b"),), top_k=4))
    assert [question.top_k for question in service.pipeline.questions] == [2, 4]  # type: ignore[attr-defined]


def test_documents_come_go_and_are_read(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("The gasket costs nine euros.\fSecond page.", encoding="utf-8")
    with opened(make_service(tmp_path / "index")) as client:
        added = client.upload(file, name="prices.txt")
        assert (added.document.path, added.document.pages, added.is_duplicate) == ("prices.txt", 2, False)
        page = client.page(added.document.id, 2)
        assert (page.text, page.previous, page.next, page.document) == ("Second page.", 1, None, added.document)
        assert client.page(ID, 1, offset=6, limit=3).text == PAGE_TEXT[6:9]
        listed = client.documents(limit=1)
        assert (listed.total, len(listed.documents), listed.documents[0].title) == (2, 1, "Pump manual")
        assert client.delete(added.document.id) == ("prices.txt",)
        assert client.documents().total == 1
        health = client.health()
        assert (health.status, health.engine, health.queue_limit) == ("ok", "llama:tiny.gguf", 8)


def test_a_rejected_file_is_listed_with_its_reason(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes(b"locked")
    with opened(make_service(tmp_path / "index")) as client:
        with pytest.raises(UnreadableDocument) as caught:
            client.upload(file)
        assert caught.value.reason == "encrypted" and "password" in caught.value.message
        assert [row.reason for row in client.documents().rejected] == ["encrypted"]


@pytest.mark.parametrize("kind", all_errors(), ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("is_streamed", [False, True])
def test_every_error_of_the_product_comes_out_as_itself(
    tmp_path: Path, kind: type[RagedgeError], is_streamed: bool
) -> None:
    error = kind("broken", "what", "do") if kind is UnreadableDocument else kind("what", "do")  # type: ignore[call-arg, arg-type]
    with opened(make_service(tmp_path, [error])) as client, pytest.raises(kind) as caught:
        list(client.stream("q")) if is_streamed else client.ask("q")
    assert type(caught.value) is kind and (caught.value.message, caught.value.hint) == ("what", "do")


def test_refusals_of_the_service_itself_come_out_too(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes(b"x" * 5000)
    other = file.rename(tmp_path / "a.exe").with_name("b.txt")
    other.write_bytes(b"x" * 5000)
    with opened(make_service(tmp_path / "index"), ServerSettings(max_upload_bytes=1024)) as client:
        with pytest.raises(BadQuestion, match="empty"):
            client.ask(" ")
        with pytest.raises(InputError, match="top_k"):
            client.search("x", top_k=51)
        with pytest.raises(NotFound):
            client.page(ID, 99)
        with pytest.raises(TooLarge):
            client.upload(other)
        with pytest.raises(UnsupportedFile):
            client.upload(tmp_path / "a.exe")
        with pytest.raises(InputError, match="cannot be read"):
            client.upload(tmp_path / "none.txt")
    with opened(replace(make_service(tmp_path / "index"), syncer=None)) as client, pytest.raises(IndexReadOnly):
        client.delete(ID)


def test_busy_says_when_to_come_back(tmp_path: Path) -> None:
    with opened(make_service(tmp_path, [Busy("full", "come back", 7)])) as client, pytest.raises(Busy) as caught:
        client.ask("q")
    assert caught.value.retry_after_s == 7


def test_a_failure_in_the_middle_of_a_stream_comes_after_what_was_said(tmp_path: Path) -> None:
    with opened(make_service(tmp_path, [*make_events()[:3], PromptTooLong("too long", "ask less")])) as client:
        events = client.stream("q")
        seen = [next(events) for _ in range(3)]
        assert isinstance(seen[2], Piece)
        with pytest.raises(PromptTooLong):
            next(events)


def test_words_of_the_service_are_kept_for_what_nobody_foresaw(tmp_path: Path) -> None:
    with opened(make_service(tmp_path, [ValueError("x")])) as client, pytest.raises(RemoteFailed, match="inside"):
        client.ask("q")


@pytest.mark.parametrize("document_id", ["", "../index", "a/b", "a?b", "a#b", "ä"])
def test_ids_cannot_lead_to_other_addresses(tmp_path: Path, document_id: str) -> None:
    with ragedge.Client() as client, pytest.raises(InputError, match="not the id"):
        client.delete(document_id)


@pytest.mark.parametrize("url", ["", "box", "box:8321", "ftp://box", "http://", "http://[", "file:///etc/passwd"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(InputError, match="not an address"):
        ragedge.Client(url)


class Stranger(http.server.BaseHTTPRequestHandler):
    """A service that is none of ours: pages, redirects, other JSON."""

    status, body, seen = 200, b"<html>", []  # type: ignore[var-annotated]

    def _answer(self) -> None:
        self.seen.append(self.path)
        self.send_response(self.status)
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    do_GET = do_POST = _answer  # noqa: N815

    def log_message(self, *_: Any) -> None:
        pass


@pytest.mark.parametrize(
    ("status", "body"),
    [(200, b"<html>"), (200, b'{"text": 5}'), (302, b""), (404, b"not here"), (500, b'{"error": "x"}'), (200, b"")],
)
def test_a_service_that_is_none_of_ours_is_an_error_and_no_redirect_is_followed(status: int, body: bytes) -> None:
    handler = type("Now", (Stranger,), {"status": status, "body": body, "seen": []})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with ragedge.Client(f"http://127.0.0.1:{server.server_port}") as client:
            for call in (lambda: client.ask("q"), client.health, client.documents):
                with pytest.raises(RemoteFailed):
                    call()
        server.shutdown()
    assert "/elsewhere" not in handler.seen  # type: ignore[attr-defined]


def test_no_service_is_an_error_with_the_command_that_starts_one() -> None:
    with ragedge.Client("http://127.0.0.1:9") as client:
        for call in (lambda: client.ask("q"), lambda: list(client.stream("q"))):
            with pytest.raises(RemoteFailed, match="cannot be reached") as caught:
                call()
            assert caught.value.hint == "start it: ragedge serve"


def test_a_proxy_of_the_environment_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with opened(make_service(tmp_path)) as client:
        assert client.health().status == "ok"


def test_the_package_loads_the_client_only_when_it_is_used() -> None:
    code = (
        "import sys, ragedge; before = 'httpx' in sys.modules; ragedge.Client; print(before, 'httpx' in sys.modules, "
        "'litestar' in sys.modules, 'numpy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True", "False", "False"]
    with pytest.raises(AttributeError):
        ragedge.Nothing  # noqa: B018


def test_ask_with_an_address_prints_what_the_box_itself_would(tmp_path: Path) -> None:
    service = make_service(tmp_path)
    here, there = io.StringIO(), io.StringIO()
    with opened(service) as client:
        for asked, out in ((service.pipeline, here), (client, there)):
            ask_verb.show(asked, ["what torque?"], out, as_json=False, has_model=True)  # type: ignore[arg-type]
    assert there.getvalue() == here.getvalue()
    assert "42 Nm" in there.getvalue() and "[1] manual.txt, page 1 (printed iv)" in there.getvalue()


def test_the_command_asks_a_service(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serving(make_service(tmp_path)) as port:
        address = f"http://127.0.0.1:{port}"
        assert main(["ask", "--url", address, "what torque?"]) == 0
        assert "42 Nm" in capsys.readouterr().out
        assert main(["ask", "--url", address, "--json", "what torque?"]) == 0
        assert '"outcome":"answered"' in capsys.readouterr().out
        assert main(["ask", "--url", address, "--index", "x", "what torque?"]) == InputError.exit_code
    assert main(["ask", "--url", address, "what torque?"]) == RemoteFailed.exit_code
    assert "ragedge serve" in capsys.readouterr().err


def test_errors_of_the_service_end_the_command_with_their_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(make_service(tmp_path, [ModelMissing("no model", "fetch it")])) as port:
        assert main(["ask", "--url", f"http://127.0.0.1:{port}", "q"]) == ModelMissing.exit_code
    assert "fetch it" in capsys.readouterr().err
