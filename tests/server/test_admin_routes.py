"""The desk's routes: when there is a desk at all, what its list, reports, readings, models and log say."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient

from ragedge.contracts import Page, PageProblem
from ragedge.device_state import device_state, folder_bytes
from ragedge.index.records import Details
from ragedge.server.permissions import RIGHTS
from ragedge.server.settings import KioskSettings, ServerSettings, Service
from tests.server.clients import open_client
from tests.server.fakes import FakeSyncer, add_model, make_service
from tests.server.keyed import UNLIMITED, keyed

Client = TestClient[Litestar]
DOCUMENT = "0123456789abcdef"
DESK = [name for name in RIGHTS if name.split(" ")[1].startswith(("/admin", "/v1/admin/"))]


def filled(folder: Path) -> Service:
    service = make_service(folder)
    index: Any = service.index
    index.put("b/price list 2023.txt", b"nine", (Page(1, None, "nine"),), title="Prices")
    index.put("a/price list 2024.txt", b"eleven", (Page(1, None, "eleven"), Page(2, None, "x")), title="Prices")
    index.put("scan.pdf", b"scan", (Page(1, None, ""), Page(2, None, "x", "ocr"), Page(3, None, "")), title="Scan",
              problems=(PageProblem(1, "no_text", "no text layer"), PageProblem(None, "broken", "the outline")),
              document_id="aaaaaaaaaaaaaaaa")  # fmt: skip
    index.reject("sealed.pdf", b"sealed", "encrypted", "needs a password")
    return service


@pytest.fixture
def service(tmp_path: Path) -> Service:
    return filled(tmp_path / "index")


@pytest.fixture
def client(service: Service) -> Iterator[Client]:
    with open_client(service) as opened:
        yield opened


def paths(client: Client, **query: Any) -> list[str]:
    return [row["path"] for row in client.get("/v1/admin/documents", params=query).json()["documents"]]


# ------------------------------------------------------------------------------------------ whether there is a desk


def address(name: str) -> tuple[str, str]:
    method, path = name.split(" ")
    return method, path.replace("{document_id}", DOCUMENT)


@pytest.mark.parametrize("name", DESK)
def test_where_the_desk_is_off_or_a_kiosk_has_no_keys_there_is_none(service: Service, name: str) -> None:
    method, path = address(name)
    for settings in (ServerSettings(admin="off"), ServerSettings(kiosk=KioskSettings())):
        with open_client(service, settings) as client:
            for spelling in (path, f"{path}/", f"{path}//"):
                reply = client.request(method, spelling, json={})
                assert reply.status_code in (400, 404), (spelling, reply.status_code)
            assert client.get("/v1/session").json()["has_desk"] is False
            assert client.get("/").status_code == 200


def test_beside_a_kiosk_with_keys_a_curator_has_a_desk_and_a_visitor_none(tmp_path: Path) -> None:
    with keyed(tmp_path, replace(UNLIMITED, kiosk=KioskSettings()), guests=True) as box:
        for role, status in (("visitor", 403), ("curator", 200), ("owner", 200)):
            box.log_in(role)
            assert box.send("GET", "/admin", box.bearer(role)).status == status
            assert box.send("GET", "/v1/admin/documents", box.browser(role)).status == status
            session = box.send("GET", "/v1/session", {"Cookie": box.cookies[role]}).json()
            assert session["has_desk"] is (status == 200)
        assert box.send("GET", "/admin").status == 403  # a guest is a visitor
        page = box.send("GET", "/admin", {"Accept": "text/html"})
        assert page.status == 403 and b"login-form" in page.body
    with keyed(tmp_path / "off", replace(UNLIMITED, admin="off")) as box:
        assert box.send("GET", "/admin", box.bearer("owner")).status == 404
        assert box.send("GET", "/admin").status == 401


# ------------------------------------------------------------------------------------------ the list


def test_the_list_is_searched_narrowed_sorted_and_cut(client: Client, service: Service) -> None:
    found = client.get("/v1/admin/documents").json()
    assert found["counts"] == {"all": 5, "ready": 3, "partial": 1, "rejected": 1, "doubled": 0, "undated": 2}
    assert [row["path"] for row in found["documents"]] == [
        "a/price list 2024.txt", "b/price list 2023.txt", "manual.txt", "scan.pdf", "sealed.pdf",
    ]  # fmt: skip
    assert paths(client, search="PRICES 2023") == ["b/price list 2023.txt"]
    assert paths(client, search="password") == paths(client, show="rejected") == ["sealed.pdf"]
    assert paths(client, show="undated") == ["manual.txt", "scan.pdf"]
    assert paths(client, sort="date")[:2] == ["b/price list 2023.txt", "a/price list 2024.txt"]
    assert paths(client, sort="date", descending=True)[:2] == ["a/price list 2024.txt", "b/price list 2023.txt"]
    assert paths(client, sort="pages", descending=True)[0] == "scan.pdf"
    assert paths(client, offset=1, limit=2) == ["b/price list 2023.txt", "manual.txt"]
    assert paths(client, language="de") == []
    for query in ({"sort": "secret"}, {"show": "x"}, {"limit": 0}, {"search": "x" * 300}):
        assert client.get("/v1/admin/documents", params=query).status_code == 400


def test_what_is_said_by_hand_is_in_the_list(client: Client, service: Service) -> None:
    body = {"title": " Pump \u202e manual\n", "date": "2019-05", "edition": "3.1", "language": "de"}
    reply = client.put(f"/v1/admin/documents/{DOCUMENT}", json=body)
    assert reply.status_code == 200 and reply.json()["said"]["date"] == "2019-05"
    assert service.index.details(DOCUMENT) == Details("Pump manual", "2019-05", "3.1", "de")
    (row,) = [row for row in client.get("/v1/admin/documents").json()["documents"] if row["id"] == DOCUMENT]
    assert row["is_described"] is True
    for wrong in ({"date": "May"}, {"date": "2024-13"}, {"edition": "x"}, {"language": "<b>"}, {"titel": "x"}):
        assert client.put(f"/v1/admin/documents/{DOCUMENT}", json=wrong).status_code == 400
    assert client.put("/v1/admin/documents/ffffffffffffffff", json={}).status_code == 404


def test_a_report_says_of_each_page_how_it_was_read(client: Client) -> None:
    report = client.get("/v1/admin/documents/aaaaaaaaaaaaaaaa").json()
    assert [page["how"] for page in report["pages"]] == ["skipped", "ocr", "empty"]
    assert (report["pages"][0]["reason"], report["pages"][0]["detail"]) == ("no_text", "no text layer")
    assert [problem["detail"] for problem in report["problems"]] == ["the outline"]
    assert client.get("/v1/admin/documents/../secret").status_code in (400, 404)


# ------------------------------------------------------------------------------------------ long readings


class StubbornSyncer(FakeSyncer):
    """Cannot read scans any more."""

    def read_each(self, paths: Sequence[str], tell: Callable[[str], None]) -> dict[str, str]:
        super().read_each(paths, tell)
        return {"scan.pdf": "it is damaged now; the document stays as it was"}


def finished(client: Client) -> dict[str, Any]:
    app: Any = client.app
    app.state.reading._thread.join(30)
    return client.get("/v1/admin/reading").json()  # type: ignore[no-any-return]


def test_reading_everything_goes_on_where_one_fails_and_tells(tmp_path: Path) -> None:
    service = filled(tmp_path / "index")
    index: Any = service.index
    with open_client(replace(service, syncer=StubbornSyncer(index))) as client:
        assert client.get("/v1/admin/reading").json()["what"] is None
        assert client.post("/v1/admin/reading", json={"what": "everything"}).status_code == 200
        state = finished(client)
        assert (state["is_running"], state["changed"], state["failed_total"]) == (False, 3, 1)
        assert state["failed"] == ["scan.pdf: it is damaged now; the document stays as it was"]
        assert state["files_done"] == state["files_total"] == 4


def test_what_follows_no_folder_cannot_read_it_and_who_is_read_only_nothing(service: Service) -> None:
    with open_client(service) as client:
        reply = client.post("/v1/admin/reading", json={"what": "folder"})
        assert reply.status_code == 400 and "follows no folder" in reply.json()["error"]["message"]
    with open_client(replace(service, syncer=None)) as client:
        for method, path, body in (
            ("POST", "/v1/admin/reading", {"what": "everything"}),
            ("POST", "/v1/admin/documents/again", {"path": "manual.txt"}),
            ("PUT", f"/v1/admin/documents/{DOCUMENT}", {"date": "2024"}),
        ):
            reply = client.request(method, path, json=body)
            assert reply.json()["error"]["code"] == "index_read_only", path


# ------------------------------------------------------------------------------------------ the box


def test_the_model_that_speaks_cannot_be_removed(service: Service, tmp_path: Path) -> None:
    add_model(service, tmp_path)
    around = service.surroundings
    assert around is not None
    speaking = around.models.path_of(around.models.get("tiny"))
    with open_client(replace(service, surroundings=replace(around, speaking=speaking))) as client:
        (model,) = client.get("/v1/admin/models").json()["models"]
        assert model["is_speaking"] is True and model["is_chosen"] is False
        reply = client.post("/v1/admin/models", json={"name": "tiny", "do": "remove"})
        assert reply.status_code == 400 and speaking.is_file()
        chosen = client.post("/v1/admin/models", json={"name": "tiny", "do": "use"}).json()["models"]
        assert chosen[0]["is_chosen"] is True and around.models.chosen == "tiny"
        assert client.post("/v1/admin/models", json={"name": "nobody", "do": "use"}).status_code == 503
    with open_client(service) as client:
        assert client.post("/v1/admin/models", json={"name": "tiny", "do": "remove"}).json()["models"] == []
        assert not speaking.is_file()


def test_rooms_are_measured_only_when_asked_for(service: Service) -> None:
    around, folder = service.surroundings, service.index.folder
    assert around is not None
    (folder / "manifest.json").write_text("{}")
    with open_client(service) as client:
        (found,) = client.get("/v1/admin/system").json()["indexes"]
        assert found == {"name": folder.name, "size_bytes": folder_bytes(folder), "is_this": True}
        assert client.get("/v1/admin/system", params={"sizes": False}).json()["indexes"] == []


def test_one_check_at_a_time(service: Service) -> None:
    index: Any = service.index
    index.check = lambda: ['the copy of "manual.txt" is damaged']
    with open_client(service) as client:
        assert client.post("/v1/admin/check", json={"what": "index"}).json()["problems"] == index.check()
        app: Any = client.app
        with app.state.checking:
            reply = client.post("/v1/admin/check", json={"what": "index"})
        assert reply.status_code == 503 and "Retry-After" in reply.headers


def test_the_log_keeps_requests_by_route_and_what_went_wrong(client: Client) -> None:
    client.get(f"/v1/documents/{DOCUMENT}/pages/7?secret=word")
    failed = client.get("/nowhere/secret")
    logging.getLogger("ragedge.server").warning("request %s: index_corrupt", "0123456789abcdef")
    lines = client.get("/v1/admin/log").json()["lines"]
    texts = [line["text"].rsplit(" ", 2)[0] for line in lines]
    assert texts[0] == "GET /v1/documents/{document_id}/pages/{number} 404" and lines[0]["level"] == "warning"
    assert lines[1]["request_id"] == failed.headers["x-request-id"] and "no route 404" in lines[1]["text"]
    assert (lines[2]["text"], lines[2]["request_id"]) == ("request 0123456789abcdef: index_corrupt", "0123456789abcdef")
    assert "secret" not in str(lines)
    after = client.get("/v1/admin/log", params={"after": lines[1]["number"]}).json()["lines"]
    assert after[0] == lines[2]
    app: Any = client.app
    for number in range(600):
        app.state.log.add_request({"method": "GET", "path_template": f"/{number}"}, 200, 1.0)
    assert len(app.state.log.lines()) == 500


def test_a_service_that_ended_listens_to_no_logger(service: Service) -> None:
    before = list(logging.getLogger("ragedge").handlers)
    with open_client(service):
        assert len(logging.getLogger("ragedge").handlers) == len(before) + 1
    assert logging.getLogger("ragedge").handlers == before


def test_figures_of_the_box_are_read_and_what_is_missing_is_none(tmp_path: Path) -> None:
    thermal = tmp_path / "thermal"
    for zone, text in (("0", "51250\n"), ("1", "0\n"), ("2", "-273000\n"), ("3", "no\n"), ("4", "47000\n")):
        (thermal / f"thermal_zone{zone}").mkdir(parents=True)
        (thermal / f"thermal_zone{zone}" / "temp").write_text(text)
    memory = tmp_path / "meminfo"
    memory.write_text("MemTotal: 8000 kB\nMemAvailable:    5000 kB\nSwapTotal: 100 kB\nSwapFree: 40 kB\n")
    found = device_state(tmp_path, thermal=thermal, memory=memory)
    assert (found.temperature_celsius, found.memory_available_bytes) == (51.25, 5000 * 1024)
    assert found.swap_used_bytes == 60 * 1024 and found.disk_bytes >= found.disk_free_bytes > 0
    none = device_state(tmp_path / "nowhere", thermal=tmp_path / "none", memory=tmp_path / "none")
    assert (none.temperature_celsius, none.memory_available_bytes, none.disk_bytes) == (None, 0, 0)
    (tmp_path / "link").symlink_to(memory)
    size = sum(path.lstat().st_size for path in tmp_path.rglob("*") if path.is_symlink() or path.is_file())
    assert folder_bytes(tmp_path) == size
