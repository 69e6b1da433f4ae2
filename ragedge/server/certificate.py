"""A self-made certificate for HTTPS on the local network: made once, kept, made anew when it ends or names change.

Nobody vouches for it: browsers warn, and people compare the fingerprint that the service prints. The private key is
for its owner's eyes alone, and stays the same when the certificate is made anew.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ragedge.errors import ConfigError
from ragedge.index.disk import write_whole

#: Apple's systems refuse certificates that are valid for longer.
_VALID_DAYS = 825
_RENEW_DAYS = 30
_LOCAL = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Certificate:
    """Where it lies, and the SHA-256 that browsers show for it ("AB:CD:..")."""

    certificate_path: Path
    key_path: Path
    fingerprint: str


def certificate_for(folder: Path, names: Iterable[str], *, now: datetime | None = None) -> Certificate:
    """The certificate in `folder` for these host names and addresses and the loopback's; made where there is none.

    Raises:
        ConfigError: what lies there cannot be read.
    """
    now = now or datetime.now(UTC)
    wanted = tuple(dict.fromkeys((*_LOCAL, *names)))
    certificate_path, key_path = folder / "certificate.pem", folder / "key.pem"
    folder.mkdir(parents=True, exist_ok=True)
    key = _key(key_path)
    found = _read(certificate_path)
    if found is None or not _is_good(found, key, wanted, now):
        found = _make(key, wanted, now)
        write_whole(certificate_path, found.public_bytes(serialization.Encoding.PEM))
    digest = found.fingerprint(hashes.SHA256()).hex().upper()
    return Certificate(certificate_path, key_path, ":".join(digest[i : i + 2] for i in range(0, len(digest), 2)))


def _key(path: Path) -> ec.EllipticCurvePrivateKey:
    try:
        if path.exists():
            path.chmod(0o600)
            key = serialization.load_pem_private_key(path.read_bytes(), password=None)
            if not isinstance(key, ec.EllipticCurvePrivateKey):
                raise ValueError("another kind of key")
            return key
    except (OSError, ValueError, TypeError) as error:
        raise ConfigError(f'"{path}" is not the key of a certificate', "delete it: a new one is made") from error
    key = ec.generate_private_key(ec.SECP256R1())
    form = serialization.PrivateFormat.PKCS8
    data = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    write_whole(path, data, mode=0o600)
    return key


def _read(path: Path) -> x509.Certificate | None:
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise ConfigError(f'"{path}" is not a certificate', "delete it: a new one is made") from error


def _is_good(
    certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey, wanted: tuple[str, ...], now: datetime
) -> bool:
    if certificate.public_key() != key.public_key():
        return False
    if certificate.not_valid_after_utc < now + timedelta(days=_RENEW_DAYS) or certificate.not_valid_before_utc > now:
        return False
    try:
        held = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return False
    return set(_alternatives(wanted)) <= set(held)


def _make(key: ec.EllipticCurvePrivateKey, wanted: tuple[str, ...], now: datetime) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ragedge")])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))  # small boards without a clock of their own run behind
        .not_valid_after(now + timedelta(days=_VALID_DAYS - 1))
        .add_extension(x509.SubjectAlternativeName(_alternatives(wanted)), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )


def _alternatives(names: Iterable[str]) -> list[x509.GeneralName]:
    found: list[x509.GeneralName] = []
    for name in names:
        try:
            found.append(x509.IPAddress(ipaddress.ip_address(name)))
        except ValueError:
            if name.isascii():
                found.append(x509.DNSName(name))
    return found
