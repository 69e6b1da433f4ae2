"""Keys on disk: found again by their token alone, kept as digests, changed whole or not at all."""

from __future__ import annotations

import hmac
import json
import multiprocessing
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragedge import keys
from ragedge.errors import ConfigError, InputError, NotFound
from ragedge.keys import ROLES, KeyFile, digest_of


@pytest.fixture
def file(tmp_path: Path) -> KeyFile:
    return KeyFile(tmp_path / "indexes" / ".keys.json", clock=lambda: 1_000.0)


def test_a_key_is_found_by_its_token_and_by_nothing_else(file: KeyFile) -> None:
    made = {role: file.add(role, role) for role in ROLES}
    ring = file.read()
    for role, (key, token) in made.items():
        assert ring.find(token) == key and key.role == role
        for other in (token[:-1], token + "A", token.swapcase(), key.id, key.name, key.digest, "", " " + token):
            assert ring.find(other) is None
    assert len({token for _, token in made.values()}) == 3
    assert all(len(token) == len("ragedge_") + 43 and token.startswith("ragedge_") for _, token in made.values())


def test_every_key_is_compared_in_constant_time(file: KeyFile, monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = [file.add(f"k{n}", "visitor")[1] for n in range(5)]
    ring, calls = file.read(), []
    real = hmac.compare_digest

    def counting(one: str, other: str) -> bool:
        calls.append((one, other))
        return real(one, other)

    monkeypatch.setattr(keys.hmac, "compare_digest", counting)
    for token in (tokens[0], tokens[4], "wrong"):
        calls.clear()
        ring.find(token)
        assert [one for one, _ in calls] == [key.digest for key in ring.keys]


@given(st.text())
def test_any_text_has_a_digest(text: str) -> None:
    assert len(digest_of(text)) == 64


def test_the_file_is_for_its_owner_alone_and_holds_no_token(file: KeyFile) -> None:
    key, token = file.add("desk", "curator")
    number = file.open_session(key.id, 60)
    for path in file.path.parent.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
        content = path.read_bytes()
        assert token.encode() not in content and token[8:].encode() not in content and number.encode() not in content
    assert sorted(path.name for path in file.path.parent.iterdir()) == [".keys.json", ".keys.json.lock"]


def test_a_revoked_key_is_gone_with_its_sessions(file: KeyFile) -> None:
    (one, token), (other, _) = file.add("one", "visitor"), file.add("other", "visitor")
    file.open_session(one.id, 60)
    kept = file.open_session(other.id, 60)
    assert file.revoke("one") == one
    ring = file.read()
    assert ring.find(token) is None and ring.keys == (other,)
    assert [session.digest for session in ring.sessions] == [digest_of(kept)]
    assert file.revoke(other.id) == other and file.read().keys == ()
    with pytest.raises(NotFound):
        file.revoke("one")
    with pytest.raises(NotFound):
        file.open_session(one.id, 60)
    assert file.add("one", "owner")[1] != token


@pytest.mark.parametrize("name", ["", ".x", "-x", "_x", "a b", "a/b", "a\nb", "x" * 65, "\x1b[31m", "a\u202eb", '"'])
def test_names_are_plain(file: KeyFile, name: str) -> None:
    with pytest.raises(InputError):
        file.add(name, "visitor")


def test_a_name_is_given_once(file: KeyFile) -> None:
    key, _ = file.add("Empfang-1.OG", "visitor")
    for name in (key.name, key.id):
        with pytest.raises(InputError):
            file.add(name, "owner")


def test_sessions_end_and_make_room(file: KeyFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "_MAX_SESSIONS", 3)
    now = 1_000.0
    file = KeyFile(file.path, clock=lambda: now)
    key, other = file.add("desk", "visitor")[0], file.add("other", "visitor")[0]
    elsewhere = file.open_session(other.id, 1_000)
    numbers = [file.open_session(key.id, 100) for _ in range(5)]
    held = [session.digest for session in file.read().sessions]
    assert held == [digest_of(number) for number in (elsewhere, *numbers[2:])]
    file.close_session(numbers[3])
    file.close_session("never was")
    assert len(file.read().sessions) == 3
    now = 1_101.0
    last = file.open_session(key.id, 100)
    assert [session.digest for session in file.read().sessions] == [digest_of(elsewhere), digest_of(last)]


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"{}", b'{"id":"a","keys":"x"}', b'{"id":"a","keys":[{"id":"x"}]}', b'{"id":"a","format":2}',
     b"\xff", b'{"id":"a","keys":[{"id":"a","name":"b","role":"god","created_at":"","digest":""}]}'],
)  # fmt: skip
def test_a_damaged_file_is_said_and_never_overwritten(file: KeyFile, content: bytes) -> None:
    file.path.parent.mkdir()
    file.path.write_bytes(content)
    for work in (file.read, lambda: file.add("x", "owner"), lambda: file.revoke("x"), lambda: file.close_session("x")):
        with pytest.raises(ConfigError):
            work()
    assert file.path.read_bytes() == content


def test_a_write_that_fails_leaves_the_old_keys(file: KeyFile, monkeypatch: pytest.MonkeyPatch) -> None:
    file.add("one", "visitor")
    before = file.path.read_bytes()

    def fail(self: Path, target: Path) -> None:
        raise OSError(5, "broken")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", fail)
        with pytest.raises(ConfigError):
            file.add("two", "visitor")
    assert file.path.read_bytes() == before and not list(file.path.parent.glob("*.part"))
    file.add("three", "visitor")
    assert [key.name for key in file.read().keys] == ["one", "three"]


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "indexes").write_text("a file where the folder should be")
    with pytest.raises(ConfigError) as caught:
        KeyFile(tmp_path / "indexes" / ".keys.json").add("one", "visitor")
    assert "cannot be written" in caught.value.message


def _add_some(path: Path, start: int) -> None:
    for n in range(start, start + 10):
        KeyFile(path).add(f"k{n}", "visitor")


def test_two_processes_lose_no_key(file: KeyFile) -> None:
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=_add_some, args=(file.path, start)) for start in (0, 10, 20)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0
    assert len(file.read().keys) == 30


def test_every_change_shows_in_the_version(file: KeyFile) -> None:
    seen = [file.version()]
    key, _ = file.add("one", "visitor")
    seen.append(file.version())
    number = file.open_session(key.id, 60)
    seen.append(file.version())
    file.close_session(number)
    seen.append(file.version())
    file.revoke("one")
    seen.append(file.version())
    assert len(set(seen)) == 5 and seen[0] == ()
    assert json.loads(file.path.read_bytes())["format"] == 1
