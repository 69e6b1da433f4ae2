"""The interface's words: every language has the same keys, every key is used, and a file dropped in is a language."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from ragedge.server.site import load_site
from tests.server.clients import open_client
from tests.server.fakes import make_service

WEB = Path(__file__).resolve().parents[2] / "ragedge" / "web"
FILES = sorted((WEB / "languages").glob("*.json"))
WORDS = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in FILES}
PAGES = ("index.html", "kiosk.html", "login.html", "admin.html")
SCRIPTS = "\n".join(path.read_text(encoding="utf-8") for path in sorted(WEB.glob("*.js")) if path.name != "widget.js")
#: A note that one language needs alone.
MAY_BE_EMPTY = {"keyboard.note"}
ATTRIBUTES = {"data-t": None, "data-t-label": "aria-label", "data-t-placeholder": "placeholder"}


class Texts(HTMLParser):
    """(key, English words in the page) of everything that is translated."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []
        self._key: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        for name, target in ATTRIBUTES.items():
            if name in values and target is not None:
                self.found.append((str(values[name]), str(values[target])))
        if "data-t" in values:
            self._key = str(values["data-t"])
            self.found.append((self._key, ""))

    def handle_data(self, data: str) -> None:
        if self._key is not None:
            self.found[-1] = (self._key, data)
            self._key = None

    def handle_endtag(self, tag: str) -> None:
        self._key = None


def texts(name: str) -> list[tuple[str, str]]:
    parser = Texts()
    parser.feed((WEB / name).read_text(encoding="utf-8"))
    return parser.found


def forms(value: str | dict[str, str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value.values())


def places(text: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", text))


def test_six_languages_come_along() -> None:
    assert {"ar", "de", "en", "es", "fr", "zh"} <= WORDS.keys()


@pytest.mark.parametrize("code", WORDS)
def test_every_language_has_the_same_keys_in_the_same_order(code: str) -> None:
    assert list(WORDS[code]) == list(WORDS["en"])


@pytest.mark.parametrize("code", WORDS)
def test_no_words_are_missing_and_what_is_filled_in_is_the_same(code: str) -> None:
    for key, value in WORDS[code].items():
        assert type(value) is type(WORDS["en"][key]), key
        for form in forms(value):
            assert form or key in MAY_BE_EMPTY, key
            wanted = places(forms(WORDS["en"][key])[-1])
            # "one page" needs no number
            assert places(form) == wanted or (isinstance(value, dict) and places(form) <= wanted), (key, form)
        if isinstance(value, dict):
            assert "other" in value and value.keys() <= {"zero", "one", "two", "few", "many", "other"}, key
            assert places(value["other"]) == {"count"}


def test_plural_forms_are_those_of_the_language() -> None:
    counted = [key for key, value in WORDS["en"].items() if isinstance(value, dict)]
    assert counted
    for key in counted:
        assert set(WORDS["ar"][key]) == {"zero", "one", "two", "few", "many", "other"}
        assert set(WORDS["zh"][key]) == {"other"}
        for code in ("en", "de", "fr", "es"):
            assert set(WORDS[code][key]) == {"one", "other"}


def test_no_key_is_unused_and_none_is_used_that_is_not_there() -> None:
    in_pages = {key for name in PAGES for key, _ in texts(name)}
    in_scripts = set(re.findall(r'"((?:[a-z]+)\.[A-Za-z_]+)"', SCRIPTS))
    read_by_the_service = {"language.name", "language.direction"}
    keys = set(WORDS["en"])
    assert keys - in_pages - in_scripts - read_by_the_service == set()
    assert in_pages - keys == set()
    families = {key.split(".")[0] for key in keys}
    strangers = {key for key in in_scripts - keys if key.split(".")[0] in families}
    assert strangers == set()


@pytest.mark.parametrize("name", PAGES)
def test_the_english_of_the_pages_is_that_of_the_file(name: str) -> None:
    found = texts(name)
    assert len(found) > 4  # the desk is drawn by its tabs
    for key, words in found:
        assert words == WORDS["en"][key], key


def test_a_file_dropped_in_is_a_language(tmp_path: Path) -> None:
    for path in WEB.iterdir():
        if path.is_file():
            (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "languages").mkdir()
    words = {**WORDS["en"], "language.name": "Plattdüütsch", "ask.send": "Fraag"}
    (tmp_path / "languages" / "nds.json").write_text(json.dumps(words), encoding="utf-8")
    site = load_site(tmp_path)
    assert json.loads(site["languages.json"].content) == [{"code": "nds", "name": "Plattdüütsch", "direction": "ltr"}]
    assert json.loads(site["languages/nds.json"].content)["ask.send"] == "Fraag"


def test_languages_are_served_and_nothing_beside_them(tmp_path: Path) -> None:
    with open_client(make_service(tmp_path)) as client:
        listed = client.get("/static/languages.json")
        assert {entry["code"]: entry["direction"] for entry in listed.json()}["ar"] == "rtl"
        arabic = client.get("/static/languages/ar.json")
        assert arabic.status_code == 200 and arabic.json() == WORDS["ar"]
        again = client.get("/static/languages/ar.json", headers={"If-None-Match": arabic.headers["etag"]})
        assert again.status_code == 304
        for path in ("../index.html", "%2e%2e%2findex.html", "xx.json", "..%2f..%2fconfig.py", "ar"):
            assert client.get(f"/static/languages/{path}").status_code == 404, path


def test_files_of_the_page_come_packed_to_who_takes_it(tmp_path: Path) -> None:
    file = load_site()["app.js"]
    with open_client(make_service(tmp_path)) as client:
        for accepted, is_packed in (
            ("gzip", True), ("gzip, deflate, br, zstd", True), ("br;q=1, GZIP;q=0.5", True), ("", False),
            ("identity", False), ("gzip;q=0", False), ("gzip; q=0.000", False), ("deflate, br", False),
            ("xgzip", False),
        ):  # fmt: skip
            reply = client.get("/static/app.js", headers={"Accept-Encoding": accepted})
            assert reply.content == file.content and reply.headers["vary"] == "Accept-Encoding"
            assert (reply.headers.get("content-encoding") == "gzip") is is_packed, accepted
            size = int(reply.headers["content-length"])
            assert size == len(file.packed if is_packed else file.content)
            same = {"Accept-Encoding": accepted, "If-None-Match": reply.headers["etag"]}
            assert client.get("/static/app.js", headers=same).status_code == 304
        tags = {client.get("/static/app.js", headers={"Accept-Encoding": a}).headers["etag"] for a in ("", "gzip")}
        assert len(tags) == 2 and len(file.packed) < len(file.content) / 2
        picture = client.get("/static/icon.png", headers={"Accept-Encoding": "gzip"})
        assert "content-encoding" not in picture.headers
