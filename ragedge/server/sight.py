"""What a caller may read: role and kind of service -> collections, and the index as far as they reach.

Every route that reads documents asks here; a test holds them to it. Who may read everything gets the index itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from litestar import Request

from ragedge.search.collections import Collections, Sight
from ragedge.server.access import Caller
from ragedge.server.settings import Reading, Service


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks: `client` as far as a fair queue needs it (the address of the other end, kept nowhere), and what they
    may read (names of collections; None: everything)."""

    client: str
    readable: tuple[str, ...] | None


def sight_of(request: Request[Any, Any, Any]) -> Sight:
    """As what a caller reads.

    Without keys everybody is the owner; but where there is a kiosk, those who stand before it are guests.
    """
    state = request.app.state
    caller: Caller = request.scope["state"]["caller"]
    is_kiosk = state.service.access is None and state.settings.kiosk is not None
    if caller.role is None or is_kiosk or (caller.role == "visitor" and caller.key is None):
        return "guest"
    return caller.role


def readable(request: Request[Any, Any, Any]) -> tuple[str, ...] | None:
    """Names of the collections that a caller may read; None: everything."""
    return collections_of(request.app.state.service).readable(sight_of(request))


def asker_of(request: Request[Any, Any, Any]) -> Asker:
    """Who asks a question."""
    return Asker(request.client.host if request.client is not None else "", readable(request))


def index_for(request: Request[Any, Any, Any], collection: str = "") -> Reading:
    """The index as a caller may read it.

    Raises:
        NotFound: there is no such collection, or not for them.
    """
    service: Service = request.app.state.service
    if service.parts is None:
        return service.index
    return service.parts.index(readable(request), collection)


def collection_views(request: Request[Any, Any, Any]) -> list[dict[str, Any]]:
    """The collections that a caller may read, with how many documents they find there; [] where there is one alone."""
    parts = request.app.state.service.parts
    if parts is None or not parts.collections.are_configured:
        return []
    counts = parts.sorting.counts(readable(request))
    titles = {collection.name: collection.title for collection in parts.collections.all}
    return [{"name": name, "title": titles[name], "documents": count} for name, count in counts.items()]


def collections_of(service: Service) -> Collections:
    """All collections of the service's index."""
    return Collections() if service.parts is None else service.parts.collections
