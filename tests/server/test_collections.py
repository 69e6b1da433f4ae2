"""Role x collection x every route that reads documents: no word of what is closed, and absent and closed look alike."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from litestar import Litestar
from litestar.testing import TestClient

import ragedge.server
from ragedge.exhibits import Exhibit, Exhibits
from ragedge.server.described import ROUTES
from ragedge.server.permissions import RIGHTS, may
from ragedge.server.settings import KioskSettings, ServerSettings, Service
from tests.server.collected import (
    CLOSED,
    CLOSED_WORDS,
    KEYED,
    KEYED_WORDS,
    OPEN,
    collected,
    document_id,
)

TASKS = ("/v1/summarise", "/v1/summarise/stream", "/v1/rewrite", "/v1/rewrite/stream")
Box = tuple[TestClient[Litestar], dict[str, str], Service]
ROLES = ("guest", "visitor", "curator", "owner")
#: Words that a role must never be sent.
HIDDEN = {"guest": (*KEYED_WORDS, *CLOSED_WORDS), "visitor": CLOSED_WORDS, "curator": (), "owner": ()}
QUESTIONS = (
    "What does a pump cost?",
    "What do dealers pay?",  # a reviewed answer with a closed source
    "How tight are the pump head bolts?",
    "What is the code ZQ-4711?",  # an identifier of a closed document
    'Where does it say "dealers 4711"?',
    "What about the quillwart and the heliotrpoe?",  # mistyped words of closed documents
    "Which chalcedoni margins does the report count?",
    "What does the latest report count?",  # the latest edition is closed
    "What does the report of 2023 count?",
    "At what margin is lapislazuly sold?",
    "Who opens the workshop on Monday?",
    "When is septimas there?",
)
KIOSK = KioskSettings(Exhibits({}, {"pump": Exhibit("pump", {"en": "Pump"}, ("*",), {})}), address="http://m.local")
#: What may differ between two boxes that show the same: times, scores by all passages of the index, counters.
_LOOSE = re.compile(r"_ms$|^(generation|score|confidence|support|cosine|started_at|added_at|request_id|created|id)$")


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    with collected(tmp_path_factory.mktemp("full"), settings=limits(KIOSK)) as opened:
        yield opened


def limits(kiosk: KioskSettings | None = None) -> ServerSettings:
    return ServerSettings(tokens_per_second=1e9, token_burst=1e9, kiosk=kiosk)


def shown(box: Box, role: str) -> dict[str, str]:
    return {} if role == "guest" else {"Authorization": f"Bearer {box[1][role]}"}


def everything_sent(reply: Any) -> str:
    headers = "\n".join(f"{name}: {value}" for name, value in reply.headers.items())
    return f"{headers}\n{reply.content.decode('utf-8', 'replace')}"


def check_words(sent: str, role: str, where: object) -> None:
    found = [word for word in HIDDEN[role] if word.casefold() in sent.casefold()]
    assert not found, (role, where, found, sent[:600])


def reading_routes() -> list[tuple[str, str]]:
    """Every route without a body, with each document and a few collections."""
    found = []
    for name in RIGHTS:
        method, template = name.split(" ")
        if method != "GET" or "/schema/raw" in template:
            continue
        values = {"number": "1", "name": "app.js", "model": "ragedge", "run": "1"}
        for path in (*OPEN, *KEYED, *CLOSED) if "{document_id}" in template else ("",):
            known = values | {"document_id": document_id(path)} if path else values
            found.append((method, re.sub(r"\{(\w+)\}", lambda m, known=known: known[m[1]], template)))
    found += [("GET", f"/v1/documents?collection={name}") for name in ("prices", "rota", "guides", "nowhere")]
    found += [("GET", f"/v1/documents/{document_id(path)}/pages/2") for path in CLOSED]
    return [*found, ("GET", "/v1/kiosk?exhibit=pump"), ("GET", "/nowhere")]


def bodies(text: str, collection: str) -> list[tuple[str, dict[str, Any]]]:
    """A question by every route that takes one."""
    messages = [{"role": "user", "content": text}]
    named = {"collection": collection} if collection else {}
    prefer = [document_id(path) for path in CLOSED]
    turn = {"question": "What does a pump cost?", "answer": "It is on the list."}
    return [
        ("/v1/ask", {"text": text, **named}),
        ("/v1/ask", {"text": text, "prefer": prefer, "history": [turn], "top_k": 50, **named}),
        ("/v1/ask", {"text": text, "filters": {"path": "prices/*|*.tariff|rota"}, **named}),
        ("/v1/ask", {"text": text, "filters": {"date": "2023"}, **named}),
        ("/v1/ask/stream", {"text": text, "top_k": 50, **named}),
        ("/v1/search", {"text": text, "top_k": 50, **named}),
        ("/v1/chat/completions", {"model": "ragedge-sources", "messages": messages, **named}),
        ("/v1/chat/completions", {"model": "ragedge", "messages": messages, "stream": True, **named}),
        ("/api/chat", {"model": "ragedge-sources", "messages": messages, **named}),
        ("/api/chat", {"model": "ragedge", "messages": messages, "stream": False, **named}),
    ]


@pytest.mark.parametrize("role", ROLES)
def test_no_route_that_reads_says_a_word_of_what_is_closed(box: Box, role: str) -> None:
    for method, path in reading_routes():
        reply = box[0].request(method, path, headers=shown(box, role))
        assert reply.status_code < 500, (path, reply.text)
        check_words(everything_sent(reply), role, path)
    listed = {row["path"] for row in box[0].get("/v1/documents", headers=shown(box, role)).json()["documents"]}
    assert listed == set(OPEN) | (set() if role == "guest" else set(KEYED)) | (
        set(CLOSED) if role in ("curator", "owner") else set()
    )


@pytest.mark.parametrize("collection", ["", "guides", "rota", "prices", "other", "nowhere"])
@pytest.mark.parametrize("role", ROLES)
def test_no_route_that_asks_says_a_word_of_what_is_closed(box: Box, role: str, collection: str) -> None:
    may_ask = {"guest": ("", "guides", "other"), "visitor": ("", "guides", "other", "rota")}
    for text in QUESTIONS:
        for path, body in bodies(text, collection):
            reply = box[0].post(path, json=body, headers=shown(box, role))
            check_words(everything_sent(reply), role, (path, body))
            expected = collection != "nowhere" and collection in may_ask.get(role, (collection,))
            assert reply.status_code == (200 if expected else 404), (role, collection, path, reply.text[:300])


@pytest.mark.parametrize("role", ROLES)
def test_no_task_says_a_word_of_what_is_closed(box: Box, role: str) -> None:
    may_read = {*OPEN, *(() if role == "guest" else KEYED), *(CLOSED if role in ("curator", "owner") else ())}
    for path in (*OPEN, *KEYED, *CLOSED):
        chunk_id = box[2].pipeline.index.chunk_ids([document_id(path)])[0]  # type: ignore[attr-defined]
        place = {
            "number": 1,
            "page": 1,
            "start": 0,
            "end": 40,
            "answer_start": 0,
            "answer_end": 9,
            "chunk_id": chunk_id,
        }
        rewritten = {"text": "It is so.", "kind": "simpler", "citations": [place]}
        for task in TASKS:
            body = {"document": document_id(path)} if "summarise" in task else rewritten
            reply = box[0].post(task, json=body, headers=shown(box, role))
            check_words(everything_sent(reply), role, (task, path))
            is_there = "summarise" not in task or path in may_read
            assert reply.status_code == (200 if is_there else 404), (role, task, path, reply.text[:300])
    for name in ("pump", "report", "tariff", "list", "prices", "price", "a", "rota"):
        reply = box[0].post("/v1/summarise", json={"document": name}, headers=shown(box, role))
        check_words(everything_sent(reply), role, name)
    if role == "curator":
        closed = document_id("prices/QUILLWORT list.txt")
        reply = box[0].post("/v1/summarise", json={"document": closed}, headers=shown(box, role))
        assert "ZECCHINI" in reply.text, "a summary holds the words of its document"


@pytest.mark.parametrize("bias", [-100.0, 100.0])
def test_refusals_name_nothing_either(tmp_path: Path, bias: float) -> None:
    with collected(tmp_path / "box", bias=bias) as box:
        for text in QUESTIONS:
            for path, body in bodies(text, ""):
                reply = box[0].post(path, json=body)
                assert reply.status_code == 200
                check_words(everything_sent(reply), "guest", (path, body))


@pytest.mark.parametrize("role", ["curator", "owner"])
def test_who_may_read_everything_finds_what_is_closed(box: Box, role: str) -> None:
    def ask(text: str, **more: object) -> str:
        return box[0].post("/v1/ask", json={"text": text, **more}, headers=shown(box, role)).text

    assert "ZECCHINI" in ask("What does a pump cost?") and "MALACHITE" in ask("What do dealers pay?")
    assert "LAPISLAZULI" in ask("At what margin is lapislazuly sold?", collection="prices")
    assert "SEPTIMUS" in ask("Who opens the workshop on Monday?", collection="rota")
    found = box[0].post("/v1/search", json={"text": QUESTIONS[5]}, headers=shown(box, role)).json()
    assert "heliotrope" in found["retrieval"]["search_text"]  # so the matrix would show it to others
    assert "12 Nm" not in ask("How tight are the pump head bolts?", collection="prices")


def test_a_visitor_reads_what_asks_for_a_key_and_a_guest_does_not(box: Box) -> None:
    question = {"text": "Who opens the workshop on Monday?"}
    assert "SEPTIMUS" in box[0].post("/v1/ask", json=question, headers=shown(box, "visitor")).text
    assert "SEPTIMUS" not in box[0].post("/v1/ask", json=question).text


def kept(view: Any) -> Any:
    if isinstance(view, dict):
        return {name: kept(value) for name, value in view.items() if not _LOOSE.search(name)}
    if isinstance(view, list):
        return [kept(value) for value in view]
    return round(view, 3) if isinstance(view, float) else view


def test_a_guest_is_told_the_same_as_where_the_closed_documents_are_not_there_at_all(tmp_path: Path) -> None:
    with collected(tmp_path / "full") as full, collected(tmp_path / "bare", is_bare=True) as bare:
        for text in QUESTIONS:
            for path, body in bodies(text, ""):
                replies = [box[0].post(path, json=body) for box in (full, bare)]
                assert replies[0].status_code == replies[1].status_code
                if path in ("/v1/ask", "/v1/search"):
                    first, second = (kept(reply.json()) for reply in replies)
                    assert first == second, (text, body)
        for path in ("/v1/index", "/v1/documents", "/v1/documents?limit=1&offset=2"):
            first, second = (kept(box[0].get(path).json()) for box in (full, bare))
            assert first == second


def strip(reply: Any) -> tuple[int, str, dict[str, str]]:
    body = re.sub(r'"request_id":"\w+"', "", reply.text)
    headers = {k: v for k, v in reply.headers.items() if k not in ("x-request-id", "date")}
    return reply.status_code, body, headers


@pytest.mark.parametrize("role", ["guest", "visitor"])
def test_a_closed_document_looks_like_one_that_was_never_there(box: Box, role: str) -> None:
    absent = "e" * 16
    for ending in ("", "/file", "/pages/1", "/pages/9", "/pages/1/image", "/pages/1/image?quote=x"):
        for path in CLOSED:
            closed = strip(box[0].get(f"/v1/documents/{document_id(path)}{ending}", headers=shown(box, role)))
            never = strip(box[0].get(f"/v1/documents/{absent}{ending}", headers=shown(box, role)))
            assert closed[0] == 404 and closed[1].replace(document_id(path), absent) == never[1]
            assert {**closed[2], "content-length": ""} == {**never[2], "content-length": ""}
    for path in CLOSED:
        closed = strip(box[0].get(f"/source/{document_id(path)}/1", headers=shown(box, role)))
        assert (
            closed[0] == 404
            and closed[1].replace(document_id(path), absent)
            == strip(box[0].get(f"/source/{absent}/1", headers=shown(box, role)))[1]
        )


@pytest.mark.parametrize("role", ["guest", "visitor"])
def test_a_closed_collection_looks_like_one_that_was_never_there(box: Box, role: str) -> None:
    for text in QUESTIONS[:2]:
        for (path, closed), (_, never) in zip(bodies(text, "prices"), bodies(text, "nowhere"), strict=True):
            replies = [strip(box[0].post(path, json=body, headers=shown(box, role))) for body in (closed, never)]
            assert replies[0] == replies[1] and replies[0][0] == 404


def test_each_sees_the_collections_that_are_open_to_them(box: Box) -> None:
    def names(role: str) -> dict[str, int]:
        reply = box[0].get("/v1/index", headers=shown(box, role)).json()
        assert reply["counts"]["documents"] == sum(row["documents"] for row in reply["collections"])
        return {row["name"]: row["documents"] for row in reply["collections"]}

    assert names("guest") == {"guides": 2, "other": 1}
    assert names("visitor") == {"guides": 2, "rota": 1, "other": 1}
    reply = box[0].get("/v1/index", headers=shown(box, "curator")).json()
    assert {row["name"]: row["documents"] for row in reply["collections"]} == {
        "guides": 3, "rota": 1, "prices": 3, "other": 1
    }  # fmt: skip
    assert reply["counts"]["documents"] == 7  # one of them in two collections


def test_before_a_kiosk_without_keys_and_from_other_sites_people_are_guests(tmp_path: Path) -> None:
    with collected(tmp_path / "kiosk", has_keys=False, settings=limits(KIOSK)) as box:
        for text in QUESTIONS:
            check_words(everything_sent(box[0].post("/v1/ask", json={"text": text})), "guest", text)
        check_words(box[0].get("/v1/kiosk?exhibit=pump").text, "guest", "kiosk")
        assert set(box[0].get("/v1/kiosk?exhibit=pump").json()["exhibit"]["prefer"]) == {document_id(p) for p in OPEN}
        assert box[0].get("/v1/index").json()["can_change"] is False
        copy = {"file": ("copy.txt", CLOSED["prices/report 2023.txt"][1].encode())}
        assert box[0].post("/v1/documents", files=copy).status_code == 403
        closed = document_id("prices/report 2023.txt")
        for path in (f"/v1/documents/{closed}", "/v1/documents?path=prices/VERMILION.pdf"):
            assert box[0].delete(path).status_code == 403
    site = "http://intranet.local"
    with collected(tmp_path / "widget", has_keys=False, settings=ServerSettings(widget_origins=(site,))) as box:
        for text in QUESTIONS:
            reply = box[0].post("/v1/ask", json={"text": text}, headers={"Origin": site})
            assert reply.status_code == 200
            check_words(everything_sent(reply), "guest", text)
        assert "ZECCHINI" in box[0].post("/v1/ask", json={"text": QUESTIONS[0]}).text  # who sits at the box


def test_a_route_that_is_new_is_in_this_matrix_and_no_route_reads_past_what_one_may() -> None:
    asking = {path for path, _ in bodies("x", "")}
    other = {"POST /login", "POST /logout", "POST /v1/embeddings", "POST /api/show", "POST /v1/feedback"}
    other |= {"POST /v1/kiosk/speech", "POST /v1/documents", *(f"POST {path}" for path in TASKS)}
    for name in RIGHTS:
        method, path = name.split(" ")
        assert (
            method in ("GET", "DELETE", "PATCH")
            or path in asking
            or name in other
            or not may("visitor", RIGHTS[name].needed)
        ), f"{name}: does it read documents? then it belongs into `bodies`"
    assert "POST /v1/ask" in ROUTES
    #: sight.py is where it is decided, ask.py reads the labels of pages out of hits that were let in, ahead.py the
    #: number of the last change; boxed.py hands the index to the parts at the start, reading ahead among them
    allowed = {"sight.py": 1, "ask.py": 1, "boxed.py": 3, "ahead.py": 1}
    folder = Path(ragedge.server.__file__).parent
    for file in folder.glob("*.py"):
        if file.name.startswith(("admin_", "curation")):
            continue  # the desk: curators and owners read everything
        tree = ast.parse(file.read_text())
        direct = [
            node
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute)
            and node.attr == "index"
            and ast.unparse(node.value).endswith(("service", "box"))
        ]
        assert len(direct) <= allowed.get(file.name, 0), f"{file.name} reads the whole index: ask sight.index_for"


def test_what_the_asker_may_read_stands_in_the_question_but_not_in_replies(box: Box) -> None:
    pipeline = box[2].pipeline
    seen: set[str] = set()
    from ragedge.contracts import Passages, Question

    for readable in (None, ("guides", "other"), ("guides", "rota", "other")):
        for collection in ("", "guides"):
            first = next(iter(pipeline.stream(Question("How tight?", collection, readable=readable))))
            assert isinstance(first, Passages)
            seen.add(first.retrieval.question.portion)
    assert len(seen) == 6 and "" in seen
    found = box[0].post("/v1/search", json={"text": "How tight are the pump head bolts?"})
    assert not {"readable", "portion"} & json.loads(found.text)["retrieval"]["question"].keys()
    for name in ("readable", "portion"):
        assert box[0].post("/v1/ask", json={"text": "How tight?", name: ["prices"]}).status_code == 400
