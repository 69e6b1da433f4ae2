"""The self-made certificate: for these names, kept, made anew with the same key, its key for the owner alone."""

from __future__ import annotations

import ipaddress
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from ragedge.errors import ConfigError
from ragedge.server.certificate import Certificate, certificate_for

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def load(found: Certificate) -> x509.Certificate:
    return x509.load_pem_x509_certificate(found.certificate_path.read_bytes())


def test_it_names_this_machine_and_nobody_else(tmp_path: Path) -> None:
    found = certificate_for(tmp_path / "tls", ["box.local", "192.168.1.20", "fd00::1"], now=NOW)
    certificate = load(found)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert set(names.get_values_for_type(x509.DNSName)) == {"localhost", "box.local"}
    assert set(names.get_values_for_type(x509.IPAddress)) == {
        ipaddress.ip_address(text) for text in ("127.0.0.1", "::1", "192.168.1.20", "fd00::1")
    }
    assert certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca is False
    assert certificate.not_valid_after_utc - certificate.not_valid_before_utc <= timedelta(days=825)
    assert found.fingerprint.replace(":", "") == certificate.fingerprint(hashes.SHA256()).hex().upper()
    assert len(found.fingerprint) == 95
    certificate.verify_directly_issued_by(certificate)


def test_the_key_is_for_its_owner_alone(tmp_path: Path) -> None:
    found = certificate_for(tmp_path / "tls", [], now=NOW)
    assert stat.S_IMODE(found.key_path.stat().st_mode) == 0o600
    found.key_path.chmod(0o644)
    certificate_for(tmp_path / "tls", [], now=NOW)
    assert stat.S_IMODE(found.key_path.stat().st_mode) == 0o600


def test_it_is_kept_until_it_ends_or_a_name_is_missing_and_its_key_stays(tmp_path: Path) -> None:
    first = certificate_for(tmp_path, ["a.local", "b.local"], now=NOW)
    key = first.key_path.read_bytes()
    assert certificate_for(tmp_path, ["b.local"], now=NOW + timedelta(days=700)) == first
    named = certificate_for(tmp_path, ["c.local"], now=NOW)
    assert named.fingerprint != first.fingerprint
    renewed = certificate_for(tmp_path, ["c.local"], now=NOW + timedelta(days=800))
    assert renewed.fingerprint != named.fingerprint and load(renewed).not_valid_after_utc > NOW + timedelta(days=1600)
    assert first.key_path.read_bytes() == key
    held = load(renewed).public_key()
    first.key_path.unlink()
    other = certificate_for(tmp_path, ["c.local"], now=NOW + timedelta(days=800))
    assert other.fingerprint != renewed.fingerprint and load(other).public_key() != held


@pytest.mark.parametrize("name", ["key.pem", "certificate.pem"])
@pytest.mark.parametrize(
    "content", [b"", b"nonsense", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"]
)
def test_what_is_not_one_is_said_and_left_alone(tmp_path: Path, name: str, content: bytes) -> None:
    certificate_for(tmp_path, [], now=NOW)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ConfigError):
        certificate_for(tmp_path, [], now=NOW)
    assert (tmp_path / name).read_bytes() == content
