"""GET /v1/suggestions: the config's first, else made while nobody asks, of what one may read, once per state."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from litestar import Litestar
from litestar.testing import TestClient

from ragedge.server.boxed import _suggest
from ragedge.server.settings import ServerSettings
from ragedge.server.suggestions import Suggestions
from tests.server.clients import open_client
from tests.server.collected import CLOSED_WORDS, KEYED_WORDS, collected
from tests.server.fakes import make_service


class Made:
    """Counts what is made; may be held up."""

    def __init__(self) -> None:
        self.calls: list[tuple[object, str]] = []
        self.go = threading.Event()
        self.done = threading.Semaphore(0)

    def __call__(self, readable: Sequence[str] | None, collection: str, is_over: Callable[[], bool]) -> tuple[str, ...]:
        self.calls.append((readable, collection))
        while not self.go.wait(0.005):
            if is_over():
                return ()
        self.done.release()
        return (f"Question {len(self.calls)}?",)


def settled(get: Callable[[], tuple[str, ...] | None]) -> tuple[str, ...]:
    waiting = threading.Event()
    for _ in range(2_000):
        found = get()
        if found is not None:
            return found
        waiting.wait(0.005)
    raise AssertionError("nothing was made")


def test_they_are_made_once_for_each_part_and_state() -> None:
    made = Made()
    made.go.set()
    own = Suggestions(made, lambda: False)
    first = settled(lambda: own.get(None, "", 1))
    assert settled(lambda: own.get(None, "", 1)) == first and len(made.calls) == 1
    settled(lambda: own.get(None, "", 2))
    settled(lambda: own.get(("guides",), "", 2))
    settled(lambda: own.get(("guides",), "guides", 2))
    assert made.calls == [(None, ""), (None, ""), (("guides",), ""), (("guides",), "guides")]
    own.close()
    assert own.get(None, "", 3) is None and len(made.calls) == 4


def test_nothing_is_made_while_somebody_asks_and_closing_ends_the_wait() -> None:
    is_busy = threading.Event()
    is_busy.set()
    looked = threading.Event()

    def busy() -> bool:
        looked.set()
        return is_busy.is_set()

    def make(readable: object, collection: str, is_over: Callable[[], bool]) -> tuple[str, ...]:
        return () if is_over() else ("Now?",)

    own = Suggestions(make, busy)
    assert own.get(None, "", 1) is None and looked.wait(10)
    assert own.get(None, "", 1) is None
    is_busy.clear()
    assert settled(lambda: own.get(None, "", 1)) == ("Now?",)
    is_busy.set()
    assert own.get(None, "", 2) is None
    own.close()  # would wait for ever


def test_what_fails_is_no_question_and_is_not_tried_again_and_again() -> None:
    calls = []

    def make(*wanted: object) -> tuple[str, ...]:
        calls.append(wanted)
        raise ValueError("broken")

    own = Suggestions(make, lambda: False)
    assert settled(lambda: own.get(None, "", 1)) == () and own.get(None, "", 1) == () and len(calls) == 1
    own.close()


@contextmanager
def opened(folder: Path, made: Made, **settings: object) -> Iterator[TestClient[Litestar]]:
    service = replace(make_service(folder), suggest=made)
    with open_client(service, ServerSettings(**settings)) as client:  # type: ignore[arg-type]
        yield client


def test_the_page_is_told_when_they_are_ready_and_the_service_ends_without_them(tmp_path: Path) -> None:
    made = Made()
    with opened(tmp_path / "a", made) as client:
        assert client.get("/v1/suggestions").json() == {"questions": [], "is_ready": False}
        made.go.set()
        assert made.done.acquire(timeout=10)
        settled(lambda: tuple(client.get("/v1/suggestions").json()["questions"]) or None)
        assert client.get("/v1/suggestions").json() == {"questions": ["Question 1?"], "is_ready": True}
        assert client.get("/v1/suggestions?collection=nowhere").status_code in (200, 404)
    held = Made()
    with opened(tmp_path / "b", held) as client:
        assert client.get("/v1/suggestions").json()["is_ready"] is False


def test_the_configs_questions_go_before_and_nothing_is_made(tmp_path: Path) -> None:
    made = Made()
    with opened(tmp_path, made, questions=("Mine?",)) as client:
        assert client.get("/v1/suggestions").json() == {"questions": ["Mine?"], "is_ready": True}
    assert made.calls == []


def test_nobody_is_offered_a_question_about_what_is_closed_to_him(tmp_path: Path) -> None:
    with collected(tmp_path / "box") as (_, tokens, service):
        whole = replace(service, suggest=partial(_suggest, service.pipeline))  # type: ignore[arg-type]
        with open_client(whole, ServerSettings(tokens_per_second=1e9, token_burst=1e9)) as client:
            for role, hidden in (("guest", (*KEYED_WORDS, *CLOSED_WORDS)), ("visitor", CLOSED_WORDS), ("owner", ())):
                headers = {} if role == "guest" else {"Authorization": f"Bearer {tokens[role]}"}

                def ready(headers: dict[str, str] = headers) -> tuple[str, ...] | None:
                    found = client.get("/v1/suggestions", headers=headers).json()
                    return tuple(found["questions"]) if found["is_ready"] else None

                questions = " ".join(settled(ready))
                assert not [word for word in hidden if word.casefold() in questions.casefold()]
            assert client.get("/v1/suggestions?collection=prices").status_code == 404
