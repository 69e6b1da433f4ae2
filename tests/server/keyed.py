"""A service behind keys, one of each role and one that was revoked, and requests to it exactly as they are written."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ragedge.config import load_config
from ragedge.exhibits import Exhibit, Exhibits
from ragedge.keys import KeyFile
from ragedge.server.access import Access
from ragedge.server.owner_settings import OwnerSettings
from ragedge.server.settings import KioskSettings, ServerSettings, Service
from tests.fakes import HashEmbedder
from tests.server.clients import serving
from tests.server.curating import curate
from tests.server.fakes import add_model, make_service

DOCUMENT = "0123456789abcdef"
#: In the kiosk of `with_kiosk`.
EXHIBIT = "pump"
#: As good as no limit: what is tried here is who may, not how often.
UNLIMITED = ServerSettings(tokens_per_second=1e9, token_burst=1e9)
VALUES = {
    "document_id": DOCUMENT,
    "key_id": "absent",
    "number": "1",
    "name": "app.js",
    "model": "ragedge",
    "path": "redoc",
    "question": "9999",
    "run": "9999",
}
#: The same word in another route means something else there.
ROUTE_VALUES = {"/static/languages/{name}": {"name": "de.json"}}
JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Keyed:
    """The keys and the service that they open."""

    file: KeyFile
    tokens: dict[str, str]
    service: Service
    port: int = 0
    cookies: dict[str, str] = field(default_factory=dict)
    page_tokens: dict[str, str] = field(default_factory=dict)

    def send(self, method: str, path: str, headers: Any = (), body: bytes = b"") -> Reply:
        """One request; `path` goes out as it is. `headers` are pairs, Host comes first unless it is among them."""
        pairs = list(headers.items()) if isinstance(headers, dict) else list(headers)
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            if not any(name.lower() == "host" for name, _ in pairs):
                connection.putheader("Host", f"127.0.0.1:{self.port}")
            for name, value in pairs:
                connection.putheader(name, value)
            if body:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body or None)
            reply = connection.getresponse()
            return Reply(reply.status, {k.lower(): v for k, v in reply.getheaders()}, reply.read())
        finally:
            connection.close()

    def bearer(self, role: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens[role]}"}

    def log_in(self, role: str) -> Reply:
        """A session of this role; its cookie and page token are kept."""
        reply = self.send("POST", "/login", JSON, json.dumps({"key": self.tokens[role]}).encode())
        assert reply.status == 200, reply.body
        self.cookies[role] = reply.headers["set-cookie"].partition(";")[0]
        self.page_tokens[role] = self.send("GET", "/v1/session", {"Cookie": self.cookies[role]}).json()["token"]
        return reply

    def browser(self, role: str) -> dict[str, str]:
        """Headers of our own page."""
        return {"Cookie": self.cookies[role], "X-Ragedge-Token": self.page_tokens[role]}


def make_keys(folder: Path) -> tuple[KeyFile, dict[str, str]]:
    file = KeyFile(folder / ".keys.json")
    tokens = {name: file.add(name, name)[1] for name in ("visitor", "curator", "owner")}  # type: ignore[arg-type]
    tokens["revoked"] = file.add("revoked", "owner")[1]
    file.revoke("revoked")
    return file, tokens


def with_kiosk(folder: Path, settings: ServerSettings) -> ServerSettings:
    """The settings with a kiosk about the one document; a program of its own stands in for espeak-ng."""
    program = folder / "speaks"
    program.write_text("#!/bin/sh\ncat > /dev/null\nprintf 'RIFF....WAVEdata....'\n")
    program.chmod(0o755)
    questions = {"en": ("What torque for the bolts?",)}
    exhibits = Exhibits(questions, {EXHIBIT: Exhibit(EXHIBIT, {"en": "Pump"}, ("manual*",), {})})
    kiosk = KioskSettings(exhibits, address="http://museum.local:8321", speech_program=str(program))
    return replace(settings, kiosk=kiosk)


@contextmanager
def keyed(folder: Path, settings: ServerSettings = UNLIMITED, *, guests: bool = False) -> Iterator[Keyed]:
    """A running service behind keys, its kiosk switched on where `settings` say so (`with_kiosk`)."""
    file, tokens = make_keys(folder)
    config = folder / "ragedge.toml"
    config.write_text('[server]\ntitle = "ragedge"\n')
    service = replace(
        make_service(folder / "index"),
        embedder=HashEmbedder(),
        access=Access(file, guests=guests),
        owner_settings=OwnerSettings(load_config(config), config),
    )
    service = curate(service, folder / "curation")
    add_model(service, folder)
    with serving(service, settings) as port:
        yield Keyed(file, tokens, service, port)
