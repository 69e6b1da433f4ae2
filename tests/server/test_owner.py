"""Settings and keys over HTTP: kept in the config file, in effect at once or said to wait, and for owners alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from ragedge.answer.gate import Thresholds
from ragedge.answer.phrases import REFUSALS
from ragedge.ask import AskSettings, Pipeline
from ragedge.assemble import Box
from ragedge.config import Config, load_config
from ragedge.index.store import Index
from ragedge.journal import Journal
from ragedge.keys import KeyFile
from ragedge.model_registry import Registry
from ragedge.parts import PartedPipeline, Parts
from ragedge.search.collections import Collections
from ragedge.search.retriever import Retriever
from ragedge.server.access import Access
from ragedge.server.boxed import make_app
from tests.fakes import HashEmbedder
from tests.server.clients import BASE
from tests.server.collected import SETTINGS, fill
from tests.tiny_gguf import make_tiny_gguf

TEXT = """# our box
[server]
title = "Old title"   # on the page
"""


@contextmanager
def boxed(
    folder: Path, *, has_file: bool = True, has_keys: bool = False, text: str = TEXT, more: Config | None = None
) -> Iterator[tuple[TestClient[Litestar], Path, Box]]:
    """A service as `ragedge serve` makes it, over fakes of the models; journal on."""
    file = folder / "ragedge.toml"
    file.write_text(f'indexes_folder = "{folder}"\n{text}')
    config = more or load_config(file)
    embedder = HashEmbedder()
    with Index.open(folder / "index", SETTINGS, mode="write", create=True) as index:
        fill(index, embedder, folder, is_bare=True)
        asking = AskSettings(thresholds=Thresholds(bias=-100.0))
        journal = Journal(folder / "journal.db") if config.journal.enabled else None

        def over(part: Any, now: Pipeline) -> Pipeline:
            return Pipeline(part, Retriever(part, embedder, top_k=now.retriever.top_k), embedder, None, now.settings)

        pipeline = PartedPipeline(
            index, Retriever(index, embedder), embedder, None, asking,
            journal=journal, parts=Parts(index, Collections()), make=over,
        )  # fmt: skip
        box = Box(config, embedder, index, None, pipeline, False, journal)
        access = None
        if has_keys:
            keys = KeyFile(folder / ".keys.json")
            keys.add("boss", "owner")
            access = Access(keys, clock=lambda: 1.7e9)
        app = make_app(box, access, file if has_file else None)
        with TestClient(app, base_url=BASE, raise_server_exceptions=False) as client:
            yield client, file, box
        if journal is not None:
            journal.close()


def patched(client: TestClient[Litestar], **changes: object) -> Any:
    return client.patch("/v1/settings", json=changes)


def test_a_change_is_kept_in_the_file_with_its_comments_and_works_at_once(tmp_path: Path) -> None:
    with boxed(tmp_path) as (client, file, _):
        before = client.get("/v1/settings").json()
        assert before["settings"]["title"] == "Old title" and before["after_restart"] == []
        reply = patched(client, title="Ask the workshop", questions=["How tight?"], language="de", top_k=1)
        assert reply.status_code == 200 and reply.json()["after_restart"] == []
        assert 'title = "Ask the workshop"   # on the page' in file.read_text() and "# our box" in file.read_text()
        shown = client.get("/v1/index").json()
        assert (shown["title"], shown["questions"]) == ("Ask the workshop", ["How tight?"])
        answer = client.post("/v1/ask", json={"text": "Who won the cup with the pump?"}).json()
        assert answer["text"] == REFUSALS["de"] and len(answer["hits"]) == 1
        assert load_config(file).language == "de" and client.get("/v1/settings").json()["settings"]["top_k"] == 1


def test_the_journal_stops_at_once_and_goes_on(tmp_path: Path) -> None:
    def ask(client: TestClient[Litestar]) -> dict[str, Any]:
        return dict(client.post("/v1/ask", json={"text": "How tight are the bolts?"}).json())

    with boxed(tmp_path) as (client, _, box):
        assert "question_id" in ask(client)
        assert patched(client, journal=False).json()["after_restart"] == []
        assert "question_id" not in ask(client) and box.pipeline.journal is None
        assert patched(client, journal=True).json()["after_restart"] == []
        assert "question_id" in ask(client)


def test_what_needs_a_new_start_says_so(tmp_path: Path) -> None:
    with boxed(tmp_path, text="[journal]\nenabled = false\n") as (client, file, _):
        model = make_tiny_gguf(tmp_path / "small.gguf")
        Registry(load_config(file).language_models_folder).add(model, "small")
        assert client.get("/v1/settings").json()["models"] == ["small"]
        reply = patched(client, journal=True, model="small", evidence_model="off").json()
        assert set(reply["after_restart"]) == {"journal", "model", "evidence_model"}
        assert set(client.get("/v1/settings").json()["after_restart"]) == {"journal", "model", "evidence_model"}
        assert "question_id" not in client.post("/v1/ask", json={"text": "How tight?"}).json()
        assert load_config(file).answer.model == "small"
        assert patched(client, journal=False, model="", evidence_model="packaged").json()["after_restart"] == []


def test_a_file_changed_by_hand_is_seen_and_kept(tmp_path: Path) -> None:
    with boxed(tmp_path) as (client, file, _):
        file.write_text(file.read_text().replace("Old title", "By hand"))
        found = client.get("/v1/settings").json()
        assert found["settings"]["title"] == "By hand" and found["after_restart"] == ["title"]
        assert patched(client, top_k=3).json()["settings"]["title"] == "By hand"


@pytest.mark.parametrize(
    "changes",
    [
        {}, {"title": ""}, {"title": "a\nb"}, {"top_k": 0}, {"top_k": 51}, {"journal": "perhaps"},
        {"language": "../x"}, {"language": ""}, {"questions": [""]}, {"questions": ["x"] * 21}, {"host": "0.0.0.0"},
        {"model": "/etc/passwd"}, {"model": "absent"}, {"evidence_model": "/tmp"}, {"max_answer_tokens": 0},
        {"title": "x" * 201}, {"server": {"lan": True}}, {"readers": "guest"}, {"title": None},
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_and_the_file_stays(tmp_path: Path, changes: dict[str, object]) -> None:
    with boxed(tmp_path) as (client, file, _):
        before = file.read_bytes()
        reply = client.patch("/v1/settings", json=changes)
        assert reply.status_code == 400 and reply.json()["error"]["message"], reply.text
        assert file.read_bytes() == before and client.get("/v1/index").json()["title"] == "Old title"


def test_more_passages_than_candidates_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    with boxed(tmp_path, text="[search]\ncandidates = 10\n") as (client, file, _):
        assert patched(client, top_k=11).status_code == 400 and load_config(file).search.top_k == 8


def test_without_a_config_file_it_says_how_to_start_with_one(tmp_path: Path) -> None:
    with boxed(tmp_path, has_file=False) as (client, file, _):
        before = file.read_bytes()
        assert client.get("/v1/settings").json()["file"] == ""
        reply = patched(client, title="x")
        assert reply.status_code == 403 and "ragedge --config" in reply.json()["error"]["hint"]
        assert file.read_bytes() == before


def test_where_a_kiosk_makes_everybody_the_owner_there_are_no_settings(tmp_path: Path) -> None:
    with boxed(tmp_path, text="[kiosk]\nenabled = true\n") as (client, _, _):
        assert patched(client, title="x").status_code == 404
        for path in ("/v1/settings", "/v1/keys"):
            assert client.get(path).status_code == 404


def test_another_site_cannot_change_settings(tmp_path: Path) -> None:
    with boxed(tmp_path) as (client, file, _):
        before = file.read_bytes()
        for headers in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
            assert client.patch("/v1/settings", json={"title": "x"}, headers=headers).status_code == 403
        form = {"content": b'{"title":"x"}', "headers": {"Content-Type": "text/plain"}}
        assert client.patch("/v1/settings", **form).status_code == 415
        assert file.read_bytes() == before


def test_keys_are_made_listed_and_taken_away(tmp_path: Path) -> None:
    with boxed(tmp_path, has_keys=True) as (client, _, box):
        file = KeyFile(tmp_path / ".keys.json")
        _, owner = file.add("second", "owner")
        headers = {"Authorization": f"Bearer {owner}"}
        made = client.post("/v1/keys", json={"name": "desk", "role": "curator"}, headers=headers)
        assert made.status_code == 201 and made.json()["key"]["role"] == "curator"
        token = made.json()["token"]
        own = {"Authorization": f"Bearer {token}"}
        assert client.get("/v1/index", headers=own).json()["can_change"] is False  # a reader's box
        assert client.get("/v1/keys", headers=own).status_code == 403
        listed = client.get("/v1/keys", headers=headers)
        assert [(key["name"], key["is_own"]) for key in listed.json()["keys"]] == [
            ("boss", False), ("second", True), ("desk", False)
        ]  # fmt: skip
        assert token not in listed.text and "digest" not in listed.text
        assert client.post("/v1/keys", json={"name": "desk"}, headers=headers).status_code == 400
        for body in ({"name": "../x"}, {"name": ""}, {"name": "x", "role": "root"}, {"role": "visitor"}):
            assert client.post("/v1/keys", json=body, headers=headers).status_code == 400
        assert client.delete(f"/v1/keys/{made.json()['key']['id']}", headers=headers).status_code == 200
        assert client.get("/v1/index", headers=own).status_code == 401
        assert client.delete(f"/v1/keys/{made.json()['key']['id']}", headers=headers).status_code == 404
        ids = {key["name"]: key["id"] for key in client.get("/v1/keys", headers=headers).json()["keys"]}
        assert client.delete(f"/v1/keys/{ids['boss']}", headers=headers).status_code == 200
        last = client.delete(f"/v1/keys/{ids['second']}", headers=headers)
        assert last.status_code == 400 and "ragedge keys revoke" in last.json()["error"]["hint"]
        assert client.get("/v1/keys", headers=headers).status_code == 200
        assert box is not None


def test_on_this_machine_alone_there_are_no_keys(tmp_path: Path) -> None:
    with boxed(tmp_path) as (client, _, _):
        reply = client.get("/v1/keys")
        assert reply.status_code == 404 and "--lan" in reply.json()["error"]["hint"]


def test_a_file_that_cannot_be_written_is_said_and_nothing_changes(tmp_path: Path, monkeypatch: Any) -> None:
    with boxed(tmp_path) as (client, file, _):
        before = file.read_bytes()

        def full(*_: object, **__: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr("ragedge.config_edit.os.fsync", full)
        reply = patched(client, title="x")
        assert reply.status_code == 403 and "No space left" in reply.json()["error"]["message"]
        assert file.read_bytes() == before and client.get("/v1/index").json()["title"] == "Old title"
        assert [path.name for path in tmp_path.glob(".ragedge.toml*")] == []


def test_a_config_typed_on_the_command_line_is_no_difference_to_the_file(tmp_path: Path) -> None:
    config = replace(Config(), indexes_folder=str(tmp_path), server=replace(Config().server, title="typed"))
    with boxed(tmp_path, more=config) as (client, _, _):
        assert client.get("/v1/settings").json()["after_restart"] == []
