"""Counters for Prometheus: every end of a question is counted once, and no word of it is told."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from ragedge.contracts import Event, ModelStats, Timings
from ragedge.errors import ModelCrashed
from ragedge.server.metrics import Meter
from tests.server.clients import open_client
from tests.server.fakes import make_answer, make_events, make_hit, make_passages, make_service

ANSWERED = 'ragedge_questions_total{outcome="answered",engine="llama"}'


def values(text: str) -> dict[str, float]:
    rows = [line.rpartition(" ") for line in text.splitlines() if line and not line.startswith("#")]
    return {name: float(value) for name, _, value in rows}


def test_answers_and_what_the_model_spent_are_summed_up(tmp_path: Path) -> None:
    hit = make_hit()
    stats = ModelStats(3_000_000_000, 10_000_000, 300, 120, 500_000_000, 20, 1_000_000_000)
    answer = make_answer((hit,), stats=stats)
    with open_client(make_service(tmp_path, [make_passages((hit,)), answer])) as client:
        for path in ("/v1/ask", "/v1/ask/stream"):
            assert client.post(path, json={"text": "What is the secret of the bolts?"}).status_code == 200
        reply = client.get("/metrics")
    assert reply.headers["content-type"].startswith("text/plain; version=0.0.4")
    found = values(reply.text)
    assert found[ANSWERED] == 2
    assert found["ragedge_prompt_eval_count_total"] == 600
    assert found["ragedge_prompt_eval_cached_count_total"] == 240
    assert found["ragedge_eval_count_total"] == 40
    assert found["ragedge_eval_duration_seconds_total"] == 2.0
    assert found["ragedge_total_duration_seconds_total"] == 6.0
    assert found["ragedge_questions_in_progress"] == 0 and found["ragedge_resident_memory_bytes"] > 1_000_000
    assert "secret" not in reply.text and "testclient" not in reply.text and hit.title not in reply.text


def test_joules_and_answers_out_of_the_store_are_counted_and_what_is_not_measured_is_absent(tmp_path: Path) -> None:
    hit = make_hit()
    fresh = make_answer((hit,), timings=Timings(total_ms=9.0, energy_joules=1.5))
    kept = make_answer((hit,), timings=Timings(total_ms=1.0, stored_ms=0.5, energy_joules=0.25), stats=None)
    for events, stored, joules in (([fresh], 0, 1.5), ([kept], 1, 0.25), ([make_answer((hit,))], 0, None)):
        with open_client(make_service(tmp_path, [make_passages((hit,)), *events])) as client:
            client.post("/v1/ask", json={"text": "q"})
            found = values(client.get("/metrics").text)
        assert found["ragedge_stored_answers_total"] == stored
        assert found.get("ragedge_energy_joules_total") == joules


def test_the_text_is_what_prometheus_reads(tmp_path: Path) -> None:
    with open_client(make_service(tmp_path)) as client:
        client.post("/v1/ask", json={"text": "q"})
        text = client.get("/metrics").text
    assert text.endswith("\n")
    name = r"ragedge_[a-z_]+"
    line = re.compile(
        rf'# HELP {name} [^\n]+|# TYPE {name} (counter|gauge)|{name}(\{{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\}})? [0-9.]+'
    )
    assert all(line.fullmatch(row) for row in text.splitlines())
    typed = re.findall(rf"# TYPE ({name}) ", text)
    assert len(set(typed)) == len(typed) and {row.split("{")[0].split(" ")[0] for row in values(text)} <= set(typed)


def test_failures_and_abandoned_questions_are_counted_and_their_streams_closed() -> None:
    meter = Meter()
    closed = threading.Event()

    def events() -> Iterator[Event]:
        try:
            yield from make_events()
        finally:
            closed.set()

    watched = meter.watch(events())
    next(watched)
    watched.close()  # type: ignore[attr-defined]
    assert closed.is_set()

    def failing(error: Exception) -> Iterator[Event]:
        yield make_events()[0]
        raise error

    for error in (ModelCrashed("gone"), ValueError("a question's words")):
        with pytest.raises(type(error)):
            list(meter.watch(failing(error)))
    text = "\n".join(meter.lines())
    for outcome in ("abandoned", "model_crashed", "internal_error"):
        assert f'{{outcome="{outcome}",engine=""}} 1' in text
    assert "words" not in text
