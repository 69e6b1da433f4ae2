"""The desk's routes over HTTP: questions, files of them, days, reviewed answers, golden questions."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from litestar import Litestar
from litestar.testing import TestClient

from ragedge.evaluation.goldens import read_questions
from ragedge.journal import read_journal
from ragedge.server.described import ROUTES
from ragedge.server.settings import Service
from tests.server.clients import open_client
from tests.server.curating import GOLDEN, curate, gold_of
from tests.server.fakes import QUOTE, make_service

Client = TestClient[Litestar]
ANSWER = {
    "questions": ["What torque for the bolts?", "bolt torque"], "text": "42 Nm in two steps.", "path": "manual.txt",
    "page": 1, "quote": QUOTE, "valid_from": "2026-01-01", "reviewed_by": "workshop",
}  # fmt: skip


@pytest.fixture
def service(tmp_path: Path) -> Service:
    return curate(make_service(tmp_path / "index"), tmp_path)


@pytest.fixture
def client(service: Service) -> Iterator[Client]:
    with open_client(service) as opened:
        yield opened


def rows(client: Client, query: str = "", path: str = "") -> list[dict[str, Any]]:
    reply = client.get(f"/v1/admin/questions{path}?{query}")
    assert reply.status_code == 200, reply.text
    return reply.json()["rows"]  # type: ignore[no-any-return]


def wait_for(client: Client, *states: str) -> dict[str, Any]:
    for _ in range(2000):
        view = client.get("/v1/admin/golden").json()
        if view["progress"]["state"] in states:
            return view  # type: ignore[no-any-return]
    raise AssertionError(view["progress"])


# ---------------------------------------------------------------------------------------------- what people asked


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("", 10), ("unanswered=true", 4), ("unsure=true", 2), ("down=true", 1), ("unsure=true&down=true", 3),
        ("since=7d", 5), ("since=7d&unanswered=true", 2), ("text=CUP", 4), ("text=wrong+unit", 1), ("text=%25", 0),
    ],
)  # fmt: skip
def test_the_list_is_chosen_by_marks_time_and_words(client: Client, query: str, count: int) -> None:
    assert len(rows(client, query)) == count
    assert client.get(f"/v1/admin/questions?limit=1&{query}").json()["total"] == count


def test_a_row_says_what_was_asked_and_what_came_of_it(client: Client) -> None:
    (row,) = rows(client, "down=true")
    assert row["question"] == "What torque for the head bolts?"
    assert (row["outcome"], row["document"], row["page"], row["verdict"], row["reason"]) == (
        "answered", "manual.txt", 1, "down", "@wrong unit",
    )  # fmt: skip
    assert (row["passages_ms"], row["total_ms"]) == (20.0, 400.0)


def test_pages_follow_each_other(client: Client) -> None:
    ids = [row["id"] for offset in (0, 4, 8) for row in rows(client, f"limit=4&offset={offset}")]
    assert len(ids) == len(set(ids)) == 10


@pytest.mark.parametrize("query", ["since=yesterday", "since=99999999d", "limit=0", "offset=-1", "down=perhaps"])
def test_what_cannot_be_chosen_is_refused_with_a_hint(client: Client, query: str) -> None:
    reply = client.get(f"/v1/admin/questions?{query}")
    assert reply.status_code == 400 and reply.json()["error"]["message"]


def test_repeats_are_one_row(client: Client) -> None:
    found = rows(client, "", "/repeats")
    assert (found[0]["question"], found[0]["times"], found[0]["unanswered"]) == ("Who won the cup", 4, 4)
    assert len(found) == 4


def test_no_cell_of_the_table_is_a_formula(client: Client) -> None:
    reply = client.get("/v1/admin/questions/export?since=7d")
    assert reply.headers["content-type"] == "text/csv; charset=utf-8"
    assert reply.headers["content-disposition"] == 'attachment; filename="questions.csv"'
    assert reply.content.startswith(b"\xef\xbb\xbf"), "spreadsheets need the mark"
    table = list(csv.reader(io.StringIO(reply.content.decode("utf-8-sig"))))
    assert len(table) == 6
    assert not [cell for row in table[1:] for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert '\'=HYPERLINK("x")' in [cell for row in table for cell in row]
    assert "'@wrong unit" in [cell for row in table for cell in row]


def test_drafts_are_a_questions_file(client: Client, tmp_path: Path) -> None:
    reply = client.get("/v1/admin/questions/export?format=drafts&unanswered=true")
    assert reply.headers["content-disposition"] == 'attachment; filename="questions.jsonl"'
    (tmp_path / "drafts.jsonl").write_bytes(reply.content)
    (question,) = read_questions(tmp_path / "drafts.jsonl")
    assert question.question == "Who won the cup" and "asked:4" in question.tags


def test_one_question_or_all_are_deleted_for_good(client: Client, service: Service) -> None:
    assert service.curation is not None and service.curation.journal is not None
    journal = service.curation.journal
    (row,) = rows(client, "down=true")
    assert client.delete(f"/v1/admin/questions/{row['id']}").json() == {"deleted": 1}
    assert client.delete(f"/v1/admin/questions/{row['id']}").status_code == 404
    assert rows(client, "down=true") == [] and len(rows(client)) == 9
    for number in ("0", "-1", str(2**63), "9" * 40):
        assert client.delete(f"/v1/admin/questions/{number}").status_code == 404
    assert client.delete("/v1/admin/questions").json() == {"deleted": 9}
    assert read_journal(journal) == []
    assert b"HYPERLINK" not in b"".join(path.read_bytes() for path in journal.parent.glob("journal.db*"))


def test_days_have_outcomes_and_times(client: Client) -> None:
    view = client.get("/v1/admin/questions/days?days=90").json()
    assert view["is_kept"] is True and len(view["days"]) == 90
    assert sum(day["answered"] for day in view["days"]) == 4
    assert sum(day["refused"] for day in view["days"]) == 4 and sum(day["unsure"] for day in view["days"]) == 2
    busy = [day for day in view["days"] if day["timed"]]
    assert all(400 <= day["total_median_ms"] <= day["total_p95_ms"] <= 800 for day in busy)
    assert sum(day["refused"] for day in client.get("/v1/admin/questions/days").json()["days"]) == 2


def test_without_a_journal_lists_say_so_and_files_are_not_there(tmp_path: Path) -> None:
    service = curate(make_service(tmp_path / "index"), tmp_path, has_journal=False)
    with open_client(service) as client:
        for path in ("", "/repeats"):
            view = client.get(f"/v1/admin/questions{path}").json()
            assert view == {"is_kept": False, "total": 0, "offset": 0, "rows": []}
        assert client.get("/v1/admin/questions/days").json()["is_kept"] is False
        for reply in (client.get("/v1/admin/questions/export"), client.delete("/v1/admin/questions")):
            assert reply.status_code == 404 and "[journal] enabled = true" in reply.json()["error"]["hint"]


# ---------------------------------------------------------------------------------------------- reviewed answers


def test_an_answer_is_written_changed_and_removed(client: Client, service: Service) -> None:
    assert service.curation is not None
    path = service.curation.pinned.path
    empty = client.get("/v1/admin/pinned").json()
    assert (empty["answers"], empty["is_configured"], empty["file"]) == ([], False, str(path))
    added = client.post("/v1/admin/pinned", json={**ANSWER, "revision": empty["revision"]})
    assert added.status_code == 200 and added.json()["number"] == 1
    path.write_text(f"# kept\n{path.read_text()}", encoding="utf-8")
    listed = client.get("/v1/admin/pinned").json()
    (row,) = listed["answers"]
    assert {key: row[key] for key in ANSWER} == ANSWER
    assert (row["state"], row["problem"], row["valid_until"]) == ("valid", "", None)
    changed = {**ANSWER, "text": "42 Nm.", "valid_until": "2026-02-01", "revision": listed["revision"]}
    assert client.post("/v1/admin/pinned/1", json=changed).status_code == 200
    listed = client.get("/v1/admin/pinned").json()
    assert (listed["answers"][0]["text"], listed["answers"][0]["state"]) == ("42 Nm.", "over")
    assert path.read_text().startswith("# kept\n")
    gone = client.delete(f"/v1/admin/pinned/1?revision={listed['revision']}")
    assert gone.status_code == 200 and client.get("/v1/admin/pinned").json()["answers"] == []


def test_who_comes_second_is_told_and_writes_nothing(client: Client) -> None:
    seen = client.get("/v1/admin/pinned").json()["revision"]
    assert client.post("/v1/admin/pinned", json={**ANSWER, "revision": seen}).status_code == 200
    other = {**ANSWER, "questions": ["Other bolts?"], "revision": seen}
    for reply in (
        client.post("/v1/admin/pinned", json=other),
        client.post("/v1/admin/pinned/1", json=other),
        client.delete(f"/v1/admin/pinned/1?revision={seen}"),
    ):
        assert (reply.status_code, reply.json()["error"]["code"]) == (409, "edit_conflict")
    assert [a["text"] for a in client.get("/v1/admin/pinned").json()["answers"]] == [ANSWER["text"]]


@pytest.mark.parametrize(
    "change",
    [
        {"quote": "Torque the head bolts to 43 Nm."}, {"path": "gone.txt"}, {"page": 2}, {"page": 0},
        {"valid_until": "2025-01-01"}, {"valid_from": "1. Mai"}, {"questions": []}, {"questions": ["the"]},
        {"text": ""}, {"text": "   "}, {"extra": 1}, {"text": "x" * 8001}, {"questions": ["ä" * 2001]},
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(client: Client, service: Service, change: dict[str, Any]) -> None:
    assert service.curation is not None
    revision = client.get("/v1/admin/pinned").json()["revision"]
    reply = client.post("/v1/admin/pinned", json={**ANSWER, "revision": revision, **change})
    assert reply.status_code == 400, reply.text
    assert not service.curation.pinned.path.exists()


def test_a_number_that_is_not_there_is_not_found(client: Client) -> None:
    revision = client.get("/v1/admin/pinned").json()["revision"]
    for number in ("0", "1", "9" * 30):
        assert client.delete(f"/v1/admin/pinned/{number}?revision={revision}").status_code == 404
        body = {**ANSWER, "revision": revision}
        assert client.post(f"/v1/admin/pinned/{number}", json=body).status_code == 404


# ---------------------------------------------------------------------------------------------- golden questions


def test_a_run_ends_with_figures_and_failures_that_are_kept(client: Client) -> None:
    before = client.get("/v1/admin/golden").json()
    assert (before["questions"], before["runs"], before["progress"]["state"]) == (2, [], "idle")
    assert client.post("/v1/admin/golden/runs", json={}).status_code == 200
    (run,) = wait_for(client, "done")["runs"]
    assert (run["questions"], run["drawn_from"], run["generation"], run["engine"]) == (2, 2, 8, "llama:tiny.gguf")
    assert (run["figures"]["hit@5"], run["figures"]["refused"], run["failed"]) == (1.0, 0.0, 1)
    detail = client.get(f"/v1/admin/golden/runs/{run['id']}").json()
    (failure,) = detail["failures"]
    assert (failure["question"], failure["faults"]) == ("who <b>won</b>?", ["answered"])
    assert failure["shown"].startswith("Torque the head bolts")
    assert client.get(f"/v1/admin/golden/runs/{run['id'] + 1}").status_code == 404


def test_a_run_waits_for_visitors_is_alone_and_can_be_stopped(client: Client, service: Service) -> None:
    admission = client.app.state.desk.admission
    with admission.place():
        assert client.post("/v1/admin/golden/runs", json={"limit": 1}).json()["total"] == 1
        wait_for(client, "waiting")
        assert gold_of(service).asked == []
        again = client.post("/v1/admin/golden/runs", json={})
        assert (again.status_code, again.json()["error"]["code"]) == (503, "busy")
        client.delete("/v1/admin/golden/runs")
        wait_for(client, "stopped")
    assert client.get("/v1/admin/golden").json()["runs"] == []
    gold_of(service).go.clear()
    client.post("/v1/admin/golden/runs", json={})
    wait_for(client, "running")
    client.delete("/v1/admin/golden/runs")
    assert wait_for(client, "stopped")["runs"] == [], "stopped within a question"


def test_questions_are_taken_whole_or_not_at_all_and_the_earlier_ones_stay_beside(
    client: Client, service: Service
) -> None:
    assert service.curation is not None
    file = service.curation.golden.file
    bad = client.post("/v1/admin/golden/questions", json={"lines": GOLDEN + "\nnot json"})
    assert bad.status_code == 400 and "line 3" in bad.json()["error"]["message"]
    assert file.read_text() == GOLDEN
    one = json.dumps({"id": "x", "question": "New?"})
    assert client.post("/v1/admin/golden/questions", json={"lines": one}).json() == {"questions": 1}
    assert file.read_text() == one and file.with_suffix(".old.jsonl").read_text() == GOLDEN


def test_without_questions_no_run_begins(tmp_path: Path) -> None:
    service = curate(make_service(tmp_path / "index"), tmp_path, has_golden=False)
    with open_client(service) as client:
        assert client.get("/v1/admin/golden").json()["questions"] == 0
        assert client.post("/v1/admin/golden/runs", json={}).status_code == 400


# ---------------------------------------------------------------------------------------------- all of them

READ = [name for name in ROUTES if name.startswith("GET /v1/admin/") and "{" not in name and ROUTES[name].reply]
DESK = [name for name in READ if name.split("/")[3] in ("questions", "pinned", "golden")]


@pytest.mark.parametrize("name", DESK)
def test_replies_have_exactly_the_names_of_their_examples(client: Client, name: str) -> None:
    route = ROUTES[name]
    reply = client.get(name.split()[1])
    assert set(reply.json()) == set(route.example)
    assert route.reply is not None
    msgspec.json.decode(reply.content, type=route.reply, strict=True)


def test_a_service_without_curation_has_none_of_it(tmp_path: Path) -> None:
    with open_client(make_service(tmp_path)) as client:
        for name in DESK:
            assert client.get(name.split()[1]).status_code == 404, name
