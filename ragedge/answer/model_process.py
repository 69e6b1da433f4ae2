"""One running process of the language model, as the service sees it: start it, hand it jobs, hear how it ended.

It is a fresh interpreter (never a fork: the service has threads), isolated (`python -I`) with a short environment and
in a session of its own, so that Ctrl-C reaches the service first. One thread here sleeps until a frame comes and puts
it where somebody waits for it. What the process writes to stderr goes to a file without a name and is read only when
it has died. Knows neither prompts nor the queue.
"""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from ragedge.answer.model_wire import (
    REPLIES,
    Counted,
    Done,
    Failed,
    Garbled,
    Held,
    Load,
    Prepared,
    Ready,
    Reply,
    Request,
    Sender,
    error_of,
    frames,
)
from ragedge.errors import ModelCrashed

_SEND_S = 20  # seconds a process may leave its socket unread; it always reads unless it is stopped
_STDERR_CHARS = 300  # of its last words, in a line of ours
_STDERR_BYTES = 8_192  # read from the end
_ENVIRONMENT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "LD_PRELOAD", "XDG_RUNTIME_DIR")
_ENVIRONMENT_PREFIXES = ("GGML_", "LLAMA_", "OMP_", "GOMP_", "KMP_", "CUDA_", "HIP_", "ROCR_", "VK_")
_BOOT = (
    "import sys; sys.path.insert(0, sys.argv[1]); from ragedge.answer.model_child import main; main(int(sys.argv[2]))"
)


class Gone:
    """Put where a reply was awaited: there will be none."""


Answer = Reply | Gone


class ModelProcess:
    """A process that loads a model at once and then waits for jobs."""

    def __init__(self, wanted: Load) -> None:
        """Start it; returns before the model is loaded, see `wait_ready`.

        Raises:
            ModelCrashed: it cannot be started at all.
        """
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self._connection = ours
        with contextlib.suppress(OSError):  # a kernel with another idea of a time: then it waits without end
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", _SEND_S, 0))
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115  (lives as long as the process)
        root = str(Path(__file__).resolve().parents[2])
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-c", _BOOT, root, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=self._stderr,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
                env={name: value for name, value in os.environ.items() if _is_passed(name)},
            )
        except OSError as error:
            ours.close()
            self._stderr.close()
            hint = "free some memory, then ask again"
            raise ModelCrashed(f"The language model's process cannot be started: {error.strerror}.", hint) from error
        finally:
            theirs.close()
        self._sender = Sender(ours)
        self._lock = threading.Lock()
        self._waiting: dict[int, queue.SimpleQueue[Answer]] = {}  # by number; 0 is loading
        self._last = 0
        self._is_gone = self._is_killed = False
        self.note = ""
        self._description = ""
        loading = self.open(0)
        self._loading: queue.SimpleQueue[Answer] | None = loading
        threading.Thread(target=self._receive, name="model-replies", daemon=True).start()
        with contextlib.suppress(OSError):
            self._sender.send(wanted)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def is_gone(self) -> bool:
        """Whether it has ended or is about to."""
        return self._is_gone or self._is_killed

    @property
    def is_ready(self) -> bool:
        """Whether its model is loaded, and it lives."""
        return self._loading is None and not self.is_gone

    def wait_ready(self) -> None:
        """Wait until the model is loaded; only the first caller of a process may.

        Raises:
            ModelCrashed: the process has died.
            ModelMissing, ModelCorrupt, ModelError: the model cannot be loaded.
        """
        if self._loading is None:
            return
        answer = self._loading.get()
        self._loading = None
        if isinstance(answer, Failed):
            self.kill()
            raise error_of(answer)
        if not isinstance(answer, Ready):
            raise self.crashed()
        self.note = answer.note

    def next_number(self) -> int:
        """A number for a job or a count that no other one has."""
        with self._lock:
            self._last += 1
            return self._last

    def open(self, number: int) -> queue.SimpleQueue[Answer]:
        """Where the replies to `number` will come."""
        replies: queue.SimpleQueue[Answer] = queue.SimpleQueue()
        with self._lock:
            if self._is_gone:
                replies.put(Gone())
            self._waiting[number] = replies
        return replies

    def forget(self, number: int) -> None:
        """Nobody waits for replies to `number` any more."""
        with self._lock:
            self._waiting.pop(number, None)

    def send(self, frame: Request) -> None:
        """Hand it a frame. Where it has gone, or does not read, it is ended, and the replies will say so."""
        try:
            self._sender.send(frame)
        except OSError:
            self.kill()

    def kill(self) -> None:
        """End it at once; safe from any thread, any number of times."""
        self._is_killed = True
        with contextlib.suppress(OSError):
            self._process.kill()
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)

    def crashed(self) -> ModelCrashed:
        """How it ended, as an error."""
        hint = "Ask again: it is started anew. If it happens again, take a smaller model or a smaller context_tokens."
        return ModelCrashed(f"The language model's process {self._ending()}.", hint)

    def _receive(self) -> None:
        with contextlib.suppress(Garbled):
            for reply in frames(self._connection, REPLIES):
                self._hand_on(reply)
        self.kill()
        self._process.wait()
        self._ending()
        with self._lock:
            self._is_gone = True
            for replies in self._waiting.values():
                replies.put(Gone())
        self._connection.close()

    def _hand_on(self, reply: Reply) -> None:
        number = 0 if isinstance(reply, Ready) else reply.number
        with self._lock:
            replies = self._waiting.get(number)
            if isinstance(reply, Done | Prepared | Failed | Counted | Held | Ready):
                self._waiting.pop(number, None)
        if replies is not None:
            replies.put(reply)

    def _ending(self) -> str:
        """How it ended, in words that continue "the process ..."; asked for after its end."""
        code = self._process.wait()
        with self._lock:
            if not self._description:
                self._description = _in_words(code) + _last_words(self._stderr.fileno())
                self._stderr.close()
            return self._description


def _is_passed(name: str) -> bool:
    return name in _ENVIRONMENT or name.startswith(_ENVIRONMENT_PREFIXES)


def _in_words(code: int) -> str:
    if code >= 0:
        return f"ended (status {code})"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return f"was killed ({name}: often memory ran out)" if name == "SIGKILL" else f"crashed ({name})"


def _last_words(descriptor: int) -> str:
    """The last line that says something of what it wrote to stderr, after ": "; "" where there is none."""
    size = os.fstat(descriptor).st_size
    text = os.pread(descriptor, _STDERR_BYTES, max(0, size - _STDERR_BYTES)).decode("utf-8", "replace")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return f": {lines[-1][:_STDERR_CHARS].rstrip('.')}" if lines else ""
