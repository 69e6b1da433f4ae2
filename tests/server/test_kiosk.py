"""The kiosk's routes: off unless wanted, exhibits by their id, codes that a phone can follow, speech within bounds."""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path

import pytest

from ragedge.errors import BadQuestion, NotFound, PackageMissing, RemoteFailed
from ragedge.exhibits import Exhibit, Exhibits
from ragedge.qr import qr_svg
from ragedge.server import speech
from ragedge.server.settings import KioskSettings, ServerSettings
from ragedge.server.speech import find_program, speak
from tests.server.clients import open_client
from tests.server.fakes import make_service

BELL = Exhibit("1923.14", {"en": "Harbour bell", "de": "Hafenglocke"}, ("manual*",), {"en": ("How heavy is it?",)})
EXHIBITS = Exhibits({"en": ("When are you open?",)}, {BELL.id: BELL})
KIOSK = KioskSettings(exhibits=EXHIBITS, address="http://museum.local:8321/", idle_seconds=60)
SETTINGS = ServerSettings(title="The museum", kiosk=KIOSK, allowed_hosts=("museum.local",))


def test_without_the_config_there_is_no_kiosk(tmp_path: Path) -> None:
    with open_client(make_service(tmp_path)) as client:
        for path in ("/kiosk", "/v1/kiosk", "/kiosk/qr"):
            reply = client.get(path)
            assert reply.status_code == 404 and "[kiosk] enabled = true" in reply.json()["error"]["hint"]
        assert client.post("/v1/kiosk/speech", json={"text": "a"}).status_code == 404
        assert client.get("/v1/index").json()["keeps_history"] is True
        assert client.get("/static/kiosk.html").status_code == 404


def test_an_exhibit_brings_its_name_its_documents_and_its_questions(tmp_path: Path) -> None:
    with open_client(make_service(tmp_path), SETTINGS) as client:
        page = client.get("/kiosk?exhibit=1923.14")
        assert page.status_code == 200 and page.headers["content-type"].startswith("text/html")
        found = client.get("/v1/kiosk", params={"exhibit": "1923.14"}).json()
        assert found["exhibit"] == {
            "id": "1923.14", "titles": {"en": "Harbour bell", "de": "Hafenglocke"}, "topic": "Harbour bell",
            "prefer": ["0123456789abcdef"],
        }  # fmt: skip
        assert found["questions"] == {"en": ["How heavy is it?"]}
        assert found["idle_seconds"] == 60 and found["can_speak"] is False
        assert client.get("/v1/index").json()["keeps_history"] is False


@pytest.mark.parametrize("exhibit", ["", "9999.99", "../../etc/passwd", "<script>"])
def test_an_exhibit_that_nobody_knows_is_none(tmp_path: Path, exhibit: str) -> None:
    with open_client(make_service(tmp_path), SETTINGS) as client:
        reply = client.get("/v1/kiosk", params={"exhibit": exhibit})
        assert reply.status_code == 200 and reply.json()["exhibit"] is None
        assert reply.json()["questions"] == {"en": ["When are you open?"]}
        assert "manual.txt" not in reply.text


def test_the_documents_that_a_question_prefers_reach_the_pipeline(tmp_path: Path) -> None:
    service = make_service(tmp_path)
    with open_client(service, SETTINGS) as client:
        assert client.post("/v1/ask", json={"text": "q", "prefer": ["0123456789abcdef"]}).status_code == 200
        assert client.post("/v1/ask", json={"text": "q", "prefer": ["x"] * 101}).status_code == 400
    (question,) = service.pipeline.questions  # type: ignore[attr-defined]
    assert question.prefer == ("0123456789abcdef",)


def modules_of(svg: bytes) -> tuple[int, set[tuple[int, int]]]:
    """The side of a code with its quiet zone, and its dark modules, read out of the one path of the drawing."""
    import re
    import xml.etree.ElementTree as Tree

    root = Tree.fromstring(svg)
    side = int(root.attrib["viewBox"].split()[2])
    path = next(node for node in root if node.tag.endswith("path") and "stroke" in node.attrib)
    dark, x, y = set(), 0.0, 0.0
    for command, numbers in re.findall(r"([Mmh])([-\d. ]+)", path.attrib["d"]):
        values = [float(number) for number in re.findall(r"-?[\d.]+", numbers)]
        if command == "h":
            dark |= {(int(x) + i, int(y)) for i in range(int(values[0]))}
            x += values[0]
        else:
            x, y = (values[0], values[1]) if command == "M" else (x + values[0], y + values[1])
    return side, dark


