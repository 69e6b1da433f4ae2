"""Fetching a model from a hub: resumed, checked, recorded; whatever goes wrong says what to do."""

from __future__ import annotations

import hashlib
import os
import random
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ragedge.errors import ConfigError, DownloadFailed, ModelCorrupt, ModelError
from ragedge.model_pull import Remote, look_up, pull
from ragedge.model_registry import ModelRecord, Registry
from tests.fake_hub import COMMIT, FakeHub, hub_with
from tests.tiny_gguf import make_tiny_gguf

CHUNK = 10 * 2**20  # the hub's client writes in pieces of this size
CONTENT = random.Random(1).randbytes(2 * CHUNK + 4_321)
WHERE = ("someone/Tiny-GGUF", "tiny-q4_0.gguf")


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with hub_with(CONTENT) as running:
        yield running


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(tmp_path / "models")


def found(hub: FakeHub) -> Remote:
    return look_up(*WHERE, endpoint=hub.endpoint)


def left_over(registry: Registry) -> list[str]:
    return sorted(path.name for path in registry.folder.iterdir() if path.name not in ("models.json", ".lock"))


def test_a_file_is_fetched_checked_and_recorded(hub: FakeHub, registry: Registry) -> None:
    record = pull(registry, "tiny", found(hub), licence="mit")
    assert registry.path_of(record).read_bytes() == CONTENT
    assert (record.sha256, record.size_bytes, record.licence) == (hub.sha256, len(CONTENT), "mit")
    assert record.source == f"someone/Tiny-GGUF/tiny-q4_0.gguf@{COMMIT}" and record.added_at
    assert registry.records() == (record,) and registry.fault(record) == ""
    assert left_over(registry) == ["tiny.gguf"] and hub.ranges() == [None]


def test_a_broken_connection_is_gone_on_with(hub: FakeHub, registry: Registry) -> None:
    hub.cuts = [CHUNK + 1_000_000]
    record = pull(registry, "tiny", found(hub))
    assert registry.path_of(record).read_bytes() == CONTENT
    assert hub.ranges() == [None, f"bytes={CHUNK}-"]


def test_after_a_power_cut_what_has_come_is_not_fetched_again(hub: FakeHub, registry: Registry) -> None:
    registry.folder.mkdir(parents=True)
    (registry.folder / f".{hub.sha256}.part").write_bytes(CONTENT[: CHUNK + 7])
    record = pull(registry, "tiny", found(hub))
    assert registry.path_of(record).read_bytes() == CONTENT
    assert hub.ranges() == [f"bytes={CHUNK + 7}-"] and left_over(registry) == ["tiny.gguf"]


def test_what_is_here_is_not_fetched_again_and_nothing_of_another_model_is_written_over(
    hub: FakeHub, registry: Registry, tmp_path: Path
) -> None:
    record = pull(registry, "tiny", found(hub))
    assert pull(registry, "tiny", found(hub)) == record and len(hub.ranges()) == 1
    registry.path_of(record).write_bytes(b"damaged")
    assert registry.path_of(pull(registry, "tiny", found(hub))).read_bytes() == CONTENT and len(hub.ranges()) == 2
    (tmp_path / "own.gguf").write_bytes(b"mine")
    registry.add(tmp_path / "own.gguf", "own")
    with pytest.raises(ConfigError, match="already") as caught:
        pull(registry, "own", found(hub))
    assert "--as" in caught.value.hint and registry.path_of(registry.get("own")).read_bytes() == b"mine"


def test_a_part_that_is_too_long_is_begun_anew(hub: FakeHub, registry: Registry) -> None:
    registry.folder.mkdir(parents=True)
    (registry.folder / f".{hub.sha256}.part").write_bytes(CONTENT + b"more")
    assert registry.path_of(pull(registry, "tiny", found(hub))).read_bytes() == CONTENT


def test_a_part_that_was_damaged_is_noticed_thrown_away_and_the_next_try_is_right(
    hub: FakeHub, registry: Registry
) -> None:
    registry.folder.mkdir(parents=True)
    (registry.folder / f".{hub.sha256}.part").write_bytes(b"x" * CHUNK)
    with pytest.raises(ModelCorrupt, match=hub.sha256):
        pull(registry, "tiny", found(hub))
    assert left_over(registry) == [] and registry.records() == ()
    assert registry.path_of(pull(registry, "tiny", found(hub))).read_bytes() == CONTENT


def test_a_hub_that_gives_something_else_than_it_names_is_noticed(hub: FakeHub, registry: Registry) -> None:
    hub.sha256 = hashlib.sha256(b"another").hexdigest()
    with pytest.raises(ModelCorrupt) as caught:
        pull(registry, "tiny", found(hub))
    assert "HF_ENDPOINT" in caught.value.hint and left_over(registry) == []


def test_a_file_that_is_not_the_one_that_was_wanted_is_not_even_fetched(hub: FakeHub, registry: Registry) -> None:
    with pytest.raises(ModelCorrupt, match="0" * 64):
        pull(registry, "tiny", found(hub), sha256="0" * 64)
    assert hub.ranges() == []


