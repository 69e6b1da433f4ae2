"""What this machine is called, as the kernel says."""

from __future__ import annotations

import ipaddress
import socket

import pytest

from ragedge.server import lan


def test_names_are_the_hosts_own(monkeypatch: pytest.MonkeyPatch) -> None:
    for host, names in (
        ("Box", ("box", "box.local")),
        ("box.local", ("box", "box.local")),
        ("box.example.org", ("box.example.org", "box", "box.local")),
        ("localhost", ()),
        ("", ()),
    ):
        monkeypatch.setattr(socket, "gethostname", lambda host=host: host)
        assert lan.own_names() == names


def test_addresses_are_those_that_can_be_listened_on() -> None:
    for text in lan.own_addresses():
        assert not ipaddress.ip_address(text).is_loopback
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.bind((text, 0))  # the kernel refuses an address that is not this machine's


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("::", False),
     ("192.168.1.2", False), ("box.local", False), ("", False), ("127.0.0.1.evil.example", False)],
)  # fmt: skip
def test_only_the_loopback_is_this_machine_only(host: str, expected: bool) -> None:
    assert lan.is_this_machine_only(host) is expected
