"""Readers that misbehave on purpose, and files made to hurt; used by the tests of the sandbox."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from ragedge.contracts import Block, Page, ReadOptions
from ragedge.ingest.readers.parts import Part


def abort(stream: BinaryIO, options: ReadOptions) -> Iterator[Part]:
    """Ends by SIGABRT after one good page."""
    yield Page(1, None, "before")
    os.abort()


def segfault(stream: BinaryIO, options: ReadOptions) -> Iterator[Part]:
    """Reads from address zero."""
    ctypes.string_at(0)
    yield Page(1, None, "never")


def leave(stream: BinaryIO, options: ReadOptions) -> Iterator[Part]:
    """Ends the process without a word."""
    os._exit(7)
    yield Page(1, None, "never")


def hang(stream: BinaryIO, options: ReadOptions) -> Iterator[Part]:
    """Sleeps for good, with a child process that sleeps too; says its children's ids first."""
    child = subprocess.Popen(["sleep", "1000"])
    yield Page(1, None, f"{os.getpid()} {child.pid}")
    time.sleep(1_000)


def spin(stream: BinaryIO, options: ReadOptions) -> Iterator[Part]:
    """Computes for good and deaf to polite signals."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    yield Page(1, None, "before")
    while True:
        pass


def trickle(stream: BinaryIO, options: ReadOptions) -> Iterator[Part]:
    """A page now and then, without end: never stalls, never finishes."""
    number = 0
    while True:
        number += 1
        time.sleep(0.02)
        yield Page(number, None, "x")


def eat_memory(stream: BinaryIO, options: ReadOptions) -> Iterator[Part]:
    """Takes memory until there is none."""
    held = []
    while True:
        held.append(bytearray(16 * 2**20))
    yield Page(1, None, "never")


def flood(stream: BinaryIO, options: ReadOptions) -> Iterator[Part]:
    """Writes more than is taken."""
    for number in range(1, 1_000_000):
        yield Page(number, None, "flood " * 10_000)


def lie(stream: BinaryIO, options: ReadOptions) -> Iterator[Part]:
    """A block beyond the text of its page."""
    yield Page(1, None, "short", "text", (Block("text", 0, 500),))


def write_a_file(stream: BinaryIO, options: ReadOptions) -> Iterator[Part]:
    """Tries to fill the disk, then tells how far it came."""
    path = Path(options.passwords[0])
    try:
        written = path.write_bytes(b"x" * 1_000)
    except OSError:
        written = 0
    yield Page(1, None, f"wrote {written}")


def call_out(stream: BinaryIO, options: ReadOptions) -> Iterator[Part]:
    """Lists the network interfaces that are up beside the loopback."""
    names = [line.split(":")[0].strip() for line in Path("/proc/net/dev").read_text().splitlines()[2:]]
    yield Page(1, None, "interfaces: " + ",".join(sorted(set(names) - {"lo"})))


def zip_bomb(path: Path, name: str, size: int) -> Path:
    """A zip whose part `name` unpacks to `size` bytes of nothing."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open(name, "w", force_zip64=True) as part:
        for _ in range(size // 2**20):
            part.write(b"\0" * 2**20)
    return path


_STEPS = "".join('<!ENTITY lol{} "{}">'.format(i, f"&lol{i - 1};" * 10) for i in range(1, 10))
BILLION_LAUGHS = f'<!DOCTYPE lolz [<!ENTITY lol0 "lol">{_STEPS}]><lolz>&lol9;</lolz>'
