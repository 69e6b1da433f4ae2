"""Feedback over HTTP: an id only where a journal is kept, a bounded body, and the same guard as everything else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from ragedge.contracts import Event, Question
from tests.server.clients import open_client, parse_events
from tests.server.fakes import FakePipeline, make_service

Client = TestClient[Litestar]


class NamingPipeline(FakePipeline):
    """Plays events and keeps the names that the questions were given."""

    def stream(
        self,
        question: Question,
        is_cancelled: Callable[[], bool] = lambda: False,
        *,
        question_id: str = "",
        client: str = "",
    ) -> Iterator[Event]:
        self.names = [*getattr(self, "names", []), question_id]
        yield from super().stream(question, is_cancelled)


@dataclass
class FakeJournal:
    """Knows the questions of one pipeline."""

    pipeline: Any
    said: list[tuple[str, str, str]] = field(default_factory=list)

    def feedback(self, question_id: str, verdict: str, reason: str = "") -> bool:
        if question_id not in getattr(self.pipeline, "names", []):
            return False
        self.said.append((question_id, verdict, reason))
        return True


@pytest.fixture
def journal(tmp_path: Path) -> FakeJournal:
    return FakeJournal(NamingPipeline())


@pytest.fixture
def client(tmp_path: Path, journal: FakeJournal) -> Iterator[Client]:
    service = replace(make_service(tmp_path), pipeline=journal.pipeline, journal=journal)
    with open_client(service) as opened:
        yield opened


def test_an_answer_carries_an_id_that_feedback_takes(client: Client, journal: FakeJournal) -> None:
    whole = client.post("/v1/ask", json={"text": "q"}).json()["question_id"]
    streamed = parse_events(client.post("/v1/ask/stream", json={"text": "q"}).text)
    assert [name for name, data in streamed if "question_id" in data] == ["answer"]
    other = streamed[-1][1]["question_id"]
    assert whole != other and len(whole) == 16
    reply = client.post("/v1/feedback", json={"question_id": other, "verdict": "down", "reason": "wrong page"})
    assert (reply.status_code, reply.json()) == (200, {"recorded": True})
    assert client.post("/v1/feedback", json={"question_id": whole, "verdict": "up"}).status_code == 200
    assert journal.said == [(other, "down", "wrong page"), (whole, "up", "")]


def test_without_a_journal_there_is_no_id_and_no_feedback(tmp_path: Path) -> None:
    with open_client(make_service(tmp_path)) as client:
        assert "question_id" not in client.post("/v1/ask", json={"text": "q"}).json()
        reply = client.post("/v1/feedback", json={"question_id": "0" * 16, "verdict": "up"})
    assert (reply.status_code, reply.json()["error"]["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"question_id": "unknown", "verdict": "up"}, 404),
        ({"question_id": "", "verdict": "up"}, 400),
        ({"question_id": "a" * 65, "verdict": "up"}, 400),
        ({"question_id": "a", "verdict": "maybe"}, 400),
        ({"question_id": "a", "verdict": "up", "reason": "x" * 501}, 400),
        ({"question_id": "a", "verdict": "up", "reasons": "x"}, 400),
        ({"verdict": "up"}, 400),
        ([], 400),
    ],
)
def test_a_body_that_does_not_fit_is_refused_and_not_kept(
    client: Client, journal: FakeJournal, body: Any, status: int
) -> None:
    reply = client.post("/v1/feedback", json=body)
    assert reply.status_code == status
    assert reply.json()["error"]["message"]
    assert journal.said == []


def test_another_site_and_a_form_cannot_give_feedback(client: Client, journal: FakeJournal) -> None:
    body = {"question_id": client.post("/v1/ask", json={"text": "q"}).json()["question_id"], "verdict": "up"}
    assert client.post("/v1/feedback", json=body, headers={"Origin": "https://evil.example"}).status_code == 403
    assert client.post("/v1/feedback", json=body, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert client.post("/v1/feedback", data=body).status_code == 415
    assert client.post("/v1/feedback", json=body, headers={"Host": "evil.example"}).status_code == 403
    assert journal.said == []
