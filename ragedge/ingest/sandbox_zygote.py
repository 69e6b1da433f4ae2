"""The parent's side of the long-lived reading process: start it, hand it a file, hear how that ended, end it.

It runs isolated (`python -I`): neither the folder one happens to be in nor PYTHONPATH can slip a module in, which
matters where that folder holds other people's files. Its environment is a short list.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

from ragedge.errors import PackageMissing
from ragedge.ingest.sandbox_wire import READY, STOP

START_SECONDS = 120.0
"""Longest start: importing the readers takes 0.5 s on a PC and a few seconds on a Pi with a cold SD card."""
ANSWER_SECONDS = 10.0
"""How long the end of a killed fork may take to be reported; freeing a gigabyte takes well under a second."""
_ENVIRONMENT = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "TESSDATA_PREFIX", "TMPDIR")
_BOOT = (
    "import sys; sys.path.insert(0, sys.argv[1]); from ragedge.ingest.sandbox_child import main; main(int(sys.argv[2]))"
)


class ZygoteGone(Exception):
    """The reading process is not there any more."""


class Zygote:
    """One running reading process.

    Raises:
        PackageMissing: it does not start.
    """

    def __init__(self) -> None:
        self._control, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._control.settimeout(ANSWER_SECONDS)
        self._kill_lock = threading.Lock()
        root = str(Path(__file__).resolve().parents[2])
        environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
        with other:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-c", _BOOT, root, str(other.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(other.fileno(),),
                start_new_session=True,  # Ctrl-C is for the caller, who then ends this in order
                env={**environment, "OMP_THREAD_LIMIT": "1", "OPENBLAS_NUM_THREADS": "1"},
            )
        try:
            self._control.settimeout(START_SECONDS)
            if self._receive() != READY:
                raise ZygoteGone
        except ZygoteGone as error:
            self.kill()
            hint = f"try: {sys.executable} -c 'import ragedge.ingest.sandbox_child'"
            raise PackageMissing("the process that reads documents does not start", hint) from error
        self._control.settimeout(ANSWER_SECONDS)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def start(self, request: bytes) -> int:
        """Have a file read; the descriptor its frames come through, to be closed by the caller.

        Raises:
            ZygoteGone: it has ended.
        """
        ours, theirs = os.pipe2(os.O_CLOEXEC)
        try:
            socket.send_fds(self._control, [request], [theirs])
        except OSError as error:
            os.close(ours)
            raise ZygoteGone from error
        finally:
            os.close(theirs)
        return ours

    def finish(self) -> int:
        """Wait status of the fork whose pipe has ended.

        Raises:
            ZygoteGone: it has ended, or does not answer.
        """
        answer = self._receive()
        if not answer.isdigit():
            raise ZygoteGone
        return int(answer)

    def stop(self) -> None:
        """Kill the fork and wait for its end; where that fails, the whole process goes."""
        try:
            self._control.send(STOP)
            self.finish()
        except (OSError, ZygoteGone):
            self.kill()

    def kill(self) -> None:
        """End the process and all it started, at once; safe from any thread, any number of times."""
        with self._kill_lock:
            with contextlib.suppress(OSError):
                self._process.kill()
            with contextlib.suppress(OSError):
                self._control.shutdown(socket.SHUT_RDWR)
            self._process.wait()

    def _receive(self) -> bytes:
        try:
            answer = self._control.recv(256)
        except OSError as error:
            raise ZygoteGone from error
        if not answer:
            raise ZygoteGone
        return answer
