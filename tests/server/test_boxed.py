"""A box and its config become the service: who may embed the widget, and which embedder is offered."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from litestar.testing import TestClient

from ragedge.ask import AskSettings, Pipeline
from ragedge.assemble import Box
from ragedge.config import Config
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
        wrong = replace(base, server=replace(base.server, widget_origins=("intranet.local",)))
        with pytest.raises(ConfigError, match="is not an origin"):
            make_app(replace(box, config=wrong))
