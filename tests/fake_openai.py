"""A server on this machine that speaks OpenAI's chat completions, as far as streaming one answer goes.

It repeats the words of the last message from the third on, one event each. `trouble` says what goes wrong; requests
are kept with their headers; `hung_up` is released when a client leaves in the middle of an answer.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

_STATUS = {"key": (401, "Incorrect API key"), "model": (404, "no such model"), "crash": (500, "out of memory")}


class FakeOpenAI:
    """What the server does and what it saw."""

    def __init__(self) -> None:
        self.trouble = ""
        self.port = 0
        self.requests: list[tuple[str, dict[str, str], dict[str, Any]]] = []
        self.hung_up = threading.Semaphore(0)
        self.go_on = threading.Event()

    @property
    def url(self) -> str:
        """What `[answer] url` would be."""
        return f"http://127.0.0.1:{self.port}/v1"


@contextmanager
def openai_server() -> Iterator[FakeOpenAI]:
    """A running server."""
    fake = FakeOpenAI()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: Any) -> None:
            pass

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            fake.requests.append((self.path, dict(self.headers), body))
            self.close_connection = True
            try:
                self._answer(body)
            except (BrokenPipeError, ConnectionResetError):
                fake.hung_up.release()

        def _answer(self, body: dict[str, Any]) -> None:
            trouble = fake.trouble
            if trouble in _STATUS:
                status, message = _STATUS[trouble]
                return self._json(status, {"error": {"message": message}})
            if trouble == "busy":
                return self._json(429, {"error": {"message": "slow down"}}, {"Retry-After": "7"})
            if trouble == "redirect":
                return self._json(302, {}, {"Location": "http://127.0.0.1:1/"})
            if trouble == "not a stream":
                return self._json(200, {"choices": [{"message": {"content": "hello"}}]})
            if trouble == "silent":
                fake.go_on.wait(30)
                return None
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self._events(body, trouble)
            return None

        def _events(self, body: dict[str, Any], trouble: str) -> None:
            words = body["messages"][-1]["content"].split()[2:]
            limit = body["max_tokens"]
            words = words[:limit] if trouble != "greedy" else words * 10_000
            self._event({"choices": [{"delta": {"role": "assistant", "content": None}}]})
            for number, word in enumerate(words):
                if number == 2 and trouble == "cut":
                    return
                if number == 2 and trouble == "garbage":
                    self._chunk(b"data: {not json\n\n")
                if number == 2 and trouble == "wrong type":
                    self._event({"choices": [{"delta": {"content": 5}}]})
                if number == 2 and trouble == "error event":
                    self._event({"error": {"message": "the slot is gone"}})
                if number == 2 and trouble == "stops":
                    fake.go_on.wait(30)
                self._event({"choices": [{"delta": {"content": word if number == 0 else f" {word}"}}]})
            while trouble == "endless":
                self._event({"choices": [{"delta": {"content": " more"}}]})
            self._event({"choices": [{"delta": {}, "finish_reason": "stop"}]})
            prompt = sum(-(-len(message["content"].encode()) // 3) for message in body["messages"])
            usage = {
                "prompt_tokens": prompt,
                "completion_tokens": len(words),
                "prompt_tokens_details": {"cached_tokens": 3},
            }
            self._event({"choices": [], "usage": usage})
            self._chunk(b"data: [DONE]\n\n")
            self._chunk(b"")

        def _event(self, event: dict[str, Any]) -> None:
            self._chunk(b": a comment\ndata: " + json.dumps(event).encode() + b"\n\n")

        def _chunk(self, data: bytes) -> None:
            self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
            self.wfile.flush()

        def _json(self, status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    fake.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield fake
    finally:
        fake.go_on.set()
        server.shutdown()
        server.server_close()
        thread.join()
