"""What this machine is called on its network: its names, and the addresses of its interfaces.

Asks the kernel alone; nothing is sent.
"""

from __future__ import annotations

import fcntl
import ipaddress
import socket
import struct

_SIOCGIFADDR = 0x8915
"""Linux: the IPv4 address of an interface."""


def own_names() -> tuple[str, ...]:
    """The host's name, and the one that its neighbours find it by without a name server (mDNS)."""
    name = socket.gethostname().lower().removesuffix(".local")
    if not name or name == "localhost":
        return ()
    short = name.partition(".")[0]
    return tuple(dict.fromkeys((name, short, f"{short}.local")))


def own_addresses() -> tuple[str, ...]:
    """IPv4 addresses of the interfaces that are up, without the loopback; in the order of the interfaces."""
    found: list[str] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        for _, name in socket.if_nameindex():
            request = struct.pack("256s", name.encode()[:15])
            try:
                reply = fcntl.ioctl(probe.fileno(), _SIOCGIFADDR, request)
            except OSError:
                continue  # no address, or down
            address = ipaddress.IPv4Address(reply[20:24])
            if not address.is_loopback and str(address) not in found:
                found.append(str(address))
    return tuple(found)


def is_this_machine_only(host: str) -> bool:
    """Whether a service that listens there can be reached from this machine alone."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
