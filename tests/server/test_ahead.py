"""Reading ahead in the service: it sees who is at work, tells Prometheus, and ends with the service."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from ragedge.answer.ahead import Ahead
from ragedge.contracts import PassagePart, Prompt
from ragedge.exhibits import Exhibit, Exhibits
from ragedge.reading_ahead import IDLE_SECONDS, ReadingAhead
from ragedge.server.ahead import shown_questions, work_of
from ragedge.server.settings import KioskSettings, ServerSettings
from tests.server.clients import open_client
from tests.server.fakes import make_service
from tests.server.test_metrics import values


class Reader:
    """Reads everything at once."""

    is_ready = True

    def __init__(self) -> None:
        self.read: list[str] = []

    def epoch(self) -> int:
        return 1

    def read_ahead(self, prompt: Prompt, is_cancelled: Callable[[], bool]) -> Ahead:
        if is_cancelled():
            return "stopped"
        self.read.append(prompt.passages[0].document_id)
        return "read"


def prompt_for(question: str) -> Prompt:
    return Prompt("s", f"{question} passage{question}", (), 0, passages=(PassagePart(question, len(question) + 8),))


def test_the_service_reads_ahead_for_what_it_shows_and_counts_it(tmp_path: Path) -> None:
    reader, time = Reader(), [0.0]
    ahead = ReadingAhead(reader, list, prompt_for, lambda: 1, 10, now=lambda: time[0])
    service = replace(make_service(tmp_path), ahead=ahead)
    with open_client(service, ServerSettings(questions=("one", "two"))) as client:
        ahead.look()
        client.post("/v1/ask", json={"text": "q"})  # came and went between two looks
        time[0] += IDLE_SECONDS
        ahead.look()
        assert reader.read == []
        place = client.app.state.desk.admission
        place.enter("visitor")
        time[0] += IDLE_SECONDS
        ahead.look()
        assert reader.read == [] and work_of(client.app.state).is_busy
        place.leave("visitor")
        time[0] += IDLE_SECONDS
        ahead.look()
        assert reader.read == ["one", "two"]
        found = values(client.get("/metrics").text)
        assert found["ragedge_passages_ahead_total"] == 2
        assert found['ragedge_passages_ahead_state{state="done"}'] == 1
        thread = ahead._thread
        assert thread is not None and thread.is_alive()
    assert not thread.is_alive()


def test_without_it_prometheus_is_told_nothing(tmp_path: Path) -> None:
    with open_client(make_service(tmp_path)) as client:
        assert "passages_ahead" not in client.get("/metrics").text


def test_a_kiosks_questions_are_shown_ones_in_its_languages(tmp_path: Path) -> None:
    room = Exhibit("lens", {"": "Lens"}, ("lens.md",), {"en": ("How old?",), "fr": ("Quel âge ?",)})
    kiosk = KioskSettings(Exhibits({"en": ("When open?",)}, {"lens": room}), languages=("en",))
    with open_client(make_service(tmp_path), ServerSettings(kiosk=kiosk)) as client:
        assert shown_questions(client.app.state) == ("When open?", "How old?")
