"""A hub on this machine that speaks the protocol of the Hugging Face hub, as far as fetching one file goes.

HEAD and GET of /OWNER/NAME/resolve/REVISION/FILE answer with a redirect that names the file's sha256, size and commit;
its target is "another host" (the same server under another name) that takes Range requests. `cuts` are numbers of
bytes after which a connection breaks, one per request; `requests` are what was asked for.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

COMMIT = "0123456789abcdef0123456789abcdef01234567"
_REFUSALS = {"gated": (403, "GatedRepo"), "no-repo": (401, "RepoNotFound"), "no-file": (404, "EntryNotFound")}


class FakeHub:
    """What the server gives and what it saw."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.sha256 = hashlib.sha256(content).hexdigest()
        self.names_sha256 = True
        self.cuts: list[int] = []
        self.refusal = ""
        self.status = 0
        self.port = 0
        self.requests: list[tuple[str, str, str | None, str | None]] = []
        self.agents: set[str] = set()

    @property
    def endpoint(self) -> str:
        """What HF_ENDPOINT would be."""
        return f"http://127.0.0.1:{self.port}"

    def ranges(self) -> list[str | None]:
        """The Range headers of the requests for content."""
        return [wanted for method, path, wanted, _ in self.requests if method == "GET" and path.startswith("/storage")]


@contextmanager
def hub_with(content: bytes) -> Iterator[FakeHub]:
    """A running hub whose every file has `content`."""
    hub = FakeHub(content)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            pass

        def do_HEAD(self) -> None:
            self._answer()

        def do_GET(self) -> None:
            self._answer()

        def _answer(self) -> None:
            wanted, token = self.headers.get("Range"), self.headers.get("Authorization")
            hub.agents.add(self.headers.get("User-Agent", ""))
            hub.requests.append((self.command, self.path, wanted, token))
            if self.path.startswith("/storage"):
                self._content(wanted)
            elif hub.refusal:
                status, code = _REFUSALS[hub.refusal]
                self._head(status, {"X-Error-Code": code, "Content-Length": "0"})
            elif hub.status:
                self._head(hub.status, {"Content-Length": "0"})
            else:
                self._redirect()

        def _redirect(self) -> None:
            etag = hub.sha256 if hub.names_sha256 else "5" * 40
            self._head(
                302,
                {
                    "Location": f"http://localhost:{hub.port}/storage/{hub.sha256}",
                    "X-Repo-Commit": COMMIT,
                    "X-Linked-Etag": f'"{etag}"',
                    "X-Linked-Size": str(len(hub.content)),
                    "Content-Length": "0",
                },
            )

        def _content(self, wanted: str | None) -> None:
            start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted else 0
            headers = {"Content-Length": str(len(hub.content) - start), "ETag": f'"{hub.sha256}"'}
            if wanted:
                headers["Content-Range"] = f"bytes {start}-{len(hub.content) - 1}/{len(hub.content)}"
            self._head(206 if wanted else 200, headers)
            end = start + hub.cuts.pop(0) if hub.cuts else len(hub.content)
            self.wfile.write(hub.content[start:end])
            if end < len(hub.content):
                self.close_connection = True

        def _head(self, status: int, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
