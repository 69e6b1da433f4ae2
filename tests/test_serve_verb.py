"""`ragedge serve` and `ragedge keys` as typed: which address, which refusals, what is said, and only once."""

from __future__ import annotations

import io
import os
import re
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import segno

import ragedge
from ragedge.cli import main
from ragedge.config import Config, ServerConfig, load_config
from ragedge.errors import ConfigError, NotAuthenticated
from ragedge.keys import KeyFile
from ragedge.qr import terminal_code
from ragedge.serve_verb import first_key, listening, make_certificate, open_access, say_where

PLAIN = {"host": None, "port": None, "lan": False, "tls": False}


def test_the_default_is_this_machine_without_keys() -> None:
    server = listening(ServerConfig(), **PLAIN)  # type: ignore[arg-type]
    assert (server.host, server.port, server.lan, server.tls) == ("127.0.0.1", 8321, False, False)
    assert open_access(Config(server=server)) is None and make_certificate(Config(server=server)) is None


@pytest.mark.parametrize(
    ("config", "typed", "expected"),
    [
        (ServerConfig(), {"lan": True}, ("0.0.0.0", 8321, True, False)),
        (ServerConfig(lan=True), {}, ("0.0.0.0", 8321, True, False)),
        (ServerConfig(lan=True, host="10.0.0.5"), {}, ("10.0.0.5", 8321, True, False)),
        (ServerConfig(), {"lan": True, "host": "127.0.0.1"}, ("127.0.0.1", 8321, True, False)),
        (ServerConfig(), {"lan": True, "tls": True, "port": 0}, ("0.0.0.0", 0, True, True)),
        (ServerConfig(), {"host": "127.0.0.2"}, ("127.0.0.2", 8321, False, False)),
    ],
)
def test_what_is_typed_goes_before_the_config(config: ServerConfig, typed: dict, expected: tuple) -> None:
    server = listening(config, **{**PLAIN, **typed})
    assert (server.host, server.port, server.lan, server.tls) == expected


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"host": "0.0.0.0"}, "--lan"), ({"host": "::"}, "--lan"), ({"host": "192.168.1.5"}, "--lan"),
        ({"host": "box.local"}, "--lan"), ({"tls": True}, "--lan"), ({"port": 70_000}, "65535"),
        ({"port": -1}, "65535"),
    ],
)  # fmt: skip
def test_nothing_is_opened_to_others_without_keys(typed: dict, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        listening(ServerConfig(), **{**PLAIN, **typed})
    assert words in caught.value.hint


def test_a_config_can_do_the_same(tmp_path: Path) -> None:
    path = tmp_path / "c.toml"
    path.write_text("[server]\nlan = true\ntls = true\nguests = true\ntokens_per_second = 5.0\n")
    config = load_config(path)
    server = listening(config.server, **PLAIN)  # type: ignore[arg-type]
    assert (server.host, server.lan, server.tls, server.guests) == ("0.0.0.0", True, True, True)
    access = open_access(replace(config, indexes_folder=str(tmp_path), server=server))
    assert access is not None and access.guest.role == "visitor" and access.cookie("x", 1).startswith("__Host-")
    with pytest.raises(ConfigError):
        path.write_text("[server]\nhost = '0.0.0.0'\n")
        listening(load_config(path).server, **PLAIN)  # type: ignore[arg-type]


def said(config: Config, token: str) -> str:
    out = io.StringIO()
    say_where(config, "http://10.0.0.5:8321", token, None, out)
    return out.getvalue()


def test_the_first_key_is_made_once_and_shown_with_its_code(tmp_path: Path) -> None:
    config = Config(server=ServerConfig(lan=True, host="10.0.0.5"), indexes_folder=str(tmp_path))
    file = KeyFile(config.keys_file)
    token = first_key(file)
    key = file.read().find(token)
    assert key is not None and key.role == "owner" and first_key(file) == ""
    text = said(config, token)
    assert text.count(token) == 1 and "Open http://10.0.0.5:8321/" in text
    assert terminal_code(f"http://10.0.0.5:8321/login#key={token}", has_colours=False) in text
    assert token not in said(config, "")


def modules_of(lines: list[str]) -> list[list[bool]]:
    """Half blocks back into modules."""
    rows = []
    for line in lines:
        rows.append([c in "▀█" for c in line])
        rows.append([c in "▄█" for c in line])
    return rows


@pytest.mark.parametrize("text", ["a", "http://192.168.1.20:8321/login#key=ragedge_" + "A" * 43, "ä€漢" * 20])
def test_the_code_in_the_terminal_is_the_code(text: str) -> None:
    lines = terminal_code(text, has_colours=False).split("\n")
    found = modules_of(lines)
    wanted = [[bool(m) for m in row] for row in segno.make(text, error="l", micro=False).matrix]
    size = len(wanted)
    assert [row[2 : 2 + size] for row in found[2 : 2 + size]] == wanted
    assert len({len(line) for line in lines}) == 1 and size + 4 == len(lines[0])
    assert not any(any(row) for row in (*found[:2], *found[2 + size :]))  # light all around
    coloured = terminal_code(text, has_colours=True)
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == "\n".join(lines) and coloured.endswith("\x1b[0m")


def run(folder: Path, *arguments: str) -> int:
    here = Path.cwd()
    os.chdir(folder)
    try:
        return main(list(arguments))
    finally:
        os.chdir(here)


def test_keys_are_added_listed_and_revoked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, "keys", "list") == 0
    assert "there are no keys" in capsys.readouterr().out
    assert run(tmp_path, "keys", "add", "front-desk") == 0
    token = re.search(r"ragedge_[\w-]{43}", capsys.readouterr().out)
    assert token is not None
    assert run(tmp_path, "keys", "add", "office", "--role", "curator") == 0
    file = KeyFile(tmp_path / "indexes" / ".keys.json")
    assert file.read().find(token[0]).role == "visitor"  # type: ignore[union-attr]
    capsys.readouterr()
    assert run(tmp_path, "keys", "list") == 0
    listed = capsys.readouterr().out
    assert "front-desk" in listed and "curator" in listed and token[0] not in listed
    assert not any(key.digest in listed for key in file.read().keys)
    assert run(tmp_path, "keys", "revoke", "front-desk") == 0
    assert file.read().find(token[0]) is None
    for arguments in (("revoke", "front-desk"), ("revoke",), ("add",), ("add", "office"), ("add", "a b")):
        assert run(tmp_path, "keys", *arguments) == 3
    with pytest.raises(SystemExit):
        run(tmp_path, "keys", "add", "x", "--role", "god")


