"""The MCP server as an assistant's program sees it: started as a process, spoken to by the protocol's own client."""

from __future__ import annotations

import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client, StdioServerParameters, stdio_client

from ragedge.cli import main
from ragedge.contracts import Page
from ragedge.errors import Busy, PackageMissing
from ragedge.mcp_server import Here, make_server
from ragedge.server.settings import Service
from tests.server.clients import serving
from tests.server.fakes import PAGE_TEXT, QUOTE, FakePipeline, make_answer, make_hit, make_passages, make_service
from tests.server.test_openai import refusal

REPO = Path(__file__).parent.parent
ID = "0123456789abcdef"
MANUAL = "# Pump\n\nThe pump head bolts take 12 Nm, tightened crosswise in two steps.\n"


class FullPipeline(FakePipeline):
    """With `ask`, as the real one has it."""

    def ask(self, question: Any) -> Any:
        return list(self.stream(question))[-1]


def talk(target: Any, work: Callable[[Client], Awaitable[None]]) -> None:
    async def run() -> None:
        with anyio.fail_after(60):
            async with Client(target) as client:
                await work(client)

    anyio.run(run)


def here(tmp_path: Path, events: list[object] | None = None) -> Any:
    service: Service = make_service(tmp_path, events)
    return make_server(Here(FullPipeline(events), service.index))


def process(*arguments: str, folder: Path = REPO) -> Any:
    command = ["-m", "ragedge", *arguments]
    environment = {"PYTHONPATH": str(REPO), "PATH": os.environ["PATH"]}
    return stdio_client(StdioServerParameters(command=sys.executable, args=command, cwd=folder, env=environment))


async def said(client: Client, tool: str, **arguments: Any) -> tuple[str, Any, bool]:
    result = await client.call_tool(tool, arguments)
    return result.content[0].text, result.structured_content, bool(result.is_error)  # type: ignore[union-attr]


def test_an_assistant_finds_asks_and_reads_over_stdin_and_stdout(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "pump.md").write_text(MANUAL, encoding="utf-8")
    (tmp_path / "c.toml").write_text('[embedder]\nkind = "llama"\n', encoding="utf-8")
    before = Path.cwd()
    os.chdir(tmp_path)
    try:
        assert main(["--config", "c.toml", "ingest", "docs"]) == 0
    finally:
        os.chdir(before)

    async def work(client: Client) -> None:
        tools = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert set(tools) == {"search", "ask", "open_page"}
        assert all(tool.annotations is not None and tool.annotations.read_only_hint for tool in tools.values())
        text, view, is_error = await said(client, "ask", question="How tight are the pump head bolts?")
        assert not is_error and view["outcome"] == "answered" and "12 Nm" in view["text"]
        citation = view["citations"][0]
        assert f"document_id {citation['document_id']}" in text and "page 1" in text
        text, view, _ = await said(client, "open_page", document_id=citation["document_id"], page=1)
        span = citation["span"]
        assert view["text"][span["start"] : span["end"]] == citation["quote"] and citation["quote"] in text
        text, view, _ = await said(client, "search", query="head bolts", limit=1)
        assert view["passages"][0]["document_path"] == "pump.md" and "12 Nm" in text

    talk(process("--config", "c.toml", "mcp", folder=tmp_path), work)


def test_a_running_service_can_stand_behind_it(tmp_path: Path) -> None:
    async def work(client: Client) -> None:
        _, view, _ = await said(client, "ask", question="what torque?")
        assert view["text"] == make_answer((make_hit(),)).text
        _, view, _ = await said(client, "search", query="torque")
        assert view["passages"][0]["pages"] == [1]
        _, view, _ = await said(client, "open_page", document_id=ID, page=2)
        assert (view["text"], view["title"], view["pages"]) == ("The second page.", "Pump manual", 2)
        text, _, is_error = await said(client, "open_page", document_id="../index", page=1)
        assert (is_error and "ids and pages" in text) or "not the id" in text

    with serving(make_service(tmp_path)) as port:
        talk(process("mcp", "--url", f"http://127.0.0.1:{port}"), work)


