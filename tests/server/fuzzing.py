"""Requests made out of the OpenAPI schema against the real parts over a real socket, and what must hold of each reply.

schemathesis makes requests that fit the schema and such that do not. Of every reply: not 500; its status, type and
body are among those described; it carries the security headers. Without a model: the answers are quoted.
"""

from __future__ import annotations

import http.client
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from ragedge.ask import AskSettings, Pipeline
from ragedge.config import load_config
from ragedge.contracts import ReadOptions
from ragedge.index.store import Index, IndexSettings
from ragedge.ingest.chunker import CHUNKER_VERSION
from ragedge.ingest.readers import SUPPORTED_SUFFIXES
from ragedge.ingest.sandbox import Limits, Sandbox
from ragedge.ingest.sync import Sync
from ragedge.journal import Journal
from ragedge.search.retriever import Retriever
from ragedge.server.headers import CONTENT_SECURITY_POLICY
from ragedge.server.owner_settings import OwnerSettings
from ragedge.server.settings import Service
from ragedge.tasks import Tasks
from tests.browser.scenes import PDF_PAGES, make_pdf
from tests.fakes import HashEmbedder
from tests.server.curating import curate
from tests.server.keyed import EXHIBIT

CHECKS = (status_code_conformance, content_type_conformance, response_schema_conformance)
INDEX_SETTINGS = IndexSettings("fake-hash", "0" * 64, 64, "", "", CHUNKER_VERSION, 64)
#: Half of the requests name a page that is there, where an address has room for one.
_KNOWN_NUMBERS = (1, 2, 3)


@dataclass
class Outcome:
    """What came back. `failures` are lines for people, each with the request that can be sent again."""

    statuses: Counter[int] = field(default_factory=Counter)
    operations: Counter[str] = field(default_factory=Counter)
    successes: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    @property
    def cases(self) -> int:
        return self.statuses.total()

    def add(self, other: Outcome) -> None:
        """Count another one in."""
        self.statuses += other.statuses
        self.operations += other.operations
        self.successes += other.successes
        self.failures += other.failures


@contextmanager
def real_service(folder: Path) -> Iterator[Service]:
    """Index, readers, pipeline and journal as a user has them, with a manual of three pages."""
    embedder = HashEmbedder()
    manual = folder / "generator.pdf"
    manual.write_bytes(make_pdf(PDF_PAGES))
    journal = Journal(folder / "journal.db")
    with Index.open(folder / "index", INDEX_SETTINGS, mode="write", create=True) as index:
        sync = Sync(index, embedder, lambda: Sandbox(ReadOptions(ocr="off"), Limits()), chunk_tokens=64)
        assert sync.add_file(manual, manual.name).document_id
        pipeline = Pipeline(index, Retriever(index, embedder), embedder, None, AskSettings())
        yield Service(
            pipeline,
            index,
            sync,
            pipeline.engine,
            "0.1.0",
            SUPPORTED_SUFFIXES,
            journal=journal,
            embedder=embedder,
            tasks=Tasks(index, embedder, None, AskSettings()),
        )
    journal.close()


def with_desk(service: Service, folder: Path) -> Service:
    """The service with what the curator's desk and an owner's settings need."""
    config = folder / "ragedge.toml"
    config.write_text('[server]\ntitle = "ragedge"\n', encoding="utf-8")
    return replace(curate(service, folder / "curation"), owner_settings=OwnerSettings(load_config(config), config))


def fuzz(port: int, cases: int, *, number: int = 0, key: str = "") -> Outcome:
    """At least `cases` requests, about as many to each operation that takes something; `number` is the seed."""
    outcome = Outcome()
    address = f"http://127.0.0.1:{port}"
    with requests.Session() as session:
        session.trust_env = False
        if key:
            session.headers["Authorization"] = f"Bearer {key}"
        document = session.get(f"{address}/v1/documents").json()["documents"][0]["id"]
        schema = schemathesis.openapi.from_dict(session.get(f"{address}/schema/openapi.json").json())
        operations = [result.ok() for result in schema.get_all_operations()]
        while outcome.cases < cases:  # some operations have few different requests; the others take their part
            each = max(2, round((cases - outcome.cases) / len(operations)))
            for operation in operations:
                _fuzz_operation(operation, each, number, address, session, document, outcome)
            number += 1
            operations = [operation for operation in operations if _takes_something(operation)]
    return outcome


def _fuzz_operation(
    operation: Any, count: int, number: int, address: str, session: requests.Session, document: str, outcome: Outcome
) -> None:
    wanted = operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
    if _takes_something(operation):
        wanted = wanted | operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)
    quiet = list(HealthCheck)

    @seed(number)
    @settings(max_examples=count, database=None, deadline=None, suppress_health_check=quiet, phases=[Phase.generate])
    @given(wanted, st.booleans(), st.sampled_from(_KNOWN_NUMBERS))
    def run(case: Any, is_known: bool, page: int) -> None:
        if is_known:
            _make_known(case, document, page)
        _send(case, address, session, outcome)

    run()


def _make_known(case: Any, document: str, page: int) -> None:
    """Name what is there, so that more than refusals are seen: a document, a page of it, an exhibit, a model."""
    if case.path_parameters and "document_id" in case.path_parameters and case.method != "DELETE":
        case.path_parameters = {**case.path_parameters, "document_id": document}
        if "number" in case.path_parameters:
            case.path_parameters["number"] = page
    if case.path_parameters and "model" in case.path_parameters:
        case.path_parameters = {**case.path_parameters, "model": "ragedge"}
    if case.query and "exhibit" in case.query:
        case.query = {**case.query, "exhibit": EXHIBIT}
    if isinstance(case.body, dict) and isinstance(case.body.get("model"), str):
        case.body = {**case.body, "model": "fake-hash" if "embeddings" in case.path else "ragedge"}


def _takes_something(operation: Any) -> bool:
    return bool(list(operation.iter_parameters()) or list(operation.body))


def _send(case: Any, address: str, session: requests.Session, outcome: Outcome) -> None:
    try:
        reply = case.call(base_url=address, session=session, timeout=60)
    except (requests.RequestException, http.client.HTTPException, UnicodeError, ValueError) as error:
        if isinstance(error, requests.ConnectionError | requests.Timeout):
            outcome.failures.append(f"{case.operation.label}: no reply: {error!r} {_as_sent(case)}")
        return  # a request that cannot be written down as HTTP
    outcome.statuses[reply.status_code] += 1
    outcome.operations[case.operation.label] += 1
    outcome.successes[case.operation.label] += 200 <= reply.status_code < 300
    if reply.status_code == 500:
        outcome.failures.append(f"{case.operation.label}: 500 {_as_sent(case)}")
    if reply.headers.get("content-security-policy", [""])[0] != CONTENT_SECURITY_POLICY:
        outcome.failures.append(f"{case.operation.label}: {reply.status_code} without the policy {_as_sent(case)}")
    try:
        case.validate_response(reply, checks=list(CHECKS))
    except (Failure, FailureGroup) as error:
        reasons = error.exceptions if isinstance(error, FailureGroup) else (error,)
        text = "; ".join(f"{reason.title}: {str(reason)[:300]}" for reason in reasons)
        outcome.failures.append(f"{case.operation.label}: {reply.status_code} {text} {_as_sent(case)}")


def _as_sent(case: Any) -> str:
    shown = {"path": case.path_parameters, "query": case.query, "headers": dict(case.headers or {}), "body": case.body}
    return json.dumps(shown, default=repr)[:600]
