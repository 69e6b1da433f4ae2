"""Keys and sessions that open the service to other machines: made, listed, ended, found again; one file on this box.

Keys and session numbers are 256 random bits. Only their SHA-256 is kept, so that whoever gets hold of the file gets in
with nothing that stands in it; against values that nobody can guess, a slow hash meant for passwords would add nothing
but work for this box at every request. The file is written whole or not at all, for its owner's eyes alone. Knows no
server and no terminal.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import os
import re
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, get_args

import msgspec

from ragedge.errors import ConfigError, InputError, NotFound
from ragedge.index.disk import write_whole
from ragedge.views import encode, record_view

Role = Literal["visitor", "curator", "owner"]
ROLES: tuple[Role, ...] = get_args(Role)
"""Each may do what those before it may: ask; change documents; change settings."""

TOKEN_PREFIX = "ragedge_"
"""What every key begins with, so that people and programs that look for leaked secrets know one when they see it."""

_FORMAT = 1
_TOKEN_BYTES = 32
#: A list that is compared in full at every request stays short.
_MAX_KEYS = 1_000
#: Browsers that are logged in with one key; the one that logged in first makes room.
_MAX_SESSIONS = 500
_NAME = re.compile(r"[^\W_][\w.-]{0,63}")


@dataclass(frozen=True, slots=True)
class Key:
    """One key without its secret part. `digest` is the SHA-256 of the token in hex, `created_at` ISO 8601 in UTC."""

    id: str
    name: str
    role: Role
    created_at: str
    digest: str


@dataclass(frozen=True, slots=True)
class Session:
    """A browser that is logged in. `digest` is the SHA-256 of its number, `expires_at` seconds since 1970."""

    digest: str
    key_id: str
    expires_at: float


@dataclass(frozen=True, slots=True)
class KeyRing:
    """All keys and sessions. `id` names this file's cookies, so that two services on one host keep theirs apart."""

    id: str = ""
    keys: tuple[Key, ...] = ()
    sessions: tuple[Session, ...] = ()
    format: int = _FORMAT

    def find(self, token: str) -> Key | None:
        """The key whose token this is. Every key is compared, each in constant time, wherever the right one stands."""
        digest = digest_of(token)
        found = None
        for key in self.keys:
            if hmac.compare_digest(key.digest, digest):
                found = key
        return found


def digest_of(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


class KeyFile:
    """The file that holds keys and sessions; each change is a locked read and an atomic write.

    Args:
        path: where it lies; it and its folder are made with the first key.
        clock: seconds since 1970.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self.path = path
        self._clock = clock

    def read(self) -> KeyRing:
        """What it holds now; nothing where there is no file.

        Raises:
            ConfigError: it is damaged or cannot be read. Then nobody gets in, rather than anybody.
        """
        try:
            ring = msgspec.json.decode(self.path.read_bytes(), type=KeyRing)
        except FileNotFoundError:
            return KeyRing()
        except (OSError, msgspec.DecodeError) as error:
            raise ConfigError(
                f'the keys in "{self.path}" cannot be read', "restore the file, or delete it and make new keys"
            ) from error
        if ring.format != _FORMAT or not ring.id:
            raise ConfigError(f'the keys in "{self.path}" are of another version', "delete the file and make new keys")
        return ring

    def version(self) -> tuple[int, ...]:
        """Differs after every change of the file, by whatever process; () where there is none."""
        try:
            found = self.path.stat()
        except OSError:
            return ()
        return found.st_ino, found.st_mtime_ns, found.st_size

    def add(self, name: str, role: Role) -> tuple[Key, str]:
        """A new key and its token, which is told this once and never again.

        Raises:
            InputError: the name is taken or is not one, or there are too many keys.
            ConfigError: the file is damaged, or cannot be written.
        """
        if not _NAME.fullmatch(name):
            raise InputError(f'"{name[:80]}" is not a name for a key', "use letters, digits, '-', '_' and '.'")
        token = TOKEN_PREFIX + secrets.token_urlsafe(_TOKEN_BYTES)
        with self._changing() as ring:
            if any(name in (key.name, key.id) for key in ring.keys):
                raise InputError(f'there is a key "{name}" already', f"revoke it first: ragedge keys revoke {name}")
            if len(ring.keys) >= _MAX_KEYS:
                raise InputError(f"there are {_MAX_KEYS:,} keys already", "revoke some that are not used")
            now = datetime.fromtimestamp(self._clock(), UTC).isoformat(timespec="seconds")
            key = Key(secrets.token_hex(6), name, role, now, digest_of(token))
            self._write(replace(ring, keys=(*ring.keys, key)))
        return key, token

    def revoke(self, name: str) -> Key:
        """Take a key away by its name or id, with its sessions; the next request with it is refused.

        Raises:
            NotFound: there is none.
            ConfigError: the file is damaged, or cannot be written.
        """
        with self._changing() as ring:
            key = next((key for key in ring.keys if name in (key.name, key.id)), None)
            if key is None:
                raise NotFound(f'there is no key "{name[:80]}"', "see those there are: ragedge keys list")
            keys = tuple(other for other in ring.keys if other != key)
            sessions = tuple(session for session in ring.sessions if session.key_id != key.id)
            self._write(replace(ring, keys=keys, sessions=sessions))
        return key

    def open_session(self, key_id: str, seconds: float) -> str:
        """The number of a new session of a key; it is told this once and never again.

        Raises:
            NotFound: the key has been revoked meanwhile.
            ConfigError: the file is damaged, or cannot be written.
        """
        number = secrets.token_urlsafe(_TOKEN_BYTES)
        now = self._clock()
        with self._changing() as ring:
            if not any(key.id == key_id for key in ring.keys):
                raise NotFound("there is no such key any more", "see those there are: ragedge keys list")
            alive = [session for session in ring.sessions if session.expires_at > now]
            own = [session for session in alive if session.key_id == key_id]
            out = own[: max(0, len(own) - _MAX_SESSIONS + 1)]
            kept = [session for session in alive if session not in out]
            self._write(replace(ring, sessions=(*kept, Session(digest_of(number), key_id, now + seconds))))
        return number

    def close_session(self, number: str) -> None:
        """End a session; harmless where there is none.

        Raises:
            ConfigError: the file is damaged, or cannot be written.
        """
        digest = digest_of(number)
        with self._changing() as ring:
            kept = tuple(session for session in ring.sessions if session.digest != digest)
            if len(kept) != len(ring.sessions):
                self._write(replace(ring, sessions=kept))

    @contextmanager
    def _changing(self) -> Iterator[KeyRing]:
        """The keys, while nobody else changes them."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            lock = os.open(self.path.with_name(f"{self.path.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise self._not_written(error) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            ring = self.read()
            yield ring if ring.id else replace(ring, id=secrets.token_hex(4))
        finally:
            os.close(lock)

    def _write(self, ring: KeyRing) -> None:
        try:
            write_whole(self.path, encode(record_view(ring)), mode=0o600)
        except OSError as error:
            raise self._not_written(error) from error

    def _not_written(self, error: OSError) -> ConfigError:
        reason = error.strerror or type(error).__name__
        return ConfigError(f'the keys in "{self.path}" cannot be written: {reason}', "look at the folder's rights")
