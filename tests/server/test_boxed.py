"""A box and its config become the service: who may embed the widget, which embedder is offered, and the kiosk."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from litestar.testing import TestClient

from ragedge.ask import AskSettings, Pipeline
from ragedge.assemble import Box
from ragedge.config import Config, KioskConfig
from ragedge.errors import ConfigError
from ragedge.index.store import Index
from ragedge.search.retriever import Retriever
from ragedge.server.boxed import make_app
from tests.fakes import HashEmbedder
from tests.server.clients import BASE
from tests.server.test_real_parts import SETTINGS


def test_the_configs_sites_and_the_boxs_embedder_reach_the_service(tmp_path: Path) -> None:
    embedder = HashEmbedder()
    base = Config()
    config = replace(base, server=replace(base.server, widget_origins=("http://intranet.local",)))
    with Index.open(tmp_path / "index", SETTINGS, mode="write", create=True) as index:
        pipeline = Pipeline(index, Retriever(index, embedder), embedder, None, AskSettings())
        box = Box(config, embedder, index, None, pipeline, False)
        with TestClient(make_app(box), base_url=BASE) as client:
            assert client.get("/widget.js").status_code == 200
            asked = client.post("/v1/ask", headers={"Origin": "http://intranet.local"}, json={"text": "anything?"})
            assert asked.headers["access-control-allow-origin"] == "http://intranet.local"
            assert [model["id"] for model in client.get("/v1/models").json()["data"]][-1] == embedder.id
            reply = client.post("/v1/embeddings", json={"model": embedder.id, "input": "a bolt"})
            assert len(reply.json()["data"][0]["embedding"]) == embedder.dimension
        exhibits = tmp_path / "exhibits.toml"
        exhibits.write_text('[[exhibit]]\nid = "1"\ntitle = "Bell"\n', encoding="utf-8")
        wanted = replace(config, kiosk=KioskConfig(True, str(exhibits), 30, "http://museum.local", ("de",)))
        with TestClient(make_app(replace(box, config=wanted)), base_url=BASE) as client:
            shown = client.get("/v1/kiosk?exhibit=1").json()
            assert shown["exhibit"]["topic"] == "Bell" and shown["languages"] == ["de"] and shown["idle_seconds"] == 30
            assert b"http://museum.local/kiosk?exhibit=1" in client.get("/kiosk/qr?exhibit=1").content
        wrong = replace(base, server=replace(base.server, widget_origins=("intranet.local",)))
        with pytest.raises(ConfigError, match="is not an origin"):
            make_app(replace(box, config=wrong))
