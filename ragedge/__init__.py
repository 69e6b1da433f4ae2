"""ragedge: ask your own documents on a box with no network.

`ragedge.Client` talks to a running service; it is loaded when it is first used, so that importing the package stays
cheap.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ragedge.client import Client

__version__ = "0.1.0"
__all__ = ["Client", "__version__"]


def __getattr__(name: str) -> Any:
    if name == "Client":
        return importlib.import_module("ragedge.client").Client
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
