"""A model on another server: what is sent, what comes back, and every way in which that can fail."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ragedge.answer.remote import RemoteGenerator
from ragedge.assemble import make_generator
from ragedge.config import Config, load_config
from ragedge.contracts import ModelStats, Piece, Prompt, Sampling
from ragedge.errors import Busy, ConfigError, RemoteFailed
from tests.fake_openai import FakeOpenAI, openai_server

PROMPT = Prompt("Answer from the sources.", "[1] Manual Prime the pump before the first start.\ud800", (), 0)
SAID = "Prime the pump before the first start."


@pytest.fixture
def server() -> Iterator[FakeOpenAI]:
    with openai_server() as running:
        yield running


@pytest.fixture
def generator(server: FakeOpenAI) -> Iterator[RemoteGenerator]:
    made = RemoteGenerator(server.url, "tiny", api_key="sk-secret", timeout_s=30)
    yield made
    made.close()


def never() -> bool:
    return False


def ask(generator: RemoteGenerator, sampling: Sampling | None = None) -> list[Piece | ModelStats]:
    return list(generator.stream(PROMPT, sampling or Sampling(max_tokens=50), never))


def test_the_answer_comes_in_pieces_with_the_servers_counts(generator: RemoteGenerator) -> None:
    *pieces, stats = ask(generator)
    assert len(pieces) == 7 and "".join(p.text for p in pieces if isinstance(p, Piece)).startswith(SAID[:-1])
    assert isinstance(stats, ModelStats)
    assert (stats.eval_count, stats.prompt_eval_cached_count) == (7, 3) and stats.prompt_eval_count > 20
    assert stats.prompt_eval_duration > 0 and stats.total_duration >= stats.eval_duration
    assert generator.name == "remote:tiny"


def test_what_is_sent_is_the_prompt_the_settings_and_the_key(generator: RemoteGenerator, server: FakeOpenAI) -> None:
    ask(generator, Sampling(max_tokens=5, temperature=0.5, seed=7))
    ((path, headers, body),) = server.requests
    assert path == "/v1/chat/completions" and headers["Authorization"] == "Bearer sk-secret"
    assert body["messages"][0] == {"role": "system", "content": "Answer from the sources."}
    assert (body["model"], body["max_tokens"], body["temperature"], body["seed"], body["stream"]) == (
        "tiny", 5, 0.5, 7, True,
    )  # fmt: skip


def test_without_a_key_none_is_sent(server: FakeOpenAI) -> None:
    ask(RemoteGenerator(server.url + "/", "tiny"))
    assert server.requests[0][0] == "/v1/chat/completions" and "Authorization" not in server.requests[0][1]


@pytest.mark.parametrize(
    ("trouble", "message", "hint"),
    [
        ("key", "status 401.*Incorrect API key", "api_key_env"),
        ("model", 'no model "tiny"', "model"),
        ("crash", "status 500: out of memory", "log"),
        ("redirect", "status 302", "log"),
        ("cut", "broke its answer off", "again"),
        ("garbage", "no answer", "OpenAI-compatible"),
        ("wrong type", "no answer", "OpenAI-compatible"),
        ("error event", "the slot is gone", "log"),
        ("not a stream", "does not stream", "OpenAI-compatible"),
    ],
)
def test_each_failure_says_what_happened_and_the_next_answer_is_right(
    generator: RemoteGenerator, server: FakeOpenAI, trouble: str, message: str, hint: str
) -> None:
    server.trouble = trouble
    with pytest.raises(RemoteFailed, match=message) as caught:
        ask(generator)
    assert hint in caught.value.hint and caught.value.http_status == 502
    assert "sk-secret" not in caught.value.message + caught.value.hint
    server.trouble = ""
    assert len(ask(generator)) == 8


def test_a_busy_server_says_when_to_come_back(generator: RemoteGenerator, server: FakeOpenAI) -> None:
    server.trouble = "busy"
    with pytest.raises(Busy, match="slow down") as caught:
        ask(generator)
    assert caught.value.retry_after_s == 7


@pytest.mark.parametrize("trouble", ["silent", "stops"])
def test_a_server_that_says_nothing_is_given_up(server: FakeOpenAI, trouble: str) -> None:
    server.trouble = trouble
    with pytest.raises(RemoteFailed, match=r"said nothing for 0\.2 s"):
        ask(RemoteGenerator(server.url, "tiny", timeout_s=0.2))


def test_a_server_that_is_not_there_is_said_so() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    with pytest.raises(RemoteFailed, match="cannot be reached") as caught:
        ask(RemoteGenerator(f"http://127.0.0.1:{port}/v1", "tiny"))
    assert "url" in caught.value.hint


def test_a_cancel_closes_the_connection(generator: RemoteGenerator, server: FakeOpenAI) -> None:
    server.trouble = "endless"
    stream = generator.stream(PROMPT, Sampling(max_tokens=100_000), never)
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    assert server.hung_up.acquire(timeout=30)


def test_a_silent_server_can_be_cancelled(generator: RemoteGenerator, server: FakeOpenAI) -> None:
    server.trouble = "silent"
    looks = iter([False, False, False])
    (stats,) = generator.stream(PROMPT, Sampling(), lambda: next(looks, True))
    assert isinstance(stats, ModelStats) and stats.eval_count == 0


def test_a_server_that_never_stops_is_cut_off(generator: RemoteGenerator, server: FakeOpenAI) -> None:
    server.trouble = "endless"
    *pieces, stats = ask(generator, Sampling(max_tokens=10))
    assert isinstance(stats, ModelStats)
    assert 640 <= sum(len(p.text) for p in pieces if isinstance(p, Piece)) < 700
    assert server.hung_up.acquire(timeout=30)


@pytest.mark.parametrize("url", ["", "localhost:8080", "ftp://x/v1", "http://", "file:///etc/passwd"])
def test_what_is_no_address_is_refused_at_once(url: str) -> None:
    with pytest.raises(ConfigError, match="address"):
        RemoteGenerator(url, "tiny")


# ------------------------------------------------------------------------------------------------- by config


def test_it_is_used_only_where_the_config_says_so(
    server: FakeOpenAI, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "box.toml"
    path.write_text(
        f'indexes_folder = "{tmp_path}"\n[answer]\nkind = "remote"\nurl = "{server.url}"\nmodel = "tiny"\n'
        'api_key_env = "THE_KEY"\n'
    )
    config = load_config(path)
    monkeypatch.delenv("THE_KEY", raising=False)
    with pytest.raises(ConfigError, match="THE_KEY"):
        make_generator(config)
    monkeypatch.setenv("THE_KEY", "sk-from-env")
    generator = make_generator(config)
    assert generator is not None and generator.name == "remote:tiny"
    list(generator.stream(PROMPT, Sampling(max_tokens=3), never))
    assert server.requests[0][1]["Authorization"] == "Bearer sk-from-env"
    auto = replace(config, answer=replace(config.answer, kind="auto"))
    assert make_generator(auto) is None and make_generator(Config(indexes_folder=str(tmp_path))) is None