def _hear_interrupts() -> None:
    """Jobs in the background of a shell ignore Ctrl-C, and so would what they start."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_serve_with_keys_from_the_command_to_a_refusal_and_an_answer(tmp_path: Path) -> None:
    """The command as typed, in its own process: what it prints opens it, and nothing else does."""
    config = tmp_path / "box.toml"
    config.write_text('[answer]\nkind = "extractive"\n[embedder]\nkind = "llama"\n')
    verb = ["serve", "--lan", "--host", "127.0.0.1", "--port", "0"]
    command = [sys.executable, "-m", "ragedge", "--config", str(config), *verb]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent), "PYTHONUNBUFFERED": "1"}
    tokens = []
    for _ in range(2):
        process = subprocess.Popen(
            command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True, preexec_fn=_hear_interrupts
        )
        try:
            assert process.stdout is not None
            lines = []
            for line in process.stdout:
                lines.append(line)
                if ("Open http" in line and tokens) or "More keys:" in line:
                    break
            text = "".join(lines)
            url = re.search(r"http://127\.0\.0\.1:\d+", text)
            assert url is not None, text
            tokens += re.findall(r"^    (ragedge_[\w-]{43})$", text, re.MULTILINE)
            assert len(tokens) == 1, "shown at the first start, and at no other"
            with ragedge.Client(url[0]) as client, pytest.raises(NotAuthenticated):
                client.health()
            with ragedge.Client(url[0], key=tokens[0]) as client:
                assert client.health().status == "ok"
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=30)
        assert process.returncode == 130