def test_sources_and_what_none_supports_are_named(tmp_path: Path) -> None:
    async def work(client: Client) -> None:
        text, view, _ = await said(client, "ask", question="what torque?")
        assert text.startswith("Outcome: answered.") and f'"{QUOTE}"' in text
        assert "No source supports: They are blue." in text
        assert view["unsupported"] and view["closest"][0]["document_id"] == ID

    talk(here(tmp_path), work)


def test_a_refusal_is_an_outcome_and_no_error(tmp_path: Path) -> None:
    async def work(client: Client) -> None:
        text, view, is_error = await said(client, "ask", question="x")
        assert not is_error and view["outcome"] == "abstained" and "Outcome: abstained." in text

    talk(here(tmp_path, refusal()), work)


def test_a_search_runs_the_first_step_alone(tmp_path: Path) -> None:
    pipeline = FullPipeline([make_passages((make_hit(),)), AssertionError("an answer was begun")])
    service = make_service(tmp_path)

    async def work(client: Client) -> None:
        _, view, is_error = await said(client, "search", query="x", limit=3)
        assert not is_error and len(view["passages"]) == 1

    talk(make_server(Here(pipeline, service.index)), work)
    assert pipeline.questions[0].top_k == 3 and pipeline.open_count == 0


def test_errors_come_with_their_hint_and_the_server_lives_on(tmp_path: Path) -> None:
    async def work(client: Client) -> None:
        for _ in range(2):
            text, _, is_error = await said(client, "ask", question="x")
            assert is_error and "full: come back" in text
        text, _, is_error = await said(client, "open_page", document_id="nope")
        assert is_error and "ids and pages that search and ask give" in text
        _, _, is_error = await said(client, "open_page", document_id=ID, page=0)
        assert is_error

    talk(here(tmp_path, [Busy("full", "come back")]), work)


def test_a_long_page_comes_in_windows_that_say_how_to_go_on(tmp_path: Path) -> None:
    service = make_service(tmp_path)
    book = "a" * 20_000 + "b" * 5_000
    service.index.put("book.txt", b"book", (Page(1, None, book),), document_id="f" * 16)  # type: ignore[attr-defined]

    async def work(client: Client) -> None:
        text, view, _ = await said(client, "open_page", document_id="f" * 16)
        assert view["text"] == book[:20_000] and text.endswith("[goes on: offset=20000]")
        text, view, _ = await said(client, "open_page", document_id="f" * 16, offset=20_000)
        assert view["text"] == book[20_000:] and "goes on" not in text

    talk(make_server(Here(FullPipeline(), service.index)), work)


def test_text_that_is_no_unicode_does_not_end_the_connection(tmp_path: Path) -> None:
    hits = (make_hit(text=PAGE_TEXT + "\ud800"),)

    async def work(client: Client) -> None:
        text, view, is_error = await said(client, "search", query="x")
        assert not is_error and PAGE_TEXT in text
        assert f"{text}{view}".encode()

    talk(here(tmp_path, [make_passages(hits)]), work)


def test_without_the_package_the_command_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delitem(sys.modules, "ragedge.mcp_server", raising=False)
    monkeypatch.delattr("ragedge.mcp_server", raising=False)
    for name in [name for name in sys.modules if name == "mcp" or name.startswith("mcp.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [Absent(), *sys.meta_path])
    assert main(["mcp"]) == PackageMissing.exit_code
    assert 'pip install "ragedge[mcp]"' in capsys.readouterr().err


class Absent:
    """An import system in which the package mcp is not installed."""

    def find_spec(self, name: str, *_: Any) -> None:
        if name == "mcp":
            raise ModuleNotFoundError("No module named 'mcp'", name="mcp")
