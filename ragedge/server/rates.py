"""Token buckets per caller: so much at once, so much a second; who takes more is told when to come back.

Costs are in tokens: a small reply is one, a question many. The number of buckets is bounded; the one that was used
longest ago goes first. Called from the event loop alone, so there is no lock.
"""

from __future__ import annotations

import ipaddress
import math
import time
from collections import OrderedDict
from collections.abc import Callable

from ragedge.errors import RateLimited

_MAX_CALLERS = 4_096


class Buckets:
    """One bucket for each caller.

    Args:
        per_second: tokens that flow in.
        burst: tokens that a full bucket holds.
        clock: monotonic seconds.
    """

    def __init__(self, per_second: float, burst: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_second = per_second
        self._burst = burst
        self._clock = clock
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, caller: str, cost: float) -> None:
        """Take `cost` tokens of a caller's bucket.

        Raises:
            RateLimited: there are not as many; none is taken.
        """
        now = self._clock()
        level, since = self._levels.get(caller, (self._burst, now))
        level = min(self._burst, level + (now - since) * self._per_second)
        cost = min(cost, self._burst)  # what costs more than a full bucket could never be had
        if level < cost:
            wait = math.ceil((cost - level) / self._per_second)
            raise RateLimited("too many requests from this address", f"try again in {wait} seconds", retry_after_s=wait)
        self._put(caller, level - cost, now)

    def drain(self, caller: str, cost: float) -> None:
        """Take up to `cost` tokens without a refusal: for what has happened already."""
        now = self._clock()
        level, since = self._levels.get(caller, (self._burst, now))
        level = min(self._burst, level + (now - since) * self._per_second)
        self._put(caller, max(0.0, level - cost), now)

    def _put(self, caller: str, level: float, now: float) -> None:
        self._levels[caller] = (level, now)
        self._levels.move_to_end(caller)
        if len(self._levels) > _MAX_CALLERS:
            self._levels.popitem(last=False)


def caller_of(address: str) -> str:
    """The bucket of an address: an IPv4 address, or the /64 that one IPv6 machine picks its addresses from."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)