def test_a_token_goes_to_the_hub_and_never_to_the_storage(
    hub: FakeHub, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    pull(registry, "tiny", found(hub))
    tokens = {path.split("/")[1]: token for _, path, _, token in hub.requests}
    assert tokens == {"someone": "Bearer hf_secret", "storage": None}


@pytest.mark.parametrize(
    ("refusal", "message", "hint"),
    [
        ("gated", "licence", "HF_TOKEN"),
        ("no-repo", "the hub has no", "check the names"),
        ("no-file", "the hub has no", "check the names"),
    ],
)
def test_a_refusal_says_what_to_do(hub: FakeHub, refusal: str, message: str, hint: str) -> None:
    hub.refusal = refusal
    with pytest.raises(DownloadFailed, match=message) as caught:
        found(hub)
    assert hint in caught.value.hint


def test_a_server_in_trouble_and_one_that_names_no_sum_are_told_apart(hub: FakeHub) -> None:
    hub.status = 500
    with pytest.raises(DownloadFailed, match="500"):
        found(hub)
    hub.status, hub.names_sha256 = 0, False
    with pytest.raises(DownloadFailed, match="names no sha256"):
        found(hub)


def test_without_a_network_it_says_so_and_how_to_go_on_without() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    with pytest.raises(DownloadFailed, match="cannot be reached") as caught:
        look_up(*WHERE, endpoint=f"http://127.0.0.1:{port}")
    assert "ragedge models add" in caught.value.hint and "HF_ENDPOINT" in caught.value.hint


def test_a_name_that_is_no_name_and_a_repository_that_is_none_are_refused(hub: FakeHub, registry: Registry) -> None:
    for name in ("../evil", "", ".hidden", "a/b", "x" * 200):
        with pytest.raises(ConfigError):
            pull(registry, name, found(hub))
    with pytest.raises(DownloadFailed, match="not a repository"):
        look_up("a//b", "x.gguf", endpoint=hub.endpoint)


def test_what_does_not_fit_on_the_disk_is_refused_before_it_is_fetched(hub: FakeHub, registry: Registry) -> None:
    remote = found(hub)
    huge = Remote(remote.repository, remote.file, remote.revision, remote.url, remote.location, remote.sha256, 2**60)
    with pytest.raises(ModelError, match="MB left"):
        pull(registry, "tiny", huge)
    assert hub.ranges() == []


def test_the_command_fetches_from_the_endpoint_that_the_environment_names(tmp_path: Path) -> None:
    content = make_tiny_gguf(tmp_path / "made.gguf", "recite").read_bytes()
    config = tmp_path / "box.toml"
    config.write_text(f'indexes_folder = "{tmp_path}/indexes"\n[answer]\nmodel = "" # who speaks\n')
    # an embedder that was loaded in this process goes off line for good; who types the command has not
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_OFFLINE")}

    def ragedge(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "ragedge", "--config", str(config), "models", *arguments],
            cwd=Path(__file__).parents[1], env={**environment, "HF_ENDPOINT": hub.endpoint}, capture_output=True,
            text=True, check=False, timeout=120,
        )  # fmt: skip

    with hub_with(content) as hub:
        done = ragedge("pull", "qwen2.5-0.5b")
        assert done.returncode == 0, done.stderr
        path = "/bartowski/Qwen2.5-0.5B-Instruct-GGUF/resolve/main/Qwen2.5-0.5B-Instruct-Q4_K_M.gguf"
        # nothing else is asked, and nothing is told about this box but the client's name
        assert [request[:2] for request in hub.requests] == [("HEAD", path), ("GET", f"/storage/{hub.sha256}")]
        assert all("torch" not in agent and "agent/" not in agent for agent in hub.agents)
        assert ragedge("pull", "someone/Other-GGUF", "other.gguf", "--as", "mine").returncode == 0
        assert ragedge("use", "mine").returncode == 0
        hub.content = b"no model at all" * 100
        hub.sha256 = hashlib.sha256(hub.content).hexdigest()
        useless = ragedge("pull", "someone/Useless", "useless.gguf")
        assert useless.returncode == 5 and "not a usable GGUF model" in useless.stderr
        listed = ragedge("list")
    assert 'model = "mine" # who speaks' in config.read_text()
    assert (
        "useless" not in listed.stdout
        and "* mine" in listed.stdout
        and "qwen2.5-0.5b" in listed.stdout
        and "lfm2-350m" in listed.stdout
    )
    assert ragedge("verify").returncode == 0
    (tmp_path / "indexes" / ".models" / "language" / "mine.gguf").write_bytes(b"changed")
    damaged = ragedge("verify")
    assert damaged.returncode == 5 and "mine: its sha256 is" in damaged.stdout
    refused = ragedge("pull", "llama-3.2-1b")  # nobody is there any more
    assert refused.returncode == 5 and "cannot be reached" in refused.stderr
    assert ModelRecord("mine", "mine.gguf", "", 0).is_linked is False
