"""Documents over HTTP: list, upload within bounds, removal, the original, and pages as text."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar import Litestar
from litestar.testing import TestClient

from ragedge.contracts import Page, PageProblem
from ragedge.errors import InputError
from ragedge.server.settings import ServerSettings, Service
from ragedge.server.uploads import safe_name
from tests.server.clients import open_client, raw_request, read_until, serving
from tests.server.fakes import PAGE_TEXT, FakeIndex, FakeSyncer, make_service

Client = TestClient[Litestar]
KNOWN = "/v1/documents/0123456789abcdef"


@pytest.fixture
def service(tmp_path: Path) -> Service:
    return make_service(tmp_path / "index")


@pytest.fixture
def client(service: Service) -> Iterator[Client]:
    with open_client(service, ServerSettings(max_upload_bytes=100_000)) as opened:
        yield opened


def index_of(service: Service) -> FakeIndex:
    assert isinstance(service.index, FakeIndex)
    return service.index


def left_over(service: Service) -> list[str]:
    folder = index_of(service).folder / "incoming"
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def test_the_list_shows_state_problems_and_rejected_files(service: Service, client: Client) -> None:
    index = index_of(service)
    index.put("b.txt", b"b", (Page(1, None, "b"),), problems=(PageProblem(2, "no_text", "a scan"),))
    index.reject("locked.pdf", b"x", "encrypted", "it needs a password")
    got = client.get("/v1/documents").json()
    assert [(d["path"], d["state"]) for d in got["documents"]] == [("b.txt", "partial"), ("manual.txt", "ready")]
    assert got["documents"][0]["problems"] == [{"page": 2, "reason": "no_text", "detail": "a scan"}]
    assert [(r["path"], r["reason"], r["detail"]) for r in got["rejected"]] == [
        ("locked.pdf", "encrypted", "it needs a password")
    ]
    assert (got["total"], got["rejected_total"]) == (2, 1)


def test_the_list_comes_in_parts(service: Service, client: Client) -> None:
    for number in range(5):
        index_of(service).put(f"{number}.txt", b"%d" % number, (Page(1, None, "x"),))
    got = client.get("/v1/documents?offset=2&limit=2").json()
    assert [d["path"] for d in got["documents"]] == ["2.txt", "3.txt"]
    assert got["total"] == 6


@pytest.mark.parametrize("query", ["offset=-1", "limit=0", "limit=1001", "limit=x", "offset=9999999999999999999999"])
def test_list_bounds_are_checked(client: Client, query: str) -> None:
    reply = client.get(f"/v1/documents?{query}")
    assert (reply.status_code, reply.json()["error"]["code"]) == (400, "bad_request")


def test_an_uploaded_file_is_a_document_and_leaves_no_temporary_file(service: Service, client: Client) -> None:
    reply = client.post("/v1/documents", files={"file": ("notes.txt", b"first\fsecond")})
    assert reply.status_code == 201
    got = reply.json()
    assert (got["document"]["path"], got["document"]["pages"], got["is_duplicate"]) == ("notes.txt", 2, False)
    page = client.get(f"/v1/documents/{got['document']['id']}/pages/2").json()
    assert page["text"] == "second"
    assert left_over(service) == []


def test_the_reader_sees_the_file_under_its_own_name(service: Service, client: Client) -> None:
    client.post("/v1/documents", files={"file": ("../Notes of May.txt", b"x")})
    assert isinstance(service.syncer, FakeSyncer)
    assert service.syncer.paths[0].name == "Notes of May.txt"
    assert index_of(service).folder in service.syncer.paths[0].parents


def test_a_large_upload_arrives_byte_for_byte(tmp_path: Path) -> None:
    content = bytes(i % 97 + 30 for i in range(3_500_000))
    service = make_service(tmp_path)
    with open_client(service) as client:
        got = client.post("/v1/documents", files={"file": ("big.txt", content)}).json()
        assert client.get(f"/v1/documents/{got['document']['id']}/file").content == content


@pytest.mark.parametrize(
    ("content", "status", "code", "reason"),
    [(b"locked", 422, "unreadable_document", "encrypted"), (b"raise", 422, "unreadable_document", "broken")],
)
def test_an_unreadable_upload_says_why(
    service: Service, client: Client, content: bytes, status: int, code: str, reason: str
) -> None:
    reply = client.post("/v1/documents", files={"file": ("bad.pdf", content)})
    error = reply.json()["error"]
    assert (reply.status_code, error["code"], error["reason"]) == (status, code, reason)
    assert left_over(service) == []


@pytest.mark.parametrize("name", ["run.exe", "noending", "page.pdf.sh", ".pdf", "x.PDF.zip"])
def test_kinds_that_no_reader_takes_are_refused(service: Service, client: Client, name: str) -> None:
    reply = client.post("/v1/documents", files={"file": (name, b"x")})
    assert (reply.status_code, reply.json()["error"]["code"]) == (415, "unsupported_file")
    assert left_over(service) == []


def test_endings_count_in_any_case(client: Client) -> None:
    assert client.post("/v1/documents", files={"file": ("A.TXT", b"x")}).status_code == 201


def test_a_file_over_the_limit_is_refused_and_leaves_nothing(service: Service, client: Client) -> None:
    reply = client.post("/v1/documents", files={"file": ("big.txt", b"x" * 100_001)})
    assert (reply.status_code, reply.json()["error"]["code"]) == (413, "too_large")
    assert left_over(service) == []
    assert client.post("/v1/documents", files={"file": ("fits.txt", b"x" * 100_000)}).status_code == 201


def test_fields_around_the_file_count_too(service: Service, client: Client) -> None:
    form = {"note": "x" * 120_000}
    reply = client.post("/v1/documents", data=form, files={"file": ("small.txt", b"x")})
    assert (reply.status_code, reply.json()["error"]["code"]) == (413, "too_large")
    assert left_over(service) == []


def test_a_chunked_upload_is_cut_off_at_the_limit(tmp_path: Path) -> None:
    service = make_service(tmp_path)
    head = (
        b"POST /v1/documents HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
        b"Content-Type: multipart/form-data; boundary=b"
    )
    part = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n' + b"x" * 60_000
    with (
        serving(service, ServerSettings(max_upload_bytes=50_000)) as port,
        raw_request(port, head, b"%x\r\n%s\r\n" % (len(part), part)) as connection,
    ):
        assert read_until(connection, b"\r\n").startswith(b"HTTP/1.1 413")
    assert left_over(service) == []


def test_hanging_up_during_an_upload_leaves_nothing(tmp_path: Path) -> None:
    service = make_service(tmp_path)
    head = (
        b"POST /v1/documents HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5000000\r\n"
        b"Content-Type: multipart/form-data; boundary=b"
    )
    part = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n' + b"x" * 2_000_000
    with serving(service) as port:
        raw_request(port, head, part).close()
    assert left_over(service) == []
    assert index_of(service).counts().documents == 1


BOUNDARY = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\nx\r\n'
BAD_FORMS: list[tuple[str, bytes, int]] = [
    ("multipart/form-data; boundary=b", b"", 400),
    ("multipart/form-data; boundary=b", b"no parts at all", 400),
    ("multipart/form-data; boundary=b", b"--b--\r\n", 400),
    ("multipart/form-data; boundary=b", BOUNDARY, 400),  # not ended
    ("multipart/form-data; boundary=b", BOUNDARY + BOUNDARY + b"--b--\r\n", 400),  # two files
    ("multipart/form-data; boundary=b", BOUNDARY.replace(b'"file"', b'"other"') + b"--b--\r\n", 400),
    ("multipart/form-data; boundary=b", BOUNDARY.replace(b'; filename="a.txt"', b"") + b"--b--\r\n", 400),
    ("multipart/form-data; boundary=b", BOUNDARY.replace(b"a.txt", b"") + b"--b--\r\n", 400),
    ("multipart/form-data; boundary=b", BOUNDARY.replace(b"a.txt", b"\xff\xfe.txt") + b"--b--\r\n", 400),
    ("multipart/form-data; boundary=b", BOUNDARY.replace(b"form-data", b"x" * 9000) + b"--b--\r\n", 400),
    ("multipart/form-data", BOUNDARY + b"--b--\r\n", 415),
    ("application/pdf", b"%PDF", 415),
    ("", b"x", 415),
]


@pytest.mark.parametrize(("kind", "body", "status"), BAD_FORMS)
def test_broken_forms_are_refused_in_the_one_shape(
    service: Service, client: Client, kind: str, body: bytes, status: int
) -> None:
    reply = client.post("/v1/documents", content=body, headers={"Content-Type": kind})
    assert reply.status_code == status
    assert reply.json()["error"]["hint"]
    assert left_over(service) == []
    assert index_of(service).counts().documents == 1


NAMES = [
    ("../../etc/passwd.txt", "passwd.txt"), ("..\\..\\boot.txt", "boot.txt"), ("/abs/x.txt", "x.txt"),
    ("C:\\Users\\me\\r.txt", "r.txt"), ("a\x00b.txt", "ab.txt"), ("\u202etxt.exe.txt", "txt.exe.txt"),
    ("line\nbreak.txt", "linebreak.txt"), ("...hidden.txt", "hidden.txt"), ("trail.txt. .", "trail.txt"),
    ('a<b>:"|?*.txt', "a_b______.txt"), ("con.txt", "_con.txt"), ("LPT1.txt", "_LPT1.txt"),
    ("e\u0301.txt", "\u00e9.txt"), ("..%2f..%2fx.txt", "..%2f..%2fx.txt".lstrip(".")), ("b\ud800.txt", "b_.txt"),
]  # fmt: skip


@pytest.mark.parametrize(("given_name", "name"), NAMES)
def test_names_are_reduced_to_harmless_ones(given_name: str, name: str) -> None:
    assert safe_name(given_name) == name


@pytest.mark.parametrize("name", ["", "/", "..", "a/..", "\x00", " . "])
def test_names_of_which_nothing_is_left_are_refused(name: str) -> None:
    with pytest.raises(InputError):
        safe_name(name)


@given(st.text(max_size=400))
def test_no_name_leaves_its_folder(name: str) -> None:
    try:
        got = safe_name(name)
    except InputError:
        return
    assert "/" not in got and "\\" not in got and "\x00" not in got
    assert got not in (".", "..") and not got.startswith(".")
    assert len(got.encode()) <= 200
    assert safe_name(got) == got


def test_a_travelling_name_is_stored_by_its_last_part(service: Service, client: Client) -> None:
    reply = client.post("/v1/documents", files={"file": ("../../../tmp/evil.txt", b"x")})
    assert reply.json()["document"]["path"] == "evil.txt"
    assert isinstance(service.syncer, FakeSyncer) and service.syncer.names == ["evil.txt"]


@pytest.mark.parametrize(
    ("folder", "kept"),
    [
        ("manuals/pumps", "manuals/pumps/"),
        ("../../etc", "etc/"),
        ("/a//b/./", "a/b/"),
        ("a\\..\\b", "a/b/"),
        ("con/x\x00y\u202e", "_con/xy/"),
        ("/".join("abcdefghijk"), "d/e/f/g/h/i/j/k/"),
        ("..", ""),
    ],
)
def test_a_file_out_of_a_folder_keeps_where_it_lay(service: Service, client: Client, folder: str, kept: str) -> None:
    files = {"file": ("valve.txt", b"The valve takes 5 Nm.")}
    assert client.post("/v1/documents", files=files, params={"folder": folder}).status_code == 201
    assert service.syncer.names == [f"{kept}valve.txt"]  # type: ignore[union-attr]


def test_a_removed_document_is_gone(client: Client) -> None:
    assert client.delete(KNOWN).json() == {"removed": ["manual.txt"]}
    assert client.get(KNOWN).status_code == 404
    assert client.delete(KNOWN).status_code == 404
    assert client.get("/v1/documents").json()["total"] == 0


def test_a_rejected_file_leaves_the_list_by_its_path(service: Service, client: Client) -> None:
    index_of(service).reject("dir/b&d?.pdf", b"x", "broken", "cut off")
    assert client.delete("/v1/documents", params={"path": "dir/b&d?.pdf"}).status_code == 200
    assert client.get("/v1/documents").json()["rejected"] == []
    assert client.delete("/v1/documents", params={"path": "never.pdf"}).status_code == 404
    assert client.delete("/v1/documents").status_code == 400


def test_without_a_syncer_nothing_can_be_changed(service: Service) -> None:
    fixed = Service(service.pipeline, service.index, None, "extractive", "0", service.suffixes)
    with open_client(fixed) as client:
        assert client.get("/v1/index").json()["can_change"] is False
        for reply in (client.delete(KNOWN), client.post("/v1/documents", files={"file": ("a.txt", b"x")})):
            assert (reply.status_code, reply.json()["error"]["code"]) == (503, "index_read_only")
        assert client.get(KNOWN).status_code == 200


IDS = [
    "nope", "0123456789ABCDEF", "0123456789abcdef0", "..", "..%2f..%2fetc%2fpasswd", "%00", "0123456789abcde/", "*",
    "' or 1=1", "ffffffffffffffff", "0123456789abcdef%0a",
]  # fmt: skip


@pytest.mark.parametrize("document_id", IDS)
@pytest.mark.parametrize("rest", ["", "/file", "/pages/1", "/pages/1/image"])
def test_ids_that_name_no_document_find_nothing(client: Client, document_id: str, rest: str) -> None:
    reply = client.get(f"/v1/documents/{document_id}{rest}")
    assert reply.status_code in (400, 404)
    assert set(reply.json()["error"]) == {"code", "message", "hint", "request_id"}


@pytest.mark.parametrize("page", ["0", "-1", "3", "99999999999999999999999", "1.5", "x", "%00"])
def test_pages_that_are_not_there_are_not_found(client: Client, page: str) -> None:
    for rest in ("", "/image"):
        assert client.get(f"{KNOWN}/pages/{page}{rest}").status_code in (400, 404)


def test_a_page_is_text_with_its_label_and_neighbours(client: Client) -> None:
    page = client.get(f"{KNOWN}/pages/1").json()
    assert (page["text"], page["label"], page["pages"]) == (PAGE_TEXT, "iv", 2)
    assert (page["previous"], page["next"]) == (None, 2)
    assert page["document"]["title"] == "Pump manual"


def test_a_window_of_a_page_counts_characters_not_bytes(client: Client) -> None:
    page = client.get(f"{KNOWN}/pages/1?offset=2&limit=5").json()
    assert (page["text"], page["text_start"], page["total_chars"]) == (PAGE_TEXT[2:7], 2, len(PAGE_TEXT))


def test_originals_leave_as_attachments_that_no_browser_runs(service: Service, client: Client) -> None:
    row = index_of(service).put(
        'evil"; filename=x.html\r\n.html', b"<script>", (Page(1, None, "x"),), media_type="text/html"
    )
    reply = client.get(f"/v1/documents/{row.document_id}/file")
    assert reply.content == b"<script>"
    assert reply.headers["content-type"] == "application/octet-stream"
    assert reply.headers["content-disposition"].startswith("attachment")
    assert "\r" not in reply.headers["content-disposition"]
    assert reply.headers["x-content-type-options"] == "nosniff"


def test_a_lost_original_is_not_found(service: Service, client: Client) -> None:
    index_of(service).source("0123456789abcdef").unlink()
    assert client.get(f"{KNOWN}/file").status_code == 404


def test_the_index_tells_counts_and_limits(client: Client) -> None:
    got = client.get("/v1/index").json()
    assert got["counts"] == {"documents": 1, "pages": 2, "chunks": 2, "files": 1}
    assert (got["can_change"], got["max_upload_bytes"], got["suffixes"]) == (True, 100_000, [".pdf", ".txt", ".md"])
    assert (got["engine"], got["settings"]["embedder_id"]) == ("llama:tiny.gguf", "fake")


def test_uploads_that_a_power_cut_left_are_cleared_at_start(service: Service) -> None:
    folder = index_of(service).folder / "incoming"
    folder.mkdir()
    (folder / "upload-0123").mkdir()
    (folder / "upload-0123" / "a.pdf").write_bytes(b"half")
    (folder / "kept.txt").write_bytes(b"not ours")
    with open_client(service):
        assert left_over(service) == ["kept.txt"]


def operations(schema: dict[str, Any]) -> set[tuple[str, str]]:
    return {(method, path) for path, item in schema["paths"].items() for method in item}


def test_the_schema_names_every_route_and_no_other_address(client: Client) -> None:
    reply = client.get("/schema/openapi.json")
    assert operations(reply.json()) == {
        ("post", "/v1/ask"), ("post", "/v1/ask/stream"), ("post", "/v1/summarise"), ("post", "/v1/summarise/stream"),
        ("post", "/v1/rewrite"), ("post", "/v1/rewrite/stream"), ("get", "/v1/documents"), ("post", "/v1/documents"),
        ("delete", "/v1/documents"), ("get", "/v1/documents/{document_id}"), ("delete", "/v1/documents/{document_id}"),
        ("get", "/v1/documents/{document_id}/file"), ("get", "/v1/documents/{document_id}/pages/{number}"),
        ("get", "/v1/documents/{document_id}/pages/{number}/image"), ("get", "/v1/health"), ("get", "/v1/index"),
        ("post", "/v1/feedback"), ("post", "/v1/search"), ("get", "/source/{document_id}/{number}"),
        ("post", "/v1/chat/completions"), ("post", "/v1/embeddings"), ("get", "/v1/models"),
        ("get", "/v1/models/{model}"), ("post", "/api/chat"), ("get", "/api/tags"), ("get", "/api/version"),
        ("post", "/api/show"), ("get", "/metrics"), ("get", "/v1/kiosk"), ("get", "/kiosk/qr"),
        ("post", "/v1/kiosk/speech"), ("get", "/v1/admin/documents"),
        ("get", "/v1/admin/questions"), ("delete", "/v1/admin/questions"), ("get", "/v1/admin/questions/repeats"),
        ("get", "/v1/admin/questions/days"), ("get", "/v1/admin/questions/export"),
        ("delete", "/v1/admin/questions/{question}"), ("get", "/v1/admin/pinned"), ("post", "/v1/admin/pinned"),
        ("post", "/v1/admin/pinned/{number}"), ("delete", "/v1/admin/pinned/{number}"), ("get", "/v1/admin/golden"),
        ("get", "/v1/admin/golden/runs/{run}"), ("post", "/v1/admin/golden/questions"),
        ("post", "/v1/admin/golden/runs"), ("delete", "/v1/admin/golden/runs"),
        ("get", "/v1/admin/documents/{document_id}"), ("put", "/v1/admin/documents/{document_id}"),
        ("post", "/v1/admin/documents/replace"), ("post", "/v1/admin/documents/again"),
        ("get", "/v1/admin/reading"), ("post", "/v1/admin/reading"), ("delete", "/v1/admin/reading"),
        ("get", "/v1/admin/system"), ("get", "/v1/admin/models"), ("post", "/v1/admin/models"),
        ("post", "/v1/admin/check"), ("get", "/v1/admin/log"),
        ("get", "/v1/suggestions"), ("get", "/v1/settings"), ("patch", "/v1/settings"), ("get", "/v1/keys"),
        ("post", "/v1/keys"),
        ("delete", "/v1/keys/{key_id}"),
    }  # fmt: skip
    assert reply.text.count("://") == reply.text.count("http://127.0.0.1:8321/")
