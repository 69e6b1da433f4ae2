"""`ragedge serve`: which address, whether with keys, and what is said at the start."""

from __future__ import annotations

import sys
import threading
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import IO, Any

from ragedge import terminal
from ragedge.config import Config, ServerConfig
from ragedge.errors import ConfigError, IndexReadOnly
from ragedge.keys import KeyFile
from ragedge.qr import terminal_code
from ragedge.server.access import Access
from ragedge.server.boxed import make_app, warm_up
from ragedge.server.certificate import Certificate, certificate_for
from ragedge.server.lan import is_this_machine_only, own_addresses, own_names
from ragedge.server.listening import serve

FIRST_KEY = "first"
"""Name of the owner's key that the first start with --lan makes."""


def listening(server: ServerConfig, *, host: str | None, port: int | None, lan: bool, tls: bool) -> ServerConfig:
    """The config's server with what was typed.

    Raises:
        ConfigError: no such port, HTTPS for nobody, or an address that others reach without keys.
    """
    lan = lan or server.lan
    wanted = replace(
        server, host=host or server.host, port=server.port if port is None else port, lan=lan, tls=tls or server.tls
    )
    if lan and host is None and is_this_machine_only(server.host):
        wanted = replace(wanted, host="0.0.0.0")
    if not 0 <= wanted.port <= 65_535:
        raise ConfigError(f"{wanted.port} is not a port", "use 1 to 65535")
    if not lan and not is_this_machine_only(wanted.host):
        raise ConfigError(
            f'"{wanted.host}" can be reached from other machines, and without keys everybody there could do everything',
            "add --lan, which asks for a key",
        )
    if wanted.tls and not lan:
        raise ConfigError("HTTPS is for a service that other machines reach", "add --lan, or leave --tls out")
    return wanted


def run(config: Config, assemble: Any, out: IO[str], config_file: Path | None = None) -> int:
    """Open the index, to be changed if nobody else writes to it, and serve until a signal comes."""
    certificate = make_certificate(config)
    access = open_access(config)
    try:
        box = assemble.open_box(config, mode="write", create=True, keeps_journal=True)
    except IndexReadOnly as error:
        print(f"{error.message}: documents can be asked, not changed", file=sys.stderr)
        box = assemble.open_box(config, keeps_journal=True)
    with box:
        for note in box.notes:
            print(note, file=sys.stderr)
        app = make_app(box, access, config_file)
        is_over = threading.Event()
        tell = partial(terminal.show_error, out=sys.stderr)
        threading.Thread(target=warm_up, args=(box, tell, is_over), name="warm-up", daemon=True).start()
        count = box.index.counts()
        print(f"{count.documents:,} documents, {count.chunks:,} passages; answers by {box.pipeline.engine}", file=out)
        meter = box.pipeline.energy
        print(f"energy per answer: {meter.name or f'not measurable: {meter.reason}'}", file=out)
        if config.answer.kind == "remote":
            print(f"questions and passages leave this box, to {config.answer.url}", file=sys.stderr)

        def say(url: str) -> None:
            # not before the port is ours: a key that nobody was shown would be the only one
            token = "" if access is None else first_key(access.file)
            say_where(config, url, token, certificate, out)

        try:
            serve(app, config.server.host, config.server.port, say, certificate)
        finally:
            is_over.set()
    return 0


def open_access(config: Config) -> Access | None:
    """The keys of a service on the network; None on this machine only.

    Raises:
        ConfigError: the file of keys is damaged.
    """
    if not config.server.lan:
        return None
    return Access(KeyFile(config.keys_file), guests=config.server.guests, is_secure=config.server.tls)


def first_key(file: KeyFile) -> str:
    """The token of the owner's key that is made where there is no key at all; "" where there is one."""
    return "" if file.read().keys else file.add(FIRST_KEY, "owner")[1]


def make_certificate(config: Config) -> Certificate | None:
    """The certificate of a service with HTTPS.

    Raises:
        ConfigError: what lies there cannot be read.
    """
    if not config.server.tls:
        return None
    names = (*own_names(), *own_addresses(), *config.server.allowed_hosts)
    return certificate_for(Path(config.indexes_folder) / ".tls", names)


def say_where(config: Config, url: str, token: str, certificate: Certificate | None, out: IO[str]) -> None:
    """Tell people where the service is, and the first key once."""
    if not config.server.lan:
        print(f"Open {url}/   (Ctrl-C ends)", file=out, flush=True)
        return
    scheme, port = url.partition("://")[0], url.rpartition(":")[2]
    hosts = own_addresses() if config.server.host in ("0.0.0.0", "::") else ()
    addresses = [f"{scheme}://{host}:{port}" for host in hosts] or [url]
    print(f"Open {' or '.join(f'{address}/' for address in addresses)}   (Ctrl-C ends)", file=out)
    if certificate is not None:
        print(
            f"The certificate is self-made: browsers warn once. Compare its SHA-256:\n{certificate.fingerprint}",
            file=out,
        )
    if config.server.guests:
        print("Whoever reaches it may ask without a key; documents need a curator's.", file=out)
    if token:
        link = f"{addresses[0]}/login#key={token}"
        print(f"\nThe first key, for the owner of this box; it is shown this once:\n\n    {token}\n", file=out)
        print("Or point a phone's camera here; this logs it in as owner:\n", file=out)
        print(terminal_code(link, has_colours=out.isatty()), file=out)
        print("\nMore keys: ragedge keys add NAME --role visitor|curator|owner", file=out)
    out.flush()
