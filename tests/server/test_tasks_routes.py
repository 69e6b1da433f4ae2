"""Summaries and rewritten answers over HTTP: the shapes of answers, the errors of the product, and its client."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

import ragedge
from ragedge.ask import AskSettings
from ragedge.contracts import Answer, CitedPlace, Passages, Piece, RewriteRequest, SummaryRequest, rewriting_of
from ragedge.errors import BadQuestion, Busy, ModelMissing, NotFound
from ragedge.index.store import Index
from ragedge.server.settings import ServerSettings, Service
from ragedge.tasks import Tasks
from ragedge.views import answer_view
from tests.fakes import HashEmbedder
from tests.fakes_generator import FakeGenerator
from tests.server.clients import open_client, parse_events, serving
from tests.server.fakes import FakeTasks, make_answer, make_hit, make_passages, make_service
from tests.test_ask import HEAD, SETTINGS, put
from tests.test_tasks import GERMAN, SENTENCES

WISH = {"document": "manual.txt"}
TEXT = {"text": "Torque the head bolts to 42 Nm.", "kind": "simpler"}


@contextmanager
def real(folder: Path, generator: FakeGenerator | None = None) -> Iterator[ragedge.Client]:
    """A service whose tasks run over a real index, and its client."""
    with Index.open(folder / "index", SETTINGS, mode="write", create=True) as index:
        put(index, HashEmbedder(), {"guide.txt": ((" ".join(SENTENCES),), ("1",))})
        tasks = Tasks(index, HashEmbedder(), generator, AskSettings())
        service: Service = replace(make_service(folder / "fake"), tasks=tasks, index=index)
        with serving(service) as port, ragedge.Client(f"http://127.0.0.1:{port}", timeout_s=20) as client:
            yield client


@pytest.mark.parametrize(("path", "body"), [("/v1/summarise", WISH), ("/v1/rewrite", TEXT)])
def test_the_reply_is_an_answer_and_the_stream_that_of_a_question(
    tmp_path: Path, path: str, body: dict[str, str]
) -> None:
    service = make_service(tmp_path)
    with open_client(service) as client:
        whole = client.post(path, json=body).json()
        events = parse_events(client.post(f"{path}/stream", json=body).text)
    assert whole == answer_view(make_answer((make_hit(),))) == events[-1][1]
    assert [events[0][0], events[-1][0]] == ["passages", "answer"]
    assert "".join(data["text"] for name, data in events if name == "piece") == whole["text"]


def test_a_request_arrives_as_the_record_it_is(tmp_path: Path) -> None:
    tasks = FakeTasks()
    place = CitedPlace(1, "0123456789abcdef-00000", 1, 23, 72, 0, 31)
    requests = [
        SummaryRequest("manual.txt", "Engine", "de"), SummaryRequest("manual.txt"),
        RewriteRequest("Torque it to 42 Nm, please now.", "translate", "de", (place,)),
        RewriteRequest("So.", "simpler"),
    ]  # fmt: skip
    service = replace(make_service(tmp_path), tasks=tasks)
    with serving(service) as port, ragedge.Client(f"http://127.0.0.1:{port}", timeout_s=20) as client:
        for request in requests:
            client.run(request)
    assert tasks.requests == requests


def test_a_failure_before_the_first_event_is_a_status_and_a_later_one_an_event(tmp_path: Path) -> None:
    missing = ModelMissing("it needs a language model", "fetch one")
    for events, path, status in (
        ([missing], "/v1/rewrite", 503), ([missing], "/v1/rewrite/stream", 503),
        ([NotFound("none")], "/v1/summarise", 404),
    ):  # fmt: skip
        with open_client(replace(make_service(tmp_path), tasks=FakeTasks(list(events)))) as client:
            reply = client.post(path, json=TEXT if "rewrite" in path else WISH)
        assert reply.status_code == status and reply.json()["error"]["message"]
    late = FakeTasks([make_passages((make_hit(),)), missing])
    with open_client(replace(make_service(tmp_path), tasks=late)) as client:
        events = parse_events(client.post("/v1/rewrite/stream", json=TEXT).text)
    assert [name for name, _ in events] == ["passages", "error"]
    assert events[1][1]["error"]["code"] == "model_missing"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/summarise", {}), ("/v1/summarise", {"document": ""}), ("/v1/summarise", {**WISH, "sektion": "x"}),
        ("/v1/rewrite", {**TEXT, "kind": "poem"}), ("/v1/rewrite", {**TEXT, "text": "x" * 8_001}),
        ("/v1/rewrite", {**TEXT, "citations": [{"number": 1}]}),
    ],
)  # fmt: skip
def test_a_body_that_does_not_fit_is_refused(tmp_path: Path, path: str, body: dict[str, object]) -> None:
    with open_client(make_service(tmp_path)) as client:
        for address in (path, f"{path}/stream"):
            assert client.post(address, json=body).status_code == 400


def test_tasks_take_places_in_the_queue_of_questions_and_are_counted_apart(tmp_path: Path) -> None:
    with open_client(make_service(tmp_path), ServerSettings(queue_limit=1)) as client:
        client.app.state.desk.admission.enter()
        assert client.post("/v1/summarise", json=WISH).status_code == 503
        client.app.state.desk.admission.leave()
        assert client.post("/v1/summarise", json=WISH).status_code == 200
        assert client.app.state.desk.admission.taken == 0
        text = client.get("/metrics").text
    assert 'ragedge_tasks_total{task="summarise",outcome="answered"} 1' in text
    assert "ragedge_questions_total{" not in text
    assert "ragedge_eval_count_total 20" in text, "what the model spent counts, whatever for"


def test_a_service_without_tasks_says_so(tmp_path: Path) -> None:
    with open_client(replace(make_service(tmp_path), tasks=None)) as client:
        assert client.post("/v1/summarise", json=WISH).status_code == 404


def test_the_client_summarises_and_rewrites_over_real_parts(tmp_path: Path) -> None:
    with real(tmp_path, FakeGenerator(said=GERMAN)) as client:
        hit = client.run(SummaryRequest("pump.pdf"))
        assert hit.engine == "fake"
        events = list(client.stream_task(SummaryRequest("guide.txt")))
        assert isinstance(events[0], Passages) and isinstance(events[1], Piece) and isinstance(events[-1], Answer)
    with real(tmp_path) as client:
        summary = client.summarise("guide.txt")
        assert summary.engine == "extractive" and len(summary.citations) >= 3
        with pytest.raises(NotFound, match="no section"):
            client.summarise("guide.txt", section="Winter")
        with pytest.raises(ModelMissing, match="needs a language model") as refused:
            client.rewrite(summary, "simpler")
        assert "ragedge models pull" in refused.value.hint


def test_an_answer_translated_over_http_cites_the_same_page(tmp_path: Path) -> None:
    with real(tmp_path, FakeGenerator(said=GERMAN)) as client:
        page = client.page(next(d.id for d in client.documents().documents if d.path == "pump.pdf"), 2)
        start = page.text.index(HEAD)
        place = CitedPlace(1, f"{page.document.id}-00001", 2, start, start + len(HEAD), 0, len(HEAD))
        answer = client.run(RewriteRequest(HEAD, "translate", "de", (place,)))
        assert (answer.text, [c.quote for c in answer.citations]) == (GERMAN, [HEAD])
        again = client.rewrite(answer, "translate", language="de")
        assert (
            [c.number for c in again.citations] == [1] == [c.number for c in rewriting_of(again, "simpler").citations]
        )
        with pytest.raises(BadQuestion, match="no language"):
            client.rewrite(answer, "translate", language="tlh")


def test_a_busy_model_is_busy(tmp_path: Path) -> None:
    busy = FakeTasks([Busy("busy", "come back", retry_after_s=3)])
    service = replace(make_service(tmp_path), tasks=busy)
    with serving(service) as port:
        client = ragedge.Client(f"http://127.0.0.1:{port}", timeout_s=20)
        with client, pytest.raises(Busy):
            client.summarise("manual.txt")
