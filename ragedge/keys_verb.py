"""`ragedge keys add|list|revoke`: who may use the service from other machines."""

from __future__ import annotations

from typing import IO

from ragedge.errors import InputError
from ragedge.keys import KeyFile, Role


def run(file: KeyFile, action: str, name: str | None, role: Role, out: IO[str]) -> int:
    """Do it; returns the exit code.

    Raises:
        InputError: no name was given where one is needed, or it is taken or unknown.
    """
    if action == "list":
        return _list(file, out)
    if not name:
        raise InputError(f'"keys {action}" needs the name of a key', f"ragedge keys {action} NAME")
    if action == "revoke":
        key = file.revoke(name)
        print(f'revoked "{key.name}" ({key.role}); whoever used it is shut out from now on', file=out)
        return 0
    key, token = file.add(name, role)
    print(f'a new key "{key.name}" for a {key.role}; it is shown this once:\n\n    {token}\n', file=out)
    return 0


def _list(file: KeyFile, out: IO[str]) -> int:
    ring = file.read()
    for key in ring.keys:
        print(f"{key.id}  {key.role:<8}  {key.created_at}  {key.name}", file=out)
    if not ring.keys:
        print("there are no keys; make one: ragedge keys add NAME --role visitor", file=out)
    return 0