def test_a_code_is_an_svg_whose_modules_are_those_of_the_address(tmp_path: Path) -> None:
    import segno

    with open_client(make_service(tmp_path), SETTINGS) as client:
        reply = client.get("/kiosk/qr", params={"exhibit": "1923.14"})
    assert reply.status_code == 200 and reply.headers["content-type"].startswith("image/svg+xml")
    address = "http://museum.local:8321/kiosk?exhibit=1923.14"
    assert address.encode() in reply.content  # its title, for those who cannot see it
    side, dark = modules_of(reply.content)
    matrix = segno.make_qr(address, error="m").matrix
    assert side == len(matrix) + 8
    assert dark == {(x + 4, y + 4) for y, row in enumerate(matrix) for x, bit in enumerate(row) if bit & 1}
    assert b"<script" not in reply.content and b"href" not in reply.content


def test_a_code_never_leads_a_phone_to_itself(tmp_path: Path) -> None:
    unnamed = replace(SETTINGS, kiosk=replace(KIOSK, address=""))
    with open_client(make_service(tmp_path), unnamed) as client:
        refused = client.get("/kiosk/qr")
        assert refused.status_code == 400 and "[kiosk] address" in refused.json()["error"]["hint"]
        named = client.get("/kiosk/qr", headers={"Host": "museum.local:8321"})
        assert named.status_code == 200 and b"http://museum.local:8321/kiosk<" in named.content
        assert client.get("/kiosk/qr", params={"exhibit": "none"}).status_code == 404
    title = qr_svg("http://x/?a=1&b=<2>", "http://x/?a=1&b=<2>")
    assert b"a=1&amp;b=&lt;2&gt;" in title


needs_espeak = pytest.mark.skipif(find_program() is None, reason="espeak-ng is not installed: apt install espeak-ng")


@needs_espeak
@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "The bell"),
        ("de-AT", "Die Glocke"),
        ("fr", "La cloche"),
        ("es", "La campana"),
        ("zh", "钟"),
        ("ar", "الجرس"),
    ],
)
def test_every_language_of_the_interface_is_spoken_as_wav_of_its_true_length(language: str, text: str) -> None:
    sound = speak(text, language, find_program())
    assert sound[:4] == b"RIFF" and sound[8:12] == b"WAVE"
    assert struct.unpack("<I", sound[4:8])[0] == len(sound) - 8
    at = sound.index(b"data")
    assert struct.unpack("<I", sound[at + 4 : at + 8])[0] == len(sound) - at - 8 > 10_000
    assert any(sound[at + 8 :])


@needs_espeak
def test_what_is_read_is_text_never_options_or_commands(tmp_path: Path) -> None:
    mark = tmp_path / "made"
    for text in (f"$(touch {mark})", f"; touch {mark}", f"-w {mark}", f"--path={mark}", "\x00\x1b[2J bell"):
        assert speak(text, "en", find_program())[:4] == b"RIFF"
    assert not mark.exists()
    for language in ("-w/tmp/x", "x;ls", "xx", "../en", "q" * 30):
        with pytest.raises(NotFound):
            speak("bell", language, find_program())


def test_speech_is_bounded_and_says_what_it_lacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BadQuestion):
        speak("x" * 2_001, "en", "/bin/true")
    with pytest.raises(BadQuestion):
        speak("  ", "en", "/bin/true")
    with pytest.raises(PackageMissing, match="no voice"):
        speak("bell", "en", None)
    hanging = tmp_path / "hangs"
    hanging.write_text("#!/bin/sh\nexec sleep 60\n")
    hanging.chmod(0o755)
    monkeypatch.setattr(speech, "_TIMEOUT_S", 0.05)
    with pytest.raises(RemoteFailed):
        speak("bell", "en", str(hanging))
    with open_client(make_service(tmp_path / "index"), SETTINGS) as client:
        assert client.post("/v1/kiosk/speech", json={"text": "x" * 2_001}).status_code == 400
        assert client.post("/v1/kiosk/speech", json={"text": ""}).status_code == 400
        reply = client.post("/v1/kiosk/speech", json={"text": "bell"})
        assert reply.status_code == 503 and "espeak-ng" in reply.json()["error"]["hint"]
        foreign = client.post("/v1/kiosk/speech", json={"text": "a"}, headers={"Origin": "http://evil.example"})
        assert foreign.status_code == 403


@needs_espeak
def test_the_box_speaks_over_http(tmp_path: Path) -> None:
    speaking = replace(SETTINGS, kiosk=replace(KIOSK, speech_program=find_program()))
    with open_client(make_service(tmp_path), speaking) as client:
        assert client.get("/v1/kiosk").json()["can_speak"] is True
        reply = client.post("/v1/kiosk/speech", json={"text": "Die Glocke", "language": "de"})
        assert reply.headers["content-type"] == "audio/wav" and reply.headers["cache-control"] == "no-store"
        assert reply.content[:4] == b"RIFF"
