"""A language model behind any OpenAI-compatible server (llama-server, vLLM, Ollama): a `Prompt` in, streamed text out.

Question and passages leave this box, so nothing here runs unless a config asks for it. One job at a time, in turns by
client, as with a model of our own; a cancel closes the connection, which makes such servers stop. Whatever the server
sends is bounded and checked, its errors become ours. Knows neither index nor config; the key is never shown.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

from ragedge.answer.chat import check_length, too_long
from ragedge.answer.remote_errors import detail_of, raise_translated, refused, silent
from ragedge.answer.turns import Turns
from ragedge.contracts import ModelStats, Piece, Prompt, Sampling
from ragedge.errors import ConfigError, ModelError, RemoteFailed

_WATCH_S = 0.01  # seconds between two looks at the cancel flag, only while a job runs
_BYTES_PER_TOKEN = 3  # of UTF-8; English has about 4, so that the estimate is rather too high
_CHARS_PER_TOKEN = 64  # of an answer; a server that sends more than that per token asked for is cut off
_LINE_BYTES = 1 << 20  # of one event; an event is some hundred bytes
_LINES = 64  # events that are kept for a reader who does not take them


class RemoteGenerator:
    """The `Generator` Protocol over one model of a server; connects only while a job runs."""

    def __init__(
        self,
        url: str,
        model: str,
        *,
        api_key: str = "",
        context_tokens: int = 4096,
        timeout_s: float = 60.0,
        queue_limit: int = 4,
    ) -> None:
        """`url` is the server's address up to and with "/v1"; `timeout_s` the longest wait for a connection or a word.

        Raises:
            ConfigError: when `url` is not an http or https address, or `model` is empty.
        """
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConfigError(f'"{url}" is not the address of a server', 'set [answer] url = "http://HOST:PORT/v1"')
        if not model:
            raise ConfigError("the config names no model of the server", 'set [answer] model = "NAME"')
        self._parts = parts
        self._path = f"{parts.path.rstrip('/')}/chat/completions"
        self._model = model
        self._api_key = api_key
        self._context_tokens = context_tokens
        self._timeout_s = timeout_s
        self._turns = Turns(queue_limit)
        self._is_closed = False

    @property
    def name(self) -> str:
        """ "remote:" and the model's name."""
        return f"remote:{self._model}"

    @property
    def context_tokens(self) -> int:
        """Tokens that prompt and answer may have together, by the config."""
        return self._context_tokens

    def count_tokens(self, text: str) -> int:
        """An estimate, rather too high: the server's tokenizer is not here."""
        return -(-len(text.encode("utf-8", "replace")) // _BYTES_PER_TOKEN)

    def stream(
        self, prompt: Prompt, sampling: Sampling, is_cancelled: Callable[[], bool], *, client: str = ""
    ) -> Iterator[Piece | ModelStats]:
        """Pieces of the answer, then its `ModelStats`; closing the iterator closes the connection.

        Counts are the server's where it gives them; durations are seen from here, the network's time with them.

        Raises:
            Busy: when a job runs and the queue is full, or the server is busy.
            PromptTooLong: when the prompt leaves no room for an answer.
            RemoteFailed: when the server cannot be reached, refuses, is silent, breaks off or answers with garbage.
        """
        started = time.monotonic_ns()
        check_length(prompt.system, prompt.user, self._context_tokens)
        tokens = self.count_tokens(prompt.system) + self.count_tokens(prompt.user)
        room = self._context_tokens - tokens
        if room < 1:
            raise too_long(tokens, self._context_tokens)
        if not self._turns.take(is_cancelled, client):
            yield ModelStats(total_duration=time.monotonic_ns() - started)
            return
        try:
            self._refuse_closed()
            call = _Call(self, self._body(prompt, sampling, min(sampling.max_tokens, room)))
            job = _Job(call, self._timeout_s, min(sampling.max_tokens, room))
            try:
                yield from job.run(is_cancelled)
            finally:
                call.close()
            yield job.stats(time.monotonic_ns() - started)
        finally:
            self._turns.give()

    def close(self) -> None:
        """Refuse further jobs. May be called more than once."""
        self._is_closed = True
        self._turns.close()

    def connect(self) -> http.client.HTTPConnection:
        """A connection that is not yet open."""
        host, port = self._parts.hostname or "", self._parts.port
        if self._parts.scheme == "https":
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(host, port, timeout=self._timeout_s, context=context)
        return http.client.HTTPConnection(host, port, timeout=self._timeout_s)

    def ask(self, connection: http.client.HTTPConnection, body: bytes) -> http.client.HTTPResponse:
        """Send a job over a connection; its answer with status 200.

        Raises:
            RemoteFailed, Busy: any other status.
        """
        headers = {"Content-Type": "application/json", "Accept": "text/event-stream", "User-Agent": "ragedge"}
        if self._api_key:
            headers["Authorization"] = f"Bearer {self._api_key}"
        connection.request("POST", self._path, body, headers)
        response = connection.getresponse()
        if response.status != 200:
            refused(response, self._model)
        return response

    def _body(self, prompt: Prompt, sampling: Sampling, max_tokens: int) -> bytes:
        turns = (("system", prompt.system), ("user", prompt.user))
        request = {
            "model": self._model,
            # halves of surrogate pairs are no JSON text for most servers
            "messages": [
                {"role": role, "content": text.encode("utf-8", "replace").decode("utf-8")} for role, text in turns
            ],
            "max_tokens": max_tokens,
            "temperature": sampling.temperature,
            "seed": sampling.seed,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
        return json.dumps(request).encode("ascii")

    def _refuse_closed(self) -> None:
        if self._is_closed:
            raise ModelError("The language model has been closed.", "Start the program again.")


class _Call:
    """One request, read by a thread of its own, so that whoever waits can leave at any moment."""

    def __init__(self, remote: RemoteGenerator, body: bytes) -> None:
        self.lines: queue.Queue[bytes | Exception | None] = queue.Queue(_LINES)
        self._connection = remote.connect()
        self._is_closed = False
        threading.Thread(target=self._read, args=(remote, body), name="remote-answer", daemon=True).start()

    def close(self) -> None:
        """Break the connection; the server notices and stops."""
        self._is_closed = True
        open_socket = self._connection.sock
        if open_socket is not None:
            with contextlib.suppress(OSError):  # it had ended
                open_socket.shutdown(socket.SHUT_RDWR)
        with contextlib.suppress(queue.Empty):  # the thread may wait for room
            while True:
                self.lines.get_nowait()

    def _read(self, remote: RemoteGenerator, body: bytes) -> None:
        try:
            self._connection.connect()
            if not self._is_closed:
                response = remote.ask(self._connection, body)
                while not self._is_closed and (line := response.readline(_LINE_BYTES)):
                    self.lines.put(line)
            self.lines.put(None)
        except Exception as error:  # whoever waits must hear of everything
            self.lines.put(error)
        finally:
            self._connection.close()


class _Job:
    """Events of one answer."""

    def __init__(self, call: _Call, timeout_s: float, max_tokens: int) -> None:
        self._call = call
        self._timeout_s = timeout_s
        self._max_chars = max_tokens * _CHARS_PER_TOKEN
        self._usage: dict[str, Any] = {}
        self._is_finished = False
        self._pieces = 0
        self._started = time.monotonic_ns()
        self._first = self._last = 0

    def run(self, is_cancelled: Callable[[], bool]) -> Iterator[Piece]:
        """Pieces until the end, the limit, or a cancel."""
        chars = 0
        for data in self._events(is_cancelled):
            if data == b"[DONE]":
                return
            text = self._text(data)
            if text:
                self._last = time.monotonic_ns()
                self._first = self._first or self._last
                self._pieces += 1
                chars += len(text)
                yield Piece(text)
            if chars > self._max_chars:
                return
        if not self._is_finished and not is_cancelled():
            raise RemoteFailed("the server broke its answer off", "ask again; look into the server's log")

    def _events(self, is_cancelled: Callable[[], bool]) -> Iterator[bytes]:
        """The data of each event, until the connection ends or a cancel."""
        deadline = time.monotonic() + self._timeout_s
        while not is_cancelled():
            try:
                line = self._call.lines.get(timeout=_WATCH_S)
            except queue.Empty:
                if time.monotonic() > deadline:
                    raise silent(self._timeout_s) from None
                continue
            if line is None:
                return
            if isinstance(line, Exception):
                raise_translated(line, self._timeout_s)
            if line.startswith(b"data:"):
                deadline = time.monotonic() + self._timeout_s
                yield line[5:].strip()
            elif line.lstrip().startswith(b"{"):
                raise RemoteFailed("the server does not stream its answers", "use an OpenAI-compatible server")

    def _text(self, data: bytes) -> str:
        """The text of one event; what it says of the end and of counts is kept."""
        try:
            event = json.loads(data)
            if "error" in event:
                raise RemoteFailed(f"the server failed: {detail_of(event)}", "look into the server's log")
            self._usage = event.get("usage") or self._usage
            text = ""
            for choice in event.get("choices", [])[:1]:
                self._is_finished = self._is_finished or choice.get("finish_reason") is not None
                text = (choice.get("delta") or {}).get("content") or ""
            if not isinstance(text, str) or not isinstance(self._usage, dict):
                raise TypeError
        except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
            hint = "is it an OpenAI-compatible server?"
            raise RemoteFailed("the server answered with something that is no answer", hint) from error
        return text

    def stats(self, total_ns: int) -> ModelStats:
        """What the answer took."""
        details = self._usage.get("prompt_tokens_details")
        cached = details.get("cached_tokens") if isinstance(details, dict) else 0
        return ModelStats(
            total_duration=total_ns,
            prompt_eval_count=_count(self._usage.get("prompt_tokens")),
            prompt_eval_cached_count=_count(cached),
            prompt_eval_duration=max(0, self._first - self._started),
            eval_count=_count(self._usage.get("completion_tokens")) or self._pieces,
            eval_duration=self._last - self._first,
        )


def _count(value: object) -> int:
    return value if isinstance(value, int) and 0 <= value < 2**40 else 0
