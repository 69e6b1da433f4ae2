"""Runs a command with no network but the loopback: `python .ci/offline.py make test` (Linux, as root).

The command gets a network namespace of its own, in which only 127.0.0.1 exists. What tries to call out fails there, at
once and for sure, whatever language it is written in.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
import sys

CLONE_NEWNET = 0x40000000
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 0x1


def leave_network() -> None:
    """Move this process into an empty network namespace and bring its loopback up. Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        request = struct.pack("16sH14s", b"lo", 0, b"")
        flags = struct.unpack("16sH14s", fcntl.ioctl(sock, SIOCGIFFLAGS, request))[1]
        fcntl.ioctl(sock, SIOCSIFFLAGS, struct.pack("16sH14s", b"lo", flags | IFF_UP, b""))


def main() -> int:
    """Run the command; exit code 77 where this machine does not let us leave the network."""
    if len(sys.argv) < 2:
        print("usage: python .ci/offline.py COMMAND ...", file=sys.stderr)
        return 2
    try:
        leave_network()
    except OSError as error:
        print(f"no network namespace to be had here: {error}", file=sys.stderr)
        return 77
    os.execvp(sys.argv[1], sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
